//! Declared digests: what is printed is read back, and what is read has one spelling.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use s3bouncer::digest::{Md5, Sha1, Sha256};
use s3bouncer::s3::{Declared, base64, parse_base64};

#[derive(Arbitrary, Debug)]
struct Input {
    content_sha256: Option<[u8; 32]>,
    content_md5: Option<[u8; 16]>,
    checksum_md5: Option<[u8; 16]>,
    checksum_sha1: Option<[u8; 20]>,
    checksum_sha256: Option<[u8; 32]>,
    /// Takes the place of one header's value.
    which: u8,
    value: Vec<u8>,
}

const NAMES: [&str; 5] = [
    "x-amz-content-sha256",
    "content-md5",
    "x-amz-checksum-md5",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];

fuzz_target!(|input: Input| {
    let declared = Declared {
        content_sha256: input.content_sha256.map(Sha256),
        content_md5: input.content_md5.map(Md5),
        checksum_md5: input.checksum_md5.map(Md5),
        checksum_sha1: input.checksum_sha1.map(Sha1),
        checksum_sha256: input.checksum_sha256.map(Sha256),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in declared.to_headers() {
        headers.insert(HeaderName::from_static(name), value.parse().expect("digests are ASCII"));
    }
    assert_eq!(Declared::from_headers(&headers), declared, "what is printed is read back");
    one_spelling(&input);
});

/// A header with any value is either no digest at all, or the very text that its digest prints.
fn one_spelling(input: &Input) {
    let name = NAMES[usize::from(input.which) % NAMES.len()];
    let Ok(value) = HeaderValue::from_bytes(&input.value) else { return };
    let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
    let printed = Declared::from_headers(&headers).to_headers();
    assert!(printed.len() <= 1, "one header declares one digest");
    for (printed_name, text) in printed {
        assert_eq!(printed_name, name);
        // Hex alone may be written in capitals.
        let same = input.value == text.as_bytes();
        let capitals = name == NAMES[0] && input.value.eq_ignore_ascii_case(text.as_bytes());
        assert!(same || capitals, "{name} is read as {text}");
    }
    any_length(&input.value);
}

/// The same of base64 by itself, at lengths with every kind of padding.
fn any_length(value: &[u8]) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    let printed = [
        parse_base64::<1>(text).map(|bytes| base64(&bytes)),
        parse_base64::<2>(text).map(|bytes| base64(&bytes)),
        parse_base64::<3>(text).map(|bytes| base64(&bytes)),
        parse_base64::<4>(text).map(|bytes| base64(&bytes)),
    ];
    assert!(printed.into_iter().flatten().all(|again| again == text), "one spelling");
}
