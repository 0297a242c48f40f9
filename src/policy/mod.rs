//! From evidence to a verdict: modes, reasons, rules.
//!
//! Pure: no I/O, no clock, no logging.

mod court;
mod mode;
mod near;
mod reason;
mod rules;
mod surface;
#[cfg(test)]
mod tests;
mod verdict;

pub use mode::{Mode, Polarity};
pub use near::{NearRule, Resemblance};
pub use reason::Unjudged;
pub use rules::{
    Archives, BucketRule, Copies, Door, Exceptions, ListRule, OnFault, OnUnjudged, Rulebook,
    Surface,
};
pub use verdict::{Basis, CommitToken, Match, Outcome, Verdict, judge};
