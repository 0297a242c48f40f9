//! The payload of a body, kept for whoever looks at it again: to unpack it, or to spool it.

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied together: a share of a read buffer costs more than their bytes.
const SMALL_PIECE: usize = 1024;

/// A run of copied pieces is closed at this length.
const RUN_MAX: usize = 16 * 1024;

/// Payload bytes in order. Large pieces are references to what was read.
#[derive(Debug)]
pub struct Kept {
    pieces: Vec<Bytes>,
    /// Small pieces under collection; they stand behind the others.
    run: BytesMut,
    bytes: u64,
    /// What comes when so many bytes are kept is not.
    most: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { pieces: Vec::new(), run: BytesMut::new(), bytes: 0, most: u64::MAX }
    }
}

impl Kept {
    /// From here on keeps no more than the first so many bytes.
    pub fn set_most(&mut self, most: u64) {
        self.most = most;
    }

    /// Adds the next bytes.
    pub fn push(&mut self, mut piece: Bytes) {
        let room = self.most.saturating_sub(self.bytes);
        piece.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        if piece.is_empty() {
            return;
        }
        self.bytes += piece.len() as u64;
        if piece.len() >= SMALL_PIECE {
            self.close_run();
            self.pieces.push(piece);
            return;
        }
        self.run.extend_from_slice(&piece);
        if self.run.len() >= RUN_MAX {
            self.close_run();
        }
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All there is, and begins anew.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.close_run();
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn close_run(&mut self) {
        if !self.run.is_empty() {
            self.pieces.push(self.run.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_back_in_order(lengths in prop::collection::vec(0usize..3000, 0..60)) {
            let mut kept = Kept::default();
            let mut expected = Vec::new();
            for (n, length) in lengths.into_iter().enumerate() {
                let piece = vec![n as u8; length];
                expected.extend_from_slice(&piece);
                kept.push(Bytes::from(piece));
                prop_assert_eq!(kept.bytes(), expected.len() as u64);
            }
            prop_assert_eq!(kept.take().concat(), expected);
            prop_assert_eq!((kept.bytes(), kept.take().len()), (0, 0));
        }
    }

    #[test]
    fn no_more_is_kept_than_the_first_bytes() {
        let mut kept = Kept::default();
        kept.set_most(2500);
        (0..4).for_each(|n| kept.push(Bytes::from(vec![n; 1000])));
        let expected = [vec![0; 1000], vec![1; 1000], vec![2; 500]].concat();
        assert_eq!((kept.bytes(), kept.take().concat()), (2500, expected));
    }

    #[test]
    fn single_bytes_do_not_cost_an_entry_each() {
        let mut kept = Kept::default();
        (0..RUN_MAX * 3).for_each(|_| kept.push(Bytes::from_static(b"x")));
        assert_eq!(kept.take().len(), 3);
    }
}
