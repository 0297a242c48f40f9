//! A request whose signature holds, signed anew for the store.
//!
//! Method, key and query stay the client's. The path goes out in the spelling that is signed: some
//! stores, like AWS, decode and encode a path before they verify it, others, like Garage, take it as it
//! stands, and a `+` is a space to some. The new signature stands where the old one stood: a presigned
//! query stays one, since stores take its `x-amz-*` keys for headers only then. SigV2 becomes SigV4.

use std::borrow::Cow;
use std::time::SystemTime;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue};
use http::uri::PathAndQuery;

use super::addressing;
use super::auth::{Credentials, KeyRing, Payload, Place, Proof, is_v2_key, is_v4_key};
use super::sigv4::{Scope, Seed, Signer, Stamp, canonical_path};
use super::{Head, Request};

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// How long a presigned query holds for the store, in seconds: it is used at once, but clocks differ.
const LIFE_S: u32 = super::auth::MAX_SKEW_S as u32;

/// How long a bucket's name may be to be part of a host name, by DNS.
const MAX_LABEL: usize = 63;

/// Where a store wants the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// First in the path.
    Path,
    /// Before the host. A bucket that is no single label in lower case stays in the path, as with
    /// SDKs: no certificate covers it.
    Virtual,
}

/// The store that a request is signed for.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// Its host, and its port where that isn't the scheme's own: what the Host header says.
    pub authority: &'a str,
    /// Where it wants the bucket.
    pub addressing: Addressing,
    /// Its region, such as `us-east-1`.
    pub region: &'a str,
    /// Who signs.
    pub credentials: &'a Credentials,
}

/// A head that is signed for the store. Its method is the client's.
#[derive(Clone, Debug)]
pub struct Resigned {
    /// The target.
    pub target: PathAndQuery,
    /// Every header, those that a proxy drops or changes as they came: none of them is signed.
    pub headers: HeaderMap,
    /// Where the chain begins, if the payload is [`Payload::SignedChunks`].
    pub seed: Seed,
}

/// Why a head can't be signed: the configuration names something that fits into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResignError {
    /// The host, the access key, the region or the session token has characters that a header can't.
    #[error("the {0} header can't say what the configuration names")]
    Header(&'static str),
    /// The target is none any more.
    #[error("the request's target has no place for the new signature")]
    Target,
}

/// Signs a head anew, from which `request` was classified and which `proof` is about.
///
/// `payload` is what is signed of the body as it will be sent: that of the proof, or another one where
/// the caller frames the body anew; the headers of the framing are the caller's then. `ring` keeps
/// derived keys.
///
/// # Errors
/// [`ResignError`].
pub fn resign(
    head: &Head<'_>,
    request: &Request,
    proof: &Proof,
    upstream: &Upstream<'_>,
    payload: Payload,
    now: SystemTime,
    ring: &KeyRing,
) -> Result<Resigned, ResignError> {
    let (host, path) = address(head.path, request, upstream.authority, upstream.addressing);
    let path = spelled_as_signed(&path, request);
    let stamp = Stamp::of(now);
    let scope = Scope { stamp: stamp.clone(), region: upstream.region.to_owned() };
    let key = ring.key(upstream.credentials, scope);
    let signer = Signer::with_key(&upstream.credentials.access_key, key.clone());
    let mut headers = without_signature(head.headers);
    headers.insert(HOST, value("host", &host)?);
    let mut query = query_without_signature(head.query, proof);
    let token = payload.token();
    let seed = match proof.place {
        Place::Header => {
            headers.insert(AMZ_DATE, value("x-amz-date", stamp.as_str())?);
            headers.insert(CONTENT_SHA256, value("x-amz-content-sha256", &token)?);
            if let Some(token) = &upstream.credentials.session_token {
                headers.insert(SECURITY_TOKEN, secret_value("x-amz-security-token", token)?);
            }
            let signed = signed_names(&headers);
            let head = Head { path: &path, query: query.as_deref(), headers: &headers, ..*head };
            let authorization = signer.authorize(&head, &signed, &token);
            let header = secret_value("authorization", &authorization.value)?;
            headers.insert(AUTHORIZATION, header);
            authorization.seed
        }
        Place::Query => {
            // Presigned queries need the header only where something is signed of the body.
            if payload != Payload::Unsigned {
                headers.insert(CONTENT_SHA256, value("x-amz-content-sha256", &token)?);
            }
            if let Some(token) = &upstream.credentials.session_token {
                push_pair(&mut query, "X-Amz-Security-Token", token);
            }
            let signed = signed_names(&headers);
            let head = Head { path: &path, query: query.as_deref(), headers: &headers, ..*head };
            let presigned = signer.presign_payload(&head, &signed, LIFE_S, &token);
            query = Some(presigned.query);
            presigned.seed
        }
    };
    let target = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let target = PathAndQuery::try_from(target).map_err(|_| ResignError::Target)?;
    Ok(Resigned { target, headers, seed: Seed { key, signature: seed } })
}

/// The target and the headers by which the store finds the same key, unsigned: of a request that
/// nobody signed.
///
/// # Errors
/// [`ResignError`].
pub fn readdress(
    head: &Head<'_>,
    request: &Request,
    authority: &str,
    addressing: Addressing,
) -> Result<(PathAndQuery, HeaderMap), ResignError> {
    let (host, path) = address(head.path, request, authority, addressing);
    let mut headers = head.headers.clone();
    headers.insert(HOST, value("host", &host)?);
    let target = head.query.map_or(path.clone(), |query| format!("{path}?{query}").into());
    let target = PathAndQuery::try_from(target.as_ref()).map_err(|_| ResignError::Target)?;
    Ok((target, headers))
}

/// The host and the path by which the store finds the same key.
fn address<'a>(
    path: &'a str,
    request: &Request,
    authority: &'a str,
    addressing: Addressing,
) -> (Cow<'a, str>, Cow<'a, str>) {
    let authority = Cow::Borrowed(authority);
    let Some(bucket) = &request.bucket else { return (authority, path.into()) };
    let in_host = addressing == Addressing::Virtual && is_label(bucket);
    match (request.bucket_in_host, in_host) {
        (true, true) => (format!("{bucket}.{authority}").into(), path.into()),
        (true, false) => (authority, format!("/{bucket}{path}").into()),
        (false, false) => (authority, path.into()),
        (false, true) => {
            let raw = addressing::split(path).bucket.unwrap_or_default();
            let below = path.get(1 + raw.len()..).filter(|below| !below.is_empty());
            (format!("{bucket}.{authority}").into(), below.unwrap_or("/").into())
        }
    }
}

/// The spelling in which a path is signed. One whose bucket has a slash, which only a read can, would
/// name another bucket then, and keeps its own.
fn spelled_as_signed(path: &str, request: &Request) -> String {
    match request.bucket.as_deref().is_some_and(|bucket| bucket.contains('/')) {
        true => path.to_owned(),
        false => canonical_path(path),
    }
}

/// A bucket that can stand in a host name, and under a certificate for `*.host`.
fn is_label(bucket: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_LABEL).contains(&bucket.len()) && bucket.bytes().all(plain)
}

/// The headers but those by which the client signed.
fn without_signature(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [AUTHORIZATION, DATE, AMZ_DATE, CONTENT_SHA256, SECURITY_TOKEN] {
        headers.remove(name);
    }
    headers
}

/// The query but the keys by which the client signed. A `+`, which is a plus to some and a space to
/// others, is spelled as what the client signed.
fn query_without_signature(query: Option<&str>, proof: &Proof) -> Option<String> {
    let signs = |name: &str| {
        is_v4_key(name)
            || name.eq_ignore_ascii_case("x-amz-content-sha256")
            || proof.is_v2 && proof.place == Place::Query && is_v2_key(name)
    };
    let plus = if proof.plus_is_space { "%20" } else { "%2B" };
    let kept: Vec<Cow<'_, str>> = query?
        .split('&')
        .filter(|pair| !signs(&addressing::decode(pair.split('=').next().unwrap_or_default())))
        .map(|pair| match pair.contains('+') {
            true => pair.replace('+', plus).into(),
            false => pair.into(),
        })
        .collect();
    if kept.is_empty() { None } else { Some(kept.join("&")) }
}

fn push_pair(query: &mut Option<String>, name: &str, value: &str) {
    let pairs = query.get_or_insert_default();
    if !pairs.is_empty() {
        pairs.push('&');
    }
    let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
    pairs.push_str(&format!("{name}={value}"));
}

/// The names that are signed, ascending: what proxies on the way neither drop nor change.
fn signed_names(headers: &HeaderMap) -> Vec<&str> {
    let signed = |name: &&HeaderName| {
        name.as_str().starts_with("x-amz-") || [HOST, CONTENT_TYPE, CONTENT_MD5].contains(name)
    };
    let mut names: Vec<&str> = headers.keys().filter(signed).map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

fn value(name: &'static str, text: &str) -> Result<HeaderValue, ResignError> {
    HeaderValue::from_str(text).map_err(|_| ResignError::Header(name))
}

/// A value that logs of requests leave out.
fn secret_value(name: &'static str, text: &str) -> Result<HeaderValue, ResignError> {
    let mut value = value(name, text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
