//! The index of PDQ hashes: for each band, the rows in the order of their keys.
//!
//! ```text
//! 64 bytes: number of bands, their widths in bits, zeros, and the version of all this
//! for each band, numbers of 4 bytes:
//!   offsets   2^width + 1   where the rows with each key begin among the row numbers
//!   rows      rows          row numbers, by key, then ascending
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;

use super::bands::{BANDS_MAX, Band, Bands, masks, window};
use super::plan::{Group, Plan};
use super::search::Found;
use super::table::PDQ_LEN;
use crate::image::Pdq;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::hints::{self, CountsBits};

/// Bytes before the first band; a cache line.
const HEADER_LEN: usize = 64;
/// Stands in the last byte of the header. Version 0 cut bands from the bits in the order of the hash.
const VERSION: u8 = 1;
/// Keys that are looked at in one go: as many cache lines are on their way at once, twice what the
/// processor asks for by itself.
const KEYS_AT_ONCE: usize = 64;

/// Where the index is in the file.
pub(super) struct Index {
    pub(super) bands: Bands,
    /// For each band.
    parts: Vec<Part>,
}

/// Where the numbers of a band are in the file.
pub(super) struct Part {
    pub(super) offsets: Range<usize>,
    pub(super) rows: Range<usize>,
}

impl Index {
    /// Finds the bands of an index over so many rows.
    ///
    /// # Errors
    /// The section is none, is of another version, or has another length.
    pub(super) fn open(
        file: &[u8],
        section: Range<usize>,
        rows: usize,
    ) -> Result<Self, SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Corrupt("the pdq index can't be read");
        let header = file.get(section.clone()).and_then(|bytes| bytes.first_chunk());
        let header: &[u8; HEADER_LEN] = header.ok_or(WRONG)?;
        if header[HEADER_LEN - 1] != VERSION {
            return Err(SnapshotError::IndexVersion(header[HEADER_LEN - 1]));
        }
        let bands = decode_header(header).ok_or(WRONG)?;
        let mut end = section.start + HEADER_LEN;
        let mut take = |numbers: usize| {
            let start = end;
            end += numbers * size_of::<u32>();
            start..end
        };
        let part = |band: Band| Part { offsets: take(band.offsets()), rows: take(rows) };
        let parts = bands.iter().map(part).collect();
        if end == section.end { Ok(Index { bands, parts }) } else { Err(WRONG) }
    }

    /// The bands with their places.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Band, &Part)> {
        self.bands.iter().zip(&self.parts)
    }

    /// Finds the rows within the radius of each query, some more than once. Tells which queries take
    /// more than their patience: what was found of those is not all.
    pub(super) fn find(&self, search: &Search<'_>, found: &mut Vec<Found>) -> Vec<usize> {
        hints::counting_bits(Lookup { index: self, search, found })
    }
}

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

/// A search under way.
struct Lookup<'a> {
    index: &'a Index,
    search: &'a Search<'a>,
    found: &'a mut Vec<Found>,
}

impl CountsBits for Lookup<'_> {
    type Outcome = Vec<usize>;

    #[inline(always)]
    fn run(mut self) -> Vec<usize> {
        let Search { queries, plan, .. } = *self.search;
        let masks = masks_of(&self.index.bands, plan);
        // Rows that may yet be looked at for each query; `None` for one that is given up.
        let mut patience = vec![Some(self.search.patience); queries.len()];
        let parts: Vec<(Band, &Part)> = self.index.parts().collect();
        for group in &plan.groups {
            // Whoever has patience left is served, be others of the group given up or not.
            let most = group.queries.iter().filter_map(|query| patience[*query]).max();
            let (Some(most), (band, part)) = (most, parts[group.band]) else { continue };
            let masks = masks.get(&(band.width, group.depth)).map_or(&[][..], Vec::as_slice);
            let looked_at = self.look(group, part, masks, most);
            for query in &group.queries {
                patience[*query] =
                    patience[*query].zip(looked_at).and_then(|(a, b)| a.checked_sub(b));
            }
        }
        (0..queries.len()).filter(|query| patience[*query].is_none()).collect()
    }
}

impl Lookup<'_> {
    /// Compares what the keys of a group lead to with its queries. Tells how many rows that were;
    /// `None` if there are more than `patience`.
    #[inline(always)]
    fn look(
        &mut self,
        group: &Group,
        part: &Part,
        masks: &[u32],
        patience: usize,
    ) -> Option<usize> {
        let Search { file, hashes, queries, radius, .. } = *self.search;
        let numbers = Numbers::of(file, part);
        let wanted = group.queries.iter().map(|query| (*query, native(&queries[*query].0)));
        let wanted: Vec<(usize, Words)> = wanted.collect();
        let mut left = patience;
        let mut candidates = Vec::new();
        for masks in masks.chunks(KEYS_AT_ONCE) {
            candidates.clear();
            if !numbers.gather(group.key, masks, hashes, &mut left, &mut candidates) {
                return None;
            }
            for &row in &candidates {
                // A row that does not exist is corrupt, and near nothing.
                let Some(hash) = hashes.get(row as usize) else { continue };
                let hash = native(hash);
                for (query, whole) in &wanted {
                    let distance = distance(&hash, whole);
                    if distance <= radius {
                        self.found.push(Found { query: *query, distance, row: row as usize });
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

/// A hash as numbers.
pub(super) type Words = [u64; 4];

/// A hash as numbers in the order that costs nothing; only their distance means something.
#[inline(always)]
pub(super) fn native(hash: &[u8; PDQ_LEN]) -> Words {
    let (words, _) = hash.as_chunks::<8>();
    std::array::from_fn(|i| words.get(i).map_or(0, |bytes| u64::from_ne_bytes(*bytes)))
}

/// In how many bits two hashes differ.
#[inline(always)]
pub(super) fn distance(a: &Words, b: &Words) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// A number as it is stored.
#[inline(always)]
pub(super) fn number(bytes: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*bytes)
}

/// The numbers of a band.
pub(super) struct Numbers<'a> {
    pub(super) offsets: &'a [[u8; 4]],
    pub(super) rows: &'a [[u8; 4]],
}

impl<'a> Numbers<'a> {
    pub(super) fn of(file: &'a [u8], part: &Part) -> Self {
        let numbers = |range: &Range<usize>| file[range.clone()].as_chunks().0;
        Numbers { offsets: numbers(&part.offsets), rows: numbers(&part.rows) }
    }

    /// Where the row numbers with a key begin.
    #[inline(always)]
    pub(super) fn offset(&self, key: u32) -> Option<u32> {
        self.offsets.get(key as usize).map(number)
    }

    /// The row numbers with a key; none where offsets contradict themselves.
    #[inline(always)]
    pub(super) fn span(&self, key: u32) -> &'a [[u8; 4]] {
        let span = self.offset(key).zip(self.offset(key + 1));
        let span = span.map(|(start, end)| start as usize..end as usize);
        span.and_then(|span| self.rows.get(span)).unwrap_or_default()
    }

    /// Collects the rows under some keys, in stages, each of which asks for the memory that the
    /// next one needs: so many lines are waited for at once. `false` if there are more than `patience`, which
    /// they use up.
    #[inline(always)]
    fn gather(
        &self,
        key: u32,
        masks: &[u32],
        hashes: &[[u8; PDQ_LEN]],
        patience: &mut usize,
        candidates: &mut Vec<u32>,
    ) -> bool {
        for mask in masks {
            let offsets = self.offsets.get((key ^ mask) as usize..).unwrap_or_default();
            hints::prefetch(offsets.as_flattened(), 1);
        }
        let mut spans = [&[][..]; KEYS_AT_ONCE];
        for (span, mask) in spans.iter_mut().zip(masks) {
            *span = self.span(key ^ mask);
            hints::prefetch(span.as_flattened(), 1);
        }
        for span in spans {
            match patience.checked_sub(span.len()) {
                Some(rest) => *patience = rest,
                None => return false,
            }
            for row in span {
                let row = number(row);
                if let Some(hash) = hashes.get(row as usize) {
                    hints::prefetch(hash, 1);
                }
                candidates.push(row);
            }
        }
        true
    }
}

fn decode_header(header: &[u8; HEADER_LEN]) -> Option<Bands> {
    let [count, rest @ .., _version] = header;
    let (widths, zeros) = rest.split_at_checked(usize::from(*count))?;
    let is_whole = widths.len() <= BANDS_MAX && zeros.iter().all(|&byte| byte == 0);
    Bands::new(widths).filter(|_| is_whole)
}

/// Writes the index of the rows whose hashes come again and again, in their order.
pub(super) fn write<'a, I>(
    bands: &Bands,
    hashes: impl Fn() -> I,
    out: &mut impl Write,
) -> io::Result<()>
where
    I: ExactSizeIterator<Item = &'a [u8; PDQ_LEN]>,
{
    let mut header = [0; HEADER_LEN];
    header[0] = bands.iter().len() as u8;
    header[HEADER_LEN - 1] = VERSION;
    header[1..].iter_mut().zip(bands.iter()).for_each(|(byte, band)| *byte = band.width as u8);
    out.write_all(&header)?;
    let mut keyed = Vec::with_capacity(hashes().len());
    let mut sorted = vec![Keyed::default(); hashes().len()];
    // Bits are put in order once for the bands of a class: 8 bytes a row, where the hashes take 40.
    let mut windows = Windows { start: 0, bits: Vec::with_capacity(hashes().len()) };
    for band in bands.iter() {
        if windows.bits.is_empty() || !band.is_in(windows.start) {
            windows.start = band.start;
            windows.bits.clear();
            windows.bits.extend(hashes().map(|hash| window(hash, band.start)));
        }
        keyed.clear();
        let keys = windows.bits.iter().map(|window| band.key_in(*window, windows.start));
        keyed.extend((0..).zip(keys).map(|(row, key)| Keyed { key, row }));
        sort(band.width, &mut keyed, &mut sorted);
        write_numbers(offsets(band, &keyed), out)?;
        write_numbers(keyed.iter().map(|keyed| keyed.row), out)?;
    }
    Ok(())
}

/// For each row, 64 bits of its hash from bit `start` on.
struct Windows {
    start: u32,
    bits: Vec<u64>,
}

/// A row and its key in a band.
#[derive(Clone, Copy, Default)]
struct Keyed {
    key: u32,
    row: u32,
}

/// Sorts by key and leaves equal keys in their order: two steps of a radix sort, each of which
/// writes to so few places at a time that they stay in the cache. `other` is as long as `keyed`.
fn sort(width: u32, keyed: &mut [Keyed], other: &mut [Keyed]) {
    let low = width / 2;
    let mask = (1 << low) - 1;
    scatter(keyed, other, 1 << low, |key| key & mask);
    scatter(other, keyed, 1 << (width - low), |key| key >> low);
}

/// Moves everything to its place by a part of the key that has so many values.
fn scatter(from: &[Keyed], to: &mut [Keyed], values: usize, part: impl Fn(u32) -> u32) {
    let mut places = vec![0usize; values];
    from.iter().for_each(|keyed| places[part(keyed.key) as usize] += 1);
    let mut next = 0;
    for place in &mut places {
        next += std::mem::replace(place, next);
    }
    for keyed in from {
        let place = &mut places[part(keyed.key) as usize];
        to[*place] = *keyed;
        *place += 1;
    }
}

/// Where the rows with each key begin, and where the last end.
fn offsets(band: Band, keyed: &[Keyed]) -> impl Iterator<Item = u32> {
    let mut before = 0;
    (0..band.offsets() as u32).map(move |key| {
        let here = keyed[before as usize..].iter().take_while(|keyed| keyed.key < key).count();
        before += here as u32;
        before
    })
}

fn write_numbers(numbers: impl Iterator<Item = u32>, out: &mut impl Write) -> io::Result<()> {
    /// Numbers that are handed on together.
    const AT_ONCE: usize = 1024;
    let mut bytes = Vec::with_capacity(AT_ONCE * size_of::<u32>());
    for number in numbers {
        bytes.extend(number.to_le_bytes());
        if bytes.len() == bytes.capacity() {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}
