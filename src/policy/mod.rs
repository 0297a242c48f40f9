//! From evidence to a verdict: modes, reasons, rules.
//!
//! Pure: no I/O, no clock, no logging.

mod mode;
mod reason;
mod rules;
mod surface;
#[cfg(test)]
mod tests;
mod verdict;

pub use mode::{Mode, Polarity};
pub use reason::Unjudged;
pub use rules::{
    Archives, BucketRule, Copies, Door, Exceptions, ListRule, OnFault, OnUnjudged, Rulebook,
    Surface,
};
pub use verdict::{CommitToken, Match, Outcome, Verdict, judge};
