//! The workers together: who waits for one, who has one, and what comes of it.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Terms;
use super::keeper::{Death, Keeper, Launch};
use super::meters::{Ending, Meters};
use super::process::{Done, Worker};
use super::wire::Job;
use crate::image::{ImageFault, Looks, SNIFF_MAX_BYTES, Wanted, sniff};

/// No worker was free in time, or none can be started: a shortage of the gate, not of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no worker is free to decode an image")]
pub struct Busy;

/// Worker processes. Cheap to clone; with the last clone all workers end.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    keeper: Keeper,
    /// As many as there may be workers with a job.
    slots: Semaphore,
    idle: Mutex<Vec<Worker>>,
    waiting: AtomicUsize,
    numbers: AtomicU64,
    meters: Meters,
}

impl Pool {
    /// A pool of at most so many workers. Each is started when it is first needed.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn new(launch: Launch, workers: NonZeroUsize, meters: Meters) -> io::Result<Pool> {
        meters.workers.set(i64::try_from(workers.get()).unwrap_or(i64::MAX));
        Ok(Pool(Arc::new(Inner {
            keeper: Keeper::begin(launch)?,
            slots: Semaphore::new(workers.get()),
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
            numbers: AtomicU64::new(0),
            meters,
        })))
    }

    /// Looks at an image, which lies in pieces, as [`image::look`](crate::image::look()) does, in a
    /// worker. A future that is dropped takes its worker with it.
    ///
    /// What comes back as `ImageFault` is the image's own: `Time` and `Memory` if the worker had to be
    /// killed for that, `Decoder` if it crashed, or answered what no worker answers.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn look(
        &self,
        image: &[Bytes],
        terms: &Terms,
        wanted: &Wanted,
    ) -> Result<Result<Looks, ImageFault>, Busy> {
        let _slot = self.slot(terms).await.inspect_err(|_| {
            self.0.meters.busy.inc();
        })?;
        let mut worker = self.worker().await?;
        let _use = InUse::of(&self.0.meters);
        let bytes = image.iter().map(|piece| piece.len() as u64).sum();
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let job = Job::new(number, bytes, terms, wanted);
        let format = sniff(&head(image));
        let running = worker.run(&job, format, image);
        let ending = match tokio::time::timeout(terms.time, running).await {
            Ok(Done::Told(found)) => {
                self.put_back(worker);
                return Ok(found);
            }
            Ok(Done::Died) => match worker.bury().await {
                Death::Memory => Ending::Memory,
                Death::Time => Ending::Time,
                Death::Other => Ending::Crash,
            },
            Ok(Done::Nonsense) => Ending::Nonsense,
            Err(_) => Ending::Time,
        };
        self.0.meters.count_killed(ending);
        tracing::warn!(reason = ending.name(), bytes, ?format, "a worker was ended over an image");
        Ok(Err(match ending {
            Ending::Time => ImageFault::Time,
            Ending::Memory => ImageFault::Memory,
            Ending::Crash | Ending::Nonsense => ImageFault::Decoder,
        }))
    }

    /// A place among those that have a worker.
    async fn slot(&self, terms: &Terms) -> Result<SemaphorePermit<'_>, Busy> {
        let slots = &self.0.slots;
        if let Ok(slot) = slots.try_acquire() {
            return Ok(slot);
        }
        let _place = Place::take(&self.0.waiting, terms.queue).ok_or(Busy)?;
        self.0.meters.waited.inc();
        match tokio::time::timeout(terms.wait, slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// A worker that can take a job: one that waits for it, or a new one.
    async fn worker(&self) -> Result<Worker, Busy> {
        while let Some(mut worker) = self.idle().pop() {
            if worker.is_fit() {
                return Ok(worker);
            }
        }
        Worker::start(&self.0.keeper).await.map_err(|error| {
            tracing::error!(%error, "a worker can't be started");
            Busy
        })
    }

    fn put_back(&self, worker: Worker) {
        self.idle().push(worker);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first bytes of an image in pieces, as many as tell its format.
fn head(image: &[Bytes]) -> Vec<u8> {
    image.iter().flat_map(|piece| piece.iter().copied()).take(SNIFF_MAX_BYTES).collect()
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let one_more = |now: usize| (now < most).then_some(now + 1);
        let taken = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Place(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker that has an image, in the figures.
struct InUse<'a> {
    meters: &'a Meters,
    begun: Instant,
}

impl<'a> InUse<'a> {
    fn of(meters: &'a Meters) -> Self {
        meters.jobs.inc();
        meters.in_use.inc();
        InUse { meters, begun: Instant::now() }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.meters.in_use.dec();
        self.meters.seconds.observe(self.begun.elapsed().as_secs_f64());
    }
}
