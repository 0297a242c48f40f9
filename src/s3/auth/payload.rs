//! What a signature says about the body.

use std::borrow::Cow;

use super::super::sigv4::UNSIGNED_PAYLOAD;
use super::error::AuthError;
use crate::digest::Sha256;

const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_CHUNKS_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
/// What SigV4A's tokens start with.
const V4A_CHUNKS: &str = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";

/// What is signed of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Its digest, which the body must turn out to have.
    Sha256(Sha256),
    /// Nothing.
    Unsigned,
    /// Nothing; it is in aws-chunked framing with trailers.
    UnsignedTrailer,
    /// Each chunk, in a chain that starts at the head's signature.
    SignedChunks {
        /// Whether signed trailers follow the chunks.
        trailer: bool,
    },
}

impl Payload {
    /// Reads the value of `x-amz-content-sha256`.
    ///
    /// # Errors
    /// It is none of S3's, or SigV4A's.
    pub(super) fn parse(token: &str) -> Result<Self, AuthError> {
        match token {
            UNSIGNED_PAYLOAD => Ok(Payload::Unsigned),
            UNSIGNED_TRAILER => Ok(Payload::UnsignedTrailer),
            SIGNED_CHUNKS => Ok(Payload::SignedChunks { trailer: false }),
            SIGNED_CHUNKS_TRAILER => Ok(Payload::SignedChunks { trailer: true }),
            _ if token.starts_with(V4A_CHUNKS) => Err(AuthError::V4a),
            _ => token.parse().map(Payload::Sha256).map_err(|_| AuthError::PayloadToken),
        }
    }

    /// The value of `x-amz-content-sha256`.
    pub fn token(&self) -> Cow<'static, str> {
        match self {
            Payload::Sha256(digest) => digest.to_string().into(),
            Payload::Unsigned => UNSIGNED_PAYLOAD.into(),
            Payload::UnsignedTrailer => UNSIGNED_TRAILER.into(),
            Payload::SignedChunks { trailer: false } => SIGNED_CHUNKS.into(),
            Payload::SignedChunks { trailer: true } => SIGNED_CHUNKS_TRAILER.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_written() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for token in
            [digest, UNSIGNED_PAYLOAD, UNSIGNED_TRAILER, SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER]
        {
            assert_eq!(Payload::parse(token).unwrap().token(), token);
        }
        let upper = Payload::parse(&digest.to_uppercase()).unwrap();
        assert_eq!(upper.token(), digest);
        for (token, error) in [
            ("", AuthError::PayloadToken),
            ("unsigned-payload", AuthError::PayloadToken),
            (&digest[1..], AuthError::PayloadToken),
            ("STREAMING-", AuthError::PayloadToken),
            ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", AuthError::V4a),
            ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", AuthError::V4a),
        ] {
            assert_eq!(Payload::parse(token), Err(error), "{token}");
        }
    }
}
