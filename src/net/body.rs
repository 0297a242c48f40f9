//! The body of a request to the store, which only a commit token can end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::policy::CommitToken;

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

#[derive(Debug, Default)]
struct Pipe {
    queue: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    end: End,
    /// Whether any byte has been taken by the connection.
    begun: bool,
    /// Whether the last byte has been.
    taken: bool,
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
        lock(&self.pipe).queue.push_back(wire);
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

    /// Whether there is a body, and its last byte has not been handed to a connection. Once it has,
    /// the request must not be sent again.
    pub fn is_short(&self) -> bool {
        self.0.as_ref().is_some_and(|pipe| !lock(pipe).taken)
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = Uncommitted;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Uncommitted>>> {
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(None);
        };
        lock(pipe).next()
    }

    fn is_end_stream(&self) -> bool {
        self.pipe.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl Pipe {
    fn next(&mut self) -> Poll<Option<Result<Frame<Bytes>, Uncommitted>>> {
        if let Some(wire) = self.queue.pop_front() {
            self.begun = true;
            self.taken |= self.queue.is_empty() && matches!(self.end, End::Committed(_));
            return Poll::Ready(Some(Ok(Frame::data(wire))));
        }
        match std::mem::replace(&mut self.end, End::Broken) {
            End::Open => {
                self.end = End::Open;
                Poll::Pending
            }
            End::Broken => Poll::Ready(Some(Err(Uncommitted))),
            End::Committed(token) => {
                self.taken = true;
                match self.trailers.take() {
                    Some(trailers) => {
                        self.end = End::Committed(token);
                        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                    }
                    // The token is spent here, and nowhere else.
                    None => Poll::Ready(None),
                }
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

    fn poll(body: &mut UpstreamBody) -> Poll<Option<Result<Frame<Bytes>, Uncommitted>>> {
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

    #[test]
    fn the_last_byte_is_known_to_be_taken() {
        let (mut body, mut feed) = UpstreamBody::fed(Some(2));
        let taken = body.taken();
        feed.push(Bytes::from_static(b"a"));
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(taken.is_short(), "the body may go on");
        feed.push(Bytes::from_static(b"b"));
        feed.commit(token(), None);
        assert!(taken.is_short());
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(!taken.is_short());
    }
}
