//! A timer that is moved late.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

/// Tells when a moment has come that each wait names anew.
///
/// Most waits end long before it, and to set a timer for each would cost more than they do: there is
/// one for many waits, moved when it goes off too early or would go off too late.
#[derive(Debug, Default)]
pub struct Alarm {
    /// Made by the first wait.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready once `due` has come. Else the task of `cx` is woken then, and perhaps sooner.
    pub fn poll_until(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        // It may have been set for a wait that would have taken longer.
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits for so long, unless something else comes first.
    async fn wait(alarm: &mut Alarm, wait: Duration, other: Duration) -> Duration {
        let begun = Instant::now();
        let due = begun + wait;
        let waiting = poll_fn(|cx| alarm.poll_until(due, cx));
        let _ = tokio::time::timeout(other, waiting).await; // either way it is over
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn one_alarm_serves_many_waits() {
        let mut alarm = Alarm::default();
        // Given up before they are over, again and again, for longer than the first would take.
        for _ in 0..20 {
            assert_eq!(wait(&mut alarm, 10 * SECOND, SECOND).await, SECOND);
        }
        // Then one that lasts, a shorter one, and a longer one again.
        for seconds in [10, 2, 30] {
            let took = wait(&mut alarm, seconds * SECOND, 100 * SECOND).await;
            let late = took.checked_sub(seconds * SECOND);
            assert!(late.is_some_and(|late| late < SECOND / 10), "{seconds}: {took:?}");
        }
    }
}
