//! Digests of an upload: typed values, and one pass over the bytes that computes several of them.
//!
//! Pure: no I/O, no clock. Everything above works with [`Digests`], never with loose byte arrays.

mod value;

pub use value::{Algorithm, AlgorithmSet, Digest, Digests, Md5, ParseDigestError, Sha1, Sha256};
