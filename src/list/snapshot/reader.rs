//! An open snapshot, and what it answers.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::error::SnapshotError;
use super::filter::{self, Filter};
use super::format::{self, HEAD_LEN_MAX, Head, SectionKind};
use super::hints;
use super::lists::{self, ListInfo};
use super::map::Bytes;
use super::near::{self, Near, NearKind};
use super::reference::{Reference, label_at};
use super::table::Table;
use crate::digest::{Algorithm, AlgorithmSet, Digest};
use crate::list::{EntryId, Hash};

/// An open snapshot. It never changes; share it by `Arc`.
///
/// Resident are the filter and the pages that lookups have touched.
pub struct Snapshot {
    pub(super) bytes: Bytes,
    pub(super) filter: Filter,
    pub(super) tables: [Option<Table>; 3],
    pub(super) near: Near,
    pub(super) labels: Range<usize>,
    lists: Vec<ListInfo>,
    id: String,
}

impl Snapshot {
    /// Maps a snapshot file and checks header, section table, lists and filter parameters:
    /// milliseconds at any size. It does not read the tables; [`super::verify_checksums`] does.
    ///
    /// As long as the snapshot is open, nobody may write to the file or cut it: a lookup that
    /// reads behind the end of a cut file kills the process.
    ///
    /// # Errors
    /// The file can't be read, is foreign, of another version, cut off, or corrupt.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SnapshotError> {
        Self::assemble(Bytes::open(path.as_ref())?)
    }

    /// Takes a snapshot from memory, with the same checks.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        Self::assemble(Bytes::Owned(bytes))
    }

    fn assemble(bytes: Bytes) -> Result<Self, SnapshotError> {
        let Parts { head, tables, near, labels, filter, lists } = Parts::parse(&bytes)?;
        let filter = Filter::open(read_filter(&bytes, filter)?, &head.filter)?;
        let id = format::id(&bytes);
        Ok(Snapshot { bytes, filter, tables, near, labels, lists, id })
    }

    /// Where `digest` is listed: in most cases nowhere, which the filter answers alone.
    pub fn lookup(&self, digest: &Digest) -> Hits<'_> {
        let nothing = Hits { found: None, rows: 0..0 };
        let Some(table) = &self.tables[digest.algorithm() as usize] else { return nothing };
        // Filter and table lie far apart. A listed digest is to wait for both at once.
        table.expect(&self.bytes, digest.as_bytes());
        if !self.may_hold(digest) {
            return nothing;
        }
        let rows = table.find(&self.bytes, digest.as_bytes());
        Hits { found: Some((self, table, *digest)), rows }
    }

    fn may_hold(&self, digest: &Digest) -> bool {
        self.filter.may_hold(filter::key(digest.as_bytes()))
    }

    /// The lists, in the order of [`Hit::list`].
    pub fn lists(&self) -> &[ListInfo] {
        &self.lists
    }

    /// The kinds of digest that have to be computed to look a body up.
    pub fn algorithms(&self) -> AlgorithmSet {
        self.tables.iter().flatten().map(|table| table.algorithm).collect()
    }

    /// 16 hex digits that stand for the whole content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The perceptual kinds of all lists, each once: what has to be made of a picture before it can
    /// be looked up.
    pub fn near_kinds(&self) -> BTreeSet<NearKind> {
        self.lists.iter().flat_map(|list| &list.near).map(|near| near.kind).collect()
    }

    /// Entries of all lists, without the canary.
    pub fn entries(&self) -> u64 {
        self.lists.iter().map(ListInfo::entries).fold(0, u64::saturating_add)
    }

    /// Whether list number `list` has an entry with this id. Reads all of the list: not for the
    /// async threads.
    pub fn has_entry(&self, list: u16, id: &str) -> bool {
        let is_it = |row: &Row<'_>| EntryId::new(&row.hash, row.label).as_str() == id;
        self.rows().filter(|row| row.list == list).any(|row| is_it(&row))
    }

    /// Every entry, without the canary, by kind, hash and list.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows().filter(|row| !row.canary)
    }

    /// Every row, with the canary.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let tables = self.tables.iter().flatten();
        let exact = tables.flat_map(|table| {
            let row = |slot| {
                let (digest, reference) = table.slot(&self.bytes, slot);
                Some((Digest::from_bytes(table.algorithm, digest)?.into(), reference))
            };
            (0..table.slots()).filter_map(row)
        });
        let near = self.near.rows(&self.bytes);
        exact.chain(near).filter_map(|(hash, reference)| self.row(hash, reference))
    }

    fn row(&self, hash: Hash, reference: Reference) -> Option<Row<'_>> {
        let label = reference.label().and_then(|offset| self.label(offset));
        let (list, canary) = (reference.list(), reference.is_canary());
        reference.is_row().then_some(Row { hash, list, label, canary })
    }

    /// The label at an offset; one that is broken is none.
    pub(super) fn label(&self, offset: u64) -> Option<&str> {
        label_at(&self.bytes[self.labels.clone()], offset)
    }
}

/// Reads the filter into memory, which is to be on huge pages soon: a lookup touches it anywhere.
fn read_filter(bytes: &Bytes, range: Range<usize>) -> io::Result<Vec<u8>> {
    let mut filter = vec![0; range.len()];
    bytes.read_to(range.start, &mut filter)?;
    hints::huge_pages(&mut filter);
    Ok(filter)
}

/// What a lookup found on one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index in [`Snapshot::lists`].
    pub list: u16,
    /// Which entry it was.
    pub entry: EntryId,
    /// Whether it was not an entry but the canary image. Every list has it in its kinds, allow
    /// lists too, where it must acquit nobody.
    pub canary: bool,
}

/// The hits of one lookup, one for each list.
pub struct Hits<'a> {
    found: Option<(&'a Snapshot, &'a Table, Digest)>,
    rows: Range<usize>,
}

impl Hits<'_> {
    /// Whether the digest is on no list.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Iterator for Hits<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        let (snapshot, table, digest) = self.found.as_ref()?;
        // A row of a list that does not exist is corrupt; skipping it keeps the index valid.
        let exists = |list: u16| usize::from(list) < snapshot.lists.len();
        let mut references = self.rows.by_ref().map(|slot| table.slot(&snapshot.bytes, slot).1);
        let reference = references.find(|reference| exists(reference.list()))?;
        let label = reference.label().and_then(|offset| snapshot.label(offset));
        Some(Hit {
            list: reference.list(),
            entry: EntryId::new(&Hash::Exact(*digest), label),
            canary: reference.is_canary(),
        })
    }
}

/// One row of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row<'a> {
    /// What is listed.
    pub hash: Hash,
    /// Index in [`Snapshot::lists`].
    pub list: u16,
    /// What the source called it.
    pub label: Option<&'a str>,
    /// Whether it is the canary.
    pub canary: bool,
}

/// Where everything is, checked against each other.
struct Parts {
    head: Head,
    tables: [Option<Table>; 3],
    near: Near,
    labels: Range<usize>,
    filter: Range<usize>,
    lists: Vec<ListInfo>,
}

impl Parts {
    fn parse(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let head = Head::parse(&bytes[..bytes.len().min(HEAD_LEN_MAX)], bytes.len() as u64)?;
        let section = |kind| {
            let missing = SnapshotError::Corrupt("a section is missing");
            head.range(kind).ok_or(missing)
        };
        let labels = section(SectionKind::Labels)?;
        let filter = section(SectionKind::Filter)?;
        let wrong = SnapshotError::Corrupt("the lists can't be read");
        let mut lists = lists::decode(&bytes[section(SectionKind::Lists)?]).ok_or(wrong)?;
        if let Some(near) = head.range(SectionKind::NearLists) {
            near::decode(&bytes[near], &mut lists)?;
        }
        if lists.iter().any(ListInfo::is_of_nothing) {
            return Err(SnapshotError::Corrupt("a list holds nothing"));
        }
        let [md5, sha1, sha256] = Algorithm::ALL.map(|a| table(&head, &lists, a));
        let near = Near::open(bytes, &head, &lists)?;
        Ok(Parts { tables: [md5?, sha1?, sha256?], near, head, labels, filter, lists })
    }
}

/// A table, which must be able to have as many rows as the lists say.
fn table(
    head: &Head,
    lists: &[ListInfo],
    algorithm: Algorithm,
) -> Result<Option<Table>, SnapshotError> {
    let rows = lists.iter().map(|list| list.rows_of(algorithm)).fold(0, u64::saturating_add);
    Table::open(head, algorithm, rows)
}
