use super::*;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

fn upload(n: u8) -> UploadKey {
    UploadKey::of(b"b", b"k", &[n])
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Everything that can happen to one upload.
#[derive(Clone, Copy, Debug)]
enum Step {
    BeginPart,
    EndPart,
    BeginComplete,
    PollComplete,
    EndComplete,
}

const STEPS: [Step; 5] =
    [Step::BeginPart, Step::EndPart, Step::BeginComplete, Step::PollComplete, Step::EndComplete];

/// The lease table beside two numbers that say what it should do.
struct Pair {
    leases: Arc<Leases>,
    parts: Vec<PartLease>,
    complete: Option<CompleteLease>,
    woken: Arc<Woken>,
    /// Whether the Complete was told to wait and was not woken since.
    waits: bool,
}

impl Pair {
    fn step(&mut self, step: Step) {
        match step {
            Step::BeginPart => {
                let begun = self.leases.try_begin_part(upload(1));
                assert_eq!(begun.is_some(), self.complete.is_none());
                self.parts.extend(begun);
            }
            Step::EndPart => {
                let before = self.woken.0.load(Ordering::SeqCst);
                let ended = self.parts.pop().is_some();
                let woken = self.woken.0.load(Ordering::SeqCst) - before;
                let expected = ended && self.parts.is_empty() && self.waits;
                assert_eq!(woken, usize::from(expected));
                self.waits &= !expected;
            }
            Step::BeginComplete => {
                let begun = self.leases.begin_complete(upload(1));
                assert_eq!(begun.is_some(), self.complete.is_none());
                if let Some(begun) = begun {
                    self.complete = Some(begun);
                }
            }
            Step::PollComplete => {
                let waker = Waker::from(self.woken.clone());
                if let Some(complete) = &mut self.complete {
                    let ready = complete.poll_quiet(&mut Context::from_waker(&waker)).is_ready();
                    assert_eq!(ready, self.parts.is_empty());
                    assert_eq!(complete.parts_under_way(), self.parts.len());
                    self.waits = !ready;
                }
            }
            Step::EndComplete => {
                self.complete = None;
                self.waits = false;
            }
        }
        let somebody = !self.parts.is_empty() || self.complete.is_some();
        assert_eq!(self.leases.len(), usize::from(somebody), "nothing is left behind");
    }
}

/// Each call takes the table's lock once, so that threads can only order whole calls: all orders of
/// up to seven of them are tried.
#[test]
fn every_order_of_calls_keeps_parts_and_completes_apart() {
    const LEN: u32 = 7;
    for mut number in 0..STEPS.len().pow(LEN) {
        let mut pair = Pair {
            leases: Leases::new(),
            parts: Vec::new(),
            complete: None,
            woken: Arc::default(),
            waits: false,
        };
        for _ in 0..LEN {
            pair.step(STEPS[number % STEPS.len()]);
            number /= STEPS.len();
        }
    }
}

#[test]
fn uploads_do_not_meet() {
    let leases = Leases::new();
    let complete = leases.begin_complete(upload(1)).unwrap();
    let part = leases.try_begin_part(upload(2)).unwrap();
    assert_eq!((leases.len(), complete.parts_under_way()), (2, 0));
    drop((complete, part));
    assert!(leases.is_empty());
}

#[test]
fn a_complete_waits_for_the_last_part_on_whatever_thread() {
    let leases = Leases::new();
    let parts: Vec<_> = (0..8).map(|_| leases.try_begin_part(upload(1)).unwrap()).collect();
    let mut complete = leases.begin_complete(upload(1)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(move || drop(part));
        }
        runtime.block_on(complete.quiet());
    });
    assert!(leases.try_begin_part(upload(1)).is_none());
    drop(complete);
    assert!(leases.try_begin_part(upload(1)).is_some());
}
