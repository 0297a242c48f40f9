//! s3bouncer: a gate in front of S3-compatible object storage.

pub mod digest;
pub mod policy;
