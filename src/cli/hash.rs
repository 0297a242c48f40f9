//! `s3bouncer hash`: digests, image facts and perceptual hashes of files.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::body::{Body, IMAGE_BYTES_MAX};
use super::{ExitCode, Shown, Streams};
use crate::digest::{Algorithm, AlgorithmSet};
use crate::image::{Background, Format, Limits, Look, Looks, Wanted, look};

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
/// known; where only a part can, `error` stands beside the rest.
#[derive(Default, Serialize)]
pub(super) struct Image {
    pub(super) format: &'static str,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    frames: Option<u32>,
    pub(super) pdq: Option<String>,
    pub(super) pdq_quality: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Of the first picture and the others; JSON has the first.
    #[serde(skip)]
    looks: Vec<Look>,
}

impl Image {
    /// The image of so many bytes; `None` where there are too many of them to hold.
    fn new(format: Format, bytes: Option<&[u8]>) -> Option<Image> {
        let unknown = Image { format: format.name(), ..Image::default() };
        let Some(bytes) = bytes else {
            let error = format!("larger than {} MiB", IMAGE_BYTES_MAX >> 20);
            return Some(Image { error: Some(error), ..unknown });
        };
        // The command's user can end it.
        match look(bytes, &Limits::DEFAULT, &Wanted::default(), &|| false) {
            Ok(looks) => Some(Image::known(looks)),
            Err(fault) => Some(Image { error: Some(fault.to_string()), ..unknown }),
        }
    }

    fn known(looks: Looks) -> Image {
        let facts = Image::facts(&looks);
        let error = looks.fault.map(|fault| fault.to_string());
        Image { error, looks: looks.pdq, ..facts }
    }

    /// What was seen, and nothing of what was not.
    pub(super) fn facts(looks: &Looks) -> Image {
        let first = looks.pdq.first().map(|look| look.fingerprint);
        Image {
            format: looks.header.format.name(),
            width: Some(looks.header.width),
            height: Some(looks.header.height),
            frames: Some(looks.frames),
            pdq: first.map(|first| first.pdq().to_string()),
            pdq_quality: first.map(|first| first.quality),
            ..Image::default()
        }
    }

    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(error) = &self.error {
            writeln!(out, "  image   {}: {}", self.format, Shown(error))?;
        }
        let (Some(width), Some(height), Some(frames)) = (self.width, self.height, self.frames)
        else {
            return Ok(());
        };
        let plural = if frames == 1 { "" } else { "s" };
        writeln!(out, "  image   {} {width}x{height}, {frames} frame{plural}", self.format)?;
        if self.looks.is_empty() {
            return writeln!(out, "  pdq     none: the image is too small");
        }
        for Look { source, fingerprint } in &self.looks {
            let (pdq, quality) = (fingerprint.pdq(), fingerprint.quality);
            write!(out, "  pdq     {pdq} (quality {quality}")?;
            if source.frame > 0 {
                write!(out, ", frame {}", source.frame + 1)?;
            }
            match source.background {
                Background::White => {}
                Background::Black => write!(out, ", on black")?,
                Background::Ignored => write!(out, ", without transparency")?,
            }
            writeln!(out, ")")?;
        }
        Ok(())
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
