//! What is known about a body once it has been seen whole.

use crate::digest::Digests;
use crate::image::Format;

/// Facts that we established ourselves: nothing that a client declared gets in here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The digests that the loaded lists need.
    pub digests: Digests,
    /// Decoded payload in bytes.
    pub payload: u64,
    /// The image format that the first bytes show, if any.
    pub format: Option<Format>,
}
