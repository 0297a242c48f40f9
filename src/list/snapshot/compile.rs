//! The compiler: entries of several lists go in, one snapshot file comes out.
//!
//! The same entries in any order give the same bytes, so that two operators can compare ids and
//! a rebuilt list that did not change is not swapped in.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use super::filter::{self, Filter};
use super::format::{Head, SectionKind};
use super::lists::{self, LISTS_MAX, ListInfo};
use super::measure::{BUFFER_BYTES, measure};
use super::near::{self, NearInfo, NearKind, NearStaging};
use super::reader::Snapshot;
use super::reference::{Reference, push_label};
use super::staging::Staging;
use super::table::ROWS_END;
use crate::digest::{Algorithm, AlgorithmSet};
use crate::image::Convention;
use crate::list::canary::canary_hash;
use crate::list::{Entry, Hash, HashKind};

/// Why no snapshot was written.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A list's name is empty, longer than 100 bytes, not printable, or holds a slash.
    #[error("{0:?} can't be the name of a list")]
    Name(String),
    /// Two lists have one name.
    #[error("there are two lists {0:?}")]
    DuplicateName(String),
    /// A list has no entry.
    #[error("the list {0:?} has no entry")]
    Empty(String),
    /// There is no list.
    #[error("there is no list to compile")]
    NoList,
    /// There are more lists than fit.
    #[error("there are more than {LISTS_MAX} lists")]
    TooManyLists,
    /// There are more entries of one kind than fit.
    #[error("there are more than 4 billion {0} entries")]
    TooManyEntries(HashKind),
    /// The PDQ hashes of one list were made in different ways.
    #[error("the list {0:?} would mix pdq hashes of two conventions")]
    Conventions(String),
    /// The output fails.
    #[error("the snapshot can't be written: {0}")]
    Write(#[from] io::Error),
}

/// One list for [`compile`].
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it lists, in any order.
    pub entries: &'a [Entry],
}

/// Writes one snapshot that holds all the lists, in their order.
///
/// # Errors
/// A name is wrong or comes twice, a list is empty, there are too many of something, or the
/// output fails.
pub fn compile(parts: &[Part<'_>], out: &mut impl Write) -> Result<(), CompileError> {
    let mut compiler = Compiler::default();
    for part in parts {
        let list = compiler.list(part.name)?;
        part.entries.iter().for_each(|entry| compiler.add(list, entry));
    }
    compiler.write(out)
}

/// Writes one snapshot that holds what several snapshots hold, each as one list under the given
/// name. One snapshot under its own name gives its own bytes again.
///
/// # Errors
/// As [`compile`].
pub fn merge(parts: &[(&str, &Snapshot)], out: &mut impl Write) -> Result<(), CompileError> {
    let mut compiler = Compiler::default();
    for (name, snapshot) in parts {
        let list = compiler.list(name)?;
        for convention in snapshot.lists().iter().filter_map(ListInfo::convention) {
            compiler.convention(list, convention)?;
        }
        for row in snapshot.rows() {
            compiler.add_row(list, &row.hash, row.label);
        }
    }
    compiler.write(out)
}

/// A list of a [`Compiler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey(u16);

/// Gathers entries as they are read, some 40 bytes each and the label, and writes the snapshot.
pub struct Compiler {
    lists: Vec<Listing>,
    canaries: BTreeMap<HashKind, Option<Hash>>,
    tables: [Staging; 3],
    near: NearStaging,
    labels: Vec<u8>,
}

/// A list while it is gathered.
struct Listing {
    name: String,
    kinds: BTreeSet<HashKind>,
    /// `None` as long as nobody has said it.
    convention: Option<Convention>,
}

impl Default for Compiler {
    fn default() -> Self {
        Compiler {
            lists: Vec::new(),
            canaries: BTreeMap::new(),
            tables: Algorithm::ALL.map(Staging::new),
            near: NearStaging::default(),
            labels: Vec::new(),
        }
    }
}

impl Compiler {
    /// Begins a list; its index in the snapshot is the number of lists before it.
    ///
    /// # Errors
    /// The name can't be one or is taken, or there are too many lists.
    pub fn list(&mut self, name: &str) -> Result<ListKey, CompileError> {
        if !lists::is_name(name) {
            return Err(CompileError::Name(name.to_owned()));
        }
        if self.lists.iter().any(|taken| taken.name == name) {
            return Err(CompileError::DuplicateName(name.to_owned()));
        }
        if self.lists.len() == LISTS_MAX {
            return Err(CompileError::TooManyLists);
        }
        let kinds = BTreeSet::new();
        self.lists.push(Listing { name: name.to_owned(), kinds, convention: None });
        Ok(ListKey(self.lists.len() as u16 - 1))
    }

    /// Says how the PDQ hashes of a list were made, of those already added too. Where nobody says
    /// it, it is [`Convention::Full`].
    ///
    /// # Errors
    /// They were said to be made otherwise.
    ///
    /// # Panics
    /// `list` is another compiler's.
    pub fn convention(
        &mut self,
        ListKey(list): ListKey,
        convention: Convention,
    ) -> Result<(), CompileError> {
        let list = &mut self.lists[usize::from(list)];
        if *list.convention.get_or_insert(convention) == convention {
            return Ok(());
        }
        Err(CompileError::Conventions(list.name.clone()))
    }

    /// Adds an entry to a list. What [`Hash::unfit`] names is never added.
    ///
    /// # Panics
    /// `list` is another compiler's.
    pub fn add(&mut self, list: ListKey, entry: &Entry) {
        self.add_row(list, &entry.hash, entry.label.as_ref().map(|label| label.as_str()));
    }

    fn add_row(&mut self, ListKey(list): ListKey, hash: &Hash, label: Option<&str>) {
        if hash.unfit().is_some() {
            return;
        }
        let kind = hash.kind();
        self.lists[usize::from(list)].kinds.insert(kind);
        // Every list gets the canary anyway; that row stays apart from what was listed.
        if self.canary(kind).as_ref() == Some(hash) {
            return;
        }
        let offset = label.map(|label| {
            let offset = self.labels.len() as u64;
            push_label(&mut self.labels, label);
            offset
        });
        self.push(hash, Reference::new(list, false, offset));
    }

    fn canary(&mut self, kind: HashKind) -> &Option<Hash> {
        self.canaries.entry(kind).or_insert_with(|| canary_hash(kind))
    }

    fn push(&mut self, hash: &Hash, reference: Reference) {
        match hash {
            Hash::Exact(digest) => {
                self.tables[digest.algorithm() as usize].push(digest.as_bytes(), reference);
            }
            Hash::Pdq(pdq) => self.near.push_pdq(*pdq, reference),
            Hash::Perceptual(kind, hash) => self.near.push_own(*kind, hash, reference),
        }
    }

    /// Sorts, and writes the file.
    ///
    /// # Errors
    /// A list is empty, there are too many entries, or the output fails.
    pub fn write(mut self, out: &mut impl Write) -> Result<(), CompileError> {
        self.check_lists()?;
        self.add_canaries();
        let exact = self.tables.iter().map(|table| (table.algorithm.into(), table.len()));
        if let Some((kind, _)) =
            exact.chain(self.near.kinds()).find(|(_, rows)| *rows as u64 >= ROWS_END)
        {
            return Err(CompileError::TooManyEntries(kind));
        }
        let mut labels = Vec::with_capacity(self.labels.len());
        self.tables.iter_mut().for_each(|table| table.sort(&self.labels, &mut labels));
        self.near.sort(&self.labels, &mut labels);
        self.labels = labels;
        Sorted::new(self).write(out)
    }

    /// Indexes PDQ hashes in bands of these widths, few as they may be: for tests.
    pub(super) fn index_by(&mut self, widths: &[u8]) {
        self.near.index_by(widths);
    }

    fn check_lists(&self) -> Result<(), CompileError> {
        match self.lists.iter().find(|list| list.kinds.is_empty()) {
            Some(list) => Err(CompileError::Empty(list.name.clone())),
            None if self.lists.is_empty() => Err(CompileError::NoList),
            None => Ok(()),
        }
    }

    fn add_canaries(&mut self) {
        let kinds = |list: &Listing| list.kinds.iter().copied().collect::<Vec<_>>();
        let lists: Vec<Vec<HashKind>> = self.lists.iter().map(kinds).collect();
        for (list, kinds) in (0..).zip(lists) {
            for kind in kinds {
                if let Some(hash) = self.canary(kind).clone() {
                    self.push(&hash, Reference::new(list, true, None));
                }
            }
        }
    }

    /// What the sorted rows come to, list by list.
    fn infos(&self) -> Vec<ListInfo> {
        let lists = self.lists.len();
        let counts = self.tables.each_ref().map(|table| table.entries_of(lists));
        let near: BTreeMap<HashKind, Vec<u64>> =
            self.near.kinds().map(|(kind, _)| (kind, self.near.entries_of(kind, lists))).collect();
        let info = |(i, list): (usize, &Listing)| {
            let near_of = |kind: &HashKind| {
                let kind_of_list = match *kind {
                    HashKind::Exact(_) => return None,
                    HashKind::Pdq => NearKind::Pdq(list.convention.unwrap_or(Convention::Full)),
                    HashKind::Perceptual(kind) => NearKind::Perceptual(kind),
                };
                let entries = near.get(kind).map_or(0, |counts| counts[i]);
                let canary = self.canaries.get(kind).is_some_and(Option::is_some);
                Some(NearInfo { kind: kind_of_list, entries, canary })
            };
            let exact = |kind: &HashKind| match kind {
                HashKind::Exact(algorithm) => Some(*algorithm),
                HashKind::Pdq | HashKind::Perceptual(_) => None,
            };
            ListInfo {
                name: list.name.clone(),
                algorithms: list.kinds.iter().filter_map(exact).collect::<AlgorithmSet>(),
                counts: counts.each_ref().map(|counts| counts[i]),
                near: list.kinds.iter().filter_map(near_of).collect(),
            }
        };
        self.lists.iter().enumerate().map(info).collect()
    }
}

/// The content of a snapshot, ready to be written.
struct Sorted {
    lists: Vec<u8>,
    tables: Vec<Staging>,
    near_lists: Vec<u8>,
    near: NearStaging,
    labels: Vec<u8>,
}

impl Sorted {
    fn new(compiler: Compiler) -> Self {
        let infos = compiler.infos();
        let Compiler { tables, near, labels, .. } = compiler;
        let (lists, near_lists) = (lists::encode(&infos), near::encode(&infos));
        let tables = tables.into_iter().filter(|table| table.len() > 0).collect();
        Sorted { lists, tables, near_lists, near, labels }
    }

    fn write(&self, out: &mut impl Write) -> Result<(), CompileError> {
        let (head, filter) = self.head()?;
        let bytes = head.encode();
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
        out.write_all(&bytes)?;
        let mut written = bytes.len() as u64;
        for section in &head.sections {
            out.write_all(&vec![0; (section.offset - written) as usize])?;
            if let Some(kind) = section.kind {
                self.write_section(kind, Some(&filter), &mut out)?;
            }
            written = section.offset + section.len;
        }
        Ok(out.flush()?)
    }

    /// Header, section table, and the filter, whose seed follows from all the other sections.
    fn head(&self) -> io::Result<(Head, Filter)> {
        let mut sections = Vec::new();
        let mut content = Vec::new();
        for kind in self.kinds() {
            let (len, checksum) = measure(|out| self.write_section(kind, None, out))?;
            content.extend(checksum);
            sections.push((kind, len, checksum));
        }
        let filter = self.filter(&content);
        let section = measure(|out| self.write_section(SectionKind::Filter, Some(&filter), out))?;
        sections.insert(1, (SectionKind::Filter, section.0, section.1));
        Ok((Head::place(filter.parameters(), &sections), filter))
    }

    /// All sections but the filter, which comes second.
    fn kinds(&self) -> Vec<SectionKind> {
        let mut kinds = vec![SectionKind::Lists];
        kinds.extend(self.tables.iter().map(|table| SectionKind::Rows(table.algorithm)));
        let near = self.near.sections();
        kinds.extend((!near.is_empty()).then_some(SectionKind::NearLists));
        kinds.extend(near);
        kinds.push(SectionKind::Labels);
        kinds
    }

    fn filter(&self, content: &[u8]) -> Filter {
        let keys = || self.tables.iter().flat_map(Staging::keys);
        Filter::build(keys().count(), &filter::seed(content), keys())
    }

    fn write_section(
        &self,
        kind: SectionKind,
        filter: Option<&Filter>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut tables = self.tables.iter();
        let mut table = |algorithm| tables.find(|table| table.algorithm == algorithm);
        match kind {
            SectionKind::Lists => out.write_all(&self.lists),
            SectionKind::Labels => out.write_all(&self.labels),
            SectionKind::Filter => filter.map_or(Ok(()), |f| out.write_all(f.as_bytes())),
            SectionKind::Rows(a) => table(a).map_or(Ok(()), |t| t.write_slots(out)),
            SectionKind::NearLists => out.write_all(&self.near_lists),
            SectionKind::PdqHashes => self.near.write_pdq_hashes(out),
            SectionKind::PdqReferences => self.near.write_pdq_references(out),
            SectionKind::PdqIndex => self.near.write_pdq_index(out),
            SectionKind::Perceptual(kind) => self.near.write_own(kind, out),
        }
    }
}
