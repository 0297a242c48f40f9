//! One pass over a body: framing undone as a view, digests computed, pieces handed to the hold-back.

use bytes::Bytes;

use super::{Evidence, HoldBack};
use crate::digest::{AlgorithmSet, Kernel, MultiHasher};
use crate::framing::{AwsChunked, FramingError, Span};
use crate::image::{self, Format};
use crate::s3::BodyPlan;

/// How much of the payload is looked at to tell what it is, in bytes.
pub const SNIFF_BYTES: usize = 4096;

/// Pieces of framed bodies are cut no smaller than this, in bytes, where they can be.
const PIECE_MIN: usize = 4096;

/// Looks at one body as it passes.
#[derive(Debug)]
pub struct Inspector {
    view: View,
    sight: Sight,
}

#[derive(Debug)]
enum View {
    Identity,
    AwsChunked(AwsChunked),
}

/// What has been seen of the decoded payload.
#[derive(Debug)]
struct Sight {
    hasher: MultiHasher,
    head: Vec<u8>,
    payload: u64,
}

impl Inspector {
    /// An inspector for a body of the given plan, which computes the `wanted` digests.
    pub fn new(plan: &BodyPlan, wanted: AlgorithmSet, kernel: Kernel) -> Self {
        let view = match plan {
            BodyPlan::Identity { .. } => View::Identity,
            BodyPlan::AwsChunked { plan, .. } => View::AwsChunked(AwsChunked::new(*plan)),
        };
        let hasher = MultiHasher::new(wanted, kernel);
        Inspector { view, sight: Sight { hasher, head: Vec::new(), payload: 0 } }
    }

    /// Takes the next wire bytes, and hands them to `hold` with what they mean.
    ///
    /// # Errors
    /// The framing is malformed, or holds more payload than was declared.
    pub fn feed(&mut self, wire: Bytes, hold: &mut HoldBack) -> Result<(), FramingError> {
        match &mut self.view {
            View::Identity => {
                self.sight.see(&wire);
                let payload = wire.len() as u64;
                hold.push(wire, payload, true);
            }
            View::AwsChunked(decoder) => {
                let mut pieces = Pieces::new(&wire);
                let decoded = decoder.push(&wire, &mut |span| {
                    if let Span::Payload { len, .. } = span {
                        self.sight.see(&wire[pieces.position..pieces.position + len]);
                    }
                    pieces.take(span, hold);
                });
                // After an error too: where that is tolerated, the bytes still have to pass.
                pieces.finish(hold);
                return decoded;
            }
        }
        Ok(())
    }

    /// The image format that the payload's first bytes show. Settled once [`Inspector::sniffable`].
    pub fn format(&self) -> Option<Format> {
        image::sniff(&self.sight.head)
    }

    /// Whether enough of the payload has been seen to tell what it is.
    pub fn sniffable(&self) -> bool {
        self.sight.head.len() >= SNIFF_BYTES
    }

    /// Decoded payload seen so far, in bytes.
    pub fn payload(&self) -> u64 {
        self.sight.payload
    }

    /// The evidence, once the body has ended.
    ///
    /// # Errors
    /// The framing has not ended, or the payload is shorter than declared.
    pub fn finish(self) -> Result<Evidence, FramingError> {
        if let View::AwsChunked(decoder) = &self.view {
            decoder.finish()?;
        }
        let format = self.format();
        let Sight { hasher, payload, .. } = self.sight;
        Ok(Evidence { digests: hasher.finish(), payload, format, ..Evidence::default() })
    }
}

impl Sight {
    fn see(&mut self, payload: &[u8]) {
        self.payload += payload.len() as u64;
        self.hasher.update(payload);
        let wanted = SNIFF_BYTES - self.head.len();
        if wanted > 0 {
            self.head.extend_from_slice(&payload[..payload.len().min(wanted)]);
        }
    }
}

/// Cuts one read of a framed body into pieces that end before the last byte of a data chunk.
struct Pieces<'a> {
    wire: &'a Bytes,
    start: usize,
    position: usize,
    /// Payload bytes between `start` and `position`.
    payload: u64,
}

impl<'a> Pieces<'a> {
    fn new(wire: &'a Bytes) -> Self {
        Pieces { wire, start: 0, position: 0, payload: 0 }
    }

    fn take(&mut self, span: Span, hold: &mut HoldBack) {
        match span {
            Span::Framing(len) => self.position += len,
            Span::Payload { len, ends_chunk } => {
                let before_cut = len - usize::from(ends_chunk && len > 0);
                let cut = self.position + before_cut;
                if cut - self.start >= PIECE_MIN {
                    let payload = self.payload + before_cut as u64;
                    hold.push(self.wire.slice(self.start..cut), payload, true);
                    self.start = cut;
                    self.payload = (len - before_cut) as u64;
                } else {
                    self.payload += len as u64;
                }
                self.position += len;
            }
        }
    }

    /// The rest goes along, but is no place to cut: it may end a chunk, or the body.
    fn finish(self, hold: &mut HoldBack) {
        hold.push(self.wire.slice(self.start..), self.payload, false);
    }
}

#[cfg(test)]
mod tests;
