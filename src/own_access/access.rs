//! What the gate asks of the upstream store for itself: to judge a copy it reads the source, and an
//! upload that it has refused it aborts.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, RANGE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::account::{Account, AccountError};
use super::transport::Transport;

/// What SigV4 wants encoded: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same in a key, whose slashes stay.
const ENCODED_IN_KEY: &AsciiSet = &ENCODED.remove(b'/');

const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// Which object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectName<'a> {
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key, as bytes: nothing makes a client's key UTF-8.
    pub key: &'a [u8],
    /// The version; the current one where `None`.
    pub version: Option<&'a str>,
}

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Bytes of the whole object.
    pub size: u64,
    /// Its ETag as it was sent, with its quotes.
    pub etag: Option<String>,
    /// Its version, in a bucket that has them.
    pub version: Option<String>,
}

/// Why the store did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// 404: no such bucket, key, version or upload.
    #[error("the store has no such object or upload")]
    NotFound,
    /// 401 or 403: the gate's own key may not.
    #[error("the store does not let the gate's own key do this")]
    Forbidden,
    /// 412: it is not (any more) the object that was expected.
    #[error("the object has changed")]
    Changed,
    /// 416: the object has no such range.
    #[error("the object has no such range")]
    Range,
    /// Another answer than the ones that help.
    #[error("the store answered {0}")]
    Status(StatusCode),
    /// The answer contradicts the question or itself.
    #[error("the store's answer makes no sense: {0}")]
    Nonsense(&'static str),
    /// No answer, or no further byte of it, in time.
    #[error("the store did not go on within {0:?}")]
    Timeout(Duration),
    /// The connection failed.
    #[error("the store can't be reached: {0}")]
    Unreachable(String),
    /// A key with a path segment `.` or `..`: URLs lose it before it is signed.
    #[error("this key can't be put into a URL")]
    Unnameable,
}

/// The gate's own account at a store. Clones share their connections.
#[derive(Clone)]
pub struct OwnAccess {
    client: HttpClient,
    credential: Arc<AwsCredential>,
    region: String,
    /// Without a slash at its end.
    endpoint: String,
    patience: Duration,
}

impl OwnAccess {
    /// `patience` bounds each wait: for a connection, for an answer's head, for each piece of its
    /// body. Nothing is sent yet.
    ///
    /// # Errors
    /// The account is not usable.
    pub fn new(account: &Account, patience: Duration) -> Result<Self, AccountError> {
        OwnAccess::over(Transport::new(account, patience)?, account, patience)
    }

    /// As [`OwnAccess::new`], with the TLS that is spoken with the store anyway.
    ///
    /// # Errors
    /// The account is not usable.
    pub fn with_tls(
        account: &Account,
        patience: Duration,
        tls: ClientConfig,
    ) -> Result<Self, AccountError> {
        OwnAccess::over(Transport::with_tls(account, patience, tls)?, account, patience)
    }

    fn over(
        transport: Transport,
        account: &Account,
        patience: Duration,
    ) -> Result<Self, AccountError> {
        let endpoint = account.checked()?.as_str().trim_end_matches('/').to_owned();
        Ok(OwnAccess {
            client: HttpClient::new(transport),
            credential: Arc::new(account.credential()),
            region: account.region.clone(),
            endpoint,
            patience,
        })
    }

    /// What the store says of an object (HeadObject).
    ///
    /// # Errors
    /// See [`AccessError`].
    pub async fn head(&self, object: ObjectName<'_>) -> Result<ObjectFacts, AccessError> {
        let response = self.send(Method::HEAD, &object.uri(self)?, &HeaderMap::new()).await?;
        success(response.status(), &[StatusCode::OK])?;
        let size = content_length(response.headers()).ok_or(AccessError::Nonsense("no length"))?;
        Ok(facts(response.headers(), size))
    }

    /// Reads an object, or its bytes in `range`, the end excluded (GetObject). With `etag` it must
    /// be that one still, so that what is judged is what was asked about.
    ///
    /// A range that reaches beyond the end gives less than was asked: see [`Download::size`].
    ///
    /// # Errors
    /// See [`AccessError`]; an empty `range` is [`AccessError::Range`].
    pub async fn read_range(
        &self,
        object: ObjectName<'_>,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<Download, AccessError> {
        let mut headers = HeaderMap::new();
        if let Some(etag) = etag {
            let etag = etag.parse().map_err(|_| AccessError::Changed)?;
            headers.insert(IF_MATCH, etag);
        }
        if let Some(range) = &range {
            let last = range.end.checked_sub(1).filter(|last| *last >= range.start);
            let text = format!("bytes={}-{}", range.start, last.ok_or(AccessError::Range)?);
            headers.insert(RANGE, text.parse().map_err(|_| AccessError::Range)?);
        }
        let response = self.send(Method::GET, &object.uri(self)?, &headers).await?;
        Download::new(response, range, self.patience)
    }

    /// Aborts a multipart upload (AbortMultipartUpload). One that is gone already is no error.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub async fn abort_multipart(
        &self,
        bucket: &str,
        key: &[u8],
        upload_id: &str,
    ) -> Result<(), AccessError> {
        let object = ObjectName { bucket, key, version: None };
        let upload_id = percent_encode(upload_id.as_bytes(), ENCODED);
        let uri = format!("{}?uploadId={upload_id}", object.uri(self)?);
        let response = self.send(Method::DELETE, &uri, &HeaderMap::new()).await?;
        match success(response.status(), &[StatusCode::NO_CONTENT, StatusCode::OK]) {
            Ok(()) | Err(AccessError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a request without a body, and once more if its connection broke before an answer: each
    /// of the requests here can be repeated.
    async fn send(
        &self,
        method: Method,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<HttpResponse, AccessError> {
        match self.send_once(method.clone(), uri, headers).await {
            Err(Sent::Broken(_)) => self.send_once(method, uri, headers).await,
            answered => answered,
        }
        .map_err(|failed| match failed {
            Sent::Broken(error) => AccessError::Unreachable(cause(&error)),
            Sent::Failed(error) => error,
        })
    }

    async fn send_once(
        &self,
        method: Method,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<HttpResponse, Sent> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().map_err(|_| Sent::Failed(AccessError::Unnameable))?;
        request.headers_mut().clone_from(headers);
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|_| Sent::Failed(AccessError::Nonsense("the request can't be signed")))?;
        match timeout(self.patience, self.client.execute(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.kind() == HttpErrorKind::Interrupted => {
                Err(Sent::Broken(error))
            }
            Ok(Err(error)) => Err(Sent::Failed(AccessError::Unreachable(cause(&error)))),
            Err(_) => Err(Sent::Failed(AccessError::Timeout(self.patience))),
        }
    }
}

/// Why a request has no answer.
enum Sent {
    /// Its connection broke; perhaps it had been idle for too long.
    Broken(HttpError),
    Failed(AccessError),
}

/// The innermost cause: the outer ones say that "an HTTP error" occurred.
fn cause(error: &HttpError) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

impl ObjectName<'_> {
    fn uri(&self, access: &OwnAccess) -> Result<String, AccessError> {
        let dots = |segment: &[u8]| segment == b"." || segment == b"..";
        if self.key.is_empty() || self.key.split(|byte| *byte == b'/').any(dots) {
            return Err(AccessError::Unnameable);
        }
        let bucket = percent_encode(self.bucket.as_bytes(), ENCODED);
        let key = percent_encode(self.key, ENCODED_IN_KEY);
        let mut uri = format!("{}/{bucket}/{key}", access.endpoint);
        if let Some(version) = self.version {
            uri += &format!("?versionId={}", percent_encode(version.as_bytes(), ENCODED));
        }
        Ok(uri)
    }
}

/// Bytes of an object on their way.
pub struct Download {
    /// What the store says of the object.
    pub facts: ObjectFacts,
    /// Bytes that will come.
    pub size: u64,
    left: u64,
    body: Pin<Box<dyn Stream<Item = Result<Bytes, HttpError>> + Send>>,
    patience: Duration,
}

impl Download {
    fn new(
        response: HttpResponse,
        range: Option<Range<u64>>,
        patience: Duration,
    ) -> Result<Self, AccessError> {
        let expected = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let (head, body) = response.into_parts();
        // A store that ignores ranges would otherwise pass for one that gave the range.
        success(head.status, &[expected])?;
        let (size, whole) = match range {
            Some(range) => content_range(&head.headers, &range)?,
            None => {
                let size = content_length(&head.headers);
                size.map(|size| (size, size)).ok_or(AccessError::Nonsense("no length"))?
            }
        };
        let facts = facts(&head.headers, whole);
        Ok(Download { facts, size, left: size, body: body.bytes_stream(), patience })
    }

    /// The next bytes; `None` once exactly [`Download::size`] of them came.
    ///
    /// # Errors
    /// See [`AccessError`]. After an error the bytes so far are no whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AccessError> {
        let piece = timeout(self.patience, self.body.next()).await;
        match piece.map_err(|_| AccessError::Timeout(self.patience))? {
            Some(Ok(bytes)) => {
                let left = self.left.checked_sub(bytes.len() as u64);
                self.left = left.ok_or(AccessError::Nonsense("more bytes than announced"))?;
                Ok(Some(bytes))
            }
            Some(Err(error)) => Err(AccessError::Unreachable(cause(&error))),
            None if self.left > 0 => Err(AccessError::Nonsense("fewer bytes than announced")),
            None => Ok(None),
        }
    }
}

fn success(status: StatusCode, expected: &[StatusCode]) -> Result<(), AccessError> {
    match status {
        status if expected.contains(&status) => Ok(()),
        StatusCode::NOT_FOUND => Err(AccessError::NotFound),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(AccessError::Forbidden),
        StatusCode::PRECONDITION_FAILED => Err(AccessError::Changed),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(AccessError::Range),
        status => Err(AccessError::Status(status)),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &CONTENT_LENGTH)?.parse().ok()
}

fn facts(headers: &HeaderMap, size: u64) -> ObjectFacts {
    ObjectFacts { size, etag: text(headers, &ETAG), version: text(headers, &VERSION_ID) }
}

/// How many bytes come, and how many the object has, if the answer is to this question.
fn content_range(headers: &HeaderMap, asked: &Range<u64>) -> Result<(u64, u64), AccessError> {
    let parse = || {
        let value = text(headers, &CONTENT_RANGE)?;
        let (span, whole) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = span.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, whole.parse::<u64>().ok()?))
    };
    let (first, last, whole) = parse().ok_or(AccessError::Nonsense("no range"))?;
    let expected = asked.end.min(whole);
    match first == asked.start && last.checked_add(1) == Some(expected) && first < expected {
        true => Ok((expected - first, whole)),
        false => Err(AccessError::Nonsense("another range than was asked for")),
    }
}

impl fmt::Debug for OwnAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAccess").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("facts", &self.facts).finish_non_exhaustive()
    }
}
