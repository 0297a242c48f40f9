//! After the commit point: the body has been ended towards the store, and nothing that happens to
//! the client may keep us from learning what the store made of it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::exchange::{Exchange, RelayBody, StoreFault};
use super::faults;
use super::journal::Journal;
use super::parts::complete::Complete;
use super::parts::create::Create;
use super::parts::part::Sent;
use super::record::Termination;
use crate::policy::Unjudged;
use crate::s3::MAX_ANSWER;

/// An exchange whose request has been committed, and the record that waits for its answer.
///
/// If the task that waits is dropped, because its client is gone or its connection was closed, the
/// wait goes on in a task of its own.
pub struct Committed(Option<Pending>);

/// What has to happen once the store has answered, whether or not there still is a client.
pub enum Sequel {
    /// Nothing.
    Nothing,
    /// A part is recorded, before its client hears that the store has it.
    Part(Box<Sent>),
    /// The same for a part whose ETag stands in the body of the answer.
    PartCopy(Box<Sent>),
    /// What a multipart upload's start said is noted under the uploadId in the body of the answer,
    /// before the client hears it.
    Create(Box<Create>),
    /// The answer to a Complete is looked at as it passes.
    Complete(Box<Complete>),
}

/// What the store made of a committed request.
pub struct Aftermath {
    /// Its answer, or why there is none.
    pub reply: Result<Response<Incoming>, StoreFault>,
    /// The exchange, to pass the answer on, or to see whether the request may go out again.
    pub exchange: Box<Exchange>,
    /// The record.
    pub journal: Journal,
    /// What is still to be done: a part that was not recorded, since there was no answer; the
    /// Complete whose answer is to be looked at.
    pub sequel: Sequel,
    /// Why the client must not hear the answer.
    pub fault: Option<Unjudged>,
}

struct Pending {
    exchange: Box<Exchange>,
    journal: Journal,
    patience: Duration,
    sequel: Sequel,
    /// The head of the answer to a part, once it is there.
    answered: Option<Box<(StatusCode, HeaderMap)>>,
}

impl Committed {
    /// Waits at most `patience` for the store's answer.
    pub fn new(
        exchange: Box<Exchange>,
        journal: Journal,
        patience: Duration,
        sequel: Sequel,
    ) -> Self {
        let answered = None;
        Committed(Some(Pending { exchange, journal, patience, sequel, answered }))
    }

    /// The store's answer, and what is needed to pass it on and to write the record; `None` if it was
    /// given before.
    pub async fn answer(&mut self) -> Option<Aftermath> {
        faults::point("await answer");
        let pending = self.0.as_mut()?;
        let reply = pending.exchange.answer(pending.patience).await;
        let mut fault = None;
        if let (Ok(response), Sequel::Part(_)) = (&reply, &pending.sequel) {
            let head = (response.status(), response.headers().clone());
            pending.answered = Some(Box::new(head.clone()));
            fault = pending.record_part(head).await;
        }
        let Pending { exchange, journal, sequel, .. } = self.0.take()?;
        Some(Aftermath { reply, exchange, journal, sequel, fault })
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        let Some(mut pending) = self.0.take() else { return };
        let ended_by = match std::thread::panicking() {
            true => Termination::Panic,
            false => Termination::ClientAnswer,
        };
        if let Some(head) = pending.answered.take() {
            // The part is being recorded, in a task of its own.
            pending.journal.store_answered(head.0, &head.1);
            pending.journal.finish(ended_by);
            return;
        }
        // Outside a runtime the process is ending; the journal then says that nobody knows.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(pending.wait_alone(ended_by));
        }
    }
}

impl Pending {
    /// Records the part in a task of its own, which goes on if this one is dropped.
    async fn record_part(
        &mut self,
        (status, headers): (StatusCode, HeaderMap),
    ) -> Option<Unjudged> {
        let Sequel::Part(sent) = std::mem::replace(&mut self.sequel, Sequel::Nothing) else {
            return None;
        };
        let recording = tokio::spawn(async move { sent.answered(status, &headers).await });
        recording.await.unwrap_or(Err(Unjudged::Spool)).err()
    }

    /// `ended_by` is why nobody else waits.
    async fn wait_alone(mut self, ended_by: Termination) {
        faults::point("alone");
        match self.exchange.answer(self.patience).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                self.journal.store_answered(head.status, &head.headers);
                // The client hears nothing; that the part is not recorded, its Complete will say.
                let _ = self.record_part((head.status, head.headers)).await;
                if let Sequel::Create(create) = self.sequel {
                    // It can list its uploads, and go on with this one.
                    let _ = note(create, self.exchange.into_body(body, true)).await;
                }
                self.journal.finish(ended_by);
            }
            Err(_) => {
                if let Sequel::Part(sent) | Sequel::PartCopy(sent) = self.sequel {
                    sent.unanswered().await;
                }
                self.journal.finish(Termination::Unknown);
            }
        }
    }
}

/// Reads the answer to a multipart upload's start, and notes what it said under the upload that the
/// answer names. `None` if the answer breaks off, or is none that a start has.
pub(super) async fn note(
    create: Box<Create>,
    answer: RelayBody,
) -> Option<(Bytes, Option<Unjudged>)> {
    let answer = Limited::new(answer, MAX_ANSWER).collect().await.ok()?.to_bytes();
    let fault = create.answered(&answer).await.err();
    Some((answer, fault))
}
