//! One client connection: its phases and their timeouts.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a connection may stay in a phase.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a head to its last.
    pub header: Duration,
    /// Between an answer and the first byte of the next head.
    pub idle: Duration,
}

/// What a connection is doing, shared by its socket, its requests and its timer.
///
/// hyper's own header timeout also runs between requests, so that it can't tell a slow head from an
/// idle connection.
#[derive(Debug)]
pub struct Activity(AtomicU64);

/// The phase in the low two bits, its start in milliseconds above them.
const IDLE: u64 = 0;
const HEAD: u64 = 1;
const BUSY: u64 = 2;

impl Activity {
    /// A connection that has just been opened: its first head is due.
    pub fn new() -> Arc<Self> {
        Arc::new(Activity(AtomicU64::new(word(HEAD))))
    }

    /// A request has come and is being answered until the guard is dropped.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.0.store(word(BUSY), Ordering::Relaxed);
        Busy(self.clone())
    }

    /// When the connection is due to be closed, if nothing happens.
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let word = self.0.load(Ordering::Relaxed);
        let since = epoch() + Duration::from_millis(word >> 2);
        match word & 3 {
            IDLE => Some(since + timeouts.idle),
            HEAD => Some(since + timeouts.header),
            _ => None,
        }
    }

    fn bytes_came(&self) {
        if self.0.load(Ordering::Relaxed) & 3 == IDLE {
            self.0.store(word(HEAD), Ordering::Relaxed);
        }
    }
}

/// A request under way. See [`Activity::busy`].
#[derive(Debug)]
pub struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.store(word(IDLE), Ordering::Relaxed);
    }
}

fn word(phase: u64) -> u64 {
    (epoch().elapsed().as_millis() as u64) << 2 | phase
}

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// A client's socket that notes when bytes come.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    /// Notes what comes on `stream` in `activity`.
    pub fn new(stream: S, activity: Arc<Activity>) -> Self {
        Watched { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_own_deadline() {
        let timeouts = Timeouts { header: Duration::from_secs(10), idle: Duration::from_secs(75) };
        let activity = Activity::new();
        let head = activity.deadline(&timeouts).unwrap();
        let busy = activity.busy();
        assert_eq!(activity.deadline(&timeouts), None, "an answer may take as long as it takes");
        activity.bytes_came();
        assert_eq!(activity.deadline(&timeouts), None, "the body's bytes start no head");
        drop(busy);
        let idle = activity.deadline(&timeouts).unwrap();
        assert!(idle >= head + Duration::from_secs(65));
        activity.bytes_came();
        assert!(activity.deadline(&timeouts).unwrap() < idle);
    }
}
