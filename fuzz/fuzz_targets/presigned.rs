//! No query makes the reader panic; what is read, written again and read once more claims the same; and
//! what a client signs, whatever it signs, is verified, signed anew, and verified by the store.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderValue, Uri};
use libfuzzer_sys::fuzz_target;
use s3bouncer::s3::auth::{Claims, Credentials, KeyRing, Proof, Secret, check_claims};
use s3bouncer::s3::resign::{Addressing, Upstream, resign};
use s3bouncer::s3::sigv4::{Scope, Signer, Stamp};
use s3bouncer::s3::{Head, Request, classify};
use s3bouncer_fuzz::expand;

#[derive(Arbitrary, Debug)]
struct Input {
    target: Vec<u8>,
    signed: bool,
}

const STAMP: &str = "20130524T000000Z";

/// The words that no fuzzer guesses, each for one byte of a target.
const WORDS: [&str; 16] = [
    "&X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "&X-Amz-Credential=AKID/20130524/us-east-1/s3/aws4_request",
    "&X-Amz-Date=20130524T000000Z",
    "&X-Amz-Expires=",
    "&X-Amz-SignedHeaders=host",
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    "&X-Amz-Security-Token=",
    "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
    "&AWSAccessKeyId=AKID",
    "&Signature=qgk2%2B6Sv9/oM7G3qLEjTH1a1l1g=",
    "&Expires=1175139620",
    "/bucket/",
    "%2F",
    "?",
    "&x-amz-acl=",
    "%",
];

fuzz_target!(|input: Input| {
    let Ok(uri) = format!("/{}", expand(&input.target, &WORDS)).parse::<Uri>() else { return };
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store"));
    let (path, query) = (uri.path(), uri.query());
    let head = Head { method: "GET", path, query, headers: &headers, origin_form: true };
    match input.signed {
        false => check_claims(&head),
        true => verify(&head),
    }
});

fn verify(head: &Head<'_>) {
    let Some(stamp) = Stamp::parse(STAMP) else { unreachable!("a stamp") };
    let signer = Signer::new("AKID", "secret", Scope { stamp, region: "here".to_owned() });
    let query = signer.presign(head, &["host"], 60);
    let head = Head { query: Some(&query), ..*head };
    let Some((request, proof)) = proof(&head, "AKID", "here") else { return };
    let identity = credentials("GATE", None);
    let upstream = Upstream {
        authority: "other",
        addressing: Addressing::Path,
        region: "there",
        credentials: &identity,
    };
    let now = Stamp::parse(STAMP).and_then(|stamp| stamp.moment()).expect("a moment");
    let ring = KeyRing::new(1);
    let anew = resign(&head, &request, &proof, &upstream, proof.payload, now, &ring);
    let anew = anew.expect("a signed head");
    let (path, query) = (anew.target.path(), anew.target.query());
    let there = Head { path, query, headers: &anew.headers, ..head };
    let (other, _) = self::proof(&there, "GATE", "there").expect("signed for the store");
    assert_eq!((request.operation, request.bucket), (other.operation, other.bucket));
    assert_eq!(request.key, other.key);
}

/// What verifies, once it is a request with one signature.
fn proof(head: &Head<'_>, access_key: &str, region: &str) -> Option<(Request, Proof)> {
    let request = classify(head).ok()?;
    let claims = Claims::of(head, &request).ok()??;
    let credentials = credentials(access_key, claims.session_token());
    let now = Stamp::parse(STAMP).and_then(|stamp| stamp.moment())?;
    let proof = claims.verify(head, &credentials, Some(region), now, &KeyRing::new(0));
    Some((request, proof.expect("a proof")))
}

fn credentials(access_key: &str, session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key: access_key.to_owned(),
        secret: Secret::new("secret"),
        session_token: session_token.map(str::to_owned),
    }
}
