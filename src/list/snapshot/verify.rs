//! Reads every byte of a snapshot: against decay, before a file serves, and against its maker,
//! for `list verify`.

use std::io::Read;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::{SectionName, SnapshotError};
use super::filter;
use super::format::{self, Checksum, HEAD_LEN_MAX, Head};
use super::map::open_regular;
use super::reader::Snapshot;
use super::reference::Reference;
use super::table::{Table, home};
use crate::digest::Digest;
use crate::list::canary::canary_digest;
use crate::list::{Hash, Label};

/// Read buffer in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads a snapshot file once from end to end and compares every checksum; gives the snapshot's
/// id, to compare with the one that is opened.
///
/// It blocks for about half a second per gigabyte: not for the async threads.
///
/// # Errors
/// The file can't be read, is foreign, of another version, cut off, or damaged anywhere.
pub fn verify_checksums(path: impl AsRef<Path>) -> Result<String, SnapshotError> {
    let mut file = open_regular(path.as_ref())?;
    let len = file.metadata()?.len();
    verify_stream(&mut file, len)
}

fn verify_stream(input: &mut impl Read, len: u64) -> Result<String, SnapshotError> {
    let mut bytes = Vec::new();
    input.by_ref().take(HEAD_LEN_MAX as u64).read_to_end(&mut bytes)?;
    let head = Head::parse(&bytes, len)?;
    let mut input = bytes[head.len()..].chain(input);
    let mut end = head.len() as u64;
    for section in &head.sections {
        let mut padding = Vec::new();
        input.by_ref().take(section.offset - end).read_to_end(&mut padding)?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(SnapshotError::Corrupt("there is something between the sections"));
        }
        if checksum(&mut input.by_ref().take(section.len), section.len)? != section.checksum {
            return Err(SnapshotError::Checksum(SectionName(section.kind)));
        }
        end = section.offset + section.len;
    }
    Ok(format::id(&bytes))
}

fn checksum(input: &mut impl Read, len: u64) -> Result<Checksum, SnapshotError> {
    let mut buffer = vec![0; len.min(BUFFER_BYTES as u64) as usize];
    let mut hasher = Sha256::new();
    while !buffer.is_empty() {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(hasher.finalize().into())
}

impl Snapshot {
    /// Proves that the snapshot says what it seems to say: every checksum, the order of each
    /// table, the places of its rows, references, labels and counts, the canary in each kind, and that
    /// the filter holds every digest and the index every PDQ hash. Reads all of the file: not for the async threads.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        verify_stream(&mut &self.bytes[..], self.bytes.len() as u64)?;
        self.tables.iter().flatten().try_for_each(|table| self.verify_table(table))?;
        self.verify_near()
    }

    fn verify_table(&self, table: &Table) -> Result<(), SnapshotError> {
        let mut entries = vec![0; self.lists().len()];
        let mut canaries = vec![0; self.lists().len()];
        let canary = canary_digest(table.algorithm);
        let (mut before, mut next) = (None, 0);
        for slot in 0..table.slots() {
            let (digest, reference) = table.slot(&self.bytes, slot);
            if !reference.is_row() {
                verify_gap(digest, reference)?;
                continue;
            }
            let list = usize::from(reference.list());
            let here = Some((digest, list));
            if list >= entries.len() || before >= here {
                return Err(SnapshotError::Corrupt("a table is not in order"));
            }
            if slot != home(digest, table.homes()).max(next) {
                return Err(SnapshotError::Corrupt("a row is not in its place"));
            }
            (before, next) = (here, slot + 1);
            self.verify_row(table, slot, &canary)?;
            let counts = if reference.is_canary() { &mut canaries } else { &mut entries };
            counts[list] += 1;
        }
        if table.slots() != table.homes().max(next) {
            return Err(SnapshotError::Corrupt("a table ends in empty slots"));
        }
        self.verify_counts(table, &entries, &canaries)
    }

    /// Compares what was counted of each list with what the lists section says.
    fn verify_counts(
        &self,
        table: &Table,
        entries: &[u64],
        canaries: &[u64],
    ) -> Result<(), SnapshotError> {
        for ((list, entries), canaries) in self.lists().iter().zip(entries).zip(canaries) {
            let canary = u64::from(list.algorithms.contains(table.algorithm));
            if *entries != list.entries_of(table.algorithm) || *canaries != canary {
                return Err(SnapshotError::Corrupt("a list has other entries than it states"));
            }
        }
        Ok(())
    }

    fn verify_row(&self, table: &Table, slot: usize, canary: &Digest) -> Result<(), SnapshotError> {
        let (bytes, reference) = table.slot(&self.bytes, slot);
        if !self.filter.may_hold(filter::key(bytes)) {
            return Err(SnapshotError::Corrupt("the filter misses an entry"));
        }
        let digest = Digest::from_bytes(table.algorithm, bytes);
        let digest = digest.ok_or(SnapshotError::Corrupt("a digest has the wrong length"))?;
        let is_canary = digest == *canary;
        if digest == table.algorithm.of_nothing() || is_canary != reference.is_canary() {
            return Err(SnapshotError::Corrupt("a row is listed that can't be an entry"));
        }
        self.verify_label(reference, &digest.into())
    }

    /// A row points at a label that it can have, or at none.
    pub(super) fn verify_label(
        &self,
        reference: Reference,
        hash: &Hash,
    ) -> Result<(), SnapshotError> {
        let label = reference.label().map(|offset| self.label(offset).unwrap_or_default());
        let is_wrong =
            |label| reference.is_canary() || Label::new(label, std::slice::from_ref(hash)).is_err();
        match label.is_some_and(is_wrong) {
            true => Err(SnapshotError::Corrupt("a label is wrong")),
            false => Ok(()),
        }
    }
}

/// A slot without a row is all zeros.
fn verify_gap(digest: &[u8], reference: Reference) -> Result<(), SnapshotError> {
    if reference.0 == 0 && digest.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    Err(SnapshotError::Corrupt("there is something in an empty slot"))
}
