//! A clock for what need not be exact.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The time since some moment before the process began, in steps of some milliseconds: read in a fifth
/// of the time that the exact clock takes, which a small upload would notice.
pub fn coarse_now() -> Duration {
    // Every Linux has had it since 2.6.32. By way of libc: rustix reads the kernel's page by itself, and
    // a gate that did that on each request could not be profiled with valgrind.
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map(Duration::from).unwrap_or_default()
}

/// How long ago a moment of this clock was.
pub fn coarse_elapsed(since: Duration) -> Duration {
    coarse_now().saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on() {
        let before = coarse_now();
        std::thread::sleep(Duration::from_millis(50));
        let passed = coarse_elapsed(before);
        assert!(passed >= Duration::from_millis(30), "{passed:?}");
    }
}
