//! Who a request is from, proven: for a gate that knows its clients' secrets and signs anew for the
//! store.
//!
//! [`Claims`] are what a head says about its signer, read strictly; [`Claims::verify`] makes a
//! [`Proof`] of them, and only what is proven can be [signed anew](super::resign). Both of SigV4's and
//! SigV2's places are read: the Authorization header and the query. What AWS answers where a check
//! fails is in [`AuthError`].
//!
//! After the AWS documentation, "Authenticating Requests (AWS Signature Version 4)" and "Signing and
//! Authenticating REST Requests (AWS Signature Version 2)".

mod claims;
mod credential;
mod date;
mod error;
mod fuzzed;
mod key_ring;
mod malformed;
mod payload;
mod query;
mod secret;
#[cfg(test)]
mod tests;
mod v2;
mod v4;

pub use claims::{Claims, Proof};
pub use error::{AuthError, Mismatch};
pub use fuzzed::check as check_claims;
pub use key_ring::KeyRing;
pub use malformed::{Fault, Malformed, Place};
pub use payload::Payload;
pub use secret::{Credentials, Secret};

pub(super) use credential::Credential;
pub(super) use query::{is_v2_key, is_v4_key};

/// How far a clock may be off, in seconds, by AWS.
pub const MAX_SKEW_S: u64 = 15 * 60;
