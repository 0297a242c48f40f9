//! One request's record, written exactly once whatever becomes of the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{ETAG, HeaderName};
use http::{HeaderMap, StatusCode};

use super::meters::Meters;
use super::record::{AuditSlot, Auth, Record, Termination, VerdictWord};
use crate::inspect::Evidence;
use crate::policy::{Mode, Outcome, Verdict};
use crate::s3;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// The record under construction. Dropping it writes it with what is known (invariant 9).
pub struct Journal {
    /// Until it is written.
    record: Option<Box<Record>>,
    slot: Option<AuditSlot>,
    pub(super) meters: Arc<Meters>,
    begun: Instant,
    /// What a sudden end means now.
    if_dropped: Termination,
    body_ended: Option<Instant>,
    /// Set when the gate itself is the reason for what breaks off.
    ending: Arc<AtomicBool>,
}

impl Journal {
    /// Starts a record. `slot` is its reserved place in the audit queue; without one the record is
    /// lost, and counted.
    pub fn new(
        record: Box<Record>,
        slot: Option<AuditSlot>,
        meters: Arc<Meters>,
        ending: Arc<AtomicBool>,
    ) -> Self {
        let begun = Instant::now();
        let (record, if_dropped) = (Some(record), Termination::ClientHead);
        Journal { record, slot, meters, begun, if_dropped, body_ended: None, ending }
    }

    /// The record; fields are filled as they become known.
    pub fn record(&mut self) -> &mut Record {
        let Some(record) = &mut self.record else { unreachable!("writing it ends the journal") };
        record
    }

    /// Whether the record has a place in the audit queue.
    pub fn is_kept(&self) -> bool {
        self.slot.is_some()
    }

    /// Notes what the request is about, the bucket's mode, and the version of the lists that judge.
    pub fn addressed(&mut self, request: &s3::Request, mode: Mode, version: Option<&Arc<str>>) {
        let record = self.record();
        record.operation = Some(request.operation.name());
        record.bucket.clone_from(&request.bucket);
        record.key.clone_from(&request.key);
        record.upload_id.clone_from(&request.upload_id);
        record.access_key.clone_from(&request.access_key);
        record.mode = Some(mode);
        record.snapshot = version.cloned();
    }

    /// The request enters another phase: should its task vanish now, this is why.
    pub fn phase(&mut self, if_dropped: Termination) {
        self.if_dropped = if_dropped;
    }

    /// Notes what the body was.
    pub fn seen(&mut self, evidence: &Evidence) {
        self.meters.body_bytes.inc_by(evidence.payload);
        self.seen_object(evidence);
    }

    /// Notes what the object is that this request would make of bytes which came before.
    pub fn seen_object(&mut self, evidence: &Evidence) {
        let record = self.record();
        record.bytes = evidence.payload;
        record.digests = evidence.digests;
        record.pdq = evidence.pdq().map(|pdq| pdq.to_string());
    }

    /// Notes that the client has sent the last byte of the body.
    pub fn body_ended(&mut self) {
        self.body_ended = Some(Instant::now());
    }

    /// Notes that the body has been committed: what passed since its end, the gate added.
    pub fn committed(&mut self) {
        if let Some(ended) = self.body_ended {
            self.meters.observe_added_latency(ended.elapsed());
        }
    }

    /// Notes the verdict.
    pub fn judged(&mut self, verdict: &Verdict) {
        if let Outcome::Unjudged { reason, .. } = verdict.outcome {
            self.meters.count_unjudged(reason);
        }
        let record = self.record();
        record.mode = Some(verdict.mode);
        record.verdict = Some(match verdict.outcome {
            Outcome::Allow => VerdictWord::Allow,
            Outcome::Deny => {
                // Without an entry it is more of an upload that was refused before.
                record.reason = Some("poisoned");
                VerdictWord::Deny
            }
            Outcome::WouldDeny => VerdictWord::WouldDeny,
            Outcome::Unjudged { reason, .. } => {
                record.reason = Some(reason.name());
                VerdictWord::Unjudged
            }
        });
        if let Some(matched) = &verdict.matched {
            record.reason = Some(matched.reason());
            record.distance = Some(matched.distance());
            record.list = Some(matched.list.clone());
            record.entry = Some(matched.entry.clone());
        }
    }

    /// Notes whether the store accepts the request's head.
    pub fn auth(&mut self, auth: Auth) {
        self.record().auth = Some(auth);
    }

    /// Notes what the store said.
    pub fn store_answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        let record = self.record();
        record.status = Some(status.as_u16());
        for (name, value) in headers {
            let place = match name {
                name if *name == REQUEST_ID => &mut record.store_request_id,
                name if *name == ETAG => &mut record.etag,
                name if *name == VERSION_ID => &mut record.version_id,
                _ => continue,
            };
            // Of several the first, as clients take them.
            if place.is_none() {
                *place = value.to_str().ok().map(str::to_owned);
            }
        }
    }

    /// Writes the record.
    pub fn finish(mut self, termination: Termination) {
        self.write(termination);
    }

    fn write(&mut self, termination: Termination) {
        let Some(mut record) = self.record.take() else { return };
        record.termination = termination;
        record.duration = self.begun.elapsed();
        // No status went out where the client was gone: nginx's 499 for that is well understood.
        let (operation, status) =
            (record.operation.unwrap_or("Other"), record.status.unwrap_or(499));
        self.meters.count_request(operation, record.verdict, status);
        match self.slot.take() {
            Some(slot) => slot.commit(record),
            None => {
                self.meters.audit_lost.inc();
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.write(Termination::Panic);
        } else if self.ending.load(Ordering::Relaxed) {
            self.write(Termination::Drained);
        } else {
            self.write(self.if_dropped);
        }
    }
}
