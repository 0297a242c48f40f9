//! Why a command could not do its work, with the exit code for it.

use std::io;
use std::path::Path;

use super::{ExitCode, Streams};
use crate::list::{CompileError, SnapshotError};
use crate::ops::lists::ListError;

/// A failure of the whole command: what to say, and how to end.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: ExitCode,
    pub(super) text: String,
}

impl Fault {
    /// The input is wrong.
    pub(super) fn usage(text: impl Into<String>) -> Fault {
        Fault { code: ExitCode::Usage, text: text.into() }
    }

    /// Something outside failed, such as a store that can't be reached.
    pub(super) fn failed(text: impl Into<String>) -> Fault {
        Fault { code: ExitCode::Failure, text: text.into() }
    }

    /// A file can't be read or written.
    pub(super) fn io(path: &Path, error: &io::Error) -> Fault {
        Fault { code: ExitCode::Io, text: format!("{}: {error}", path.display()) }
    }

    /// Says so, and ends.
    ///
    /// # Errors
    /// A standard stream fails.
    pub(super) fn end(self, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
        for line in self.text.lines() {
            streams.error(line)?;
        }
        Ok(self.code)
    }
}

impl From<ListError> for Fault {
    fn from(error: ListError) -> Fault {
        let code = match &error {
            ListError::File(..)
            | ListError::Compile(CompileError::Write(_))
            | ListError::Snapshot(_, SnapshotError::Read(_)) => ExitCode::Io,
            ListError::Source(..)
            | ListError::Compile(_)
            | ListError::Snapshot(..)
            | ListError::ShortHashes(..)
            | ListError::Size(..) => ExitCode::Usage,
        };
        Fault { code, text: error.to_string() }
    }
}
