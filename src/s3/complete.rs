//! The bodies of multipart uploads: which parts a CompleteMultipartUpload names, and what the store
//! answers.
//!
//! ```text
//! <CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
//!   <Part><PartNumber>1</PartNumber><ETag>"a"</ETag><ChecksumCRC32>…</ChecksumCRC32></Part>
//!   …
//! </CompleteMultipartUpload>
//! ```
//!
//! The store makes the object of the parts that *it* reads here. So every element that means
//! something stands in its one place and comes once; the same names anywhere else, or in another
//! case, are an error and not passed over.

use std::fmt;

use super::xml::{Document, Malformed, Token};

/// Most bytes of a CompleteMultipartUpload's body. 10,000 parts with three checksums each take 3 MB.
pub const MAX_COMPLETE_BODY: usize = 4 * 1024 * 1024;

/// Most bytes of a store's answer to the start or the end of a multipart upload: they have some
/// hundred.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Most parts of an upload, and the highest part number (AWS, "Multipart upload limits").
pub const MAX_PART_NUMBER: u32 = 10_000;

/// Most bytes of an ETag. Stores have 32 to some 80.
pub const MAX_ETAG: usize = 256;

/// Most elements of one part: S3 knows twelve.
const MAX_PART_CHILDREN: usize = 32;

const ROOT: &str = "CompleteMultipartUpload";
const PART: &str = "Part";
const NUMBER: &str = "PartNumber";
const ETAG: &str = "ETag";

/// An ETag in its normal form: without quotes, in its own case. It is opaque; some stores' are no
/// digest of anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(String);

impl ETag {
    /// Reads an ETag as it stands in a header or, unescaped, in XML: with one pair of quotes or
    /// none, white space around it. `None` if it is empty, longer than [`MAX_ETAG`] or has other
    /// characters than visible ASCII, or quotes within: a weak one (`W/"…"`) is no ETag of S3.
    pub fn parse(text: &str) -> Option<ETag> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let bare = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None => text,
        };
        let visible = |b: u8| b.is_ascii_graphic() && b != b'"';
        let fits = matches!(bare.len(), 1..=MAX_ETAG) && bare.bytes().all(visible);
        fits.then(|| ETag(bare.to_owned()))
    }

    /// Without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a CompleteMultipartUpload is refused; one variant per fault of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CompleteError {
    /// More than [`MAX_COMPLETE_BODY`] bytes.
    #[error("the list of parts is too large")]
    TooLarge,
    /// Malformed XML, or XML with more than elements and text.
    #[error("the list of parts is malformed")]
    Malformed,
    /// Another root than `CompleteMultipartUpload`, or an element that is out of place.
    #[error("the list of parts has an element out of place")]
    Misplaced,
    /// A part without number or ETag, or with an element twice.
    #[error("a part lacks an element or has one twice")]
    Part,
    /// A part number that isn't 1 to 10000 in plain digits.
    #[error("a part number is malformed")]
    Number,
    /// A malformed ETag.
    #[error("an ETag is malformed")]
    ETag,
    /// No part at all.
    #[error("the list of parts is empty")]
    Empty,
    /// Part numbers that don't ascend, or come twice.
    #[error("the parts are not in ascending order")]
    Order,
}

impl CompleteError {
    /// Every variant, in order.
    pub const ALL: [CompleteError; 8] = [
        CompleteError::TooLarge,
        CompleteError::Malformed,
        CompleteError::Misplaced,
        CompleteError::Part,
        CompleteError::Number,
        CompleteError::ETag,
        CompleteError::Empty,
        CompleteError::Order,
    ];

    /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
    pub const fn label(self) -> &'static str {
        match self {
            CompleteError::TooLarge => "complete_too_large",
            CompleteError::Malformed => "complete_malformed",
            CompleteError::Misplaced => "complete_misplaced",
            CompleteError::Part => "complete_part",
            CompleteError::Number => "complete_part_number",
            CompleteError::ETag => "complete_etag",
            CompleteError::Empty => "complete_empty",
            CompleteError::Order => "complete_order",
        }
    }
}

impl From<Malformed> for CompleteError {
    fn from(_: Malformed) -> Self {
        CompleteError::Malformed
    }
}

/// The parts that the body of a CompleteMultipartUpload names, with ascending numbers; at least one.
///
/// Namespaces and checksums are optional and not looked at, children may come in any order, unknown
/// ones are passed over.
///
/// # Errors
/// Whatever stores could read differently, and what none of them accepts.
pub fn completed_parts(body: &[u8]) -> Result<Vec<(u32, ETag)>, CompleteError> {
    if body.len() > MAX_COMPLETE_BODY {
        return Err(CompleteError::TooLarge);
    }
    let mut document = Document::new(body)?;
    if document.child()?.as_deref() != Some(ROOT) {
        return Err(CompleteError::Misplaced);
    }
    let mut parts: Vec<(u32, ETag)> = Vec::new();
    while let Some(name) = document.child()? {
        if name != PART {
            skip(&mut document, &name)?;
            continue;
        }
        let part = read_part(&mut document)?;
        // They ascend from 1 to at most 10,000: that bounds the list.
        if parts.last().is_some_and(|(before, _)| *before >= part.0) {
            return Err(CompleteError::Order);
        }
        parts.push(part);
    }
    match document.next()? {
        None if parts.is_empty() => Err(CompleteError::Empty),
        None => Ok(parts),
        Some(_) => Err(CompleteError::Malformed),
    }
}

fn read_part(document: &mut Document) -> Result<(u32, ETag), CompleteError> {
    let (mut number, mut etag, mut seen) = (None, None, Vec::new());
    while let Some(name) = document.child()? {
        if seen.contains(&name) || seen.len() == MAX_PART_CHILDREN {
            return Err(CompleteError::Part);
        }
        match name.as_str() {
            NUMBER => number = Some(part_number(&document.text()?)?),
            ETAG => etag = Some(ETag::parse(&document.text()?).ok_or(CompleteError::ETag)?),
            other => skip(document, other)?,
        }
        seen.push(name);
    }
    number.zip(etag).ok_or(CompleteError::Part)
}

fn part_number(text: &str) -> Result<u32, CompleteError> {
    let digits = text.trim_matches([' ', '\t', '\r', '\n']);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let number = digits.parse().ok().filter(|n| plain && (1..=MAX_PART_NUMBER).contains(n));
    number.ok_or(CompleteError::Number)
}

/// Reads over an element that is not known, and makes sure that it neither is nor holds one that is:
/// some parsers look for their names at any depth or in any case.
fn skip(document: &mut Document, name: &str) -> Result<(), CompleteError> {
    check_unknown(name)?;
    let mut depth = 1;
    while depth > 0 {
        match document.next()? {
            Some(Token::Open(name)) => {
                check_unknown(&name)?;
                depth += 1;
            }
            Some(Token::Close) => depth -= 1,
            Some(Token::Text(_)) => {}
            None => return Err(CompleteError::Malformed),
        }
    }
    Ok(())
}

fn check_unknown(name: &str) -> Result<(), CompleteError> {
    match [ROOT, PART, NUMBER, ETAG].iter().any(|known| known.eq_ignore_ascii_case(name)) {
        true => Err(CompleteError::Misplaced),
        false => Ok(()),
    }
}

/// The `UploadId` in a store's answer to CreateMultipartUpload; `None` if it can't be found.
///
/// The root has not the same name everywhere (rclone's is `InitiateMultipartUpload`), and clients
/// don't look at it.
pub fn initiated_upload_id(answer: &[u8]) -> Option<String> {
    let answer = Answer::read(answer)?;
    let id = answer.field("UploadId").filter(|_| answer.root != "Error")?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// What a store made of a CompleteMultipartUpload that it answered with 200: an error may hide in
/// such an answer, since its head goes out before the work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// There is an object.
    Done {
        /// Its ETag, if the answer names one.
        etag: Option<ETag>,
    },
    /// There is none.
    Failed {
        /// S3's error code.
        code: String,
    },
}

/// Reads the body of such an answer; `None` if it is neither a result nor an error, or cut short.
/// White space may stand before it: stores send it to keep the connection alive.
pub fn completion(answer: &[u8]) -> Option<Completion> {
    let answer = Answer::read(answer)?;
    match answer.root.as_str() {
        "CompleteMultipartUploadResult" => {
            Some(Completion::Done { etag: answer.field("ETag").and_then(ETag::parse) })
        }
        "Error" => Some(Completion::Failed { code: answer.field("Code")?.to_owned() }),
        _ => None,
    }
}

/// A store's answer: its root and the texts right below it.
struct Answer {
    root: String,
    fields: Vec<(String, String)>,
}

impl Answer {
    fn read(answer: &[u8]) -> Option<Answer> {
        if answer.len() > MAX_ANSWER {
            return None;
        }
        let mut document = Document::new(answer.trim_ascii_start()).ok()?;
        let root = document.child().ok()??;
        let mut fields = Vec::new();
        while let Some(name) = document.child().ok()? {
            fields.push((name, text_above(&mut document)?));
        }
        document.next().ok()?.is_none().then_some(Answer { root, fields })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// The text of the element that was opened last, that of elements within it left out.
fn text_above(document: &mut Document) -> Option<String> {
    let (mut text, mut depth) = (String::new(), 1);
    loop {
        match document.next().ok()?? {
            Token::Open(_) => depth += 1,
            Token::Text(more) if depth == 1 => text.push_str(&more),
            Token::Text(_) => {}
            Token::Close if depth == 1 => return Some(text),
            Token::Close => depth -= 1,
        }
    }
}
