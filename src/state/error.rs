//! Why the state did not do what was asked. No text here names a key: keys hold digests.

use std::error::Error;
use std::io;
use std::time::Duration;

use object_store::client::HttpError;

/// A fact that went wrong; the caller's policy decides what comes of it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The backend did not answer in time.
    #[error("{operation}: no answer within {after:?}")]
    Timeout {
        /// What was tried.
        operation: &'static str,
        /// For how long.
        after: Duration,
    },
    /// The disk is full, or a quota used up.
    #[error("{operation}: no space left")]
    NoSpace {
        /// What was tried.
        operation: &'static str,
    },
    /// The backend failed otherwise.
    #[error("{operation}: {cause}")]
    Backend {
        /// What was tried.
        operation: &'static str,
        /// What the backend said, without names of keys.
        cause: String,
    },
    /// What was read is not what was written: cut short, exchanged, or rotten.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// More names under one upload than an honest client makes.
    #[error("more than {0} records of one upload")]
    TooMany(usize),
    /// The caller asked for what can't be kept.
    #[error("cannot be kept: {0}")]
    Invalid(&'static str),
}

impl StateError {
    pub(super) fn from_io(operation: &'static str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StateError::NoSpace { operation }
            }
            kind => StateError::Backend { operation, cause: kind.to_string() },
        }
    }

    /// object_store's own texts name paths and URLs, and S3's error bodies name keys: only what
    /// kind of error it was is taken.
    pub(super) fn from_store(operation: &'static str, error: &object_store::Error) -> Self {
        use object_store::Error as E;
        let cause = match error {
            E::NotFound { .. } => "no such bucket or object",
            E::PermissionDenied { .. } => "the key may not do this",
            E::Unauthenticated { .. } => "the key is not known",
            E::Precondition { .. } | E::NotModified { .. } | E::AlreadyExists { .. } => {
                "a condition did not hold"
            }
            other => return StateError::from_cause(operation, other),
        };
        StateError::Backend { operation, cause: cause.to_owned() }
    }

    fn from_cause(operation: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut cause = status(&error.to_string());
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return StateError::from_io(operation, error);
            }
            if let Some(error) = error.downcast_ref::<HttpError>() {
                cause.get_or_insert_with(|| format!("no answer ({:?})", error.kind()));
            }
            next = error.source();
        }
        let cause = cause.unwrap_or_else(|| "an answer that is not understood".to_owned());
        StateError::Backend { operation, cause }
    }
}

/// The status in the text of an error whose type object_store keeps to itself.
fn status(text: &str) -> Option<String> {
    let (_, behind) = text.split_once("status code: ")?;
    let digits = behind.get(..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Some(format!("status {digits}"))
}
