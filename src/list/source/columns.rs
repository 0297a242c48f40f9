//! Delimited columns under a header row; which column holds what is the operator's to say.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::{Reason, Taken, text};
use crate::list::{Entry, Hash, HashKind, Label};

/// Which columns of a CSV file are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvMap {
    /// One ASCII byte, mostly `,` or `;` or a tab.
    pub delimiter: u8,
    /// Columns that hold hashes, by their name in the header.
    pub columns: Vec<(HashKind, String)>,
    /// The column that holds labels, by its name in the header.
    pub label: Option<String>,
    /// The column that holds the quality of PDQ hashes, 0 to 100, by its name in the header. PDQ
    /// hashes of less than [`QUALITY_MIN`] are left out.
    pub quality: Option<String>,
}

/// Least quality of a PDQ hash that is listed or looked up: below it are pictures with so little
/// on them that strangers to each other match (Meta's description of PDQ).
pub const QUALITY_MIN: u8 = 50;
/// Highest quality that there is.
const QUALITY_MAX: u8 = 100;

/// The rows of one file.
///
/// Every row is one line: a quoted field with a line break in it is refused, because an open
/// quote could swallow the rest of a list in silence.
pub(super) struct Rows<'a> {
    map: &'a CsvMap,
    record: Record,
    header: Option<Header>,
}

/// Where the columns are.
struct Header {
    fields: usize,
    hashes: Vec<(HashKind, usize)>,
    label: Option<usize>,
    quality: Option<usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(map: &'a CsvMap) -> Self {
        Rows { map, record: Record::new(map.delimiter), header: None }
    }

    pub(super) fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Whether a line that begins with `#` is a row, not a comment: below the header, if it has
    /// more than one field.
    pub(super) fn is_row(&self, line: &[u8]) -> bool {
        self.has_header() && line.contains(&self.map.delimiter)
    }

    pub(super) fn line(&mut self, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
        self.record.read(line)?;
        match &self.header {
            None => self.header = Some(header(self.map, &self.record)?),
            Some(header) => row(header, &self.record, taken)?,
        }
        Ok(())
    }
}

fn header(map: &CsvMap, record: &Record) -> Result<Header, Reason> {
    let mut hashes = Vec::with_capacity(map.columns.len());
    for (kind, name) in &map.columns {
        hashes.push((*kind, position(record, name)?));
    }
    let label = map.label.as_ref().map(|name| position(record, name)).transpose()?;
    let quality = map.quality.as_ref().map(|name| position(record, name)).transpose()?;
    Ok(Header { fields: record.len(), hashes, label, quality })
}

fn position(record: &Record, name: &str) -> Result<usize, Reason> {
    let mut found = (0..record.len()).filter(|&i| record.field(i) == name.trim().as_bytes());
    match (found.next(), found.next()) {
        (Some(i), None) => Ok(i),
        (Some(_), Some(_)) => Err(Reason::AmbiguousColumn(name.to_owned())),
        (None, _) => Err(Reason::NoColumn(name.to_owned())),
    }
}

fn row(header: &Header, record: &Record, taken: &mut Taken<'_>) -> Result<(), Reason> {
    if record.len() != header.fields {
        return Err(Reason::Fields { expected: header.fields, found: record.len() });
    }
    let mut hashes = Vec::with_capacity(header.hashes.len());
    for &(kind, column) in &header.hashes {
        let cell = text(record.field(column))?;
        if !cell.is_empty() {
            hashes.push(Hash::from_hex(kind, cell)?);
        }
    }
    if hashes.is_empty() {
        return Err(Reason::NoHash);
    }
    let label = match header.label.map(|column| text(record.field(column))).transpose()? {
        None | Some("") => None,
        Some(cell) => Some(Label::new(cell, &hashes)?),
    };
    let is_poor = quality(header, record)?.is_some_and(|quality| quality < QUALITY_MIN);
    for hash in hashes {
        if is_poor && hash.kind() == HashKind::Pdq {
            taken.summary.poor += 1;
        } else {
            taken.entry(Entry { hash, label: label.clone() });
        }
    }
    Ok(())
}

/// The quality that a row states, if it states one.
fn quality(header: &Header, record: &Record) -> Result<Option<u8>, Reason> {
    match header.quality.map(|column| text(record.field(column))).transpose()? {
        None | Some("") => Ok(None),
        Some(cell) => {
            let quality = cell.parse().ok().filter(|quality| *quality <= QUALITY_MAX);
            quality.map(Some).ok_or(Reason::Quality)
        }
    }
}

/// The fields of one line.
struct Record {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Record {
    fn new(delimiter: u8) -> Self {
        // With the default terminator a lone CR would begin a new row.
        let terminator = Terminator::Any(b'\n');
        let reader = ReaderBuilder::new().delimiter(delimiter).terminator(terminator).build();
        Record { reader, text: Vec::new(), ends: Vec::new(), fields: 0 }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Reason> {
        // Each byte of the line gives at most one byte of text and ends at most one field.
        self.text.resize(self.text.len().max(line.len() + 1), 0);
        self.ends.resize(self.ends.len().max(line.len() + 1), 0);
        self.reader.reset();
        let (_, _, bytes, ends) = self.reader.read_record(line, &mut self.text, &mut self.ends);
        let (result, _, _, more) =
            self.reader.read_record(b"\n", &mut self.text[bytes..], &mut self.ends[ends..]);
        self.fields = ends + more;
        match result {
            ReadRecordResult::Record => Ok(()),
            ReadRecordResult::InputEmpty
            | ReadRecordResult::OutputFull
            | ReadRecordResult::OutputEndsFull
            | ReadRecordResult::End => Err(Reason::OpenQuote),
        }
    }

    fn len(&self) -> usize {
        self.fields
    }

    /// One field without the blanks around it.
    fn field(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.text[start..self.ends[i]].trim_ascii()
    }
}
