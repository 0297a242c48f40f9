//! A part's bytes, kept while they pass.
//!
//! In a bucket a spool is a row of objects of at most one chunk each: no multipart upload, whose
//! orphans nobody could list. In a directory it is one file, which grows under a temporary name: a
//! file for each chunk would take three times the CPU time. Whole or not there is what both are.

use std::mem;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, Digest};
use tokio::task::JoinHandle;

use super::backend::Backend;
use super::directory::Staged;
use super::error::StateError;
use super::record::{SpoolId, SpoolRef};
use super::usage::Claim;
use crate::net::budget::Reservation;

/// Bytes that go to a file in one go. Each go costs a change of threads; larger ones take as much CPU
/// time, since what waits for them has left the processor's cache, and more memory.
pub(super) const DIRECTORY_CHUNK: usize = 256 << 10;

/// Bytes of a chunk in a bucket, where each costs a request.
pub(super) const BUCKET_CHUNK: usize = 8 << 20;

/// Chunks that a writer holds: one that fills while the one before is written.
pub(super) const CHUNKS_HELD: u64 = 2;

/// Pieces below this are copied together, since a client can make them as small as it likes, and
/// each costs more than its bytes. Larger ones are only referred to.
const COPIED_BELOW: usize = 16 << 10;

/// Why a part gets no spool. Neither is a fault of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpoolRefused {
    /// It would not fit under the bound on all spools.
    #[error("the spool is full")]
    Full,
    /// Too many spools are written or read at the moment.
    #[error("no memory for another spool")]
    Busy,
    /// No spool can be so long.
    #[error("too long for a spool")]
    TooLong,
}

/// A spool that is being written. Dropped before [`SpoolWriter::finish`], or while one of its
/// futures is under way, it leaves nothing; a future that was dropped can't be made up for.
#[derive(Debug)]
pub struct SpoolWriter {
    /// What remains to be undone; `None` once finished.
    open: Option<Open>,
    pieces: Pieces,
    chunk_len: usize,
    checksum: Checksum,
    bytes: u64,
    expected: u64,
}

#[derive(Debug)]
struct Open {
    backend: Arc<Backend>,
    folder: String,
    id: SpoolId,
    /// Objects that are written or being written.
    chunks: u16,
    /// The file that grows, where it is one and is not being written.
    staged: Option<Staged>,
    writing: Option<JoinHandle<Result<Option<Staged>, StateError>>>,
    claim: Claim,
    _memory: Reservation,
}

impl SpoolWriter {
    pub(super) fn new(
        backend: Arc<Backend>,
        folder: String,
        id: SpoolId,
        expected: u64,
        claim: Claim,
        memory: Reservation,
    ) -> Self {
        let chunk_len = chunk_len(&backend);
        let open = Open {
            backend,
            folder,
            id,
            chunks: 0,
            staged: None,
            writing: None,
            claim,
            _memory: memory,
        };
        SpoolWriter {
            open: Some(open),
            pieces: Pieces::default(),
            chunk_len,
            checksum: Checksum::new(),
            bytes: 0,
            expected,
        }
    }

    /// Takes the next bytes. Waits only while the chunk before is still being written.
    ///
    /// # Errors
    /// The backend failed, now or with an earlier chunk: this spool won't be. Or there are more
    /// bytes than were announced.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), StateError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.expected {
            return Err(StateError::Invalid("more bytes than were announced"));
        }
        self.checksum.update(&bytes);
        while !bytes.is_empty() {
            let room = self.chunk_len - self.pieces.len;
            self.pieces.push(bytes.split_to(room.min(bytes.len())));
            if self.pieces.len == self.chunk_len {
                self.write_chunk().await?;
            }
        }
        Ok(())
    }

    /// Ends it. When this returns, the bytes are where another process finds them.
    ///
    /// # Errors
    /// The backend failed, or there are fewer bytes than were announced. Nothing is left then.
    pub async fn finish(mut self) -> Result<SpoolRef, StateError> {
        if self.bytes != self.expected {
            return Err(StateError::Invalid("fewer bytes than were announced"));
        }
        if self.pieces.len > 0 {
            self.write_chunk().await?;
        }
        self.written().await?;
        self.publish().await?;
        let open = self.open.take().ok_or(FINISHED)?;
        open.claim.keep();
        Ok(SpoolRef {
            id: open.id,
            chunks: open.chunks,
            checksum: self.checksum.value(),
            bytes: self.bytes,
        })
    }

    /// Puts the file in its place, where it is one.
    async fn publish(&mut self) -> Result<(), StateError> {
        let open = self.open.as_mut().ok_or(FINISHED)?;
        let Some(staged) = open.staged.take() else { return Ok(()) };
        open.chunks = 1;
        let key = format!("{}/{}", open.folder, open.id.chunk(0));
        open.backend.publish(staged, key, self.bytes).await
    }

    /// Hands a chunk over, once the one before is written.
    async fn write_chunk(&mut self) -> Result<(), StateError> {
        self.written().await?;
        let body = self.pieces.take();
        let expected = self.expected;
        let open = self.open.as_mut().ok_or(FINISHED)?;
        let backend = open.backend.clone();
        open.writing = Some(if backend.is_directory() {
            let staged = open.staged.take();
            tokio::spawn(async move { backend.append(staged, body, expected).await.map(Some) })
        } else {
            let key = format!("{}/{}", open.folder, open.id.chunk(open.chunks));
            open.chunks = open.chunks.checked_add(1).ok_or(TOO_MANY)?;
            tokio::spawn(async move { backend.put(key, body).await.map(|()| None) })
        });
        Ok(())
    }

    /// Waits for the chunk that is being written. A failure stays: no later call goes on.
    async fn written(&mut self) -> Result<(), StateError> {
        let open = self.open.as_mut().ok_or(FINISHED)?;
        let Some(writing) = &mut open.writing else { return Ok(()) };
        let done = writing.await.unwrap_or(Err(FINISHED));
        open.writing = None;
        match done {
            Ok(staged) => {
                open.staged = staged;
                Ok(())
            }
            Err(error) => {
                // Undone now, so that whoever goes on without a spool need not drop it first.
                self.undo();
                Err(error)
            }
        }
    }

    /// Deletes what is written, in a task of its own.
    fn undo(&mut self) {
        let Some(open) = self.open.take() else { return };
        // Without a runtime the process is ending, and the janitor will find it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let Open { backend, folder, id, chunks, mut staged, writing, claim, _memory } = open;
            if let Some(writing) = writing
                && let Ok(Ok(written)) = writing.await
            {
                staged = written;
            }
            // What can't be deleted now is left to the janitor.
            if let Some(staged) = staged {
                let _ = backend.discard(staged).await;
            }
            let keys = (0..chunks).map(|index| format!("{folder}/{}", id.chunk(index)));
            let _ = backend.delete(keys.collect()).await;
            drop((claim, _memory));
        });
    }
}

const FINISHED: StateError = StateError::Invalid("this spool has ended");
const TOO_MANY: StateError = StateError::Invalid("too many chunks");

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.undo();
    }
}

pub(super) fn chunk_len(backend: &Backend) -> usize {
    if backend.is_directory() { DIRECTORY_CHUNK } else { BUCKET_CHUNK }
}

/// Bytes of a chunk that fills.
#[derive(Debug, Default)]
struct Pieces {
    whole: Vec<Bytes>,
    /// Small pieces, copied behind one another.
    copied: BytesMut,
    len: usize,
}

impl Pieces {
    fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        if piece.len() < COPIED_BELOW {
            self.copied.extend_from_slice(&piece);
        } else {
            self.settle();
            self.whole.push(piece);
        }
    }

    fn settle(&mut self) {
        if !self.copied.is_empty() {
            self.whole.push(self.copied.split().freeze());
        }
    }

    fn take(&mut self) -> Vec<Bytes> {
        self.settle();
        mem::take(self).whole
    }
}

/// CRC-64/NVME over a spool. A file system that lost its power may have a file of the right length
/// and none of its bytes; SHA-256 would tell as well, at ten times the price.
pub(super) struct Checksum(Digest);

impl Checksum {
    pub(super) fn new() -> Self {
        Checksum(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

#[cfg(test)]
mod tests;
