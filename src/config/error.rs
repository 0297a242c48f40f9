//! What is wrong with a configuration, and where.

use std::collections::BTreeSet;
use std::fmt;

/// Longest key or message, in bytes: a text may hold a megabyte of key or value.
const TEXT_MAX: usize = 400;
/// Most errors that are listed: more help nobody and may fill a terminal.
const ERRORS_MAX: usize = 200;

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The line of the text, from 1.
    pub line: usize,
    /// The option, as `table.key`; empty where the text as a whole is at fault.
    pub key: String,
    /// What is wrong, for the operator.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Every fault of a configuration, sorted by line. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The faults, by line.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One error a line, without a line end behind the last.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects errors while a text is read.
pub(super) struct Report {
    line_starts: Vec<usize>,
    errors: Vec<ConfigError>,
    /// Lines that are no TOML: what else seems wrong there only follows from that.
    broken: BTreeSet<usize>,
}

impl Report {
    pub(super) fn new(text: &str) -> Self {
        let line_ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = std::iter::once(0).chain(line_ends.map(|(at, _)| at + 1)).collect();
        Report { line_starts, errors: Vec::new(), broken: BTreeSet::new() }
    }

    /// The line, from 1, of a byte of the text.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset)
    }

    pub(super) fn add(&mut self, line: usize, key: impl Into<String>, message: impl Into<String>) {
        if !self.broken.contains(&line) {
            let (key, message) = (shortened(key.into()), shortened(message.into()));
            self.errors.push(ConfigError { line, key, message });
        }
    }

    /// Adds an error of syntax: only the first on its line.
    pub(super) fn add_syntax(&mut self, line: usize, key: String, message: String) {
        if !self.broken.contains(&line) {
            self.add(line, key, message);
            self.broken.insert(line);
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors by line; `None` where there are none.
    pub(super) fn finish(mut self) -> Option<ConfigErrors> {
        self.errors.sort();
        self.errors.dedup();
        let total = self.errors.len();
        if total > ERRORS_MAX {
            self.errors.truncate(ERRORS_MAX);
            let line = self.errors.last().map_or(1, |last| last.line);
            let message = format!("and {} errors more", total - ERRORS_MAX);
            self.errors.push(ConfigError { line, key: String::new(), message });
        }
        (total > 0).then_some(ConfigErrors(self.errors))
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push_str("...");
    }
    text
}
