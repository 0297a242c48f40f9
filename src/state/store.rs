//! The way in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::backend::{Backend, Entry};
use super::directory::Directory;
use super::error::StateError;
use super::janitor::Round;
use super::objects::{Objects, OpenError};
use super::options::{Place, StateOptions};
use super::reader::{self, SpoolReader};
use super::record::{PART_BYTES_MAX, PART_NUMBER_MAX, PartRecord, SpoolId, SpoolRef};
use super::spool::{self, SpoolRefused, SpoolWriter, chunk_len};
use super::upload::{PartTag, UploadKey, undecimal};
use super::usage::Usage;
use super::view::{Mark, UploadView};
use crate::net::budget::Budget;

/// Records of one upload that are looked at: each part sent five times. Beyond it the upload is
/// refused, not judged by some of them.
pub(super) const RECORDS_MAX: usize = 5 * PART_NUMBER_MAX as usize;

/// Names that are deleted in one go.
const DELETE_BATCH: usize = 1000;

/// Chunks of a spool that a name can count.
const CHUNKS_MAX: u64 = u16::MAX as u64;

/// Bytes of the word for a coding.
const CODED_LEN_MAX: usize = 64;

/// Times of a first start that are looked at: one for each process that started at the same moment.
const STARTS_MAX: usize = 1000;

pub(super) const RECORDS: &str = "rec";
pub(super) const CHAINS: &str = "chain";
pub(super) const SPOOLS: &str = "spool";
const STARTS: &str = "start";

/// The state of all multipart uploads that this gate knows of. Share it in an `Arc`.
#[derive(Debug)]
pub struct State {
    pub(super) backend: Arc<Backend>,
    pub(super) usage: Arc<Usage>,
    pub(super) ttl: Duration,
    pub(super) round: tokio::sync::Mutex<Round>,
    /// Written with `fsync` in any case: moving it would grant a grace anew.
    lasting: Backend,
    memory: Arc<Budget>,
    nonce: u64,
    serial: AtomicU64,
    opened: (SystemTime, Instant),
    /// The last stamp that was given.
    stamped: AtomicU64,
}

impl State {
    /// Opens a place. Of a bucket nothing is asked yet: see [`State::check_backend`].
    ///
    /// # Errors
    /// The directory can't be made, or others can't be shut out of it; the account is not usable.
    pub fn open(options: &StateOptions) -> Result<Self, OpenError> {
        let patience = options.timeout;
        let nonce = nonce();
        let (backend, lasting) = match &options.place {
            Place::Directory(root) => {
                let open = |fsync: bool, nonce: u64| {
                    let directory = Directory::open(root, fsync, nonce);
                    let directory = directory.map_err(|e| StateError::from_io("open", &e))?;
                    Ok::<_, StateError>(Backend::directory(directory, patience))
                };
                // Two writers of temporary files must not take the same names.
                (open(options.fsync, nonce)?, open(true, !nonce)?)
            }
            Place::Bucket { account, bucket, prefix } => {
                let objects = Objects::bucket(account, bucket, prefix, patience)?;
                let backend = |objects| Backend::objects(objects, patience);
                (backend(objects.clone()), backend(objects))
            }
        };
        Ok(State::new(options, nonce, backend, lasting))
    }

    pub(super) fn new(
        options: &StateOptions,
        nonce: u64,
        backend: Backend,
        lasting: Backend,
    ) -> Self {
        State {
            backend: Arc::new(backend),
            usage: Usage::new(options.spool_max),
            ttl: options.ttl,
            round: tokio::sync::Mutex::default(),
            lasting,
            memory: Budget::new(options.spool_memory_max),
            nonce,
            serial: AtomicU64::new(0),
            opened: (SystemTime::now(), Instant::now()),
            stamped: AtomicU64::new(0),
        }
    }

    /// The time, in microseconds since 1970, for a part's [`Flight`](super::Flight). It never stands
    /// still nor goes back in one process, whatever is done to the clock.
    pub fn stamp(&self) -> u64 {
        let (opened, since) = (self.opened.0, self.opened.1.elapsed());
        let opened = opened.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from((opened + since).as_micros()).unwrap_or(u64::MAX);
        let next = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self.stamped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        last.map_or(now, |last| now.max(last.saturating_add(1)))
    }

    /// Whose stamps these are: no other process has this number, nor this one after a restart.
    pub fn process(&self) -> u64 {
        self.nonce
    }

    // ---- parts

    /// Keeps what is known of a part that the store has taken; call it before the store's answer is
    /// relayed. When it returns, the record survives the end of this process. Repeating is harmless.
    ///
    /// # Errors
    /// See [`StateError`]; the part then counts as unseen.
    pub async fn put_record(
        &self,
        upload: &UploadKey,
        part: &PartRecord,
    ) -> Result<(), StateError> {
        let key = format!("{}/{RECORDS}/{}", upload.folder(), part.name()?);
        self.backend.put(key, Vec::new()).await
    }

    /// All that any gate has recorded of an upload, by one listing.
    ///
    /// # Errors
    /// See [`StateError`]; with [`StateError::TooMany`] it is no honest upload.
    pub async fn load(&self, upload: &UploadKey) -> Result<UploadView, StateError> {
        let found = self.backend.names(self.folder(upload, RECORDS), RECORDS_MAX).await?;
        if found.more {
            return Err(StateError::TooMany(RECORDS_MAX));
        }
        Ok(UploadView::of(found.names.iter().map(String::as_str)))
    }

    // ---- marks

    /// A gate has seen the upload begin, at this time.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn seen_create(&self, upload: &UploadKey, at: SystemTime) -> Result<(), StateError> {
        self.mark(upload, &Mark::Created(seconds(at))).await
    }

    /// The upload's start said that its object is coded, in a way that this word stands for: lower-case
    /// letters and `-`, at most 64.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn seen_coded(&self, upload: &UploadKey, word: &str) -> Result<(), StateError> {
        let plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        match plain && (1..=CODED_LEN_MAX).contains(&word.len()) {
            true => self.mark(upload, &Mark::Coded(word)).await,
            false => Err(StateError::Invalid("a coding's word has 1 to 64 letters")),
        }
    }

    /// Nothing of the upload may become an object any more.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn poison(&self, upload: &UploadKey) -> Result<(), StateError> {
        self.mark(upload, &Mark::Poisoned).await
    }

    /// Whether any gate has poisoned it. [`UploadView::is_poisoned`] where there is a view anyway.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn is_poisoned(&self, upload: &UploadKey) -> Result<bool, StateError> {
        self.backend.exists(self.marked(upload, &Mark::Poisoned)).await
    }

    /// The store has made an object of it, of these parts: that is kept, so that the same request
    /// sent again can be told from one that nobody has judged; all else of the upload is removed.
    ///
    /// # Errors
    /// See [`StateError`]; the janitor removes what is left.
    pub async fn completed(
        &self,
        upload: &UploadKey,
        listed: &[(u16, PartTag)],
    ) -> Result<(), StateError> {
        self.mark(upload, &Mark::Completed(listed)).await?;
        self.forget(upload).await
    }

    /// Removes records, chains and spools of an upload. Its marks stay until the janitor comes.
    ///
    /// # Errors
    /// See [`StateError`]; the janitor removes what is left.
    pub async fn forget(&self, upload: &UploadKey) -> Result<(), StateError> {
        self.remove_spools(upload).await?;
        self.remove(&self.folder(upload, CHAINS), |_| true).await?;
        self.remove(&self.folder(upload, RECORDS), |name| PartRecord::parse(name).is_some())
            .await?;
        self.backend.prune([SPOOLS, CHAINS].map(|folder| self.folder(upload, folder)).into()).await
    }

    /// When the first gate started with this state: the same for all gates and never moved, so that
    /// an upload from before can be told. `now` is kept if there was none.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn first_start(&self, now: SystemTime) -> Result<SystemTime, StateError> {
        if let Some(first) = self.earliest_start().await? {
            return Ok(first);
        }
        let key = format!("{STARTS}/{:012}.{:016x}", seconds(now), self.nonce);
        self.lasting.put(key, Vec::new()).await?;
        // Others may have started at the same moment, and all must say the same.
        self.earliest_start().await?.ok_or(StateError::Damaged("what was written is not listed"))
    }

    async fn earliest_start(&self) -> Result<Option<SystemTime>, StateError> {
        let found = self.backend.names(STARTS.to_owned(), STARTS_MAX).await?;
        let second = |name: &String| undecimal(name.split_once('.')?.0, 12);
        let earliest = found.names.iter().filter_map(second).min();
        Ok(earliest.and_then(|second| UNIX_EPOCH.checked_add(Duration::from_secs(second))))
    }

    // ---- spools

    /// A place for the bytes of a part, so many.
    ///
    /// # Errors
    /// See [`SpoolRefused`]: nothing waits for room.
    pub fn begin_spool(&self, upload: &UploadKey, bytes: u64) -> Result<SpoolWriter, SpoolRefused> {
        let chunk = chunk_len(&self.backend) as u64;
        if bytes.div_ceil(chunk) > CHUNKS_MAX || bytes > PART_BYTES_MAX {
            return Err(SpoolRefused::TooLong);
        }
        let memory = self.memory.reserve(bytes.min(spool::CHUNKS_HELD * chunk));
        let memory = memory.ok_or(SpoolRefused::Busy)?;
        let claim = self.usage.claim(upload.shard(), bytes).ok_or(SpoolRefused::Full)?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let id = SpoolId { nonce: self.nonce, serial };
        let folder = self.folder(upload, SPOOLS);
        Ok(SpoolWriter::new(self.backend.clone(), folder, id, bytes, claim, memory))
    }

    /// Reads spools of an upload, one behind the other.
    ///
    /// # Errors
    /// [`SpoolRefused::Busy`]: nothing waits for memory.
    pub fn read_spools(
        &self,
        upload: &UploadKey,
        spools: &[SpoolRef],
    ) -> Result<SpoolReader, SpoolRefused> {
        let bytes = spools.iter().fold(0, |sum: u64, spool| sum.saturating_add(spool.bytes()));
        let most = reader::GOES_HELD * reader::go_len(&self.backend) as u64;
        let memory = self.memory.reserve(bytes.min(most));
        let memory = memory.ok_or(SpoolRefused::Busy)?;
        let folder = self.folder(upload, SPOOLS);
        Ok(SpoolReader::new(self.backend.clone(), folder, spools, memory))
    }

    /// Bytes of spool in use, and the bound on them. What was there before this process started is
    /// counted from the first whole round of [`State::sweep`] on.
    pub fn spool_usage(&self) -> (u64, u64) {
        (self.usage.used(), self.usage.max())
    }

    /// Bytes of memory that spools hold, and the bound on them.
    pub fn spool_memory(&self) -> (u64, u64) {
        (self.memory.used(), self.memory.limit())
    }

    // ---- shared

    /// A number that no other trial has.
    pub(super) fn trial(&self) -> u128 {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        u128::from(self.nonce) << 64 | u128::from(serial)
    }

    pub(super) fn folder(&self, upload: &UploadKey, folder: &str) -> String {
        format!("{}/{folder}", upload.folder())
    }

    async fn mark(&self, upload: &UploadKey, mark: &Mark<'_>) -> Result<(), StateError> {
        self.backend.put(self.marked(upload, mark), Vec::<Bytes>::new()).await
    }

    fn marked(&self, upload: &UploadKey, mark: &Mark<'_>) -> String {
        format!("{}/{RECORDS}/{}", upload.folder(), mark.name())
    }

    async fn remove_spools(&self, upload: &UploadKey) -> Result<(), StateError> {
        let folder = self.folder(upload, SPOOLS);
        let counted = self.usage.removing(upload.shard());
        let add = |sum: &mut u64, entry: Entry| *sum = sum.saturating_add(entry.size);
        let bytes = self.backend.fold(folder.clone(), 0_u64, add).await?;
        self.remove(&folder, |_| true).await?;
        self.usage.removed(counted, bytes);
        Ok(())
    }

    /// Removes some spools of an upload whose bytes nobody needs any more. Their records stay.
    ///
    /// # Errors
    /// See [`StateError`]; the janitor removes what is left.
    pub async fn drop_spools(
        &self,
        upload: &UploadKey,
        spools: &[SpoolRef],
    ) -> Result<(), StateError> {
        let folder = self.folder(upload, SPOOLS);
        for spool in spools {
            let keys = (0..spool.chunks).map(|index| format!("{folder}/{}", spool.id.chunk(index)));
            let counted = self.usage.removing(upload.shard());
            self.backend.delete(keys.collect()).await?;
            self.usage.removed(counted, spool.bytes);
        }
        Ok(())
    }

    /// Deletes the objects in a folder whose names are chosen, batch by batch.
    pub(super) async fn remove(
        &self,
        folder: &str,
        chosen: impl Fn(&str) -> bool,
    ) -> Result<(), StateError> {
        // However many there are: what can't be listed in one go could never be removed.
        let found = self.backend.names(folder.to_owned(), usize::MAX).await?;
        let mut keys = found.names.into_iter().filter(|name| chosen(name));
        loop {
            let batch = keys.by_ref().take(DELETE_BATCH);
            let batch: Vec<String> = batch.map(|name| format!("{folder}/{name}")).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.backend.delete(batch).await?;
        }
    }
}

/// Tells this process's objects from those of others.
fn nonce() -> u64 {
    // Without randomness the clock and the process number have to do; the names of two processes
    // would have to collide in both.
    getrandom::u64().unwrap_or_else(|_| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.as_nanos() as u64) ^ (u64::from(std::process::id()) << 32)
    })
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
