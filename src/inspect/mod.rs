//! Looking at a body while it passes: a decoded view for the digests, and the arithmetic of what may
//! already go out.
//!
//! Pure: fed by the relay, it neither reads nor writes anything.

mod evidence;
mod holdback;
mod inspector;

pub use evidence::{Evidence, Gap, Origin, Sighting};
pub use holdback::HoldBack;
pub use inspector::{Inspector, SNIFF_BYTES};
