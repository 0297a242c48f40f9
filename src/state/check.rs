//! Whether a backend can carry the state at all: tried, not believed.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::backend::Entry;
use super::error::StateError;
use super::store::State;

/// Where the trial objects are.
const FOLDER: &str = "check";

/// Bytes of a trial's name. A part's record has nearly so many, with its folders; a file system that
/// encrypts names, or a store that files objects under longer ones, may take no more than half of it.
const NAME_LEN: usize = 240;

/// The most that the backend's clock may differ: the janitor compares its times with ours, and a TTL
/// is days.
pub(super) const CLOCK_OFF_MAX: Duration = Duration::from_secs(15 * 60);

/// What a backend can do beyond what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether an object can be created only if there is none (`If-None-Match: *`). Some stores
    /// accept the condition and ignore it. The multipart state doesn't need it.
    pub conditional_create: bool,
    /// How far the backend's clock is from ours.
    pub clock_off: Duration,
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let create = if self.conditional_create { "honoured" } else { "ignored" };
        write!(f, "conditional create {create}, clock off by {} s", self.clock_off.as_secs())
    }
}

/// What a backend lacks that the state can't do without.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It failed.
    #[error("cannot {doing}: {error}")]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        error: StateError,
    },
    /// An object that was just written could not be read, or had other bytes.
    #[error("an object that was just written is not there to read, or is not what was written")]
    ReadAfterWrite,
    /// An object that was just written was not listed.
    #[error("an object that was just written is not listed: parts would count as unseen")]
    ListAfterWrite,
    /// A deleted object was still there.
    #[error("an object that was just deleted is still there")]
    Delete,
    /// The clocks differ by more than a quarter of an hour.
    #[error("its clock is off by {} s: uploads would expire early or never", .0.as_secs())]
    Clock(Duration),
}

impl State {
    /// Tries the backend: writes, reads, lists, deletes. For the start and for `check`.
    ///
    /// # Errors
    /// See [`Unfit`]. Its trial objects may then be left in the folder `check`.
    pub async fn check_backend(&self) -> Result<Capabilities, Unfit> {
        let failed = |doing| move |error| Unfit::Failed { doing, error };
        let name = format!("{:x<NAME_LEN$}", format!("{:032x}.", self.trial()));
        let key = format!("{FOLDER}/{name}");
        let first = Bytes::from_static(b"first");

        self.backend.put(key.clone(), vec![first.clone()]).await.map_err(failed("write"))?;
        self.read_back(&key, &first).await?;
        let second = Bytes::from_static(b"the second");
        self.backend.put(key.clone(), vec![second.clone()]).await.map_err(failed("write again"))?;
        self.read_back(&key, &second).await?;
        let clock_off = self.listed(&name).await?;

        let created = self.backend.create(key.clone(), first).await.map_err(failed("create"))?;
        self.backend.delete(vec![key.clone()]).await.map_err(failed("delete"))?;
        let there = self.backend.exists(key.clone()).await.map_err(failed("look up"))?;
        let listed = self.backend.names(FOLDER.to_owned(), usize::MAX).await;
        if there || listed.map_err(failed("list"))?.names.contains(&name) {
            return Err(Unfit::Delete);
        }
        // Of objects without bytes there are as many as parts.
        self.backend.put(key.clone(), Vec::new()).await.map_err(failed("write no bytes"))?;
        self.read_back(&key, &Bytes::new()).await?;
        self.backend.delete(vec![key]).await.map_err(failed("delete"))?;
        Ok(Capabilities { conditional_create: !created, clock_off })
    }

    async fn read_back(&self, key: &str, expected: &Bytes) -> Result<(), Unfit> {
        match self.backend.get(key.to_owned(), 0, 1024).await {
            Ok(Some(found)) if found == expected => Ok(()),
            Ok(_) => Err(Unfit::ReadAfterWrite),
            Err(error) => Err(Unfit::Failed { doing: "read", error }),
        }
    }

    /// Whether the object is listed. How far the backend's clock is off.
    async fn listed(&self, name: &str) -> Result<Duration, Unfit> {
        let failed = |error| Unfit::Failed { doing: "list", error };
        let names = self.backend.names(FOLDER.to_owned(), usize::MAX).await.map_err(failed)?;
        let gather = |seen: &mut Vec<Entry>, entry| seen.push(entry);
        let entries = self.backend.fold(FOLDER.to_owned(), Vec::new(), gather).await;
        let entries = entries.map_err(failed)?;
        let entry = entries.iter().find(|entry| entry.name == name);
        let (true, Some(entry)) = (names.names.iter().any(|n| n == name), entry) else {
            return Err(Unfit::ListAfterWrite);
        };
        let now = SystemTime::now();
        let off = now.duration_since(entry.modified);
        let off = off.unwrap_or_else(|ahead| ahead.duration());
        if off > CLOCK_OFF_MAX { Err(Unfit::Clock(off)) } else { Ok(off) }
    }
}
