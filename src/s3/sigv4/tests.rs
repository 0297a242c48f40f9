//! The examples that AWS publishes with each of the four pages, and what they leave open.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::s3::Head;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const VIRTUAL_HOST: &str = "host: examplebucket.s3.amazonaws.com";
const DATE: &str = "x-amz-date: 20130524T000000Z";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn signer() -> Signer {
    let stamp = Stamp::parse("20130524T000000Z").unwrap();
    Signer::new("AKIAIOSFODNN7EXAMPLE", SECRET, Scope { stamp, region: "us-east-1".to_owned() })
}

/// Calls `f` with the head of `METHOD target` and these headers, and with all their names in order.
fn with_head<R>(line: &str, headers: &[&str], f: impl FnOnce(&Head<'_>, &[&str]) -> R) -> R {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut map = HeaderMap::new();
    for header in headers {
        let (name, value) = header.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    f(&Head { method, path, query, headers: &map, origin_form: true }, &names)
}

#[test]
fn heads_are_signed_as_aws_signs_them() {
    let welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let storage_class = "x-amz-storage-class: REDUCED_REDUNDANCY";
    let friday = "date: Fri, 24 May 2013 00:00:00 GMT";
    assert_eq!(sha256(b"Welcome to Amazon S3.").to_string(), welcome);
    for (line, headers, payload, signature) in [
        (
            "GET /test.txt",
            &["range: bytes=0-9"][..],
            NOTHING,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT /test$file.text",
            &[friday, storage_class],
            welcome,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET /?lifecycle",
            &[],
            NOTHING,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET /?max-keys=2&prefix=J",
            &[],
            NOTHING,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let digest = format!("x-amz-content-sha256:{payload}");
        let headers = [headers, &[VIRTUAL_HOST, DATE, &digest]].concat();
        let found = with_head(line, &headers, |head, names| {
            (signer().authorize(head, names, payload), names.join(";"))
        });
        let (Authorization { value, seed }, names) = found;
        assert_eq!(seed.to_string(), signature, "{line}");
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders={names},Signature={signature}"
        );
        assert_eq!(value, expected);
    }
}

#[test]
fn a_query_is_signed_as_aws_signs_it() {
    let query = with_head("GET /test.txt", &[VIRTUAL_HOST], |head, names| {
        signer().presign(head, names, 86_400)
    });
    let expected = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus%2Deast%2D1%2Fs3%2Faws4%5Frequest\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(query, expected);
}

#[test]
fn a_signature_in_the_query_covers_all_of_it_but_itself() {
    let sign = |query: &str| {
        with_head(&format!("GET /k?{query}"), &[VIRTUAL_HOST], |head, names| {
            canonical_request(head, PathForm::Encoded, names, UNSIGNED_PAYLOAD)
        })
    };
    assert_eq!(sign("a=1&X-Amz-Signature=00&b"), sign("b=&a=1"));
    assert_ne!(sign("a=1&x-amz-signature=00"), sign("a=1"));
    let whole = with_head("GET /k?versionId=7", &[VIRTUAL_HOST], |head, names| {
        signer().presign(head, names, 60)
    });
    assert!(whole.starts_with("versionId=7&X-Amz-Algorithm="), "{whole}");
}

/// The data of both streaming examples: 65 KiB of `a` in chunks of 64 KiB.
const CHUNKS: [&[u8]; 3] = [&[b'a'; 64 * 1024], &[b'a'; 1024], b""];

/// Signs a streaming example: its seed and the signatures of its chunks, then of these trailers.
fn stream(payload: &str, headers: &[&str], trailers: &[u8]) -> Vec<String> {
    let digest = format!("x-amz-content-sha256:{payload}");
    let headers = [
        headers,
        &["host: s3.amazonaws.com", DATE, &digest],
        &["content-encoding: aws-chunked", "x-amz-decoded-content-length: 66560"],
        &["x-amz-storage-class: REDUCED_REDUNDANCY"],
    ];
    let signer = signer();
    let line = "PUT /examplebucket/chunkObject.txt";
    let seed = with_head(line, &headers.concat(), |head, names| {
        signer.authorize(head, names, payload).seed
    });
    let mut chain = signer.key().chain(seed);
    let mut signatures = vec![seed];
    signatures.extend(CHUNKS.map(|data| chain.chunk(sha256(data))));
    if !trailers.is_empty() {
        signatures.push(chain.trailer(trailers));
    }
    signatures.iter().map(Signature::to_string).collect()
}

#[test]
fn chunks_are_signed_as_aws_signs_them() {
    let token = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let expected = [
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    assert_eq!(stream(token, &["content-length: 66824"], b""), expected);
}

#[test]
fn trailers_are_signed_as_aws_signs_them() {
    let token = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    let expected = [
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
    ];
    let trailers = b"x-amz-checksum-crc32c:sOO8/Q==\n";
    assert_eq!(stream(token, &["x-amz-trailer: x-amz-checksum-crc32c"], trailers), expected);
}

#[test]
fn each_signature_of_a_chain_covers_those_before_it() {
    let signer = signer();
    let seed = signer.key().sign_request(b"");
    let data = sha256(b"a");
    let mut one = signer.key().chain(seed);
    let mut two = one.clone();
    assert_eq!(one.chunk(data), two.chunk(data));
    let (first, second) = (one.chunk(data), two.chunk(sha256(b"b")));
    assert_ne!(first, second);
    assert_ne!(one.trailer(b"a:b\n"), two.trailer(b"a:b\n"));
    assert_ne!(one.chunk(data), first);
}

proptest! {
    /// However a path or query is spelled, what is signed is one spelling of it, and signing that
    /// changes nothing.
    #[test]
    fn a_canonical_spelling_is_its_own(raw in "([a-c/.%+ é&=?]|%[0-9a-fA-F]{2}){0,24}") {
        let path = format!("PUT /{}", raw.replace('?', ""));
        let canonical = canonical_line(&path, PathForm::Encoded, 1);
        let again = canonical_line(&format!("PUT {canonical}"), PathForm::Encoded, 1);
        prop_assert_eq!(&again, &canonical);
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
        prop_assert!(canonical.bytes().all(legal), "{}", canonical);

        let query = canonical_line(&format!("GET /?{raw}"), PathForm::Encoded, 2);
        let again = canonical_line(&format!("GET /?{query}"), PathForm::Encoded, 2);
        prop_assert_eq!(&again, &query);
        let turned: Vec<&str> = raw.split('&').rev().collect();
        let turned = canonical_line(&format!("GET /?{}", turned.join("&")), PathForm::Encoded, 2);
        prop_assert_eq!(turned, query);
    }
}

/// The line of the canonical request with this number.
fn canonical_line(line: &str, form: PathForm, number: usize) -> String {
    let request = with_head(line, &[], |head, names| canonical_request(head, form, names, "p"));
    String::from_utf8(request).unwrap().split('\n').nth(number).unwrap().to_owned()
}

#[test]
fn paths_are_encoded_once_and_never_normalised() {
    for (raw, encoded) in [
        ("/", "/"),
        ("/b/k", "/b/k"),
        ("//b///k/", "//b///k/"),
        ("/b/./x/../k", "/b/./x/../k"),
        ("/b/-._~", "/b/-._~"),
        ("/b/%2d%7E", "/b/-~"),
        ("/b/a%2Fb", "/b/a/b"),
        ("/b/a b+c", "/b/a%20b%2Bc"),
        ("/b/%252F", "/b/%252F"),
        ("/b/%c3%a9é", "/b/%C3%A9%C3%A9"),
        ("/b/%ff%00", "/b/%FF%00"),
        ("/b/a=b(c)!*'", "/b/a%3Db%28c%29%21%2A%27"),
        ("/b/%zz%", "/b/%25zz%25"),
    ] {
        let line = format!("PUT {raw}");
        // A space can't be sent; as an argument it is one all the same.
        assert_eq!(canonical_line(&line, PathForm::Encoded, 1), encoded, "{raw}");
        assert_eq!(canonical_line(&line, PathForm::AsSent, 1), raw);
    }
}

#[test]
fn queries_are_sorted_and_encoded_once() {
    for (raw, canonical) in [
        ("", ""),
        ("?", ""),
        ("?uploads", "uploads="),
        ("?b=2&a=1", "a=1&b=2"),
        ("?a=2&a=1&A=0", "A=0&a=1&a=2"),
        ("?&&a&", "a="),
        ("?a=b=c", "a=b%3Dc"),
        ("?a=%2f+%20/", "a=%2F%2B%20%2F"),
        ("?%61=1", "a=1"),
        ("?a-b=1&a=2", "a=2&a-b=1"),
        ("?a=?", "a=%3F"),
    ] {
        assert_eq!(
            canonical_line(&format!("GET /{raw}"), PathForm::Encoded, 2),
            canonical,
            "{raw}"
        );
    }
}

#[test]
fn only_named_headers_are_signed_each_name_once() {
    let headers = ["host:a", "x-b:  1   2 ", "x-b:3", "x-c:\u{e9}", "x-not:signed"];
    let request = with_head("GET /", &headers, |head, _| {
        canonical_request(head, PathForm::Encoded, &["host", "x-b", "x-c", "x-none"], "p")
    });
    let expected = "GET\n/\n\nhost:a\nx-b:1 2,3\nx-c:\u{e9}\nx-none:\n\nhost;x-b;x-c;x-none\np";
    assert_eq!(String::from_utf8(request).unwrap(), expected);
}

#[test]
fn stamps_have_one_spelling() {
    let stamp = Stamp::parse("20130524T000000Z").unwrap();
    assert_eq!((stamp.as_str(), stamp.day()), ("20130524T000000Z", "20130524"));
    for text in [
        "",
        "20130524T000000",
        "20130524t000000Z",
        "2013052aT000000Z",
        "20130524T000000ZZ",
        "20130524T00000éZ",
        "+0130524T000000Z",
    ] {
        assert_eq!(Stamp::parse(text), None, "{text:?}");
    }
    let moment = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_369_353_600);
    assert_eq!(Stamp::of(moment), stamp);
}

#[test]
fn a_key_keeps_itself_to_itself() {
    let shown = format!("{:?}", signer());
    assert!(shown.contains("us-east-1") && !shown.contains(SECRET), "{shown}");
}
