//! The body of a request to the store, which only a commit token can end.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::policy::CommitToken;

/// Bytes that are handed to the connection at once, if they come in several pieces. Each write costs
/// a pass through the network's stack, and much more than this no socket takes at once
/// (`cargo bench --bench relay`).
const PIECES_BYTES_MAX: usize = 576 * 1024;

/// Pieces that are handed over at once: hyper writes up to 64 slices with one system call, and of
/// each chunk three are its own.
const PIECES_MAX: usize = 60;

/// The body as hyper sees it.
///
/// It ends in one way only: [`Feed::commit`] was called with a token and everything fed has been
/// taken. A feed that was dropped, by a panic, a cancelled task or a vanished client alike, makes it
/// an error, and hyper then closes the connection instead of ending the message.
#[derive(Debug)]
pub struct UpstreamBody {
    pipe: Option<Arc<Mutex<Pipe>>>,
    length: Option<u64>,
}

/// The other end: what is fed here goes to the store.
///
/// Both ends are polled by one task, which polls the connection after each feed: no waker is kept.
#[derive(Debug)]
pub struct Feed {
    pipe: Arc<Mutex<Pipe>>,
}

/// Pieces of a body that go out together: one system call for as many as the socket takes.
#[derive(Debug)]
pub struct Pieces {
    /// None of them is empty.
    pieces: VecDeque<Bytes>,
    /// Their length together.
    bytes: usize,
    /// Where it is noted how much of them has been written.
    pipe: Arc<Mutex<Pipe>>,
}

#[derive(Debug, Default)]
struct Pipe {
    queue: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    end: End,
    /// Whether any byte has been taken by the connection.
    begun: bool,
    /// Whether the last byte has been.
    taken: bool,
    /// Bytes that the connection has and no socket has taken yet.
    unwritten: usize,
}

#[derive(Debug, Default)]
enum End {
    #[default]
    Open,
    Committed(CommitToken),
    Broken,
}

/// The feed was dropped before it was committed: the message must not end.
#[derive(Debug, thiserror::Error)]
#[error("the body was given up before its verdict")]
pub struct Uncommitted;

impl UpstreamBody {
    /// The body of a request that has none.
    pub fn none() -> Self {
        UpstreamBody { pipe: None, length: Some(0) }
    }

    /// A body and its feed. `length` is in bytes, as the client declared it: hyper frames the
    /// message with it, or in chunks where there is none.
    pub fn fed(length: Option<u64>) -> (Self, Feed) {
        let pipe = Arc::new(Mutex::new(Pipe::default()));
        (UpstreamBody { pipe: Some(pipe.clone()), length }, Feed { pipe })
    }
}

impl Feed {
    /// Hands on bytes whose time has come.
    pub fn push(&mut self, wire: Bytes) {
        if !wire.is_empty() {
            lock(&self.pipe).queue.push_back(wire);
        }
    }

    /// Whether the connection has taken everything fed so far.
    pub fn is_drained(&self) -> bool {
        lock(&self.pipe).queue.is_empty()
    }

    /// Ends the body behind what has been fed.
    pub fn commit(self, token: CommitToken, trailers: Option<HeaderMap>) {
        let mut pipe = lock(&self.pipe);
        pipe.trailers = trailers;
        pipe.end = End::Committed(token);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut pipe = lock(&self.pipe);
        if let End::Open = pipe.end {
            pipe.end = End::Broken;
            pipe.queue.clear();
        }
    }
}

/// Tells, after the body itself has gone to hyper, how much of it has been taken.
#[derive(Debug, Clone)]
pub struct Taken(Option<Arc<Mutex<Pipe>>>);

impl UpstreamBody {
    /// A view that outlives the body.
    pub fn taken(&self) -> Taken {
        Taken(self.pipe.clone())
    }
}

impl Taken {
    /// Whether any byte of the body has been handed to a connection.
    pub fn is_begun(&self) -> bool {
        self.0.as_ref().is_some_and(|pipe| lock(pipe).begun)
    }

    /// Whether there is a body, and its last byte has not gone out to a socket. Once it has, the
    /// request must not be sent again.
    pub fn is_short(&self) -> bool {
        self.0.as_ref().is_some_and(|pipe| {
            let pipe = lock(pipe);
            !pipe.taken || pipe.unwritten > 0
        })
    }
}

impl Body for UpstreamBody {
    type Data = Pieces;
    type Error = Uncommitted;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Uncommitted>>> {
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(None);
        };
        Pipe::next(pipe)
    }

    fn is_end_stream(&self) -> bool {
        self.pipe.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl Pipe {
    fn next(shared: &Arc<Mutex<Pipe>>) -> Poll<Option<Result<Frame<Pieces>, Uncommitted>>> {
        let pipe = &mut *lock(shared);
        if !pipe.queue.is_empty() {
            let (pieces, bytes) = pipe.take();
            pipe.begun = true;
            pipe.unwritten += bytes;
            pipe.taken |= pipe.queue.is_empty() && matches!(pipe.end, End::Committed(_));
            let pieces = Pieces { pieces, bytes, pipe: shared.clone() };
            return Poll::Ready(Some(Ok(Frame::data(pieces))));
        }
        match std::mem::replace(&mut pipe.end, End::Broken) {
            End::Open => {
                pipe.end = End::Open;
                Poll::Pending
            }
            End::Broken => Poll::Ready(Some(Err(Uncommitted))),
            End::Committed(token) => {
                pipe.taken = true;
                match pipe.trailers.take() {
                    Some(trailers) => {
                        pipe.end = End::Committed(token);
                        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                    }
                    // The token is spent here, and nowhere else.
                    None => Poll::Ready(None),
                }
            }
        }
    }

    /// The first pieces of the queue, at least one of them, and their length together.
    fn take(&mut self) -> (VecDeque<Bytes>, usize) {
        let (mut count, mut bytes) = (0, 0);
        for piece in self.queue.iter().take(PIECES_MAX) {
            if bytes > 0 && bytes + piece.len() > PIECES_BYTES_MAX {
                break;
            }
            count += 1;
            bytes += piece.len();
        }
        let pieces = match count == self.queue.len() {
            true => std::mem::take(&mut self.queue),
            false => self.queue.drain(..count).collect(),
        };
        (pieces, bytes)
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let count = into.len().min(self.pieces.len());
        for (slice, piece) in into.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.bytes, "the contract of Buf");
        self.bytes -= count;
        lock(&self.pipe).unwritten -= count;
        while let Some(front) = self.pieces.front_mut()
            && count > 0
        {
            let step = count.min(front.len());
            front.advance(step);
            count -= step;
            if front.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

fn lock(pipe: &Arc<Mutex<Pipe>>) -> std::sync::MutexGuard<'_, Pipe> {
    // A poisoned pipe is still a pipe: its state is whole after every statement above.
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::policy::{Mode, Outcome, Verdict};

    fn token() -> CommitToken {
        Verdict { outcome: Outcome::Allow, matched: None, mode: Mode::Enforce }.token().unwrap()
    }

    fn poll(body: &mut UpstreamBody) -> Poll<Option<Result<Frame<Pieces>, Uncommitted>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    /// Invariant 2: the end of the body needs the token; everything else is an error.
    #[test]
    fn only_a_token_ends_the_body() {
        let (mut body, mut feed) = UpstreamBody::fed(None);
        feed.push(Bytes::from_static(b"x"));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(poll(&mut body).is_pending());
        feed.commit(token(), None);
        assert!(matches!(poll(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn a_dropped_feed_is_an_error_and_takes_its_bytes_along() {
        let (mut body, mut feed) = UpstreamBody::fed(Some(2));
        feed.push(Bytes::from_static(b"x"));
        drop(feed);
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))), "and stays one");
    }

    #[test]
    fn a_panic_while_feeding_is_an_error() {
        let (mut body, mut feed) = UpstreamBody::fed(None);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            feed.push(Bytes::from_static(b"x"));
            panic!("on purpose");
        }));
        assert!(caught.is_err());
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
    }

    /// The next pieces of the body.
    fn pieces(body: &mut UpstreamBody) -> Pieces {
        match poll(body) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_byte_is_known_to_be_written() {
        let (mut body, mut feed) = UpstreamBody::fed(Some(2));
        let taken = body.taken();
        feed.push(Bytes::from_static(b"a"));
        pieces(&mut body).advance(1);
        assert!(taken.is_short(), "the body may go on");
        feed.push(Bytes::from_static(b"b"));
        feed.commit(token(), None);
        assert!(taken.is_short());
        let mut last = pieces(&mut body);
        assert!(taken.is_short(), "a connection has it, its socket has not");
        last.advance(1);
        assert!(!taken.is_short());
    }

    #[test]
    fn what_a_connection_took_along_was_not_written() {
        let (mut body, mut feed) = UpstreamBody::fed(Some(3));
        let taken = body.taken();
        feed.push(Bytes::from_static(b"abc"));
        feed.commit(token(), None);
        let mut broken = pieces(&mut body);
        broken.advance(2);
        drop(broken);
        drop(body);
        assert!(taken.is_begun() && taken.is_short());
    }

    /// Writes all of `pieces` as a socket would that has so many slots and takes so many bytes.
    fn written(mut pieces: Pieces, slots: usize, bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while pieces.has_remaining() {
            let mut slices = vec![IoSlice::new(&[]); slots];
            let count = pieces.chunks_vectored(&mut slices);
            let offered: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter()).copied().collect();
            assert_eq!(offered.first(), pieces.chunk().first());
            let step = bytes.min(offered.len());
            out.extend_from_slice(&offered[..step]);
            pieces.advance(step);
        }
        assert!(pieces.chunk().is_empty());
        out
    }

    #[test]
    fn pieces_are_written_in_order_however_much_a_socket_takes() {
        let text = b"in pieces of one, two, three and so on";
        for bytes in 1..=text.len() {
            for slots in 1..5 {
                let (mut body, mut feed) = UpstreamBody::fed(None);
                let (mut rest, mut length) = (&text[..], 0);
                while !rest.is_empty() {
                    let (piece, behind) = rest.split_at(rest.len().min(length));
                    feed.push(Bytes::from_static(piece));
                    (rest, length) = (behind, length + 1);
                }
                let taken = body.taken();
                feed.commit(token(), None);
                assert_eq!(written(pieces(&mut body), slots, bytes), text);
                assert!(!taken.is_short());
                assert!(matches!(poll(&mut body), Poll::Ready(None)));
            }
        }
    }

    #[test]
    fn so_much_goes_out_together_and_no_more() {
        let (mut body, mut feed) = UpstreamBody::fed(None);
        let lengths = [PIECES_BYTES_MAX - 1, 1, 1, PIECES_BYTES_MAX + 1, 1];
        lengths.iter().for_each(|&length| feed.push(Bytes::from(vec![0; length])));
        let taken = [(); 4].map(|()| pieces(&mut body).remaining());
        assert_eq!(taken, [PIECES_BYTES_MAX, 1, PIECES_BYTES_MAX + 1, 1]);
        (0..=PIECES_MAX).for_each(|_| feed.push(Bytes::from_static(b"x")));
        assert_eq!(pieces(&mut body).remaining(), PIECES_MAX);
        assert_eq!(pieces(&mut body).remaining(), 1);
        assert!(feed.is_drained());
    }
}
