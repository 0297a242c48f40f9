//! One connection to a store, driven by whoever uses it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::gauge::Gauge;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::stream::{Fuse, FusedStream, Stream};
use super::{BUFFER_BYTES, HEADERS_MAX};
use crate::net::alarm::Alarm;
use crate::net::bell::Belled;
use crate::net::body::UpstreamBody;

/// One connection, in the hands of whoever uses it.
pub struct Link {
    sender: http1::SendRequest<UpstreamBody>,
    connection: Connection,
    fuse: Arc<Fuse>,
    address: SocketAddr,
    reused: bool,
    /// For waits on its store, one after another.
    alarm: Alarm,
}

type Connection = Belled<Pin<Box<http1::Connection<TokioIo<FusedStream>, UpstreamBody>>>>;

/// What became of a request that was handed to a connection.
pub type Reply = Result<Response<Incoming>, Failed>;

/// A request that got no answer.
#[derive(Debug)]
pub struct Failed {
    /// hyper's account of it.
    pub error: hyper::Error,
    /// Whether nothing of the request has been written.
    pub unsent: bool,
}

impl Link {
    /// Speaks HTTP on a stream to `address`. `open` counts the connection while it lives.
    pub(super) async fn new(stream: Stream, address: SocketAddr, open: Gauge) -> io::Result<Link> {
        let fuse = Arc::new(Fuse::default());
        let stream = FusedStream::new(stream, fuse.clone(), open);
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .max_buf_size(BUFFER_BYTES)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let connection = Belled::new(Box::pin(connection), 1);
        Ok(Link { sender, connection, fuse, address, reused: false, alarm: Alarm::default() })
    }

    /// Whether it has carried an exchange before: then the store may have closed it meanwhile.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// Notes that it carries no first exchange.
    pub(super) fn set_reused(&mut self) {
        self.reused = true;
    }

    /// Where it leads.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it will be closed.
    pub fn fuse(&self) -> &Fuse {
        &self.fuse
    }

    /// Hands a request over; drive [`Link::poll`] until the reply comes. It is there as soon as it
    /// has come, even to a task that has spent its budget: nobody need be woken for it.
    pub fn send(
        &mut self,
        request: Request<UpstreamBody>,
    ) -> impl Future<Output = Reply> + Send + use<> {
        let reply = self.sender.try_send_request(request);
        self.stir();
        unconstrained(async move {
            reply.await.map_err(|mut failed| {
                let unsent = failed.take_message().is_some();
                Failed { error: failed.into_error(), unsent }
            })
        })
    }

    /// Moves bytes. Ready when the connection has ended; must not be polled again then.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What went wrong, the reply tells.
        Pin::new(&mut self.connection).poll(cx).map(drop)
    }

    /// Moves nothing: ready once `due` has come.
    pub fn poll_due(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll_until(due, cx)
    }

    /// Has it polled again though nothing has come from the network: it has been fed.
    pub fn stir(&mut self) {
        self.connection.stir();
    }

    /// Whether it has said that it takes another request.
    pub(super) fn takes_another(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether the connection stands and takes another request.
    pub(super) fn is_ready(&mut self) -> bool {
        // Not waiting for anything: only what the socket already told counts.
        let mut cx = Context::from_waker(Waker::noop());
        self.poll(&mut cx).is_pending() && self.sender.is_ready()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("fuse", &self.fuse).finish_non_exhaustive()
    }
}
