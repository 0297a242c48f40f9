//! A TLS connection that asks the system seldom, and gives much at a time.

use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::session::{RECORD_BYTES, Session, Turn};
use crate::net::conversation::READ_BYTES;

/// Bytes that are read from the socket at once: as many as are read of a body that comes in the clear.
/// A connection has room for them only while some are there.
const AHEAD_BYTES: usize = READ_BYTES;
/// Bytes that may wait to be sent before more are taken.
const BEHIND_BYTES: usize = 128 * 1024;

/// A client's connection in TLS.
pub struct Stream<S = TcpStream> {
    socket: S,
    session: Session,
    /// Whether the client was told that nothing more is sent.
    closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Agrees with the client on how to speak.
    ///
    /// # Errors
    /// They can't agree, or the connection ends before.
    pub(super) async fn accept(socket: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        let session = Session::new(config).map_err(invalid)?;
        let mut stream = Stream { socket, session, closed: false };
        loop {
            let turn = stream.session.take();
            if let Ok(Turn::Handshake | Turn::More) = turn {
                poll_fn(|cx| stream.poll_send(cx)).await?;
                poll_fn(|cx| stream.poll_receive(RECORD_BYTES, cx)).await?;
                continue;
            }
            // Tickets, or what was wrong. What the system does not take at once is sent with what
            // comes next, and before it: a client that reads nothing yet is not waited for.
            let sent = poll_fn(|cx| Poll::Ready(stream.poll_send(cx))).await;
            turn.map_err(invalid)?;
            return if let Poll::Ready(Err(error)) = sent { Err(error) } else { Ok(stream) };
        }
    }

    /// Reads what has come, at least a byte and no less than `bytes` where there are as many.
    fn poll_receive(&mut self, bytes: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let incoming = self.session.incoming();
        incoming.reserve(bytes);
        let read = pin!(self.socket.read_buf(incoming)).poll(cx);
        if read.is_pending() {
            self.session.give_back();
        }
        match ready!(read)? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Sends all that is to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = self.session.outgoing();
        while !outgoing.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, outgoing))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => outgoing.advance(sent),
            }
        }
        self.session.give_back();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = buf.filled().len();
        loop {
            let read = stream.session.read(buf);
            // Answers to what has come, such as new keys, wait for the socket, and nobody for them.
            if let Poll::Ready(Err(error)) = stream.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            // What was read before an error counts; a session keeps its error.
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            read.map_err(invalid)?;
            if stream.session.is_ended() {
                return Poll::Ready(Ok(()));
            }
            ready!(stream.poll_receive(AHEAD_BYTES, cx))?;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if stream.session.outgoing().len() >= BEHIND_BYTES {
            ready!(stream.poll_send(cx))?;
        }
        let taken = buf.len().min(BEHIND_BYTES);
        stream.session.write(&buf[..taken]).map_err(invalid)?;
        match stream.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    /// Small pieces, as a head and a short body, go into one record.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pieces = bufs.iter().filter(|piece| !piece.is_empty());
        let Some(first) = pieces.next() else { return Poll::Ready(Ok(0)) };
        if first.len() >= RECORD_BYTES || bufs.len() == 1 {
            return self.poll_write(cx, first);
        }
        let mut gathered = Vec::with_capacity(RECORD_BYTES);
        for piece in std::iter::once(first).chain(pieces) {
            let room = RECORD_BYTES - gathered.len();
            gathered.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        self.poll_write(cx, &gathered)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.closed {
            stream.closed = true;
            // Where there is no saying it, the end of the connection says it.
            let _ = stream.session.close();
        }
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.socket).poll_shutdown(cx)
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
