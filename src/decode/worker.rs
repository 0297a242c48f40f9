//! The worker's side: one image after another, until the gate hangs up.

use std::fs;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal};

use super::wire::{HEAD_MAX_BYTES, Job, OWN_MEMORY_BYTES, encode_reply};
use crate::image::{ImageFault, Looks, look};

/// The hidden command that makes a worker of the program.
pub const WORKER_COMMAND: &str = "decode-worker";

/// Descriptors from here on are closed, and can't be opened: there are three, the pipes to the gate.
const DESCRIPTORS: u32 = 3;

/// In what panics say whose code has asked for memory, and has unwrapped the answer: the name of the
/// variant in `TryReserveError`.
const NO_MEMORY: &str = "AllocError";

/// Whether a decoder has panicked for want of memory.
static OUT_OF_MEMORY: AtomicBool = AtomicBool::new(false);

/// A core file would hold somebody's picture. A limit of 0 does not keep one from a program that the
/// system pipes core files to, 1 does (core(5)).
const CORE_BYTES: u64 = 1;

/// Makes this process a worker. Returns when the gate hangs up.
///
/// # Errors
/// The process can't be confined, or the gate says what no gate says.
pub fn serve() -> io::Result<()> {
    let memory = address_space()?;
    confine()?;
    let mut limits = KernelLimits { memory };
    answer(io::stdin().lock(), io::stdout().lock(), &mut |job| limits.set(job))
}

/// Everything that a worker gives up before the first byte of an image: this is the place where
/// further sandboxes belong, such as a filter of system calls.
///
/// # Errors
/// The kernel refuses.
fn confine() -> io::Result<()> {
    // It must not outlive the gate, which may be killed while a decoder here goes round in circles.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    // If memory gets short in the machine, this process goes first. Where that can't be said, it is
    // still bounded.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    limit(Resource::Core, CORE_BYTES)?;
    limit(Resource::Fsize, 0)?;
    close_others()?;
    limit(Resource::Nofile, DESCRIPTORS.into())?;
    // Decoders may panic. That is caught, and nobody reads about it; but want of memory is a fault of
    // its own.
    std::panic::set_hook(Box::new(|panic| {
        let says_so = panic.payload_as_str().is_some_and(|text| text.contains(NO_MEMORY));
        OUT_OF_MEMORY.fetch_or(says_so, Ordering::Relaxed);
    }));
    Ok(())
}

/// Closes what the gate did not open itself: its own files close by themselves (`CLOEXEC`), but those
/// that it was started with may not.
fn close_others() -> io::Result<()> {
    let open = fs::read_dir("/proc/self/fd")?;
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // Among them is the directory's own, which is closed by the time that its turn comes.
    let numbers: Vec<u32> = numbers.filter(|&number| number >= DESCRIPTORS).collect();
    for number in numbers {
        let _ = nix::unistd::close(number as i32); // then it is not open
    }
    Ok(())
}

/// Sets a limit for good.
fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let value = Some(within_maximum(resource, value));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: value, maximum: value })?)
}

/// Nobody may raise a limit that the gate itself was started under.
fn within_maximum(resource: Resource, value: u64) -> u64 {
    rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| value.min(maximum))
}

/// What the kernel holds a job to. It is set anew for each, since images differ in size.
struct KernelLimits {
    /// Address space before the first job, in bytes.
    memory: u64,
}

impl KernelLimits {
    fn set(&mut self, job: &Job) -> io::Result<()> {
        let beside = self.memory.saturating_add(OWN_MEMORY_BYTES).saturating_add(job.bytes);
        let memory = beside.saturating_add(job.limits.memory);
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
        // Whole seconds, rounded up; the gate's own clock is finer.
        let time = job.time.as_secs().saturating_add(2);
        let time = time.saturating_add(u64::try_from(used).unwrap_or(0));
        for (resource, value) in [(Resource::As, memory), (Resource::Cpu, time)] {
            let maximum = rustix::process::getrlimit(resource).maximum;
            let current = Some(within_maximum(resource, value));
            rustix::process::setrlimit(resource, Rlimit { current, maximum })?;
        }
        Ok(())
    }
}

/// The address space that this process takes, in bytes: proc(5), `statm`.
fn address_space() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("statm"))?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Answers jobs until there are no more. `prepare` is asked before an image is read.
fn answer(
    mut input: impl Read,
    mut output: impl Write,
    prepare: &mut dyn FnMut(&Job) -> io::Result<()>,
) -> io::Result<()> {
    while let Some(job) = next(&mut input)? {
        prepare(&job)?;
        let length = usize::try_from(job.bytes).map_err(io::Error::other)?;
        let mut image = vec![0; length];
        input.read_exact(&mut image)?;
        output.write_all(&reply(&job, &image))?;
        output.flush()?;
    }
    Ok(())
}

/// The next job, if the gate has not hung up.
fn next(input: &mut impl Read) -> io::Result<Option<Job>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > HEAD_MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut head = vec![0; length];
    input.read_exact(&mut head)?;
    Job::parse(&head).map(Some).ok_or(io::ErrorKind::InvalidData.into())
}

fn reply(job: &Job, image: &[u8]) -> Vec<u8> {
    let begun = Instant::now();
    let mut found = look(image, &job.limits, &job.wanted, &|| begun.elapsed() >= soft(job.time));
    if OUT_OF_MEMORY.swap(false, Ordering::Relaxed) {
        blame_memory(&mut found);
    }
    let reply = encode_reply(job.number, &found);
    if reply.len() - size_of::<u32>() <= job.reply_max_bytes() {
        return reply;
    }
    // More hashes were asked for than anybody has room for.
    encode_reply(job.number, &Err(ImageFault::Memory))
}

/// What looks like a failure of the decoder was want of memory.
fn blame_memory(found: &mut Result<Looks, ImageFault>) {
    let fault = match found {
        Ok(looks) => &mut looks.fault,
        Err(fault) => return *fault = ImageFault::Memory,
    };
    *fault = fault.and(Some(ImageFault::Memory));
}

/// When a decoder is asked to stop, so that what it has seen arrives in time.
fn soft(time: Duration) -> Duration {
    time - time / 8
}

#[cfg(test)]
mod tests;
