//! What the checksum tools print: `HEX  name`, `HEX *name`, `SIZE  HEX  name` and
//! `SHA256 (name) = HEX`, each with a backslash before it if the name is escaped.

use super::{Reason, Taken, text};
use crate::digest::{Algorithm, Digest};
use crate::list::{Entry, Hash, Label};

/// Digits of the largest size that md5deep prints; fewer than any digest has.
const SIZE_DIGITS_MAX: usize = 20;

/// Reads one line. The file name becomes the label if it can be one; else there is none.
pub(super) fn line(algorithm: Algorithm, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    let line = without_size(line);
    let (escaped, line) = match line.strip_prefix(b"\\") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (hex, name) =
        if is_bsd(algorithm, line) { bsd_line(algorithm, line)? } else { gnu_line(line)? };
    let hash = Hash::from(Digest::from_hex(algorithm, text(hex)?)?);
    let name = if escaped { unescape(name)? } else { name.to_vec() };
    let label =
        text(&name).ok().and_then(|name| Label::new(name, std::slice::from_ref(&hash)).ok());
    taken.entry(Entry { hash, label });
    Ok(())
}

/// Takes off the file size that md5deep prints in front on request.
fn without_size(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_start();
    let (word, rest) = split_at_blank(line);
    let is_size = !word.is_empty()
        && word.len() <= SIZE_DIGITS_MAX
        && word.iter().all(u8::is_ascii_digit)
        && !rest.is_empty();
    if is_size { rest.trim_ascii_start() } else { line }
}

/// Whether the line begins with a tag and a parenthesis. A digest in front of a name in
/// parentheses is as long as a digest.
fn is_bsd(algorithm: Algorithm, line: &[u8]) -> bool {
    match line.iter().position(|&byte| byte == b'(') {
        Some(open) => line[..open].trim_ascii_end().len() < algorithm.len() * 2,
        None => false,
    }
}

/// The hash and the name of `TAG (name) = HEX`; openssl prints `TAG(name)= HEX`.
fn bsd_line(algorithm: Algorithm, line: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let open = line.iter().position(|&byte| byte == b'(').ok_or(Reason::NoName)?;
    // The name may hold `) = `, the hash behind it can't.
    let close = line.iter().rposition(|&byte| byte == b')').ok_or(Reason::NoName)?;
    if !is_tag_of(algorithm, line[..open].trim_ascii_end()) {
        return Err(Reason::WrongTag(algorithm));
    }
    let hex = line[close + 1..].trim_ascii().strip_prefix(b"=").ok_or(Reason::NoHash)?;
    match line.get(open + 1..close) {
        None | Some([]) => Err(Reason::NoName),
        Some(name) => Ok((hex.trim_ascii(), name)),
    }
}

fn is_tag_of(algorithm: Algorithm, tag: &[u8]) -> bool {
    let tags: &[&str] = match algorithm {
        Algorithm::Md5 => &["MD5"],
        Algorithm::Sha1 => &["SHA1", "SHA-1"],
        Algorithm::Sha256 => &["SHA256", "SHA-256", "SHA2-256"],
    };
    tags.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(tag))
}

/// The hash and the name of `HEX  name`; a star before the name says that the file was read as
/// binary, and BSD's `md5 -r` leaves a single space.
fn gnu_line(line: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let (hex, name) = split_at_blank(line);
    let name = match name {
        [b' ' | b'*', rest @ ..] => rest,
        _ => name,
    };
    if name.is_empty() { Err(Reason::NoName) } else { Ok((hex, name)) }
}

fn split_at_blank(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| matches!(byte, b' ' | b'\t')) {
        Some(end) => (&line[..end], &line[end + 1..]),
        None => (line, &[]),
    }
}

fn unescape(name: &[u8]) -> Result<Vec<u8>, Reason> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'\\') => b'\\',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                _ => return Err(Reason::Escape),
            },
            byte => byte,
        });
    }
    Ok(plain)
}
