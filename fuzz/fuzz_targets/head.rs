//! No head makes the reader panic; the case of escapes and of header names changes nothing; and the
//! bucket and key of a write that is let through are what a naive reader finds.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use s3bouncer::s3::{Head, Refusal, Request, Surface};
use s3bouncer_fuzz::expand;

#[derive(Arbitrary, Debug)]
struct Input {
    method: u8,
    path: Vec<u8>,
    query: Option<Vec<u8>>,
    headers: Vec<(u8, Vec<u8>)>,
    domain: bool,
}

const METHODS: [&str; 8] = ["PUT", "POST", "GET", "HEAD", "DELETE", "OPTIONS", "MOVE", "put"];

const NAMES: [&str; 20] = [
    "host",
    "authorization",
    "content-length",
    "content-type",
    "content-encoding",
    "content-range",
    "range",
    "expect",
    "transfer-encoding",
    "x-amz-content-sha256",
    "x-amz-decoded-content-length",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-write-offset-bytes",
    "x-amz-meta-x-amz-key",
    "x-amz-meta-snowball-auto-extract",
    "x-goog-resumable",
    "x-goog-copy-source",
    "x-object-manifest",
    "x_amz_copy_source",
];

/// The words that no fuzzer guesses, each for one byte of a path, a query or a value.
const WORDS: [&str; 24] = [
    "uploadId=",
    "partNumber=",
    "uploads",
    "append&position=",
    "X-Amz-Content-Sha256=",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "X-Amz-Copy-Source=",
    "?versionId=",
    "multipart/form-data; boundary=x",
    "%2F",
    "%2f",
    "%25",
    "/../",
    "swift/v1/",
    "minio/admin/v3/",
    "replication",
    "upload_id=",
    "compose",
    "bytes=0-9",
    ".s3.test",
    "&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Fe",
    "aws-chunked",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
];

fuzz_target!(|input: Input| {
    let method = METHODS[usize::from(input.method) % METHODS.len()];
    let path = format!("/{}", expand(&input.path, &WORDS));
    let query = input.query.as_deref().map(|query| expand(query, &WORDS));
    let domains = input.domain.then_some("s3.test");
    let surface = Surface::default().with_domains(domains).expect("a domain");

    let read = classify(&surface, method, &path, query.as_deref(), &input.headers, false);
    for (upper, names) in [(false, true), (true, false), (true, true)] {
        let path = escapes_in(&path, upper);
        let query = query.as_deref().map(|query| escapes_in(query, upper));
        let again = classify(&surface, method, &path, query.as_deref(), &input.headers, names);
        assert_eq!(again, read, "case of escapes and names");
    }
    if let Ok(request) = read
        && matches!(method, "PUT" | "POST")
        && !input.domain
    {
        let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        assert_eq!(request.bucket.unwrap_or_default(), decode(bucket));
        assert_eq!(request.key.unwrap_or_default(), decode(key));
    }
});

fn classify(
    surface: &Surface,
    method: &str,
    path: &str,
    query: Option<&str>,
    headers: &[(u8, Vec<u8>)],
    upper: bool,
) -> Result<Request, Refusal> {
    let mut map = HeaderMap::new();
    map.append("host", HeaderValue::from_static("store"));
    for (name, value) in headers {
        let name = NAMES[usize::from(*name) % NAMES.len()];
        let name = if upper { name.to_ascii_uppercase() } else { name.to_owned() };
        let Ok(value) = HeaderValue::from_bytes(expand(value, &WORDS).as_bytes()) else { continue };
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        match name == "host" {
            true => drop(map.insert(name, value)),
            false => drop(map.append(name, value)),
        }
    }
    let head = Head { method, path, query, headers: &map, origin_form: true };
    let read = surface.classify(&head);
    if let Err(refusal) = read {
        let _ = surface.unclear(&head, refusal);
    }
    read
}

/// The same text with the hex digits of its escapes in one case.
fn escapes_in(text: &str, upper: bool) -> String {
    let mut folded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        let hex = |d: &&str| d.bytes().all(|b| b.is_ascii_hexdigit());
        let digits = escape.get(1..3).filter(hex).unwrap_or_default();
        folded.push_str(before);
        folded.push('%');
        folded.push_str(&if upper { digits.to_uppercase() } else { digits.to_lowercase() });
        rest = &escape[1 + digits.len()..];
    }
    folded + rest
}

/// Percent-decoded, escape by escape.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' && after[0] != b'+' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
