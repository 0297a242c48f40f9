//! Files with holes: the zeros that a reader puts between the bytes that are there.

use super::super::walk::{Stream, Walk};
use super::header::Record;
use super::pax::{BadRecords, EXTENTS_MAX, Extents, decimal};

/// Zeros are given in slices of this many bytes.
const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// Puts the holes back.
#[derive(Debug)]
pub(super) struct Holes {
    /// What is not a hole: in order, apart, within `real_size`.
    extents: std::vec::IntoIter<(u64, u64)>,
    /// Bytes of the current extent that have not come.
    left: u64,
    /// Where in the file we are; never beyond `real_size`.
    at: u64,
    real_size: u64,
}

impl Holes {
    /// A file of the given extents, of which `stored` bytes are there; `None` if they don't fit.
    pub(super) fn new(extents: Extents, real_size: u64, stored: u64) -> Option<Self> {
        let mut end = 0;
        let mut sum = 0u64;
        for &(offset, length) in &extents {
            if offset < end {
                return None;
            }
            end = offset.checked_add(length)?;
            sum += length;
        }
        let fits = end <= real_size && sum == stored && extents.len() <= EXTENTS_MAX;
        fits.then(|| Holes { extents: extents.into_iter(), left: 0, at: 0, real_size })
    }

    /// The length with holes, in bytes.
    pub(super) fn real_size(&self) -> u64 {
        self.real_size
    }

    /// The next stored bytes: gives them to the member, with the holes before them.
    pub(super) fn fill(&mut self, walk: &mut Walk<'_>, member: &mut Stream, mut stored: &[u8]) {
        while !stored.is_empty() {
            if self.left == 0 {
                let Some((offset, length)) = self.extents.next() else { return };
                self.zeros_to(walk, member, offset);
                self.left = length;
                continue;
            }
            let fits = usize::try_from(self.left).map_or(stored.len(), |n| n.min(stored.len()));
            let (now, later) = stored.split_at(fits);
            member.bytes(walk, now);
            self.at += now.len() as u64;
            self.left -= now.len() as u64;
            stored = later;
        }
    }

    /// All stored bytes have come: the hole at the end.
    pub(super) fn finish(&mut self, walk: &mut Walk<'_>, member: &mut Stream) {
        self.zeros_to(walk, member, self.real_size);
    }

    /// Stops early where a bound on the walk is reached.
    fn zeros_to(&mut self, walk: &mut Walk<'_>, member: &mut Stream, offset: u64) {
        while self.at < offset && !walk.stopped() {
            let step = (offset - self.at).min(ZEROS.len() as u64);
            member.bytes(walk, &ZEROS[..step as usize]);
            self.at += step;
        }
        self.at = offset;
    }
}

/// The extents that stand before a member's bytes in format 1.0: decimal lines, first their number,
/// then offset and length of each, filled up to whole records.
#[derive(Debug, Default)]
pub(super) struct MapReader {
    numbers: Vec<u64>,
    digits: Vec<u8>,
}

impl MapReader {
    /// The next record: the extents if they are complete with it.
    ///
    /// # Errors
    /// It is no such map, or too large.
    pub(super) fn record(&mut self, record: &Record) -> Result<Option<Extents>, BadRecords> {
        /// As many as the largest number of 64 bits has.
        const DIGITS_MAX: usize = 20;
        for &byte in record {
            if byte != b'\n' {
                self.digits.push(byte);
                if self.digits.len() > DIGITS_MAX {
                    return Err(BadRecords);
                }
                continue;
            }
            self.numbers.push(decimal(&self.digits).ok_or(BadRecords)?);
            self.digits.clear();
            if self.numbers[0] > EXTENTS_MAX as u64 {
                return Err(BadRecords);
            }
            if self.numbers.len() as u64 == 1 + 2 * self.numbers[0] {
                let pairs = self.numbers[1..].chunks_exact(2);
                return Ok(Some(pairs.map(|pair| (pair[0], pair[1])).collect()));
            }
        }
        Ok(None)
    }
}
