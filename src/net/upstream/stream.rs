//! A connection's bytes, in the clear or through TLS, and how they end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

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

/// A stream to a store.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP as it is.
    Plain(TcpStream),
    /// TLS over TCP. Boxed: a session takes a kilobyte.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// A stream that is reset, not closed, while its fuse is armed.
///
/// For TLS that means without its own farewell as well: a `close_notify` would say that all has been
/// sent, and neither it nor the FIN may.
#[derive(Debug)]
pub(super) struct FusedStream {
    stream: Stream,
    fuse: Arc<Fuse>,
    open: Gauge,
}

impl FusedStream {
    /// `open` counts it for as long as it lives.
    pub(super) fn new(stream: Stream, fuse: Arc<Fuse>, open: Gauge) -> Self {
        open.inc();
        FusedStream { stream, fuse, open }
    }
}

/// Hands a call on to the stream that it is.
macro_rules! either {
    ($this:ident, $stream:ident => $call:expr) => {
        match &mut $this.stream {
            Stream::Plain($stream) => $call,
            Stream::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for FusedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for FusedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fuse.is_armed() {
            // No FIN: dropping resets.
            return Poll::Ready(Ok(()));
        }
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Drop for FusedStream {
    fn drop(&mut self) {
        self.open.dec();
        if self.fuse.is_armed() {
            // Without this, a close is a FIN; versitygw and old MinIO publish what came before it.
            let _ = self.stream.socket().set_zero_linger();
        }
    }
}
