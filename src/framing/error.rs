//! What can be wrong with a framed body.

/// Why a framed body is refused; one variant per fault of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FramingError {
    /// A chunk's size is not 1 to 16 hex digits.
    #[error("a chunk size is not 1 to 16 hex digits")]
    ChunkSize,
    /// Another chunk extension than `chunk-signature`.
    #[error("a chunk has an unknown extension")]
    Extension,
    /// A chunk signature is not 64 hex digits.
    #[error("a chunk signature is not 64 hex digits")]
    Signature,
    /// A chunk of a signed body carries no signature.
    #[error("a chunk has no signature")]
    SignatureMissing,
    /// A CR without its LF, or something else where CRLF has to stand.
    #[error("CRLF is missing")]
    LineEnd,
    /// A trailer is not `name:value`, or follows the trailer signature.
    #[error("a trailer is malformed")]
    Trailer,
    /// The trailers are larger or more than the bounds.
    #[error("the trailers are too large")]
    TrailersTooLarge,
    /// Bytes after the end of the framing.
    #[error("there are bytes after the last chunk")]
    AfterEnd,
    /// More payload than was declared, or than a u64 counts.
    #[error("the payload is longer than declared")]
    TooLong,
    /// The body ended before its framing did, or with less payload than was declared.
    #[error("the body ended too early")]
    TooShort,
}

impl FramingError {
    /// Every variant, in order.
    pub const ALL: [FramingError; 10] = [
        FramingError::ChunkSize,
        FramingError::Extension,
        FramingError::Signature,
        FramingError::SignatureMissing,
        FramingError::LineEnd,
        FramingError::Trailer,
        FramingError::TrailersTooLarge,
        FramingError::AfterEnd,
        FramingError::TooLong,
        FramingError::TooShort,
    ];

    /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
    pub const fn label(self) -> &'static str {
        match self {
            FramingError::ChunkSize => "chunk_size",
            FramingError::Extension => "chunk_extension",
            FramingError::Signature => "chunk_signature",
            FramingError::SignatureMissing => "chunk_signature_missing",
            FramingError::LineEnd => "chunk_line_end",
            FramingError::Trailer => "trailer",
            FramingError::TrailersTooLarge => "trailers_too_large",
            FramingError::AfterEnd => "bytes_after_end",
            FramingError::TooLong => "payload_too_long",
            FramingError::TooShort => "payload_too_short",
        }
    }
}
