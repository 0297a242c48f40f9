//! The index of PDQ hashes: for each band, the rows in the order of their keys.
//!
//! ```text
//! 64 bytes: number of bands, their widths in bits, zeros, and the version of all this
//! for each band:
//!   offsets   2^(width - 1) + 1   4 bytes each: where the rows with each key begin among the row numbers
//!   rows      rows                5 bytes each: row numbers, by key, then ascending, each with its tag
//!                                 above it: the band's sign, and the first bits of the next band
//! ```

use std::io::{self, Write};
use std::ops::Range;

use super::bands::{BANDS_MAX, BEHIND_BITS_MAX, Band, Bands, Cut, Flips, window};
use super::table::PDQ_LEN;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::hints;

/// Bytes before the first band; a cache line.
const HEADER_LEN: usize = 64;
/// Stands in the last byte of the header. Version 0 cut bands from the bits in the order of the hash,
/// version 1 had a key for each value of a band.
pub(in crate::list::snapshot) const VERSION: u8 = 2;
/// Keys that are looked at in one go: as many cache lines are on their way at once, twice what the
/// processor asks for by itself.
pub(super) const KEYS_AT_ONCE: usize = 64;

/// Where the index is in the file.
pub(super) struct Index {
    pub(super) bands: Bands,
    /// For each band.
    parts: Vec<Part>,
    pub(super) packing: Packing,
}

/// A row number with its tag, as it stands in the file.
pub(super) type Packed = [u8; 5];

/// How row numbers stand in the file: of forty bits, those that the greatest one takes are the row's, the
/// ones above them the tag's.
#[derive(Clone, Copy)]
pub(super) struct Packing {
    row_bits: u32,
}

impl Packing {
    /// For so many rows, less than 2^32.
    fn of(rows: usize) -> Self {
        let row_bits = usize::BITS - rows.saturating_sub(1).leading_zeros();
        Packing { row_bits: row_bits.min(u32::BITS) }
    }

    /// How many bits of the next band a tag may have.
    pub(super) fn behind_bits(self) -> u32 {
        let tag_bits = Packed::default().len() as u32 * u8::BITS - self.row_bits;
        (tag_bits - 1).min(BEHIND_BITS_MAX)
    }

    /// Above the tag are zeros.
    pub(super) fn pack(self, row: u32, tag: u16) -> Packed {
        let [packed @ .., _, _, _] =
            (u64::from(row) | u64::from(tag) << self.row_bits).to_le_bytes();
        packed
    }

    /// The row number and its tag.
    #[inline(always)]
    pub(super) fn unpack(self, [row @ .., above]: Packed) -> (u32, u16) {
        let packed = u64::from(number(&row)) | u64::from(above) << u32::BITS;
        let tag = packed >> self.row_bits;
        ((packed ^ tag << self.row_bits) as u32, tag as u16)
    }
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
        let mut take = |bytes: usize| {
            let start = end;
            end += bytes;
            start..end
        };
        let part = |band: Band| Part {
            offsets: take(band.offsets() * size_of::<u32>()),
            rows: take(rows * size_of::<Packed>()),
        };
        let parts = bands.iter().map(part).collect();
        let packing = Packing::of(rows);
        if end == section.end { Ok(Index { bands, parts, packing }) } else { Err(WRONG) }
    }

    /// The bands with their places.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Band, &Part)> {
        self.bands.iter().zip(&self.parts)
    }
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
fn number(bytes: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*bytes)
}

/// The numbers of a band.
pub(super) struct Numbers<'a> {
    pub(super) offsets: &'a [[u8; 4]],
    pub(super) rows: &'a [Packed],
}

impl<'a> Numbers<'a> {
    pub(super) fn of(file: &'a [u8], part: &Part) -> Self {
        let bytes = |range: &Range<usize>| &file[range.clone()];
        Numbers {
            offsets: bytes(&part.offsets).as_chunks().0,
            rows: bytes(&part.rows).as_chunks().0,
        }
    }

    /// Where the row numbers with a key begin.
    #[inline(always)]
    pub(super) fn offset(&self, key: u32) -> Option<u32> {
        self.offsets.get(key as usize).map(number)
    }

    /// The row numbers with a key; none where offsets contradict themselves.
    #[inline(always)]
    pub(super) fn span(&self, key: u32) -> &'a [Packed] {
        let span = self.offset(key).zip(self.offset(key + 1));
        let span = span.map(|(start, end)| start as usize..end as usize);
        span.and_then(|span| self.rows.get(span)).unwrap_or_default()
    }

    /// The row numbers under some keys, in stages, each of which asks for the memory that the next one
    /// needs: so many lines are waited for at once.
    #[inline(always)]
    pub(super) fn spans(&self, key: u32, flips: &[Flips]) -> [&'a [Packed]; KEYS_AT_ONCE] {
        for flips in flips {
            let offsets = self.offsets.get((key ^ flips.key) as usize..).unwrap_or_default();
            hints::prefetch(offsets.as_flattened(), 1);
        }
        let mut spans = [&[][..]; KEYS_AT_ONCE];
        for (span, flips) in spans.iter_mut().zip(flips) {
            *span = self.span(key ^ flips.key);
            // Short as they are, half of them lie across the end of a line.
            hints::prefetch(span.as_flattened(), 1);
            hints::prefetch(span.last().map_or(&[], |last| last), 1);
        }
        spans
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
    let mut sorted = vec![Keyed::default(); hashes().len()];
    let mut other = sorted.clone();
    let packing = Packing::of(hashes().len());
    let behind_bits = packing.behind_bits();
    // Bits are put in order once for several bands: 8 bytes a row, where the hashes take 40.
    let mut windows = Windows { start: 0, bits: Vec::with_capacity(hashes().len()) };
    for band in bands.iter() {
        if windows.bits.is_empty() || !band.is_in(windows.start) {
            windows.start = band.start;
            windows.bits.clear();
            windows.bits.extend(hashes().map(|hash| window(hash, band.start)));
        }
        let keyed = (0..).zip(&windows.bits).map(|(row, window)| {
            let Cut { key, tag } = band.cut_in(*window, windows.start, behind_bits);
            Keyed { key, row: packing.pack(row, tag) }
        });
        sort(band.width - 1, keyed, &mut sorted, &mut other);
        write_all(offsets(band, &sorted).map(u32::to_le_bytes), out)?;
        write_all(sorted.iter().map(|keyed| keyed.row), out)?;
    }
    Ok(())
}

/// For each row, 64 bits of its hash from bit `start` on.
struct Windows {
    start: u32,
    bits: Vec<u64>,
}

/// A row as it is packed, and its key in a band.
#[derive(Clone, Copy, Default)]
struct Keyed {
    key: u32,
    row: Packed,
}

/// Sorts by keys of so many bits and leaves equal keys in their order: two steps of a radix sort, each of
/// which writes to so few places at a time that they stay in the cache. There is room for all in `sorted`
/// and in `other`.
fn sort(
    bits: u32,
    keyed: impl Iterator<Item = Keyed> + Clone,
    sorted: &mut [Keyed],
    other: &mut [Keyed],
) {
    let low = bits / 2;
    let mask = (1 << low) - 1;
    scatter(keyed, other, 1 << low, |key| key & mask);
    scatter(other.iter().copied(), sorted, 1 << (bits - low), |key| key >> low);
}

/// Puts everything into its place by a part of the key that has so many values.
fn scatter(
    from: impl Iterator<Item = Keyed> + Clone,
    to: &mut [Keyed],
    values: usize,
    part: impl Fn(u32) -> u32,
) {
    let mut places = vec![0usize; values];
    from.clone().for_each(|keyed| places[part(keyed.key) as usize] += 1);
    let mut next = 0;
    for place in &mut places {
        next += std::mem::replace(place, next);
    }
    for keyed in from {
        let place = &mut places[part(keyed.key) as usize];
        to[*place] = keyed;
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

/// Writes numbers of `LEN` bytes.
fn write_all<const LEN: usize>(
    numbers: impl Iterator<Item = [u8; LEN]>,
    out: &mut impl Write,
) -> io::Result<()> {
    /// Numbers that are handed on together.
    const AT_ONCE: usize = 1024;
    let mut bytes = Vec::with_capacity(AT_ONCE * LEN);
    for number in numbers {
        bytes.extend(number);
        if bytes.len() == bytes.capacity() {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}
