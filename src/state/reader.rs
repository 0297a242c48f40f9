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

/// Chunks that are fetched while the one before is used.
const AHEAD: usize = 2;

/// Chunks that a reader holds.
pub(super) const CHUNKS_HELD: u64 = AHEAD as u64 + 1;

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
    /// Index of the spool, and in it of the chunk, that is fetched next.
    next: (usize, u16),
    fetching: VecDeque<JoinHandle<Result<Option<Bytes>, StateError>>>,
    chunks_read: u16,
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
            backend,
            folder,
            spools: spools.to_vec(),
            reading: 0,
            next: (0, 0),
            fetching: VecDeque::with_capacity(AHEAD + 1),
            chunks_read: 0,
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
            if self.chunks_read == spool.chunks {
                self.check(spool)?;
                continue;
            }
            let bytes = self.fetch().await?.ok_or(StateError::Damaged("a chunk is missing"))?;
            self.chunks_read += 1;
            self.bytes_read += bytes.len() as u64;
            if bytes.is_empty() || self.bytes_read > spool.bytes {
                return Err(StateError::Damaged("a chunk has another length"));
            }
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
        if self.bytes_read != spool.bytes {
            return Err(StateError::Damaged("a spool is cut short"));
        }
        if self.checksum.value() != spool.checksum {
            return Err(StateError::Damaged("a spool has other bytes"));
        }
        self.reading += 1;
        (self.chunks_read, self.bytes_read, self.checksum) = (0, 0, Checksum::new());
        Ok(())
    }

    /// The next chunk, while the ones behind it are on their way.
    async fn fetch(&mut self) -> Result<Option<Bytes>, StateError> {
        while self.fetching.len() <= AHEAD
            && let Some((spool, index)) = self.next_chunk()
        {
            let backend = self.backend.clone();
            let key = format!("{}/{}", self.folder, spool.id.chunk(index));
            // Whatever wrote it, no chunk is longer than the longest.
            let get = async move { backend.get(key, BUCKET_CHUNK).await };
            self.fetching.push_back(tokio::spawn(get));
        }
        let Some(fetching) = self.fetching.front_mut() else { return Ok(None) };
        let fetched = fetching.await;
        self.fetching.pop_front();
        fetched.unwrap_or(Err(StateError::Invalid("this spool has ended")))
    }

    fn next_chunk(&mut self) -> Option<(SpoolRef, u16)> {
        loop {
            let (at, index) = self.next;
            let spool = *self.spools.get(at)?;
            if index < spool.chunks {
                self.next.1 += 1;
                return Some((spool, index));
            }
            self.next = (at + 1, 0);
        }
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        self.fetching.iter().for_each(JoinHandle::abort);
    }
}
