//! Whether the perceptual hashes of a snapshot are what they seem to be.

use super::bands::Cut;
use super::index::{Index, Numbers, Packed};
use super::table::PdqTable;
use crate::list::canary::canary_hash;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::reader::Snapshot;
use crate::list::snapshot::reference::Reference;
use crate::list::{Hash, HashKind};

impl Snapshot {
    /// Proves the order of each table, its references, labels and counts, and that the index leads
    /// to every row from each of its bands.
    ///
    /// # Errors
    /// The first contradiction found.
    pub(in crate::list::snapshot) fn verify_near(&self) -> Result<(), SnapshotError> {
        let mut rows = self.near.rows(&self.bytes).peekable();
        while let Some(kind) = rows.peek().map(|(hash, _)| hash.kind()) {
            let of_kind = std::iter::from_fn(|| rows.next_if(|(hash, _)| hash.kind() == kind));
            self.verify_kind(kind, of_kind)?;
        }
        let Some(table) = &self.near.pdq else { return Ok(()) };
        table.index.as_ref().map_or(Ok(()), |index| self.verify_index(table, index))
    }

    fn verify_kind(
        &self,
        kind: HashKind,
        rows: impl Iterator<Item = (Hash, Reference)>,
    ) -> Result<(), SnapshotError> {
        let mut entries = vec![0; self.lists().len()];
        let mut canaries = vec![0; self.lists().len()];
        let canary = canary_hash(kind);
        let mut before = None;
        for (hash, reference) in rows {
            let list = usize::from(reference.list());
            let here = Some((hash.clone(), list));
            if !reference.is_row() || list >= entries.len() || before >= here {
                return Err(SnapshotError::Corrupt("a table is not in order"));
            }
            before = here;
            let is_canary = Some(&hash) == canary.as_ref();
            if hash.unfit().is_some() || is_canary != reference.is_canary() {
                return Err(SnapshotError::Corrupt("a row is listed that can't be an entry"));
            }
            self.verify_label(reference, &hash)?;
            let counts = if is_canary { &mut canaries } else { &mut entries };
            counts[list] += 1;
        }
        for ((list, entries), canaries) in self.lists().iter().zip(entries).zip(canaries) {
            let near = list.near.iter().find(|near| near.kind.hash_kind() == kind);
            let stated = near.map_or((0, 0), |near| (near.entries, u64::from(near.canary)));
            if (entries, canaries) != stated {
                return Err(SnapshotError::Corrupt("a list has other entries than it states"));
            }
        }
        Ok(())
    }

    /// As many row numbers as rows, each under its own key with its own bits, and no two alike: so all
    /// are there.
    fn verify_index(&self, table: &PdqTable, index: &Index) -> Result<(), SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Corrupt("the pdq index misleads");
        let hashes = table.hashes(&self.bytes);
        for (band, part) in index.parts() {
            let numbers = Numbers::of(&self.bytes, part);
            let packing = index.packing;
            let row = |packed: &Packed| packing.unpack(*packed).0;
            let cut = |row: u32| Some(band.cut(hashes.get(row as usize)?, packing.behind_bits()));
            let mut end = 0;
            for key in 0..band.offsets() as u32 - 1 {
                let span = numbers.span(key);
                let ascends = span.is_sorted_by(|a, b| row(a) < row(b));
                let is_here = |packed: &Packed| {
                    let row = row(packed);
                    let is_packed = |cut: Cut| packing.pack(row, cut.tag) == *packed;
                    cut(row).is_some_and(|cut| cut.key == key && is_packed(cut))
                };
                if numbers.offset(key) != Some(end) || !ascends || !span.iter().all(is_here) {
                    return Err(WRONG);
                }
                end += span.len() as u32;
            }
            if numbers.offset(band.offsets() as u32 - 1) != Some(table.rows as u32)
                || end != table.rows as u32
            {
                return Err(WRONG);
            }
        }
        Ok(())
    }
}
