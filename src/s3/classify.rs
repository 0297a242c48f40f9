//! From a head to a request: the one entrance of this room.

use http::{HeaderMap, Method as HttpMethod, Uri};

use super::addressing;
use super::body::{self, BodyPlan};
use super::copy::{self, CopySource};
use super::declared::Declared;
use super::headers::{Headers, Name};
use super::hygiene::{self, Delimited, Method};
use super::operation::{self, Operation};
use super::query::{Key, Query};
use super::refusal::Refusal;
use super::signature::{self, SignatureKind, Signer};

/// A borrowed view of a request's head, exactly as it came.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method in its own spelling.
    pub method: &'a str,
    /// The raw path, still percent-encoded.
    pub path: &'a str,
    /// The raw query without its `?`.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether the target was a bare path, without scheme and authority.
    pub origin_form: bool,
}

impl<'a> Head<'a> {
    /// The view of a request as hyper parsed it.
    pub fn new(method: &'a HttpMethod, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Head {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query(),
            headers,
            origin_form: uri.scheme().is_none() && uri.authority().is_none(),
        }
    }
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub operation: Operation,
    /// The bucket, percent-decoded for policy and records.
    pub bucket: Option<String>,
    /// The key, percent-decoded for records.
    pub key: Option<String>,
    /// `uploadId`, percent-decoded.
    pub upload_id: Option<String>,
    /// `partNumber`, 1 to 99999; only of writes.
    pub part_number: Option<u32>,
    /// Where a copy takes its bytes from; only of copies, and none where a dialect names it in its
    /// own way.
    pub copy_source: Option<CopySource>,
    /// How the payload lies in the body.
    pub body: BodyPlan,
    /// The access key that the head claims.
    pub access_key: Option<String>,
    /// How the request is signed.
    pub signature: SignatureKind,
    /// The digests that the head declares for its body; only of writes.
    pub declared: Declared,
    /// Whether the client waits for `100 Continue`.
    pub expect_continue: bool,
    /// Whether a write's path would mean another bucket to a store that resolves dots. To be
    /// refused where policy tells buckets apart.
    pub dots_leave_bucket: bool,
}

/// Reads a head strictly.
///
/// # Errors
/// HTTP that two servers could take for different requests; on PUT and POST also paths, queries and
/// framings that two stores could read differently. Reads pass with keys of any kind.
pub fn classify(head: &Head) -> Result<Request, Refusal> {
    let view = View::read(head)?;
    if view.method.writes() {
        view.check_write(head)?;
    }
    let part_number = match view.method.writes() {
        true => operation::part_number(&view.query)?,
        false => None,
    };
    let body = view.body_plan()?;
    let operation = view.operation(head)?;
    let copy_source = view.copy_source(operation)?;
    Ok(view.request(head, operation, body, part_number, copy_source))
}

/// The best reading of a write that [`classify`] refused, if its HTTP is good and its bucket
/// certain: where the gate only watches, such a request passes, unjudged.
///
/// Where the framing is what is unclear, the body is taken as it is.
pub fn unclear(head: &Head, refusal: Refusal) -> Option<Request> {
    let view = View::read(head).ok()?;
    let bucket_is_certain = addressing::check_write(head.path) != Err(Refusal::Bucket)
        && !addressing::dots_leave_bucket(head.path);
    if refusal.breaks_http() || !bucket_is_certain || !view.method.writes() {
        return None;
    }
    let raw = BodyPlan::Identity { length: view.delimited.length() };
    let body = view.body_plan().unwrap_or(raw);
    let operation = view.operation(head).unwrap_or(Operation::Other);
    let part_number = operation::part_number(&view.query).ok().flatten();
    let copy_source = view.copy_source(operation).ok().flatten();
    Some(view.request(head, operation, body, part_number, copy_source))
}

/// A head whose HTTP is good.
struct View<'a> {
    method: Method,
    headers: Headers<'a>,
    query: Query<'a>,
    delimited: Delimited,
    signer: Signer,
}

impl<'a> View<'a> {
    fn read(head: &Head<'a>) -> Result<Self, Refusal> {
        let method = Method::parse(head.method)?;
        let headers = Headers::read(head.headers)?;
        let delimited = hygiene::check(head, method, &headers)?;
        let query = Query::read(head.query);
        let signer = signature::signer(&headers, &query);
        Ok(View { method, headers, query, delimited, signer })
    }

    /// Refuses what stores could read differently. The bucket comes first, as in [`unclear`].
    fn check_write(&self, head: &Head) -> Result<(), Refusal> {
        addressing::check_write(head.path)?;
        if self.method == Method::Other {
            return Err(Refusal::Method);
        }
        self.headers.check_write()?;
        self.query.check_write()?;
        signature::check_write(&self.headers, &self.query)
    }

    fn body_plan(&self) -> Result<BodyPlan, Refusal> {
        body::plan(self.method, self.delimited, &self.headers, &self.query, self.signer.kind)
    }

    fn operation(&self, head: &Head) -> Result<Operation, Refusal> {
        operation::recognise(self.method, addressing::split(head.path), &self.headers, &self.query)
    }

    fn copy_source(&self, operation: Operation) -> Result<Option<CopySource>, Refusal> {
        if !self.method.writes() {
            return Ok(None);
        }
        let copies = matches!(operation, Operation::CopyObject | Operation::UploadPartCopy);
        let range = copy::range(&self.headers, &self.query)?;
        if range.is_some() && operation != Operation::UploadPartCopy {
            return Err(Refusal::CopyRange);
        }
        if copies { copy::source(&self.headers, &self.query) } else { Ok(None) }
    }

    fn request(
        self,
        head: &Head,
        operation: Operation,
        body: BodyPlan,
        part_number: Option<u32>,
        copy_source: Option<CopySource>,
    ) -> Request {
        let address = addressing::split(head.path);
        let writes = self.method.writes();
        let declared = match writes {
            true => Declared::from_headers(head.headers),
            false => Declared::default(),
        };
        Request {
            operation,
            bucket: text(address.bucket),
            key: text(address.key),
            upload_id: text(self.query.get(Key::UploadId)),
            part_number,
            copy_source,
            body,
            access_key: self.signer.access_key,
            signature: self.signer.kind,
            declared,
            expect_continue: self.headers.has(Name::Expect),
            dots_leave_bucket: writes && addressing::dots_leave_bucket(head.path),
        }
    }
}

fn text(raw: Option<&str>) -> Option<String> {
    raw.map(|raw| addressing::decode(raw).into_owned())
}
