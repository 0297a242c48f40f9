//! The command line: each command in a file of its own.
//!
//! Commands write to [`streams::Streams`] and end in an [`ExitCode`]; only `run`, `demo` and `ctl`
//! need a runtime, and make their own.

mod body;
mod canary;
mod check;
mod ctl;
#[cfg(feature = "demo")]
pub mod demo;
mod exit;
mod explain;
mod fault;
mod hash;
mod list;
mod matching;
mod probe;
pub mod run;
mod streams;

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
#[cfg(feature = "demo")]
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser as _;

pub use exit::ExitCode;
use fault::Fault;
use streams::{Shown, Streams};

use crate::decode;

/// A gate in front of S3-compatible storage: uploads on a hash list never become objects.
#[derive(clap::Parser, Debug)]
#[command(name = "s3bouncer", version, disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Try it: a store, the gate and a sample list in one process
    #[cfg(feature = "demo")]
    Demo {
        /// Where clients connect
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
        listen: SocketAddr,
    },
    /// Run the gate
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Report every error of a configuration and its lists; exit 0 or 64
    Check(check::Args),
    /// Print digests, image facts and perceptual hashes of files
    Hash(hash::Args),
    /// Print the verdict that the gate would give; exit 1 if one is denied, else 2 if one is not
    /// judged, else 0
    #[command(name = "match")]
    Match(matching::Args),
    /// Make list snapshots and look into them
    #[command(subcommand)]
    List(list::Command),
    /// Write a harmless image that every snapshot lists: upload it to prove that a bucket enforces
    Canary(canary::Args),
    /// Tell what was decided about a request, and why
    Explain(explain::Args),
    /// Tell what a store really does with aborted and odd uploads, and which guard follows
    Probe(probe::Args),
    /// Ask or tell a running gate
    Ctl(ctl::Args),
    /// Decode images for the gate that started this process
    #[command(name = decode::WORKER_COMMAND, hide = true)]
    DecodeWorker,
}

/// The program.
pub fn main() -> std::process::ExitCode {
    let code = match Line::try_parse() {
        Ok(line) => dispatch(line.command),
        Err(error) => misread(&error),
    };
    code.into()
}

/// Shows help, the version, or what is wrong with the command line. Clap's own exit code for that
/// is 2, which is a verdict of `match` here.
fn misread(error: &clap::Error) -> ExitCode {
    let _ = error.print(); // there is no other place to say so
    if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        #[cfg(feature = "demo")]
        Command::Demo { listen } => demo::demo(listen),
        Command::Run { config } => run::run(&config),
        Command::Check(args) => with_streams(|streams| check::run(&args, streams)),
        Command::Hash(args) => with_streams(|streams| hash::run(&args, streams)),
        Command::Match(args) => with_streams(|streams| matching::run(&args, streams)),
        Command::List(command) => with_streams(|streams| list::run(&command, streams)),
        Command::Canary(args) => with_streams(|streams| canary::run(&args, streams)),
        Command::Explain(args) => with_streams(|streams| explain::run(&args, streams)),
        Command::Probe(args) => with_streams(|streams| probe::run(&args, streams)),
        Command::Ctl(args) => with_streams(|streams| ctl::run(&args, streams)),
        Command::DecodeWorker => match decode::serve() {
            Ok(()) => ExitCode::Success,
            Err(_) => ExitCode::Failure,
        },
    }
}

/// Runs a command on the standard streams.
fn with_streams(command: impl FnOnce(&mut Streams<'_>) -> io::Result<ExitCode>) -> ExitCode {
    let stdout = io::stdout();
    let out_is_terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    let (mut err, mut input) = (io::stderr(), io::stdin().lock());
    let mut streams = Streams { out: &mut out, err: &mut err, input: &mut input, out_is_terminal };
    let ended = command(&mut streams).and_then(|code| out.flush().map(|()| code));
    match ended {
        Ok(code) => code,
        // Whoever read our output has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Io,
        Err(error) => {
            let _ = writeln!(io::stderr(), "s3bouncer: {error}"); // it may be the one that fails
            ExitCode::Io
        }
    }
}

#[cfg(test)]
mod tests;
