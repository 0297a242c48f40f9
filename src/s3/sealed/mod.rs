//! Signed aws-chunked bodies, for a gate that signs anew: verified chunk by chunk, and signed with
//! another key or freed of their framing.
//!
//! After the AWS documentation, "Signature calculations for trailing headers and chunked uploads".
//! Each signature covers the one before it, and all of them hang on the head's. A gate that signs
//! the head anew therefore has to sign each chunk anew, and as its own signature vouches for the
//! bytes towards the store, it verifies the client's first.
//!
//! **Invariant:** no byte of a chunk is let out before the chunk's signature has been verified.
//!
//! Signatures are compared as text: 64 digits in lower case, as every client writes them. So there
//! is no doubt which spelling of a signature the next one covers.

mod data;
mod error;
#[doc(hidden)]
pub mod naive;
#[cfg(test)]
mod tests;

pub use error::SealError;

use std::ops::Range;

use bytes::Bytes;
use subtle::ConstantTimeEq as _;

use super::sigv4::{Chain, Signature};
use crate::framing::{AwsChunked, ChunkedPlan, Span, TRAILER_SIGNATURE};
use data::Data;

/// Most bytes of a signed chunk's data. SDKs send 64 to 128 KiB and boto3 up to 1 MiB; a chunk is
/// in memory until its last byte has come, since only then its signature can be verified.
pub const SEALED_CHUNK_MAX: usize = 1024 * 1024;

/// Digits of a signature.
const DIGITS: usize = 64;

/// What goes out for a chunk that has been verified.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for a body, and it is the chain")]
pub enum Outgoing {
    /// The chunk as it came, with the digits of this chain in place of the client's. The length of
    /// the body stays as it is.
    Resigned(Chain),
    /// The chunk's data alone, for stores that take no signed chunks. A store that has got as many
    /// bytes as it was told has an object, and the last chunk and the trailers are not verified
    /// then: the end of the data must not go out before [`Sealed::finish`] has succeeded.
    Decoded,
}

/// The stage: push the body as it comes, then `finish` where it ends.
#[derive(Clone, Debug)]
pub struct Sealed {
    decoder: AwsChunked,
    chunks: Chunks,
    /// The first error; nothing is read behind it.
    failed: Option<SealError>,
}

/// All but the decoder, which reports to it.
#[derive(Clone, Debug)]
struct Chunks {
    verify: Chain,
    outgoing: Outgoing,
    chunk_max: usize,
    /// The framing since the last byte of data: the CRLF behind it, the next chunk's line, and
    /// behind the last of these the trailers. The grammar bounds it.
    framing: Vec<u8>,
    /// Of the chunk being read; no more than `chunk_max` bytes.
    data: Data,
}

impl Sealed {
    /// A stage at the start of a body whose chunks the client signed with `verify`. Whatever the
    /// plan says, each of them must be signed. `chunk_max` in bytes; usually [`SEALED_CHUNK_MAX`].
    pub fn new(plan: ChunkedPlan, verify: Chain, outgoing: Outgoing, chunk_max: usize) -> Self {
        let decoder = AwsChunked::new(ChunkedPlan { signed: true, ..plan });
        let (framing, data) = (Vec::new(), Data::default());
        let chunks = Chunks { verify, outgoing, chunk_max, framing, data };
        Sealed { decoder, chunks, failed: None }
    }

    /// Reads the next bytes of the body, and emits the chunks that end in them.
    ///
    /// How the body is cut into pushes changes neither result nor what is emitted in all. The line
    /// end behind a chunk's data goes out with what follows.
    ///
    /// # Errors
    /// What is wrong, as soon as the byte that proves it is seen; every later push and
    /// [`finish`](Self::finish) give the same error again.
    pub fn push(&mut self, input: Bytes, emit: &mut impl FnMut(Bytes)) -> Result<(), SealError> {
        self.failed.map_or(Ok(()), Err)?;
        let Sealed { decoder, chunks, failed } = self;
        let (mut at, mut sealed) = (0, Ok(()));
        let decoded = decoder.push(&input, &mut |span| {
            let run = at..at + span.len();
            at = run.end;
            if sealed.is_ok() {
                sealed = chunks.take(span, input.slice(run), emit);
            }
        });
        // What the spans told came before what stopped the decoder.
        let pushed = sealed.and(decoded.map_err(SealError::Framing));
        *failed = pushed.err();
        pushed
    }

    /// To be called once at the end of the body: verifies and emits what follows the last byte of
    /// data.
    ///
    /// # Errors
    /// The error that an earlier push gave, or what is wrong with the last chunk, which is empty,
    /// and the trailers.
    pub fn finish(&mut self, emit: &mut impl FnMut(Bytes)) -> Result<(), SealError> {
        self.failed.map_or(Ok(()), Err)?;
        let Sealed { decoder, chunks, failed } = self;
        let trailers = decoder.has_trailers().then(|| decoder.trailers());
        let finished = match decoder.finish() {
            Ok(()) => chunks.finish(trailers, emit),
            Err(error) => Err(error.into()),
        };
        *failed = finished.err();
        finished
    }

    /// The trailers in order, their signature among them. Verified only once
    /// [`finish`](Self::finish) has succeeded.
    pub fn trailers(&self) -> &[(String, String)] {
        self.decoder.trailers()
    }

    /// Payload bytes seen so far, whether or not they have been let out.
    pub fn payload_len(&self) -> u64 {
        self.decoder.payload_len()
    }

    /// Bytes that are held now, in wait for a signature.
    pub fn held(&self) -> usize {
        self.chunks.framing.len() + self.chunks.data.len()
    }
}

impl Chunks {
    fn take(
        &mut self,
        span: Span,
        run: Bytes,
        emit: &mut impl FnMut(Bytes),
    ) -> Result<(), SealError> {
        match span {
            Span::Framing(_) => self.framing.extend_from_slice(&run),
            Span::Payload { len, .. } if len > self.chunk_max - self.data.len() => {
                return Err(SealError::ChunkTooLarge);
            }
            Span::Payload { ends_chunk, .. } => {
                self.data.push(run);
                if ends_chunk {
                    self.end_chunk(emit)?;
                }
            }
        }
        Ok(())
    }

    /// Verifies a chunk whose data is complete: its line is the end of the framing.
    fn end_chunk(&mut self, emit: &mut impl FnMut(Bytes)) -> Result<(), SealError> {
        self.sign_chunk(self.framing.len())?;
        self.let_out(emit);
        Ok(())
    }

    /// Verifies the last chunk, whose line may be followed by an empty one, and the trailers.
    fn finish(
        &mut self,
        trailers: Option<&[(String, String)]>,
        emit: &mut impl FnMut(Bytes),
    ) -> Result<(), SealError> {
        self.sign_chunk(last_line_end(&self.framing))?;
        if let Some(trailers) = trailers {
            self.sign_trailers(trailers)?;
        }
        self.let_out(emit);
        Ok(())
    }

    /// Verifies the signature in the chunk line that ends at `line_end` of the framing, and signs
    /// the chunk anew.
    fn sign_chunk(&mut self, line_end: usize) -> Result<(), SealError> {
        let digest = self.data.digest();
        let ours = match &mut self.outgoing {
            Outgoing::Resigned(chain) => Some(chain.chunk(digest)),
            Outgoing::Decoded => None,
        };
        let end = line_end.saturating_sub(b"\r\n".len());
        let theirs = self.verify.chunk(digest);
        let sound = self.replace(end.saturating_sub(DIGITS)..end, theirs, ours);
        if sound { Ok(()) } else { Err(SealError::Chunk) }
    }

    /// The same for the trailers' signature, which is the last of the framing that is a hex digit.
    fn sign_trailers(&mut self, trailers: &[(String, String)]) -> Result<(), SealError> {
        let signed = match trailers.split_last() {
            Some(((name, _), signed)) if name.eq_ignore_ascii_case(TRAILER_SIGNATURE) => signed,
            Some(_) | None => return Err(SealError::TrailerUnsigned),
        };
        let line =
            |(name, value): &(String, String)| format!("{}:{value}\n", name.to_ascii_lowercase());
        let text: String = signed.iter().map(line).collect();
        let ours = match &mut self.outgoing {
            Outgoing::Resigned(chain) => Some(chain.trailer(text.as_bytes())),
            Outgoing::Decoded => None,
        };
        let end = self.framing.iter().rposition(u8::is_ascii_hexdigit).map_or(0, |last| last + 1);
        let theirs = self.verify.trailer(text.as_bytes());
        let sound = self.replace(end.saturating_sub(DIGITS)..end, theirs, ours);
        if sound { Ok(()) } else { Err(SealError::Trailer) }
    }

    /// Whether these digits of the framing are the signature `theirs`. If so, they become `ours`.
    fn replace(
        &mut self,
        digits: Range<usize>,
        theirs: Signature,
        ours: Option<Signature>,
    ) -> bool {
        let digits = &mut self.framing[digits];
        // In a time that does not tell how many of them are right.
        let sound = bool::from(digits.ct_eq(theirs.to_string().as_bytes()));
        if let (true, Some(ours)) = (sound, ours) {
            digits.copy_from_slice(ours.to_string().as_bytes());
        }
        sound
    }

    fn let_out(&mut self, emit: &mut impl FnMut(Bytes)) {
        let framing = std::mem::take(&mut self.framing);
        match self.outgoing {
            Outgoing::Resigned(_) => emit(framing.into()),
            Outgoing::Decoded => {}
        }
        self.data.take(emit);
    }
}

/// Where the line of the last chunk ends, in what follows the data of the chunk before it.
fn last_line_end(framing: &[u8]) -> usize {
    let start = if framing.starts_with(b"\r\n") { 2 } else { 0 };
    let cr = framing[start..].iter().position(|&b| b == b'\r');
    cr.map_or(framing.len(), |cr| start + cr + 2)
}
