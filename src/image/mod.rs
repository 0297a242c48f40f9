//! What an image is: its format by magic bytes, its size and frames, its perceptual hash.
//!
//! Pure: bytes in, facts out. The gate itself only sniffs; [`facts`] decodes, and is for the
//! command line until decoding has processes of its own.

mod facts;
mod frames;
pub mod pdq;
mod sniff;

pub use facts::{ALLOC_MAX_BYTES, ImageError, ImageFacts, PIXELS_MAX, facts};
pub use pdq::{Convention, Fingerprint, ParsePdqError, Pdq};
pub use sniff::{Format, SNIFF_MAX_BYTES, sniff};
