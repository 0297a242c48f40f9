//! `s3bouncer list`: making snapshots and looking into them.

mod build;
mod diff;
mod enrol;
mod format;
mod info;
mod query;
mod verify;

use std::io;

use super::{ExitCode, Fault, Streams};

/// What to do with a list.
#[derive(clap::Subcommand, Debug)]
pub(super) enum Command {
    /// Compile source files into a snapshot
    Build(build::Args),
    /// Tell what a snapshot holds
    Info(info::Args),
    /// Prove that a snapshot is whole and in order
    Verify(verify::Args),
    /// Count what came and went between two snapshots
    Diff(diff::Args),
    /// Look hashes or a file up; exit 0 if one is listed, 1 if none is
    Query(query::Args),
}

/// Does it.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(command: &Command, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    match command {
        Command::Build(args) => build::run(args, streams),
        Command::Info(args) => info::run(args, streams),
        Command::Verify(args) => verify::run(args, streams),
        Command::Diff(args) => diff::run(args, streams),
        Command::Query(args) => query::run(args, streams),
    }
}

#[cfg(test)]
mod testing;
