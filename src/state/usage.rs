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
    scan: Scan,
}

/// The scan that is going on, which takes as long as there are uploads: spools come and go meanwhile.
/// Of those in the shard that it is reading nobody knows whether it counts them, so that they count.
#[derive(Debug, Default)]
struct Scan {
    number: u64,
    /// The shard that it is reading, once it has begun; it has read those before.
    reading: Option<u8>,
    /// Kept in that shard or one before: it may have missed them.
    missed: u64,
    /// Removed from shards that it had read: it has counted them.
    gone: u64,
}

/// Which scan had counted what is about to be removed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted(Option<u64>);

/// Room for a spool that is being written, given back when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    usage: Arc<Usage>,
    shard: u8,
    bytes: u64,
}

impl Usage {
    pub(super) fn new(max: u64) -> Arc<Self> {
        Arc::new(Usage { max, bytes: Mutex::default() })
    }

    /// Room for so many bytes of an upload in this shard, if there is any.
    pub(super) fn claim(self: &Arc<Self>, shard: u8, bytes: u64) -> Option<Claim> {
        let mut now = self.lock();
        let sum = now.kept.checked_add(now.claimed)?.checked_add(bytes)?;
        if sum > self.max {
            return None;
        }
        now.claimed += bytes;
        Some(Claim { usage: self.clone(), shard, bytes })
    }

    /// Whole spools of an upload in this shard are about to be removed.
    pub(super) fn removing(&self, shard: u8) -> Counted {
        let scan = &self.lock().scan;
        Counted(scan.reading.filter(|reading| shard < *reading).map(|_| scan.number))
    }

    /// They were removed, and had so many bytes.
    pub(super) fn removed(&self, counted: Counted, bytes: u64) {
        let mut now = self.lock();
        now.kept = now.kept.saturating_sub(bytes);
        if counted.0 == Some(now.scan.number) {
            now.scan.gone = now.scan.gone.saturating_add(bytes);
        }
    }

    pub(super) fn scan_begins(&self) {
        let mut now = self.lock();
        now.scan = Scan { number: now.scan.number + 1, ..Scan::default() };
    }

    /// The scan reads this shard, and has read those before.
    pub(super) fn scanning(&self, shard: u8) {
        self.lock().scan.reading = Some(shard);
    }

    /// The scan has found so many bytes.
    pub(super) fn scanned(&self, found: u64) {
        let mut now = self.lock();
        now.kept = found.saturating_add(now.scan.missed).saturating_sub(now.scan.gone);
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
        if now.scan.reading.is_some_and(|reading| self.shard <= reading) {
            now.scan.missed = now.scan.missed.saturating_add(bytes);
        }
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

    fn remove(usage: &Usage, shard: u8, bytes: u64) {
        usage.removed(usage.removing(shard), bytes);
    }

    #[test]
    fn room_is_exact_at_its_bound() {
        let usage = Usage::new(10);
        let kept = usage.claim(0, 4).unwrap();
        let dropped = usage.claim(0, 6).unwrap();
        assert!(usage.claim(0, 1).is_none() && usage.claim(0, u64::MAX).is_none());
        kept.keep();
        drop(dropped);
        assert_eq!(usage.used(), 4);
        remove(&usage, 0, 5);
        assert_eq!(usage.used(), 0);
        assert!(usage.claim(0, 11).is_none() && usage.claim(0, 10).is_some());
    }

    #[test]
    fn what_comes_and_goes_during_a_scan_counts_once() {
        let usage = Usage::new(1000);
        usage.claim(1, 7).unwrap().keep();
        usage.claim(9, 30).unwrap().keep();
        usage.scan_begins();
        usage.scanning(5);
        usage.claim(1, 200).unwrap().keep(); // missed
        usage.claim(9, 100).unwrap().keep(); // will be seen
        let writing = usage.claim(9, 400).unwrap();
        remove(&usage, 1, 7); // was seen
        remove(&usage, 9, 30); // won't be
        usage.scanning(255);
        // It saw 7 in shard 1, and 100 in shard 9.
        usage.scanned(107);
        assert_eq!(usage.used(), 300 + 400);
        drop(writing);
        assert_eq!(usage.used(), 300);
    }

    #[test]
    fn a_scan_never_makes_room_that_is_not_there() {
        let usage = Usage::new(1000);
        usage.claim(5, 7).unwrap().keep();
        usage.scan_begins();
        let before = usage.removing(5);
        usage.scanning(5);
        usage.claim(5, 20).unwrap().keep();
        let during = usage.removing(5);
        usage.scanning(6);
        // Both have gone before the shard was read.
        usage.removed(before, 3);
        usage.removed(during, 4);
        usage.scanning(255);
        usage.scanned(20);
        assert_eq!(usage.used(), 20 + 20, "until the next scan");
        // One that an earlier scan had counted.
        let earlier = usage.removing(5);
        usage.scan_begins();
        usage.scanning(255);
        usage.removed(earlier, 20);
        usage.scanned(20);
        assert_eq!(usage.used(), 20);
    }
}
