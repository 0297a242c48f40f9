//! Rows on their way into a snapshot: gathered in any order, sorted once, written out.

use std::cmp::Ordering;
use std::io::{self, Write};

use super::filter;
use super::reference::{Reference, label_at, push_label};
use super::table::{home, homes, slot_len};
use crate::digest::Algorithm;

/// A row: a hash and whose it is.
pub(super) struct Staged<H> {
    pub(super) hash: H,
    pub(super) reference: Reference,
}

/// Rows with hashes of one kind.
pub(super) struct Rows<H>(Vec<Staged<H>>);

impl<H> Default for Rows<H> {
    fn default() -> Self {
        Rows(Vec::new())
    }
}

impl<H: Ord> Rows<H> {
    pub(super) fn push(&mut self, hash: H, reference: Reference) {
        self.0.push(Staged { hash, reference });
    }

    pub(super) fn as_slice(&self) -> &[Staged<H>] {
        &self.0
    }

    /// Sorts by hash, then list, and drops all but the first row of a hash in a list: the one with
    /// the least label, and with any rather than none. Labels move from `labels` to
    /// `sorted_labels`, in the order of rows.
    pub(super) fn sort(&mut self, labels: &[u8], sorted_labels: &mut Vec<u8>) {
        self.0.sort_unstable_by(|a, b| {
            a.hash.cmp(&b.hash).then_with(|| order(a.reference, b.reference, labels))
        });
        self.0.dedup_by(|a, b| a.reference.list() == b.reference.list() && a.hash == b.hash);
        for row in &mut self.0 {
            let reference = row.reference;
            let Some(label) = label_of(reference, labels) else { continue };
            let offset = sorted_labels.len() as u64;
            push_label(sorted_labels, label);
            row.reference = Reference::new(reference.list(), reference.is_canary(), Some(offset));
        }
    }

    /// Rows without the canary that belong to a list.
    pub(super) fn entries_of(&self, lists: usize) -> Vec<u64> {
        let mut counts = vec![0; lists];
        for row in self.0.iter().filter(|row| !row.reference.is_canary()) {
            counts[usize::from(row.reference.list())] += 1;
        }
        counts
    }
}

/// The rows of one algorithm: 40 bytes each, the digest filled up with zeros.
pub(super) struct Staging {
    pub(super) algorithm: Algorithm,
    rows: Rows<[u8; 32]>,
}

impl Staging {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Staging { algorithm, rows: Rows::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.0.len()
    }

    /// Adds a row; `digest` is one of this table's algorithm.
    pub(super) fn push(&mut self, digest: &[u8], reference: Reference) {
        let mut hash = [0; 32];
        hash[..digest.len()].copy_from_slice(digest);
        self.rows.push(hash, reference);
    }

    /// As [`Rows::sort`].
    pub(super) fn sort(&mut self, labels: &[u8], sorted_labels: &mut Vec<u8>) {
        self.rows.sort(labels, sorted_labels);
    }

    /// The filter keys of the digests, each once.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        let same = |a: &Staged<_>, b: &Staged<_>| a.hash == b.hash;
        self.rows.0.chunk_by(same).map(|rows| filter::key(&rows[0].hash))
    }

    /// As [`Rows::entries_of`].
    pub(super) fn entries_of(&self, lists: usize) -> Vec<u64> {
        self.rows.entries_of(lists)
    }

    /// Writes the table: each row in its home, or in the first slot behind the row before it, and
    /// zeros in the others.
    pub(super) fn write_slots(&self, out: &mut impl Write) -> io::Result<()> {
        let (len, homes) = (self.algorithm.len(), homes(self.len()));
        let mut next = 0;
        for row in &self.rows.0 {
            let slot = home(&row.hash, homes).max(next);
            self.write_gap(slot - next, out)?;
            out.write_all(&row.hash[..len])?;
            out.write_all(&row.reference.0.to_le_bytes())?;
            next = slot + 1;
        }
        self.write_gap(homes.saturating_sub(next), out)
    }

    fn write_gap(&self, slots: usize, out: &mut impl Write) -> io::Result<()> {
        let empty = [0; slot_len(Algorithm::Sha256)];
        let empty = &empty[..slot_len(self.algorithm)];
        (0..slots).try_for_each(|_| out.write_all(empty))
    }
}

fn order(a: Reference, b: Reference, labels: &[u8]) -> Ordering {
    let rank = |r: Reference| {
        let label = label_of(r, labels);
        (r.list(), !r.is_canary(), label.is_none(), label)
    };
    rank(a).cmp(&rank(b))
}

fn label_of(reference: Reference, labels: &[u8]) -> Option<&str> {
    reference.label().and_then(|offset| label_at(labels, offset))
}
