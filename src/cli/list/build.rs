//! `s3bouncer list build`: source files in, one snapshot out.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::format::FormatArgs;
use super::info;
use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::list::{
    Compiler, ListKey, Reason, Snapshot, SourceErrors, SourceFormat, SourceSummary, read_source,
};
use crate::ops::lists::{open_checked, write};

/// Buffer in front of a source, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// The list's name
    #[arg(long)]
    name: String,
    #[command(flatten)]
    format: FormatArgs,
    /// Where to write the snapshot; a file that is there is replaced once the new one is good
    #[arg(short, long, value_name = "SNAPSHOT")]
    output: PathBuf,
    /// Source files; all of them make one list
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
}

/// Compiles the sources. Every wrong line of every source is reported; the output is written only
/// if there is none.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    match build(args) {
        Ok((summary, snapshot)) => {
            tell(args, &summary, &snapshot, streams)?;
            Ok(ExitCode::Success)
        }
        Err(fault) => fault.end(streams),
    }
}

fn build(args: &Args) -> Result<(SourceSummary, Snapshot), Fault> {
    let format = args.format.source_format().map_err(Fault::usage)?;
    let mut compiler = Compiler::default();
    let list = compiler.list(&args.name).map_err(|error| Fault::usage(error.to_string()))?;
    let summary = gather(&args.sources, &format, &mut compiler, list)?;
    let snapshot = keep(compiler, &args.output)?;
    Ok((summary, snapshot))
}

/// Reads all sources, whatever is wrong with some of them.
fn gather(
    sources: &[PathBuf],
    format: &SourceFormat,
    compiler: &mut Compiler,
    list: ListKey,
) -> Result<SourceSummary, Fault> {
    let progress = progress(sources);
    let mut sum = SourceSummary::default();
    let mut faults = Vec::new();
    for path in sources {
        match read(path, format, compiler, list, &progress) {
            Ok(summary) => {
                sum.lines += summary.lines;
                sum.entries += summary.entries;
                sum.held += summary.held;
            }
            Err(fault) => faults.push(fault),
        }
    }
    progress.finish_and_clear();
    joined(faults).map_or(Ok(sum), Err)
}

/// All faults as one. A source that is wrong counts more than one that can't be read.
fn joined(faults: Vec<Fault>) -> Option<Fault> {
    let is_wrong = faults.iter().any(|fault| fault.code == ExitCode::Usage);
    let code = if is_wrong { ExitCode::Usage } else { ExitCode::Io };
    let texts: Vec<String> = faults.into_iter().map(|fault| fault.text).collect();
    (!texts.is_empty()).then(|| Fault { code, text: texts.join("\n") })
}

fn read(
    path: &Path,
    format: &SourceFormat,
    compiler: &mut Compiler,
    list: ListKey,
    progress: &ProgressBar,
) -> Result<SourceSummary, Fault> {
    let file = File::open(path).map_err(|error| Fault::io(path, &error))?;
    let input = BufReader::with_capacity(BUFFER_BYTES, progress.wrap_read(file));
    let read = read_source(format, input, &mut |entry| compiler.add(list, &entry));
    read.map_err(|errors| source_fault(path, &errors))
}

fn source_fault(path: &Path, errors: &SourceErrors) -> Fault {
    let path = path.display();
    let failed = |reason: &Reason| matches!(reason, Reason::Read(_));
    let only_failed = errors.errors.iter().all(|error| failed(&error.reason));
    let code = if only_failed { ExitCode::Io } else { ExitCode::Usage };
    let mut lines: Vec<String> = errors
        .errors
        .iter()
        .map(|error| format!("{path}:{}: {}", error.line, Shown(&error.reason)))
        .collect();
    if errors.more > 0 {
        lines.push(format!("{path}: and {} more", errors.more));
    }
    Fault { code, text: lines.join("\n") }
}

/// A bar on the standard error, if that is a terminal.
fn progress(sources: &[PathBuf]) -> ProgressBar {
    let len = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let total = sources.iter().map(len).sum();
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Writes the snapshot beside its place, reads it back as the gate would, and puts it there.
fn keep(compiler: Compiler, output: &Path) -> Result<Snapshot, Fault> {
    let mut staged = OsString::from(output);
    staged.push(".new");
    let staged = PathBuf::from(staged);
    let kept = write(&staged, |out| compiler.write(out))
        .and_then(|()| open_checked(&staged))
        .map_err(Fault::from)
        .and_then(|snapshot| {
            fs::rename(&staged, output).map_err(|error| Fault::io(output, &error))?;
            Ok(snapshot)
        });
    if kept.is_err() {
        let _ = fs::remove_file(&staged); // it may never have been made
    }
    kept
}

fn tell(
    args: &Args,
    summary: &SourceSummary,
    snapshot: &Snapshot,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    info::tell(&args.output, snapshot, streams.out)?;
    if summary.held > 0 {
        writeln!(streams.out, "held back: {} of the empty body", summary.held)?;
    }
    let repeated = summary.entries.saturating_sub(snapshot.entries());
    if repeated > 0 {
        writeln!(streams.out, "left out: {repeated} that came twice, or are the canary's")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
