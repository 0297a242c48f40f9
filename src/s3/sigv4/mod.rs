//! AWS Signature Version 4, as S3 has it: what is signed, and the signatures of heads, query strings,
//! chunks and trailers.
//!
//! After the AWS documentation, "Authenticating Requests (AWS Signature Version 4)" with its pages
//! on the Authorization header, on query parameters, on chunked uploads and on trailing headers.
//! S3 differs from other AWS services in that the path is percent-encoded once and never
//! normalised: `//`, `.` and `..` are parts of a key.
//!
//! Nothing here asks a clock or knows a secret for longer than it takes to derive a [`SigningKey`].

mod canonical;
mod chain;
mod key;
mod seed;
mod signer;
#[cfg(test)]
mod tests;

pub(super) use canonical::canonical_path;
pub use canonical::{PathForm, canonical_request};
pub use chain::Chain;
pub use key::{Scope, Signature, SigningKey, Stamp, sha256};
pub use seed::Seed;
pub use signer::{Authorization, MAX_EXPIRES_S, Presigned, Signer};

/// The algorithm, as heads, queries and strings to sign name it.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The payload token where the payload is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
