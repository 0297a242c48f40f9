//! Acts as the gate's socket takes them.

use http::Method;
use serde_json::{Value, json};

use super::Act;

/// One request to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// None with a GET.
    pub(super) body: Option<Value>,
}

impl Act {
    /// How the gate is told.
    pub(super) fn order(&self) -> Order {
        let post = |path, body| Order { method: Method::POST, path, body: Some(body) };
        match self {
            Act::Status => Order { method: Method::GET, path: "/status", body: None },
            Act::Reload { accept } => post("/reload", json!({ "accept": accept })),
            Act::Drain => post("/drain", json!({})),
            Act::Observe { lasts, reason, list, bucket } => post(
                "/observe",
                json!({
                    "for_seconds": lasts.as_secs(),
                    "reason": reason,
                    "list": list,
                    "bucket": bucket,
                }),
            ),
            Act::Disable { entry, reason, expires } => post(
                "/disable",
                json!({
                    "list": entry.list,
                    "entry": entry.entry,
                    "reason": reason,
                    "expires": expires,
                }),
            ),
        }
    }
}
