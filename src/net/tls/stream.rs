//! A TLS connection that asks the system seldom, and gives much at a time.
//!
//! rustls reads 4 KiB at a time and gives one record, of at most 16 KiB. For the body of a megabyte that
//! is 256 calls of the system and 64 pieces, each of which the gate would hold, release and write on
//! its own. Here a call reads [`AHEAD_BYTES`], and as many records are given at once as have come and
//! fit.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Bytes that are read ahead of rustls. A connection has them only while some are there.
const AHEAD_BYTES: usize = 128 * 1024;

/// A client's connection in TLS.
pub struct Stream(TlsStream<ReadAhead<TcpStream>>);

impl Stream {
    pub(super) fn new(stream: TlsStream<ReadAhead<TcpStream>>) -> Self {
        Stream(stream)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        while buf.remaining() > 0 {
            let had = buf.filled().len();
            let read = Pin::new(&mut self.0).poll_read(cx, buf);
            let came = buf.filled().len() > had;
            if matches!(read, Poll::Ready(Ok(()))) && came {
                continue;
            }
            // What ended it is said the next time: rustls keeps its errors, and the end is the end.
            return if buf.filled().len() > before { Poll::Ready(Ok(())) } else { read };
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Reads more than is asked for, and keeps it.
pub(super) struct ReadAhead<S> {
    stream: S,
    /// Without memory where nothing is kept.
    kept: BytesMut,
}

impl<S> ReadAhead<S> {
    pub(super) fn new(stream: S) -> Self {
        ReadAhead { stream, kept: BytesMut::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ReadAhead { stream, kept } = &mut *self;
        if kept.is_empty() {
            let mut come = BytesMut::with_capacity(AHEAD_BYTES);
            ready!(pin!(stream.read_buf(&mut come)).poll(cx))?;
            *kept = come;
        }
        let given = kept.len().min(buf.remaining());
        buf.put_slice(&kept[..given]);
        kept.advance(given);
        if kept.is_empty() {
            *kept = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
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
        bufs: &[IoSlice<'_>],
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
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_ahead_is_given_in_order_and_to_the_end() {
        let sent: Vec<u8> = (0..3 * AHEAD_BYTES).map(|i| ((i * 31) >> 3) as u8).collect();
        for step in [1000, AHEAD_BYTES, 2 * AHEAD_BYTES] {
            let mut ahead = ReadAhead::new(&sent[..]);
            let mut got = Vec::new();
            loop {
                let mut piece = vec![0; step];
                let len = ahead.read(&mut piece).await.unwrap();
                if len == 0 {
                    break;
                }
                got.extend_from_slice(&piece[..len]);
            }
            assert!(got == sent, "{step}");
            assert_eq!(ahead.kept.capacity(), 0, "nothing is kept for nothing");
        }
    }
}
