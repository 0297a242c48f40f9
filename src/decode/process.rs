//! One worker process, from the gate's side.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;

use super::keeper::{Born, Death, Keeper};
use super::wire::{self, Job};
use crate::image::{Format, ImageFault, Looks};

/// What the kernel keeps of an image on its way, in bytes, if it lets us: fewer turns for each image.
const PIPE_BYTES: usize = 1 << 20;

/// Jobs after which a worker makes room for a new one: whatever a decoder may have broken in it does
/// not stay for ever.
const JOBS_MAX: u32 = 1000;

/// Resident memory of a worker between jobs from which a new one takes its place, in bytes.
const RESIDENT_MAX_BYTES: u64 = 96 << 20;

/// A worker without a job, or with one. Dropped, it is killed.
pub(super) struct Worker {
    keeper: Keeper,
    /// `None` once it is on its way to be buried.
    child: Option<Child>,
    input: pipe::Sender,
    output: pipe::Receiver,
    jobs: u32,
}

/// What came of a job.
pub(super) enum Done {
    /// An answer to it.
    Told(Result<Looks, ImageFault>),
    /// The worker is dead.
    Died,
    /// It says what no worker says.
    Nonsense,
}

impl Worker {
    /// Starts one.
    ///
    /// # Errors
    /// The system has no process or descriptor left.
    pub(super) async fn start(keeper: &Keeper) -> io::Result<Worker> {
        let Born { child, input, output } = keeper.start().await?;
        let keeper = keeper.clone();
        let (input, output) = match pipes(input, output) {
            Ok(pipes) => pipes,
            Err(error) => {
                drop(keeper.bury(child));
                return Err(error);
            }
        };
        Ok(Worker { keeper, child: Some(child), input, output, jobs: 0 })
    }

    /// Has an image looked at. Takes as long as the worker does: the end of its time is the
    /// caller's to call.
    pub(super) async fn run(&mut self, job: &Job, format: Option<Format>, image: &[Bytes]) -> Done {
        self.jobs += 1;
        match self.exchange(job, image).await {
            Ok(Some(reply)) => match wire::parse_reply(&reply, job, format) {
                Some(found) => Done::Told(found),
                None => Done::Nonsense,
            },
            Ok(None) => Done::Nonsense,
            Err(_) => Done::Died,
        }
    }

    /// The reply; `None` if it announces more than any can be.
    async fn exchange(&mut self, job: &Job, image: &[Bytes]) -> io::Result<Option<Vec<u8>>> {
        self.input.write_all(&job.encode()).await?;
        for piece in image {
            self.input.write_all(piece).await?;
        }
        let length = self.output.read_u32_le().await? as usize;
        if length > job.reply_max_bytes() {
            return Ok(None);
        }
        let mut reply = vec![0; length];
        self.output.read_exact(&mut reply).await?;
        Ok(Some(reply))
    }

    /// Whether it can take a job: it lives, and has not grown old or fat.
    pub(super) fn is_fit(&mut self) -> bool {
        let Some(child) = &mut self.child else { return false };
        let lives = matches!(child.try_wait(), Ok(None));
        lives && self.jobs < JOBS_MAX && resident(child.id()) <= RESIDENT_MAX_BYTES
    }

    /// Kills it, if it still lives, and tells what it died of.
    pub(super) async fn bury(mut self) -> Death {
        match self.child.take() {
            Some(child) => self.keeper.bury(child).await.unwrap_or(Death::Other),
            None => Death::Other,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            drop(self.keeper.bury(child));
        }
    }
}

fn pipes(input: ChildStdin, output: ChildStdout) -> io::Result<(pipe::Sender, pipe::Receiver)> {
    // Where a user may have no more of it, smaller pipes do too.
    let _ = rustix::pipe::fcntl_setpipe_size(&input, PIPE_BYTES);
    Ok((pipe::Sender::from_owned_fd(input.into())?, pipe::Receiver::from_owned_fd(output.into())?))
}

/// The resident memory of a process, in bytes: proc(5), `statm`. Without bound where it can't be read.
fn resident(pid: u32) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.map_or(u64::MAX, |pages| pages.saturating_mul(rustix::param::page_size() as u64))
}
