//! How long a body may stand still, and how slowly it may come.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::net::alarm::Alarm;
use crate::net::downstream::Pace;

/// Fires when nothing has come for a while, or too little for long. Reset by noting the time, not by
/// moving the timer.
pub(super) struct IdleTimer {
    pace: Pace,
    /// When the silence began; unset until somebody waits.
    since: Option<Instant>,
    /// When the client was begun to be waited for; unset while there is something of it to do.
    asked: Option<Instant>,
    rate: Rate,
    alarm: Alarm,
}

/// What came in the time that was spent waiting for it. A store that takes slowly costs its client
/// nothing here.
#[derive(Default)]
struct Rate {
    bytes: u64,
    waited: Duration,
}

impl IdleTimer {
    pub(super) fn new(pace: Pace) -> Self {
        IdleTimer { pace, since: None, asked: None, rate: Rate::default(), alarm: Alarm::default() }
    }

    /// So many bytes have come.
    pub(super) fn touch(&mut self, bytes: u64) {
        self.since = None;
        self.rate.bytes += bytes;
        self.rate.waited += self.asked.take().map_or(Duration::ZERO, |asked| asked.elapsed());
    }

    /// Ready when nothing has happened for the idle timeout.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.silence_ends();
        self.alarm.poll_until(due, cx)
    }

    /// As [`IdleTimer::poll`], while it is the client that is waited for: ready too when it has sent
    /// too little.
    pub(super) fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silence_ends = self.silence_ends();
        loop {
            let asked = *self.asked.get_or_insert_with(Instant::now);
            let window = self.pace.window();
            let judged = window.map(|window| asked + window.saturating_sub(self.rate.waited));
            let due = judged.map_or(silence_ends, |judged| judged.min(silence_ends));
            ready!(self.alarm.poll_until(due, cx));
            let waited = self.rate.waited + asked.elapsed();
            if due == silence_ends || self.pace.is_missed_by(self.rate.bytes, waited) {
                return Poll::Ready(());
            }
            // The next window.
            (self.rate, self.asked) = (Rate::default(), None);
        }
    }

    fn silence_ends(&mut self) -> Instant {
        *self.since.get_or_insert_with(Instant::now) + self.pace.idle
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A timer with an idle timeout of so many seconds and so many bytes a second.
    fn timer(idle: u32, min_rate: u64) -> IdleTimer {
        IdleTimer::new(Pace { idle: SECOND * idle, min_rate })
    }

    /// Sends so many bytes each `every` until the timer fires: after how long, unless that takes an
    /// hour.
    async fn send(timer: &mut IdleTimer, bytes: u64, every: Duration) -> Option<Duration> {
        let start = Instant::now();
        while start.elapsed() < 3600 * SECOND {
            let waiting = poll_fn(|cx| timer.poll_client(cx));
            if tokio::time::timeout(every, waiting).await.is_ok() {
                return Some(start.elapsed());
            }
            timer.touch(bytes);
        }
        None
    }

    /// The clock of tokio's timers goes by whole milliseconds.
    fn near(seconds: u64) -> std::ops::Range<Duration> {
        Duration::from_secs(seconds)..Duration::from_millis(seconds * 1000 + 100)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_body() {
        for rate in [0, 128] {
            let ended = send(&mut timer(60, rate), 1, 3600 * SECOND).await.unwrap();
            assert!(near(60).contains(&ended), "{ended:?}");
        }
        assert_eq!(send(&mut timer(60, 0), 1, 59 * SECOND).await, None, "nobody asks for a rate");
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_too_little_is_given_up_after_a_window() {
        // A byte each 59 seconds; with a long idle timeout, by the minute all the same.
        for idle in [60, 3600] {
            let ended = send(&mut timer(idle, 128), 1, 59 * SECOND).await.unwrap();
            assert!(near(60).contains(&ended), "{ended:?}");
        }
        let ended = send(&mut timer(10, 128), 1, SECOND).await.unwrap();
        assert!(near(10).contains(&ended), "a shorter idle timeout is the window: {ended:?}");
        assert!(send(&mut timer(60, 128), 120, SECOND).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_enough_may_take_for_ever() {
        assert_eq!(send(&mut timer(60, 128), 200, SECOND).await, None);
        // Most of each minute without a network, and then quickly.
        assert_eq!(send(&mut timer(60, 128), 16_000, 50 * SECOND).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_in_time_does_not_make_up_for_a_minute_without() {
        let mut timer = timer(60, 128);
        assert_eq!(timer.rate.bytes, 0);
        timer.touch(1 << 30);
        let ended = send(&mut timer, 1, 30 * SECOND).await.unwrap();
        assert!(near(120).contains(&ended), "the second window is missed: {ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_store_is_not_its_clients_fault() {
        let mut timer = timer(60, 128);
        for _ in 0..100 {
            // The client sends at once when it may, and little: the store takes no more.
            let store = poll_fn(|cx| timer.poll(cx));
            assert!(tokio::time::timeout(30 * SECOND, store).await.is_err());
            let client = poll_fn(|cx| timer.poll_client(cx));
            assert!(tokio::time::timeout(SECOND / 100, client).await.is_err());
            timer.touch(100);
        }
        let store = poll_fn(|cx| timer.poll(cx));
        assert!(tokio::time::timeout(61 * SECOND, store).await.is_ok(), "it has its own limit");
    }
}
