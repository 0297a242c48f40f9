//! What can be wrong with a source file.

use std::fmt;
use std::io;

use super::LINE_BYTES_MAX;
use crate::digest::{Algorithm, ParseDigestError};
use crate::list::{LabelError, ParseHashError};

/// Errors that are kept; the others are counted.
const ERRORS_MAX: usize = 100;

/// One wrong line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SourceError {
    /// Number of the line, from 1; of the last one for what concerns the whole file.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a line. Nothing of the line itself is repeated: it may be a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The line is longer than [`LINE_BYTES_MAX`].
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The file is not in UTF-8.
    #[error("the file is in UTF-16; convert it to UTF-8")]
    Utf16,
    /// A hash, a cell or a label is not in UTF-8.
    #[error("the line is not UTF-8 text")]
    NotText,
    /// The hash is wrong.
    #[error(transparent)]
    Hash(#[from] ParseHashError),
    /// The label is wrong.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// Something stands behind the hash.
    #[error("there is more than a hash on the line")]
    Extra,
    /// The first word names no kind of hash.
    #[error("the line does not begin with a kind of hash, such as sha256 or pdq")]
    UnknownKind,
    /// A word or a row without any hash.
    #[error("there is no hash")]
    NoHash,
    /// The row has another number of fields than the header.
    #[error("the row has {found} fields, the header has {expected}")]
    Fields {
        /// Fields of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// A quoted field does not end on its line, so that it could swallow the lines behind it.
    #[error("a quoted field does not end on its line")]
    OpenQuote,
    /// The header lacks a column.
    #[error("the header has no column {0:?}")]
    NoColumn(String),
    /// The header has a column twice.
    #[error("the header has more than one column {0:?}")]
    AmbiguousColumn(String),
    /// There is no header row.
    #[error("there is no header row")]
    NoHeader,
    /// The file does not begin as hashdeep files do.
    #[error("the file does not begin with the line \"%%%% HASHDEEP-1.0\"")]
    NotHashdeep,
    /// The second header line is wrong.
    #[error(
        "the columns are not \"size\", then hashes with md5, sha1 or sha256, then \"filename\""
    )]
    HashdeepColumns,
    /// The size is no number.
    #[error("the size is not a number")]
    Size,
    /// The quality of a PDQ hash is no number, or out of range.
    #[error("the quality is not a whole number from 0 to 100")]
    Quality,
    /// No file name stands beside the hash.
    #[error("there is no file name beside the hash")]
    NoName,
    /// The line says that it holds a digest of another algorithm.
    #[error("the line is tagged with another algorithm than {0}")]
    WrongTag(Algorithm),
    /// A backslash in an escaped file name stands before something else than `\`, `n` or `r`.
    #[error("the file name is escaped wrongly")]
    Escape,
    /// The file holds no entry.
    #[error("the list has no entry")]
    NoEntry,
    /// The file can't be read.
    #[error("reading fails: {0}")]
    Read(io::ErrorKind),
}

impl From<ParseDigestError> for Reason {
    fn from(error: ParseDigestError) -> Self {
        Reason::Hash(error.into())
    }
}

impl Reason {
    /// Whether the lines behind it would only repeat the error.
    pub(super) fn ends_reading(&self) -> bool {
        match self {
            Reason::Utf16
            | Reason::NoColumn(_)
            | Reason::AmbiguousColumn(_)
            | Reason::NoHeader
            | Reason::NotHashdeep
            | Reason::HashdeepColumns
            | Reason::NoEntry
            | Reason::Read(_) => true,
            Reason::TooLong
            | Reason::NotText
            | Reason::Hash(_)
            | Reason::Label(_)
            | Reason::Extra
            | Reason::UnknownKind
            | Reason::NoHash
            | Reason::Fields { .. }
            | Reason::OpenQuote
            | Reason::Size
            | Reason::Quality
            | Reason::NoName
            | Reason::WrongTag(_)
            | Reason::Escape => false,
        }
    }
}

/// All that is wrong with a file: the first hundred errors, and how many there are more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceErrors {
    /// In the order of the file; at least one, at most a hundred.
    pub errors: Vec<SourceError>,
    /// Errors that are not among them.
    pub more: u64,
}

impl std::error::Error for SourceErrors {}

impl fmt::Display for SourceErrors {
    /// One error a line, without a line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// Errors while they are collected.
#[derive(Default)]
pub(super) struct Errors {
    errors: Vec<SourceError>,
    more: u64,
}

impl Errors {
    pub(super) fn add(&mut self, line: u64, reason: Reason) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(SourceError { line, reason });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn into_result(self) -> Result<(), SourceErrors> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(SourceErrors { errors: self.errors, more: self.more }),
        }
    }
}
