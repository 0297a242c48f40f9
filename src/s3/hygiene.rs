//! HTTP hygiene: shapes by which two servers on one path could come to disagree about where a
//! request ends or whom it is for.

use super::classify::Head;
use super::headers::{Headers, Name};
use super::refusal::Refusal;

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Options,
    Put,
    Post,
    Delete,
    /// Another, or one of these in another spelling: some stores route `put` like `PUT`, some don't.
    Other,
}

impl Method {
    /// # Errors
    /// A method that asks for a tunnel or an echo.
    pub(super) fn parse(method: &str) -> Result<Method, Refusal> {
        Ok(match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "OPTIONS" => Method::Options,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ if method.eq_ignore_ascii_case("CONNECT") => return Err(Refusal::Tunnel),
            _ if method.eq_ignore_ascii_case("TRACE") => return Err(Refusal::Tunnel),
            _ => Method::Other,
        })
    }

    /// Whether it may bring bytes.
    pub(super) fn writes(self) -> bool {
        match self {
            Method::Put | Method::Post | Method::Other => true,
            Method::Get | Method::Head | Method::Options | Method::Delete => false,
        }
    }
}

/// How HTTP delimits the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimited {
    /// By its length in bytes; 0 where the head names no body at all.
    Length(u64),
    /// By HTTP chunks.
    Chunks,
}

impl Delimited {
    /// The length in bytes, if declared.
    pub(super) fn length(self) -> Option<u64> {
        match self {
            Delimited::Length(length) => Some(length),
            Delimited::Chunks => None,
        }
    }
}

/// Checks what holds for every request, reads and writes, and says how its body is delimited.
pub(super) fn check(head: &Head, method: Method, headers: &Headers) -> Result<Delimited, Refusal> {
    if !head.origin_form || !head.path.starts_with('/') {
        return Err(Refusal::Target);
    }
    if headers.get(Name::Host).is_none_or(<[u8]>::is_empty) {
        return Err(Refusal::HostMissing);
    }
    expectation(headers)?;
    let body = delimiter(headers)?;
    match body == Delimited::Length(0) || method.writes() {
        true => Ok(body),
        false => Err(Refusal::BodyOnRead),
    }
}

fn expectation(headers: &Headers) -> Result<(), Refusal> {
    match headers.get(Name::Expect) {
        Some(value) if !value.eq_ignore_ascii_case(b"100-continue") => Err(Refusal::Expectation),
        Some(_) | None => Ok(()),
    }
}

fn delimiter(headers: &Headers) -> Result<Delimited, Refusal> {
    match (headers.get(Name::ContentLength), headers.get(Name::TransferEncoding)) {
        (Some(_), Some(_)) => Err(Refusal::LengthAndEncoding),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Delimited::Chunks),
        (None, Some(_)) => Err(Refusal::TransferEncoding),
        (Some(length), None) => {
            decimal(length).map(Delimited::Length).ok_or(Refusal::ContentLength)
        }
        (None, None) => Ok(Delimited::Length(0)),
    }
}

/// Digits only, within a u64.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    let value = |digit: u8| digit.is_ascii_digit().then(|| u64::from(digit - b'0'));
    let longer = |number: u64, &digit: &u8| number.checked_mul(10)?.checked_add(value(digit)?);
    digits.first()?;
    digits.iter().try_fold(0, longer)
}
