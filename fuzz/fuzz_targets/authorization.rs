//! No Authorization header makes the reader panic; what is read, written again and read once more claims
//! the same; and what a client signs, whatever it signs, is verified.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use s3bouncer::s3::auth::{Claims, Credentials, KeyRing, Secret, check_claims};
use s3bouncer::s3::sigv4::{Scope, Signer, Stamp};
use s3bouncer::s3::{Head, classify};
use s3bouncer_fuzz::expand;

#[derive(Arbitrary, Debug)]
struct Input {
    authorization: Vec<u8>,
    date: Option<Vec<u8>>,
    token: u8,
    path: String,
    query: Option<String>,
    value: Vec<u8>,
}

/// The words that no fuzzer guesses, each for one byte of a header.
const WORDS: [&str; 12] = [
    "AWS4-HMAC-SHA256 ",
    "Credential=AKID/20130524/us-east-1/s3/aws4_request",
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date",
    "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ",Signature=",
    "/20130524/",
    "/s3/aws4_request",
    "AWS AKID:",
    "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
    "20130524T000000Z",
    "Fri, 24 May 2013 00:00:00 GMT",
    "AWS4-ECDSA-P256-SHA256 ",
];

const TOKENS: [&str; 4] = [
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

fuzz_target!(|input: Input| {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store"));
    let token = TOKENS[usize::from(input.token) % TOKENS.len()];
    headers.insert("x-amz-content-sha256", HeaderValue::from_static(token));
    let date = input.date.as_deref().map_or_else(|| WORDS[9].to_owned(), |date| expand(date, &WORDS));
    let values = [("authorization", expand(&input.authorization, &WORDS)), ("x-amz-date", date)];
    for (name, value) in values {
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return };
        headers.insert(name, value);
    }
    let (path, query) = (format!("/{}", input.path), input.query.as_deref());
    check_claims(&Head { method: "PUT", path: &path, query, headers: &headers, origin_form: true });
    verify(&path, query, token, &input.value);
});

fn verify(path: &str, query: Option<&str>, token: &'static str, value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let Some(stamp) = Stamp::parse(WORDS[9]) else { unreachable!("a stamp") };
    let now = stamp.moment().expect("a moment");
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store"));
    headers.insert("x-amz-content-sha256", HeaderValue::from_static(token));
    headers.insert("x-amz-date", HeaderValue::from_static(WORDS[9]));
    headers.insert("x-amz-meta-a", value);
    let signer = Signer::new("AKID", "secret", Scope { stamp, region: "here".to_owned() });
    let head = Head { method: "PUT", path, query, headers: &headers, origin_form: true };
    let names = ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-meta-a"];
    let authorization = signer.authorize(&head, &names, token).value;
    let mut headers = headers.clone();
    headers.insert("authorization", authorization.parse().expect("a header"));
    let head = Head { headers: &headers, ..head };
    let Ok(request) = classify(&head) else { return };
    let Ok(Some(claims)) = Claims::of(&head, &request) else { return };
    let secret = Secret::new("secret");
    let session_token = claims.session_token().map(str::to_owned);
    let credentials = Credentials { access_key: "AKID".to_owned(), secret, session_token };
    let proof = claims.verify(&head, &credentials, Some("here"), now, &KeyRing::new(0));
    assert_eq!(proof.expect("a proof").payload.token(), token);
}
