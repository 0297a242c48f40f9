//! One upload: read, judged, and only then ended towards the store.
//!
//! The order of a body's life is the order of this file: the store is asked first where the client
//! asked for it, a guard is chosen, the body comes in, the verdict falls, and the body is committed
//! or given up. What goes back to the client in each case stands in `ending`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{EXPECT, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body::Body;
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::assembly::Halt;
use super::committed::{Aftermath, Committed, Sequel};
use super::exchange::{Exchange, Opening, StoreFault};
use super::faults;
use super::flow::{Event, Flow, Running, Until};
use super::gate::{Gate, View};
use super::headers;
use super::intake::{Intake, Leftover, Seen, Taken};
use super::journal::Journal;
use super::parts::part::Part;
use super::record::{Auth, Termination};
use crate::digest::MultiHasher;
use crate::inspect::{Codings, Evidence, Inspector};
use crate::net::body::UpstreamBody;
use crate::net::budget::Reservation;
use crate::net::conversation::READ_BYTES;
use crate::net::upstream::BUFFER_BYTES;
use crate::policy::{self, Archives, BucketRule, OnFault, Outcome, Unjudged, Verdict};
use crate::s3::{self, BodyPlan, BodyShape, Operation};

/// How long the store may take to say 100 Continue, or no, before a body is sent all the same.
pub(super) const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// Framing may at most double what a body occupies while it is held: one of nothing but tiny chunks
/// is refused, not held.
const FRAMING_FACTOR: u64 = 2;

/// What a connection's own buffers take while a body streams, in bytes.
const STREAM_BUFFERS: u64 = (READ_BYTES + BUFFER_BYTES) as u64;

/// One PUT or POST on its way.
///
/// In a box: it goes from one stage to the next by value, and each stage's future has room for it.
pub struct Upload {
    pub(super) case: Case,
    pub(super) journal: Journal,
    /// The part that it is, where parts are followed.
    pub(super) part: Option<Part>,
    /// Its upload on the way to being marked as refused.
    pub(super) marking: Option<JoinHandle<()>>,
    /// What has to happen once the store has answered.
    pub(super) sequel: Sequel,
    /// What a form says that its file was put through.
    pub(super) form_codings: Option<Codings>,
    /// Pictures in a form beside its file.
    pub(super) form_pictures: Vec<Bytes>,
    /// The memory for undoing what it was put through.
    pub(super) decoding: Decoding,
}

/// Whether content codings are undone.
pub(super) enum Decoding {
    /// In so much memory, or in none where there are no codings.
    Undone(Option<Reservation>),
    /// There is no memory for it, and the body passes all the same.
    Left,
}

/// What is known about an upload besides its body.
pub(super) struct Case {
    pub(super) gate: Arc<Gate>,
    pub(super) view: Arc<View>,
    pub(super) head: Parts,
    pub(super) s3: s3::Request,
    /// Whether anything may be refused here: else the gate only watches.
    pub(super) enforces: bool,
    /// The bucket's rule, where it does not hold as it stands.
    lenient: Option<BucketRule>,
    /// Why it cannot be judged, as far as that is known beforehand.
    pub(super) unjudged: Option<Unjudged>,
    /// What the store has said about the head so far.
    pub(super) auth: Option<Auth>,
}

/// How a body is kept from the store until its verdict.
enum Guard {
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

/// A body held whole whose verdict lets it pass.
pub(super) struct Held {
    wire: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    verdict: Verdict,
    reservation: Option<Arc<Reservation>>,
}

impl Upload {
    /// An upload whose head has been understood. `unjudged` is why it cannot be judged, where that
    /// is known already.
    pub fn new(
        gate: Arc<Gate>,
        view: Arc<View>,
        mut head: Parts,
        s3: s3::Request,
        journal: Journal,
        unjudged: Option<Unjudged>,
    ) -> Box<Self> {
        headers::to_upstream(&mut head.headers);
        let enforces = view.enforces(s3.bucket.as_deref());
        // Deleting must work whatever state lists and budgets are in, many objects at a time too.
        let lenient = (s3.operation == Operation::DeleteObjects).then(|| BucketRule {
            faults: OnFault::Forward,
            ..view.rule(s3.bucket.as_deref()).clone()
        });
        let unjudged = unjudged.or(beforehand(s3.operation));
        let unjudged = unjudged.or(s3.encrypted.then_some(Unjudged::Encrypted));
        let case = Case { gate, view, head, s3, enforces, lenient, unjudged, auth: None };
        Box::new(Upload {
            case,
            journal,
            part: None,
            marking: None,
            sequel: Sequel::Nothing,
            form_codings: None,
            form_pictures: Vec::new(),
            decoding: Decoding::Undone(None),
        })
    }

    /// Carries the upload to its answer.
    pub async fn run(mut self: Box<Self>, body: Incoming) -> Answer {
        faults::point("upload");
        let unkept = (!self.journal.is_kept()).then_some(Unjudged::Audit);
        if let Some(fault) = unkept.or(self.case.fault()) {
            if self.case.may_retry() {
                return self.slow_down(fault, Some(Leftover::untouched(body)));
            }
            self.case.unjudged.get_or_insert(fault);
        }
        if let Err(fault) = self.begin_part().await
            && self.case.may_retry()
        {
            return self.slow_down(fault, Some(Leftover::untouched(body)));
        }
        if let Err(fault) = self.make_room_for_decoding() {
            return self.slow_down(fault, Some(Leftover::untouched(body)));
        }
        if body.is_end_stream() {
            return Box::pin(self.without_body()).await;
        }
        match self.case.s3.expect_continue {
            true => Box::pin(self.ask_first(body)).await,
            false => self.take_in(body, None).await,
        }
    }

    async fn without_body(mut self: Box<Self>) -> Answer {
        self.journal.body_ended();
        let digests = MultiHasher::new(self.wanted(), self.case.view.settings.kernel).finish();
        let nothing = Evidence { digests, ..Evidence::default() };
        let verdict = match self.judge_whole(Seen::Whole(nothing), vec![]).await {
            Ok(verdict) => verdict,
            Err(halt) => return self.halted(halt),
        };
        if !verdict.passes() {
            return Box::pin(self.deny()).await;
        }
        self.commit(Held { wire: vec![], trailers: None, verdict, reservation: None }).await
    }

    // ---- the store is asked first ------------------------------------------------------------

    /// `Expect: 100-continue`: the head goes to the store, and its answer decides whether the body
    /// is asked for at all.
    async fn ask_first(mut self: Box<Self>, body: Incoming) -> Answer {
        for fresh in [false, true] {
            let Ok(mut running) = self.case.open(fresh).await else { break };
            let opening = running.exchange.opening(CONTINUE_PATIENCE).await;
            faults::point("asked");
            match opening {
                Opening::Final(response) => {
                    // The body may never come, and whatever comes next on this connection must not
                    // be taken for it: hyper lets go of it here, before it has the answer.
                    drop(body);
                    return self.relay_early(response, running, None);
                }
                Opening::Continue => self.case.auth = Some(Auth::Accepted),
                Opening::Quiet => self.case.auth = Some(Auth::Unverified),
                Opening::Failed if running.exchange.is_reused() => continue,
                Opening::Failed => break,
            }
            return self.take_in(body, Some(running)).await;
        }
        self.unreachable(Some(Leftover::untouched(body)), Termination::StoreConnect)
    }

    // ---- the body comes in -------------------------------------------------------------------

    async fn take_in(mut self: Box<Self>, body: Incoming, running: Option<Running>) -> Answer {
        self.journal.phase(Termination::ClientBody);
        faults::point("take in");
        let tolerant = !self.case.enforces;
        let inspector = match self.inspector() {
            Ok(inspector) => inspector,
            Err(_) if tolerant => {
                let unclear = self.case.unclear();
                self.case.unjudged.get_or_insert(unclear);
                Inspector::new(&self.case.s3.body, &self.scope())
            }
            Err(error) => {
                drop(running);
                return self.malformed_end(error, Some(Leftover::untouched(body)));
            }
        };
        let idle = self.case.view.settings.body_idle_timeout;
        let intake = Intake::new(body, inspector, tolerant, idle);
        let mut flow = Box::new(Flow::new(intake, running));
        match self.case.choose_guard(&mut flow).await {
            Ok(Guard::Whole(reservation)) => self.hold_whole(flow, reservation).await,
            Ok(Guard::Tail(reservation)) => self.stream(flow, reservation).await,
            Err(stop) => self.stop(stop, flow),
        }
    }

    /// The whole guard: nothing goes out before the verdict.
    async fn hold_whole(
        mut self: Box<Self>,
        mut flow: Box<Flow>,
        reservation: Option<Reservation>,
    ) -> Answer {
        faults::point("hold whole");
        match flow.pump(Until::Held(bound(&reservation))).await {
            Event::Ended => {}
            // A framed body of unknown length, and a list of parts, is captured or refused, never
            // streamed; any other that turns out longer than what is captured goes on as a stream.
            Event::Reached if self.case.enforces && self.case.is_bounded() => {
                return self.outgrown(flow);
            }
            Event::Reached => return self.stream(flow, reservation).await,
            other => return self.stop(Stop::Event(Box::new(other)), flow),
        }
        self.journal.body_ended();
        let (intake, running) = flow.into_parts();
        let Taken { seen, hold, trailers, kept, form } = match intake.finish() {
            Ok(taken) => taken,
            Err(error) => return self.malformed_end(error, None),
        };
        self.note_form(form.as_ref());
        let verdict = match self.judge_whole(seen, kept).await {
            Ok(verdict) => verdict,
            Err(halt) => return self.halted(halt),
        };
        if !verdict.passes() {
            drop(running);
            return Box::pin(self.deny()).await;
        }
        let held = Held {
            wire: hold.drain().collect(),
            trailers,
            verdict,
            reservation: reservation.map(Arc::new),
        };
        match running {
            Some(running) => Box::pin(self.commit_on(running, held)).await,
            None => self.commit(held).await,
        }
    }

    /// The tail guard: the body streams, its end waits for the verdict.
    async fn stream(
        mut self: Box<Self>,
        mut flow: Box<Flow>,
        mut reservation: Option<Reservation>,
    ) -> Answer {
        if !flow.is_running() {
            match self.case.open(false).await {
                Ok(running) => flow.run(running),
                Err(_) => {
                    let rest = flow.into_parts().0.into_leftover();
                    return self.unreachable(Some(rest), Termination::StoreConnect);
                }
            }
        }
        faults::point("stream");
        if let Err(fault) = self.begin_spool()
            && self.case.may_retry()
        {
            return self.slow_down(fault, Some(flow.into_parts().0.into_leftover()));
        }
        if self.spools() {
            flow.tap();
        } else if self.case.is_worth_keeping(flow.intake().inspector()) {
            // Of a picture that is too large to be held, what it begins with is looked into.
            flow.intake_mut().keep_first(self.case.view.settings.capture_max);
        } else {
            flow.intake_mut().forget_kept();
        }
        flow.set_limit(self.case.view.settings.hold_back);
        loop {
            match flow.pump(Until::Held(bound(&reservation))).await {
                Event::Ended => break,
                Event::Kept => {
                    let kept = flow.intake_mut().take_kept();
                    if let Err(fault) = self.write_spool(kept).await
                        && self.case.may_retry()
                    {
                        return self.slow_down(fault, Some(flow.into_parts().0.into_leftover()));
                    }
                }
                Event::Reached if self.case.enforces => return self.outgrown(flow),
                // Only watching: what cannot be held passes, but for what the end needs.
                Event::Reached => {
                    flow.set_limit(1);
                    reservation = None;
                }
                other => return self.stop(Stop::Event(Box::new(other)), flow),
            }
        }
        self.journal.body_ended();
        let (intake, running) = flow.into_parts();
        let Taken { mut seen, hold, trailers, kept, form } = match intake.finish() {
            Ok(taken) => taken,
            Err(error) => return self.malformed_end(error, None),
        };
        self.note_form(form.as_ref());
        let Some(running) = running else {
            return self.unreachable(None, Termination::StoreBody);
        };
        if self.form_codings.is_some() {
            // Its field may stand behind the file, which has passed.
            self.case.unjudged.get_or_insert(Unjudged::Encoding);
        }
        let ended = match self.spools() {
            true => self.write_spool(kept).await,
            false => self.look_at(&mut seen, kept).await,
        };
        if let Err(fault) = ended {
            if self.case.may_retry() {
                return self.slow_down(fault, None);
            }
            self.case.unjudged.get_or_insert(fault);
        }
        let verdict = self.judge(seen);
        let Some(token) = verdict.token() else {
            // Dropped without a commit: the store's connection is reset in mid-body.
            self.case.gate.meters.upstream_aborts.inc();
            drop(running);
            return Box::pin(self.deny()).await;
        };
        let exchange = running.commit(hold.drain(), trailers, token);
        let (upload, ended) = self.await_answer(exchange, reservation.map(Arc::new)).await;
        upload.relay(ended.reply, ended.exchange, ended.fault).await
    }

    // ---- the verdict -------------------------------------------------------------------------

    /// The verdict on a body that is held whole.
    pub(super) async fn judge_whole(
        &mut self,
        mut seen: Seen,
        kept: Vec<Bytes>,
    ) -> Result<Verdict, Halt> {
        if self.case.s3.operation == Operation::CompleteMultipartUpload {
            return Box::pin(self.judge_object(seen, kept)).await;
        }
        if self.case.s3.operation == Operation::UploadPart
            && let Err(fault) = self.spool_whole(kept.clone()).await
            && self.case.may_retry()
        {
            return Err(Halt::Fault(fault));
        }
        if let Err(fault) = self.look_at(&mut seen, kept).await {
            if self.case.may_retry() {
                return Err(Halt::Fault(fault));
            }
            self.case.unjudged.get_or_insert(fault);
        }
        if let Seen::Whole(evidence) = &mut seen
            && self.reads_back()
        {
            Box::pin(self.read_back(evidence)).await?;
        }
        Ok(self.judge(seen))
    }

    pub(super) fn judge(&mut self, seen: Seen) -> Verdict {
        let (evidence, unjudged) = match seen {
            Seen::Whole(evidence) => (evidence, self.case.unjudged),
            Seen::Malformed => (Evidence::default(), Some(self.case.unclear())),
        };
        self.journal.seen(&evidence);
        let verdict = match &self.part {
            Some(part) if part.is_poisoned() && self.case.enforces => Verdict::poisoned(),
            Some(_) | None => self.case.verdict_on(&evidence, unjudged),
        };
        self.journal.judged(&verdict);
        faults::point("judged");
        if let (Outcome::Deny, Some(part)) = (&verdict.outcome, &self.part) {
            self.marking = Some(part.refused());
        }
        match self.case.s3.operation {
            Operation::UploadPartCopy => self.copy_is_seen(&evidence),
            Operation::CreateMultipartUpload => self.create_is_seen(),
            _ => self.part_is_seen(evidence),
        }
        verdict
    }

    // ---- committed ---------------------------------------------------------------------------

    /// Sends a held body on a connection of its own; once more on a fresh one if the first proved
    /// dead before it had the last byte.
    async fn commit(mut self: Box<Self>, held: Held) -> Answer {
        for fresh in [false, true] {
            let Ok(running) = self.case.open(fresh).await else {
                return self.unreachable(None, Termination::StoreConnect);
            };
            faults::point("opened");
            match self.try_commit(running, &held).await {
                Ok(answer) => return answer,
                Err(back) => self = back,
            }
        }
        self.unreachable(None, Termination::StoreBody)
    }

    /// Sends a held body on a connection that its head has gone out on before.
    async fn commit_on(self: Box<Self>, running: Running, held: Held) -> Answer {
        match self.try_commit(running, &held).await {
            Ok(answer) => answer,
            Err(back) => back.commit(held).await,
        }
    }

    /// Ends the body on this connection and awaits the answer; gives the upload back if the
    /// connection broke while the body may still be sent again.
    async fn try_commit(
        self: Box<Self>,
        running: Running,
        held: &Held,
    ) -> Result<Answer, Box<Upload>> {
        let Some(token) = held.verdict.token() else { return Err(self) };
        let exchange = running.commit(held.wire.iter().cloned(), held.trailers.clone(), token);
        let (upload, ended) = self.await_answer(exchange, held.reservation.clone()).await;
        match ended.reply {
            Err(fault) if ended.exchange.may_be_sent_again(&fault) => Err(upload),
            reply => Ok(upload.relay(reply, ended.exchange, ended.fault).await),
        }
    }

    async fn await_answer(
        self: Box<Self>,
        exchange: Exchange,
        reservation: Option<Arc<Reservation>>,
    ) -> (Box<Upload>, Ended) {
        let Upload { case, mut journal, part, marking, sequel, form_codings, decoding, .. } = *self;
        journal.committed();
        // All has been seen; the store may take its time to answer.
        let decoding = match decoding {
            Decoding::Undone(_) => Decoding::Undone(None),
            Decoding::Left => Decoding::Left,
        };
        let patience = case.view.settings.response_timeout;
        let committed = Committed::new(exchange, journal, patience, reservation, sequel);
        let Some(aftermath) = committed.answer().await else { unreachable!("the wait ends once") };
        let Aftermath { reply, exchange, journal, sequel, fault } = aftermath;
        let form_pictures = Vec::new();
        let upload =
            Upload { case, journal, part, marking, sequel, form_codings, form_pictures, decoding };
        (Box::new(upload), Ended { reply, exchange, fault })
    }
}

/// What became of a committed body.
struct Ended {
    reply: Result<http::Response<Incoming>, StoreFault>,
    exchange: Exchange,
    /// Why the client must not hear the answer.
    fault: Option<Unjudged>,
}

impl Case {
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

    /// Whether its body may not be longer than what is captured.
    fn is_bounded(&self) -> bool {
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
    fn fault(&self) -> Option<Unjudged> {
        if !self.gate.audit.healthy() {
            return Some(Unjudged::Audit);
        }
        self.view.rulebook.list_fault(self.rule())
    }

    /// Why a body whose framing is malformed can't be judged.
    fn unclear(&self) -> Unjudged {
        match self.s3.operation {
            Operation::PostObject => Unjudged::Form,
            _ => Unjudged::Encoding,
        }
    }

    /// Whether of a body that is too large to be held its beginning is: a picture, or, where pictures
    /// are looked at, anything that one may be in.
    fn is_worth_keeping(&self, inspector: &Inspector) -> bool {
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
    pub(super) async fn open(&self, fresh: bool) -> std::io::Result<Running> {
        self.open_with(fresh, |_| {}).await
    }

    /// Sends the head, to learn whether the store accepts it; the body never follows.
    pub(super) async fn open_asking(&self, fresh: bool) -> std::io::Result<Running> {
        self.open_with(fresh, |headers| {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        })
        .await
    }

    async fn open_with(
        &self,
        fresh: bool,
        change: impl FnOnce(&mut HeaderMap),
    ) -> std::io::Result<Running> {
        let upstream = &self.view.upstream;
        let link = match upstream.reuse().filter(|_| !fresh) {
            Some(link) => link,
            None => Box::pin(upstream.connect()).await?,
        };
        let (body, feed) = match self.s3.body.wire_length() {
            Some(0) => (UpstreamBody::none(), None),
            length => {
                let (body, feed) = UpstreamBody::fed(length);
                (body, Some(feed))
            }
        };
        let mut request = Request::from_parts(self.head.clone(), body);
        *request.version_mut() = http::Version::HTTP_11;
        change(request.headers_mut());
        Ok(Running { exchange: Exchange::start(upstream, link, request), feed })
    }

    /// Decides how the body is kept back, having looked at its first bytes where that matters.
    async fn choose_guard(&mut self, flow: &mut Flow) -> Result<Guard, Stop> {
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
        let wanted = settings.capture_all || looked_into || shows;
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

/// One byte more than the reservation: to hold that much is to have outgrown it.
fn bound(reservation: &Option<Reservation>) -> u64 {
    reservation.as_ref().map_or(u64::MAX, |r| r.bytes().saturating_add(1))
}
