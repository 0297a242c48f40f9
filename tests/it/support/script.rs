//! What the recording store does with a request.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A door in the course of things that the test opens.
#[derive(Clone, Debug, Default)]
pub struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets all through, now and later.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits for a while; whether it is open.
    pub fn wait(&self, patience: Duration) -> bool {
        let guard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(guard, patience, |open| !*open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// One thing that the store does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Says 100 Continue if the client asked for it.
    ContinueIfAsked,
    /// Reads the body to its end.
    ReadBody,
    /// Reads so many bytes of the body, HTTP's own framing not counted.
    ReadBytes(u64),
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes in writes of one byte.
    Trickle(Vec<u8>),
    /// Waits for the test.
    Wait(Latch),
    /// Ends the connection in order.
    Close,
    /// Resets the connection.
    Reset,
}

/// What the store does with one request. Whatever of the body is left unread then is read, so that
/// it can be seen whether it ever becomes complete.
#[derive(Clone, Debug)]
pub struct Script(pub Vec<Step>);

impl Script {
    /// Takes the body and says yes.
    pub fn ok() -> Self {
        Self::replies(answer("200 OK", &[("ETag", "\"e-1\""), ("x-amz-request-id", "STORE1")], b""))
    }

    /// Takes the body and says this.
    pub fn replies(answer: Vec<u8>) -> Self {
        Script(vec![Step::ContinueIfAsked, Step::ReadBody, Step::Send(answer)])
    }

    /// Says no as soon as it has the head.
    pub fn refuses() -> Self {
        Script(vec![Step::Send(refusal())])
    }

    /// Does these things.
    pub fn steps(steps: impl Into<Vec<Step>>) -> Self {
        Script(steps.into())
    }

    /// Waits for `latch` before anything else.
    pub fn after(self, latch: &Latch) -> Self {
        let first = std::iter::once(Step::Wait(latch.clone()));
        Script(first.chain(self.0).collect())
    }
}

/// An answer with a declared length.
pub fn answer(status: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let mut bytes = head(status, fields.iter().copied().chain([("Content-Length", &*length)]));
    bytes.extend_from_slice(body);
    bytes
}

/// The head of an answer.
pub fn head<'a>(status: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// How the store says no to a signature.
pub const REFUSAL: &[u8] = b"<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code>\
    <Message>The store says no.</Message></Error>";

/// The store's no.
pub fn refusal() -> Vec<u8> {
    let fields = [("Content-Type", "application/xml"), ("x-amz-request-id", "STORE-NO")];
    answer("403 Forbidden", &fields, REFUSAL)
}
