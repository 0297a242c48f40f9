//! `s3bouncer hash`: digests, image facts and perceptual hashes of files.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::body::Body;
use super::{ExitCode, Shown, Streams};
use crate::digest::{Algorithm, AlgorithmSet};
use crate::image::{Format, ImageError, ImageFacts, facts};

/// Larger images are not decoded: they are held in memory for it.
const IMAGE_BYTES_MAX: usize = 256 << 20;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Tells about each file. One that can't be read is reported, and the next one follows.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let mut code = ExitCode::Success;
    for path in &args.files {
        match report(path, streams) {
            Ok(report) if args.json => {
                serde_json::to_writer(&mut *streams.out, &report)?;
                writeln!(streams.out)?;
            }
            Ok(report) => report.write(streams.out)?,
            Err(error) => {
                streams.error(format_args!("{}: {error}", path.display()))?;
                code = ExitCode::Failure;
            }
        }
    }
    Ok(code)
}

fn report(path: &Path, streams: &mut Streams<'_>) -> io::Result<Report> {
    let body = Body::read(streams.open(path)?, AlgorithmSet::ALL, IMAGE_BYTES_MAX)?;
    let hex = |algorithm| body.digests.of(algorithm).map(|digest| digest.to_string());
    Ok(Report {
        file: path.to_string_lossy().into_owned(),
        bytes: body.bytes,
        md5: hex(Algorithm::Md5),
        sha1: hex(Algorithm::Sha1),
        sha256: hex(Algorithm::Sha256),
        image: body.format.and_then(|format| Image::new(format, body.image())),
    })
}

/// A line of `hash --json`.
#[derive(Serialize)]
struct Report {
    file: String,
    bytes: u64,
    md5: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
    image: Option<Image>,
}

/// What is known of an image. Where it can't be decoded, `error` says why and only the format is
/// known.
#[derive(Default, Serialize)]
struct Image {
    format: &'static str,
    width: Option<u32>,
    height: Option<u32>,
    frames: Option<u32>,
    pdq: Option<String>,
    pdq_quality: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Image {
    /// The image of so many bytes; `None` where there are too many of them to hold.
    fn new(format: Format, bytes: Option<&[u8]>) -> Option<Image> {
        let unknown = Image { format: format.name(), ..Image::default() };
        let Some(bytes) = bytes else {
            let error = format!("larger than {} MiB", IMAGE_BYTES_MAX >> 20);
            return Some(Image { error: Some(error), ..unknown });
        };
        match facts(bytes) {
            Ok(facts) => Some(Image::known(&facts)),
            Err(ImageError::NotAnImage) => None,
            Err(error) => Some(Image { error: Some(error.to_string()), ..unknown }),
        }
    }

    fn known(facts: &ImageFacts) -> Image {
        Image {
            format: facts.format.name(),
            width: Some(facts.width),
            height: Some(facts.height),
            frames: Some(facts.frames),
            pdq: facts.pdq.map(|pdq| pdq.to_string()),
            pdq_quality: facts.quality,
            error: None,
        }
    }

    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(error) = &self.error {
            return writeln!(out, "  image   {}: {}", self.format, Shown(error));
        }
        let number = |figure: Option<u32>| figure.unwrap_or_default();
        let (width, height, frames) =
            (number(self.width), number(self.height), number(self.frames));
        let plural = if frames == 1 { "" } else { "s" };
        writeln!(out, "  image   {} {width}x{height}, {frames} frame{plural}", self.format)?;
        match (&self.pdq, self.pdq_quality) {
            (Some(pdq), Some(quality)) => writeln!(out, "  pdq     {pdq} (quality {quality})"),
            (Some(_) | None, _) => writeln!(out, "  pdq     none: the image is too small"),
        }
    }
}

impl Report {
    /// For humans.
    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "{}", Shown(&self.file))?;
        writeln!(out, "  bytes   {}", self.bytes)?;
        let digests = [("md5", &self.md5), ("sha1", &self.sha1), ("sha256", &self.sha256)];
        for (name, digest) in digests {
            writeln!(out, "  {name:<8}{}", digest.as_deref().unwrap_or("unknown"))?;
        }
        match &self.image {
            Some(image) => image.write(out),
            None => writeln!(out, "  image   none"),
        }
    }
}

#[cfg(test)]
mod tests;
