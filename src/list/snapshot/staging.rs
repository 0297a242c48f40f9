//! Rows on their way into a snapshot: gathered in any order, sorted once, written out.

use std::cmp::Ordering;
use std::io::{self, Write};

use super::filter;
use super::table::{Reference, bucket_of, buckets, label_at, prefix_bits};
use crate::digest::Algorithm;

/// A row of 40 bytes, whatever its kind; the digest is filled up with zeros.
#[derive(Clone, Copy)]
struct Staged {
    digest: [u8; 32],
    reference: Reference,
}

/// The rows of one algorithm.
pub(super) struct Staging {
    pub(super) algorithm: Algorithm,
    rows: Vec<Staged>,
}

impl Staging {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Staging { algorithm, rows: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row; `digest` is one of this table's algorithm.
    pub(super) fn push(&mut self, digest: &[u8], reference: Reference) {
        let mut row = Staged { digest: [0; 32], reference };
        row.digest[..digest.len()].copy_from_slice(digest);
        self.rows.push(row);
    }

    /// Sorts by digest, then list, and drops all but the first row of a digest in a list: the one
    /// with the least label, and with any rather than none. Labels move from `labels` to
    /// `sorted_labels`, in the order of rows.
    pub(super) fn sort(&mut self, labels: &[u8], sorted_labels: &mut Vec<u8>) {
        self.rows.sort_unstable_by(|a, b| {
            a.digest.cmp(&b.digest).then_with(|| order(a.reference, b.reference, labels))
        });
        self.rows.dedup_by_key(|row| (row.digest, row.reference.list()));
        for row in &mut self.rows {
            let reference = row.reference;
            let Some(label) = label_of(reference, labels) else { continue };
            let offset = sorted_labels.len() as u64;
            push_label(sorted_labels, label);
            row.reference = Reference::new(reference.list(), reference.is_canary(), Some(offset));
        }
    }

    /// The filter keys of the digests, each once.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        let same = |a: &Staged, b: &Staged| a.digest == b.digest;
        self.rows.chunk_by(same).map(|rows| filter::key(&rows[0].digest))
    }

    /// Rows without the canary that belong to a list.
    pub(super) fn entries_of(&self, lists: usize) -> Vec<u64> {
        let mut counts = vec![0; lists];
        for row in self.rows.iter().filter(|row| !row.reference.is_canary()) {
            counts[usize::from(row.reference.list())] += 1;
        }
        counts
    }

    pub(super) fn write_rows(&self, out: &mut impl Write) -> io::Result<()> {
        let len = self.algorithm.len();
        self.rows.iter().try_for_each(|row| {
            out.write_all(&row.digest[..len])?;
            out.write_all(&row.reference.0.to_le_bytes())
        })
    }

    /// Writes the first row of each bucket, and the number of rows as the end of the last.
    pub(super) fn write_prefixes(&self, out: &mut impl Write) -> io::Result<()> {
        let bits = prefix_bits(self.rows.len());
        let mut start = 0;
        for bucket in 0..=buckets(bits) {
            let rest = self.rows[start..].iter();
            start += rest.take_while(|row| bucket_of(&row.digest, bits) < bucket).count();
            out.write_all(&(start as u32).to_le_bytes())?;
        }
        Ok(())
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

/// Appends a label, which has at most 200 bytes: its length, then its text.
pub(super) fn push_label(labels: &mut Vec<u8>, label: &str) {
    labels.push(label.len() as u8);
    labels.extend(label.as_bytes());
}
