//! What is known of an upload besides its body, and how the body is kept back.

use std::io;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, EXPECT, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request};

use super::exchange::Exchange;
use super::flow::{Event, Flow, Running, Until};
use super::gate::{Gate, View};
use super::headers;
use super::intake::{Leftover, Seen};
use super::record::Auth;
use super::seal::{Kind, Seal};
use super::signing::{Route, Signing, Turned};
use super::stores::Store;
use crate::config;
use crate::inspect::{Evidence, Inspector};
use crate::net::body::UpstreamBody;
use crate::net::budget::Reservation;
use crate::net::conversation::READ_BYTES;
use crate::net::upstream::BUFFER_BYTES;
use crate::policy::{self, Archives, BucketRule, OnFault, Unjudged, Verdict};
use crate::s3::policy_form::PREAMBLE_MAX;
use crate::s3::sealed::SEALED_CHUNK_MAX;
use crate::s3::{self, BodyPlan, BodyShape, Operation};

/// Framing may at most double what a body occupies while it is held: one of nothing but tiny chunks
/// is refused, not held.
const FRAMING_FACTOR: u64 = 2;

/// What a connection's own buffers take while a body streams, in bytes.
const STREAM_BUFFERS: u64 = (READ_BYTES + BUFFER_BYTES) as u64;

/// What is known about an upload besides its body.
pub(super) struct Case {
    pub(super) gate: Arc<Gate>,
    pub(super) view: Arc<View>,
    pub(super) head: Parts,
    pub(super) s3: s3::Request,
    /// The store that it is for.
    pub(super) store: Arc<Store>,
    /// Whether anything may be refused here: else the gate only watches.
    pub(super) enforces: bool,
    /// The bucket's rule, where it does not hold as it stands.
    lenient: Option<BucketRule>,
    /// Why it cannot be judged, as far as that is known beforehand.
    pub(super) unjudged: Option<Unjudged>,
    /// What the store has said about the head so far, or the gate where it knows the client's keys.
    pub(super) auth: Option<Auth>,
    /// How it is signed anew, for a store that has it so.
    pub(super) signing: Option<Signing>,
}

/// How a body is kept from the store until its verdict.
pub(super) enum Guard {
    /// Held whole: nothing of it goes out before the verdict.
    Whole(Option<Reservation>),
    /// Streamed, its end held.
    Tail(Option<Reservation>),
}

/// Why a body is not taken in any further.
pub(super) enum Stop {
    /// Something happened on one of its two sides.
    Event(Box<Event>),
    /// There is no memory for it.
    Budget,
}

impl Case {
    /// A case whose head has been understood. `unjudged` is why it cannot be judged, where that is
    /// known already.
    pub(super) fn new(
        gate: Arc<Gate>,
        view: Arc<View>,
        mut head: Parts,
        s3: s3::Request,
        Route { store, signing }: Route,
        unjudged: Option<Unjudged>,
    ) -> Case {
        headers::to_upstream(&mut head.headers);
        let enforces = view.enforces(s3.bucket.as_deref());
        // Deleting must work whatever state lists and budgets are in, many objects at a time too.
        let lenient = (s3.operation == Operation::DeleteObjects).then(|| BucketRule {
            faults: OnFault::Forward,
            ..view.rule(s3.bucket.as_deref()).clone()
        });
        let unjudged = unjudged.or(beforehand(s3.operation));
        let unjudged = unjudged.or(s3.encrypted.then_some(Unjudged::Encrypted));
        let proven = signing.as_ref().is_some_and(Signing::is_proven);
        let auth = proven.then_some(Auth::Accepted);
        Case { gate, view, head, s3, store, enforces, lenient, unjudged, auth, signing }
    }

    /// The rule for this upload's bucket.
    pub(super) fn rule(&self) -> &BucketRule {
        match &self.lenient {
            Some(rule) => rule,
            None => self.view.rule(self.s3.bucket.as_deref()),
        }
    }

    /// What a body of this upload is judged to be.
    pub(super) fn verdict_on(&self, evidence: &Evidence, unjudged: Option<Unjudged>) -> Verdict {
        let (view, bucket) = (&self.view, self.s3.bucket.as_deref().unwrap_or_default());
        policy::judge(&view.rulebook, self.rule(), bucket, evidence, unjudged, &*view.exceptions)
    }

    /// Whether a shortage of ours may turn it away.
    pub(super) fn may_retry(&self) -> bool {
        self.enforces && self.rule().faults == OnFault::Retry
    }

    /// Whether the store is asked about the head before any of the body is read.
    pub(super) fn asks_first(&self) -> bool {
        // How long such a form is turns out as it comes; and its head tells nothing.
        !self.is_form_to_sign() && (self.s3.expect_continue || self.store.config.auth_first)
    }

    /// Whether it is a form that is signed anew.
    fn is_form_to_sign(&self) -> bool {
        self.signing.is_some() && self.s3.operation == Operation::PostObject
    }

    /// Whether the body of a client whose head the store has not accepted must not be read.
    pub(super) fn needs_acceptance(&self) -> bool {
        self.store.config.auth_first && self.enforces
    }

    /// Whether its body may not be longer than what is captured.
    pub(super) fn is_bounded(&self) -> bool {
        self.s3.body.is_unbounded() || self.most().is_some()
    }

    /// Most bytes of a body that only makes sense when it is held whole.
    fn most(&self) -> Option<u64> {
        let settings = &self.view.settings;
        match self.s3.operation {
            Operation::CompleteMultipartUpload => Some(s3::MAX_COMPLETE_BODY as u64),
            // A copy has no body; what it brings all the same is looked at like any other.
            Operation::CopyObject | Operation::UploadPartCopy => Some(settings.small_body_max),
            // Stores make objects of its members while the archive still comes in.
            Operation::PutObjectExtract if self.rule().surface.archives == Archives::Inspect => {
                Some(settings.inspect.archive_max)
            }
            _ => None,
        }
    }

    /// The fault that the gate is in before the body is looked at.
    pub(super) fn fault(&self) -> Option<Unjudged> {
        if !self.gate.audit.healthy() {
            return Some(Unjudged::Audit);
        }
        self.view.rulebook.list_fault(self.rule())
    }

    /// Why a body whose framing is malformed can't be judged.
    pub(super) fn unclear(&self) -> Unjudged {
        match self.s3.operation {
            Operation::PostObject => Unjudged::Form,
            _ => Unjudged::Encoding,
        }
    }

    /// Whether of a body that is too large to be held its beginning is: a picture, or, where pictures
    /// are looked at, anything that one may be in.
    pub(super) fn is_worth_keeping(&self, inspector: &Inspector) -> bool {
        let is_coded = !self.s3.content_encoding.is_empty();
        let may_show = || inspector.shows_picture() || is_coded;
        inspector.format().is_some() || (self.looks().is_some() && may_show())
    }

    /// The text of a denial: the same for all, whatever matched.
    pub(super) fn denial(&self) -> &str {
        &self.view.settings.denial
    }

    /// Lets go of what is left of a body.
    pub(super) fn let_go(&self, rest: Leftover) {
        let settings = &self.view.settings;
        rest.drain(self.s3.expect_continue, settings.drain_bytes, settings.drain_time);
    }

    /// Sends the head, and a body that waits to be fed, to the store.
    pub(super) async fn open(&self, fresh: bool) -> io::Result<Running> {
        self.open_with(fresh, |_| {}).await
    }

    /// Sends the head, to learn whether the store accepts it; the body never follows.
    pub(super) async fn open_asking(&self, fresh: bool) -> io::Result<Running> {
        self.open_with(fresh, |headers| {
            headers.entry(EXPECT).or_insert(HeaderValue::from_static("100-continue"));
        })
        .await
    }

    async fn open_with(
        &self,
        fresh: bool,
        change: impl FnOnce(&mut HeaderMap),
    ) -> io::Result<Running> {
        let upstream = &self.store.upstream;
        let link = upstream.link(fresh).await?;
        let (body, feed) = match self.s3.body.wire_length() {
            Some(0) => (UpstreamBody::none(), None),
            length => {
                let (body, feed) = UpstreamBody::fed(length);
                (body, Some(feed))
            }
        };
        let (uri, headers) = match &self.signing {
            None => (self.head.uri.clone(), self.head.headers.clone()),
            Some(signing) => {
                let signed = signing.signed_head(&self.head, &self.s3, &self.gate.ring);
                signed.map_err(io::Error::other)?
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        // With them goes the case of header names.
        *request.extensions_mut() = self.head.extensions.clone();
        change(request.headers_mut());
        Ok(Running { exchange: Exchange::start(upstream, link, request), feed })
    }

    /// What verifies the signatures in the body, if there are any, and signs it anew; with the memory
    /// for what waits for its signature.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn seal(&mut self) -> Result<Option<Seal>, Unjudged> {
        let Some(signing) = &mut self.signing else { return Ok(None) };
        let payload = self.s3.body.payload_length().unwrap_or(u64::MAX);
        let Some(kind) = signing.seal(&mut self.head, &mut self.s3, &self.gate.ring) else {
            return Ok(None);
        };
        let most = match &kind {
            Kind::Chunks(_) => SEALED_CHUNK_MAX,
            Kind::Form(_) => PREAMBLE_MAX,
        };
        let room = self.reserve(payload.min(most as u64)).map_err(|_| Unjudged::Budget)?;
        Ok(Some(Seal::new(kind, room)))
    }

    /// The body has grown by so many bytes since its head came.
    pub(super) fn grow(&mut self, bytes: i64) {
        if bytes != 0
            && let BodyPlan::Identity { length: Some(length) } = &mut self.s3.body
        {
            *length = length.saturating_add_signed(bytes);
            self.head.headers.insert(CONTENT_LENGTH, HeaderValue::from(*length));
        }
    }

    /// Whether the body is the one that its client has signed.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn check_payload(&self, seen: &Seen) -> Result<(), Turned> {
        match (&self.signing, seen) {
            (Some(signing), Seen::Whole(evidence)) => Ok(signing.check(evidence)?),
            (None, _) | (Some(_), Seen::Malformed) => Ok(()),
        }
    }

    /// Decides how the body is kept back, having looked at its first bytes where that matters.
    pub(super) async fn choose_guard(&mut self, flow: &mut Flow) -> Result<Guard, Stop> {
        let view = self.view.clone();
        let settings = &view.settings;
        let plan = self.s3.body;
        let payload = plan.payload_length();
        if let Some(most) = self.most() {
            return self.whole(payload.unwrap_or(most).min(most));
        }
        if payload.is_some_and(|length| length <= settings.small_body_max) {
            return self.whole(capture_bound(&plan, settings.capture_max));
        }
        match flow.pump(Until::Sniffed).await {
            Event::Reached => {}
            Event::Ended => return Ok(Guard::Whole(None)),
            other => return Err(Stop::Event(Box::new(other))),
        }
        let inspector = flow.intake().inspector();
        let looked_into = settings.inspect.holds(inspector.head());
        let shows = inspector.shows_picture() || self.is_worth_keeping(inspector);
        let wanted = self.store.config.guard == config::Guard::Whole || looked_into || shows;
        let most = match looked_into {
            true => settings.inspect.archive_max.max(settings.capture_max),
            false => settings.capture_max,
        };
        let fits = payload.is_none_or(|length| length <= most);
        if looked_into && !fits {
            self.unjudged.get_or_insert(Unjudged::TooLarge);
        }
        // What a framed body of unknown length comes to, nobody can tell before it is too late.
        if plan.is_unbounded() || (wanted && fits) {
            return self.whole(capture_bound(&plan, most));
        }
        let mut tail = settings.hold_back * FRAMING_FACTOR + STREAM_BUFFERS;
        if wanted {
            tail += settings.capture_max;
        }
        if payload.is_some() {
            return Ok(Guard::Tail(self.reserve(tail)?));
        }
        let reservation = self.reserve(settings.small_body_max + tail)?;
        match flow.pump(Until::Held(settings.small_body_max)).await {
            Event::Reached => Ok(Guard::Tail(reservation)),
            Event::Ended => Ok(Guard::Whole(reservation)),
            other => Err(Stop::Event(Box::new(other))),
        }
    }

    fn whole(&mut self, bytes: u64) -> Result<Guard, Stop> {
        // What a form grows by when it is signed anew, its fields could at most.
        let growth = if self.is_form_to_sign() { PREAMBLE_MAX as u64 } else { 0 };
        let bytes = bytes.saturating_add(growth);
        Ok(match self.reserve(bytes)? {
            Some(reservation) => Guard::Whole(Some(reservation)),
            // Streamed, and judged all the same: only its end can still be kept back.
            None => Guard::Tail(None),
        })
    }

    fn reserve(&mut self, bytes: u64) -> Result<Option<Reservation>, Stop> {
        let reservation = self.gate.budget.reserve(bytes);
        if reservation.is_none() {
            if self.may_retry() {
                return Err(Stop::Budget);
            }
            self.unjudged.get_or_insert(Unjudged::Budget);
        }
        Ok(reservation)
    }
}

/// Why an operation's bytes are not the object's, so that its digests tell nothing final.
pub(super) fn beforehand(operation: Operation) -> Option<Unjudged> {
    match operation.shape() {
        BodyShape::Object => None,
        // Of parts and of the object that they become, and of a form's file, their own steps tell.
        BodyShape::Control | BodyShape::Part | BodyShape::Form => None,
        BodyShape::Copy | BodyShape::Compose | BodyShape::Manifest | BodyShape::Unknown => {
            Some(Unjudged::Copy)
        }
        BodyShape::Append | BodyShape::Resumable => Some(Unjudged::Append),
        BodyShape::Archive => Some(Unjudged::Archive),
        BodyShape::Envelope => Some(Unjudged::Encoding),
        // What it brings is judged as it comes.
        BodyShape::Swift | BodyShape::Job => None,
    }
}

/// What a captured body may occupy, in wire bytes: reserved in one step.
fn capture_bound(plan: &BodyPlan, most: u64) -> u64 {
    let payload = plan.payload_length().unwrap_or(most);
    match plan.wire_length() {
        Some(wire) => wire,
        None if plan.is_framed() => payload.saturating_mul(FRAMING_FACTOR) + STREAM_BUFFERS,
        None => payload,
    }
}
