//! The header of a part.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::super::trailer::is_token;
use super::error::FormError;
use super::params::{Params, trim};

/// Most bytes of a part's header, its empty line included. Browsers send some hundred; a file name
/// has at most 255 bytes.
pub const MAX_PART_HEAD: usize = 8 * 1024;

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field's name; not empty.
    pub name: String,
    /// The file's name as it came, perhaps with a path. Bytes that are no UTF-8 become U+FFFD.
    pub filename: Option<String>,
    /// Whether every server reads this file name: not, if `filename*` says something else.
    pub filename_is_certain: bool,
    /// The Content-Type as it came. It says nothing about the bytes.
    pub content_type: Option<String>,
}

impl Part {
    /// Whether its payload is the object: AWS, MinIO and Garage look for `file`, Ceph RGW and
    /// SeaweedFS for any spelling of it.
    pub fn is_file(&self) -> bool {
        self.name.eq_ignore_ascii_case("file")
    }

    /// Reads a header, from behind the boundary's line to the end of the empty line.
    pub(super) fn parse(head: &[u8]) -> Result<Part, FormError> {
        let fields = Fields::read(head)?;
        if let Some(coding) = fields.transfer_encoding {
            check_transfer_encoding(coding)?;
        }
        if let Some(kind) = fields.content_type {
            check_content_type(kind)?;
        }
        let disposition = fields.disposition.ok_or(FormError::Disposition)?;
        let params = Params::parse(disposition).ok_or(FormError::Disposition)?;
        if !params.word.eq_ignore_ascii_case(b"form-data") {
            return Err(FormError::Disposition);
        }
        check_names(&params)?;
        let filename = params.get("filename").map(text);
        let extended = params.get("filename*").map(extended);
        let filename_is_certain = extended.is_none() || extended == filename.clone().map(Some);
        let content_type = fields.content_type.map(text);
        Ok(Part { name: name(&params)?, filename, filename_is_certain, content_type })
    }
}

/// The header lines that mean something. RFC 7578 §4.8 wants all others ignored.
#[derive(Default)]
struct Fields<'a> {
    disposition: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(head: &'a [u8]) -> Result<Self, FormError> {
        let mut fields = Fields::default();
        let mut rest = head;
        while !rest.is_empty() {
            let len = rest.iter().position(|&b| b == b'\r').ok_or(FormError::LineEnd)?;
            let line = &rest[..len];
            rest = rest[len..].strip_prefix(b"\r\n").ok_or(FormError::LineEnd)?;
            if !line.is_empty() {
                fields.take(line)?;
            }
        }
        Ok(fields)
    }

    fn take(&mut self, line: &'a [u8]) -> Result<(), FormError> {
        let colon = line.iter().position(|&b| b == b':').ok_or(FormError::Header)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().copied().all(is_token) || !value.iter().all(is_value) {
            return Err(FormError::Header);
        }
        let slot = if name.eq_ignore_ascii_case(b"content-disposition") {
            &mut self.disposition
        } else if name.eq_ignore_ascii_case(b"content-type") {
            &mut self.content_type
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            &mut self.transfer_encoding
        } else {
            return Ok(());
        };
        match slot.replace(trim(value)) {
            Some(_) => Err(FormError::Header),
            None => Ok(()),
        }
    }
}

/// Blank, tab, visible ASCII, and the bytes of other characters: browsers send file names raw.
fn is_value(byte: &u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// RFC 7578 §4.7 deprecates the header; some servers undo `base64` and `quoted-printable`.
fn check_transfer_encoding(coding: &[u8]) -> Result<(), FormError> {
    let harmless: [&[u8]; 3] = [b"binary", b"8bit", b"7bit"];
    match harmless.iter().any(|h| coding.eq_ignore_ascii_case(h)) {
        true => Ok(()),
        false => Err(FormError::TransferEncoding),
    }
}

/// RFC 2388 nested several files in a `multipart/mixed`. (`multipart/related` is what browsers call
/// a saved page: a file like any other.)
fn check_content_type(kind: &[u8]) -> Result<(), FormError> {
    let nested: [&[u8]; 2] = [b"multipart/mixed", b"multipart/form-data"];
    let is = |n: &&[u8]| kind.get(..n.len()).is_some_and(|start| start.eq_ignore_ascii_case(n));
    match nested.iter().any(is) {
        true => Err(FormError::Nested),
        false => Ok(()),
    }
}

/// `Name=` and `name*=` are the name to some servers and nothing to others.
fn check_names(params: &Params) -> Result<(), FormError> {
    for (name, _) in params.iter() {
        let known = ["name", "filename"].iter().find(|k| name.eq_ignore_ascii_case(k.as_bytes()));
        if known.is_some_and(|k| k.as_bytes() != name) {
            return Err(FormError::Disposition);
        }
        if name.contains(&b'*') && name != b"filename*" {
            return Err(FormError::Extended);
        }
    }
    Ok(())
}

fn name(params: &Params) -> Result<String, FormError> {
    let name = params.get("name").ok_or(FormError::Disposition)?;
    let name = std::str::from_utf8(name).map_err(|_| FormError::Disposition)?;
    match name.is_empty() || name.contains('\\') {
        true => Err(FormError::Disposition),
        false => Ok(name.to_owned()),
    }
}

/// The text of RFC 8187's `UTF-8''percent-encoded`, which .NET sends beside the plain name; `None`
/// for any other charset.
fn extended(value: &[u8]) -> Option<String> {
    let (charset, encoded) = value.split_at_checked(b"utf-8''".len())?;
    let utf8 = charset.eq_ignore_ascii_case(b"utf-8''");
    utf8.then(|| percent_decode(encoded).decode_utf8().ok().map(Cow::into_owned)).flatten()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
