//! Why a file is no snapshot that can serve.

use std::io;

use super::format::{SectionKind, VERSION};
use super::near::INDEX_VERSION;

/// Why a snapshot is refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file can't be opened, read or mapped.
    #[error("the snapshot can't be read: {0}")]
    Read(#[from] io::Error),
    /// The file does not begin as snapshots do.
    #[error("the file is not a list snapshot")]
    NotASnapshot,
    /// The file is of a format that this release does not know.
    #[error("the snapshot has format version {0}, this release reads version {VERSION}")]
    Version(u32),
    /// The file is shorter or longer than its header says.
    #[error("the snapshot should have {stated} bytes and has {found}")]
    Length {
        /// Bytes by the header; the header's own size if not even that is whole.
        stated: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// The header or the section table was changed.
    #[error("the checksum of the header is wrong")]
    HeaderChecksum,
    /// A section was changed.
    #[error("the checksum of the {0} is wrong")]
    Checksum(SectionName),
    /// A section that must be understood has a kind that this release does not know.
    #[error("the snapshot needs a newer release: section kind {0:#x}")]
    UnknownSection(u32),
    /// Its perceptual hashes come from a version of `image_hasher` whose hashes may differ.
    #[error("its perceptual hashes were made by image_hasher {0}, this release has {version}; \
             build the list anew", version = crate::image::PerceptualKind::CRATE_VERSION)]
    HasherVersion(String),
    /// Its index of PDQ hashes is of another release's kind.
    #[error(
        "its pdq index has version {0}, this release reads version {INDEX_VERSION}; \
             build the list anew"
    )]
    IndexVersion(u8),
    /// The checksums may be right, but the content contradicts itself.
    #[error("the snapshot is corrupt: {0}")]
    Corrupt(&'static str),
}

/// The name of a section in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionName(pub(super) Option<SectionKind>);

impl std::fmt::Display for SectionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            None => f.write_str("unknown section"),
            Some(SectionKind::Lists) => f.write_str("lists"),
            Some(SectionKind::Labels) => f.write_str("labels"),
            Some(SectionKind::Filter) => f.write_str("filter"),
            Some(SectionKind::Rows(algorithm)) => write!(f, "{algorithm} table"),
            Some(SectionKind::NearLists) => f.write_str("lists of perceptual hashes"),
            Some(SectionKind::PdqHashes) => f.write_str("pdq table"),
            Some(SectionKind::PdqReferences) => f.write_str("pdq references"),
            Some(SectionKind::PdqIndex) => f.write_str("pdq index"),
            Some(SectionKind::Perceptual(kind)) => write!(f, "{kind} table"),
        }
    }
}
