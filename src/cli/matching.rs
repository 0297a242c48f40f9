//! `s3bouncer match`: the verdict that the gate would give.

mod court;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::body::{Body, IMAGE_BYTES_MAX};
use super::hash::Image;
use super::{ExitCode, Shown, Streams};
use crate::image::{ImageFault, Limits, Variant, Wanted, look};
use crate::inspect::{Evidence, Pictured};
use crate::policy::{Basis, Match, Outcome, Resemblance};
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
    let looks = court.wanted_of_pictures();
    let image_max = if looks.is_some() { IMAGE_BYTES_MAX } else { 0 };
    let body = streams.open(path).and_then(|input| Body::read(input, court.wanted(), image_max));
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            streams.error(format_args!("{}: {error}", path.display()))?;
            return Ok(ExitCode::Unjudged);
        }
    };
    let evidence = evidence(court, &body, looks);
    let report = Report::new(court, path, &evidence);
    if json {
        serde_json::to_writer(&mut *streams.out, &report)?;
        writeln!(streams.out)?;
    } else {
        writeln!(streams.out, "{}", Shown(&report))?;
    }
    Ok(report.code)
}

/// What is known of a body, pictures and all.
fn evidence(court: &Court, body: &Body, looks: Option<Wanted>) -> Evidence {
    let Body { digests, bytes: payload, format, .. } = *body;
    let mut evidence = Evidence { digests, payload, format, ..Evidence::default() };
    let (Some(wanted), true) = (looks, format.is_some()) else { return evidence };
    // The command's user can end it.
    let looked = match body.image() {
        Some(image) => look(image, &Limits::DEFAULT, &wanted, &|| false),
        None => Err(ImageFault::Memory),
    };
    match looked {
        Ok(looks) => {
            evidence.unseen = looks.fault;
            let mut picture = Pictured::new(None, looks);
            court.compare(&mut picture);
            evidence.pictures.push(picture);
        }
        Err(fault) => evidence.unseen = Some(fault),
    }
    evidence
}

/// A line of `match --json`.
#[derive(Serialize)]
struct Report {
    file: String,
    verdict: &'static str,
    /// Why it was not judged.
    reason: Option<&'static str>,
    list: Option<String>,
    /// The kind of hash that matched.
    hash: Option<String>,
    /// 0 for a digest; bits for a perceptual hash.
    distance: Option<u32>,
    snapshot: Option<String>,
    /// Where it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    /// How it was found, where it was by its looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    likeness: Option<Likeness>,
    #[serde(skip)]
    code: ExitCode,
}

/// What of a picture is like the listed one.
#[derive(Serialize)]
struct Likeness {
    /// From 0 on.
    frame: u32,
    variant: String,
    /// How the picture was turned: 0 as it stands, up to 7.
    orientation: u8,
    negative: bool,
    /// Whether it is too far for a refusal.
    wide: bool,
}

impl Report {
    fn new(court: &Court, path: &Path, evidence: &Evidence) -> Report {
        let verdict = court.judge(evidence);
        let (word, reason, code) = match verdict.outcome {
            Outcome::Allow => (VerdictWord::Allow, None, ExitCode::Success),
            Outcome::Deny => (VerdictWord::Deny, None, ExitCode::Denied),
            Outcome::WouldDeny => (VerdictWord::WouldDeny, None, ExitCode::Success),
            Outcome::Unjudged { reason, .. } => {
                (VerdictWord::Unjudged, Some(reason.name()), ExitCode::Unjudged)
            }
        };
        let matched = verdict.matched.as_ref();
        Report {
            file: path.to_string_lossy().into_owned(),
            verdict: word.name(),
            reason,
            list: matched.map(|hit| hit.list.to_string()),
            hash: matched.map(|hit| hit.hash().to_string()),
            distance: matched.map(Match::distance),
            snapshot: court.snapshot_id(),
            image: evidence.pictures.first().map(|picture| Image::facts(&picture.looks)),
            likeness: matched.and_then(|hit| match &hit.basis {
                Basis::Same(_) => None,
                Basis::Near(near) => Some(Likeness::new(near)),
            }),
            code,
        }
    }
}

impl Likeness {
    fn new(near: &Resemblance) -> Likeness {
        Likeness {
            frame: near.frame,
            variant: near.variant.to_string(),
            orientation: near.attitude.orientation,
            negative: near.attitude.negative,
            wide: near.wide,
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
            write!(f, " (list {list}, by {}", self.hash.as_deref().unwrap_or("hash"))?;
            if let Some(likeness) = &self.likeness {
                write!(f, ", {} bits apart{likeness}", self.distance.unwrap_or(0))?;
            }
            write!(f, ")")?;
        }
        if let Some(image) = &self.image {
            write!(f, "; {}", image.format)?;
            if let (Some(width), Some(height)) = (image.width, image.height) {
                write!(f, " {width}x{height}")?;
            }
            if let (Some(pdq), Some(quality)) = (&image.pdq, image.pdq_quality) {
                write!(f, ", pdq {pdq}, quality {quality}")?;
            }
        }
        Ok(())
    }
}

/// What is out of the ordinary.
impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.frame > 0 {
            write!(f, ", frame {}", self.frame + 1)?;
        }
        if self.variant != Variant::Whole.to_string() {
            write!(f, ", {}", self.variant)?;
        }
        if self.orientation > 0 {
            write!(f, ", turned or mirrored")?;
        }
        if self.negative {
            write!(f, ", as a negative")?;
        }
        if self.wide {
            write!(f, ", in the wide band")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
