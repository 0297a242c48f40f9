//! One of the two files, and the lines that wait for it.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, SystemTime};

use super::Retained;
use super::segment::{Segment, expire};

/// Bytes of lines that wait for a file that cannot be written. Some ten thousand records: minutes
/// in which a disk can be made room on.
const PENDING_BYTES_MAX: usize = 16 << 20;

/// Bytes that are written at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// How often segments are looked through for old ones.
const EXPIRY_PERIOD: Duration = Duration::from_secs(3600);

/// A file, and the lines that wait for it. `pending_bytes` is their length together.
#[derive(Debug)]
pub(super) struct Sink {
    settings: Retained,
    pending_bytes_max: usize,
    segment: Option<Segment>,
    pending: VecDeque<String>,
    pending_bytes: usize,
    expired: Option<SystemTime>,
    rotation_failed: bool,
}

impl Sink {
    pub(super) fn new(settings: Retained) -> Self {
        Sink {
            settings,
            pending_bytes_max: PENDING_BYTES_MAX,
            segment: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
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
    pub(super) fn push(&mut self, line: String) -> bool {
        let room = self.pending_bytes + line.len() <= self.pending_bytes_max;
        if room {
            self.pending_bytes += line.len();
            self.pending.push_back(line);
        }
        room
    }

    /// How many lines wait.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
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
        loop {
            let segment = match &mut self.segment {
                Some(segment) => segment,
                closed @ None => closed.insert(Segment::open(&self.settings.path, now)?),
            };
            let (count, lines) = next_write(&self.pending);
            if count == 0 {
                break;
            }
            segment.append(lines.as_bytes())?;
            self.pending.drain(..count);
            self.pending_bytes -= lines.len();
            self.rotate_if_due(now);
        }
        self.expire_if_due(now);
        Ok(())
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

/// As many lines as one write takes, at least one if there is one, and their number.
fn next_write(pending: &VecDeque<String>) -> (usize, String) {
    let mut text = String::new();
    let mut count = 0;
    for line in pending {
        if count > 0 && text.len() + line.len() > WRITE_BYTES_MAX {
            break;
        }
        text.push_str(line);
        count += 1;
    }
    (count, text)
}

#[cfg(test)]
mod tests;
