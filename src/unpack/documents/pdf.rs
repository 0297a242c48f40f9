//! Pictures in PDF (ISO 32000). DCTDecode and JPXDecode streams are JPEG and JPEG 2000 files as they
//! are; a Flate filter may be around them.
//!
//! Streams are told by their content, not by their dictionaries: those may stand elsewhere, and may
//! lie. Not found are pictures that are pixels only, and those drawn inline.

use std::ops::Range;

use memchr::memmem;

use super::super::codec::{CodingError, Inflate, Piece};
use super::super::view::{Incomplete, Kind};
use super::super::walk::{Source, Stream, Walk};
use super::{is_picture, look_for_pictures};
use crate::image::sniff;

/// Readers find the header within so many bytes.
const HEADER_SEARCH_BYTES: usize = 1024;
/// How far before a stream its dictionary is looked for, in bytes.
const DICTIONARY_BYTES: usize = 2048;
/// Of a stream that may be compressed, so many bytes are read to see what it is: enough for the tables
/// at its beginning.
const PROBE_BYTES: usize = 1024;
/// And so many decoded bytes are looked at.
const HEAD_BYTES: usize = 64;
const ZLIB_HEADER_BYTES: usize = 2;

const STREAM: &[u8] = b"stream";
const END_STREAM: &[u8] = b"endstream";

pub(super) fn is_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEADER_SEARCH_BYTES)];
    memmem::find(head, b"%PDF-").is_some()
}

/// Gives the pictures among the streams.
pub(super) fn pictures(walk: &mut Walk<'_>, source: &Source<'_>) {
    if is_encrypted(source.bytes) {
        walk.miss(Incomplete::Encrypted);
    }
    let mut from = 0;
    let mut streams = 0;
    while let Some((dictionary, data)) = next_stream(source.bytes, from) {
        if walk.stopped() {
            return;
        }
        if streams == walk.ledger.limits.streams_max {
            return walk.miss(Incomplete::Count);
        }
        streams += 1;
        from = data.end;
        stream(walk, source, dictionary, data);
    }
}

/// Whether a trailer says that the strings and streams are encrypted.
fn is_encrypted(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"/Encrypt";
    memmem::find_iter(bytes, KEY).any(|at| {
        let value = bytes[at + KEY.len()..].trim_ascii_start();
        value.starts_with(b"<<") || value.first().is_some_and(u8::is_ascii_digit)
    })
}

/// What stands before the next stream, and where its data lie.
fn next_stream(bytes: &[u8], from: usize) -> Option<(&[u8], Range<usize>)> {
    for at in memmem::find_iter(&bytes[from..], STREAM) {
        let at = from + at;
        let start = match &bytes[at + STREAM.len()..] {
            [b'\r', b'\n', ..] => at + STREAM.len() + 2,
            [b'\n' | b'\r', ..] => at + STREAM.len() + 1,
            _ => continue,
        };
        if bytes[..at].ends_with(b"end") {
            continue;
        }
        let dictionary = &bytes[from.max(at.saturating_sub(DICTIONARY_BYTES))..at];
        let end =
            stated_end(bytes, dictionary, start).unwrap_or_else(|| searched_end(bytes, start));
        return Some((dictionary, start..end));
    }
    None
}

/// Where the data end by the dictionary's word, if it is right.
fn stated_end(bytes: &[u8], dictionary: &[u8], start: usize) -> Option<usize> {
    const KEY: &[u8] = b"/Length";
    let value = dictionary[memmem::rfind(dictionary, KEY)? + KEY.len()..].trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
    let end = start.checked_add(length)?;
    bytes.get(end..)?.trim_ascii_start().starts_with(END_STREAM).then_some(end)
}

/// Where the data end by the word behind them, less a line end before it; else with the bytes.
fn searched_end(bytes: &[u8], start: usize) -> usize {
    let data = &bytes[start..];
    let Some(end) = memmem::find(data, END_STREAM) else { return bytes.len() };
    let data = &data[..end];
    let data = data.strip_suffix(b"\n").unwrap_or(data);
    start + data.strip_suffix(b"\r").unwrap_or(data).len()
}

fn stream(walk: &mut Walk<'_>, source: &Source<'_>, dictionary: &[u8], range: Range<usize>) {
    let data = &source.bytes[range.clone()];
    if is_picture(data) {
        let mut origin = source.origin(Kind::Document);
        (origin.offset, origin.format) = (range.start as u64, sniff(data));
        walk.give(source, &origin, range.clone());
        let base = source.base.map(|base| base + range.start);
        let picture = Source { bytes: data, base, ..*source };
        return look_for_pictures(walk, &picture);
    }
    if inflates_to_picture(walk, data) {
        return inflated(walk, source, &data[ZLIB_HEADER_BYTES..]);
    }
    // Another filter around a picture.
    if [b"/DCTDecode", b"/JPXDecode"].iter().any(|name| memmem::rfind(dictionary, *name).is_some())
    {
        walk.miss(Incomplete::Unsupported);
    }
}

/// Whether the data are zlib's, and a picture is in it.
fn inflates_to_picture(walk: &mut Walk<'_>, data: &[u8]) -> bool {
    let is_zlib = data.first_chunk().is_some_and(|head: &[u8; ZLIB_HEADER_BYTES]| {
        head[0] & 0x0f == 8 && u16::from_be_bytes(*head).is_multiple_of(31)
    });
    if !is_zlib || walk.spend_decoded(PROBE_BYTES).is_err() {
        return false;
    }
    let probe = &data[ZLIB_HEADER_BYTES..data.len().min(ZLIB_HEADER_BYTES + PROBE_BYTES)];
    let mut head = Vec::new();
    // An error shows in what came before it.
    let _ = Inflate::default().push(probe, &mut |piece| {
        if let Piece::Bytes(bytes) = piece {
            head.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES)]);
        }
        Err(CodingError::TooLong)
    });
    is_picture(&head)
}

fn inflated(walk: &mut Walk<'_>, source: &Source<'_>, data: &[u8]) {
    let mut view = Stream::begin(walk, Kind::Document, source.place, None);
    let done = Inflate::default().push(data, &mut |piece| {
        if let Piece::Bytes(bytes) = piece {
            walk.spend_decoded(bytes.len())?;
            view.bytes(walk, bytes);
        }
        Ok(())
    });
    let whole = matches!(done, Ok((_, true)));
    if !whole && !walk.stopped() {
        walk.miss(Incomplete::Malformed);
    }
    let (kept, whole) = view.close(walk, whole);
    look_for_pictures(walk, &Source { bytes: &kept, base: None, whole, place: source.place });
}
