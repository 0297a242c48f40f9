//! One request.
//!
//! A write becomes an [`Upload`]; all else passes, whatever state lists, audit and budgets are in.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use http::request::Parts;
use http::{Method, Request};
use http_body::Body;
use hyper::body::Incoming;

use super::answer::{self, Answer, End, Refused};
use super::case::beforehand;
use super::exchange::{Exchange, StoreFault};
use super::gate::{Gate, View};
use super::headers;
use super::intake::Leftover;
use super::journal::Journal;
use super::record::{Auth, Termination};
use super::signing::{self, Route, Turned};
use super::stores::Store;
use super::upload::Upload;
use crate::net::body::UpstreamBody;
use crate::net::downstream::{Client, Pace};
use crate::policy::{Unjudged, Verdict};
use crate::s3::{self, ErrorCode, Head, Operation, Refusal};

/// Answers one request, whatever happens: a bug costs this request and no other.
///
/// What to do is decided at once, by the head alone; the future does it. It is in a box of its own:
/// hyper keeps room for it on idle connections too.
pub fn serve(
    gate: Arc<Gate>,
    client: Client,
    request: Request<Incoming>,
) -> Pin<Box<impl Future<Output = Answer>>> {
    let decide = || take_up(&gate, client, request);
    let task = std::panic::catch_unwind(AssertUnwindSafe(decide));
    Box::pin(async move {
        let Ok(task) = task else { return failed(&gate) };
        let mut answering = pin!(task.carry_out(&gate, client.pace));
        let caught = std::future::poll_fn(|cx| {
            let poll = || answering.as_mut().poll(cx);
            let polled = std::panic::catch_unwind(AssertUnwindSafe(poll));
            polled.unwrap_or_else(|_| Poll::Ready(failed(&gate)))
        });
        caught.await
    })
}

/// What a bug is to the client.
fn failed(gate: &Gate) -> Answer {
    gate.meters.panics.inc();
    let message = "We encountered an internal error. Please try again.";
    let code = ErrorCode::InternalError;
    Refused { code, message, resource: "", request_id: "", close: true }.into_answer(false)
}

/// A request that is understood, and what is to be done about it.
enum Task {
    /// It writes.
    Carry(Box<Upload>, Incoming),
    /// It brings no bytes.
    Pass(Box<Passing>),
    /// It goes no further.
    Answer(Box<Answer>),
}

/// A request that brings no bytes, ready for its store.
struct Passing {
    head: Parts,
    s3: s3::Request,
    /// The path as the client named it.
    resource: String,
    store: Arc<Store>,
}

impl Task {
    async fn carry_out(self, gate: &Gate, pace: Pace) -> Answer {
        match self {
            Task::Carry(upload, body) => upload.run(body, pace).await,
            Task::Pass(passing) => pass(gate, passing).await,
            Task::Answer(answer) => *answer,
        }
    }
}

/// Decides by the head what is to be done.
fn take_up(gate: &Arc<Gate>, client: Client, request: Request<Incoming>) -> Task {
    let ended = |answer| Task::Answer(Box::new(answer));
    // One request sees one view: rules, lists and limits cannot change under it.
    let view = gate.view.load_full();
    let (head, body) = request.into_parts();
    let writes = matches!(head.method, Method::PUT | Method::POST);
    let journal = writes.then(|| gate.journal(client.address));
    let classified = view.dialects.classify(&Head::new(&head.method, &head.uri, &head.headers));
    let (s3, unjudged) = match classified.and_then(|s3| certain_of_bucket(s3, &view)) {
        Ok(s3) => (s3, None),
        Err(refusal) => match watched(&view, &head, refusal) {
            Some(s3) => (s3, Some(Unjudged::Encoding)),
            None => return ended(refuse(gate, &view, &head, refusal, journal, body)),
        },
    };
    let uploads = is_other(&s3) || unjudged.is_some();
    let mut journal = journal.or_else(|| uploads.then(|| gate.journal(client.address)));
    if let Some(journal) = &mut journal {
        view.address(journal, &s3);
    }
    let route = match signing::admit(&view, &head, &s3, &gate.ring) {
        Ok(route) => route,
        Err(turned) => return ended(turn_away(gate, &view, &head, &s3, turned, journal, body)),
    };
    let Some(mut journal) = journal else {
        return made_ready(gate, head, s3, route);
    };
    if unjudged.is_none()
        && let Some(refusal) = view.shuts(&s3, &head.headers)
    {
        if let Some(reason) = beforehand(s3.operation) {
            journal.judged(&Verdict::refused(reason));
        }
        return ended(refuse(gate, &view, &head, refusal, Some(journal), body));
    }
    Task::Carry(Upload::new(gate.clone(), view, head, s3, route, journal, unjudged), body)
}

/// Policy is chosen by bucket: where it differs between buckets, a path must name one only.
fn certain_of_bucket(s3: s3::Request, view: &View) -> Result<s3::Request, Refusal> {
    match s3.dots_leave_bucket && view.tells_buckets_apart() {
        true => Err(Refusal::Bucket),
        // In another protocol the path names no bucket of S3: the rule for everything holds.
        false if !s3.operation.names_bucket() => Ok(s3::Request { bucket: None, ..s3 }),
        false => Ok(s3),
    }
}

/// Methods that nobody here knows may write: what they bring is looked at like any upload.
fn is_other(s3: &s3::Request) -> bool {
    s3.operation == Operation::OtherMethod
}

/// Where the gate only watches, a write that is good HTTP passes even if stores could read it
/// differently: unseen, and recorded so.
fn watched(view: &View, head: &Parts, refusal: Refusal) -> Option<s3::Request> {
    if refusal == Refusal::Bucket {
        return None;
    }
    let s3 = view.dialects.unclear(&Head::new(&head.method, &head.uri, &head.headers), refusal)?;
    (!view.enforces(s3.bucket.as_deref())).then_some(s3)
}

/// A request that says two things, or nothing: 400, and the connection ends.
fn refuse(
    gate: &Gate,
    view: &View,
    head: &Parts,
    refusal: Refusal,
    journal: Option<Journal>,
    body: Incoming,
) -> Answer {
    gate.meters.count_protocol_reject(refusal.label());
    let status = refusal.status();
    let mut request_id = gate.request_id();
    match journal {
        Some(mut journal) => {
            journal.record().status = Some(status.as_u16());
            journal.record().reason.get_or_insert(refusal.label());
            request_id.clone_from(&journal.record().request_id);
            journal.finish(Termination::ClientHead);
        }
        None => gate.meters.count_request("Other", None, status.as_u16()),
    }
    let_go(view, head, body);
    let (code, message) = (refusal.code(), refusal.message());
    let refused =
        Refused { code, message, resource: head.uri.path(), request_id: &request_id, close: true };
    let mut answer = refused.into_answer(head.method == Method::HEAD);
    *answer.status_mut() = status;
    answer
}

/// A request whose client is not who it says it is, or may not go where it goes.
fn turn_away(
    gate: &Gate,
    view: &View,
    head: &Parts,
    s3: &s3::Request,
    turned: Turned,
    journal: Option<Journal>,
    body: Incoming,
) -> Answer {
    let code = turned.code();
    let mut request_id = gate.request_id();
    match journal {
        Some(mut journal) => {
            journal.record().status = Some(code.status().as_u16());
            journal.record().reason.get_or_insert(code.name());
            journal.auth(Auth::Rejected);
            request_id.clone_from(&journal.record().request_id);
            journal.finish(Termination::GateRefused);
        }
        None => gate.meters.count_request(s3.operation.name(), None, code.status().as_u16()),
    }
    let is_head = head.method == Method::HEAD;
    let close = !body.is_end_stream();
    let_go(view, head, body);
    turned.into_answer(head.uri.path(), &request_id, End { is_head, close })
}

/// Reads on for a while, so that a client in the middle of sending gets to read its answer.
fn let_go(view: &View, head: &Parts, body: Incoming) {
    let expects = head.headers.contains_key(http::header::EXPECT);
    let settings = &view.settings;
    Leftover::untouched(body).drain(expects, settings.drain_bytes, settings.drain_time);
}

/// A request that brings no bytes, as the store gets it.
fn made_ready(gate: &Gate, mut head: Parts, s3: s3::Request, route: Route) -> Task {
    headers::to_upstream(&mut head.headers);
    let resource = head.uri.path().to_owned();
    let Route { store, signing } = route;
    if let Some(signing) = signing {
        match signing.signed_head(&head, &s3, &gate.ring) {
            Ok((uri, headers)) => (head.uri, head.headers) = (uri, headers),
            Err(error) => {
                tracing::error!(%error, upstream = %store.config.name, "a request can't be signed");
                let is_head = head.method == Method::HEAD;
                return Task::Answer(Box::new(out_of_reach(gate, &s3, &resource, is_head)));
            }
        }
    }
    Task::Pass(Box::new(Passing { head, s3, resource, store }))
}

/// To the store, and back.
async fn pass(gate: &Gate, passing: Box<Passing>) -> Answer {
    let Passing { head, s3, resource, store } = &*passing;
    let safe = head.method != Method::DELETE;
    for fresh in [false, true] {
        let upstream = &store.upstream;
        let Ok(link) = upstream.link(fresh).await else { break };
        let mut request = Request::from_parts(head.clone(), UpstreamBody::none());
        *request.version_mut() = http::Version::HTTP_11;
        let mut exchange = Exchange::start(upstream, link, request);
        match exchange.answer(store.config.response_timeout).await {
            Ok(response) => {
                let status = response.status();
                gate.meters.count_request(s3.operation.name(), None, status.as_u16());
                if s3.operation == Operation::AbortMultipartUpload && status.is_success() {
                    gate.parts.aborted(s3);
                }
                return answer::relayed(response, |incoming| exchange.into_body(incoming, true));
            }
            // A connection that was idle may have been closed under us: once more on a fresh one.
            Err(StoreFault::Failed(failed)) if exchange.is_reused() && (failed.unsent || safe) => {}
            Err(_) => break,
        }
    }
    out_of_reach(gate, s3, resource, head.method == Method::HEAD)
}

/// The store can't be reached.
fn out_of_reach(gate: &Gate, s3: &s3::Request, resource: &str, is_head: bool) -> Answer {
    let code = ErrorCode::ServiceUnavailable;
    gate.meters.count_request(s3.operation.name(), None, code.status().as_u16());
    let message = "The storage behind this gate can't be reached.";
    let request_id = gate.request_id();
    let refused = Refused { code, message, resource, request_id: &request_id, close: false };
    refused.into_answer(is_head)
}
