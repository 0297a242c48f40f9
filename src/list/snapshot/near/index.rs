//! The index of PDQ hashes: for each band, the rows in the order of their keys.
//!
//! ```text
//! 64 bytes: number of bands, their widths in bits, zeros
//! for each band, numbers of 4 bytes:
//!   offsets   2^width + 1   where the rows with each key begin among the row numbers
//!   rows      rows          row numbers, by key, then ascending
//! ```

use std::io::{self, Write};
use std::ops::Range;

use super::bands::{BANDS_MAX, Band, Bands, Plan, Words, masks, words};
use super::search::Found;
use super::table::PDQ_LEN;
use crate::image::Pdq;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::hints::{self, CountsBits};

/// Bytes before the first band; a cache line.
const HEADER_LEN: usize = 64;
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
    /// The section is none, or has another length.
    pub(super) fn open(
        file: &[u8],
        section: Range<usize>,
        rows: usize,
    ) -> Result<Self, SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Corrupt("the pdq index can't be read");
        let header = file.get(section.clone()).and_then(|bytes| bytes.first_chunk());
        let bands = header.and_then(decode_header).ok_or(WRONG)?;
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

    /// Finds the rows within the radius of a query, some perhaps more than once; `false` if that
    /// takes more than patience, and then what was found is not all.
    pub(super) fn find(
        &self,
        search: &Search<'_>,
        query: (usize, Pdq),
        found: &mut Vec<Found>,
    ) -> bool {
        hints::counting_bits(Lookup { index: self, search, query, found })
    }
}

/// What is searched, and how.
pub(super) struct Search<'a> {
    pub(super) file: &'a [u8],
    pub(super) hashes: &'a [[u8; PDQ_LEN]],
    /// For each band, the bits that are flipped in its keys.
    pub(super) masks: &'a [Vec<u32>],
    pub(super) radius: u32,
    /// Rows that are looked at for a query at most.
    pub(super) patience: usize,
}

/// A search under way, for a query and its number.
struct Lookup<'a> {
    index: &'a Index,
    search: &'a Search<'a>,
    query: (usize, Pdq),
    found: &'a mut Vec<Found>,
}

impl CountsBits for Lookup<'_> {
    type Outcome = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Lookup { index, search, query: (query, pdq), found } = self;
        let Search { file, hashes, masks, radius, mut patience } = *search;
        let (cut, whole) = (words(&pdq.0), native(&pdq.0));
        let mut candidates = Vec::new();
        for ((band, part), masks) in index.parts().zip(masks) {
            let numbers = Numbers::of(file, part);
            let key = band.key(&cut);
            for masks in masks.chunks(KEYS_AT_ONCE) {
                candidates.clear();
                if !numbers.gather(key, masks, hashes, &mut patience, &mut candidates) {
                    return false;
                }
                for &row in &candidates {
                    // A row that does not exist is corrupt, and near nothing.
                    let Some(hash) = hashes.get(row as usize) else { continue };
                    let distance = distance(&native(hash), &whole);
                    if distance <= radius {
                        found.push(Found { query, distance, row: row as usize });
                    }
                }
            }
        }
        true
    }
}

/// For each band, the bits that are flipped in its keys.
pub(super) fn masks_of(bands: &Bands, plan: &Plan) -> Vec<Vec<u32>> {
    bands.iter().zip(&plan.depths).map(|(band, depth)| masks(band.width, *depth)).collect()
}

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
    let [count, rest @ ..] = header;
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
    header[1..].iter_mut().zip(bands.iter()).for_each(|(byte, band)| *byte = band.width as u8);
    out.write_all(&header)?;
    let mut keyed = Vec::with_capacity(hashes().len());
    let mut sorted = vec![Keyed::default(); hashes().len()];
    for band in bands.iter() {
        keyed.clear();
        let keys = hashes().map(|hash| band.key(&words(hash)));
        keyed.extend((0..).zip(keys).map(|(row, key)| Keyed { key, row }));
        sort(band.width, &mut keyed, &mut sorted);
        write_numbers(offsets(band, &keyed), out)?;
        write_numbers(keyed.iter().map(|keyed| keyed.row), out)?;
    }
    Ok(())
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
