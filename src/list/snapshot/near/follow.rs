//! Following the index to what is near.

use std::collections::BTreeMap;

use super::bands::{Band, Bands, masks, window};
use super::index::{Index, KEYS_AT_ONCE, Numbers, Part, Words, distance, native, number};
use super::plan::{Group, Plan};
use super::search::Found;
use super::table::PDQ_LEN;
use crate::image::Pdq;
use crate::list::snapshot::hints::{self, CountsBits};

/// What is searched, for what, and how.
pub(super) struct Search<'a> {
    pub(super) file: &'a [u8],
    pub(super) hashes: &'a [[u8; PDQ_LEN]],
    pub(super) queries: &'a [Pdq],
    pub(super) plan: &'a Plan,
    pub(super) radius: u32,
    /// Rows that are looked at for each query at most.
    pub(super) patience: usize,
}

impl Search<'_> {
    /// Finds the rows within the radius of each query, some more than once. Tells which queries take
    /// more than their patience: what was found of those is not all.
    pub(super) fn follow(&self, index: &Index, found: &mut Vec<Found>) -> Vec<usize> {
        hints::counting_bits(Lookup { index, search: self, found })
    }
}

/// A search under way.
struct Lookup<'a> {
    index: &'a Index,
    search: &'a Search<'a>,
    found: &'a mut Vec<Found>,
}

/// A query of a group.
///
/// If an entry is near, then by all bands together it differs in less than the sum of their depths. So
/// there is a band from which on, going round, any number of bands differ in less than their depths
/// together: the one behind the place where differences less depths add up to most, the last such.
/// (Qin and Xiao, "Pigeonring: a principle for faster thresholded similarity search", 2018.) It is
/// enough to find the entry there, so that of a band and the next, both are asked for.
struct Wanted {
    query: usize,
    hash: Words,
    /// The bits behind the band.
    behind: u32,
    /// The depths of the band and the next.
    depths: u32,
}

impl Wanted {
    /// Whether a row may be near that differs in so many bits of the band, and has these behind it.
    #[inline(always)]
    fn may_be(&self, flips: u32, behind: u32) -> bool {
        flips + (self.behind ^ behind).count_ones() < self.depths
    }
}

impl CountsBits for Lookup<'_> {
    type Outcome = Vec<usize>;

    #[inline(always)]
    fn run(mut self) -> Vec<usize> {
        let Search { queries, plan, .. } = *self.search;
        let masks = masks_of(&self.index.bands, plan);
        let depths = plan.depths(self.index.bands.iter().len(), queries.len());
        // Rows that may yet be looked at for each query; `None` for one that is given up.
        let mut patience = vec![Some(self.search.patience); queries.len()];
        let parts: Vec<(Band, &Part)> = self.index.parts().collect();
        for group in &plan.groups {
            // Whoever has patience left is served, be others of the group given up or not.
            let most = group.queries.iter().filter_map(|query| patience[*query]).max();
            let (Some(most), (band, part)) = (most, parts[group.band]) else { continue };
            let masks = masks.get(&(band.width, group.depth)).map_or(&[][..], Vec::as_slice);
            let next = &depths[(group.band + 1) % parts.len()];
            let wanted: Vec<Wanted> =
                group.queries.iter().map(|query| self.wanted(group, band, *query, next)).collect();
            let looked_at = self.look(part, (group.key, masks), &wanted, most);
            for query in &group.queries {
                patience[*query] =
                    patience[*query].zip(looked_at).and_then(|(a, b)| a.checked_sub(b));
            }
        }
        (0..queries.len()).filter(|query| patience[*query].is_none()).collect()
    }
}

impl Lookup<'_> {
    /// What a query of a group wants, by the depths of the next band.
    fn wanted(&self, group: &Group, band: Band, query: usize, next: &[u32]) -> Wanted {
        let Pdq(hash) = &self.search.queries[query];
        let window = window(hash, band.start);
        let behind = band.behind_in(window, band.start, self.index.packing.behind_bits());
        Wanted { query, hash: native(hash), behind, depths: group.depth + next[query] }
    }

    /// Compares what keys lead to with queries. Tells how many rows that were; `None` if there are
    /// more than `patience`.
    #[inline(always)]
    fn look(
        &mut self,
        part: &Part,
        (key, masks): (u32, &[u32]),
        wanted: &[Wanted],
        patience: usize,
    ) -> Option<usize> {
        let Search { file, hashes, radius, .. } = *self.search;
        let (numbers, packing) = (Numbers::of(file, part), self.index.packing);
        let mut left = patience;
        let mut candidates = Vec::new();
        for masks in masks.chunks(KEYS_AT_ONCE) {
            candidates.clear();
            let spans = numbers.spans(key, masks);
            for (span, mask) in spans.into_iter().zip(masks) {
                left = left.checked_sub(span.len())?;
                for packed in span {
                    let (row, behind) = packing.unpack(number(packed));
                    // A row that does not exist is corrupt, and near nothing.
                    let Some(hash) = hashes.get(row as usize) else { continue };
                    if wanted.iter().any(|wanted| wanted.may_be(mask.count_ones(), behind)) {
                        hints::prefetch(hash, 1);
                        candidates.push(row as usize);
                    }
                }
            }
            for &row in &candidates {
                let hash = native(&hashes[row]);
                for wanted in wanted {
                    let distance = distance(&hash, &wanted.hash);
                    if distance <= radius {
                        self.found.push(Found { query: wanted.query, distance, row });
                    }
                }
            }
        }
        Some(patience - left)
    }
}

/// The bits that are flipped in the keys of a plan's groups, by width and depth.
fn masks_of(bands: &Bands, plan: &Plan) -> BTreeMap<(u32, u32), Vec<u32>> {
    let widths: Vec<u32> = bands.iter().map(|band| band.width).collect();
    let mut all = BTreeMap::new();
    for group in &plan.groups {
        let shape = (widths[group.band], group.depth);
        all.entry(shape).or_insert_with(|| masks(shape.0, shape.1));
    }
    all
}
