//! Looking at a body while it passes: a decoded view for the digests, and the arithmetic of what may
//! already go out.
//!
//! Pure: fed by the relay, it neither reads nor writes anything.

mod evidence;
mod holdback;
mod inspector;
mod kept;
mod picture;
mod sight;
mod within;

pub use evidence::{BodyError, Evidence, Gap, Origin, Sighting};
pub use holdback::HoldBack;
pub use inspector::Inspector;
pub use kept::Kept;
pub use picture::{Attitude, Pictured};
pub use sight::{Codings, SNIFF_BYTES, Scope};
pub use within::{Picture, Within, look_within, pictures_within};
