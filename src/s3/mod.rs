//! What a request's head says: operation, object, body plan, signer, declared digests; which parts
//! make an object; how S3 says no; who signed, proven, and the same request signed anew.
//!
//! Classification serves policy and bookkeeping only. It never decides whether a body is looked at:
//! stores route odd requests differently, so that every PUT and POST body is inspected, whatever
//! is said here. What two stores could read differently is refused on writes, and passes on reads.

mod addressing;
pub mod auth;
mod body;
mod classify;
mod coding;
mod complete;
mod copy;
mod declared;
mod error;
mod headers;
mod hygiene;
mod marker;
mod operation;
pub mod policy_form;
mod query;
mod refusal;
pub mod resign;
pub mod sealed;
mod signature;
pub mod sigv2;
pub mod sigv4;
mod surface;
#[cfg(test)]
mod tests;
mod xml;

pub use body::BodyPlan;
pub use classify::{Head, Request, classify, unclear};
pub use coding::{Coding, codings};
pub use complete::{
    CompleteError, Completion, ETag, MAX_ANSWER, MAX_COMPLETE_BODY, MAX_ETAG, MAX_PART_NUMBER,
    completed_parts, completion, initiated_upload_id,
};
pub use copy::{CopyRange, CopySource};
pub use declared::{Declared, base64, parse_base64};
pub use error::{ErrorCode, error_xml};
pub use marker::is_encryption_marker;
pub use operation::{BodyShape, Operation};
pub use query::MAX_AMZ_KEYS;
pub use refusal::Refusal;
pub use signature::{MAX_ACCESS_KEY, SignatureKind};
pub use surface::{Surface, SurfaceError};
