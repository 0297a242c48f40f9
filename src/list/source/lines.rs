//! Lines of a bounded length.

use std::io::{self, BufRead, Read};

/// Longest line of a source in bytes, its end not counted. Ten times what any known list needs,
/// and a bound on memory for a file that is no text at all.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The bytes without the line end and without a byte order mark.
    Text(&'a [u8]),
    /// Longer than [`LINE_BYTES_MAX`]; it has been skipped.
    TooLong,
    /// The file begins with the byte order mark of UTF-16, as Windows shells write it.
    Utf16,
}

/// Cuts a file at LF or CRLF.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Lines { input, number: 0, buffer: Vec::new() }
    }

    /// Number of the line that came last, from 1; 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        // Room for the longest line and CRLF: one byte more means that the line is too long.
        let room = LINE_BYTES_MAX as u64 + 2;
        self.buffer.clear();
        let taken = self.input.by_ref().take(room).read_until(b'\n', &mut self.buffer)?;
        if taken == 0 {
            return Ok(None);
        }
        self.number += 1;
        let has_end = self.buffer.last() == Some(&b'\n');
        if !has_end && taken as u64 == room {
            self.skip_line()?;
        }
        Ok(Some(line(without_end(&self.buffer), self.number == 1)))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let (skipped, done) = (end.map_or(chunk.len(), |i| i + 1), chunk.is_empty());
            self.input.consume(skipped);
            if done || end.is_some() {
                return Ok(());
            }
        }
    }
}

fn without_end(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(rest) => rest.strip_suffix(b"\r").unwrap_or(rest),
        None => bytes.strip_suffix(b"\r").unwrap_or(bytes),
    }
}

fn line(bytes: &[u8], is_first: bool) -> Line<'_> {
    if is_first && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
        return Line::Utf16;
    }
    let marked = if is_first { bytes.strip_prefix(b"\xef\xbb\xbf") } else { None };
    match marked.unwrap_or(bytes) {
        text if text.len() > LINE_BYTES_MAX => Line::TooLong,
        text => Line::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8], capacity: usize) -> Vec<(u64, Result<Vec<u8>, String>)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(capacity, input));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = match line {
                Line::Text(text) => Ok(text.to_vec()),
                other => Err(format!("{other:?}")),
            };
            found.push((lines.number(), line));
        }
        found
    }

    #[test]
    fn ends_and_marks_are_taken_off() {
        for (input, expected) in [
            (&b""[..], &[][..]),
            (b"\n", &["".as_bytes()]),
            (b"a", &[b"a"]),
            (b"a\r", &[b"a"]),
            (b"a\nb\r\n\r\nc", &[b"a", b"b", b"", b"c"]),
            (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", &[b"a", b"\xef\xbb\xbfb"]),
            (b"a\rb\n", &[b"a\rb"]),
        ] {
            let numbered: Vec<_> =
                (1..).zip(expected.iter().map(|text| Ok(text.to_vec()))).collect();
            for capacity in 1..=input.len() + 1 {
                assert_eq!(all(input, capacity), numbered, "{input:?}");
            }
        }
    }

    #[test]
    fn utf16_is_named() {
        for input in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
            assert_eq!(all(input, 8), [(1, Err("Utf16".to_owned()))]);
        }
    }

    #[test]
    fn the_longest_line_passes_and_a_longer_one_is_skipped() {
        let long = "x".repeat(LINE_BYTES_MAX);
        for (text, end, passes) in [
            (long.clone(), "\n", true),
            (long.clone(), "\r\n", true),
            (long.clone(), "", true),
            (format!("{long}x"), "\n", false),
            (format!("{long}x"), "\r\n", false),
            (format!("{long}x"), "", false),
            (format!("{long}xx"), "\n", false),
            (format!("{long}{long}{long}"), "\r\n", false),
        ] {
            let input = format!("a\n{text}{end}b\n");
            let found = all(input.as_bytes(), 100);
            let line = if passes { Ok(text.into_bytes()) } else { Err("TooLong".to_owned()) };
            if !end.is_empty() {
                assert_eq!(found, [(1, Ok(b"a".to_vec())), (2, line), (3, Ok(b"b".to_vec()))]);
            }
        }
    }

    #[test]
    fn a_long_last_line_without_end_is_too_long() {
        let input = "x".repeat(LINE_BYTES_MAX + 1);
        assert_eq!(all(input.as_bytes(), 100), [(1, Err("TooLong".to_owned()))]);
        assert_eq!(all(&input.as_bytes()[1..], 100).len(), 1);
    }
}
