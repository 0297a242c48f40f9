//! Why a coding could not be undone to its end.

/// What stopped a decoder; what it gave before that is what viewers show of such a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CodingError {
    /// The input is not of this coding, or damaged.
    #[error("the coded bytes are malformed")]
    Malformed,
    /// The input ended before the coding did.
    #[error("the coded bytes end too early")]
    Truncated,
    /// More output than the limit.
    #[error("the decoded bytes are more than the limit")]
    TooLong,
    /// More output for the input than the limit.
    #[error("the coded bytes expand by more than the limit")]
    Ratio,
    /// Decoding would take more memory than the limit.
    #[error("decoding takes more memory than the limit")]
    Memory,
    /// The input needs a dictionary that it does not carry, or a version that nobody decodes.
    #[error("the coded bytes use a feature that is not supported")]
    Unsupported,
    /// A content coding that is not known.
    #[error("the content coding is unknown")]
    Unknown,
    /// More codings upon one another than the limit.
    #[error("there are too many content codings")]
    TooManyLayers,
}

impl CodingError {
    /// Every variant, in order.
    pub const ALL: [CodingError; 8] = [
        CodingError::Malformed,
        CodingError::Truncated,
        CodingError::TooLong,
        CodingError::Ratio,
        CodingError::Memory,
        CodingError::Unsupported,
        CodingError::Unknown,
        CodingError::TooManyLayers,
    ];
}
