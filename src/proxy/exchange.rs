//! One request and its answer on one connection to the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::faults;
use super::parts::complete::Complete;
use crate::net::body::{Feed, Rest, Taken, UpstreamBody};
use crate::net::upstream::{Failed, Link, Reply, Upstream};

/// A request under way at the store.
///
/// Dropping it closes the connection; where a body was under way, by a reset. In a box: it goes by
/// value from whoever feeds it to whoever waits for its answer.
pub struct Exchange {
    upstream: Arc<Upstream>,
    link: Option<Link>,
    reply: Pin<Box<dyn Future<Output = Reply> + Send>>,
    /// Whether the store has said 100 Continue, where it is asked to.
    continued: Option<Arc<AtomicBool>>,
    taken: Taken,
}

/// Why the store gave no answer.
#[derive(Debug)]
pub enum StoreFault {
    /// The connection ended, or what came was no HTTP.
    Failed(Failed),
    /// Nothing came within the response timeout.
    Silent,
}

/// What a store makes of a head whose body waits.
#[derive(Debug)]
pub enum Opening {
    /// It wants the body.
    Continue,
    /// It has given its final answer without the body.
    Final(Response<Incoming>),
    /// It said nothing in time.
    Quiet,
    /// The connection broke.
    Failed,
}

impl Exchange {
    /// Sends a request whose body is none, or comes through a feed.
    pub fn start(
        upstream: &Arc<Upstream>,
        mut link: Link,
        mut request: Request<UpstreamBody>,
    ) -> Box<Self> {
        faults::point("start");
        let asks = request.headers().contains_key(http::header::EXPECT);
        let continued = asks.then(|| Arc::new(AtomicBool::new(false)));
        if let Some(flag) = continued.clone() {
            hyper::ext::on_informational(&mut request, move |answer| {
                if answer.status() == StatusCode::CONTINUE {
                    flag.store(true, Ordering::Relaxed);
                }
            });
        }
        if !request.body().is_end_stream() {
            link.fuse().arm();
        }
        let taken = request.body().taken();
        let reply = Box::pin(link.send(request));
        let upstream = upstream.clone();
        Box::new(Exchange { upstream, link: Some(link), reply, continued, taken })
    }

    /// Moves bytes both ways; ready with the final answer.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        faults::point("drive");
        self.drive(cx);
        // Nothing but the connection, which has just been driven, brings it: a wake-up of its own would
        // have the whole task looked at once more.
        self.reply.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The final answer.
    ///
    /// # Errors
    /// The connection failed, or nothing came within `patience`.
    pub async fn answer(&mut self, patience: Duration) -> Result<Response<Incoming>, StoreFault> {
        let due = Instant::now() + patience;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(reply) = self.poll(cx) {
                return Poll::Ready(reply.map_err(StoreFault::Failed));
            }
            self.poll_due(due, cx).map(|()| Err(StoreFault::Silent))
        })
        .await
    }

    /// Whether the store has said 100 Continue.
    pub fn is_continued(&self) -> bool {
        self.continued.as_ref().is_some_and(|continued| continued.load(Ordering::Relaxed))
    }

    /// Whether the connection had carried an exchange before this one.
    pub fn is_reused(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_reused)
    }

    /// What the store makes of a head whose body waits: it is given `patience` to say so.
    pub async fn opening(&mut self, patience: Duration) -> Opening {
        let due = Instant::now() + patience;
        std::future::poll_fn(|cx| match self.poll(cx) {
            Poll::Ready(Ok(response)) => Poll::Ready(Opening::Final(response)),
            Poll::Ready(Err(_)) => Poll::Ready(Opening::Failed),
            Poll::Pending if self.is_continued() => Poll::Ready(Opening::Continue),
            Poll::Pending => self.poll_due(due, cx).map(|()| Opening::Quiet),
        })
        .await
    }

    /// Whether any byte of the body has been handed to the connection.
    pub fn has_begun(&self) -> bool {
        self.taken.is_begun()
    }

    /// Whether the request may go out again on another connection: nothing of it was written, or
    /// it has a body whose last byte this connection has not been handed.
    pub fn may_be_sent_again(&self, fault: &StoreFault) -> bool {
        match fault {
            StoreFault::Failed(failed) => failed.unsent || self.taken.is_short(),
            StoreFault::Silent => false,
        }
    }

    /// The body, where [`Exchange::may_be_sent_again`] allows it.
    pub fn take_back(&self) -> Rest {
        self.taken.take_back()
    }

    /// The answer's body, which keeps driving the connection. `committed` says that the request's
    /// body, if any, has ended properly, so that the connection may serve again.
    pub fn into_body(mut self, incoming: Incoming, committed: bool) -> RelayBody {
        if committed && let Some(link) = &self.link {
            link.fuse().disarm();
        }
        let link = self.link.take();
        RelayBody {
            ended: incoming.is_end_stream(),
            incoming,
            link,
            upstream: self.upstream.clone(),
            reusable: committed,
            _feed: None,
            complete: None,
        }
    }

    fn poll_due(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Some(link) => link.poll_due(due, cx),
            // It has ended, and what it says of that is there already.
            None => Poll::Ready(()),
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        let Some(link) = &mut self.link else { return };
        if self.taken.stirs() {
            link.stir();
        }
        if link.poll(cx).is_ready() {
            self.link = None;
        }
    }
}

/// The body of a store's answer on its way to the client.
pub struct RelayBody {
    incoming: Incoming,
    link: Option<Link>,
    upstream: Arc<Upstream>,
    /// Whether the connection may serve again once the answer is through.
    reusable: bool,
    ended: bool,
    /// Of a request that the store answered before its body was in: dropping it would end the
    /// connection before the answer has been read.
    _feed: Option<Feed>,
    /// Looks at the answer as it passes.
    complete: Option<Box<Complete>>,
}

impl RelayBody {
    /// Keeps an unfinished request body open until the answer is through.
    pub fn keep_open(mut self, feed: Feed) -> Self {
        self._feed = Some(feed);
        self
    }

    /// Shows the answer to the Complete that it belongs to.
    pub fn shown_to(mut self, complete: Box<Complete>) -> Self {
        self.complete = Some(complete);
        self
    }

    fn show(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, hyper::Error>>>) {
        let Some(complete) = &mut self.complete else { return };
        if let Poll::Ready(Some(Ok(frame))) = polled
            && let Some(bytes) = frame.data_ref()
        {
            complete.see_answer(bytes);
        }
        if self.ended
            && let Some(complete) = self.complete.take()
        {
            complete.answer_ended();
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(link) = &mut self.link
            && link.poll(cx).is_ready()
        {
            self.link = None;
        }
    }
}

impl Drop for RelayBody {
    fn drop(&mut self) {
        if let Some(link) = self.link.take()
            && self.reusable
            && self.ended
        {
            self.upstream.give_back(link);
        }
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.incoming).poll_frame(cx);
        if polled.is_pending() {
            this.drive(cx);
            polled = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        this.ended = matches!(polled, Poll::Ready(None)) || this.incoming.is_end_stream();
        this.show(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
