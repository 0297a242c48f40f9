//! How much spool there is.
//!
//! Exact for what this process writes and removes; of what others do a scan tells, now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of spool, and the bound on them.
#[derive(Debug)]
pub(super) struct Usage {
    max: u64,
    bytes: Mutex<Bytes>,
}

#[derive(Debug, Default)]
struct Bytes {
    /// In whole spools.
    kept: u64,
    /// Claimed by spools that are being written.
    claimed: u64,
    /// Kept since the scan began that is going on: it may have missed them.
    kept_since: u64,
}

/// Room for a spool that is being written, given back when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    usage: Arc<Usage>,
    bytes: u64,
}

impl Usage {
    pub(super) fn new(max: u64) -> Arc<Self> {
        Arc::new(Usage { max, bytes: Mutex::default() })
    }

    /// Room for so many bytes, if there is any.
    pub(super) fn claim(self: &Arc<Self>, bytes: u64) -> Option<Claim> {
        let mut now = self.lock();
        let sum = now.kept.checked_add(now.claimed)?.checked_add(bytes)?;
        if sum > self.max {
            return None;
        }
        now.claimed += bytes;
        Some(Claim { usage: self.clone(), bytes })
    }

    /// Whole spools were removed.
    pub(super) fn removed(&self, bytes: u64) {
        let mut now = self.lock();
        now.kept = now.kept.saturating_sub(bytes);
    }

    pub(super) fn scan_begins(&self) {
        self.lock().kept_since = 0;
    }

    /// A scan has found so many bytes. What was kept or removed meanwhile may have been counted or
    /// not: it counts, until the next scan.
    pub(super) fn scanned(&self, found: u64) {
        let mut now = self.lock();
        now.kept = found.saturating_add(now.kept_since);
    }

    /// Bytes in use, those being written included.
    pub(super) fn used(&self) -> u64 {
        let now = self.lock();
        now.kept.saturating_add(now.claimed)
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    fn lock(&self) -> MutexGuard<'_, Bytes> {
        // Nothing under the lock panics half-way.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The spool is whole: its room is taken until it is removed.
    pub(super) fn keep(mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut now = self.usage.lock();
        now.claimed -= bytes;
        now.kept = now.kept.saturating_add(bytes);
        now.kept_since = now.kept_since.saturating_add(bytes);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.usage.lock().claimed -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_exact_at_its_bound() {
        let usage = Usage::new(10);
        let kept = usage.claim(4).unwrap();
        let dropped = usage.claim(6).unwrap();
        assert!(usage.claim(1).is_none() && usage.claim(u64::MAX).is_none());
        kept.keep();
        drop(dropped);
        assert_eq!(usage.used(), 4);
        usage.removed(5);
        assert_eq!(usage.used(), 0);
        assert!(usage.claim(11).is_none() && usage.claim(10).is_some());
    }

    #[test]
    fn a_scan_never_makes_room_that_is_not_there() {
        let usage = Usage::new(100);
        usage.claim(7).unwrap().keep();
        usage.scan_begins();
        usage.claim(20).unwrap().keep();
        let writing = usage.claim(5).unwrap();
        usage.scanned(30);
        assert_eq!(usage.used(), 30 + 20 + 5);
        usage.scan_begins();
        usage.scanned(30);
        drop(writing);
        assert_eq!(usage.used(), 30);
    }
}
