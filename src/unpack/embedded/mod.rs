//! Pictures in other bytes: behind them, within them, before them.

mod bytes;
mod extent;
mod inner;
mod jpeg;
mod search;
#[cfg(test)]
mod tests;
mod tiff;

use std::ops::Range;

pub use extent::extent;
pub(super) use search::begins;
pub use search::{Candidate, Search, naive_search};

use super::Limits;
use super::view::{Incomplete, Kind};
use super::walk::{Source, Walk};
use crate::image::{Format, sniff};

/// Embedded pictures of one byte string that are given.
const PICTURES_MAX: usize = 128;
/// Candidates are measured in one pass over them each. A byte string is passed over no more often than
/// this altogether.
const PASSES_MAX: usize = 8;

/// Gives the pictures in a byte string: without what stands behind its end, within the picture that
/// it is, and those that begin somewhere behind its first byte.
pub(super) fn pictures(walk: &mut Walk<'_>, source: &Source<'_>) {
    let options = walk.ledger.options;
    if !options.trimmed && !options.embedded {
        return;
    }
    let bytes = source.bytes;
    let format = sniff(bytes);
    let end = format.and_then(|format| extent(format, bytes)).filter(|end| *end < bytes.len());
    if let (true, Some(format), Some(end)) = (options.trimmed, format, end) {
        let mut origin = source.origin(Kind::Trimmed);
        origin.format = Some(format);
        walk.give(source, &origin, 0..end);
    }
    if options.embedded {
        let mut found = Found::new(bytes);
        inner::pictures(format, bytes, &mut |range| found.add(range));
        let limits = walk.ledger.limits;
        found.search(&limits, 0);
        // Behind the end of a picture, as much again: two photographs in one file are megabytes apart.
        if let Some(end) = end {
            found.search(&limits, end);
        }
        found.give(walk, source);
    }
}

/// Embedded pictures that were found: each once.
struct Found<'a> {
    bytes: &'a [u8],
    ranges: Vec<(Range<usize>, Format)>,
    /// Whether there are more than are kept.
    over: bool,
    /// Bytes that may still be passed over to measure candidates.
    passes_left: usize,
}

impl<'a> Found<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let passes_left = bytes.len().saturating_mul(PASSES_MAX);
        Found { bytes, ranges: Vec::new(), over: false, passes_left }
    }

    /// Adds what a format says to be a picture, if its bytes are one. A range that goes too far is cut.
    fn add(&mut self, range: Range<usize>) {
        let range = range.start..range.end.min(self.bytes.len());
        let format = self.bytes.get(range.clone()).and_then(sniff);
        let Some(format) = format.filter(|_| range.start > 0) else { return };
        if self.ranges.iter().any(|known| known.0 == range) {
            return;
        }
        if self.ranges.len() == PICTURES_MAX {
            self.over = true;
        } else {
            self.ranges.push((range, format));
        }
    }

    /// Adds the pictures that begin in the first bytes from an offset on, and what lies in them.
    fn search(&mut self, limits: &Limits, from: usize) {
        let bytes = &self.bytes[from..];
        let mut candidates = Vec::new();
        // What begins at `from` itself counts too, unless that is where everything begins.
        let mut search = Search::from_offset(limits, u64::from(from == 0));
        let mut note = |candidate| candidates.push(candidate);
        search.push(bytes, &mut note);
        self.over |= search.finish(&mut note);
        for Candidate { offset, format } in candidates {
            let start = from + offset as usize;
            let picture = &self.bytes[start..];
            let (end, passed) = extent::measure(format, picture);
            let length = end.unwrap_or(picture.len());
            // What lies in it costs another pass.
            let Some(left) = self.passes_left.checked_sub(2 * passed) else {
                self.over = true;
                return;
            };
            self.passes_left = left;
            if format != Format::Tiff || !is_exif(self.bytes, start) {
                self.add(start..start + length);
            }
            inner::pictures(Some(format), &picture[..length], &mut |range| {
                self.add(start + range.start..start.saturating_add(range.end));
            });
        }
    }

    fn give(mut self, walk: &mut Walk<'_>, source: &Source<'_>) {
        if self.over {
            walk.miss(Incomplete::Count);
        }
        self.ranges.sort_unstable_by_key(|(range, _)| (range.start, range.end));
        for (range, format) in self.ranges {
            let mut origin = source.origin(Kind::Embedded);
            (origin.offset, origin.format) = (range.start as u64, Some(format));
            walk.give(source, &origin, range);
        }
    }
}

/// Whether a TIFF structure is not a picture but what another file has to say about its own: EXIF, as
/// JPEG and HEIC, PNG and WebP have it, or the index of a multi-picture file.
fn is_exif(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[..start];
    let is_webp = before.len() >= 8 && before[before.len() - 8..].starts_with(b"EXIF");
    is_webp || [b"Exif\0\0".as_slice(), b"eXIf", b"MPF\0"].iter().any(|word| before.ends_with(word))
}
