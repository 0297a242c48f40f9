//! Spooled bytes, read back in order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;

use super::backend::Backend;
use super::error::StateError;
use super::record::SpoolRef;
use super::spool::{BUCKET_CHUNK, Checksum};
use crate::net::budget::Reservation;

/// Goes that are fetched while the one before is used.
const AHEAD: usize = 2;

/// Bytes that are read from a file in one go: each go costs a change of threads.
const DIRECTORY_GO: usize = 1 << 20;

/// Bytes that are read in one go; from a bucket, an object.
pub(super) fn go_len(backend: &Backend) -> usize {
    if backend.is_directory() { DIRECTORY_GO } else { BUCKET_CHUNK }
}

/// Goes that a reader holds.
pub(super) const GOES_HELD: u64 = AHEAD as u64 + 1;

/// Spools, one behind the other, as one stream of bytes.
///
/// The bytes of a spool are good only once the next spool's come, or the end: its checksum is
/// looked at behind its last byte. After an error no byte of the spool it happened in counts.
#[derive(Debug)]
pub struct SpoolReader {
    backend: Arc<Backend>,
    folder: String,
    spools: Vec<SpoolRef>,
    /// Index of the spool that is being read.
    reading: usize,
    /// Index of the spool, and in it the first byte, that is fetched next.
    next: (usize, u64),
    go_len: usize,
    fetching: VecDeque<JoinHandle<Result<Option<Bytes>, StateError>>>,
    bytes_read: u64,
    checksum: Checksum,
    _memory: Reservation,
}

impl SpoolReader {
    pub(super) fn new(
        backend: Arc<Backend>,
        folder: String,
        spools: &[SpoolRef],
        memory: Reservation,
    ) -> Self {
        SpoolReader {
            go_len: go_len(&backend),
            backend,
            folder,
            spools: spools.to_vec(),
            reading: 0,
            next: (0, 0),
            fetching: VecDeque::with_capacity(AHEAD + 1),
            bytes_read: 0,
            checksum: Checksum::new(),
            _memory: memory,
        }
    }

    /// The next bytes, never none of them; `None` at the end of the last spool, if all were whole.
    ///
    /// # Errors
    /// The backend failed, or [`StateError::Damaged`]: what is there is not what was written.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StateError> {
        loop {
            let Some(&spool) = self.spools.get(self.reading) else { return Ok(None) };
            if self.bytes_read == spool.bytes {
                self.check(spool)?;
                continue;
            }
            let bytes = self.fetch().await?.ok_or(StateError::Damaged("a chunk is missing"))?;
            let expected = self.len_at(&spool, self.bytes_read);
            if bytes.len() as u64 != expected {
                return Err(StateError::Damaged("a spool is cut short"));
            }
            self.bytes_read += expected;
            self.checksum.update(&bytes);
            return Ok(Some(bytes));
        }
    }

    /// [`SpoolReader::next`] as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, StateError>> + Send {
        futures_util::stream::try_unfold(self, |mut reader| async move {
            Ok(reader.next().await?.map(|bytes| (bytes, reader)))
        })
    }

    /// At the end of a spool: whether it was whole.
    fn check(&mut self, spool: SpoolRef) -> Result<(), StateError> {
        if self.checksum.value() != spool.checksum {
            return Err(StateError::Damaged("a spool has other bytes"));
        }
        self.reading += 1;
        (self.bytes_read, self.checksum) = (0, Checksum::new());
        Ok(())
    }

    /// The next chunk, while the ones behind it are on their way.
    async fn fetch(&mut self) -> Result<Option<Bytes>, StateError> {
        while self.fetching.len() <= AHEAD
            && let Some((spool, start)) = self.next_chunk()
        {
            let backend = self.backend.clone();
            let in_chunks = start / self.go_len as u64;
            // One file, or a row of objects that are a chunk each.
            let (index, offset) = if spool.chunks == 1 { (0, start) } else { (in_chunks, 0) };
            let index = u16::try_from(index).map_err(|_| StateError::Damaged("too many chunks"))?;
            let key = format!("{}/{}", self.folder, spool.id.chunk(index));
            let len = self.len_at(&spool, start) as usize;
            let get = async move { backend.get(key, offset, len).await };
            self.fetching.push_back(tokio::spawn(get));
        }
        let Some(fetching) = self.fetching.front_mut() else { return Ok(None) };
        let fetched = fetching.await;
        self.fetching.pop_front();
        fetched.unwrap_or(Err(StateError::Invalid("this spool has ended")))
    }

    fn next_chunk(&mut self) -> Option<(SpoolRef, u64)> {
        loop {
            let (at, start) = self.next;
            let spool = *self.spools.get(at)?;
            if start < spool.bytes {
                self.next.1 += self.len_at(&spool, start);
                return Some((spool, start));
            }
            self.next = (at + 1, 0);
        }
    }

    /// Bytes that one go fetches from here on.
    fn len_at(&self, spool: &SpoolRef, start: u64) -> u64 {
        (spool.bytes - start).min(self.go_len as u64)
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        self.fetching.iter().for_each(JoinHandle::abort);
    }
}
