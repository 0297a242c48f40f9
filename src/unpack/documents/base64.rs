//! Pictures written out as base64 (RFC 4648) in text: data URIs in HTML, CSS and SVG, MIME parts in
//! mail, strings in JSON.
//!
//! Memory: the decoded picture, within the scratch memory.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::super::view::{Incomplete, Kind};
use super::super::walk::{Source, Stream, Walk};
use super::{is_picture, look_for_pictures};

/// Bytes from the beginning that must look like text.
const TEXT_PROBE_BYTES: usize = 512;
/// Header lines between a MIME part's encoding and its body, in bytes.
const MIME_HEADER_BYTES: usize = 2048;
/// Bytes that are decoded to see whether a run is a picture, and bytes that are given at one time; each
/// a whole number of groups of three.
const PROBE_BYTES: usize = 66;
const SLICE_BYTES: usize = 3 * 1024;

/// What base64 text begins with that is a picture (JPEG, also as some write it into JSON, PNG, GIF,
/// WebP, TIFF), and the words that stand before any.
const ANCHORS: [&[u8]; 9] = [
    b"/9j/",
    b"\\/9j\\/",
    b"iVBORw0KGgo",
    b"R0lGOD",
    b"UklGR",
    b"SUkqA",
    b"TU0AK",
    b"base64",
    b"BASE64",
];
/// The anchors from here on are words, not the text itself.
const FIRST_WORD: usize = 7;

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(ANCHORS).ok()
});

/// Whether the first bytes are text of some kind.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(TEXT_PROBE_BYTES)];
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    !head.is_empty() && !head.iter().any(is_control)
}

/// Gives the pictures that are written out in a text.
pub(super) fn pictures(walk: &mut Walk<'_>, source: &Source<'_>) {
    let Some(finder) = FINDER.as_ref() else { return };
    let limits = walk.ledger.limits;
    let text = &source.bytes[..source.bytes.len().min(limits.text_bytes_max)];
    let (mut from, mut tried, mut runs) = (0, None, 0);
    while let Some(anchor) = finder.find(Input::new(text).span(from..text.len())) {
        from = anchor.end();
        let start = match anchor.pattern().as_usize() < FIRST_WORD {
            true => Some(anchor.start()),
            false => behind_word(text, anchor.end()),
        };
        // Many words may announce one text.
        if start == tried {
            continue;
        }
        tried = start;
        let Some(start) = start.filter(|start| begins_a_picture(&source.bytes[*start..])) else {
            continue;
        };
        if walk.stopped() {
            return;
        }
        if runs == limits.streams_max {
            return walk.miss(Incomplete::Count);
        }
        runs += 1;
        from = from.max(start + run(walk, source, start)).min(text.len());
    }
    if source.bytes.len() > text.len() {
        walk.miss(Incomplete::Bytes);
    }
}

/// Where the encoded text begins that a word announces: behind the comma of a data URI, or behind
/// the header of a MIME part.
fn behind_word(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.first() == Some(&b',') {
        return Some(at + 1);
    }
    let header = &rest[..rest.len().min(MIME_HEADER_BYTES)];
    let blank = |line: &[u8]| memchr::memmem::find(header, line).map(|found| found + line.len());
    [blank(b"\r\n\r\n"), blank(b"\n\n")].into_iter().flatten().min().map(|length| at + length)
}

fn begins_a_picture(text: &[u8]) -> bool {
    let mut is_one = false;
    decode(text, PROBE_BYTES, &mut |head| {
        is_one = is_picture(head);
        ControlFlow::Break(())
    });
    is_one
}

/// Gives the picture that begins at an offset. Gives how much of the text it takes.
fn run(walk: &mut Walk<'_>, source: &Source<'_>, start: usize) -> usize {
    let mut view = Stream::begin(walk, Kind::Document, source.place, None);
    let taken = decode(&source.bytes[start..], SLICE_BYTES, &mut |bytes| {
        view.bytes(walk, bytes);
        if walk.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let (kept, whole) = view.close(walk, !walk.stopped());
    look_for_pictures(walk, &Source { bytes: &kept, base: None, whole, place: source.place });
    taken
}

/// Decodes the run of base64 that a text begins with, gives the bytes in slices of this length, and
/// gives how long the run is. Line breaks and blanks count for nothing, nor do the escapes that JSON
/// and URIs need.
fn decode(
    text: &[u8],
    slice_bytes: usize,
    give: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> usize {
    let mut slice = Vec::with_capacity(slice_bytes);
    let (mut bits, mut digits) = (0u32, 0u32);
    let mut at = 0;
    while let Some((symbol, length)) = symbol(&text[at..]) {
        let Symbol::Digit(value) = symbol else {
            at += length;
            continue;
        };
        at += length;
        bits = bits << 6 | u32::from(value);
        digits += 1;
        if digits == 4 {
            slice.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, digits) = (0, 0);
        }
        if slice.len() == slice_bytes {
            if give(&slice).is_break() {
                return at;
            }
            slice.clear();
        }
    }
    // Two or three digits hold one or two bytes more.
    let left = bits << (6 * (4 - digits) % 24);
    slice.extend_from_slice(&left.to_be_bytes()[1..][..digits.saturating_sub(1) as usize]);
    if !slice.is_empty() {
        // Nothing follows that could be stopped.
        let _ = give(&slice);
    }
    at
}

enum Symbol {
    Digit(u8),
    /// White space, as it is or escaped.
    Blank,
}

/// The symbol that a text begins with, and how many bytes it takes; `None` where the run ends.
fn symbol(text: &[u8]) -> Option<(Symbol, usize)> {
    let found = match text {
        // The end of a MIME part; elsewhere the minus is a digit (RFC 4648 §5).
        [b'\n', b'-', b'-', ..] => return None,
        [byte @ b'A'..=b'Z', ..] => (Symbol::Digit(byte - b'A'), 1),
        [byte @ b'a'..=b'z', ..] => (Symbol::Digit(byte - b'a' + 26), 1),
        [byte @ b'0'..=b'9', ..] => (Symbol::Digit(byte - b'0' + 52), 1),
        [b'+' | b'-', ..] => (Symbol::Digit(62), 1),
        [b'/' | b'_', ..] => (Symbol::Digit(63), 1),
        [b' ' | b'\t' | b'\r' | b'\n', ..] => (Symbol::Blank, 1),
        [b'\\', b'/', ..] => (Symbol::Digit(63), 2),
        [b'\\', b'n' | b'r' | b't', ..] => (Symbol::Blank, 2),
        [b'%', b'2', b'B' | b'b', ..] => (Symbol::Digit(62), 3),
        [b'%', b'2', b'F' | b'f', ..] => (Symbol::Digit(63), 3),
        [b'%', b'0', b'A' | b'a' | b'D' | b'd', ..] | [b'%', b'2', b'0', ..] => (Symbol::Blank, 3),
        _ => return None,
    };
    Some(found)
}
