//! Following the index to what is near.

use std::collections::BTreeMap;

use super::bands::{Band, Bands, Flips};
use super::index::{Index, KEYS_AT_ONCE, Numbers, Part, Words, distance, native};
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

/// The queries of a group.
struct Wanted {
    hashes: Vec<(usize, Words)>,
    tags: Vec<Tags>,
}

/// Tags that are compared at once.
const TAGS_AT_ONCE: usize = 4;

/// The tags of some queries, and in less than how many bits of a band and the next a row may differ from
/// each; 0 where there is no query.
///
/// If an entry is near, then by all bands together it differs in less than the sum of their depths. So
/// there is a band from which on, going round, any number of bands differ in less than their depths
/// together: the one behind the place where differences less depths add up to most, the last such.
/// (Qin and Xiao, "Pigeonring: a principle for faster thresholded similarity search", 2018.) It is
/// enough to find the entry there, so that of a band and the next, both are asked for.
#[derive(Default)]
struct Tags {
    tags: [u32; TAGS_AT_ONCE],
    depths: [u32; TAGS_AT_ONCE],
}

impl Tags {
    #[inline(always)]
    fn of(queries: &[(u16, u32)]) -> Self {
        let mut tags = Tags::default();
        let places = tags.tags.iter_mut().zip(&mut tags.depths);
        for ((tag, depths), query) in places.zip(queries) {
            (*tag, *depths) = (weighed(query.0), query.1);
        }
        tags
    }

    /// Whether a row may be near that has this tag, and differs in so many bits of the band.
    #[inline(always)]
    fn admit(&self, tag: u32, flips: u32) -> bool {
        let mut is_admitted = false;
        for (wanted, depths) in self.tags.iter().zip(&self.depths) {
            is_admitted |= (wanted ^ tag).count_ones() + flips < *depths;
        }
        is_admitted
    }
}

/// A tag whose sign counts as sixteen bits: who has another is no row that is meant. Where that is too
/// few, at radii that no one asks for, hashes are compared for nothing.
#[inline(always)]
fn weighed(tag: u16) -> u32 {
    let (behind, sign) = (u32::from(tag >> 1), u32::from(tag & 1));
    behind | sign.wrapping_neg() << u16::BITS
}

impl CountsBits for Lookup<'_> {
    type Outcome = Vec<usize>;

    #[inline(always)]
    fn run(mut self) -> Vec<usize> {
        let Search { queries, plan, .. } = *self.search;
        let flips = flips_of(&self.index.bands, plan);
        let depths = plan.depths(self.index.bands.iter().len(), queries.len());
        // Rows that may yet be looked at for each query; `None` for one that is given up.
        let mut patience = vec![Some(self.search.patience); queries.len()];
        let parts: Vec<(Band, &Part)> = self.index.parts().collect();
        for group in &plan.groups {
            // Whoever has patience left is served, be others of the group given up or not.
            let most = group.queries.iter().filter_map(|query| patience[*query]).max();
            let (Some(most), (band, part)) = (most, parts[group.band]) else { continue };
            let flips = flips.get(&(band.width, group.depth)).map_or(&[][..], Vec::as_slice);
            let wanted = self.wanted(group, band, &depths[(group.band + 1) % parts.len()]);
            let looked_at = self.look(part, (group.key, flips), &wanted, most);
            for query in &group.queries {
                patience[*query] =
                    patience[*query].zip(looked_at).and_then(|(a, b)| a.checked_sub(b));
            }
        }
        (0..queries.len()).filter(|query| patience[*query].is_none()).collect()
    }
}

impl Lookup<'_> {
    /// What a group wants, by the depths of the next band.
    #[inline(always)]
    fn wanted(&self, group: &Group, band: Band, next: &[u32]) -> Wanted {
        let queries = group.queries.iter().map(|query| {
            let Pdq(hash) = &self.search.queries[*query];
            let cut = band.cut(hash, self.index.packing.behind_bits());
            ((*query, native(hash)), (cut.tag, group.depth + next[*query]))
        });
        let (hashes, tags): (Vec<_>, Vec<_>) = queries.unzip();
        Wanted { hashes, tags: tags.chunks(TAGS_AT_ONCE).map(Tags::of).collect() }
    }

    /// Compares what keys lead to with queries. Tells how many rows that were; `None` if there are
    /// more than `patience`.
    #[inline(always)]
    fn look(
        &mut self,
        part: &Part,
        (key, flips): (u32, &[Flips]),
        wanted: &Wanted,
        patience: usize,
    ) -> Option<usize> {
        let Search { file, hashes, radius, .. } = *self.search;
        let (numbers, packing) = (Numbers::of(file, part), self.index.packing);
        let mut left = patience;
        let mut candidates = Vec::new();
        for flips in flips.chunks(KEYS_AT_ONCE) {
            candidates.clear();
            let spans = numbers.spans(key, flips);
            for (span, flips) in spans.into_iter().zip(flips) {
                left = left.checked_sub(span.len())?;
                let sign = weighed(flips.sign);
                for packed in span {
                    let (row, tag) = packing.unpack(*packed);
                    let tag = weighed(tag) ^ sign;
                    if !wanted.tags.iter().any(|tags| tags.admit(tag, flips.count)) {
                        continue;
                    }
                    // A row that does not exist is corrupt, and near nothing.
                    let Some(hash) = hashes.get(row as usize) else { continue };
                    hints::prefetch(hash, 1);
                    candidates.push(row as usize);
                }
            }
            for &row in &candidates {
                let hash = native(&hashes[row]);
                for (query, wanted) in &wanted.hashes {
                    let distance = distance(&hash, wanted);
                    if distance <= radius {
                        self.found.push(Found { query: *query, distance, row });
                    }
                }
            }
        }
        Some(patience - left)
    }
}

/// In which bits rows differ that a plan's groups look at, by width and depth.
fn flips_of(bands: &Bands, plan: &Plan) -> BTreeMap<(u32, u32), Vec<Flips>> {
    let bands: Vec<Band> = bands.iter().collect();
    let mut all = BTreeMap::new();
    for group in &plan.groups {
        let band = bands[group.band];
        let flips = all.entry((band.width, group.depth));
        flips.or_insert_with(|| band.flips(group.depth));
    }
    all
}
