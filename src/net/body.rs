//! The body of a request to the store, which only a commit token can end.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::budget::Reservation;
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
/// Both ends are polled by one task, which asks [`Taken::stirs`] before it polls the connection: no
/// waker is kept.
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

/// What has not gone out yet of a body: all of it, or its end.
#[derive(Debug, Default)]
pub struct Rest {
    /// Its bytes.
    pub wire: Vec<Bytes>,
    /// The memory that is reserved for them.
    pub room: Option<Reservation>,
}

#[derive(Debug, Default)]
struct Pipe {
    queue: VecDeque<Bytes>,
    /// What was handed on last, for as long as it may have to be sent again.
    rest: Rest,
    trailers: Option<HeaderMap>,
    end: End,
    /// Whether any byte has been taken by the connection.
    begun: bool,
    /// Whether the last byte has been.
    taken: bool,
    /// Bytes that the connection has and no socket has taken yet.
    unwritten: usize,
    /// Whether the feed has done anything since [`Taken::stirs`] last asked.
    stirred: bool,
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
            let mut pipe = lock(&self.pipe);
            pipe.stirred = true;
            pipe.queue.push_back(wire);
        }
    }

    /// Hands on all that is left, which [`Taken::take_back`] gives back if it has to be sent again.
    pub fn push_rest(&mut self, rest: Rest) {
        let mut pipe = lock(&self.pipe);
        pipe.stirred = true;
        pipe.queue.extend(rest.wire.iter().filter(|piece| !piece.is_empty()).cloned());
        pipe.rest = rest;
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
        pipe.stirred = true;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut pipe = lock(&self.pipe);
        if let End::Open = pipe.end {
            pipe.end = End::Broken;
            pipe.queue.clear();
            pipe.rest = Rest::default();
            pipe.stirred = true;
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
    /// Whether the connection has to be polled because of what the feed has done since this was
    /// last asked.
    pub fn stirs(&self) -> bool {
        let stirred = |pipe: &Arc<Mutex<Pipe>>| std::mem::take(&mut lock(pipe).stirred);
        self.0.as_ref().is_some_and(stirred)
    }

    /// Whether any byte of the body has been handed to a connection.
    pub fn is_begun(&self) -> bool {
        self.0.as_ref().is_some_and(|pipe| lock(pipe).begun)
    }

    /// Whether there is a body, and its last byte has not gone out to a socket. Once it has, the
    /// request must not be sent again.
    pub fn is_short(&self) -> bool {
        self.0.as_ref().is_some_and(|pipe| lock(pipe).is_short())
    }

    /// What was handed on last, if it may be sent again.
    pub fn take_back(&self) -> Rest {
        self.0.as_ref().map(|pipe| std::mem::take(&mut lock(pipe).rest)).unwrap_or_default()
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
                pipe.let_go();
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

    /// So many bytes have gone out to a socket.
    fn wrote(&mut self, count: usize) {
        self.unwritten -= count;
        self.let_go();
    }

    /// After its last byte nothing is sent again: a body's memory is free for the next one while the
    /// store takes its time to answer.
    fn let_go(&mut self) {
        if !self.is_short() {
            self.rest = Rest::default();
        }
    }

    fn is_short(&self) -> bool {
        !self.taken || self.unwritten > 0
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
        lock(&self.pipe).wrote(count);
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
mod tests;
