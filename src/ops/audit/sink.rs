//! One of the two files, and the lines that wait for it.

use std::io;
use std::time::{Duration, SystemTime};

use super::Retained;
use super::segment::{Segment, expire};

/// Bytes of lines that wait for a file that cannot be written. Some ten thousand records: minutes
/// in which a disk can be made room on.
const PENDING_BYTES_MAX: usize = 16 << 20;

/// Bytes that are kept for them when fewer wait.
const PENDING_BYTES_KEPT: usize = 256 << 10;

/// Bytes that are written at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// How often segments are looked through for old ones.
const EXPIRY_PERIOD: Duration = Duration::from_secs(3600);

/// A file, and the lines that wait for it, one behind the other.
#[derive(Debug)]
pub(super) struct Sink {
    settings: Retained,
    pending_bytes_max: usize,
    segment: Option<Segment>,
    pending: Vec<u8>,
    expired: Option<SystemTime>,
    rotation_failed: bool,
}

impl Sink {
    pub(super) fn new(settings: Retained) -> Self {
        Sink {
            settings,
            pending_bytes_max: PENDING_BYTES_MAX,
            segment: None,
            pending: Vec::new(),
            expired: None,
            rotation_failed: false,
        }
    }

    /// Goes on with other settings; what waits, goes to the new file.
    pub(super) fn reconfigure(&mut self, settings: Retained) {
        self.settings = settings;
        self.expired = None;
        self.reopen();
    }

    /// Closes the file; it is opened by name when it is next needed.
    pub(super) fn reopen(&mut self) {
        self.segment = None;
    }

    /// Adds a line, newline included. False if there is no room for it to wait.
    pub(super) fn push(&mut self, line: &[u8]) -> bool {
        let room = self.pending.len() + line.len() <= self.pending_bytes_max;
        if room {
            self.pending.extend_from_slice(line);
        }
        room
    }

    /// How many lines wait.
    pub(super) fn pending(&self) -> usize {
        memchr::memchr_iter(b'\n', &self.pending).count()
    }

    /// Writes every line that waits; opens, rotates and expires as it is time to.
    ///
    /// # Errors
    /// The file cannot be opened or written. What was not written waits on.
    pub(super) fn flush(&mut self, now: SystemTime) -> io::Result<()> {
        if self.segment.as_ref().is_some_and(Segment::is_gone) {
            self.reopen();
        }
        self.rotate_if_due(now);
        let mut written = 0;
        let outcome = self.write_pending(&mut written, now);
        self.pending.drain(..written);
        self.pending.shrink_to(PENDING_BYTES_KEPT);
        if outcome.is_ok() {
            self.expire_if_due(now);
        }
        outcome
    }

    fn write_pending(&mut self, written: &mut usize, now: SystemTime) -> io::Result<()> {
        loop {
            let segment = match &mut self.segment {
                Some(segment) => segment,
                closed @ None => closed.insert(Segment::open(&self.settings.path, now)?),
            };
            let lines = next_write(&self.pending[*written..]);
            if lines.is_empty() {
                return Ok(());
            }
            segment.append(lines)?;
            *written += lines.len();
            self.rotate_if_due(now);
        }
    }

    /// A segment that cannot be rotated is written on: a long file is better than a lost record.
    fn rotate_if_due(&mut self, now: SystemTime) {
        let Retained { rotate_bytes, rotate_after, .. } = self.settings;
        let due = |segment: &&Segment| segment.is_due(rotate_bytes, rotate_after, now);
        let Some(segment) = self.segment.as_ref().filter(due) else { return };
        match segment.rotate(now) {
            Ok(()) => {
                self.segment = None;
                self.expired = None;
                self.rotation_failed = false;
            }
            Err(error) if !self.rotation_failed => {
                tracing::error!(path = %segment.path().display(), %error, "cannot rotate the audit file");
                self.rotation_failed = true;
            }
            Err(_) => {}
        }
    }

    fn expire_if_due(&mut self, now: SystemTime) {
        let due = |last: SystemTime| now.duration_since(last).is_ok_and(|age| age >= EXPIRY_PERIOD);
        if !self.expired.is_none_or(due) {
            return;
        }
        self.expired = Some(now);
        let written = self.segment.as_ref().map(Segment::path);
        match expire(&self.settings.path, written, self.settings.retention, now) {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed expired audit files"),
            Err(error) => tracing::error!(%error, "cannot look for expired audit files"),
        }
    }
}

/// As many lines as one write takes, at least one if there is one.
fn next_write(lines: &[u8]) -> &[u8] {
    if lines.len() <= WRITE_BYTES_MAX {
        return lines;
    }
    let last = memchr::memrchr(b'\n', &lines[..WRITE_BYTES_MAX]);
    let last = last.or_else(|| memchr::memchr(b'\n', lines));
    last.map_or(lines, |last| &lines[..=last])
}

#[cfg(test)]
mod tests;
