//! Where a command reads and writes; memory in tests.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// The standard streams of a command.
pub(super) struct Streams<'a> {
    /// What was asked for.
    pub(super) out: &'a mut dyn Write,
    /// What went wrong.
    pub(super) err: &'a mut dyn Write,
    /// What `-` names.
    pub(super) input: &'a mut dyn Read,
    /// Whether `out` is a terminal, which must not be sent an image.
    pub(super) out_is_terminal: bool,
}

impl Streams<'_> {
    /// One line about what went wrong.
    pub(super) fn error(&mut self, error: impl fmt::Display) -> io::Result<()> {
        writeln!(self.err, "s3bouncer: {error}")
    }

    /// Opens a file that is named on the command line; `-` is the standard input.
    pub(super) fn open(&mut self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        if path == Path::new("-") {
            return Ok(Box::new(&mut *self.input));
        }
        Ok(Box::new(File::open(path)?))
    }
}

/// Text from files, lists and requests, harmless to a terminal: control characters are escaped.
pub(super) struct Shown<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.0.to_string().chars().try_for_each(|c| match is_harmless(c) {
            true => f.write_char(c),
            false => write!(f, "{}", c.escape_unicode()),
        })
    }
}

/// No control, and nothing that turns the direction of the text around it.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A command run in memory: its ending, and what it wrote.
#[cfg(test)]
pub(super) fn captured(
    input: &[u8],
    command: impl FnOnce(&mut Streams<'_>) -> io::Result<super::ExitCode>,
) -> (super::ExitCode, String, String) {
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), input);
    let mut streams =
        Streams { out: &mut out, err: &mut err, input: &mut input, out_is_terminal: false };
    let code = command(&mut streams).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_sees_no_controls() {
        for (text, shown) in [
            ("zürich 2", "zürich 2"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\nb\r", "a\\u{a}b\\u{d}"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
    }

    #[test]
    fn a_dash_is_the_standard_input() {
        let (_, out, _) = captured(b"hello", |streams| {
            let text = io::read_to_string(streams.open(Path::new("-"))?)?;
            write!(streams.out, "{text}")?;
            Ok(super::super::ExitCode::Success)
        });
        assert_eq!(out, "hello");
    }
}
