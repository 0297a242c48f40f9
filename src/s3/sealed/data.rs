//! The data of a chunk while its last byte has not come.

use bytes::{Bytes, BytesMut};
use sha2::Digest as _;

use crate::digest::Sha256;

/// Pieces below this size in bytes are copied together: a client that sends a byte at a time would
/// otherwise have each of them cost a handle of 32 bytes and keep its buffer alive.
const PIECE_MIN: usize = 4096;

/// The data in the pieces in which it came, hashed as it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    pieces: Vec<Bytes>,
    /// What came in small pieces behind `pieces`.
    small: BytesMut,
    len: usize,
    hasher: sha2::Sha256,
}

impl Data {
    /// In bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        self.hasher.update(&piece);
        self.len += piece.len();
        if piece.len() < PIECE_MIN {
            self.small.extend_from_slice(&piece);
        } else {
            self.settle();
            self.pieces.push(piece);
        }
    }

    /// The digest of all of it. The next one begins behind it.
    pub(super) fn digest(&mut self) -> Sha256 {
        Sha256(self.hasher.finalize_reset().into())
    }

    /// Hands it out in order; nothing of it stays.
    pub(super) fn take(&mut self, emit: &mut impl FnMut(Bytes)) {
        self.settle();
        self.pieces.drain(..).for_each(emit);
        self.len = 0;
    }

    fn settle(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }
}
