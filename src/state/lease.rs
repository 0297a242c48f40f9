//! Who may send parts of an upload while it is being completed: nobody.
//!
//! A part that reaches the store between the verdict on the list of parts and the store's own look
//! at it could be other bytes under an ETag that was judged. So a Complete takes the upload for
//! itself, waits until no part of it is under way, and only then looks at the records.
//!
//! Per process. Two gates may complete one upload at once: each judges the list that it passes on,
//! and the store makes the object of one of these lists, so that neither can lend the other its
//! verdict. A part that comes through another gate behind the verdict has another ETag than the one
//! that was judged, and the store refuses the list. What gets past that, in that very moment, are
//! colliding bytes under one ETag, and any part where the store compares no ETags. A balancer that
//! keeps an upload at one gate closes both.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::upload::UploadKey;

/// Uploads with requests under way. No larger than there are connections.
#[derive(Debug, Default)]
pub struct Leases {
    table: Mutex<HashMap<UploadKey, Lease>>,
}

/// Invariant: there is none with neither parts nor a Complete.
#[derive(Debug, Default)]
struct Lease {
    parts: usize,
    completing: bool,
    /// Of the Complete that waits for the parts.
    waiting: Option<Waker>,
}

/// A part under way. Until it is dropped no Complete of its upload goes on.
#[derive(Debug)]
pub struct PartLease {
    leases: Arc<Leases>,
    upload: UploadKey,
}

/// A Complete under way. Until it is dropped no part of its upload begins.
#[derive(Debug)]
pub struct CompleteLease {
    leases: Arc<Leases>,
    upload: UploadKey,
}

impl Leases {
    /// No request is under way.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A place for a part, unless its upload is being completed.
    pub fn try_begin_part(self: &Arc<Self>, upload: UploadKey) -> Option<PartLease> {
        let mut table = self.lock();
        let lease = table.entry(upload).or_default();
        if lease.completing {
            return None;
        }
        lease.parts += 1;
        Some(PartLease { leases: self.clone(), upload })
    }

    /// The upload for a Complete, unless there is one already. From here on no part begins; those
    /// that are under way have to be waited for: [`CompleteLease::quiet`].
    pub fn begin_complete(self: &Arc<Self>, upload: UploadKey) -> Option<CompleteLease> {
        let mut table = self.lock();
        let lease = table.entry(upload).or_default();
        if lease.completing {
            return None;
        }
        lease.completing = true;
        Some(CompleteLease { leases: self.clone(), upload })
    }

    /// Uploads with requests under way.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no request is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadKey, Lease>> {
        // Nothing under the lock panics half-way.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a lease, and forgets it when it holds nobody. Gives the one to wake, outside the lock.
    fn change(&self, upload: &UploadKey, change: impl FnOnce(&mut Lease)) -> Option<Waker> {
        let mut table = self.lock();
        let lease = table.get_mut(upload)?;
        change(lease);
        let waker = if lease.parts == 0 { lease.waiting.take() } else { None };
        if lease.parts == 0 && !lease.completing {
            table.remove(upload);
        }
        waker
    }
}

impl CompleteLease {
    /// Parts of the upload that are still under way.
    pub fn parts_under_way(&self) -> usize {
        self.leases.lock().get(&self.upload).map_or(0, |lease| lease.parts)
    }

    /// Ready once no part is under way. Whoever waits bounds it; dropping the lease lets parts begin
    /// again.
    pub async fn quiet(&mut self) {
        poll_fn(|context| self.poll_quiet(context)).await;
    }

    /// [`CompleteLease::quiet`], polled.
    pub fn poll_quiet(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut table = self.leases.lock();
        match table.get_mut(&self.upload) {
            Some(lease) if lease.parts > 0 => {
                lease.waiting = Some(context.waker().clone());
                Poll::Pending
            }
            Some(_) | None => Poll::Ready(()),
        }
    }
}

impl Drop for PartLease {
    fn drop(&mut self) {
        if let Some(waker) = self.leases.change(&self.upload, |lease| lease.parts -= 1) {
            waker.wake();
        }
    }
}

impl Drop for CompleteLease {
    fn drop(&mut self) {
        drop(self.leases.change(&self.upload, |lease| {
            lease.completing = false;
            lease.waiting = None;
        }));
    }
}

#[cfg(test)]
mod tests;
