//! Where the perceptual hashes of a snapshot are.

use std::ops::Range;

use super::NearInfo;
use super::index::Index;
use crate::image::{Pdq, PerceptualKind};
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::format::{Head, SectionKind};
use crate::list::snapshot::lists::ListInfo;
use crate::list::snapshot::reference::Reference;
use crate::list::snapshot::table::ROWS_END;
use crate::list::{Hash, HashKind};

/// Bytes of a PDQ hash.
pub(super) const PDQ_LEN: usize = 32;

/// All tables of perceptual hashes.
#[derive(Default)]
pub(in crate::list::snapshot) struct Near {
    pub(super) pdq: Option<PdqTable>,
    pub(super) own: Vec<OwnTable>,
}

/// The PDQ hashes: rows ascend by hash, then list.
pub(super) struct PdqTable {
    pub(super) rows: usize,
    hashes: Range<usize>,
    references: Range<usize>,
    pub(super) index: Option<Index>,
}

/// The hashes of another kind, each with its reference.
pub(super) struct OwnTable {
    pub(super) kind: PerceptualKind,
    bytes: Range<usize>,
}

impl Near {
    /// Finds the tables, which are to hold as many rows as the lists say.
    ///
    /// # Errors
    /// A section is missing, or has another length.
    pub(in crate::list::snapshot) fn open(
        file: &[u8],
        head: &Head,
        lists: &[ListInfo],
    ) -> Result<Self, SnapshotError> {
        let rows_of = |kind| rows_of(lists, kind);
        let pdq = PdqTable::open(file, head, rows_of(HashKind::Pdq)?)?;
        let mut own = Vec::new();
        for kind in PerceptualKind::all() {
            let rows = rows_of(HashKind::Perceptual(kind))?;
            own.extend(OwnTable::open(head, kind, rows)?);
        }
        Ok(Near { pdq, own })
    }

    /// Every row: its hash and its reference, by kind, hash and list.
    pub(in crate::list::snapshot) fn rows<'a>(
        &'a self,
        file: &'a [u8],
    ) -> impl Iterator<Item = (Hash, Reference)> {
        let pdq = self.pdq.iter().flat_map(move |table| {
            let hashes = table.hashes(file).iter().enumerate();
            hashes.map(move |(row, hash)| (Hash::Pdq(Pdq(*hash)), table.reference(file, row)))
        });
        let own = self.own.iter().flat_map(move |table| {
            let kind = HashKind::Perceptual(table.kind);
            table
                .slots(file)
                .filter_map(move |slot| Some((Hash::from_bytes(kind, slot.0)?, slot.1)))
        });
        pdq.chain(own)
    }
}

/// Rows that all lists together have in a kind.
fn rows_of(lists: &[ListInfo], kind: HashKind) -> Result<usize, SnapshotError> {
    let near = lists.iter().flat_map(|list| &list.near);
    let rows = near.filter(|near| near.kind.hash_kind() == kind).map(NearInfo::rows);
    match rows.fold(0, u64::saturating_add) {
        rows @ 0..ROWS_END => Ok(rows as usize),
        _ => Err(SnapshotError::Corrupt("a list has more perceptual hashes than fit")),
    }
}

/// A section that is there if there are rows, `row_len` bytes for each.
fn section(
    head: &Head,
    kind: SectionKind,
    rows: usize,
    row_len: usize,
) -> Result<Option<Range<usize>>, SnapshotError> {
    match head.range(kind) {
        None if rows == 0 => Ok(None),
        Some(range) if rows > 0 && rows.checked_mul(row_len) == Some(range.len()) => {
            Ok(Some(range))
        }
        None | Some(_) => {
            Err(SnapshotError::Corrupt("a table has more or fewer rows than its lists"))
        }
    }
}

impl PdqTable {
    fn open(file: &[u8], head: &Head, rows: usize) -> Result<Option<Self>, SnapshotError> {
        let hashes = section(head, SectionKind::PdqHashes, rows, PDQ_LEN)?;
        let references = section(head, SectionKind::PdqReferences, rows, Reference::LEN)?;
        let section = head.range(SectionKind::PdqIndex);
        let Some((hashes, references)) = hashes.zip(references) else {
            const WRONG: SnapshotError = SnapshotError::Corrupt("there is an index of nothing");
            return if section.is_none() { Ok(None) } else { Err(WRONG) };
        };
        let index = section.map(|section| Index::open(file, section, rows)).transpose()?;
        Ok(Some(PdqTable { rows, hashes, references, index }))
    }

    /// All hashes.
    pub(super) fn hashes<'a>(&self, file: &'a [u8]) -> &'a [[u8; PDQ_LEN]] {
        file[self.hashes.clone()].as_chunks().0
    }

    /// The reference of a row; one without a list if there is no such row.
    pub(super) fn reference(&self, file: &[u8], row: usize) -> Reference {
        let references = file[self.references.clone()].as_chunks().0;
        Reference(references.get(row).map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }
}

impl OwnTable {
    fn open(head: &Head, kind: PerceptualKind, rows: usize) -> Result<Option<Self>, SnapshotError> {
        let row_len = kind.hash_bytes() + Reference::LEN;
        let bytes = section(head, SectionKind::Perceptual(kind), rows, row_len)?;
        Ok(bytes.map(|bytes| OwnTable { kind, bytes }))
    }

    /// All rows: hash and reference.
    pub(super) fn slots<'a>(&self, file: &'a [u8]) -> impl Iterator<Item = (&'a [u8], Reference)> {
        let len = self.kind.hash_bytes();
        let slots = file[self.bytes.clone()].chunks_exact(len + Reference::LEN);
        slots.map(move |slot| (&slot[..len], Reference::of_slot(slot)))
    }
}
