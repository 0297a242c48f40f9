//! Polling a connection when it has something to do, and then at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::coop;

/// A future with a bell: it is polled when somebody has rung, and goes on at once when that was
/// itself.
///
/// hyper hands a body over read by read, and wakes its own task for the next one. By way of the
/// scheduler all connections would take turns after each read: by the time a body's next read comes,
/// the last one has left the cache. On the other hand a connection need not be looked at when it was
/// its task's timer that has fired.
pub struct Belled<F> {
    future: F,
    /// How often it may go on in one turn of its task, so that others get theirs.
    stride: usize,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What the future is woken by.
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

/// Nobody has rung since the future was last polled.
const QUIET: u8 = 0;
/// The future is being polled: who rings need not wake its task.
const POLLED: u8 = 1;
/// Somebody has rung: the future is polled at its task's next turn, for which it has been woken.
const RUNG: u8 = 2;

impl<F: Future + Unpin> Belled<F> {
    /// A future that has something to do, and may go on `stride` times in one turn.
    pub fn new(future: F, stride: usize) -> Self {
        let bell = Arc::new(Bell { state: AtomicU8::new(RUNG), task: AtomicWaker::new() });
        let waker = Waker::from(bell.clone());
        Belled { future, stride, bell, waker }
    }

    /// The future without its bell.
    pub fn into_inner(self) -> F {
        self.future
    }

    /// The future itself. It is taken to have something to do afterwards, so that the task which
    /// does this has to poll it.
    pub fn stir(&mut self) -> Pin<&mut F> {
        self.bell.state.store(RUNG, Ordering::SeqCst);
        Pin::new(&mut self.future)
    }
}

impl<F: Future + Unpin> Future for Belled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // Whoever rings from here on, wakes this task.
        this.bell.task.register(cx.waker());
        if this.bell.state.load(Ordering::SeqCst) == QUIET {
            return Poll::Pending;
        }
        for _ in 0..this.stride {
            this.bell.state.store(POLLED, Ordering::SeqCst);
            let polled = Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker));
            if polled.is_ready() || this.bell.stayed_quiet() {
                return polled;
            }
            if !coop::has_budget_remaining() {
                break;
            }
        }
        // It would go on: that is now the scheduler's affair.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Bell {
    /// Ends a poll. False if somebody has rung meanwhile.
    fn stayed_quiet(&self) -> bool {
        let (set, seen) = (Ordering::SeqCst, Ordering::SeqCst);
        self.state.compare_exchange(POLLED, QUIET, set, seen).is_ok()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(RUNG, Ordering::SeqCst) == QUIET {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Rings at its first so many polls, and leaves its waker behind.
    struct Ringing {
        rings: usize,
        polls: usize,
        waker: Arc<Mutex<Option<Waker>>>,
    }

    impl Future for Ringing {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.polls += 1;
            if self.polls <= self.rings {
                cx.waker().wake_by_ref();
            }
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    /// Polls in one turn of the task, and how often the task was woken in it.
    fn turn(belled: &mut Belled<Ringing>, task: &Arc<Woken>) -> (usize, usize) {
        let (polls, woken) = (belled.future.polls, task.0.load(Ordering::SeqCst));
        let waker = Waker::from(task.clone());
        assert!(Pin::new(&mut *belled).poll(&mut Context::from_waker(&waker)).is_pending());
        (belled.future.polls - polls, task.0.load(Ordering::SeqCst) - woken)
    }

    fn ringing(rings: usize, stride: usize) -> Belled<Ringing> {
        Belled::new(Ringing { rings, polls: 0, waker: Arc::default() }, stride)
    }

    #[test]
    fn it_goes_on_at_once_and_lets_others_have_their_turn() {
        let (mut belled, task) = (ringing(4, 3), Arc::default());
        assert_eq!(turn(&mut belled, &task), (3, 1));
        assert_eq!(turn(&mut belled, &task), (2, 0));
        assert_eq!(turn(&mut belled, &task), (0, 0), "nobody has rung");
    }

    #[test]
    fn who_rings_wakes_the_task_that_polled_last() {
        let (mut belled, first, second) = (ringing(0, 3), Arc::default(), Arc::default());
        assert_eq!(turn(&mut belled, &first), (1, 0));
        assert_eq!(turn(&mut belled, &second), (0, 0));
        let waker = belled.future.waker.lock().unwrap().clone().unwrap();
        waker.wake_by_ref();
        waker.wake();
        assert_eq!(first.0.load(Ordering::SeqCst), 0);
        assert_eq!(second.0.load(Ordering::SeqCst), 1, "once is enough");
        assert_eq!(turn(&mut belled, &second), (1, 0));
    }

    #[test]
    fn what_is_stirred_is_polled() {
        let (mut belled, task) = (ringing(0, 3), Arc::default());
        assert_eq!(turn(&mut belled, &task), (1, 0));
        belled.stir();
        assert_eq!(turn(&mut belled, &task), (1, 0));
    }
}
