//! States to try things on, and an object store that fails on command.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::backend::Backend;
use super::objects::Objects;
use super::options::{Place, StateOptions};
use super::record::{Flight, PartRecord};
use super::store::State;
use super::upload::{PartTag, UploadKey};
use crate::digest::{AlgorithmSet, Digests, Kernel, MultiHasher};

/// Long enough for a busy machine, for tests in which nothing hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn options(place: Place) -> StateOptions {
    StateOptions { timeout: PATIENCE, ..StateOptions::new(place) }
}

pub(crate) fn in_directory(root: &std::path::Path) -> State {
    State::open(&options(Place::Directory(root.to_owned()))).unwrap()
}

/// A state on any object store. `nonce` stands for the process.
pub(crate) fn on_store(store: Arc<dyn ObjectStore>, nonce: u64, patience: Duration) -> State {
    let objects = Objects::new(store, "gates/eu").unwrap();
    let backend = || Backend::objects(objects.clone(), patience);
    let place = Place::Directory("unused".into());
    State::new(&options(place), nonce, backend(), backend())
}

pub(crate) fn upload(id: &str) -> UploadKey {
    UploadKey::of(b"photos", b"holiday/1.jpg", id.as_bytes())
}

pub(crate) fn digests(bytes: &[u8]) -> Digests {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Portable);
    hasher.update(bytes);
    hasher.finish()
}

/// The record of a part with these bytes, as a store that gives MD5 as ETag takes it.
pub(crate) fn part(number: u16, bytes: &[u8]) -> PartRecord {
    let digests = digests(bytes);
    let tag = PartTag::of(&digests.md5.unwrap().to_string());
    let (size, flight) = (bytes.len() as u64, Flight::default());
    PartRecord { number, tag, size, digests, format: None, spool: None, flight }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// From the n-th write on the disk is full.
    FullFrom(u64),
    /// No operation ever ends.
    Hangs,
    /// `If-None-Match` is accepted and ignored.
    IgnoresCreate,
    /// What is written is listed by nobody.
    ListsNothing,
    /// Reads give what was first written.
    ReadsStale,
    /// Deletions are acknowledged only.
    KeepsDeleted,
}

/// An object store with a fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: InMemory,
    first: InMemory,
    fault: Fault,
    writes: AtomicU64,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Arc<Self> {
        let (inner, first) = (InMemory::new(), InMemory::new());
        Arc::new(Faulty { inner, first, fault, writes: AtomicU64::new(0) })
    }

    pub(crate) async fn len(&self) -> usize {
        self.inner.list(None).count().await
    }

    async fn may_hang(&self) {
        if self.fault == Fault::Hangs {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        self.may_hang().await;
        let written = self.writes.fetch_add(1, Ordering::SeqCst);
        if let Fault::FullFrom(limit) = self.fault
            && written >= limit
        {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(Error::Generic { store: "Faulty", source: Box::new(full) });
        }
        if self.fault == Fault::IgnoresCreate {
            options.mode = PutMode::Overwrite;
        }
        let first = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let _ = self.first.put_opts(location, payload.clone(), first).await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.may_hang().await;
        match self.fault {
            Fault::ReadsStale => self.first.get_opts(location, options).await,
            _ => self.inner.get_opts(location, options).await,
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.fault {
            Fault::KeepsDeleted => locations,
            Fault::Hangs => futures_util::stream::pending().boxed(),
            _ => self.inner.delete_stream(locations),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault {
            Fault::ListsNothing => futures_util::stream::empty().boxed(),
            Fault::Hangs => futures_util::stream::pending().boxed(),
            _ => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
