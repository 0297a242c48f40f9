//! Browser forms with a policy, for a gate that signs anew: verified, and signed for the store.
//!
//! After the AWS documentation, "Browser-Based Uploads Using POST (AWS Signature Version 4)" with
//! its pages on the policy and on calculating the signature, and the older "Browser-Based Uploads
//! Using POST (AWS Signature Version 2)".
//!
//! A form is signed through its policy: JSON in base64 that says what its fields may be. All that
//! stands before the file's data, the *preamble*, is gathered ([`Preamble`]), checked against the
//! policy as S3 does it, and written anew with a policy of the same conditions under the gate's key
//! ([`FormHead`]), so that the store goes on enforcing them. [`SealedForm`] does all of this to a
//! stream of bytes.
//!
//! Fields behind the file pass as they came: S3 ignores them, and no policy covers them.
//!
//! **Invariant:** no byte of a form is let out before its signature and the conditions on its
//! fields have been verified.

mod check;
mod claims;
mod error;
mod head;
mod policy;
mod preamble;
mod stage;
#[cfg(test)]
mod tests;

pub use claims::FormClaims;
pub use error::PolicyError;
pub use head::{FormHead, FormTerms};
pub use policy::Policy;
pub use preamble::{PREAMBLE_MAX, Preamble};
pub use stage::{FormKeys, SealedForm};

/// The fields by which a form is signed, in either version. Stores compare their names without
/// regard to case.
const POLICY: &str = "policy";
const ALGORITHM: &str = "x-amz-algorithm";
const CREDENTIAL: &str = "x-amz-credential";
const DATE: &str = "x-amz-date";
const SIGNATURE: &str = "x-amz-signature";
const TOKEN: &str = "x-amz-security-token";
const V2_KEY: &str = "AWSAccessKeyId";
const V2_SIGNATURE: &str = "signature";

/// Whether a field, or a condition on one, is about who signed.
fn is_about_signer(name: &str) -> bool {
    [POLICY, ALGORITHM, CREDENTIAL, DATE, SIGNATURE, TOKEN, V2_KEY, V2_SIGNATURE]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}
