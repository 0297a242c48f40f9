//! The exact table of one algorithm: sorted digests, and where those of each prefix begin.
//!
//! The first bits of a digest choose a bucket of two to four rows, which lie side by side, each
//! with its reference behind it: a lookup waits for memory twice, whatever the size of the list.

use std::ops::Range;

use super::error::SnapshotError;
use super::format::{Head, SectionKind};
use crate::digest::Algorithm;

/// Bytes of a reference: where a row's list and label are.
const REFERENCE_LEN: usize = 8;
/// Bytes of a row number in the prefix table.
const PREFIX_LEN: usize = 4;
/// The prefix table takes at most 2^26 row numbers, 256 MiB.
const PREFIX_BITS_MAX: u32 = 26;
/// Rows that are compared at once: with two to four in a bucket, more than 98 % have no more.
const SCAN_ROWS: usize = 8;

/// Where one algorithm's sections are in the file.
pub(super) struct Table {
    pub(super) algorithm: Algorithm,
    /// Number of rows, at least one.
    pub(super) rows: usize,
    prefix_bits: u32,
    prefixes: Range<usize>,
    bytes: Range<usize>,
}

impl Table {
    /// The table of one algorithm; `None` if the file has none.
    ///
    /// # Errors
    /// One of its sections is missing, or their lengths contradict each other.
    pub(super) fn open(head: &Head, algorithm: Algorithm) -> Result<Option<Self>, SnapshotError> {
        let [prefixes, bytes] = SectionKind::of_table(algorithm).map(|kind| head.range(kind));
        let (prefixes, bytes) = match (prefixes, bytes) {
            (None, None) => return Ok(None),
            (Some(prefixes), Some(bytes)) => (prefixes, bytes),
            (Some(_), None) | (None, Some(_)) => {
                return Err(SnapshotError::Corrupt("a table lacks a section"));
            }
        };
        let rows = bytes.len() / row_len(algorithm);
        let prefix_bits = prefix_bits(rows);
        let fits = (1..u32::MAX as usize).contains(&rows)
            && bytes.len() == rows * row_len(algorithm)
            && prefixes.len() == (buckets(prefix_bits) + 1) * PREFIX_LEN;
        if !fits {
            return Err(SnapshotError::Corrupt("the sections of a table differ in length"));
        }
        Ok(Some(Table { algorithm, rows, prefix_bits, prefixes, bytes }))
    }

    /// The rows that hold `digest`, which is one of this table's algorithm.
    ///
    /// A table that contradicts itself gives no rows; `verify` finds out.
    pub(super) fn find(&self, file: &[u8], digest: &[u8]) -> Range<usize> {
        let found = match self.algorithm {
            Algorithm::Md5 => self.find_in::<16, 24>(file, digest),
            Algorithm::Sha1 => self.find_in::<20, 28>(file, digest),
            Algorithm::Sha256 => self.find_in::<32, 40>(file, digest),
        };
        found.unwrap_or(0..0)
    }

    /// Searches rows of `ROW` bytes that begin with a digest of `N`.
    fn find_in<const N: usize, const ROW: usize>(
        &self,
        file: &[u8],
        digest: &[u8],
    ) -> Option<Range<usize>> {
        let digest: &[u8; N] = digest.try_into().ok()?;
        let rows = self.bytes(file).as_chunks::<ROW>().0;
        let bucket = self.bucket_of(digest);
        let start = self.bucket_start(file, bucket);
        let first = match scan(rows.get(start..)?, digest) {
            Some(first) => start + first,
            None => {
                let bucket = rows.get(start..self.bucket_start(file, bucket + 1))?;
                start + bucket.partition_point(|row| row.first_chunk() < Some(digest))
            }
        };
        let is_same = |row: &&[u8; ROW]| row.first_chunk() == Some(digest);
        Some(first..first + rows[first..].iter().take_while(is_same).count())
    }

    /// The first row of a bucket, or of a later one if it is empty. `bucket` may be one past the
    /// last.
    pub(super) fn bucket_start(&self, file: &[u8], bucket: usize) -> usize {
        let numbers = file[self.prefixes.clone()].as_chunks::<PREFIX_LEN>().0;
        numbers.get(bucket).map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    }

    /// Number of buckets.
    pub(super) fn buckets(&self) -> usize {
        buckets(self.prefix_bits)
    }

    /// The bucket to which a digest belongs.
    pub(super) fn bucket_of(&self, digest: &[u8]) -> usize {
        bucket_of(digest, self.prefix_bits)
    }

    /// The digest of a row.
    pub(super) fn digest<'a>(&self, file: &'a [u8], row: usize) -> &'a [u8] {
        &self.row(file, row)[..self.algorithm.len()]
    }

    /// List and label of a row.
    pub(super) fn reference(&self, file: &[u8], row: usize) -> Reference {
        let bytes = self.row(file, row).last_chunk();
        Reference(bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    fn row<'a>(&self, file: &'a [u8], row: usize) -> &'a [u8] {
        let len = row_len(self.algorithm);
        &self.bytes(file)[row * len..][..len]
    }

    fn bytes<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }
}

/// Bytes of a row: the digest and its reference.
const fn row_len(algorithm: Algorithm) -> usize {
    algorithm.len() + REFERENCE_LEN
}

/// Looks for the digest in the first few rows, without any branch that depends on them: a wrongly
/// guessed one would keep the processor from waiting for the memory of several lookups at once.
/// `None` if it is not among them, or if another digest there begins as it does.
fn scan<const N: usize, const ROW: usize>(rows: &[[u8; ROW]], digest: &[u8; N]) -> Option<usize> {
    let wanted = digest.first_chunk::<8>();
    let mut found = 0u32;
    for (i, row) in rows.first_chunk::<SCAN_ROWS>()?.iter().enumerate() {
        found |= u32::from(row.first_chunk::<8>() == wanted) << i;
    }
    let first = found.trailing_zeros() as usize;
    (rows.get(first)?.first_chunk() == Some(digest)).then_some(first)
}

/// Bits of the prefix that chooses the bucket: two to four rows a bucket, in the mean.
pub(super) fn prefix_bits(rows: usize) -> u32 {
    rows.checked_ilog2().unwrap_or(0).saturating_sub(1).min(PREFIX_BITS_MAX)
}

/// Buckets for so many bits.
pub(super) fn buckets(prefix_bits: u32) -> usize {
    1 << prefix_bits
}

/// The first bits of a digest.
pub(super) fn bucket_of(digest: &[u8], prefix_bits: u32) -> usize {
    let head = digest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    (u64::from(head) << prefix_bits >> 32) as usize
}

/// Which list a row belongs to, and where its label is.
///
/// Bits 0 to 47: offset of the label plus one, 0 for none. Bits 48 to 62: the list. Bit 63: the
/// row is the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference(pub(super) u64);

impl Reference {
    const LABEL: u64 = (1 << 48) - 1;
    const CANARY: u64 = 1 << 63;

    /// A reference; the label's offset is below 2^48 - 1, the list below 2^15.
    pub(super) fn new(list: u16, canary: bool, label: Option<u64>) -> Self {
        let flag = if canary { Self::CANARY } else { 0 };
        Reference(flag | u64::from(list) << 48 | label.map_or(0, |offset| offset + 1))
    }

    pub(super) fn list(self) -> u16 {
        (self.0 >> 48) as u16 & 0x7fff
    }

    pub(super) fn is_canary(self) -> bool {
        self.0 & Self::CANARY != 0
    }

    pub(super) fn label(self) -> Option<u64> {
        (self.0 & Self::LABEL).checked_sub(1)
    }
}

/// The label at an offset of the label texts: a length byte, then the text. `None` if there is
/// no such label.
pub(super) fn label_at(labels: &[u8], offset: u64) -> Option<&str> {
    let (len, text) = labels.get(usize::try_from(offset).ok()?..)?.split_first()?;
    std::str::from_utf8(text.get(..usize::from(*len))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_two_to_four_rows() {
        for (rows, bits) in [(0, 0), (1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (10_000_000, 22)] {
            assert_eq!(prefix_bits(rows), bits, "{rows}");
        }
        assert_eq!(prefix_bits(u32::MAX as usize), PREFIX_BITS_MAX);
    }

    #[test]
    fn the_first_bits_choose_the_bucket() {
        let digest = [0b1010_0000, 0, 0, 1];
        let found: Vec<_> = [0, 1, 2, 3, 4, 26].map(|bits| bucket_of(&digest, bits)).into();
        assert_eq!(found, [0, 1, 2, 5, 10, 0b1010 << 22]);
        assert_eq!(bucket_of(&[0xff; 16], 26), buckets(26) - 1);
    }

    #[test]
    fn references_come_back() {
        let last = (1 << 48) - 2;
        for (list, canary, label) in
            [(0, false, None), (1023, true, Some(0)), (0x7fff, true, Some(last))]
        {
            let reference = Reference::new(list, canary, label);
            let back = (reference.list(), reference.is_canary(), reference.label());
            assert_eq!(back, (list, canary, label));
        }
    }

    #[test]
    fn labels_outside_are_none() {
        let labels = b"\x02ab\x01c\x05xy\x01\xff";
        assert_eq!(label_at(labels, 0), Some("ab"));
        assert_eq!(label_at(labels, 3), Some("c"));
        for wrong in [5, 8, 10, 11, u64::MAX] {
            assert_eq!(label_at(labels, wrong), None, "{wrong}");
        }
    }
}
