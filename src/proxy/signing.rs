//! Requests to a store whose keys only the gate has: the client's signature is verified with what the
//! operator's file says of it, and the request is signed anew.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use super::answer::{self, Answer, End, HOST_ID};
use super::gate::View;
use super::seal::{Kind, Lookup};
use super::stores::Store;
use crate::config::{Anonymous, Client, SignAnew, SignedChunks, Signing as Terms};
use crate::digest::Sha256;
use crate::framing::Boundary;
use crate::inspect::Evidence;
use crate::s3::auth::{AuthError, Claims, Credentials, KeyRing, Payload, Proof};
use crate::s3::policy_form::{FormKeys, FormTerms, PolicyError, SealedForm};
use crate::s3::resign::{self, ResignError, Resigned, Upstream};
use crate::s3::sealed::{Outgoing, SEALED_CHUNK_MAX, Sealed};
use crate::s3::sigv4::{Scope, Stamp};
use crate::s3::{self, BodyPlan, ErrorCode, Head, Operation, error_xml};

const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const AMZ_TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");

/// A request whose client is known, to be signed for the store whenever it is sent.
pub(super) struct Signing {
    store: Arc<Store>,
    who: Who,
    /// The head that chunks are signed after: another one would have another seed.
    fixed: Option<Box<Resigned>>,
}

/// Who sends it.
enum Who {
    /// A client whose signature holds.
    Known { proof: Box<Proof>, identity: Arc<Credentials> },
    /// Nobody, as far as the head tells: it goes on unsigned.
    Anonymous,
}

/// Why a request is turned away.
#[derive(Debug)]
pub(super) enum Turned {
    /// Its signature proves nothing.
    Auth(AuthError),
    /// Nobody signed, or a client that may not go where this request goes.
    Forbidden,
}

impl Turned {
    /// The answer's code.
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Turned::Auth(error) => error.code(),
            Turned::Forbidden => ErrorCode::AccessDenied,
        }
    }

    /// The answer, with the date by which clients whose clock is off set it right.
    pub(super) fn into_answer(self, resource: &str, request_id: &str, end: End) -> Answer {
        let now = SystemTime::now();
        let xml = match &self {
            Turned::Auth(error) => error.xml(resource, request_id, HOST_ID, now),
            Turned::Forbidden => {
                error_xml(self.code(), "Access Denied", resource, request_id, HOST_ID)
            }
        };
        let mut answer = answer::error(self.code(), xml, request_id, end);
        answer.headers_mut().insert(DATE, answer::date(now));
        answer
    }
}

impl From<AuthError> for Turned {
    fn from(error: AuthError) -> Self {
        Turned::Auth(error)
    }
}

/// Where a request goes, and how.
pub(super) struct Route {
    /// The store.
    pub store: Arc<Store>,
    /// How it is signed anew, if the store has it so.
    pub signing: Option<Signing>,
}

/// Finds the store of a request, and verifies who sends it where the store has requests signed anew.
///
/// # Errors
/// The answer that the client gets instead.
pub(super) fn admit(
    view: &View,
    head: &Parts,
    s3: &s3::Request,
    ring: &KeyRing,
) -> Result<Route, Turned> {
    let store = view.stores.choose(&head.headers, s3.bucket.as_deref()).clone();
    let signing = match &store.config.signing {
        Terms::Pass => None,
        Terms::Anew(terms) => {
            let who = who(&store, terms, head, s3, ring)?;
            Some(Signing { store: store.clone(), who, fixed: None })
        }
    };
    Ok(Route { store, signing })
}

fn who(
    store: &Store,
    terms: &SignAnew,
    head: &Parts,
    s3: &s3::Request,
    ring: &KeyRing,
) -> Result<Who, Turned> {
    let head = Head::new(&head.method, &head.uri, &head.headers);
    let Some(claims) = Claims::of(&head, s3)? else {
        // A form is signed in its fields. And browsers ask without credentials whether they may ask.
        let later = s3.operation == Operation::PostObject;
        let open = head.method == Method::OPTIONS || terms.anonymous == Anonymous::Forward;
        return if later || open { Ok(Who::Anonymous) } else { Err(Turned::Forbidden) };
    };
    let client = store.clients.as_ref().and_then(|clients| clients.find(claims.access_key()));
    let Some(client) = client else {
        let access_key = claims.access_key().to_owned();
        return Err(AuthError::UnknownKey { access_key }.into());
    };
    // For which region it was signed says nothing: the store's own is what counts.
    let proof = claims.verify(&head, &client.credentials, None, SystemTime::now(), ring)?;
    match may_go(client, s3) {
        true => Ok(Who::Known { proof: Box::new(proof), identity: client.identity.clone() }),
        false => Err(Turned::Forbidden),
    }
}

/// Whether a client may go to the bucket of a request, and to that of its copy's source. What names no
/// bucket is for clients that may go everywhere.
fn may_go(client: &Client, s3: &s3::Request) -> bool {
    // A path that names another bucket to some stores names none that a client could be kept to.
    if !s3.bucket_is_plain && !client.may(None) {
        return false;
    }
    let source = s3.copy_source.as_ref().map(|source| source.bucket.as_str());
    let copies = matches!(s3.operation, Operation::CopyObject | Operation::UploadPartCopy);
    // Without a source that can be read, a copy may come from anywhere.
    client.may(s3.bucket.as_deref()) && (!copies || client.may(source))
}

impl Signing {
    /// Whether the client's signature has been verified.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.who, Who::Known { .. })
    }

    /// The digest that the client has signed of the body.
    pub(super) fn signed_digest(&self) -> Option<Sha256> {
        match &self.who {
            Who::Known { proof, .. } => match proof.payload {
                Payload::Sha256(digest) => Some(digest),
                Payload::Unsigned | Payload::UnsignedTrailer | Payload::SignedChunks { .. } => None,
            },
            Who::Anonymous => None,
        }
    }

    /// Compares a body with what was signed of it.
    ///
    /// # Errors
    /// [`AuthError::Payload`]: it is another one.
    pub(super) fn check(&self, evidence: &Evidence) -> Result<(), AuthError> {
        match (self.signed_digest(), evidence.digests.sha256) {
            (Some(signed), Some(computed)) if signed != computed => {
                Err(AuthError::Payload { signed, computed })
            }
            (Some(_), Some(_)) | (None, _) => Ok(()),
            (Some(_), None) => unreachable!("a digest that was signed is computed"),
        }
    }

    /// Signs a head, which is the client's but for what proxies change.
    ///
    /// # Errors
    /// [`ResignError`]: something that is configured fits into no head.
    pub(super) fn signed_head(
        &self,
        head: &Parts,
        s3: &s3::Request,
        ring: &KeyRing,
    ) -> Result<(Uri, HeaderMap), ResignError> {
        let (target, headers) = match (&self.fixed, &self.who) {
            (Some(fixed), _) => (fixed.target.clone(), fixed.headers.clone()),
            (None, Who::Known { proof, identity }) => {
                let signed = self.signed(head, s3, proof, identity, ring)?;
                (signed.target, signed.headers)
            }
            (None, Who::Anonymous) => {
                let view = Head::new(&head.method, &head.uri, &head.headers);
                let authority = self.store.config.endpoint.host_header();
                resign::readdress(&view, s3, &authority, self.terms().addressing)?
            }
        };
        Ok((Uri::from(target), headers))
    }

    fn signed(
        &self,
        head: &Parts,
        s3: &s3::Request,
        proof: &Proof,
        identity: &Credentials,
        ring: &KeyRing,
    ) -> Result<Resigned, ResignError> {
        let view = Head::new(&head.method, &head.uri, &head.headers);
        let config = &self.store.config;
        let upstream = Upstream {
            authority: &config.endpoint.host_header(),
            addressing: self.terms().addressing,
            region: &config.region,
            credentials: identity,
        };
        let payload = match (proof.payload, s3.body) {
            (Payload::SignedChunks { .. }, BodyPlan::Identity { .. }) => Payload::Unsigned,
            (payload, _) => payload,
        };
        resign::resign(&view, s3, proof, &upstream, payload, SystemTime::now(), ring)
    }

    fn terms(&self) -> &SignAnew {
        match &self.store.config.signing {
            Terms::Anew(terms) => terms,
            Terms::Pass => unreachable!("made for a store that has requests signed anew"),
        }
    }

    /// What verifies the signatures in a body and signs it anew, or frees it of them: head and body
    /// plan are changed where that changes them. Where it is chunks that are signed, the head is from
    /// here on.
    pub(super) fn seal(
        &mut self,
        head: &mut Parts,
        s3: &mut s3::Request,
        ring: &KeyRing,
    ) -> Option<Kind> {
        let Who::Known { proof, identity } = &self.who else {
            let is_form = s3.operation == Operation::PostObject;
            return if is_form { self.seal_form(head, s3) } else { None };
        };
        let (Some(seed), BodyPlan::AwsChunked { plan, .. }) = (&proof.chunks, s3.body) else {
            return None;
        };
        let verify = seed.chain();
        let decodes = self.terms().signed_chunks == SignedChunks::Decode;
        let outgoing = match plan.decoded_length.filter(|_| decodes) {
            Some(length) => {
                s3.body = BodyPlan::Identity { length: Some(length) };
                free_of_framing(&mut head.headers, length);
                Outgoing::Decoded
            }
            None => {
                // What can't be signed can't be sent either: that is said then.
                let signed = self.signed(head, s3, proof, identity, ring).ok()?;
                let chain = signed.seed.chain();
                self.fixed = Some(Box::new(signed));
                Outgoing::Resigned(chain)
            }
        };
        Some(Kind::Chunks(Box::new(Sealed::new(plan, verify, outgoing, SEALED_CHUNK_MAX))))
    }

    /// A form's policy is signed, and with it who sends the form.
    fn seal_form(&self, head: &Parts, s3: &s3::Request) -> Option<Kind> {
        let kind = head.headers.get(CONTENT_TYPE)?.as_bytes();
        let boundary = Boundary::from_content_type(kind).ok()?;
        let now = SystemTime::now();
        let bucket = s3.bucket.clone().unwrap_or_default();
        let terms = FormTerms { bucket: bucket.clone(), region: None, now };
        let scope = Scope { stamp: Stamp::of(now), region: self.store.config.region.clone() };
        let clients = self.store.clients.clone();
        let lookup: Lookup = Box::new(move |claims| {
            let client = clients.as_ref().and_then(|clients| clients.find(claims.access_key()));
            let client = client.ok_or(PolicyError::UnknownAccessKey)?;
            if !client.may(Some(&bucket)) {
                return Err(PolicyError::Forbidden);
            }
            let identity = Credentials::clone(&client.identity);
            Ok(FormKeys { client: client.credentials.clone(), identity })
        });
        Some(Kind::Form(Box::new(SealedForm::new(&boundary, terms, scope, lookup))))
    }
}

/// Has a head say that its body is the payload alone.
fn free_of_framing(headers: &mut HeaderMap, length: u64) {
    for name in [&DECODED_LENGTH, &AMZ_TRAILER, &TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let coding = headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let Some(coding) = coding else { return };
    let is_framing = |name: &&str| !name.eq_ignore_ascii_case("aws-chunked");
    let rest: Vec<&str> = coding.split(',').map(str::trim).filter(is_framing).collect();
    let rest = rest.join(", ");
    match HeaderValue::try_from(rest) {
        Ok(rest) if !rest.is_empty() => drop(headers.insert(CONTENT_ENCODING, rest)),
        Ok(_) | Err(_) => drop(headers.remove(CONTENT_ENCODING)),
    }
}
