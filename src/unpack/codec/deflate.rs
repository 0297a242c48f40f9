//! HTTP's `deflate`: zlib (RFC 1950), or the bare stream that some servers send and all browsers
//! take. What follows the stream is ignored.
//!
//! Memory: that of [`Inflate`], once more while the first bytes are looked at.

use super::{CodingError, Emit, Inflate};

/// Chromium tries these first bytes as zlib, and starts again without a header if that fails.
const PROBE_BYTES: usize = 1000;
const ZLIB_HEADER_BYTES: usize = 2;

/// A decoder of `deflate`.
#[derive(Default)]
pub(in crate::unpack) struct Deflate {
    inflate: Inflate,
    /// The first bytes, until there are enough to tell what they are.
    probe: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Probe,
    Body,
    Ended,
}

impl Deflate {
    pub(super) fn push(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        if self.place != Place::Probe {
            return self.body(input, emit);
        }
        let (head, rest) = input.split_at(input.len().min(PROBE_BYTES - self.probe.len()));
        self.probe.extend_from_slice(head);
        if self.probe.len() < PROBE_BYTES {
            return Ok(());
        }
        self.settle(emit)?;
        self.body(rest, emit)
    }

    pub(super) fn finish(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        if self.place == Place::Probe {
            if self.probe.is_empty() {
                return Ok(());
            }
            self.settle(emit)?;
        }
        match self.place {
            Place::Ended => Ok(()),
            Place::Probe | Place::Body => Err(CodingError::Truncated),
        }
    }

    /// Enough has come, or all: decides between the two kinds and decodes what was kept.
    fn settle(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        let probe = std::mem::take(&mut self.probe);
        self.place = Place::Body;
        let header = if begins_as_zlib(&probe) { ZLIB_HEADER_BYTES } else { 0 };
        self.body(&probe[header..], emit)
    }

    fn body(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        if self.place == Place::Body && self.inflate.push(input, emit)?.1 {
            self.place = Place::Ended;
        }
        Ok(())
    }
}

/// Whether the bytes are a zlib header and decode behind it as far as they go.
fn begins_as_zlib(bytes: &[u8]) -> bool {
    const METHOD: u8 = 8;
    const WINDOW_MAX: u8 = 7;
    const FLAG_DICTIONARY: u8 = 1 << 5;
    let Some((header, body)) = bytes.split_first_chunk::<ZLIB_HEADER_BYTES>() else { return false };
    header[0] & 0x0f == METHOD
        && header[0] >> 4 <= WINDOW_MAX
        && header[1] & FLAG_DICTIONARY == 0
        && u16::from_be_bytes(*header).is_multiple_of(31)
        && Inflate::default().push(body, &mut |_| Ok(())).is_ok()
}
