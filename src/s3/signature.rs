//! Who signed a request, and how. Nothing is verified here: the store does that, or [`auth`].
//!
//! [`auth`]: super::auth

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr_iter};

use super::addressing::decode;
use super::headers::{Headers, Name};
use super::query::{Key, Query};
use super::refusal::Refusal;

/// Longest access key in bytes that is recorded; AWS allows 128. A longer one is cut.
pub const MAX_ACCESS_KEY: usize = 256;

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// Not at all, in a way that is read here.
    Anonymous,
    /// SigV2 in the Authorization header.
    V2Header,
    /// SigV2 in the query.
    V2Query,
    /// SigV4 in the Authorization header.
    V4Header,
    /// SigV4 in the query.
    V4Query,
    /// SigV4A in the Authorization header.
    V4aHeader,
    /// SigV4A in the query.
    V4aQuery,
    /// An Authorization header of another scheme.
    Other,
}

impl SignatureKind {
    /// The word in audit records.
    pub const fn name(self) -> &'static str {
        match self {
            SignatureKind::Anonymous => "anonymous",
            SignatureKind::V2Header => "v2-header",
            SignatureKind::V2Query => "v2-query",
            SignatureKind::V4Header => "v4-header",
            SignatureKind::V4Query => "v4-query",
            SignatureKind::V4aHeader => "v4a-header",
            SignatureKind::V4aQuery => "v4a-query",
            SignatureKind::Other => "other",
        }
    }

    /// Whether it is SigV2, with which no store decodes chunks.
    pub const fn is_v2(self) -> bool {
        match self {
            SignatureKind::V2Header | SignatureKind::V2Query => true,
            SignatureKind::Anonymous
            | SignatureKind::V4Header
            | SignatureKind::V4Query
            | SignatureKind::V4aHeader
            | SignatureKind::V4aQuery
            | SignatureKind::Other => false,
        }
    }
}

/// Who signed, as the head claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) kind: SignatureKind,
    pub(super) access_key: Option<String>,
}

/// Reads the signer. The header goes before the query, SigV4 before SigV2.
pub(super) fn signer(headers: &Headers, query: &Query) -> Signer {
    if let Some(value) = headers.get(Name::Authorization) {
        return in_header(value);
    }
    if let Some(kind) = v4_query(query) {
        let credential = query.get(Key::Credential).map(decode);
        let access_key = credential.and_then(|c| recorded(of_credential(&c)));
        return Signer { kind, access_key };
    }
    match query.get(Key::AwsAccessKeyId) {
        Some(key) => Signer { kind: SignatureKind::V2Query, access_key: recorded(&decode(key)) },
        None => Signer { kind: SignatureKind::Anonymous, access_key: None },
    }
}

/// Stores disagree about which of two signatures counts, and with it about framing and principal.
pub(super) fn check_write(headers: &Headers, query: &Query) -> Result<(), Refusal> {
    let header = headers.get(Name::Authorization).map_or(SignatureKind::Anonymous, kind_of);
    let by_header = match header {
        SignatureKind::Anonymous | SignatureKind::Other => false,
        SignatureKind::V2Header
        | SignatureKind::V2Query
        | SignatureKind::V4Header
        | SignatureKind::V4Query
        | SignatureKind::V4aHeader
        | SignatureKind::V4aQuery => true,
    };
    let signed = [by_header, v4_query(query).is_some(), query.has(Key::AwsAccessKeyId)];
    match signed.into_iter().filter(|&s| s).count() {
        0 | 1 => Ok(()),
        _ => Err(Refusal::TwoSignatures),
    }
}

fn in_header(value: &[u8]) -> Signer {
    let kind = kind_of(value);
    let access_key = match credential(value) {
        Some(rest) => {
            let end = memchr(b',', rest).unwrap_or(rest.len());
            recorded(of_credential(text(&rest[..end]).trim()))
        }
        None if kind.is_v2() => {
            let rest = text(value.get(3..).unwrap_or_default());
            rest.trim().split(':').next().and_then(recorded)
        }
        None => None,
    };
    Signer { kind, access_key }
}

/// What follows the first `Credential=`: in what SDKs send, the first thing behind the scheme.
fn credential(authorization: &[u8]) -> Option<&[u8]> {
    const CREDENTIAL: &[u8] = b"Credential=";
    let behind = |at: usize| &authorization[at + CREDENTIAL.len()..];
    authorization
        .strip_prefix(b"AWS4-HMAC-SHA256 Credential=")
        .or_else(|| memmem::find(authorization, CREDENTIAL).map(behind))
}

/// Several times as fast as the lossy reading alone, which is for what no SDK sends.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::from)
}

fn kind_of(authorization: &[u8]) -> SignatureKind {
    let starts = |scheme: &str| {
        authorization.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    if starts("AWS4-HMAC-SHA256") {
        SignatureKind::V4Header
    } else if starts("AWS4-ECDSA-P256-SHA256") {
        SignatureKind::V4aHeader
    } else if starts("AWS") {
        // MinIO takes all that starts so for SigV2.
        SignatureKind::V2Header
    } else {
        SignatureKind::Other
    }
}

fn v4_query(query: &Query) -> Option<SignatureKind> {
    let keys = [Key::Algorithm, Key::Credential, Key::Signature];
    if !keys.into_iter().any(|key| query.has(key)) {
        return None;
    }
    let algorithm = query.get(Key::Algorithm).unwrap_or_default();
    Some(match algorithm.eq_ignore_ascii_case("AWS4-ECDSA-P256-SHA256") {
        true => SignatureKind::V4aQuery,
        false => SignatureKind::V4Query,
    })
}

/// The access key of `key/date/region/service/aws4_request`; the key itself may hold slashes. A
/// SigV4A scope has no region.
fn of_credential(credential: &str) -> &str {
    let tails = memrchr_iter(b'/', credential.as_bytes());
    let scope_start = tails.take(4).last().unwrap_or(credential.len());
    &credential[..scope_start]
}

fn recorded(key: &str) -> Option<String> {
    let mut end = key.len().min(MAX_ACCESS_KEY);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    Some(&key[..end]).filter(|k| !k.is_empty()).map(str::to_owned)
}
