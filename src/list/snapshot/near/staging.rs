//! Perceptual hashes on their way into a snapshot.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::bands::Bands;
use super::index;
use crate::image::{Pdq, PerceptualKind};
use crate::list::HashKind;
use crate::list::snapshot::format::SectionKind;
use crate::list::snapshot::reference::Reference;
use crate::list::snapshot::staging::Rows;

/// The rows of every perceptual kind.
#[derive(Default)]
pub(in crate::list::snapshot) struct NearStaging {
    pdq: Rows<[u8; 32]>,
    /// How the PDQ hashes are indexed; `None` for as it pays.
    bands: Option<Bands>,
    own: BTreeMap<PerceptualKind, Rows<Box<[u8]>>>,
}

impl NearStaging {
    pub(in crate::list::snapshot) fn push_pdq(&mut self, Pdq(hash): Pdq, reference: Reference) {
        self.pdq.push(hash, reference);
    }

    /// Adds a row; `hash` is one of this kind.
    pub(in crate::list::snapshot) fn push_own(
        &mut self,
        kind: PerceptualKind,
        hash: &[u8],
        reference: Reference,
    ) {
        self.own.entry(kind).or_default().push(hash.into(), reference);
    }

    /// As [`Rows::sort`], kind by kind.
    pub(in crate::list::snapshot) fn sort(&mut self, labels: &[u8], sorted_labels: &mut Vec<u8>) {
        self.pdq.sort(labels, sorted_labels);
        self.own.values_mut().for_each(|rows| rows.sort(labels, sorted_labels));
    }

    /// Indexes the PDQ hashes in bands of these widths, few as they may be: for tests.
    pub(in crate::list::snapshot) fn index_by(&mut self, widths: &[u8]) {
        self.bands = Bands::new(widths);
    }

    fn bands(&self) -> Option<Bands> {
        self.bands.clone().or_else(|| Bands::of(self.pdq.as_slice().len()))
    }

    /// The kinds that have rows, each with how many.
    pub(in crate::list::snapshot) fn kinds(&self) -> impl Iterator<Item = (HashKind, usize)> {
        let own = self.own.iter();
        let own = own.map(|(kind, rows)| (HashKind::Perceptual(*kind), rows.as_slice().len()));
        let pdq = (HashKind::Pdq, self.pdq.as_slice().len());
        std::iter::once(pdq).chain(own).filter(|(_, rows)| *rows > 0)
    }

    /// Entries of one kind, by list.
    pub(in crate::list::snapshot) fn entries_of(&self, kind: HashKind, lists: usize) -> Vec<u64> {
        match kind {
            HashKind::Pdq => self.pdq.entries_of(lists),
            HashKind::Perceptual(kind) => {
                self.own.get(&kind).map_or_else(|| vec![0; lists], |rows| rows.entries_of(lists))
            }
            HashKind::Exact(_) => vec![0; lists],
        }
    }

    /// The sections to write, but for the lists.
    pub(in crate::list::snapshot) fn sections(&self) -> Vec<SectionKind> {
        let mut sections = Vec::new();
        for (kind, _) in self.kinds() {
            match kind {
                HashKind::Pdq => {
                    sections.extend([SectionKind::PdqHashes, SectionKind::PdqReferences]);
                    sections.extend(self.bands().map(|_| SectionKind::PdqIndex));
                }
                HashKind::Perceptual(kind) => sections.push(SectionKind::Perceptual(kind)),
                HashKind::Exact(_) => {}
            }
        }
        sections
    }

    pub(in crate::list::snapshot) fn write_pdq_hashes(
        &self,
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.pdq.as_slice().iter().try_for_each(|row| out.write_all(&row.hash))
    }

    pub(in crate::list::snapshot) fn write_pdq_references(
        &self,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let rows = self.pdq.as_slice().iter();
        rows.map(|row| row.reference.0.to_le_bytes()).try_for_each(|bytes| out.write_all(&bytes))
    }

    pub(in crate::list::snapshot) fn write_pdq_index(
        &self,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let hashes = || self.pdq.as_slice().iter().map(|row| &row.hash);
        self.bands().map_or(Ok(()), |bands| index::write(&bands, hashes, out))
    }

    pub(in crate::list::snapshot) fn write_own(
        &self,
        kind: PerceptualKind,
        out: &mut impl Write,
    ) -> io::Result<()> {
        for row in self.own.get(&kind).map_or(&[][..], Rows::as_slice) {
            out.write_all(&row.hash)?;
            out.write_all(&row.reference.0.to_le_bytes())?;
        }
        Ok(())
    }
}
