//! What an image is, and which hashes it has: bytes in, facts out.
//!
//! [`sniff`] tells the format by the first bytes, [`header()`] the size and all else that can be known
//! without decoding, [`look()`] decodes within [`Limits`] and hashes. No files, no clock, no threads
//! of its own. Decoders are other people's code on hostile bytes: the gate itself runs no more than
//! `sniff`, and looks in processes that may die.

mod decode;
mod fault;
mod header;
#[doc(hidden)]
pub mod hostile;
mod kinds;
mod look;
mod orientation;
pub mod pdq;
mod reduced;
mod sniff;
mod variant;

pub use decode::Background;
pub use fault::{ImageFault, Limits};
pub use header::{Header, header};
pub use kinds::{PerceptualAlgorithm, PerceptualKind};
pub use look::{Look, Looks, PerceptualLook, Source, Wanted, look};
pub use orientation::Orientation;
pub use pdq::{Convention, Fingerprint, ORIENTATIONS, ParsePdqError, Pdq};
pub use sniff::{Format, SNIFF_MAX_BYTES, sniff};
pub use variant::Variant;
