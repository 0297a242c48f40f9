//! A list of parts that is read is the same list when it is written anew, as clients would write it;
//! it ascends; and a plain search finds nothing more in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3bouncer::s3::{ETag, completed_parts, completion, initiated_upload_id};

/// The words that no fuzzer guesses, each for one byte of the template.
const WORDS: [&str; 12] = [
    "<CompleteMultipartUpload>",
    "</CompleteMultipartUpload>",
    "<Part><PartNumber>",
    "</PartNumber><ETag>",
    "</ETag></Part>",
    "<Part>",
    "</Part>",
    "<PartNumber>1</PartNumber>",
    "<ETag>\"a\"</ETag>",
    "<Other>",
    "</Other>",
    "&quot;",
];

fuzz_target!(|template: &[u8]| {
    let mut body = Vec::new();
    for &byte in template {
        match WORDS.get(usize::from(byte)) {
            Some(word) => body.extend_from_slice(word.as_bytes()),
            None => body.push(byte),
        }
    }
    let _ = initiated_upload_id(&body);
    let _ = completion(&body);
    let Ok(parts) = completed_parts(&body) else { return };

    assert!(parts.is_sorted_by(|a, b| a.0 < b.0) && !parts.is_empty());
    assert_eq!(completed_parts(write(&parts).as_bytes()), Ok(parts.clone()), "written anew");
    // Comments may hold anything; elsewhere no part stands that hasn't been read.
    if !body.windows(4).any(|w| w == b"<!--") {
        let opens = |w: &[u8]| w.starts_with(b"<Part") && b"> \t\r\n/".contains(&w[5]);
        assert!(body.windows(6).filter(|w| opens(w)).count() <= parts.len());
    }
});

fn write(parts: &[(u32, ETag)]) -> String {
    let mut xml = String::from("<CompleteMultipartUpload>");
    for (number, etag) in parts {
        let etag = etag.as_str().replace('&', "&amp;").replace('<', "&lt;");
        let part = format!("<PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag>");
        xml.push_str(&format!("<Part>{part}</Part>"));
    }
    xml + "</CompleteMultipartUpload>"
}
