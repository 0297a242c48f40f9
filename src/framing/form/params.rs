//! The values of Content-Type and Content-Disposition: a word and its parameters.
//!
//! ```text
//! value  = OWS word *( OWS ";" OWS name "=" ( token / quoted ) ) [ OWS ";" ] OWS
//! quoted = DQUOTE *( any byte but DQUOTE ) DQUOTE          not ending with "\"
//! ```
//!
//! Parsers disagree about backslashes (RFC 2045 escapes with them, browsers don't) and about
//! semicolons within quotes (Ceph RGW cuts there). Where that could change what they find, the value
//! is malformed here.

use super::super::trailer::is_token;

/// A word and its parameters, in order, all raw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Params<'a> {
    pub(super) word: &'a [u8],
    params: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Params<'a> {
    /// `None` for a malformed value, or one with a parameter twice.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let word_len = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let (word, mut rest) = value.split_at(word_len);
        let mut params: Vec<(&[u8], &[u8])> = Vec::new();
        while let Some(after) = trim_start(rest).strip_prefix(b";") {
            let after = trim_start(after);
            if after.is_empty() {
                rest = after;
                break;
            }
            let (name, value, after) = param(after)?;
            if params.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return None;
            }
            params.push((name, value));
            rest = after;
        }
        let whole = trim_start(rest).is_empty();
        whole.then_some(Params { word: trim(word), params })
    }

    /// The value of the parameter with exactly this name. (Ceph RGW compares case.)
    pub(super) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.params.iter().copied()
    }
}

/// A parameter, and what stands behind it.
fn param(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix(b"=")?;
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(rest) => quoted(rest)?,
        None => token(rest)?,
    };
    Some((name, value, rest))
}

fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = text.iter().position(|&b| !is_token(b)).unwrap_or(text.len());
    (len > 0).then(|| text.split_at(len))
}

/// What stands before the closing quote, and what stands behind it.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = text.iter().position(|&b| b == b'"')?;
    let (value, rest) = (&text[..len], &text[len + 1..]);
    let like_a_parameter =
        value.iter().position(|&b| b == b';').is_some_and(|at| value[at..].contains(&b'='));
    let well = !like_a_parameter && !value.ends_with(b"\\");
    well.then_some((value, rest))
}

/// Without the blanks and tabs around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let len = text.iter().rposition(|&b| !is_blank(b)).map_or(0, |last| last + 1);
    &text[..len]
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&b| !is_blank(b)).unwrap_or(text.len());
    &text[start..]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
