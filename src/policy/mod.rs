//! From evidence to a verdict: modes, reasons, rules.
//!
//! Pure: no I/O, no clock, no logging.

mod mode;
mod reason;

pub use mode::{Mode, Polarity};
pub use reason::Unjudged;
