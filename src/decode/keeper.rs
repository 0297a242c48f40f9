//! Who starts workers and buries them: a thread of its own.
//!
//! A worker asks the kernel to be killed when its parent dies, and to the kernel the parent is the
//! *thread* that started it. This one lives as long as the pool does, whatever becomes of the
//! runtime's threads; with it end all workers. It also waits for the dead, which takes a moment where
//! much memory has to be given back. Orders are carried out one after another, so that a worker is gone
//! before the one is started that takes its place.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use rustix::process::Signal;
use tokio::sync::oneshot;

use super::WORKER_COMMAND;

/// What a dead worker has said to its standard error is read up to here, in bytes.
const LAST_WORDS_MAX_BYTES: u64 = 4 << 10;

/// What the standard library says when an allocation fails, before it aborts.
const NO_MEMORY: &str = "memory allocation of";

/// Settings of the allocator in a worker. It claims address space 64 MiB at a time: without any, each
/// picture's planes are mapped and faulted in anew, a quarter more time; with its usual gigabyte,
/// nothing would be left of the limit that is there for what an image takes. And it keeps for a
/// second what was freed: a worker that is busy takes the same memory again.
const ENVIRONMENT: [(&str, &str); 2] =
    [("MIMALLOC_ARENA_RESERVE", "65536"), ("MIMALLOC_PURGE_DELAY", "1000")];

/// The program that workers run.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Launch {
    /// This very program, even if another was installed in its place since it was started.
    pub fn this_program() -> Launch {
        Launch::program("/proc/self/exe")
    }

    /// A file that is this program.
    pub fn program(path: impl Into<PathBuf>) -> Launch {
        Launch { program: path.into(), arguments: vec![WORKER_COMMAND.into()] }
    }
}

#[cfg(test)]
impl Launch {
    /// The tests' own program, in which a test plays the worker.
    pub(crate) fn stand_in() -> Launch {
        let program = std::env::current_exe().unwrap();
        let script = format!(
            "exec 3>&1 1>/dev/null; S3BOUNCER_STAND_IN=1 exec {} --exact \
             decode::worker::tests::stand_in --ignored --nocapture",
            program.display()
        );
        Launch { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }
}

/// A worker that was just started.
pub(super) struct Born {
    pub(super) child: Child,
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
}

/// What a worker died of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// It wanted more memory than it may have, or the machine has.
    Memory,
    /// It used up its time of the processor.
    Time,
    /// Of anything else.
    Other,
}

enum Order {
    Start(oneshot::Sender<io::Result<Born>>),
    Bury(Child, oneshot::Sender<Death>),
}

/// The way to the keeper's thread, which ends with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    orders: mpsc::Sender<Order>,
}

impl Keeper {
    /// Begins the thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn begin(launch: Launch) -> io::Result<Keeper> {
        let (orders, inbox) = mpsc::channel();
        std::thread::Builder::new()
            .name("decode-keeper".to_owned())
            .spawn(move || inbox.into_iter().for_each(|order| carry_out(order, &launch)))?;
        Ok(Keeper { orders })
    }

    /// Starts a worker.
    ///
    /// # Errors
    /// The system has no process left.
    pub(super) async fn start(&self) -> io::Result<Born> {
        let (reply, born) = oneshot::channel();
        let gone = || io::Error::other("the keeper of workers is gone");
        self.orders.send(Order::Start(reply)).map_err(|_| gone())?;
        born.await.map_err(|_| gone())?
    }

    /// Kills a worker if it still lives, waits for its end, and tells what it died of. That happens
    /// even if nobody waits for the answer.
    pub(super) fn bury(&self, child: Child) -> oneshot::Receiver<Death> {
        let (reply, death) = oneshot::channel();
        // If the thread is gone the kernel has killed the worker.
        let _ = self.orders.send(Order::Bury(child, reply));
        death
    }
}

fn carry_out(order: Order, launch: &Launch) {
    match order {
        Order::Start(reply) => {
            if let Err(Ok(unwanted)) = reply.send(start(launch)) {
                bury(unwanted.child);
            }
        }
        Order::Bury(child, reply) => {
            let _ = reply.send(bury(child)); // whoever asked may have gone
        }
    }
}

fn start(launch: &Launch) -> io::Result<Born> {
    let mut child = Command::new(&launch.program)
        .args(&launch.arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(input), Some(output)) => Ok(Born { child, input, output }),
        (Some(_) | None, Some(_) | None) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

fn bury(mut child: Child) -> Death {
    let _ = child.kill(); // it may be dead
    let signal = child.wait().ok().and_then(|status| status.signal());
    let is = |expected: Signal| signal == Some(expected.as_raw());
    let last_words = last_words(&mut child);
    if is(Signal::XCPU) {
        Death::Time
    } else if is(Signal::ABORT) && last_words.contains(NO_MEMORY) {
        Death::Memory
    } else {
        Death::Other
    }
}

/// What a dead worker has written to its standard error. Read without waiting: whoever else may hold
/// the pipe's other end has nothing to say here.
fn last_words(child: &mut Child) -> String {
    let Some(words) = child.stderr.take() else { return String::new() };
    let mut said = Vec::new();
    if rustix::io::ioctl_fionbio(&words, true).is_ok() {
        let _ = words.take(LAST_WORDS_MAX_BYTES).read_to_end(&mut said);
    }
    String::from_utf8_lossy(&said).into_owned()
}
