//! The signatures within an aws-chunked body: each covers the one before it.

use super::key::{Signature, SigningKey, sha256};
use crate::digest::{Algorithm, Sha256};

/// The label under which chunks are signed.
const CHUNK: &str = "AWS4-HMAC-SHA256-PAYLOAD";
/// The label under which trailers are signed.
const TRAILER: &str = "AWS4-HMAC-SHA256-TRAILER";

/// Signatures of one body in the order of its chunks.
#[derive(Clone, Debug)]
pub struct Chain {
    key: SigningKey,
    previous: Signature,
}

impl Chain {
    pub(super) fn new(key: SigningKey, seed: Signature) -> Self {
        Chain { key, previous: seed }
    }

    /// The signature of the next chunk, by the digest of its data; the last chunk has none.
    pub fn chunk(&mut self, data: Sha256) -> Signature {
        // The digest of nothing stands where other services sign a chunk's headers.
        let nothing = Algorithm::Sha256.of_nothing();
        self.previous = self.key.seal(CHUNK, &[&self.previous, &nothing, &data]);
        self.previous
    }

    /// The signature of the trailers, which follow the last chunk.
    ///
    /// `trailers` are lines of `name:value` in their order on the wire, with names in lower case,
    /// nothing around the value, and each ended by a line feed.
    pub fn trailer(&mut self, trailers: &[u8]) -> Signature {
        self.previous = self.key.seal(TRAILER, &[&self.previous, &sha256(trailers)]);
        self.previous
    }
}
