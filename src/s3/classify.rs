//! From a head to a request: the one entrance of this room.

use http::{HeaderMap, Method as HttpMethod, Uri};

use super::addressing::{self, Address};
use super::body::{self, BodyPlan};
use super::coding::{Coding, codings};
use super::copy::{self, CopySource};
use super::declared::Declared;
use super::headers::{Headers, Name};
use super::hygiene::{self, Delimited, Method};
use super::operation::{self, Operation};
use super::query::{Key, Query};
use super::refusal::Refusal;
use super::signature::{self, SignatureKind, Signer};
use super::surface::{self, Surface};

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
    /// Whether the host names the bucket, so that the path is all key.
    pub bucket_in_host: bool,
    /// Whether the bucket is the same to every store that gets the path, whatever it does to slashes,
    /// escapes and dots. A write's is, but for the dots; a read's need not be, and who may read only
    /// some buckets must not read there.
    pub bucket_is_plain: bool,
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
    /// The codings that Content-Encoding declares for the payload, in the order in which they were
    /// applied; only of writes. What stores keep is the payload as it comes.
    pub content_encoding: Vec<Coding>,
    /// Whether the head says that the payload is ciphertext of the client's or of another store's;
    /// only of writes. It is a claim: plain bytes may come with it.
    pub encrypted: bool,
    /// Whether the head says that another store sends what it has; only of writes, and a claim too.
    pub replica: bool,
    /// Whether it carries Ceph RGW's `rgwx-` keys, with which zones and administrators act for
    /// others.
    pub system: bool,
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

/// Reads a head strictly, for a store with the default [`Surface`].
///
/// # Errors
/// As [`Surface::classify`].
pub fn classify(head: &Head) -> Result<Request, Refusal> {
    surface::DEFAULT.classify(head)
}

/// What [`Surface::unclear`] says for the default surface.
pub fn unclear(head: &Head, refusal: Refusal) -> Option<Request> {
    surface::DEFAULT.unclear(head, refusal)
}

impl Surface {
    /// Reads a head strictly.
    ///
    /// # Errors
    /// HTTP that two servers could take for different requests; on PUT and POST also hosts, paths,
    /// queries and framings that two stores could read differently. Reads pass with keys of any kind.
    pub fn classify(&self, head: &Head) -> Result<Request, Refusal> {
        let mut view = View::read(self, head)?;
        if view.method.writes() {
            view.check_write()?;
        }
        let part_number = match view.method.writes() {
            true => operation::part_number(&view.query)?,
            false => None,
        };
        let body = view.body_plan()?;
        let operation = view.operation()?;
        let copy_source = view.copy_source(operation)?;
        Ok(view.request(operation, body, part_number, copy_source))
    }

    /// The best reading of a write that [`classify`](Self::classify) refused, if its HTTP is good and
    /// its bucket certain: where the gate only watches, such a request passes, unjudged.
    ///
    /// Where the framing is what is unclear, the body is taken as it is.
    pub fn unclear(&self, head: &Head, refusal: Refusal) -> Option<Request> {
        let mut view = View::read(self, head).ok()?;
        if refusal.breaks_http() || !view.bucket_is_certain() || !view.method.writes() {
            return None;
        }
        let raw = BodyPlan::Identity { length: view.delimited.length() };
        let body = view.body_plan().unwrap_or(raw);
        let operation = view.operation().unwrap_or(Operation::Other);
        let part_number = operation::part_number(&view.query).ok().flatten();
        let copy_source = view.copy_source(operation).ok().flatten();
        Some(view.request(operation, body, part_number, copy_source))
    }
}

/// A head whose HTTP is good.
struct View<'a> {
    head: &'a Head<'a>,
    surface: &'a Surface,
    method: Method,
    headers: Headers<'a>,
    query: Query<'a>,
    delimited: Delimited,
    signer: Signer,
    /// The bucket that the host names, if it does; on a write, whether it does is certain.
    host_bucket: Result<Option<String>, Refusal>,
}

impl<'a> View<'a> {
    fn read(surface: &'a Surface, head: &'a Head<'a>) -> Result<Self, Refusal> {
        let method = Method::parse(head.method)?;
        let headers = Headers::read(head.headers)?;
        let delimited = hygiene::check(head, method, &headers)?;
        let query = Query::read(head.query);
        let signer = signature::signer(&headers, &query);
        let host_bucket = surface.bucket_of(headers.get(Name::Host).unwrap_or_default());
        Ok(View { head, surface, method, headers, query, delimited, signer, host_bucket })
    }

    /// Refuses what stores could read differently. The bucket comes first, as in
    /// [`Surface::unclear`].
    fn check_write(&self) -> Result<(), Refusal> {
        self.check_address()?;
        if self.method == Method::Other && !self.surface.forwards_other_methods() {
            return Err(Refusal::Method);
        }
        self.headers.check_write()?;
        self.query.check_write()?;
        signature::check_write(&self.headers, &self.query)
    }

    fn check_address(&self) -> Result<(), Refusal> {
        match &self.host_bucket {
            Ok(None) => addressing::check_write(self.head.path),
            Ok(Some(_)) => addressing::check_escapes(self.head.path),
            Err(refusal) => Err(*refusal),
        }
    }

    fn bucket_is_certain(&self) -> bool {
        match self.check_address() {
            Err(Refusal::Bucket | Refusal::Host) => false,
            Ok(()) | Err(_) => !self.dots_leave_bucket(),
        }
    }

    fn bucket_is_plain(&self) -> bool {
        match self.host_bucket {
            Ok(Some(_)) => true,
            Ok(None) | Err(_) => addressing::names_one_bucket(self.head.path),
        }
    }

    fn dots_leave_bucket(&self) -> bool {
        self.host_bucket == Ok(None) && addressing::dots_leave_bucket(self.head.path)
    }

    /// Of a read, whatever the host could mean.
    fn address(&self) -> Address<'_> {
        match &self.host_bucket {
            Ok(Some(bucket)) => addressing::below_host(bucket, self.head.path),
            Ok(None) | Err(_) => addressing::split(self.head.path),
        }
    }

    fn body_plan(&self) -> Result<BodyPlan, Refusal> {
        body::plan(self.method, self.delimited, &self.headers, &self.query, self.signer.kind)
    }

    fn operation(&self) -> Result<Operation, Refusal> {
        let door = match &self.host_bucket {
            Ok(Some(_)) => None,
            Ok(None) | Err(_) => self.surface.door(self.head.path),
        };
        operation::recognise(self.method, self.address(), door, &self.headers, &self.query)
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
        if !copies {
            return Ok(None);
        }
        let source = copy::source(&self.headers, &self.query)?;
        Ok(source
            .map(|source| CopySource { bucket: self.surface.unaliased(source.bucket), ..source }))
    }

    fn request(
        &mut self,
        operation: Operation,
        body: BodyPlan,
        part_number: Option<u32>,
        copy_source: Option<CopySource>,
    ) -> Request {
        let access_key = self.signer.access_key.take();
        let address = self.address();
        let writes = self.method.writes();
        let markers = self.headers.markers.or(self.query.markers);
        let content_encoding = self.headers.get(Name::ContentEncoding).filter(|_| writes);
        let declared = match writes {
            true => Declared::from_headers(self.head.headers),
            false => Declared::default(),
        };
        Request {
            operation,
            bucket: text(address.bucket).map(|name| self.surface.unaliased(name)),
            bucket_in_host: matches!(self.host_bucket, Ok(Some(_))),
            bucket_is_plain: self.bucket_is_plain(),
            key: text(address.key),
            upload_id: text(self.query.get(Key::UploadId)),
            part_number,
            copy_source,
            body,
            content_encoding: content_encoding.map(codings).unwrap_or_default(),
            encrypted: writes && markers.encrypted,
            replica: writes && markers.replica,
            system: self.query.system,
            signature: self.signer.kind,
            declared,
            expect_continue: self.headers.has(Name::Expect),
            dots_leave_bucket: writes && self.dots_leave_bucket(),
            access_key,
        }
    }
}

fn text(raw: Option<&str>) -> Option<String> {
    raw.map(|raw| addressing::decode(raw).into_owned())
}
