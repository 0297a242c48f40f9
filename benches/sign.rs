//! What it costs to know who a request is from, and to sign it anew.
//!
//! `cargo bench --bench sign` takes the head of a PUT as boto3 sends it, verifies it and signs it for the
//! store, with the keys kept and with keys derived each time, beside reading the head at all, and
//! beside a naive twin of the same computation: text put together, hashed and sealed, for both sides.

use std::hint::black_box;
use std::time::SystemTime;

use criterion::Criterion;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use s3bouncer::s3::auth::{Claims, Credentials, KeyRing, Secret};
use s3bouncer::s3::resign::{Addressing, Resigned, Upstream, resign};
use s3bouncer::s3::sigv4::{Scope, Signer, Stamp};
use s3bouncer::s3::{Head, classify};
use sha2::{Digest as _, Sha256};

const PATH: &str = "/photos/2026/11/IMG_20261126_080000.jpg";
const STAMP: &str = "20261126T080000Z";
/// SHA-256 of 1 KiB of zeros.
const DIGEST: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const HEADERS: [(&str, &str); 12] = [
    ("host", "gate.example.org"),
    ("accept-encoding", "identity"),
    ("user-agent", "Boto3/1.44.8 md/Botocore#1.44.8 ua/2.1 os/linux#6.1 md/arch#x86_64"),
    ("content-type", "image/jpeg"),
    ("content-length", "1024"),
    ("expect", "100-continue"),
    ("amz-sdk-invocation-id", "5ddee816-3ead-4ef3-be42-750436446d4f"),
    ("amz-sdk-request", "attempt=1"),
    ("x-amz-checksum-crc32", "y/tR0g=="),
    ("x-amz-sdk-checksum-algorithm", "CRC32"),
    ("x-amz-content-sha256", DIGEST),
    ("x-amz-date", STAMP),
];
const SIGNED: [&str; 6] = [
    "content-type",
    "host",
    "x-amz-checksum-crc32",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-sdk-checksum-algorithm",
];

fn credentials(access_key: &str) -> Credentials {
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    Credentials { access_key: access_key.to_owned(), secret, session_token: None }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let now = Stamp::parse(STAMP).and_then(|stamp| stamp.moment()).expect("a moment");
    let headers = signed();
    let head =
        Head { method: "PUT", path: PATH, query: None, headers: &headers, origin_form: true };
    let mut group = criterion.benchmark_group("sign");
    group.bench_function("classify", |b| b.iter(|| classify(black_box(&head))));
    let kept = KeyRing::new(16);
    group.bench_function("verify and sign anew", |b| b.iter(|| anew(black_box(&head), now, &kept)));
    let none = KeyRing::new(0);
    group.bench_function("the same, keys derived", |b| {
        b.iter(|| anew(black_box(&head), now, &none))
    });
    group.bench_function("naive, keys derived", |b| b.iter(|| naive(black_box(&headers))));
    group.finish();
    criterion.final_summary();
}

fn signed() -> HeaderMap {
    let mut headers: HeaderMap = HEADERS
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    let scope = Scope { stamp: Stamp::parse(STAMP).expect("a stamp"), region: "eu-west-1".into() };
    let signer = Signer::new("CLIENT", credentials("CLIENT").secret.expose(), scope);
    let head =
        Head { method: "PUT", path: PATH, query: None, headers: &headers, origin_form: true };
    let value = signer.authorize(&head, &SIGNED, DIGEST).value;
    headers.insert("authorization", value.parse().expect("a header"));
    headers
}

fn anew(head: &Head<'_>, now: SystemTime, ring: &KeyRing) -> Resigned {
    let request = classify(head).expect("a request");
    let claims = Claims::of(head, &request).expect("a signature").expect("a signature");
    let (client, identity) = (credentials("CLIENT"), credentials("GATE"));
    let proof = claims.verify(head, &client, Some("eu-west-1"), now, ring).expect("a proof");
    let upstream = Upstream {
        authority: "s3.eu-west-1.amazonaws.com",
        addressing: Addressing::Virtual,
        region: "eu-west-1",
        credentials: &identity,
    };
    resign(head, &request, &proof, &upstream, proof.payload, now, ring).expect("a signed head")
}

/// Signs twice, once to compare and once for the store, with nothing kept and nothing checked.
fn naive(headers: &HeaderMap) -> bool {
    let secret = credentials("").secret;
    let signature = |host: &str, path: &str| {
        let value = |name: &str| headers[name].to_str().expect("text").to_owned();
        let lines = SIGNED.map(|name| {
            let value = if name == "host" { host.to_owned() } else { value(name) };
            format!("{name}:{value}\n")
        });
        let canonical =
            format!("PUT\n{path}\n\n{}\n{}\n{DIGEST}", lines.concat(), SIGNED.join(";"));
        let digest = hex(&Sha256::digest(canonical));
        let scope = "20261126/eu-west-1/s3/aws4_request";
        let mut key = format!("AWS4{}", secret.expose()).into_bytes();
        for part in scope.split('/') {
            key = seal(&key, part);
        }
        let signed = format!("AWS4-HMAC-SHA256\n{STAMP}\n{scope}\n{digest}");
        hex(&seal(&key, &signed))
    };
    let client = signature("gate.example.org", PATH);
    let own = signature("photos.s3.eu-west-1.amazonaws.com", &PATH["/photos".len()..]);
    headers["authorization"].to_str().expect("text").ends_with(&client) && client != own
}

fn seal(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
