//! The naive twin of [`FormData`](super::FormData): it has the whole body in hand and cuts it with
//! plain slice operations. Tests and fuzz targets compare the two.

use super::{MAX_FIELD, MAX_FIELDS, MAX_PART_HEAD, MAX_PARTS};

/// A part of a form that was whole and well formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NaivePart {
    /// The field's name.
    pub name: String,
    /// The file's name.
    pub filename: Option<String>,
    /// The Content-Type.
    pub content_type: Option<String>,
    /// Everything up to the delimiter.
    pub payload: Vec<u8>,
}

/// Decodes a whole form; `None` if the strict decoder must refuse it, for whatever reason.
pub fn naive_form_data(boundary: &str, body: &[u8]) -> Option<Vec<NaivePart>> {
    let dashed = [b"--", boundary.as_bytes()].concat();
    let body = body.strip_prefix(b"\r\n").unwrap_or(body);
    let mut rest = body.strip_prefix(dashed.as_slice())?;
    let mut parts = Vec::new();
    while let Some(section) = rest.strip_prefix(b"\r\n") {
        let at = section.windows(dashed.len()).position(|window| window == dashed)?;
        parts.push(part(section[..at].strip_suffix(b"\r\n")?)?);
        rest = &section[at + dashed.len()..];
    }
    let after = rest.strip_prefix(b"--")?;
    ((after.is_empty() || after == b"\r\n") && fits(&parts)).then_some(parts)
}

fn fits(parts: &[NaivePart]) -> bool {
    let is_file = |part: &&NaivePart| part.name.eq_ignore_ascii_case("file");
    let files = parts.iter().filter(is_file).count();
    let fields: Vec<_> = parts.iter().filter(|part| !is_file(part)).collect();
    let names = parts.iter().map(|part| part.name.len()).sum::<usize>();
    let bytes = names + fields.iter().map(|field| field.payload.len()).sum::<usize>();
    let names = fields.iter().map(|field| field.name.to_ascii_lowercase());
    let mut once: Vec<_> =
        names.filter(|n| !n.starts_with("x-amz-meta-") && !n.starts_with("x-ignore-")).collect();
    let count = once.len();
    once.sort();
    once.dedup();
    files == 1
        && parts.len() <= MAX_PARTS
        && fields.iter().all(|field| field.payload.len() <= MAX_FIELD)
        && bytes <= MAX_FIELDS
        && once.len() == count
}

/// A part: its header, an empty line, its payload.
fn part(section: &[u8]) -> Option<NaivePart> {
    let end = section.windows(4).position(|window| window == b"\r\n\r\n")?;
    if end + 4 > MAX_PART_HEAD {
        return None;
    }
    // One byte a character: no byte is lost, and none is taken for another.
    let head: String = section[..end].iter().copied().map(char::from).collect();
    let mut part = NaivePart { payload: section[end + 4..].to_vec(), ..NaivePart::default() };
    let mut seen = Vec::new();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        let plain = |c: char| c == '\t' || (c >= ' ' && c != '\u{7f}');
        if !is_token(&name) || !value.chars().all(plain) {
            return None;
        }
        let value_lower = value.to_ascii_lowercase();
        match name.as_str() {
            "content-disposition" => (part.name, part.filename) = disposition(value)?,
            "content-type" if value_lower.starts_with("multipart/mixed") => return None,
            "content-type" if value_lower.starts_with("multipart/form-data") => return None,
            "content-type" => part.content_type = Some(text(value)),
            "content-transfer-encoding" => {
                ["binary", "8bit", "7bit"].contains(&value_lower.as_str()).then_some(())?;
            }
            _ => continue,
        }
        seen.push(name);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    (seen.len() == count && !part.name.is_empty()).then_some(part)
}

fn disposition(value: &str) -> Option<(String, Option<String>)> {
    let (word, params) = value.split_once(';').unwrap_or((value, ""));
    if !word.trim_matches([' ', '\t']).eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename, mut seen) = (None, None, Vec::new());
    for (key, value) in split_params(params)? {
        let lower = key.to_ascii_lowercase();
        match key {
            "name" => name = Some(value),
            "filename" => filename = Some(text(value)),
            "filename*" => {}
            _ if key.contains('*') || lower == "name" || lower == "filename" => return None,
            _ => {}
        }
        if seen.contains(&lower) {
            return None;
        }
        seen.push(lower);
    }
    let bytes = name?.chars().map(|c| c as u8).collect();
    let name = String::from_utf8(bytes).ok()?;
    (!name.is_empty() && !name.contains('\\')).then_some((name, filename))
}

/// `a=b;c="d"`, with blanks about each, and perhaps a semicolon at the end.
fn split_params(params: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut rest = params.trim_matches([' ', '\t']);
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find([';', ' ', '\t']).unwrap_or(after.len())),
        };
        let quoted = rest[key.len()..].starts_with("=\"");
        let well = match quoted {
            true => {
                !value.ends_with('\\') && !value.split_once(';').is_some_and(|v| v.1.contains('='))
            }
            false => is_token(value),
        };
        if !is_token(key) || !well {
            return None;
        }
        found.push((key, value));
        let after = after.trim_start_matches([' ', '\t']);
        rest = match after.is_empty() {
            true => after,
            false => after.strip_prefix(';')?.trim_start_matches([' ', '\t']),
        };
    }
    Some(found)
}

fn is_token(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(token)
}

/// The bytes that the characters stand for, as text.
fn text(latin1: &str) -> String {
    let bytes: Vec<u8> = latin1.chars().map(|c| c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
