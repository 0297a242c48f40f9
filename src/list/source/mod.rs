//! Source files: the texts in which hash lists come, read into entries.
//!
//! A line that is wrong is an error with its number and reason; nothing is guessed from the shape
//! of a hash, because 64 hex digits may be a SHA-256 or a perceptual hash.

mod check;
mod columns;
mod error;
mod hashdeep;
mod lines;
mod md5sum;
mod plain;

use std::io::BufRead;

pub use check::check;
pub use columns::{CsvMap, QUALITY_MIN};
pub use error::{Reason, SourceError, SourceErrors};
pub use lines::LINE_BYTES_MAX;

use super::{Entry, HashKind, Unfit};
use crate::digest::Algorithm;
use error::Errors;
use lines::{Line, Lines};

/// How a source file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFormat {
    /// One hash a line and nothing else on it.
    Plain(HashKind),
    /// `sha256 HEX` or `pdq HEX`, with a label behind it if the list has one.
    Tagged,
    /// Delimited columns under a header row.
    Csv(CsvMap),
    /// hashdeep 1.0: the header names the columns.
    Hashdeep,
    /// What md5sum, sha256sum, md5deep, BSD's `md5` and `openssl dgst` print.
    Md5sum(Algorithm),
}

/// What was read from a source without errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceSummary {
    /// Lines of the file, all kinds.
    pub lines: u64,
    /// Entries handed out, duplicates counted.
    pub entries: u64,
    /// Digests of the empty body, which are never entries.
    pub held: u64,
    /// Perceptual hashes that flat pictures have, which are never entries.
    pub flat: u64,
    /// PDQ hashes of a stated quality below [`QUALITY_MIN`].
    pub poor: u64,
}

/// Reads one source file and hands each entry to `sink`, in the order of the file.
///
/// A byte order mark, CRLF, upper-case hex, blank lines and lines that begin with `#` are read in
/// every format. Memory is bounded by the longest line, which is [`LINE_BYTES_MAX`].
///
/// # Errors
/// Every line that is wrong, up to a hundred of them; a file without any entry; a failed read.
/// What `sink` has seen by then is to be thrown away.
pub fn read_source(
    format: &SourceFormat,
    input: impl BufRead,
    sink: &mut dyn FnMut(Entry),
) -> Result<SourceSummary, SourceErrors> {
    let mut lines = Lines::new(input);
    let mut grammar = Grammar::new(format);
    let mut taken = Taken { summary: SourceSummary::default(), sink };
    let mut errors = Errors::default();
    loop {
        let line = lines.next();
        let outcome = match line {
            Ok(None) => break,
            Ok(Some(Line::Text(text))) => grammar.line(text, &mut taken),
            Ok(Some(Line::TooLong)) => Err(Reason::TooLong),
            Ok(Some(Line::Utf16)) => Err(Reason::Utf16),
            Err(error) => Err(Reason::Read(error.kind())),
        };
        if let Err(reason) = outcome {
            let ends = reason.ends_reading();
            errors.add(lines.number(), reason);
            if ends {
                break;
            }
        }
    }
    if errors.is_empty() && taken.summary.entries == 0 {
        errors.add(lines.number(), grammar.reason_for_nothing());
    }
    errors.into_result()?;
    Ok(SourceSummary { lines: lines.number(), ..taken.summary })
}

/// Where the grammars put what they find.
struct Taken<'a> {
    summary: SourceSummary,
    sink: &'a mut dyn FnMut(Entry),
}

impl Taken<'_> {
    fn entry(&mut self, entry: Entry) {
        match entry.hash.unfit() {
            Some(Unfit::Nothing) => self.summary.held += 1,
            Some(Unfit::Flat) => self.summary.flat += 1,
            None => {
                self.summary.entries += 1;
                (self.sink)(entry);
            }
        }
    }
}

/// The state of the format that is being read.
enum Grammar<'a> {
    Plain(HashKind),
    Tagged,
    Csv(Box<columns::Rows<'a>>),
    Hashdeep(hashdeep::Rows),
    Md5sum(Algorithm),
}

impl<'a> Grammar<'a> {
    fn new(format: &'a SourceFormat) -> Self {
        match format {
            SourceFormat::Plain(kind) => Grammar::Plain(*kind),
            SourceFormat::Tagged => Grammar::Tagged,
            SourceFormat::Csv(map) => Grammar::Csv(Box::new(columns::Rows::new(map))),
            SourceFormat::Hashdeep => Grammar::Hashdeep(hashdeep::Rows::default()),
            SourceFormat::Md5sum(algorithm) => Grammar::Md5sum(*algorithm),
        }
    }

    fn line(&mut self, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
        let text = line.trim_ascii();
        if text.is_empty() || (is_comment(text) && !self.may_begin_with_number_sign(text)) {
            return Ok(());
        }
        match self {
            Grammar::Plain(kind) => plain::line(*kind, text, taken),
            Grammar::Tagged => plain::tagged_line(text, taken),
            Grammar::Csv(rows) => rows.line(line, taken),
            Grammar::Hashdeep(rows) => rows.line(line, taken),
            Grammar::Md5sum(algorithm) => md5sum::line(*algorithm, line, taken),
        }
    }

    /// A title column may hold `#1`: such a row must not get lost as a comment.
    fn may_begin_with_number_sign(&self, text: &[u8]) -> bool {
        match self {
            Grammar::Csv(rows) => rows.is_row(text),
            Grammar::Plain(_) | Grammar::Tagged | Grammar::Hashdeep(_) | Grammar::Md5sum(_) => {
                false
            }
        }
    }

    /// What to say of a file in which nothing was wrong and nothing was found.
    fn reason_for_nothing(&self) -> Reason {
        match self {
            Grammar::Hashdeep(rows) if !rows.has_header() => Reason::NotHashdeep,
            Grammar::Csv(rows) if !rows.has_header() => Reason::NoHeader,
            Grammar::Hashdeep(_)
            | Grammar::Csv(_)
            | Grammar::Plain(_)
            | Grammar::Tagged
            | Grammar::Md5sum(_) => Reason::NoEntry,
        }
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().first() == Some(&b'#')
}

/// The text of a cell, a hash or a label.
fn text(bytes: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(bytes).map_err(|_| Reason::NotText)
}
