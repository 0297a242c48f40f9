//! Connections to the store.
//!
//! A connection is driven by the task of the request that uses it, so that a request costs no
//! wake-up of another task, and whatever becomes of that task becomes of the connection: it goes
//! back to the pool only when an exchange has ended cleanly, else it is closed, and reset while a
//! body is under way.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::bell::Belled;
use super::body::UpstreamBody;

/// Bytes that a connection may buffer in each direction before it takes no more of a body. hyper's
/// default is 408 KiB, which a few thousand active uploads would turn into gigabytes.
pub const BUFFER_BYTES: usize = 128 * 1024;

/// Headers that a message may have. SDKs with much metadata send more than hyper's default of 100.
pub const HEADERS_MAX: usize = 256;

/// How a store is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How long a connection may take to be established.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept; below the store's own idle timeout.
    pub idle_timeout: Duration,
    /// Unused connections kept at most.
    pub max_idle: usize,
}

/// A store and the idle connections to it.
#[derive(Debug)]
pub struct Upstream {
    options: Options,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    since: Instant,
}

/// One connection, in the hands of whoever uses it.
pub struct Link {
    sender: http1::SendRequest<UpstreamBody>,
    connection: Connection,
    fuse: Arc<Fuse>,
    reused: bool,
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

impl Upstream {
    /// A store without connections yet.
    pub fn new(options: Options) -> Arc<Self> {
        Arc::new(Upstream { options, idle: Mutex::new(Vec::new()) })
    }

    /// How it is reached.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A connection that was used before and still stands, if there is one.
    pub fn reuse(&self) -> Option<Link> {
        loop {
            let Idle { mut link, since } = self.lock().pop()?;
            if since.elapsed() < self.options.idle_timeout && link.is_ready() {
                link.reused = true;
                return Some(link);
            }
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// The name does not resolve, or nobody accepts within the connect timeout.
    pub async fn connect(&self) -> io::Result<Link> {
        let Options { host, port, connect_timeout, .. } = &self.options;
        let connecting = TcpStream::connect((host.as_str(), *port));
        let stream = tokio::time::timeout(*connect_timeout, connecting)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Link::handshake(stream).await
    }

    /// Takes back a connection whose exchange has ended cleanly; closes it where it has not.
    pub fn give_back(&self, mut link: Link) {
        link.stir();
        if !link.is_ready() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() < self.options.max_idle {
            idle.push(Idle { link, since: Instant::now() });
        }
    }

    /// Closes connections that have been idle for too long. To be called every few seconds.
    pub fn reap(&self) {
        let expired: Vec<Idle> = {
            let mut idle = self.lock();
            let fresh = idle.partition_point(|i| i.since.elapsed() >= self.options.idle_timeout);
            idle.drain(..fresh).collect()
        };
        drop(expired); // closes sockets: not under the lock
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    async fn handshake(stream: TcpStream) -> io::Result<Link> {
        stream.set_nodelay(true)?;
        let fuse = Arc::new(Fuse::default());
        let stream = FusedStream { stream, fuse: fuse.clone() };
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .max_buf_size(BUFFER_BYTES)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Link { sender, connection: Belled::new(Box::pin(connection), 1), fuse, reused: false })
    }

    /// Whether it has carried an exchange before: then the store may have closed it meanwhile.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// How it will be closed.
    pub fn fuse(&self) -> &Fuse {
        &self.fuse
    }

    /// Hands a request over; drive [`Link::poll`] until the reply comes.
    pub fn send(
        &mut self,
        request: Request<UpstreamBody>,
    ) -> impl Future<Output = Reply> + Send + use<> {
        let reply = self.sender.try_send_request(request);
        self.stir();
        async move {
            reply.await.map_err(|mut failed| {
                let unsent = failed.take_message().is_some();
                Failed { error: failed.into_error(), unsent }
            })
        }
    }

    /// Moves bytes. Ready when the connection has ended; must not be polled again then.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What went wrong, the reply tells.
        Pin::new(&mut self.connection).poll(cx).map(drop)
    }

    /// Has it polled again though nothing has come from the network: it has been fed.
    pub fn stir(&mut self) {
        self.connection.stir();
    }

    /// Whether the connection stands and takes another request.
    fn is_ready(&mut self) -> bool {
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

/// How a connection is to be closed.
#[derive(Debug, Default)]
pub struct Fuse {
    /// A body is under way: closing now must be a reset, so that no store takes the end of the
    /// stream for the end of the body.
    armed: AtomicBool,
}

impl Fuse {
    /// From here on, closing is a reset.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }

    /// The body has ended properly: closing is closing again.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }
}

/// A TCP stream that is reset, not closed, while its fuse is armed.
#[derive(Debug)]
struct FusedStream {
    stream: TcpStream,
    fuse: Arc<Fuse>,
}

impl AsyncRead for FusedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FusedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fuse.is_armed() {
            // No FIN: dropping resets.
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for FusedStream {
    fn drop(&mut self) {
        if self.fuse.is_armed() {
            // Without this, a close is a FIN; versitygw and old MinIO publish what came before it.
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// Addresses are only resolved when connecting; this is for the log line at start.
pub async fn resolve(options: &Options) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((options.host.as_str(), options.port)).await?.collect())
}
