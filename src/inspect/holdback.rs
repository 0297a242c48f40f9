//! What of a body may go out before its verdict.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied together: a client that sends one byte at a time must not cost a
/// queue entry, and a share of a read buffer, for each.
const SMALL_PIECE: usize = 1024;

/// A run of copied pieces is closed at the first allowed cut from here on…
const RUN_MIN: usize = 4 * 1024;

/// …and here at the latest.
const RUN_MAX: usize = 16 * 1024;

/// The held end of a body, in wire bytes, counted in payload bytes.
///
/// With a limit of [`HoldBack::EVERYTHING`] nothing is let out (the *whole* guard); with a smaller
/// one all but the last `limit` bytes of payload are (the *tail* guard). Whatever is let out ends at
/// an allowed cut, which for framed bodies lies inside a data chunk, so that a body cut off there
/// is incomplete in every reading.
#[derive(Debug)]
pub struct HoldBack {
    queue: VecDeque<Segment>,
    /// Small pieces under collection; they stand behind the queue.
    run: BytesMut,
    run_payload: u64,
    /// Payload bytes in `queue` and `run`.
    held_payload: u64,
    /// Wire bytes in `queue` and `run`.
    held_wire: u64,
    limit: u64,
}

#[derive(Debug)]
struct Segment {
    wire: Bytes,
    payload: u64,
    /// Whether a body may be cut off behind this segment.
    cut: bool,
}

impl HoldBack {
    /// The limit that lets nothing out.
    pub const EVERYTHING: u64 = u64::MAX;

    /// Holds at least the last `limit` bytes of payload.
    pub fn new(limit: u64) -> Self {
        HoldBack {
            queue: VecDeque::new(),
            run: BytesMut::new(),
            run_payload: 0,
            held_payload: 0,
            held_wire: 0,
            limit,
        }
    }

    /// From now on holds at least the last `limit` bytes of payload.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Wire bytes held.
    pub fn held(&self) -> u64 {
        self.held_wire
    }

    /// Takes the next piece of the body, of which `payload` bytes are payload. `cut` says whether
    /// the body may be cut off behind it.
    pub fn push(&mut self, wire: Bytes, payload: u64, cut: bool) {
        if wire.is_empty() {
            return;
        }
        self.held_payload += payload;
        self.held_wire += wire.len() as u64;
        if wire.len() >= SMALL_PIECE {
            self.close_run(false);
            self.queue.push_back(Segment { wire, payload, cut });
            return;
        }
        self.run.extend_from_slice(&wire);
        self.run_payload += payload;
        if (cut && self.run.len() >= RUN_MIN) || self.run.len() >= RUN_MAX {
            self.close_run(cut);
        }
    }

    /// The next wire bytes that may go out under the limit, in order.
    pub fn pop(&mut self) -> Option<Bytes> {
        // A group is everything up to and with the next allowed cut: it goes whole or not at all.
        let mut payload = 0;
        for segment in &self.queue {
            payload += segment.payload;
            if self.held_payload - payload < self.limit {
                return None;
            }
            if segment.cut {
                return self.release_front();
            }
        }
        None
    }

    /// Everything that is held, in order: the verdict lets the body pass.
    pub fn drain(mut self) -> impl Iterator<Item = Bytes> {
        self.close_run(false);
        self.queue.into_iter().map(|segment| segment.wire)
    }

    fn release_front(&mut self) -> Option<Bytes> {
        let segment = self.queue.pop_front()?;
        self.held_payload -= segment.payload;
        self.held_wire -= segment.wire.len() as u64;
        // The rest of its group is due too: its payload is behind the limit already.
        Some(segment.wire)
    }

    fn close_run(&mut self, cut: bool) {
        if self.run.is_empty() {
            return;
        }
        let wire = self.run.split().freeze();
        let payload = std::mem::take(&mut self.run_payload);
        self.queue.push_back(Segment { wire, payload, cut });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn released(hold: &mut HoldBack) -> Vec<u8> {
        std::iter::from_fn(|| hold.pop()).flatten().collect()
    }

    #[test]
    fn nothing_goes_out_of_a_body_held_whole() {
        let mut hold = HoldBack::new(HoldBack::EVERYTHING);
        hold.push(Bytes::from(vec![1; 100_000]), 100_000, true);
        assert_eq!(hold.pop(), None);
        hold.set_limit(10);
        hold.push(Bytes::from(vec![2; 2000]), 2000, true);
        assert_eq!(released(&mut hold).len(), 100_000);
        assert_eq!(hold.drain().map(|b| b.len()).sum::<usize>(), 2000);
    }

    #[test]
    fn a_group_goes_out_to_its_cut_or_not_at_all() {
        let mut hold = HoldBack::new(2000);
        hold.push(Bytes::from(vec![1; 3000]), 3000, false);
        hold.push(Bytes::from(vec![2; 1500]), 0, false);
        assert_eq!(hold.pop(), None, "no allowed cut yet");
        hold.push(Bytes::from(vec![3; 3000]), 3000, true);
        assert_eq!(hold.pop(), None, "the cut is not 2000 payload bytes from the end");
        hold.push(Bytes::from(vec![4; 2000]), 2000, false);
        assert_eq!(released(&mut hold).len(), 7500);
        assert_eq!(hold.held(), 2000);
    }

    #[test]
    fn single_bytes_do_not_cost_an_entry_each() {
        let mut hold = HoldBack::new(64 * 1024);
        for _ in 0..64 * 1024 {
            hold.push(Bytes::from_static(b"x"), 1, true);
        }
        assert!(hold.queue.len() <= 64 * 1024 / RUN_MIN);
        assert_eq!(hold.pop(), None);
    }

    proptest! {
        /// Invariant 1 and the tail guard: order and bytes kept, at least the limit held.
        #[test]
        fn bytes_pass_in_order_and_the_limit_is_held(
            pieces in prop::collection::vec((1usize..6000, any::<bool>(), any::<bool>()), 0..60),
            limit in 0u64..20_000,
        ) {
            let mut hold = HoldBack::new(limit);
            let (mut sent, mut out, mut payload_in, mut next) = (vec![], vec![], 0u64, 0u8);
            let mut cuts = vec![0usize];
            for (len, is_payload, cut) in pieces {
                let wire: Vec<u8> = (0..len).map(|_| { next = next.wrapping_add(1); next }).collect();
                sent.extend_from_slice(&wire);
                if cut { cuts.push(sent.len()); }
                let payload = if is_payload { len as u64 } else { 0 };
                payload_in += payload;
                hold.push(Bytes::from(wire), payload, cut);
                out.extend(released(&mut hold));
                prop_assert!(cuts.contains(&out.len()), "released up to a place that is no cut");
            }
            prop_assert!(hold.held_payload >= limit.min(payload_in));
            out.extend(hold.drain().flatten());
            prop_assert_eq!(out, sent);
        }
    }
}
