//! The segments of a JPEG (ITU-T T.81 annex B), read as tolerantly as libjpeg does.

use std::ops::Range;

use memchr::memchr;

const STUFFED: u8 = 0x00;
const TEMPORARY: u8 = 0x01;
const FIRST_RESTART: u8 = 0xd0;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const FILL: u8 = 0xff;
/// The marker of application segment 0; the others follow.
pub(super) const APPLICATION: u8 = 0xe0;

const LENGTH_BYTES: usize = 2;

/// A marker segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) marker: u8,
    /// Where its content lies, the length not among it.
    pub(super) content: Range<usize>,
}

/// Reports the segments of the image that `bytes` begin with, in order, and gives where it ends:
/// behind the end marker. `None` if there is none.
///
/// `at` says how far it went.
pub(super) fn walk(
    bytes: &[u8],
    at: &mut usize,
    mut segment: impl FnMut(Segment),
) -> Option<usize> {
    *at = LENGTH_BYTES;
    loop {
        // Passes over the entropy-coded bytes behind a scan's header, and, as libjpeg does, over
        // whatever else stands between segments.
        // Not worth a search where they stand close.
        if *bytes.get(*at)? != FILL {
            let rest = &bytes[*at..];
            *at += memchr(FILL, rest).unwrap_or(rest.len());
        }
        let marker = *bytes.get(*at + 1)?;
        *at += if marker == FILL { 1 } else { 2 };
        match marker {
            STUFFED | TEMPORARY | FIRST_RESTART..=START_OF_IMAGE | FILL => {}
            END_OF_IMAGE => return Some(*at),
            _ => {
                let length = usize::from(u16::from_be_bytes(*bytes.get(*at..)?.first_chunk()?));
                let content = *at + LENGTH_BYTES..*at + length.max(LENGTH_BYTES);
                bytes.get(content.clone())?;
                *at = content.end;
                segment(Segment { marker, content });
            }
        }
    }
}
