//! Accepting clients, up to a limit, until told to drain.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::downstream::{Busy, Client, Timeouts};
use super::entrance::{Entrance, Refusal};
use super::proxy_protocol::{self, Origin, Progress};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Answered, without reading anything, to a client that finds all connections taken.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\n\
    Retry-After: 1\r\nConnection: close\r\nContent-Length: 115\r\n\r\n\
    <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code>\
    <Message>Too many connections.</Message></Error>";

/// A listening socket and what it serves connections with.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// What a reload changes, and what is counted.
    pub entrance: Arc<Entrance>,
    /// Limits of a connection's phases.
    pub timeouts: Timeouts,
    /// Bytes that a head may have.
    pub max_header_size: usize,
}

/// How far a listener's life has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It accepts.
    Serving,
    /// It accepts no more; connections end with the request that is under way.
    Draining,
    /// Connections end now.
    Ending,
}

/// Counts open connections, up to a limit; waits until there are none.
#[derive(Debug)]
pub struct Connections {
    open: AtomicI64,
    limit: i64,
    none: tokio::sync::Notify,
}

/// Opens a listening socket.
///
/// # Errors
/// The address can't be bound.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl Listener {
    /// Accepts until `stage` says otherwise, and serves each connection in a task of its own.
    /// `answer` is called for each request; its guard belongs into the answer's body. Its future is in
    /// a box: hyper keeps room for it on idle connections too.
    pub async fn accept<A, F, B>(self, mut stage: watch::Receiver<Stage>, answer: A)
    where
        A: Fn(Client, Request<Incoming>, Busy) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + Unpin + 'static,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        let shared = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stage.wait_for(|&stage| stage > Stage::Serving) => return,
                accepted = shared.socket.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of descriptors, most likely: what is open must end before more can come.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Some(open) = shared.entrance.connections.open() else {
                shared.entrance.refused.count(Refusal::Full);
                // Nobody in a handshake could read it.
                if shared.entrance.tls().is_none() {
                    tokio::spawn(turn_away(stream));
                }
                continue;
            };
            let (listener, stage, answer) = (shared.clone(), stage.clone(), answer.clone());
            tokio::spawn(async move {
                let _open = open;
                listener.serve(stream, peer, stage, answer).await;
            });
        }
    }

    async fn serve<A, F, B>(
        &self,
        mut stream: TcpStream,
        mut peer: SocketAddr,
        mut stage: watch::Receiver<Stage>,
        answer: A,
    ) where
        A: Fn(Client, Request<Incoming>, Busy) -> F,
        F: Future<Output = Response<B>> + Unpin,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        // In boxes of their own: room for a header, for a handshake, or for TLS, would stay in every
        // connection's task.
        let announced = self.entrance.terms().announced;
        if announced {
            if !self.entrance.terms().proxies.include(peer.ip().to_canonical()) {
                return self.refuse(Refusal::Stranger, peer, &"it is not trusted");
            }
            match Box::pin(self.in_time(&mut stage, announcement(&mut stream))).await {
                Ok(Origin::Client(client)) => peer = client,
                Ok(Origin::Socket) => {}
                Err(error) => return self.refuse(Refusal::Header, peer, &error),
            }
        }
        match self.entrance.tls() {
            None => Box::pin(self.converse(stream, peer, stage, answer)).await,
            Some(tls) => match Box::pin(self.in_time(&mut stage, tls.accept(stream))).await {
                Ok(stream) => Box::pin(self.converse(stream, peer, stage, answer)).await,
                Err(error) => self.refuse(Refusal::Handshake, peer, &error),
            },
        }
    }

    /// What comes before the first request may take as long as a head, and no longer than the gate
    /// lives.
    async fn in_time<T>(
        &self,
        stage: &mut watch::Receiver<Stage>,
        comes: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        tokio::select! {
            come = tokio::time::timeout(self.timeouts.header, comes) => {
                come.unwrap_or_else(|late| Err(late.into()))
            }
            _ = stage.wait_for(|&stage| stage >= Stage::Ending) => {
                Err(io::ErrorKind::Interrupted.into())
            }
        }
    }

    /// Takes note of a connection that is closed. Whoever can connect can have it happen as often as
    /// they like: no line of the log for each.
    fn refuse(&self, refusal: Refusal, peer: SocketAddr, why: &dyn std::fmt::Display) {
        self.entrance.refused.count(refusal);
        let listener = &self.entrance.name;
        tracing::debug!(listener, %peer, refusal = refusal.name(), %why, "not a connection");
    }
}

/// Reads the PROXY header that a connection begins with, and nothing behind it.
async fn announcement(stream: &mut TcpStream) -> io::Result<Origin> {
    let mut header = Vec::new();
    loop {
        match proxy_protocol::read(&header).map_err(io::Error::other)? {
            Progress::Whole(origin) => return Ok(origin),
            Progress::Wants(bytes) => {
                if (&mut *stream).take(bytes as u64).read_buf(&mut header).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
}

async fn turn_away(mut stream: TcpStream) {
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
}

impl Connections {
    /// None yet, and at most `limit` at once.
    pub fn new(limit: i64) -> Arc<Self> {
        let (open, none) = (AtomicI64::new(0), tokio::sync::Notify::new());
        Arc::new(Connections { open, limit, none })
    }

    /// As many as may be open.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// Connections that are open.
    pub fn count(&self) -> i64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Waits until none is open.
    pub async fn ended(&self) {
        loop {
            let none = self.none.notified();
            if self.count() == 0 {
                return;
            }
            none.await;
        }
    }

    fn open(self: &Arc<Self>) -> Option<Open> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Open(self.clone()))
    }
}

/// One open connection.
struct Open(Arc<Connections>);

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.none.notify_waiters();
        }
    }
}
