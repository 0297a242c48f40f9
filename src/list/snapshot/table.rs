//! The exact table of one algorithm: digests in order, with gaps, each close to the place that
//! its first bits say.
//!
//! ```text
//! slot   0     1     2     3     4     5     6     7
//!       09    2a    2c    3b    --    --    d1    --      2a, 2c and 3b have one home: 1
//! ```
//!
//! A slot holds a digest and its reference, or zeros. The first 64 bits of a digest, scaled to
//! the number of homes, name its home; a row stands there, or behind the rows before it that had
//! to make way (linear probing that keeps the order: Amble and Knuth, "Ordered hash tables",
//! 1974). So a lookup knows where to look before it has read anything, and waits for memory once.
//!
//! Between a row and its home there is no empty slot: from a digest's home on, rows below it come
//! first, then it or the place where it would be. That is a sorted sequence, which is searched by
//! doubling steps. A list of made-up digests that all begin alike makes one long run of rows; the
//! search of it costs two comparisons for each doubling, some sixty at most, and compiling it no
//! more than any other list.

use std::ops::Range;

use super::error::SnapshotError;
use super::format::{Head, SectionKind};
use super::hints;
use super::lists::LISTS_MAX;
use super::map::Bytes;
use super::reference::Reference;
use crate::digest::Algorithm;

/// Rows that are compared at once: in the mean, nineteen of twenty digests are among them.
const SCAN_ROWS: usize = 6;
/// Cache lines that are asked for ahead of the filter's answer: five of six listed digests stand in
/// them, and each more would cost the innocent something too.
const LINES_AHEAD: usize = 3;
/// Slots that a read call fetches where no entry was found before; runs beyond that are rare.
const PEEK_ROWS: usize = 32;

/// Where one algorithm's rows are in the file.
pub(super) struct Table {
    pub(super) algorithm: Algorithm,
    /// Slots that a digest can have as its home, at least one; there may be more behind them.
    homes: usize,
    bytes: Range<usize>,
}

impl Table {
    /// The table of one algorithm, which is to hold so many `rows`; `None` if that is 0.
    ///
    /// # Errors
    /// The section is missing, or it can't have so many rows.
    pub(super) fn open(
        head: &Head,
        algorithm: Algorithm,
        rows: u64,
    ) -> Result<Option<Self>, SnapshotError> {
        const WRONG: SnapshotError =
            SnapshotError::Corrupt("a table has more or fewer rows than its lists");
        let bytes = match (head.range(SectionKind::Rows(algorithm)), rows) {
            (None, 0) => return Ok(None),
            (Some(bytes), 1..ROWS_END) => bytes,
            (None, _) | (Some(_), _) => return Err(WRONG),
        };
        let (rows, homes) = (rows as usize, homes(rows as usize));
        let slots = bytes.len() / slot_len(algorithm);
        let fits = bytes.len().is_multiple_of(slot_len(algorithm))
            && (homes..homes + rows).contains(&slots);
        if fits { Ok(Some(Table { algorithm, homes, bytes })) } else { Err(WRONG) }
    }

    /// Asks for the memory in which `digest` stands if it is listed.
    pub(super) fn expect(&self, file: &[u8], digest: &[u8]) {
        let home = home(digest, self.homes) * slot_len(self.algorithm);
        hints::prefetch(&self.bytes(file)[home..], LINES_AHEAD);
    }

    /// The slots that hold `digest`, which is one of this table's algorithm.
    ///
    /// In a table that contradicts itself it may miss some; `verify` finds out.
    pub(super) fn find(&self, file: &Bytes, digest: &[u8]) -> Range<usize> {
        let found = match self.algorithm {
            Algorithm::Md5 => self.find_in::<16, 24>(file, digest),
            Algorithm::Sha1 => self.find_in::<20, 28>(file, digest),
            Algorithm::Sha256 => self.find_in::<32, 40>(file, digest),
        };
        found.unwrap_or(0..0)
    }

    /// Searches slots of `SLOT` bytes that begin with a digest of `N`.
    fn find_in<const N: usize, const SLOT: usize>(
        &self,
        file: &Bytes,
        digest: &[u8],
    ) -> Option<Range<usize>> {
        let digest: &[u8; N] = digest.try_into().ok()?;
        let home = home(digest, self.homes);
        let place = self.bytes.start + home * SLOT;
        let is_used = file.is_used(place);
        if !is_used && self.is_surely_absent::<N, SLOT>(file, place, digest) {
            return None;
        }
        let slots = self.bytes(file).as_chunks::<SLOT>().0;
        let first = home + find_first(slots.get(home..)?, digest)?;
        if !is_used {
            file.set_used(place);
        }
        let is_same = |slot: &&[u8; SLOT]| holds(slot, digest);
        Some(first..first + slots[first..].iter().take(LISTS_MAX).take_while(is_same).count())
    }

    /// Whether a read call tells that `digest`, whose home begins at `place`, is not listed: the
    /// filter lets one of a thousand through, and the kernel would map 64 KiB around each.
    fn is_surely_absent<const N: usize, const SLOT: usize>(
        &self,
        file: &Bytes,
        place: usize,
        digest: &[u8; N],
    ) -> bool {
        let mut buffer = [[0; SLOT]; PEEK_ROWS];
        let len = (self.bytes.end - place).min(PEEK_ROWS * SLOT);
        let is_read = file.read_to(place, &mut buffer.as_flattened_mut()[..len]).is_ok();
        let slots = &buffer[..len / SLOT];
        let end = lower_bound(slots, digest);
        is_read && slots.get(end).is_some_and(|slot| !holds(slot, digest))
    }

    /// Slots of the table, empty ones too.
    pub(super) fn slots(&self) -> usize {
        self.bytes.len() / slot_len(self.algorithm)
    }

    /// Slots that a digest can have as its home.
    pub(super) fn homes(&self) -> usize {
        self.homes
    }

    /// A slot: the digest and its reference.
    pub(super) fn slot<'a>(&self, file: &'a [u8], slot: usize) -> (&'a [u8], Reference) {
        let len = slot_len(self.algorithm);
        let bytes = &self.bytes(file)[slot * len..][..len];
        (&bytes[..self.algorithm.len()], Reference::of_slot(bytes))
    }

    fn bytes<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }
}

/// Tables have less than this number of rows.
pub(super) const ROWS_END: u64 = u32::MAX as u64;

/// Bytes of a slot: the digest and its reference.
pub(super) const fn slot_len(algorithm: Algorithm) -> usize {
    algorithm.len() + Reference::LEN
}

/// Slots that are homes in a table of so many rows: three of four are taken. With fewer gaps runs
/// grow fast, with more there are more pages to be read and remembered.
pub(super) fn homes(rows: usize) -> usize {
    rows + rows.div_ceil(3)
}

/// The home of a digest: its first 64 bits as a fraction of all homes.
pub(super) fn home(digest: &[u8], homes: usize) -> usize {
    let head = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    ((u128::from(head) * homes as u128) >> 64) as usize
}

/// The first of the slots from a digest's home on that holds it.
fn find_first<const N: usize, const SLOT: usize>(
    slots: &[[u8; SLOT]],
    digest: &[u8; N],
) -> Option<usize> {
    scan(slots, digest).or_else(|| {
        let first = lower_bound(slots, digest);
        slots.get(first).is_some_and(|slot| holds(slot, digest)).then_some(first)
    })
}

/// Looks for the digest in the first few slots, without any branch that depends on them: a wrongly
/// guessed one would keep the processor from waiting for the memory of several lookups at once.
/// `None` if it is not among them, or if another digest there begins as it does.
fn scan<const N: usize, const SLOT: usize>(
    slots: &[[u8; SLOT]],
    digest: &[u8; N],
) -> Option<usize> {
    let wanted = digest.first_chunk::<8>();
    let mut found = 0u32;
    for (i, slot) in slots.first_chunk::<SCAN_ROWS>()?.iter().enumerate() {
        found |= u32::from(slot.first_chunk::<8>() == wanted) << i;
    }
    let first = found.trailing_zeros() as usize;
    slots.get(first).is_some_and(|slot| holds(slot, digest)).then_some(first)
}

/// The first of the slots from a digest's home on that is empty or does not come before it, or
/// the number of slots. All before it are rows that do, and none behind it is: see above.
fn lower_bound<const N: usize, const SLOT: usize>(slots: &[[u8; SLOT]], digest: &[u8; N]) -> usize {
    let is_before =
        |slot: &[u8; SLOT]| Reference::of_slot(slot).is_row() && slot.first_chunk() < Some(digest);
    let (mut start, mut end) = (0, SCAN_ROWS);
    while slots.get(end).is_some_and(is_before) {
        (start, end) = (end + 1, end * 2);
    }
    let end = end.min(slots.len());
    start + slots[start..end].partition_point(is_before)
}

/// Whether the slot is a row of this digest.
fn holds<const N: usize, const SLOT: usize>(slot: &[u8; SLOT], digest: &[u8; N]) -> bool {
    slot.first_chunk() == Some(digest) && Reference::of_slot(slot).is_row()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_four_homes_are_taken() {
        for (rows, expected) in [(1, 2), (2, 3), (3, 4), (4, 6), (10_000_000, 13_333_334)] {
            assert_eq!(homes(rows), expected, "{rows}");
        }
    }

    #[test]
    fn the_first_bits_are_a_fraction_of_the_homes() {
        for (digest, expected) in [
            ([0; 16], 0),
            ([0x7f; 16], 498),
            ([0x80, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0], 500),
            ([0xff; 16], 999),
        ] {
            assert_eq!(home(&digest, 1000), expected);
        }
        assert_eq!(home(&[0xff; 32], usize::MAX), usize::MAX - 1);
    }

    /// Slots of a sorted run with an empty slot behind it, and other rows behind that.
    fn run(len: u8) -> Vec<[u8; 24]> {
        let row = |i: u8| {
            let mut slot = [0x11; 24];
            slot[15] = i;
            slot
        };
        let rows = (1..=len).map(|i| row(i * 2)).map(with_reference);
        rows.chain([[0; 24], with_reference([0x77; 24])]).collect()
    }

    fn with_reference(mut slot: [u8; 24]) -> [u8; 24] {
        slot[16..].copy_from_slice(&Reference::new(0, false, None).0.to_le_bytes());
        slot
    }

    #[test]
    fn searching_a_run_is_looking_at_each_slot() {
        for len in 0..100 {
            let slots = run(len);
            for last in 0..=201 {
                let mut digest = [0x11; 16];
                digest[15] = last;
                let each = slots.iter().position(|slot| holds(slot, &digest));
                assert_eq!(find_first(&slots, &digest), each, "{last} of {len}");
                let above = slots.iter().position(|slot| slot[..16] >= digest[..] || !is_row(slot));
                assert_eq!(Some(lower_bound(&slots, &digest)), above, "{last} of {len}");
            }
        }
    }

    fn is_row(slot: &[u8]) -> bool {
        Reference::of_slot(slot).is_row()
    }
}
