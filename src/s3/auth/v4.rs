//! SigV4: in the Authorization header and in the query.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::super::Head;
use super::super::sigv4::{
    ALGORITHM, MAX_EXPIRES_S, PathForm, Scope, Seed, Signature, SigningKey, Stamp,
    UNSIGNED_PAYLOAD, canonical_request,
};
use super::MAX_SKEW_S;
use super::claims::{Proof, Twice, check_skew, moment, only_header};
use super::credential::Credential;
use super::error::{AuthError, Mismatch};
use super::key_ring::KeyRing;
use super::malformed::{Fault, Place};
use super::payload::Payload;
use super::query::Keys;
use super::secret::Credentials;

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// What a SigV4 signature claims, besides the access key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct V4 {
    /// How long it holds in seconds, 1 to [`MAX_EXPIRES_S`], if it is in the query.
    pub(super) life_s: Option<u32>,
    /// When it was made; the scope's stamp.
    moment: SystemTime,
    pub(super) scope: Scope,
    /// The names of the signed headers, in lower case and ascending, with semicolons between.
    pub(super) signed: String,
    pub(super) signature: Signature,
    payload: Payload,
}

impl V4 {
    /// Reads what follows the algorithm in an Authorization header; gives the access key as well.
    pub(super) fn in_header(head: &Head<'_>, parts: &str) -> Result<(String, V4), AuthError> {
        let malformed = |fault| AuthError::malformed(Place::Header, fault);
        let [credential, signed, signature] = parts_of(parts).map_err(malformed)?;
        let credential = Credential::parse(credential).map_err(malformed)?;
        let signed = signed_headers(signed).map_err(malformed)?;
        let signature = Signature::parse(signature).ok_or(malformed(Fault::Signature))?;
        let moment = moment(head)?;
        let token = header_token(head)?.ok_or(AuthError::PayloadMissing)?;
        let v4 = V4 {
            life_s: None,
            moment,
            scope: scope(&credential, Stamp::of(moment)).map_err(malformed)?,
            signed,
            signature,
            payload: Payload::parse(token)?,
        };
        Ok((credential.access_key.to_owned(), v4))
    }

    /// Reads a presigned query; gives the access key as well.
    pub(super) fn in_query(head: &Head<'_>) -> Result<(String, V4), AuthError> {
        let malformed = |fault| AuthError::malformed(Place::Query, fault);
        let keys = Keys::read(
            head.query,
            [
                "X-Amz-Algorithm",
                "X-Amz-Credential",
                "X-Amz-Date",
                "X-Amz-Expires",
                "X-Amz-SignedHeaders",
                "X-Amz-Signature",
            ],
        );
        match keys.get(0) {
            Some(ALGORITHM) | None => {}
            Some("AWS4-ECDSA-P256-SHA256") => return Err(AuthError::V4a),
            Some(_) => return Err(malformed(Fault::Algorithm)),
        }
        let [_, credential, date, life, signed, signature] =
            keys.all().ok_or(malformed(Fault::Parts))?;
        let credential = Credential::parse(&credential).map_err(malformed)?;
        let stamp = Stamp::parse(&date).ok_or(malformed(Fault::Date))?;
        let v4 = V4 {
            life_s: Some(lifetime(&life).map_err(malformed)?),
            moment: stamp.moment().ok_or(malformed(Fault::Date))?,
            scope: scope(&credential, stamp).map_err(malformed)?,
            signed: signed_headers(&signed).map_err(malformed)?,
            signature: Signature::parse(&signature).ok_or(malformed(Fault::Signature))?,
            payload: Payload::parse(&query_token(head)?)?,
        };
        Ok((credential.access_key.to_owned(), v4))
    }

    fn place(&self) -> Place {
        if self.life_s.is_some() { Place::Query } else { Place::Header }
    }

    pub(super) fn verify(
        &self,
        head: &Head<'_>,
        credentials: &Credentials,
        region: Option<&str>,
        now: SystemTime,
        ring: &KeyRing,
    ) -> Result<Proof, AuthError> {
        self.check_region(region)?;
        self.check_time(now)?;
        let names: Vec<&str> = self.signed.split(';').collect();
        self.check_signed(head, &names)?;
        let key = ring.key(credentials, self.scope.clone());
        let plus_is_space = self.check_signature(head, &names, &key, credentials)?;
        let chunks = match self.payload {
            Payload::SignedChunks { .. } => Some(Seed { key, signature: self.signature }),
            Payload::Sha256(_) | Payload::Unsigned | Payload::UnsignedTrailer => None,
        };
        Ok(Proof {
            access_key: credentials.access_key.clone(),
            payload: self.payload,
            chunks,
            place: self.place(),
            is_v2: false,
            plus_is_space,
        })
    }

    fn check_region(&self, expected: Option<&str>) -> Result<(), AuthError> {
        match expected.filter(|expected| *expected != self.scope.region) {
            None => Ok(()),
            Some(expected) => {
                let credential = self.scope.region.clone();
                let fault = Fault::Region { credential, expected: expected.to_owned() };
                Err(AuthError::malformed(self.place(), fault))
            }
        }
    }

    fn check_time(&self, now: SystemTime) -> Result<(), AuthError> {
        let Some(life_s) = self.life_s else { return check_skew(self.moment, now) };
        let early = self.moment.duration_since(now).unwrap_or_default();
        let age = now.duration_since(self.moment).unwrap_or_default();
        let life = Duration::from_secs(life_s.into());
        if early > Duration::from_secs(MAX_SKEW_S) {
            return Err(AuthError::NotYet);
        }
        match age > life {
            true => Err(AuthError::Expired { end: self.moment + life, life_s: Some(life_s) }),
            false => Ok(()),
        }
    }

    /// The host and all of S3's headers must be signed: whoever holds a presigned query must not add
    /// `x-amz-copy-source` to it.
    fn check_signed(&self, head: &Head<'_>, names: &[&str]) -> Result<(), AuthError> {
        // As a payload token it is signed in any case, and AWS lets it be in queries.
        let is_token = |name: &str| self.life_s.is_some() && name == CONTENT_SHA256;
        let present = head.headers.keys().map(http::HeaderName::as_str);
        let must = present.filter(|name| name.starts_with("x-amz-") && !is_token(name));
        let missing = must.chain(["host"]).filter(|name| names.binary_search(name).is_err());
        let mut missing: Vec<String> = missing.map(str::to_owned).collect();
        missing.sort_unstable();
        if missing.is_empty() { Ok(()) } else { Err(AuthError::HeadersNotSigned(missing)) }
    }

    /// Whether a `+` in the query was signed as a space, once it is found what was signed.
    fn check_signature(
        &self,
        head: &Head<'_>,
        names: &[&str],
        key: &SigningKey,
        credentials: &Credentials,
    ) -> Result<bool, AuthError> {
        let token = match self.place() {
            Place::Header => header_token(head)?.unwrap_or_default().into(),
            Place::Query => query_token(head)?,
        };
        let canonical = |head: &Head<'_>, form| canonical_request(head, form, names, &token);
        let signed = |canonical: &[u8]| key.has_signed_request(canonical, &self.signature);
        let usual = canonical(head, PathForm::Encoded);
        if signed(&usual) || signed(&canonical(head, PathForm::AsSent)) {
            return Ok(false);
        }
        // To form decoders a plus is a space, and so it is to some signers.
        if let Some(query) = head.query.filter(|query| query.contains('+')) {
            let query = query.replace('+', "%20");
            let spaced = Head { query: Some(&query), ..*head };
            if [PathForm::Encoded, PathForm::AsSent].iter().any(|&f| signed(&canonical(&spaced, f)))
            {
                return Ok(true);
            }
        }
        Err(AuthError::Mismatch(Box::new(Mismatch {
            access_key: credentials.access_key.clone(),
            signature: self.signature.to_string(),
            string_to_sign: key.string_to_sign(&usual).into_bytes(),
            canonical_request: Some(usual),
        })))
    }
}

/// Credential, SignedHeaders and Signature, each once, in any order, with commas between.
fn parts_of(text: &str) -> Result<[&str; 3], Fault> {
    let mut parts = [None; 3];
    for part in text.split(',') {
        let (name, value) = part.trim_matches(' ').split_once('=').ok_or(Fault::Parts)?;
        let at = match name {
            "Credential" => 0,
            "SignedHeaders" => 1,
            "Signature" => 2,
            _ => return Err(Fault::Parts),
        };
        if parts[at].replace(value).is_some() {
            return Err(Fault::Parts);
        }
    }
    match parts {
        [Some(credential), Some(signed), Some(signature)] => Ok([credential, signed, signature]),
        _ => Err(Fault::Parts),
    }
}

fn signed_headers(text: &str) -> Result<String, Fault> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase() && b != b',')
    };
    let ascending = text.split(';').zip(text.split(';').skip(1)).all(|(one, next)| one < next);
    match ascending && text.split(';').all(is_name) {
        true => Ok(text.to_owned()),
        false => Err(Fault::SignedHeaders),
    }
}

fn scope(credential: &Credential<'_>, stamp: Stamp) -> Result<Scope, Fault> {
    match credential.day == stamp.day() {
        true => Ok(Scope { stamp, region: credential.region.to_owned() }),
        false => Err(Fault::Day {
            credential: credential.day.to_owned(),
            request: stamp.day().to_owned(),
        }),
    }
}

fn lifetime(text: &str) -> Result<u32, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.parse()) {
        (false, _) | (true, Ok(0)) => Err(Fault::Expires),
        (true, Ok(life)) if life <= MAX_EXPIRES_S => Ok(life),
        (true, Ok(_) | Err(_)) => Err(Fault::ExpiresTooLong),
    }
}

/// The payload token of a head that is signed in the header.
fn header_token<'a>(head: &Head<'a>) -> Result<Option<&'a str>, AuthError> {
    only_header(head, CONTENT_SHA256).map_err(|Twice| AuthError::PayloadToken)
}

/// The payload token of a presigned query: that of the header, or of the query where a client put it
/// there, or else none.
pub(super) fn query_token<'a>(head: &Head<'a>) -> Result<Cow<'a, str>, AuthError> {
    let header = header_token(head)?;
    let mut keys = Keys::read(head.query, ["X-Amz-Content-Sha256"]);
    let query = keys.take(0);
    match (header, query) {
        _ if keys.twice => Err(AuthError::PayloadToken),
        (Some(header), Some(query)) if header != query => Err(AuthError::PayloadToken),
        (Some(header), _) => Ok(header.into()),
        (None, Some(query)) => Ok(query),
        (None, None) => Ok(UNSIGNED_PAYLOAD.into()),
    }
}
