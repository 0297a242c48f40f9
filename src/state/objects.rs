//! The backend that is a bucket, or any other `ObjectStore`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, GetOptions, GetRange, ObjectMeta, ObjectStore, PutMode, PutOptions,
    PutPayload, RetryConfig,
};
use tokio::time::timeout;

use super::backend::{Entry, Names};
use super::error::StateError;
use crate::own_access::{Account, AccountError, Transport};

/// Deletions under way at once. One request each: several stores lack the one that deletes many.
const DELETES_AT_ONCE: usize = 16;

/// A request is tried once more, since a connection may have been closed while it was idle. Beyond
/// that a backend is down, and whoever waits for it should hear so.
const RETRIES_MAX: usize = 1;

#[derive(Clone, Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self, StateError> {
        let prefix = Path::parse(prefix);
        let prefix = prefix.map_err(|_| StateError::Invalid("this prefix names no keys"))?;
        Ok(Objects { store, prefix })
    }

    /// A bucket of an S3 store.
    pub(super) fn bucket(
        account: &Account,
        bucket: &str,
        prefix: &str,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(20),
                max_backoff: Duration::from_millis(100),
                base: 2.0,
            },
            max_retries: RETRIES_MAX,
            retry_timeout: patience,
        };
        let store = AmazonS3Builder::new()
            .with_http_connector(Transport::new(account, patience)?)
            .with_endpoint(&account.endpoint)
            .with_allow_http(true)
            .with_virtual_hosted_style_request(false)
            .with_region(&account.region)
            .with_bucket_name(bucket)
            .with_access_key_id(&account.access_key)
            .with_secret_access_key(&account.secret_key)
            // Spools have a checksum of their own; hashing them again would cost as much as judging.
            .with_unsigned_payload(true)
            .with_disable_bulk_delete(true)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry)
            .build()
            .map_err(|_| StateError::Invalid("this bucket can't be named"))?;
        Ok(Objects::new(Arc::new(store), prefix)?)
    }

    fn path(&self, key: &str) -> Path {
        // Keys of ours have no character that would be encoded.
        key.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    pub(super) async fn put(&self, key: &str, body: Vec<Bytes>) -> Result<(), Error> {
        let body = PutPayload::from_iter(body);
        self.store.put_opts(&self.path(key), body, PutOptions::default()).await.map(drop)
    }

    pub(super) async fn create(&self, key: &str, body: Bytes) -> Result<bool, Error> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(key), body.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn get(
        &self,
        key: &str,
        offset: u64,
        max: usize,
    ) -> Result<Option<Bytes>, Error> {
        let range = (offset > 0).then(|| GetRange::Bounded(offset..offset + max as u64));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = match self.store.get_opts(&self.path(key), options).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = usize::try_from(found.range.end - found.range.start).unwrap_or(max);
        let mut bytes = Vec::with_capacity(len.min(max));
        let mut body = found.into_stream();
        while let Some(piece) = body.next().await {
            let piece = piece?;
            let room = max - bytes.len();
            bytes.extend_from_slice(&piece[..room.min(piece.len())]);
            if piece.len() >= room {
                break;
            }
        }
        Ok(Some(bytes.into()))
    }

    pub(super) async fn exists(&self, key: &str) -> Result<bool, Error> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(&self.path(key), options).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn names(
        &self,
        folder: &str,
        max: usize,
        patience: Duration,
    ) -> Result<Names, StateError> {
        let mut found = Names::default();
        let folder = self.path(folder);
        let mut listing = self.store.list(Some(&folder));
        while let Some(meta) = patiently(patience, listing.next()).await? {
            if let Some(name) = relative(&folder, &meta) {
                if found.names.len() == max {
                    found.more = true;
                    break;
                }
                found.names.push(name);
            }
        }
        Ok(found)
    }

    pub(super) async fn fold(
        &self,
        folder: &str,
        patience: Duration,
        see: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<(), StateError> {
        let folder = self.path(folder);
        let mut listing = self.store.list(Some(&folder));
        while let Some(meta) = patiently(patience, listing.next()).await? {
            if let Some(name) = relative(&folder, &meta) {
                see(Entry { name, size: meta.size, modified: meta.last_modified.into() });
            }
        }
        Ok(())
    }

    /// Deletes objects; those that are gone already are no error.
    pub(super) async fn delete(
        &self,
        keys: Vec<String>,
        patience: Duration,
    ) -> Result<(), StateError> {
        let deletions = keys.into_iter().map(|key| self.delete_one(self.path(&key), patience));
        let mut deletions = futures_util::stream::iter(deletions).buffer_unordered(DELETES_AT_ONCE);
        while let Some(deleted) = deletions.next().await {
            deleted?;
        }
        Ok(())
    }

    async fn delete_one(&self, path: Path, patience: Duration) -> Result<(), StateError> {
        const OPERATION: &str = "delete";
        let single = futures_util::stream::once(async move { Ok(path) }).boxed();
        let mut deleted = self.store.delete_stream(single);
        match timeout(patience, deleted.next()).await {
            Ok(Some(Err(Error::NotFound { .. })) | Some(Ok(_)) | None) => Ok(()),
            Ok(Some(Err(error))) => Err(StateError::from_store(OPERATION, &error)),
            Err(_) => Err(StateError::Timeout { operation: OPERATION, after: patience }),
        }
    }
}

/// Why a place can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The account is not usable.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The directory can't be made, or others can't be shut out of it; or the place can't be named.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The next item of a listing. A page comes at once, so that the wait is for a page.
async fn patiently(
    patience: Duration,
    next: impl Future<Output = Option<Result<ObjectMeta, Error>>>,
) -> Result<Option<ObjectMeta>, StateError> {
    const OPERATION: &str = "list";
    match timeout(patience, next).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(meta))) => Ok(Some(meta)),
        Ok(Some(Err(error))) => Err(StateError::from_store(OPERATION, &error)),
        Err(_) => Err(StateError::Timeout { operation: OPERATION, after: patience }),
    }
}

fn relative(folder: &Path, meta: &ObjectMeta) -> Option<String> {
    let name = meta.location.as_ref().strip_prefix(folder.as_ref())?.strip_prefix('/')?;
    Some(name.to_owned())
}
