//! The harness: a raw client, a recording raw store, and the gate as a process between them.

pub mod client;
pub mod gate;
pub mod http;
pub mod keeper;
pub mod paper;
pub mod program;
pub mod request;
pub mod sample;
pub mod script;
pub mod setup;
pub mod signer;
pub mod store;
pub mod wire;

use std::time::{Duration, Instant};

pub use client::{Answer, Client};
pub use gate::Gate;
pub use keeper::Keeper;
pub use paper::Paper;
pub use request::{Framing, Request};
pub use script::{Latch, Script, Step};
pub use setup::{List, Setup};
pub use store::{End, Seen, Store};
pub use wire::Ending;

/// How long anything may take before a test gives up. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until `found` has something.
#[track_caller]
pub fn until<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, found)
}

/// As [`until`], with a patience of its own.
#[track_caller]
pub fn until_within<T>(patience: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
