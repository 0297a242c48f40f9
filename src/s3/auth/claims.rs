//! What a head says about its signer, and what is proven of it.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::AUTHORIZATION;

use super::super::sigv4::{ALGORITHM, Seed};
use super::super::{Head, Request};
use super::MAX_SKEW_S;
use super::date;
use super::error::AuthError;
use super::key_ring::KeyRing;
use super::malformed::Place;
use super::payload::Payload;
use super::query::{Keys, pairs};
use super::secret::Credentials;
use super::v2::V2;
use super::v4::V4;

const V4A_ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";
const TOKEN_HEADER: &str = "x-amz-security-token";
const TOKEN_KEY: &str = "X-Amz-Security-Token";

/// What a signed head says about its signer. Nothing of it is true before [`Claims::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    pub(super) access_key: String,
    pub(super) token: Option<String>,
    pub(super) version: Version,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Version {
    V4(V4),
    V2(V2),
}

/// A request whose signature holds.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Who signed.
    pub access_key: String,
    /// What is signed of the body; with SigV2, nothing. A digest is for the caller to compare.
    pub payload: Payload,
    /// Where the chain of chunk signatures begins, if chunks are signed.
    pub chunks: Option<Seed>,
    /// Where the signature stands.
    pub(in super::super) place: Place,
    /// Whether it is SigV2.
    pub(in super::super) is_v2: bool,
    /// Whether a `+` in the query means a space to whoever signed.
    pub(in super::super) plus_is_space: bool,
}

impl Claims {
    /// Reads the signature of a head, which `request` was [classified](super::super::classify) from;
    /// none if it is not signed.
    ///
    /// # Errors
    /// It is signed in a way that can't be verified, whatever the secret.
    pub fn of(head: &Head<'_>, request: &Request) -> Result<Option<Claims>, AuthError> {
        let (in_v4_query, in_v2_query) = signed_in_query(head);
        let mut headers = head.headers.get_all(AUTHORIZATION).iter();
        let header = headers.next();
        let (access_key, version) = match (header, in_v4_query, in_v2_query) {
            (None, false, false) => return Ok(None),
            (Some(value), false, false) if headers.next().is_none() => {
                in_header(head, request, value.to_str().map_err(|_| AuthError::Scheme)?)?
            }
            (None, true, false) => {
                let (access_key, v4) = V4::in_query(head)?;
                (access_key, Version::V4(v4))
            }
            (None, false, true) => {
                let (access_key, v2) = V2::in_query(head, host_bucket(request))?;
                (access_key, Version::V2(v2))
            }
            (Some(_), _, _) | (None, true, true) => return Err(AuthError::TwoSignatures),
        };
        Ok(Some(Claims { access_key, token: token(head)?, version }))
    }

    /// Who signed, as the head says. Not empty, printable ASCII.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The session token, as it came.
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Verifies the signature of `head`, from which these claims are, with the credentials of
    /// [`access_key`](Self::access_key).
    ///
    /// `region` is the one that SigV4 has to be signed for, if it matters. `ring` keeps derived keys.
    ///
    /// # Errors
    /// Any of [`AuthError`]; the region and the time are looked at before the signature, the token
    /// after it.
    pub fn verify(
        &self,
        head: &Head<'_>,
        credentials: &Credentials,
        region: Option<&str>,
        now: SystemTime,
        ring: &KeyRing,
    ) -> Result<Proof, AuthError> {
        if credentials.access_key != self.access_key {
            return Err(AuthError::UnknownKey { access_key: self.access_key.clone() });
        }
        let proof = match &self.version {
            Version::V4(v4) => v4.verify(head, credentials, region, now, ring)?,
            Version::V2(v2) => v2.verify(head, credentials, now)?,
        };
        match credentials.has_token(self.session_token()) {
            true => Ok(proof),
            false => Err(AuthError::Token),
        }
    }
}

impl fmt::Debug for Claims {
    /// Without signature and token, which are good for more than reading.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

fn in_header(
    head: &Head<'_>,
    request: &Request,
    value: &str,
) -> Result<(String, Version), AuthError> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    match scheme {
        ALGORITHM => {
            let (access_key, v4) = V4::in_header(head, rest)?;
            Ok((access_key, Version::V4(v4)))
        }
        V4A_ALGORITHM => Err(AuthError::V4a),
        "AWS" => {
            let (access_key, v2) = V2::in_header(head, rest, host_bucket(request))?;
            Ok((access_key, Version::V2(v2)))
        }
        _ => Err(AuthError::Scheme),
    }
}

/// Whether the query is signed with SigV4, and whether with SigV2; any of the keys that name the signer
/// or the signature tell.
fn signed_in_query(head: &Head<'_>) -> (bool, bool) {
    let mut found = (false, false);
    for (name, _) in pairs(head.query) {
        let is = |key: &str| key.eq_ignore_ascii_case(&name);
        found.0 |= is("X-Amz-Algorithm") || is("X-Amz-Credential") || is("X-Amz-Signature");
        found.1 |= is("AWSAccessKeyId") || name == "Signature";
    }
    found
}

fn host_bucket(request: &Request) -> Option<&str> {
    request.bucket.as_deref().filter(|_| request.bucket_in_host)
}

/// The session token of header or query, wherever the signature is.
fn token(head: &Head<'_>) -> Result<Option<String>, AuthError> {
    let header = only_header(head, TOKEN_HEADER).map_err(|Twice| AuthError::Token)?;
    let keys = Keys::read(head.query, [TOKEN_KEY]);
    match (header, keys.get(0)) {
        _ if keys.twice => Err(AuthError::Token),
        (Some(header), Some(key)) if header != key => Err(AuthError::Token),
        (header, key) => Ok(header.or(key).map(str::to_owned)),
    }
}

/// A header that came twice, or whose value is no text.
pub(super) struct Twice;

/// The one value of a header, if it came.
pub(super) fn only_header<'a>(head: &Head<'a>, name: &str) -> Result<Option<&'a str>, Twice> {
    let mut values = head.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Twice),
        (Some(_), Some(_)) => Err(Twice),
    }
}

/// The moment that a head signed in its headers names: `x-amz-date`, or else `Date`.
pub(super) fn moment(head: &Head<'_>) -> Result<SystemTime, AuthError> {
    let value = match only_header(head, "x-amz-date").map_err(|Twice| AuthError::Date)? {
        Some(value) => Some(value),
        None => only_header(head, "date").map_err(|Twice| AuthError::Date)?,
    };
    value.and_then(date::parse).ok_or(AuthError::Date)
}

/// # Errors
/// [`AuthError::Skewed`]: `signed` is more than [`MAX_SKEW_S`] away from now.
pub(super) fn check_skew(signed: SystemTime, now: SystemTime) -> Result<(), AuthError> {
    match date::distance(signed, now) <= Duration::from_secs(MAX_SKEW_S) {
        true => Ok(()),
        false => Err(AuthError::Skewed { signed }),
    }
}
