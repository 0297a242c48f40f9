//! One client connection: its phases and their timeouts.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::clock::{coarse_elapsed, coarse_now};

/// How long a connection may stay in a phase.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a head to its last.
    pub header: Duration,
    /// Between an answer and the first byte of the next head.
    pub idle: Duration,
}

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address: the peer's, or the one that a trusted proxy tells.
    pub address: SocketAddr,
    /// How fast it has to send a body.
    pub pace: Pace,
}

/// How fast a client has to send a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Silence after which a body is given up.
    pub idle: Duration,
    /// Bytes a second, on average over each [`Pace::window`] that was spent waiting for the client;
    /// 0 where nobody asks.
    pub min_rate: u64,
}

impl Pace {
    /// Longest time of waiting over which a client's rate is measured: what is too slow by the
    /// minute need not be waited for longer, and a phone that loses its network for a while has the
    /// rest of the minute to make up for it.
    const WINDOW_MAX: Duration = Duration::from_secs(60);

    /// The time of waiting over which a rate is measured; none where nobody asks.
    pub fn window(&self) -> Option<Duration> {
        (self.min_rate > 0).then(|| self.idle.min(Self::WINDOW_MAX))
    }

    /// Whether so many bytes in so much waiting are too few.
    pub fn is_missed_by(&self, bytes: u64, waited: Duration) -> bool {
        u128::from(bytes) * 1000 < u128::from(self.min_rate) * waited.as_millis()
    }
}

/// What holds for a request without a body, or that no listener took.
impl Default for Pace {
    fn default() -> Self {
        Pace { idle: Duration::from_secs(60), min_rate: 0 }
    }
}

/// What a connection is doing, shared by its socket, its requests and its timer.
///
/// hyper's own header timeout also runs between requests, so that it can't tell a slow head from an
/// idle connection.
#[derive(Debug)]
pub struct Activity {
    phase: AtomicU64,
    /// Whether something that was to be written has not gone out yet.
    owing: AtomicBool,
}

/// The phase in the low two bits, its start in milliseconds above them.
const IDLE: u64 = 0;
const HEAD: u64 = 1;
const BUSY: u64 = 2;

impl Activity {
    /// A connection that has just been opened: its first head is due.
    pub fn new() -> Arc<Self> {
        Arc::new(Activity { phase: AtomicU64::new(word(HEAD)), owing: AtomicBool::new(false) })
    }

    /// A request has come and is being answered until the guard is dropped.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.phase.store(word(BUSY), Ordering::Relaxed);
        Busy(self.clone())
    }

    /// When the connection is due to be closed, if nothing happens.
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let (phase, since) = self.phase();
        match phase {
            IDLE => Some(since + timeouts.idle),
            HEAD => Some(since + timeouts.header),
            _ => None,
        }
    }

    /// Whether, for so long, nothing has come since the last answer, all of which has gone out.
    pub fn is_quiet_for(&self, period: Duration) -> bool {
        let (phase, since) = self.phase();
        phase == IDLE && since.elapsed() >= period && !self.owing.load(Ordering::Relaxed)
    }

    fn phase(&self) -> (u64, Instant) {
        let word = self.phase.load(Ordering::Relaxed);
        (word & 3, epochs().0 + Duration::from_millis(word >> 2))
    }

    fn bytes_came(&self) {
        if self.phase().0 == IDLE {
            self.phase.store(word(HEAD), Ordering::Relaxed);
        }
    }

    /// Takes note of whether a write has to wait.
    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.owing.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

/// A request under way. See [`Activity::busy`].
#[derive(Debug)]
pub struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.phase.store(word(IDLE), Ordering::Relaxed);
    }
}

fn word(phase: u64) -> u64 {
    let (_, epoch) = epochs();
    (coarse_elapsed(epoch).as_millis() as u64) << 2 | phase
}

/// The moment from which on phases are counted, by both clocks.
fn epochs() -> (Instant, Duration) {
    static EPOCHS: OnceLock<(Instant, Duration)> = OnceLock::new();
    *EPOCHS.get_or_init(|| (Instant::now(), coarse_now()))
}

/// A client's socket that notes when bytes come.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    /// What has come and is still to be read.
    ahead: Bytes,
}

impl<S> Watched<S> {
    /// Notes what comes on `stream` in `activity`.
    pub fn new(stream: S, activity: Arc<Activity>) -> Self {
        Watched { stream, activity, ahead: Bytes::new() }
    }

    /// Takes back what has been read, so that it is read again.
    pub fn unread(&mut self, bytes: Bytes) {
        // No bytes could still be a share of a large buffer.
        if !bytes.is_empty() {
            self.activity.bytes_came();
            self.ahead = bytes;
        }
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    /// Waits, without a buffer, until there is something to read. False at the end of the stream.
    pub async fn look(&mut self) -> bool {
        if self.ahead.is_empty()
            && let Ok(byte) = self.stream.read_u8().await
        {
            self.unread(Bytes::copy_from_slice(&[byte]));
        }
        !self.ahead.is_empty()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
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
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.activity.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.activity.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.activity.wrote(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.activity.wrote(polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

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

    #[test]
    fn a_rate_is_missed_just_below_it() {
        let seconds = Duration::from_secs;
        let pace = |idle, min_rate| Pace { idle: seconds(idle), min_rate };
        assert_eq!(pace(60, 0).window(), None);
        assert_eq!(pace(59, 1).window(), Some(seconds(59)));
        assert_eq!(pace(3600, 1).window(), Some(seconds(60)));
        assert!(!pace(60, 0).is_missed_by(0, seconds(60)));
        assert!(pace(60, 128).is_missed_by(7679, seconds(60)));
        assert!(!pace(60, 128).is_missed_by(7680, seconds(60)));
        assert!(pace(60, 128).is_missed_by(7680, Duration::from_millis(60_001)));
        assert!(!pace(60, u64::MAX).is_missed_by(u64::MAX, seconds(1)));
    }

    #[tokio::test]
    async fn what_was_unread_is_read_first() {
        let activity = Activity::new();
        drop(activity.busy());
        let (mut client, stream) = tokio::io::duplex(16);
        let mut watched = Watched::new(stream, activity.clone());
        watched.unread(Bytes::new());
        assert!(activity.is_quiet_for(Duration::ZERO));
        watched.unread(Bytes::from_static(b"abc"));
        assert!(!activity.is_quiet_for(Duration::ZERO), "a head has begun");
        assert!(watched.look().await);
        client.write_all(b"d").await.unwrap();
        let mut read = [0; 4];
        assert_eq!(watched.read(&mut read[..2]).await.unwrap(), 2);
        watched.read_exact(&mut read[2..]).await.unwrap();
        assert_eq!(&read, b"abcd");
    }

    #[tokio::test]
    async fn a_connection_that_owes_something_is_not_quiet() {
        let activity = Activity::new();
        drop(activity.busy());
        let (mut client, stream) = tokio::io::duplex(4);
        let mut watched = Watched::new(stream, activity.clone());
        {
            let mut writing = std::pin::pin!(watched.write_all(b"abcdef"));
            assert!(futures_util::poll!(writing.as_mut()).is_pending());
            assert!(!activity.is_quiet_for(Duration::ZERO));
            client.read_exact(&mut [0; 4]).await.unwrap();
            writing.await.unwrap();
        }
        assert!(activity.is_quiet_for(Duration::ZERO));
    }
}
