//! What goes back to the client.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::exchange::RelayBody;
use super::headers;
use crate::net::downstream::Busy;
use crate::s3::{ErrorCode, error_xml};

/// An answer to a client.
pub type Answer = Response<AnswerBody>;

/// The body of an answer: the store's, or a short one of our own.
pub enum AnswerBody {
    /// Passed on from the store as it comes.
    Relay(RelayBody),
    /// Ours; `None` once it has been handed out.
    Own(Option<Bytes>),
}

/// An error answer of the gate's own, in S3's form.
#[derive(Debug)]
pub struct Refused<'a> {
    /// What S3 calls it.
    pub code: ErrorCode,
    /// The text, which never tells what matched.
    pub message: &'a str,
    /// The path that was asked for, as it came.
    pub resource: &'a str,
    /// The gate's id of the request.
    pub request_id: &'a str,
    /// Whether the connection ends with the answer: some of the request was left unread.
    pub close: bool,
}

impl Refused<'_> {
    /// The answer.
    pub fn into_answer(self, is_head: bool) -> Answer {
        let xml = error_xml(self.code, self.message, self.resource, self.request_id, HOST_ID);
        error(self.code, xml, self.request_id, End { is_head, close: self.close })
    }
}

/// How an answer ends.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Whether it has no body: HEAD was asked.
    pub is_head: bool,
    /// Whether the connection ends with it.
    pub close: bool,
}

/// S3's second id of a request; ours says who answered.
pub const HOST_ID: &str = "s3bouncer";

/// An error answer with this XML.
pub fn error(code: ErrorCode, xml: String, request_id: &str, end: End) -> Answer {
    let mut answer = Response::new(AnswerBody::Own(None));
    *answer.status_mut() = code.status();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(xml.len()));
    headers.insert("x-amz-id-2", HeaderValue::from_static(HOST_ID));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amz-request-id", id);
    }
    if code == ErrorCode::SlowDown {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if end.close {
        close(&mut answer);
    }
    if !end.is_head {
        *answer.body_mut() = AnswerBody::Own(Some(Bytes::from(xml)));
    }
    answer
}

/// A moment as headers have it (RFC 9110, section 5.6.7).
pub fn date(moment: SystemTime) -> HeaderValue {
    let moment = jiff::Timestamp::try_from(moment).unwrap_or_default();
    let text = moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

/// The store's answer, ready for the client.
pub fn relayed(response: Response<Incoming>, body: impl FnOnce(Incoming) -> RelayBody) -> Answer {
    passed_on(response.map(body))
}

/// The store's answer, ready for the client, with the body that passes it on.
pub fn passed_on(response: Response<RelayBody>) -> Answer {
    let (mut parts, body) = response.into_parts();
    headers::to_downstream(&mut parts.headers);
    Response::from_parts(parts, AnswerBody::Relay(body))
}

/// The store's answer, whose body has been read.
pub fn whole(mut head: http::response::Parts, body: Bytes) -> Answer {
    headers::to_downstream(&mut head.headers);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(head, AnswerBody::Own(Some(body)))
}

/// Ends the client's connection with this answer.
pub fn close(answer: &mut Answer) {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// An answer's body that keeps its connection marked busy until it is through.
pub struct Guarded {
    body: AnswerBody,
    _busy: Busy,
}

impl AnswerBody {
    /// Keeps `busy` until the body has gone out, or is given up.
    pub fn guarded(self, busy: Busy) -> Guarded {
        Guarded { body: self, _busy: busy }
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            AnswerBody::Relay(body) => Pin::new(body).poll_frame(cx),
            AnswerBody::Own(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Relay(body) => body.is_end_stream(),
            AnswerBody::Own(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Relay(body) => body.size_hint(),
            AnswerBody::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
        }
    }
}
