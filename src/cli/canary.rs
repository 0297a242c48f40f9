//! `s3bouncer canary`: a harmless image that every snapshot lists.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{ExitCode, Streams};
use crate::list::canary_image;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Where to write the image [default: standard output, unless that is a terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the image.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    match &args.output {
        Some(path) => {
            if let Err(error) = fs::write(path, canary_image()) {
                streams.error(format_args!("{}: {error}", path.display()))?;
                return Ok(ExitCode::Io);
            }
        }
        None if streams.out_is_terminal => {
            streams.error("an image is nothing for a terminal: name a file with --output")?;
            return Ok(ExitCode::Usage);
        }
        None => streams.out.write_all(&canary_image())?,
    }
    Ok(ExitCode::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_to(out: &mut Vec<u8>, output: Option<PathBuf>, out_is_terminal: bool) -> ExitCode {
        let (mut err, mut input) = (io::sink(), io::empty());
        let mut streams = Streams { out, err: &mut err, input: &mut input, out_is_terminal };
        run(&Args { output }, &mut streams).unwrap()
    }

    #[test]
    fn a_terminal_gets_no_image() {
        for (terminal, code, bytes) in
            [(true, ExitCode::Usage, 0), (false, ExitCode::Success, canary_image().len())]
        {
            let mut out = Vec::new();
            let found = run_to(&mut out, None, terminal);
            assert_eq!((found, out.len()), (code, bytes));
        }
    }

    #[test]
    fn a_file_gets_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("canary.bmp");
        for (path, code) in
            [(file.clone(), ExitCode::Success), (directory.path().join("none/x"), ExitCode::Io)]
        {
            assert_eq!(run_to(&mut Vec::new(), Some(path), true), code);
        }
        assert_eq!(fs::read(file).unwrap(), canary_image());
    }
}
