//! How the payload lies in the body.
//!
//! Stores choose the framing by `x-amz-content-sha256`, each under its own conditions. One reading
//! is made here; where a store could make another, the request is refused.

use crate::framing::ChunkedPlan;

use super::addressing::decode;
use super::headers::{Headers, Name};
use super::hygiene::{Delimited, Method, decimal};
use super::operation::contains;
use super::query::{Key, Query};
use super::refusal::Refusal;
use super::signature::SignatureKind;

/// How the payload lies in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyPlan {
    /// The body is the payload.
    Identity {
        /// In bytes, if declared; 0 where the head names no body.
        length: Option<u64>,
    },
    /// The payload is in aws-chunked framing.
    AwsChunked {
        /// What the decoder has to know.
        plan: ChunkedPlan,
        /// Of the framed body in bytes, if declared.
        encoded_length: Option<u64>,
    },
}

impl BodyPlan {
    /// Whether it is framed and does not say how long its payload is: then only its end can tell.
    pub const fn is_unbounded(&self) -> bool {
        self.is_framed() && self.payload_length().is_none()
    }

    /// The declared length of the payload in bytes.
    pub const fn payload_length(&self) -> Option<u64> {
        match self {
            BodyPlan::Identity { length } => *length,
            BodyPlan::AwsChunked { plan, .. } => plan.decoded_length,
        }
    }

    /// The declared length of the body on the wire in bytes, its own framing included, that of HTTP
    /// left out.
    pub const fn wire_length(&self) -> Option<u64> {
        match self {
            BodyPlan::Identity { length } => *length,
            BodyPlan::AwsChunked { encoded_length, .. } => *encoded_length,
        }
    }

    /// Whether the payload is framed within the body.
    pub const fn is_framed(&self) -> bool {
        match self {
            BodyPlan::Identity { .. } => false,
            BodyPlan::AwsChunked { .. } => true,
        }
    }
}

/// The framings of `x-amz-content-sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Identity,
    Chunked { signed: bool, trailer: bool },
}

/// The one reading of the body.
pub(super) fn plan(
    method: Method,
    delimited: Delimited,
    headers: &Headers,
    query: &Query,
    signature: SignatureKind,
) -> Result<BodyPlan, Refusal> {
    let length = delimited.length();
    if !method.writes() {
        return Ok(BodyPlan::Identity { length });
    }
    match framing(headers, query)? {
        Framing::Identity => identity(length, headers, query),
        Framing::Chunked { .. } if method != Method::Put => Err(Refusal::StreamingPost),
        Framing::Chunked { .. } if signature.is_v2() => Err(Refusal::StreamingV2),
        Framing::Chunked { signed, trailer } => {
            let decoded_length = decoded_length(headers, query)?;
            let plan = ChunkedPlan { signed, trailer, decoded_length };
            Ok(BodyPlan::AwsChunked { plan, encoded_length: length })
        }
    }
}

fn framing(headers: &Headers, query: &Query) -> Result<Framing, Refusal> {
    let token = headers.get(Name::ContentSha256);
    let framing = token.map_or(Ok(Framing::Identity), parse)?;
    // Garage copies the query's x-amz-* keys over the headers, other stores don't.
    if let Some(value) = query.get(Key::ContentSha256) {
        let value = decode(value);
        let streams = framing != Framing::Identity || is_streaming(value.as_bytes());
        if streams && token != Some(value.as_bytes()) {
            return Err(Refusal::StreamingQuery);
        }
    }
    Ok(framing)
}

fn parse(token: &[u8]) -> Result<Framing, Refusal> {
    let chunked = |signed, trailer| Ok(Framing::Chunked { signed, trailer });
    match token {
        b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" => chunked(false, true),
        b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => chunked(true, false),
        b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => chunked(true, true),
        b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
        | b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => Err(Refusal::StreamingV4a),
        _ if is_streaming(token) => Err(Refusal::StreamingUnknown),
        _ => Ok(Framing::Identity),
    }
}

/// Any spelling that a store might take for a framing.
fn is_streaming(token: &[u8]) -> bool {
    contains(token, b"streaming")
}

fn identity(length: Option<u64>, headers: &Headers, query: &Query) -> Result<BodyPlan, Refusal> {
    let coding = headers.get(Name::ContentEncoding);
    if coding.is_some_and(|c| contains(c, b"aws-chunked")) {
        return Err(Refusal::AwsChunkedAlone);
    }
    if headers.has(Name::DecodedLength) || query.has(Key::DecodedLength) {
        return Err(Refusal::DecodedLengthAlone);
    }
    Ok(BodyPlan::Identity { length })
}

fn decoded_length(headers: &Headers, query: &Query) -> Result<Option<u64>, Refusal> {
    let header = headers.get(Name::DecodedLength);
    if query.get(Key::DecodedLength).is_some_and(|q| Some(q.as_bytes()) != header) {
        return Err(Refusal::DecodedLengthAlone);
    }
    header.map(|digits| plain_length(digits).ok_or(Refusal::DecodedLength)).transpose()
}

/// No leading zeros, which are octal to some, and no more than the signed 64 bits of most stores.
fn plain_length(digits: &[u8]) -> Option<u64> {
    let padded = digits.len() > 1 && digits[0] == b'0';
    decimal(digits).filter(|&length| !padded && i64::try_from(length).is_ok())
}
