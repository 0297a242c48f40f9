//! The few operations that the state needs, on either backend, each with an end.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::directory::{Directory, Staged};
use super::error::StateError;
use super::objects::Objects;

/// Operations on a directory at once. A disk that hangs holds so many threads and no more; the
/// process has others to do.
const DISK_OPERATIONS_MAX: usize = 64;

/// The slowest that spooled bytes may go before the backend counts as down, in bytes a second.
const BULK_RATE_MIN: u64 = 1 << 20;

/// Names in a folder.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    /// Whether there are more than were asked for.
    pub(super) more: bool,
}

/// An object below a folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the folder.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

/// Where objects are put, whole or not at all.
///
/// Keys are ours alone: `/` and what is unreserved in URLs.
#[derive(Debug)]
pub(super) struct Backend {
    place: Placed,
    patience: Duration,
}

#[derive(Debug)]
enum Placed {
    Directory { directory: Arc<Directory>, slots: Arc<Semaphore> },
    Objects(Objects),
}

impl Backend {
    pub(super) fn directory(directory: Directory, patience: Duration) -> Self {
        let slots = Arc::new(Semaphore::new(DISK_OPERATIONS_MAX));
        Backend { place: Placed::Directory { directory: Arc::new(directory), slots }, patience }
    }

    pub(super) fn objects(objects: Objects, patience: Duration) -> Self {
        Backend { place: Placed::Objects(objects), patience }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.place, Placed::Directory { .. })
    }

    /// Keeps an object; one that is there is replaced.
    pub(super) async fn put(&self, key: String, body: Vec<Bytes>) -> Result<(), StateError> {
        const OPERATION: &str = "write";
        let bytes: u64 = body.iter().map(|piece| piece.len() as u64).sum();
        let patience = self.patience + bulk(bytes);
        match &self.place {
            Placed::Directory { directory, slots } => {
                on_disk(OPERATION, directory, slots, patience, move |d| d.put(&key, &body)).await
            }
            Placed::Objects(objects) => within(OPERATION, patience, objects.put(&key, body)).await,
        }
    }

    /// Keeps an object unless there is one; whether it did. Some stores ignore the condition.
    pub(super) async fn create(&self, key: String, body: Bytes) -> Result<bool, StateError> {
        const OPERATION: &str = "create";
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.create(&key, &[body]);
                on_disk(OPERATION, directory, slots, self.patience, work).await
            }
            Placed::Objects(objects) => {
                within(OPERATION, self.patience, objects.create(&key, body)).await
            }
        }
    }

    /// Adds to a file that is not in its place yet, the first time to a new one that has room for
    /// `expected` bytes. Only where [`Backend::is_directory`]: objects in a bucket can't grow.
    pub(super) async fn append(
        &self,
        staged: Option<Staged>,
        body: Vec<Bytes>,
        expected: u64,
    ) -> Result<Staged, StateError> {
        let bytes: u64 = body.iter().map(|piece| piece.len() as u64).sum();
        self.on_files("write", bytes, move |directory| {
            let mut staged = staged.map_or_else(|| directory.stage(expected), Ok)?;
            staged.append(&body)?;
            Ok(staged)
        })
        .await
    }

    /// Puts a file of so many bytes in its place.
    pub(super) async fn publish(
        &self,
        staged: Staged,
        key: String,
        bytes: u64,
    ) -> Result<(), StateError> {
        self.on_files("write", bytes, move |directory| directory.publish(staged, &key)).await
    }

    /// Drops a file that won't get to a place.
    pub(super) async fn discard(&self, staged: Staged) -> Result<(), StateError> {
        self.on_files("delete", 0, move |_| {
            drop(staged);
            Ok(())
        })
        .await
    }

    async fn on_files<T: Send + 'static>(
        &self,
        operation: &'static str,
        bytes: u64,
        work: impl FnOnce(&Directory) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                on_disk(operation, directory, slots, self.patience + bulk(bytes), work).await
            }
            Placed::Objects(_) => Err(StateError::Invalid("objects can't grow")),
        }
    }

    /// An object's bytes from `offset` on, at most `max`, if there is an object.
    pub(super) async fn get(
        &self,
        key: String,
        offset: u64,
        max: usize,
    ) -> Result<Option<Bytes>, StateError> {
        const OPERATION: &str = "read";
        let patience = self.patience + bulk(max as u64);
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.get(&key, offset, max);
                on_disk(OPERATION, directory, slots, patience, work).await
            }
            Placed::Objects(objects) => {
                within(OPERATION, patience, objects.get(&key, offset, max)).await
            }
        }
    }

    pub(super) async fn exists(&self, key: String) -> Result<bool, StateError> {
        const OPERATION: &str = "look up";
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.exists(&key);
                on_disk(OPERATION, directory, slots, self.patience, work).await
            }
            Placed::Objects(objects) => {
                within(OPERATION, self.patience, objects.exists(&key)).await
            }
        }
    }

    /// Names of at most `max` objects in a folder, in no order.
    pub(super) async fn names(&self, folder: String, max: usize) -> Result<Names, StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.names(&folder, max);
                on_disk("list", directory, slots, self.patience, work).await
            }
            Placed::Objects(objects) => objects.names(&folder, max, self.patience).await,
        }
    }

    /// Shows every object below a folder to `see`, which gathers what it wants in `sum`.
    ///
    /// Takes as long as it takes: it is for the janitor.
    pub(super) async fn fold<T: Send + 'static>(
        &self,
        folder: String,
        mut sum: T,
        see: fn(&mut T, Entry),
    ) -> Result<T, StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| {
                    d.fold(&folder, &mut |entry| see(&mut sum, entry)).map(|()| sum)
                };
                on_disk("walk", directory, slots, Duration::MAX, work).await
            }
            Placed::Objects(objects) => {
                let mut each = |entry| see(&mut sum, entry);
                objects.fold(&folder, self.patience, &mut each).await?;
                Ok(sum)
            }
        }
    }

    /// Deletes objects. Those that are gone already are no error.
    pub(super) async fn delete(&self, keys: Vec<String>) -> Result<(), StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.delete(&keys);
                on_disk("delete", directory, slots, Duration::MAX, work).await
            }
            Placed::Objects(objects) => objects.delete(keys, self.patience).await,
        }
    }

    /// Removes folders that are empty, where folders are something.
    pub(super) async fn prune(&self, folders: Vec<String>) -> Result<(), StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| {
                    d.prune(&folders);
                    Ok(())
                };
                on_disk("prune", directory, slots, self.patience, work).await
            }
            Placed::Objects(_) => Ok(()),
        }
    }

    /// Removes what processes left half written when they ended. How much.
    pub(super) async fn sweep_temporary(&self, now: SystemTime) -> Result<u64, StateError> {
        match &self.place {
            Placed::Directory { directory, slots } => {
                let work = move |d: &Directory| d.sweep_temporary(now);
                on_disk("sweep", directory, slots, Duration::MAX, work).await
            }
            // A bucket has no object until it is whole.
            Placed::Objects(_) => Ok(0),
        }
    }
}

fn bulk(bytes: u64) -> Duration {
    Duration::from_secs(bytes / BULK_RATE_MIN)
}

/// Works on a thread that may wait for the disk. The slot is held until the work has really ended.
async fn on_disk<T: Send + 'static>(
    operation: &'static str,
    directory: &Arc<Directory>,
    slots: &Arc<Semaphore>,
    patience: Duration,
    work: impl FnOnce(&Directory) -> io::Result<T> + Send + 'static,
) -> Result<T, StateError> {
    let (directory, slots) = (directory.clone(), slots.clone());
    let done = async {
        let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&directory);
            drop(slot);
            done
        });
        working.await.map_err(io::Error::other)?
    };
    match timeout(patience, done).await {
        Ok(done) => done.map_err(|error| StateError::from_io(operation, &error)),
        Err(_) => Err(StateError::Timeout { operation, after: patience }),
    }
}

async fn within<T>(
    operation: &'static str,
    patience: Duration,
    done: impl Future<Output = Result<T, Error>>,
) -> Result<T, StateError> {
    match timeout(patience, done).await {
        Ok(done) => done.map_err(|error| StateError::from_store(operation, &error)),
        Err(_) => Err(StateError::Timeout { operation, after: patience }),
    }
}
