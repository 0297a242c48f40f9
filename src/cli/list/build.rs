//! `s3bouncer list build`: source files in, one snapshot out.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::enrol::{Enrolled, Enrolment};
use super::format::FormatArgs;
use super::info;
use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::image::Convention;
use crate::list::{
    CompileError, Compiler, ListKey, QUALITY_MIN, Reason, Snapshot, SourceErrors, SourceFormat,
    SourceSummary, read_source,
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
    /// How the pdq hashes were made, or are to be: at full resolution, or resized to 512 pixels
    #[arg(long, value_enum, value_name = "CONVENTION", default_value = "full")]
    pdq: PdqConvention,
    /// Your own pictures: list every one in this directory and below, by --hash [default: pdq]
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "sources")]
    from_images: Option<PathBuf>,
    /// Source files; all of them make one list
    #[arg(required_unless_present = "from_images", value_name = "SOURCE")]
    sources: Vec<PathBuf>,
}

/// Names of the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PdqConvention {
    /// At full resolution, as the Python package pdqhash and Hasher-Matcher-Actioner do
    Full,
    /// Resized to 512x512 if larger, as Meta's command line does
    #[value(name = "512")]
    Resized512,
}

impl PdqConvention {
    const fn convention(self) -> Convention {
        match self {
            PdqConvention::Full => Convention::Full,
            PdqConvention::Resized512 => Convention::Resized512,
        }
    }
}

/// Compiles the sources. Every wrong line of every source is reported; the output is written only
/// if there is none.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    match build(args) {
        Ok((Enrolled { summary, notes }, snapshot)) => {
            notes.iter().try_for_each(|note| streams.error(note))?;
            tell(args, &summary, &snapshot, streams)?;
            Ok(ExitCode::Success)
        }
        Err(fault) => fault.end(streams),
    }
}

fn build(args: &Args) -> Result<(Enrolled, Snapshot), Fault> {
    let wrong = |error: CompileError| Fault::usage(error.to_string());
    let mut compiler = Compiler::default();
    let list = compiler.list(&args.name).map_err(wrong)?;
    compiler.convention(list, args.pdq.convention()).map_err(wrong)?;
    let gathered = match &args.from_images {
        Some(directory) => pictures(args, directory, &mut compiler, list)?,
        None => {
            let format = args.format.source_format().map_err(Fault::usage)?;
            let summary = gather(&args.sources, &format, &mut compiler, list)?;
            Enrolled { summary, notes: Vec::new() }
        }
    };
    let snapshot = keep(compiler, &args.output)?;
    Ok((gathered, snapshot))
}

/// Lists the operator's own pictures; the output is written if one of them could be listed.
fn pictures(
    args: &Args,
    directory: &Path,
    compiler: &mut Compiler,
    list: ListKey,
) -> Result<Enrolled, Fault> {
    let kind = args.format.kind_of_pictures().map_err(Fault::usage)?;
    let enrolment = Enrolment { kind, convention: args.pdq.convention() };
    let enrolled = enrolment.enrol(directory, compiler, list);
    let mut enrolled = enrolled.map_err(|error| Fault::io(directory, &error))?;
    if enrolled.summary.entries == 0 {
        enrolled.notes.push(format!("{}: no picture could be listed", directory.display()));
        return Err(Fault::usage(enrolled.notes.join("\n")));
    }
    Ok(enrolled)
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
                sum.flat += summary.flat;
                sum.poor += summary.poor;
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
    if summary.flat > 0 {
        writeln!(streams.out, "held back: {} that flat pictures have", summary.flat)?;
    }
    if summary.poor > 0 {
        writeln!(streams.out, "left out: {} of quality below {QUALITY_MIN}", summary.poor)?;
    }
    let repeated = summary.entries.saturating_sub(snapshot.entries());
    if repeated > 0 {
        writeln!(streams.out, "left out: {repeated} that came twice, or are the canary's")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
