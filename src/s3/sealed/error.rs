//! What can be wrong with a signed body.

use crate::framing::FramingError;

/// Why a signed body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SealError {
    /// Its framing is malformed, cut short, or holds another length than declared.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A chunk has more data than is held in wait for its signature.
    #[error("a signed chunk is too large")]
    ChunkTooLarge,
    /// A chunk's signature is not that of the chunk.
    #[error("a chunk does not have the signature that it claims")]
    Chunk,
    /// The trailers' signature is not theirs.
    #[error("the trailers do not have the signature that they claim")]
    Trailer,
    /// There are trailers to be signed, and no signature is the last of them.
    #[error("the trailers are not signed")]
    TrailerUnsigned,
}

impl SealError {
    /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
    pub const fn label(self) -> &'static str {
        match self {
            SealError::Framing(error) => error.label(),
            SealError::ChunkTooLarge => "signed_chunk_too_large",
            SealError::Chunk => "chunk_signature_wrong",
            SealError::Trailer => "trailer_signature_wrong",
            SealError::TrailerUnsigned => "trailer_signature_missing",
        }
    }
}
