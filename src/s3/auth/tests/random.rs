//! What the signer signs is verified, and no other request is.

use proptest::prelude::*;

use super::*;
use crate::s3::base64;
use crate::s3::sigv2::seal_v2;
use crate::s3::sigv4::{Scope, Signer, UNSIGNED_PAYLOAD};

/// A key as odd as keys are, some of it escaped; in path style.
const PATH: &str = "/bucket/([a-z0-9/=+!()*'~._-]|%2[0-9A-F]|%C3%A9){0,12}[a-z]";
/// Pairs that mean nothing to anybody.
const QUERY: &str = "[a-e]{1,3}=([a-z0-9/=!~._-]|%2[0-9A-F]|%C3%A9){0,8}[a-z](&[f-k]{1,3})?";
const VALUE: &str = "[a-zA-Z0-9 ;=,/+.é-]{0,12}[a-z]";

fn signer() -> Signer {
    let stamp = Stamp::parse("20130524T000000Z").unwrap();
    Signer::new(ACCESS_KEY, SECRET, Scope { stamp, region: "us-east-1".to_owned() })
}

fn names(sample: &Sample) -> Vec<String> {
    let mut names: Vec<String> = sample.headers.keys().map(|name| name.to_string()).collect();
    names.sort();
    names
}

fn sample(path: &str, query: &str, value: &str, token: &str) -> Sample {
    let mut sample = Sample::new(&format!("PUT {path}?{query}"), &["host: s3.example"]);
    sample.set("x-amz-meta-a", value);
    sample.set("content-type", value);
    sample.set("x-amz-content-sha256", token);
    sample
}

fn signed_in_header(mut sample: Sample, token: &str) -> Sample {
    sample.set("x-amz-date", "20130524T000000Z");
    let names = names(&sample);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let authorization = signer().authorize(&sample.head(), &names, token);
    sample.set("authorization", &authorization.value);
    sample
}

fn signed_in_query(mut sample: Sample) -> Sample {
    let names = names(&sample);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    sample.query = Some(signer().presign(&sample.head(), &names, 60));
    sample
}

/// SigV2 of a request in path style with no query key that is signed.
fn signed_v2(mut sample: Sample) -> Sample {
    sample.headers.remove("x-amz-content-sha256");
    let date = "Fri, 24 May 2013 00:00:00 GMT";
    sample.set("date", date);
    let value = |name| std::str::from_utf8(sample.headers[name].as_bytes()).unwrap().trim();
    let text = format!(
        "{}\n\n{}\n{date}\nx-amz-meta-a:{}\n{}",
        sample.method,
        value("content-type"),
        value("x-amz-meta-a"),
        sample.path,
    );
    let seal = seal_v2(&Secret::new(SECRET), text.as_bytes());
    sample.set("authorization", &format!("AWS {ACCESS_KEY}:{}", base64(&seal)));
    sample
}

/// The same text with another letter at its end.
fn turned(text: &str) -> String {
    let (last, before) = (text.chars().last().unwrap(), &text[..text.len() - 1]);
    format!("{before}{}", if last == 'z' { 'a' } else { 'z' })
}

fn bend(sample: &Sample, bend: impl FnOnce(&mut Sample)) -> Sample {
    let mut bent = sample.clone();
    bend(&mut bent);
    bent
}

proptest! {
    #[test]
    fn v4_holds_for_one_request(path in PATH, query in QUERY, value in VALUE, chunked: bool) {
        let token = if chunked { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" } else { UNSIGNED_PAYLOAD };
        let plain = sample(&path, &query, &value, token);
        let in_header = signed_in_header(plain.clone(), token);
        prop_assert_eq!(in_header.verify_then().unwrap().chunks.is_some(), chunked);
        let mut both = vec![in_header];
        if !chunked {
            both.push(signed_in_query(plain));
        }
        for signed in both {
            signed.verify_then().unwrap();
            for bent in [
                bend(&signed, |s| s.method = "POST".to_owned()),
                bend(&signed, |s| s.path = turned(&path)),
                bend(&signed, |s| {
                    let whole = s.query.take().unwrap();
                    s.query = Some(whole.replacen(&query, &turned(&query), 1));
                }),
                bend(&signed, |s| s.set("x-amz-meta-a", &turned(&value))),
                bend(&signed, |s| s.set("content-type", &turned(&value))),
                bend(&signed, |s| s.set("host", "s3.example:80")),
                bend(&signed, |s| {
                    s.set("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
                }),
                bend(&signed, |s| s.append("x-amz-meta-a: b")),
            ] {
                if bent.classified().is_some() {
                    prop_assert!(bent.verify_then().is_err(), "{:?}", bent);
                }
            }
        }
    }

    #[test]
    fn v4_holds_at_one_time(path in PATH, second in 0u32..60) {
        let signed = signed_in_header(sample(&path, "a=b", "c", UNSIGNED_PAYLOAD), UNSIGNED_PAYLOAD);
        let bent = bend(&signed, |s| s.set("x-amz-date", &format!("20130524T0000{second:02}Z")));
        prop_assert_eq!(bent.verify_then().is_ok(), second == 0);
    }

    #[test]
    fn v2_holds_for_one_request(path in PATH, query in QUERY, value in VALUE) {
        let signed = signed_v2(sample(&path, &query, &value, UNSIGNED_PAYLOAD));
        signed.verify_then().unwrap();
        for bent in [
            bend(&signed, |s| s.method = "POST".to_owned()),
            bend(&signed, |s| s.path = turned(&path)),
            bend(&signed, |s| s.query = Some("uploads".to_owned())),
            bend(&signed, |s| s.query = Some("%75ploads".to_owned())),
            bend(&signed, |s| s.query = Some("x-amz-acl=public-read".to_owned())),
            bend(&signed, |s| s.set("x-amz-meta-a", &turned(&value))),
            bend(&signed, |s| s.set("content-type", &turned(&value))),
            bend(&signed, |s| s.set("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")),
            bend(&signed, |s| s.set("date", "Fri, 24 May 2013 00:00:01 GMT")),
            bend(&signed, |s| s.append("x-amz-acl: public-read")),
        ] {
            prop_assert!(bent.verify_then().is_err(), "{:?}", bent);
        }
    }

    /// Signers that leave characters unescaped which others escape sign what they send.
    #[test]
    fn v4_holds_as_sent(path in "/bucket/[a-z=!()*',:@$-]{1,12}") {
        let mut sample = sample(&path, "a=b", "c", UNSIGNED_PAYLOAD);
        sample.set("x-amz-date", "20130524T000000Z");
        let names = names(&sample);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let canonical = crate::s3::sigv4::canonical_request(
            &sample.head(),
            crate::s3::sigv4::PathForm::AsSent,
            &names,
            UNSIGNED_PAYLOAD,
        );
        let signer = signer();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{},SignedHeaders={},Signature={}",
            signer.key().scope(),
            names.join(";"),
            signer.key().sign_request(&canonical),
        );
        sample.set("authorization", &authorization);
        sample.verify_then().unwrap();
        sample.path = turned(&path);
        prop_assert!(sample.verify_then().is_err());
    }
}
