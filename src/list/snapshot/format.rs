//! Where things stand in a snapshot file: header and section table.
//!
//! All numbers are little endian. The header's checksum covers the section table, which holds the
//! checksum of every section: it stands for the whole content.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::error::SnapshotError;
use crate::digest::Algorithm;
use crate::image::PerceptualKind;

/// First bytes of the file. The last five show a transfer that changed line ends.
const MAGIC: [u8; 8] = *b"\x89S3B\r\n\x1a\n";
/// The only version there is.
pub(super) const VERSION: u32 = 1;
/// Bytes of the header that its checksum covers.
const COVERED_LEN: usize = 72;
/// Bytes of the header with its checksum.
const HEADER_LEN: usize = COVERED_LEN + 32;
/// Bytes of one row of the section table.
const SECTION_LEN: usize = 56;
/// Sections begin at multiples of this: a cache line.
const ALIGNMENT: u64 = 64;
/// There are six kinds without near matches, four of PDQ, and one for each of 44 other hashes; the
/// rest is room for what comes.
const SECTIONS_MAX: usize = 64;
/// The reader must understand the section.
const REQUIRED: u32 = 1;
/// Longest header with its section table, in bytes.
pub(super) const HEAD_LEN_MAX: usize = HEADER_LEN + SECTIONS_MAX * SECTION_LEN;

/// A SHA-256.
pub(super) type Checksum = [u8; 32];

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// Names and counts of the lists.
    Lists,
    /// The texts of labels.
    Labels,
    /// The Bloom filter.
    Filter,
    /// Digests in order, each with its list and label.
    Rows(Algorithm),
    /// Which list holds how many perceptual hashes of which kinds.
    NearLists,
    /// PDQ hashes in order.
    PdqHashes,
    /// Lists and labels of the PDQ hashes.
    PdqReferences,
    /// Where to find PDQ hashes by parts of them.
    PdqIndex,
    /// Other perceptual hashes of one kind in order, each with its list and label.
    Perceptual(PerceptualKind),
}

impl SectionKind {
    /// Its number in the file.
    pub(super) fn code(self) -> u32 {
        match self {
            SectionKind::Lists => 1,
            SectionKind::Labels => 2,
            SectionKind::Filter => 3,
            SectionKind::Rows(algorithm) => 0x11 + algorithm as u32,
            SectionKind::NearLists => 0x100,
            SectionKind::PdqHashes => 0x101,
            SectionKind::PdqReferences => 0x102,
            SectionKind::PdqIndex => 0x103,
            SectionKind::Perceptual(kind) => 0x140 + u32::from(kind_code(kind)),
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        let whole = [
            SectionKind::Lists,
            SectionKind::Labels,
            SectionKind::Filter,
            SectionKind::NearLists,
            SectionKind::PdqHashes,
            SectionKind::PdqReferences,
            SectionKind::PdqIndex,
        ];
        let of_tables = Algorithm::ALL.map(SectionKind::Rows);
        let near = PerceptualKind::all().map(SectionKind::Perceptual);
        whole.into_iter().chain(of_tables).chain(near).find(|kind| kind.code() == code)
    }
}

/// The number of a perceptual kind in a file: bit 0 says whether there is a cosine transform, bits
/// 1 and 2 which of [`PerceptualKind::SIDES`], the others which algorithm. It ascends with kinds.
pub(super) fn kind_code(kind: PerceptualKind) -> u8 {
    let side = PerceptualKind::SIDES.iter().position(|side| *side == kind.side()).unwrap_or(0);
    (kind.algorithm() as u8) << 3 | (side as u8) << 1 | u8::from(kind.dct())
}

/// One row of the section table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// `None` for an optional section that this release does not know.
    pub(super) kind: Option<SectionKind>,
    /// Offset of the first byte.
    pub(super) offset: u64,
    /// Length in bytes.
    pub(super) len: u64,
    /// SHA-256 of the bytes.
    pub(super) checksum: Checksum,
}

/// What the Bloom filter was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FilterParameters {
    /// Bits of the filter.
    pub(super) bits: u64,
    /// Hash functions.
    pub(super) hashes: u32,
    /// Seed of the two base hashes.
    pub(super) seed: [u8; 32],
}

/// Header and section table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// What the filter was made with.
    pub(super) filter: FilterParameters,
    /// In the order of the file.
    pub(super) sections: Vec<Section>,
}

/// What a snapshot is called: 16 hex digits that stand for its whole content.
pub(super) fn id(head: &[u8]) -> String {
    let checksum = head.get(COVERED_LEN..COVERED_LEN + 8).unwrap_or_default();
    checksum.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Head {
    /// Places sections, given as kind, length and checksum, one behind the other.
    pub(super) fn place(
        filter: FilterParameters,
        sections: &[(SectionKind, u64, Checksum)],
    ) -> Self {
        let mut end = (HEADER_LEN + sections.len() * SECTION_LEN) as u64;
        let sections = sections.iter().map(|&(kind, len, checksum)| {
            let offset = end.next_multiple_of(ALIGNMENT);
            end = offset + len;
            Section { kind: Some(kind), offset, len, checksum }
        });
        Head { filter, sections: sections.collect() }
    }

    /// The bytes of header and section table.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.len());
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend((self.sections.len() as u32).to_le_bytes());
        head.extend(self.file_len().to_le_bytes());
        head.extend(self.filter.bits.to_le_bytes());
        head.extend(self.filter.hashes.to_le_bytes());
        head.extend([0; 4]);
        head.extend(self.filter.seed);
        head.extend([0; HEADER_LEN - COVERED_LEN]);
        for section in &self.sections {
            head.extend(section.kind.map_or(0, SectionKind::code).to_le_bytes());
            head.extend(REQUIRED.to_le_bytes());
            head.extend(section.offset.to_le_bytes());
            head.extend(section.len.to_le_bytes());
            head.extend(section.checksum);
        }
        let checksum = checksum(&head);
        head[COVERED_LEN..HEADER_LEN].copy_from_slice(&checksum);
        head
    }

    /// Reads header and section table from the beginning of a file of `file_len` bytes, of which
    /// `bytes` are the first [`HEAD_LEN_MAX`] or all.
    ///
    /// # Errors
    /// The file is foreign, of another version, has another length, or its header or section
    /// table is damaged or contradicts itself.
    pub(super) fn parse(bytes: &[u8], file_len: u64) -> Result<Self, SnapshotError> {
        let mut fields = Fields(bytes);
        if fields.array() != Some(MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        let short = SnapshotError::Length { stated: HEADER_LEN as u64, found: file_len };
        let header = Header::parse(&mut fields).ok_or(short)?;
        if header.version != VERSION {
            return Err(SnapshotError::Version(header.version));
        }
        if header.file_len != file_len {
            return Err(SnapshotError::Length { stated: header.file_len, found: file_len });
        }
        if header.sections > SECTIONS_MAX {
            return Err(SnapshotError::Corrupt("it has too many sections"));
        }
        let len = HEADER_LEN + header.sections * SECTION_LEN;
        let bytes = bytes.get(..len).ok_or(SnapshotError::Corrupt("the header is cut off"))?;
        if header.checksum != checksum(bytes) {
            return Err(SnapshotError::HeaderChecksum);
        }
        let sections = sections(&bytes[HEADER_LEN..])?;
        let head = Head { filter: header.filter, sections };
        head.check_places(file_len)?;
        Ok(head)
    }

    /// The sections stand one behind the other, as `place` puts them: nothing overlaps, nothing
    /// is left out, no kind comes twice.
    fn check_places(&self, file_len: u64) -> Result<(), SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Corrupt("the sections are not in place");
        let mut end = self.len() as u64;
        for (i, section) in self.sections.iter().enumerate() {
            let is_next = end.checked_next_multiple_of(ALIGNMENT) == Some(section.offset);
            let is_new = section.kind.is_none()
                || self.sections[..i].iter().all(|before| before.kind != section.kind);
            end = section.offset.checked_add(section.len).ok_or(WRONG)?;
            if !is_next || !is_new || end > file_len {
                return Err(WRONG);
            }
        }
        if end == file_len { Ok(()) } else { Err(WRONG) }
    }

    /// Where a section's bytes are; `None` if the file has no such section.
    pub(super) fn range(&self, kind: SectionKind) -> Option<Range<usize>> {
        let section = self.sections.iter().find(|section| section.kind == Some(kind))?;
        let start = usize::try_from(section.offset).ok()?;
        let len = usize::try_from(section.len).ok()?;
        Some(start..start.checked_add(len)?)
    }

    /// Bytes of header and section table.
    pub(super) fn len(&self) -> usize {
        HEADER_LEN + self.sections.len() * SECTION_LEN
    }

    fn file_len(&self) -> u64 {
        self.sections.last().map_or(self.len() as u64, |last| last.offset + last.len)
    }
}

/// The fixed part of the head.
struct Header {
    version: u32,
    sections: usize,
    file_len: u64,
    filter: FilterParameters,
    checksum: Checksum,
}

impl Header {
    /// Reads what stands behind the magic; `None` if it is cut off.
    fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        let version = fields.u32()?;
        let sections = fields.u32()? as usize;
        let file_len = fields.u64()?;
        let (bits, hashes) = (fields.u64()?, fields.u32()?);
        let _reserved: [u8; 4] = fields.array()?;
        let filter = FilterParameters { bits, hashes, seed: fields.array()? };
        Some(Header { version, sections, file_len, filter, checksum: fields.array()? })
    }
}

fn sections(table: &[u8]) -> Result<Vec<Section>, SnapshotError> {
    let mut fields = Fields(table);
    let mut sections = Vec::with_capacity(table.len() / SECTION_LEN);
    while let Some(code) = fields.u32() {
        const CUT: SnapshotError = SnapshotError::Corrupt("the section table is cut off");
        let flags = fields.u32().ok_or(CUT)?;
        let (offset, len) = (fields.u64().ok_or(CUT)?, fields.u64().ok_or(CUT)?);
        let checksum = fields.array().ok_or(CUT)?;
        let kind = SectionKind::from_code(code);
        if kind.is_none() && flags & REQUIRED != 0 {
            return Err(SnapshotError::UnknownSection(code));
        }
        sections.push(Section { kind, offset, len, checksum });
    }
    Ok(sections)
}

/// The checksum of a head: everything but the place where it stands itself.
fn checksum(head: &[u8]) -> Checksum {
    let mut hasher = Sha256::new();
    hasher.update(&head[..COVERED_LEN]);
    hasher.update(&head[HEADER_LEN..]);
    hasher.finalize().into()
}

/// Numbers from the front of some bytes.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// Sets every checksum of a file anew, for tests that reach behind them.
pub(super) fn reseal(file: &mut [u8]) {
    let Some(Header { sections, .. }) = file.get(8..).and_then(|b| Header::parse(&mut Fields(b)))
    else {
        return;
    };
    let head_len = HEADER_LEN + sections.min(SECTIONS_MAX) * SECTION_LEN;
    for row in (HEADER_LEN..head_len).step_by(SECTION_LEN) {
        let range = file.get(row + 8..).and_then(|row| {
            let mut fields = Fields(row);
            let (offset, len) = (fields.u64()? as usize, fields.u64()? as usize);
            Some(offset..offset.checked_add(len)?)
        });
        let checksum = range.and_then(|range| file.get(range)).map(Sha256::digest);
        // A changed number of sections can lead behind the end of a short file.
        let place = file.get_mut(row + 24..row + SECTION_LEN);
        if let (Some(checksum), Some(place)) = (checksum, place) {
            place.copy_from_slice(&checksum);
        }
    }
    if file.len() >= head_len {
        let checksum = checksum(&file[..head_len]);
        file[COVERED_LEN..HEADER_LEN].copy_from_slice(&checksum);
    }
}
