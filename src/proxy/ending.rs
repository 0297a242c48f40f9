//! How an upload ends for its client: the store's answer, a denial, or an error of S3's.

use http::Response;
use hyper::body::Incoming;

use super::answer::{self, Answer, End, Refused};
use super::assembly::Halt;
use super::case::Stop;
use super::committed::{self, Sequel};
use super::exchange::{Exchange, Opening, RelayBody, StoreFault};
use super::faults;
use super::flow::{Event, Flow, Running};
use super::intake::{IntakeFault, Leftover};
use super::opening::CONTINUE_PATIENCE;
use super::parts::create::Create;
use super::record::{Auth, Termination};
use super::signing::Turned;
use super::upload::Upload;
use crate::inspect::BodyError;
use crate::policy::{Unjudged, Verdict};
use crate::s3::{ErrorCode, Operation};

impl Upload {
    // ---- the store's answer ------------------------------------------------------------------

    /// Passes the store's answer on, or says that there was none.
    pub(super) async fn relay(
        mut self: Box<Self>,
        reply: Result<Response<Incoming>, StoreFault>,
        exchange: Box<Exchange>,
        fault: Option<Unjudged>,
    ) -> Answer {
        faults::point("relay");
        if let Some(fault) = fault.filter(|_| self.case.may_retry()) {
            return self.slow_down(fault, None);
        }
        let sequel = std::mem::replace(&mut self.sequel, Sequel::Nothing);
        match reply {
            Ok(response) => {
                self.journal.store_answered(response.status(), response.headers());
                let response = response.map(|incoming| exchange.into_body(incoming, true));
                let response = match sequel {
                    Sequel::PartCopy(sent) => {
                        return Box::pin(self.relay_part_copy(response, sent)).await;
                    }
                    Sequel::Create(create) => {
                        return Box::pin(self.relay_create(response, create)).await;
                    }
                    Sequel::Complete(complete) => response.map(|body| body.shown_to(complete)),
                    Sequel::Part(_) | Sequel::Nothing => response,
                };
                self.journal.finish(Termination::Complete);
                answer::passed_on(response)
            }
            // The store had the whole body: whether it made an object of it, nobody knows.
            Err(StoreFault::Failed(_) | StoreFault::Silent) => {
                if let Sequel::Part(sent) | Sequel::PartCopy(sent) = sequel {
                    Box::pin(sent.unanswered()).await;
                }
                self.unreachable(None, Termination::Unknown)
            }
        }
    }

    /// Passes on the answer to a multipart upload's start, once what it said is noted: in a task of
    /// its own, which a client that goes away can't stop.
    async fn relay_create(
        self: Box<Self>,
        response: Response<RelayBody>,
        create: Box<Create>,
    ) -> Answer {
        faults::point("relay create");
        let (head, body) = response.into_parts();
        let noting = tokio::spawn(committed::note(create, body));
        match noting.await.ok().flatten() {
            Some((_, Some(fault))) if self.case.may_retry() => self.slow_down(fault, None),
            Some((body, _)) => {
                self.journal.finish(Termination::Complete);
                answer::whole(head, body)
            }
            None => self.unreachable(None, Termination::Unknown),
        }
    }

    /// Passes on an answer that the store gave before it had the body. What is still to come of the
    /// body, if any of it is under way, is drained.
    pub(super) fn relay_early(
        mut self: Box<Self>,
        response: Response<Incoming>,
        running: Running,
        rest: Option<Leftover>,
    ) -> Answer {
        self.journal.store_answered(response.status(), response.headers());
        self.journal.finish(Termination::StoreBody);
        let mut answer = running.into_answer(response);
        answer::close(&mut answer);
        if let Some(rest) = rest {
            self.case.let_go(rest);
        }
        answer
    }

    // ---- refused by verdict ------------------------------------------------------------------

    /// The verdict is no. The client is told so only if the store would have taken the request from
    /// it at all; else it is told what the store says.
    pub(super) async fn deny(mut self: Box<Self>) -> Answer {
        faults::point("deny");
        let auth = match self.case.auth {
            Some(auth) => auth,
            None => match self.ask_about_head().await {
                Asked::Known(auth) => auth,
                Asked::Rejected(rejection) => {
                    let (response, running) = *rejection;
                    return self.relay_rejection(response, running);
                }
            },
        };
        if let Some(marking) = self.marking.take() {
            // Done or, where the process is ending, given up: both are for its task to say.
            let _ = marking.await;
        }
        self.journal.auth(auth);
        let message = self.case.denial().to_owned();
        self.refuse(ErrorCode::AccessDenied, &message, false, Termination::GateRefused)
    }

    async fn ask_about_head(&self) -> Asked {
        // A form's signature is inside its body: the head tells nothing. And where there is no body
        // the head is the whole request, which the store would carry out: a copy, most likely.
        let is_whole = self.case.s3.body.wire_length() == Some(0);
        if is_whole || self.case.s3.operation == Operation::PostObject {
            return Asked::Known(Auth::Unverified);
        }
        for fresh in [false, true] {
            let Ok(mut running) = self.case.open_asking(fresh).await else { break };
            let opening = running.exchange.opening(CONTINUE_PATIENCE).await;
            faults::point("asked about head");
            match opening {
                Opening::Continue => return Asked::Known(Auth::Accepted),
                Opening::Final(response) if response.status().is_success() => break,
                Opening::Final(response) => {
                    return Asked::Rejected(Box::new((response, running)));
                }
                Opening::Failed if running.exchange.is_reused() => continue,
                Opening::Failed | Opening::Quiet => break,
            }
        }
        Asked::Known(Auth::Unverified)
    }

    fn relay_rejection(
        mut self: Box<Self>,
        response: Response<Incoming>,
        running: Running,
    ) -> Answer {
        self.journal.auth(Auth::Rejected);
        self.journal.store_answered(response.status(), response.headers());
        self.journal.finish(Termination::GateRefused);
        running.into_answer(response)
    }

    /// The body is another one than its client has signed.
    pub(super) fn turned_away(mut self: Box<Self>, turned: Turned) -> Answer {
        let code = turned.code();
        self.journal.record().status = Some(code.status().as_u16());
        self.journal.record().reason.get_or_insert(code.name());
        self.journal.auth(Auth::Rejected);
        let request_id = self.journal.record().request_id.clone();
        self.journal.finish(Termination::ClientBody);
        let end = End { is_head: false, close: false };
        turned.into_answer(self.case.head.uri.path(), &request_id, end)
    }

    // ---- errors ------------------------------------------------------------------------------

    /// The flow ended before the body did.
    pub(super) fn stop(self: Box<Self>, stop: Stop, flow: Box<Flow>) -> Answer {
        let (intake, running) = flow.into_parts();
        if running.as_ref().is_some_and(|running| running.exchange.has_begun()) {
            self.case.gate.meters.upstream_aborts.inc();
        }
        let rest = intake.into_leftover();
        let event = match stop {
            Stop::Budget => return self.slow_down(Unjudged::Budget, Some(rest)),
            Stop::Event(event) => *event,
        };
        match (event, running) {
            (Event::Answered(response), Some(running)) => {
                self.relay_early(*response, running, Some(rest))
            }
            (Event::Client(fault), _) => self.client_fault(fault, rest),
            (
                Event::Answered(_) | Event::StoreGone | Event::Reached | Event::Kept | Event::Ended,
                _,
            ) => self.unreachable(Some(rest), Termination::StoreBody),
        }
    }

    /// A shortage of ours: the client is asked to try again.
    pub(super) fn slow_down(
        mut self: Box<Self>,
        fault: Unjudged,
        rest: Option<Leftover>,
    ) -> Answer {
        let verdict = Verdict::unjudged(fault, self.case.rule(), self.case.enforces);
        self.journal.judged(&verdict);
        let close = rest.is_some();
        if let Some(rest) = rest {
            self.case.let_go(rest);
        }
        let message = "Please reduce your request rate.";
        self.refuse(ErrorCode::SlowDown, message, close, Termination::GateFault)
    }

    /// What can't be judged, and must not pass for that.
    fn refuse_unjudged(mut self: Box<Self>, reason: Unjudged) -> Answer {
        let verdict = Verdict::refused(reason);
        self.journal.judged(&verdict);
        let message = self.case.denial().to_owned();
        self.refuse(ErrorCode::AccessDenied, &message, false, Termination::GateRefused)
    }

    /// A list with a part that is not the last one under its number: what S3 says to that.
    fn refuse_replaced(mut self: Box<Self>) -> Answer {
        self.journal.judged(&Verdict::refused(Unjudged::MultipartOrder));
        let message = "One or more of the specified parts could not be found. The part may not have \
                       been uploaded, or the specified entity tag may not match the part's entity tag.";
        self.refuse(ErrorCode::InvalidPart, message, false, Termination::GateRefused)
    }

    /// What is no list of parts, or a shortage of ours, with the body read to its end.
    pub(super) fn halted(self: Box<Self>, halt: Halt) -> Answer {
        match halt {
            Halt::Fault(fault) => self.slow_down(fault, None),
            Halt::Refused(reason) => self.refuse_unjudged(reason),
            Halt::Replaced => self.refuse_replaced(),
            Halt::Malformed(error) => {
                self.case.gate.meters.count_protocol_reject(error.label());
                self.refuse(error.into(), &error.to_string(), false, Termination::ClientBody)
            }
        }
    }

    /// More is held than was reserved: a framing that is mostly framing, or a body whose length
    /// nobody declared.
    pub(super) fn outgrown(self: Box<Self>, flow: Box<Flow>) -> Answer {
        self.case.let_go(flow.into_parts().0.into_leftover());
        self.case.gate.meters.count_protocol_reject("outgrown");
        let message = "The body is larger than its declared length allows for.";
        self.refuse(ErrorCode::InvalidRequest, message, true, Termination::ClientBody)
    }

    /// The body ended, but not as its framing promised.
    pub(super) fn malformed_end(
        self: Box<Self>,
        error: BodyError,
        rest: Option<Leftover>,
    ) -> Answer {
        self.case.gate.meters.count_protocol_reject(error.label());
        let close = rest.is_some();
        if let Some(rest) = rest {
            self.case.let_go(rest);
        }
        self.refuse((&error).into(), &error.to_string(), close, Termination::ClientBody)
    }

    /// The store cannot be reached, or broke off.
    pub(super) fn unreachable(
        self: Box<Self>,
        rest: Option<Leftover>,
        termination: Termination,
    ) -> Answer {
        let close = rest.is_some();
        if let Some(rest) = rest {
            self.case.let_go(rest);
        }
        let message = "The storage behind this gate can't be reached.";
        self.refuse(ErrorCode::ServiceUnavailable, message, close, termination)
    }

    fn client_fault(self: Box<Self>, fault: IntakeFault, rest: Leftover) -> Answer {
        let termination = Termination::ClientBody;
        match fault {
            IntakeFault::Client => {
                let message = "The body ended before its declared length.";
                self.refuse(ErrorCode::IncompleteBody, message, true, termination)
            }
            IntakeFault::Idle => {
                let message = "Too little of the body came for too long.";
                self.refuse(ErrorCode::RequestTimeout, message, true, termination)
            }
            IntakeFault::Framing(error) => {
                self.case.let_go(rest);
                self.case.gate.meters.count_protocol_reject(error.label());
                self.refuse((&error).into(), &error.to_string(), true, termination)
            }
        }
    }

    fn refuse(
        mut self: Box<Self>,
        code: ErrorCode,
        message: &str,
        close: bool,
        termination: Termination,
    ) -> Answer {
        self.journal.record().status = Some(code.status().as_u16());
        let request_id = self.journal.record().request_id.clone();
        faults::point("refuse");
        self.journal.finish(termination);
        let resource = self.case.head.uri.path();
        let refused = Refused { code, message, resource, request_id: &request_id, close };
        refused.into_answer(false)
    }
}

impl Running {
    /// Passes on an answer to a request whose body will never end.
    fn into_answer(self, response: Response<Incoming>) -> Answer {
        answer::relayed(response, |incoming| {
            let body = self.exchange.into_body(incoming, false);
            match self.feed {
                Some(feed) => body.keep_open(feed),
                None => body,
            }
        })
    }
}

/// What the store says about a head whose body is denied.
enum Asked {
    Known(Auth),
    Rejected(Box<(Response<Incoming>, Running)>),
}
