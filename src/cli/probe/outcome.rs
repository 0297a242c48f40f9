//! What came of a case.

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::wire::End;

/// What came of a case. What does not belong to it, or did not happen, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The status of the final answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) status: Option<u16>,
    /// What S3 calls the error in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) code: Option<String>,
    /// Whether `100 Continue` came first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) continued: Option<bool>,
    /// What was stored, looked at afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) object: Option<Object>,
    /// Bytes of what was stored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) bytes: Option<u64>,
    /// How the connection stood after the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) connection: Option<Connection>,
    /// Whether the answer said that the connection ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) announced_close: Option<bool>,
    /// The status of the next request's answer on the same connection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) next_status: Option<u16>,
    /// How long it took, and what depends on how quick both sides were. Never compared.
    #[serde(skip_serializing_if = "Timing::is_empty", default)]
    pub(super) timing: Timing,
}

/// What is otherwise in each run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Timing {
    /// The status of an answer that had come before the upload was cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) status_before_end: Option<u16>,
    /// Bytes of the body that the store's side had taken until it answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) sent_bytes: Option<u64>,
    /// Seconds after which the store ended the connection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) closed_after_s: Option<f64>,
    /// Seconds after which it was still open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) open_after_s: Option<f64>,
}

impl Timing {
    fn is_empty(&self) -> bool {
        *self == Timing::default()
    }
}

/// What was found under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Object {
    /// Nothing.
    None,
    /// The payload.
    Whole,
    /// A beginning of the payload.
    Short,
    /// Something else.
    Other,
    /// What had been there before.
    Old,
    /// The store did not say.
    Unknown,
}

impl Object {
    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Object::None => "none",
            Object::Whole => "whole",
            Object::Short => "short",
            Object::Other => "other",
            Object::Old => "old",
            Object::Unknown => "unknown",
        }
    }

    /// What `found` is, if `payload` was sent.
    pub(super) fn of(found: &[u8], payload: &[u8]) -> Self {
        if found == payload {
            Object::Whole
        } else if payload.starts_with(found) {
            Object::Short
        } else {
            Object::Other
        }
    }
}

/// How a connection stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Connection {
    /// Open, and the next request was answered.
    Open,
    /// The store had ended it in order.
    Closed,
    /// The store had reset it.
    Reset,
    /// Open, but no answer came.
    Silent,
}

impl Connection {
    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Connection::Open => "open",
            Connection::Closed => "closed",
            Connection::Reset => "reset",
            Connection::Silent => "silent",
        }
    }
}

impl Connection {
    /// Its word in comparisons: whether a close becomes a reset depends on what was on its way.
    const fn compared(self) -> &'static str {
        match self {
            Connection::Open | Connection::Silent => self.word(),
            Connection::Closed | Connection::Reset => Connection::Closed.word(),
        }
    }
}

impl From<End> for Connection {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Connection::Closed,
            End::Reset => Connection::Reset,
            End::Silent => Connection::Silent,
        }
    }
}

impl Outcome {
    /// That of a final answer, or of how the connection stood without one.
    pub(super) fn of(reply: &Result<Answer, End>) -> Self {
        match reply {
            Ok(answer) => {
                Outcome { status: Some(answer.status), code: answer.code(), ..Outcome::default() }
            }
            Err(end) => Outcome { connection: Some((*end).into()), ..Outcome::default() },
        }
    }

    /// What a baseline is compared by, each with its name in documents.
    pub(super) fn facts(&self) -> [(&'static str, String); 8] {
        fn show<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
            value.map_or_else(|| "-".to_owned(), text)
        }
        [
            ("status", show(self.status, |status| status.to_string())),
            ("code", show(self.code.as_deref(), str::to_owned)),
            ("continued", show(self.continued, |continued| continued.to_string())),
            ("object", show(self.object, |object| object.word().to_owned())),
            ("bytes", show(self.bytes, |bytes| bytes.to_string())),
            ("connection", show(self.connection, |connection| connection.compared().to_owned())),
            ("announced_close", show(self.announced_close, |close| close.to_string())),
            ("next_status", show(self.next_status, |status| status.to_string())),
        ]
    }
}
