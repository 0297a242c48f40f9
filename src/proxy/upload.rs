//! One upload: read, judged, and only then ended towards the store.
//!
//! The order of a body's life is the order of this file: a guard is chosen, the body comes in, the
//! verdict falls, and the body is committed or given up. What comes before, where the store is asked
//! first, stands in `opening`; what goes back to the client in each case in `ending`.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use http_body::Body;
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::assembly::Halt;
use super::case::{Case, Guard, Stop};
use super::committed::{Aftermath, Committed, Sequel};
use super::exchange::{Exchange, StoreFault};
use super::faults;
use super::flow::{Event, Flow, Running, Until};
use super::gate::{Gate, View};
use super::intake::{Intake, Leftover, Seen, Taken};
use super::journal::Journal;
use super::parts::part::Part;
use super::record::Termination;
use super::seal::Seal;
use super::signing::Route;
use crate::digest::MultiHasher;
use crate::inspect::{BodyError, Codings, Evidence, Inspector};
use crate::net::body::Rest;
use crate::net::budget::Reservation;
use crate::net::downstream::Pace;
use crate::policy::{Outcome, Unjudged, Verdict};
use crate::s3::{self, Operation};

/// One PUT or POST on its way.
///
/// In a box: it goes from one stage to the next by value, and each stage's future has room for it.
pub struct Upload {
    pub(super) case: Case,
    pub(super) journal: Journal,
    /// The part that it is, where parts are followed.
    pub(super) part: Option<Box<Part>>,
    /// Its upload on the way to being marked as refused.
    pub(super) marking: Option<JoinHandle<()>>,
    /// What has to happen once the store has answered.
    pub(super) sequel: Sequel,
    /// What a form says that its file was put through.
    pub(super) form_codings: Option<Codings>,
    /// Pictures in a form beside its file.
    pub(super) form_pictures: Vec<Bytes>,
    /// The memory for undoing what it was put through, and for unpacking it.
    pub(super) decoding: Decoding,
    /// What verifies the signatures in the body, and signs it anew.
    pub(super) seal: Option<Seal>,
}

/// Whether content codings are undone, and archives that the store unpacks unpacked.
pub(super) enum Decoding {
    /// In so much memory, or in none where there is nothing of that.
    Undone(Option<Reservation>),
    /// There is no memory for it, and the body passes all the same.
    Left,
}

/// A body held whole whose verdict lets it pass.
pub(super) struct Held {
    body: Rest,
    trailers: Option<HeaderMap>,
    verdict: Verdict,
}

impl Upload {
    /// An upload whose head has been understood. `unjudged` is why it cannot be judged, where that
    /// is known already.
    pub fn new(
        gate: Arc<Gate>,
        view: Arc<View>,
        head: Parts,
        s3: s3::Request,
        route: Route,
        journal: Journal,
        unjudged: Option<Unjudged>,
    ) -> Box<Self> {
        Box::new(Upload {
            case: Case::new(gate, view, head, s3, route, unjudged),
            journal,
            part: None,
            marking: None,
            sequel: Sequel::Nothing,
            form_codings: None,
            form_pictures: Vec::new(),
            decoding: Decoding::Undone(None),
            seal: None,
        })
    }

    /// Carries the upload to its answer; its body has to come at this pace.
    pub async fn run(mut self: Box<Self>, body: Incoming, pace: Pace) -> Answer {
        faults::point("upload");
        let unkept = (!self.journal.is_kept()).then_some(Unjudged::Audit);
        if let Some(fault) = unkept.or(self.case.fault()) {
            if self.case.may_retry() {
                return self.slow_down(fault, Some(Leftover::untouched(body)));
            }
            self.case.unjudged.get_or_insert(fault);
        }
        if body.is_end_stream() {
            return match self.begin().await {
                Ok(()) => Box::pin(self.without_body()).await,
                Err(fault) => self.slow_down(fault, None),
            };
        }
        match self.case.seal() {
            Ok(seal) => self.seal = seal,
            Err(fault) => return self.slow_down(fault, Some(Leftover::untouched(body))),
        }
        let (mut upload, body, running) = match self.case.asks_first() {
            true => match Box::pin(self.ask_first(body)).await {
                Ok((upload, body, running)) => (upload, body, Some(running)),
                Err(answer) => return answer,
            },
            false => (self, body, None),
        };
        match upload.begin().await {
            Ok(()) => upload.take_in(body, pace, running).await,
            Err(fault) => upload.slow_down(fault, Some(Leftover::untouched(body))),
        }
    }

    async fn without_body(mut self: Box<Self>) -> Answer {
        self.journal.body_ended();
        let digests = MultiHasher::new(self.wanted(), self.case.view.settings.kernel).finish();
        let nothing = Seen::Whole(Evidence { digests, ..Evidence::default() });
        if let Err(turned) = self.case.check_payload(&nothing) {
            return self.turned_away(turned);
        }
        let verdict = match self.judge_whole(nothing, vec![]).await {
            Ok(verdict) => verdict,
            Err(halt) => return self.halted(halt),
        };
        if !verdict.passes() {
            return Box::pin(self.deny()).await;
        }
        self.commit(&mut Held { body: Rest::default(), trailers: None, verdict }).await
    }

    // ---- the body comes in -------------------------------------------------------------------

    async fn take_in(
        mut self: Box<Self>,
        body: Incoming,
        pace: Pace,
        running: Option<Running>,
    ) -> Answer {
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
        let intake = Intake::new(body, inspector, self.seal.take(), tolerant, pace);
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
            Event::Reached => return Box::pin(self.stream(flow, reservation)).await,
            other => return self.stop(Stop::Event(Box::new(other)), flow),
        }
        self.case.grow(flow.intake().grown());
        let (Taken { seen, hold, trailers, kept, .. }, running) = match self.taken_in(flow) {
            Ok(taken) => taken,
            Err(error) => return self.malformed_end(error, None),
        };
        if let Err(turned) = self.case.check_payload(&seen) {
            return self.turned_away(turned);
        }
        let verdict = match self.judge_whole(seen, kept).await {
            Ok(verdict) => verdict,
            Err(halt) => return self.halted(halt),
        };
        if !verdict.passes() {
            drop(running);
            return Box::pin(self.deny()).await;
        }
        let body = Rest { wire: hold.drain().collect(), room: reservation };
        let mut held = Held { body, trailers, verdict };
        match running {
            Some(running) => Box::pin(self.commit_on(running, &mut held)).await,
            None => self.commit(&mut held).await,
        }
    }

    /// The tail guard: the body streams, its end waits for the verdict.
    async fn stream(
        mut self: Box<Self>,
        mut flow: Box<Flow>,
        mut reservation: Option<Reservation>,
    ) -> Answer {
        if !flow.is_running() {
            self.case.grow(flow.intake().grown());
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
        let (Taken { mut seen, hold, trailers, kept, .. }, running) = match self.taken_in(flow) {
            Ok(taken) => taken,
            Err(error) => return self.malformed_end(error, None),
        };
        if let Err(turned) = self.case.check_payload(&seen) {
            return self.turned_away(turned);
        }
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
        let end = Rest { wire: hold.drain().collect(), room: reservation };
        let exchange = running.commit(end, trailers, token);
        let (upload, ended) = self.await_answer(exchange).await;
        upload.relay(ended.reply, ended.exchange, ended.fault).await
    }

    /// What there is of a body that has ended, as far as HTTP tells, and where it was on its way to.
    ///
    /// # Errors
    /// It did not end as its framing promised.
    fn taken_in(&mut self, mut flow: Box<Flow>) -> Result<(Taken, Option<Running>), BodyError> {
        self.journal.body_ended();
        let (taken, running) = flow.finish()?;
        self.note_form(taken.form.as_ref());
        Ok((taken, running))
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
        self.note_members(&seen);
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
    async fn commit(mut self: Box<Self>, held: &mut Held) -> Answer {
        for fresh in [false, true] {
            let Ok(running) = self.case.open(fresh).await else {
                return self.unreachable(None, Termination::StoreConnect);
            };
            faults::point("opened");
            match self.try_commit(running, held).await {
                Ok(answer) => return answer,
                Err(back) => self = back,
            }
        }
        self.unreachable(None, Termination::StoreBody)
    }

    /// Sends a held body on a connection that its head has gone out on before.
    async fn commit_on(self: Box<Self>, running: Running, held: &mut Held) -> Answer {
        match self.try_commit(running, held).await {
            Ok(answer) => answer,
            Err(back) => back.commit(held).await,
        }
    }

    /// Ends the body on this connection and awaits the answer; gives the upload back if the
    /// connection broke while the body may still be sent again.
    async fn try_commit(
        self: Box<Self>,
        running: Running,
        held: &mut Held,
    ) -> Result<Answer, Box<Upload>> {
        let Some(token) = held.verdict.token() else { return Err(self) };
        let body = std::mem::take(&mut held.body);
        let exchange = running.commit(body, held.trailers.clone(), token);
        let (upload, ended) = self.await_answer(exchange).await;
        match ended.reply {
            Err(fault) if ended.exchange.may_be_sent_again(&fault) => {
                held.body = ended.exchange.take_back();
                Err(upload)
            }
            reply => Ok(upload.relay(reply, ended.exchange, ended.fault).await),
        }
    }

    async fn await_answer(mut self: Box<Self>, exchange: Box<Exchange>) -> (Box<Upload>, Ended) {
        self.journal.committed();
        // All has been seen; the store may take its time to answer.
        if let Decoding::Undone(reservation) = &mut self.decoding {
            *reservation = None;
        }
        (self.form_pictures, self.seal) = (Vec::new(), None);
        let patience = self.case.store.config.response_timeout;
        // They go on without this upload if its client leaves, and come back to it if not.
        let (journal, sequel) = (self.journal, self.sequel);
        let mut committed = Committed::new(exchange, journal, patience, sequel);
        let Some(aftermath) = committed.answer().await else { unreachable!("the wait ends once") };
        let Aftermath { reply, exchange, journal, sequel, fault } = aftermath;
        (self.journal, self.sequel) = (journal, sequel);
        (self, Ended { reply, exchange, fault })
    }
}

/// What became of a committed body.
struct Ended {
    reply: Result<http::Response<Incoming>, StoreFault>,
    exchange: Box<Exchange>,
    /// Why the client must not hear the answer.
    fault: Option<Unjudged>,
}

/// One byte more than the reservation: to hold that much is to have outgrown it.
fn bound(reservation: &Option<Reservation>) -> u64 {
    reservation.as_ref().map_or(u64::MAX, |r| r.bytes().saturating_add(1))
}
