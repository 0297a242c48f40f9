//! The compiler: entries of several lists go in, one snapshot file comes out.
//!
//! The same entries in any order give the same bytes, so that two operators can compare ids and
//! a rebuilt list that did not change is not swapped in.

use std::io::{self, BufWriter, Write};

use sha2::{Digest as _, Sha256};

use super::filter::{self, Filter};
use super::format::{Checksum, Head, SectionKind};
use super::lists::{self, LISTS_MAX, ListInfo};
use super::reader::Snapshot;
use super::reference::{Reference, push_label};
use super::staging::Staging;
use super::table::ROWS_END;
use crate::digest::{Algorithm, AlgorithmSet, Digest};
use crate::list::Entry;
use crate::list::canary::canary_digest;

/// Buffer in front of the output and of checksums, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

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
    TooManyEntries(Algorithm),
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
        for row in snapshot.rows() {
            compiler.add_row(list, &row.digest, row.label);
        }
    }
    compiler.write(out)
}

/// A list of a [`Compiler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey(u16);

/// Gathers entries as they are read, 40 bytes each and the label, and writes the snapshot.
pub struct Compiler {
    names: Vec<String>,
    algorithms: Vec<AlgorithmSet>,
    canaries: [Digest; 3],
    tables: [Staging; 3],
    labels: Vec<u8>,
}

impl Default for Compiler {
    fn default() -> Self {
        Compiler {
            names: Vec::new(),
            algorithms: Vec::new(),
            canaries: Algorithm::ALL.map(canary_digest),
            tables: Algorithm::ALL.map(Staging::new),
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
        if self.names.iter().any(|taken| taken == name) {
            return Err(CompileError::DuplicateName(name.to_owned()));
        }
        if self.names.len() == LISTS_MAX {
            return Err(CompileError::TooManyLists);
        }
        self.names.push(name.to_owned());
        self.algorithms.push(AlgorithmSet::NONE);
        Ok(ListKey(self.names.len() as u16 - 1))
    }

    /// Adds an entry to a list. The digest of the empty body is never added.
    ///
    /// # Panics
    /// `list` is another compiler's.
    pub fn add(&mut self, list: ListKey, entry: &Entry) {
        self.add_row(list, &entry.digest, entry.label.as_ref().map(|label| label.as_str()));
    }

    fn add_row(&mut self, ListKey(list): ListKey, digest: &Digest, label: Option<&str>) {
        let algorithm = digest.algorithm();
        if *digest == algorithm.of_nothing() {
            return;
        }
        let known = &mut self.algorithms[usize::from(list)];
        *known = known.with(algorithm);
        // Every list gets the canary anyway; that row stays apart from what was listed.
        if *digest == self.canaries[algorithm as usize] {
            return;
        }
        let offset = label.map(|label| {
            let offset = self.labels.len() as u64;
            push_label(&mut self.labels, label);
            offset
        });
        let reference = Reference::new(list, false, offset);
        self.tables[algorithm as usize].push(digest.as_bytes(), reference);
    }

    /// Sorts, and writes the file.
    ///
    /// # Errors
    /// A list is empty, there are too many entries, or the output fails.
    pub fn write(mut self, out: &mut impl Write) -> Result<(), CompileError> {
        self.check_lists()?;
        self.add_canaries();
        if let Some(table) = self.tables.iter().find(|table| table.len() as u64 >= ROWS_END) {
            return Err(CompileError::TooManyEntries(table.algorithm));
        }
        let mut labels = Vec::with_capacity(self.labels.len());
        self.tables.iter_mut().for_each(|table| table.sort(&self.labels, &mut labels));
        self.labels = labels;
        Sorted::new(self).write(out)
    }

    fn check_lists(&self) -> Result<(), CompileError> {
        let mut lists = self.names.iter().zip(&self.algorithms);
        match lists.find(|(_, algorithms)| algorithms.is_empty()) {
            Some((name, _)) => Err(CompileError::Empty(name.clone())),
            None if self.names.is_empty() => Err(CompileError::NoList),
            None => Ok(()),
        }
    }

    fn add_canaries(&mut self) {
        for (list, algorithms) in (0..).zip(&self.algorithms) {
            for algorithm in algorithms.iter() {
                let digest = self.canaries[algorithm as usize];
                let reference = Reference::new(list, true, None);
                self.tables[algorithm as usize].push(digest.as_bytes(), reference);
            }
        }
    }
}

/// The content of a snapshot, ready to be written.
struct Sorted {
    lists: Vec<u8>,
    tables: Vec<Staging>,
    labels: Vec<u8>,
}

impl Sorted {
    fn new(compiler: Compiler) -> Self {
        let Compiler { names, algorithms, tables, labels, .. } = compiler;
        let counts = tables.each_ref().map(|table| table.entries_of(names.len()));
        let lists = names.into_iter().zip(algorithms).enumerate().map(|(i, (name, algorithms))| {
            ListInfo { name, algorithms, counts: counts.each_ref().map(|counts| counts[i]) }
        });
        let lists = lists::encode(&lists.collect::<Vec<_>>());
        let tables = tables.into_iter().filter(|table| table.len() > 0).collect();
        Sorted { lists, tables, labels }
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
        }
    }
}

/// Length and checksum of what `write` writes.
fn measure(
    write: impl FnOnce(&mut BufWriter<Measure>) -> io::Result<()>,
) -> io::Result<(u64, Checksum)> {
    let measure = Measure { len: 0, hasher: Sha256::new() };
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, measure);
    write(&mut out)?;
    let measure = out.into_inner().map_err(|error| error.into_error())?;
    Ok((measure.len, measure.hasher.finalize().into()))
}

struct Measure {
    len: u64,
    hasher: Sha256,
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.len += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
