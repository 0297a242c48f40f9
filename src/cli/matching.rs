//! `s3bouncer match`: the verdict that the gate would give.

mod court;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::body::Body;
use super::{ExitCode, Shown, Streams};
use crate::inspect::Evidence;
use crate::policy::Outcome;
use crate::proxy::record::VerdictWord;
use court::Court;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    law: Law,
    /// Judge as an upload to this bucket [default: as the rule for every bucket says]
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    bucket: Option<String>,
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// By what to judge.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Law {
    /// Judge by the lists and rules of a configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Judge by a snapshot of `list build`, as a block list that is enforced
    #[arg(long, value_name = "SNAPSHOT")]
    list: Option<PathBuf>,
}

/// Judges each file as the body of a PUT.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let court = match (&args.law.config, &args.law.list) {
        (Some(config), _) => Court::of_config(config, args.bucket.as_deref(), streams),
        (None, Some(list)) => Court::of_snapshot(list),
        (None, None) => unreachable!("the parser asks for one of them"),
    };
    let court = match court {
        Ok(court) => court,
        Err(fault) => return fault.end(streams),
    };
    let mut code = ExitCode::Success;
    for path in &args.files {
        code = worse(code, judge(&court, path, args.json, streams)?);
    }
    Ok(code)
}

/// A denial counts most, then what could not be judged.
fn worse(one: ExitCode, other: ExitCode) -> ExitCode {
    let codes = [one, other];
    let found = [ExitCode::Denied, ExitCode::Unjudged].into_iter().find(|c| codes.contains(c));
    found.unwrap_or(ExitCode::Success)
}

fn judge(
    court: &Court,
    path: &Path,
    json: bool,
    streams: &mut Streams<'_>,
) -> io::Result<ExitCode> {
    let body = streams.open(path).and_then(|input| Body::read(input, court.wanted(), 0));
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            streams.error(format_args!("{}: {error}", path.display()))?;
            return Ok(ExitCode::Unjudged);
        }
    };
    let report = Report::new(court, path, &body);
    if json {
        serde_json::to_writer(&mut *streams.out, &report)?;
        writeln!(streams.out)?;
    } else {
        writeln!(streams.out, "{}", Shown(&report))?;
    }
    Ok(report.code)
}

/// A line of `match --json`.
#[derive(Serialize)]
struct Report {
    file: String,
    verdict: &'static str,
    /// Why it was not judged.
    reason: Option<&'static str>,
    list: Option<String>,
    /// The algorithm whose digest matched.
    hash: Option<&'static str>,
    /// 0 for a digest; bits for a perceptual hash.
    distance: Option<u32>,
    snapshot: Option<String>,
    #[serde(skip)]
    code: ExitCode,
}

impl Report {
    fn new(court: &Court, path: &Path, body: &Body) -> Report {
        let (digests, payload, format) = (body.digests, body.bytes, body.format);
        let verdict = court.judge(&Evidence { digests, payload, format, ..Evidence::default() });
        let (word, reason, code) = match verdict.outcome {
            Outcome::Allow => (VerdictWord::Allow, None, ExitCode::Success),
            Outcome::Deny => (VerdictWord::Deny, None, ExitCode::Denied),
            Outcome::WouldDeny => (VerdictWord::WouldDeny, None, ExitCode::Success),
            Outcome::Unjudged { reason, .. } => {
                (VerdictWord::Unjudged, Some(reason.name()), ExitCode::Unjudged)
            }
        };
        let algorithm = verdict.matched.as_ref().map(|hit| hit.algorithm);
        Report {
            file: path.to_string_lossy().into_owned(),
            verdict: word.name(),
            reason,
            list: verdict.matched.as_ref().map(|hit| hit.list.to_string()),
            hash: algorithm.map(|algorithm| algorithm.name()),
            distance: algorithm.map(|_| 0),
            snapshot: court.snapshot_id(),
            code,
        }
    }
}

/// For humans.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.verdict)?;
        if let Some(reason) = self.reason {
            write!(f, " ({reason})")?;
        }
        if let Some(list) = &self.list {
            write!(f, " (list {list}, by {})", self.hash.unwrap_or("hash"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
