//! Accepting clients, up to a limit, until told to drain.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::downstream::{Activity, Busy, Timeouts, Watched};
use super::tls::Tls;
use super::upstream::{BUFFER_BYTES, HEADERS_MAX};

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
    /// TLS, if connections come in it.
    pub tls: Option<Arc<Tls>>,
    /// Limits of a connection's phases.
    pub timeouts: Timeouts,
    /// Bytes that a head may have.
    pub max_header_size: usize,
    /// Connections that may be open at once.
    pub max_connections: i64,
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

/// Counts open connections; waits until there are none.
#[derive(Debug, Default)]
pub struct Connections {
    open: AtomicI64,
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
    /// `answer` is called for each request; its guard belongs into the answer's body.
    pub async fn accept<A, F, B>(
        self,
        connections: Arc<Connections>,
        mut stage: watch::Receiver<Stage>,
        answer: A,
    ) where
        A: Fn(SocketAddr, Request<Incoming>, Busy) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
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
            let Some(open) = connections.open(shared.max_connections) else {
                tokio::spawn(turn_away(stream));
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
        stream: TcpStream,
        peer: SocketAddr,
        stage: watch::Receiver<Stage>,
        answer: A,
    ) where
        A: Fn(SocketAddr, Request<Incoming>, Busy) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        match &self.tls {
            None => self.converse(stream, peer, stage, answer).await,
            Some(tls) => {
                let handshake =
                    tokio::time::timeout(self.timeouts.header, tls.current().accept(stream));
                if let Ok(Ok(stream)) = handshake.await {
                    self.converse(stream, peer, stage, answer).await;
                }
            }
        }
    }

    async fn converse<S, A, F, B>(
        &self,
        stream: S,
        peer: SocketAddr,
        mut stage: watch::Receiver<Stage>,
        answer: A,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
        A: Fn(SocketAddr, Request<Incoming>, Busy) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        let activity = Activity::new();
        let io = TokioIo::new(Watched::new(stream, activity.clone()));
        let service = service_fn(|request| {
            let answering = answer(peer, request, activity.busy());
            async { Ok::<_, Infallible>(answering.await) }
        });
        let mut connection = pin!(self.http().serve_connection(io, service));
        // Phases change under the timer: it looks at least this often.
        let period = self.timeouts.header.min(self.timeouts.idle);
        let mut timer = pin!(tokio::time::sleep(period));
        let mut next = Stage::Draining;
        loop {
            tokio::select! {
                // What went wrong on a client's connection, its requests' records tell.
                _ = connection.as_mut() => return,
                () = timer.as_mut() => {
                    let now = Instant::now();
                    let next = match activity.deadline(&self.timeouts) {
                        Some(deadline) if deadline <= now => return,
                        Some(deadline) => deadline.min(now + period),
                        None => now + period,
                    };
                    timer.as_mut().reset(next.into());
                }
                told = stage.wait_for(|&stage| stage >= next) => {
                    if told.is_err() || next == Stage::Ending {
                        return;
                    }
                    next = Stage::Ending;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.half_close(true)
            .preserve_header_case(true)
            .auto_date_header(false)
            .header_read_timeout(None)
            .max_buf_size(BUFFER_BYTES.max(self.max_header_size))
            .max_header_size(self.max_header_size)
            .max_headers(HEADERS_MAX);
        http
    }
}

async fn turn_away(mut stream: TcpStream) {
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
}

impl Connections {
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

    fn open(self: &Arc<Self>, limit: i64) -> Option<Open> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= limit {
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
