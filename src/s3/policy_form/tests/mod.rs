mod claims;
mod conditions;
mod grammar;
mod published;
mod random;
mod stage;

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::*;
use crate::framing::{Boundary, FormError};
use crate::s3::auth::{Credentials, Secret};
use crate::s3::sigv4::{Scope, SigningKey, Stamp};

/// The secret of all examples of AWS.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const CREDENTIAL_VALUE: &str = "AKIAIOSFODNN7EXAMPLE/20260314/us-east-1/s3/aws4_request";
const STAMP: &str = "20260314T150926Z";

fn credentials(access_key: &str, secret: &str, token: Option<&str>) -> Credentials {
    let session_token = token.map(str::to_owned);
    Credentials { access_key: access_key.to_owned(), secret: Secret::new(secret), session_token }
}

/// The client of all forms made here.
fn client() -> Credentials {
    credentials(ACCESS_KEY, SECRET, None)
}

/// The gate's own.
fn identity() -> Credentials {
    credentials("GATE", "the gate's own secret", None)
}

fn moment(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn terms() -> FormTerms {
    FormTerms {
        bucket: "photos".to_owned(),
        region: Some("us-east-1".to_owned()),
        now: moment("2026-03-14T15:10:00Z"),
    }
}

/// Where and when the gate signs.
fn scope(stamp: &str, region: &str) -> Scope {
    Scope { stamp: Stamp::parse(stamp).unwrap(), region: region.to_owned() }
}

fn store_scope() -> Scope {
    scope("20260315T000000Z", "garage")
}

fn boundary(text: &str) -> Boundary {
    let value = format!("multipart/form-data; boundary=\"{text}\"");
    Boundary::from_content_type(value.as_bytes()).unwrap()
}

/// A form with the boundary `B`, these fields, and a file behind them.
fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut form = String::new();
    for (name, value) in fields {
        form +=
            &format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    form +=
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\me\\cat.jpg\"\r\n";
    form += "Content-Type: image/jpeg\r\n\r\nthe file\r\n--\r\n--B--\r\n";
    form.into_bytes()
}

/// The conditions that every policy signed here has, as JSON, and others behind them.
fn policy(conditions: &str) -> String {
    format!(
        "{{\"expiration\": \"2026-03-14T16:00:00Z\", \"conditions\": [\
         {{\"bucket\": \"photos\"}}, [\"starts-with\", \"$key\", \"user/\"], \
         {{\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"}}, \
         {{\"x-amz-credential\": \"{CREDENTIAL_VALUE}\"}}, {{\"x-amz-date\": \"{STAMP}\"}}{conditions}]}}"
    )
}

/// Fields with a policy in SigV4, signed by the client.
fn signed<'a>(fields: &[(&'a str, &'a str)], policy: &str) -> Vec<(&'a str, String)> {
    let policy = STANDARD.encode(policy);
    let key = SigningKey::derive(SECRET, scope(STAMP, "us-east-1"));
    let signature = key.sign_policy(policy.as_bytes()).to_string();
    let own = |&(name, value): &(&'a str, &str)| (name, value.to_owned());
    let signer = [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", CREDENTIAL_VALUE),
        ("X-Amz-Date", STAMP),
    ];
    let fields = fields.iter().map(own).chain(signer.iter().map(own));
    fields.chain([("policy", policy), ("x-amz-signature", signature)]).collect()
}

/// The same as a whole form.
fn signed_form(fields: &[(&str, &str)], policy: &str) -> Vec<u8> {
    let fields = signed(fields, policy);
    form(&fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
}

/// What a stage makes of a form, and by how much it says that the form has grown.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    out: Vec<u8>,
    grown: Option<i64>,
    policy: Option<Policy>,
    end: Result<(), PolicyError>,
}

/// Runs a form whose boundary is `B` in these pieces; `client` signed it, `identity` signs it anew.
fn run(
    terms: &FormTerms,
    client: &Credentials,
    identity: &Credentials,
    pieces: &[&[u8]],
) -> Outcome {
    let mut asked = 0;
    let lookup = |claims: &FormClaims| {
        asked += 1;
        assert_eq!(asked, 1, "a second look-up");
        match claims.access_key() == client.access_key {
            true => Ok(FormKeys { client: client.clone(), identity: identity.clone() }),
            false => Err(PolicyError::UnknownAccessKey),
        }
    };
    let mut stage = SealedForm::new(&boundary("B"), terms.clone(), store_scope(), lookup);
    let mut out = Vec::new();
    let mut emit = |bytes: Bytes| out.extend_from_slice(&bytes);
    let end = pieces
        .iter()
        .try_for_each(|piece| stage.push(Bytes::copy_from_slice(piece), &mut emit))
        .and_then(|()| stage.finish());
    if end.is_err() {
        assert_eq!(stage.finish(), end);
        assert!(out.is_empty(), "bytes of a form that is refused");
    }
    let (grown, policy) = (stage.grown(), stage.policy().cloned());
    Outcome { out, grown, policy, end }
}

/// Runs a form whole, cut in two everywhere, and byte by byte.
#[track_caller]
fn every_way(terms: &FormTerms, client: &Credentials, form: &[u8]) -> Outcome {
    let whole = run(terms, client, &identity(), &[form]);
    for at in 0..=form.len() {
        let (a, b) = form.split_at(at);
        assert_eq!(run(terms, client, &identity(), &[a, b]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = form.chunks(1).collect();
    assert_eq!(run(terms, client, &identity(), &bytes), whole, "byte by byte");
    whole
}

/// What becomes of a form in one piece.
fn end_of(form: &[u8]) -> Result<(), PolicyError> {
    run(&terms(), &client(), &identity(), &[form]).end
}
