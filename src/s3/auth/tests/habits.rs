//! What clients do that the documentation doesn't say, and stores put up with.

use super::*;
use crate::s3::base64;
use crate::s3::resign::{Addressing, Upstream, resign};
use crate::s3::sigv2::seal_v2;
use crate::s3::sigv4::{Scope, Signer, UNSIGNED_PAYLOAD};

/// A GET that is signed with SigV4 as if its query were `signs`.
fn v4(line: &str, signs: &str, date: &str) -> Sample {
    let mut sample = Sample::new(line, &["host: s3.example", date]);
    sample.set("x-amz-content-sha256", UNSIGNED_PAYLOAD);
    let stamp = Stamp::parse("20130524T000000Z").unwrap();
    let signer = Signer::new(ACCESS_KEY, SECRET, Scope { stamp, region: "here".to_owned() });
    let mut names: Vec<&str> = sample.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let head = Head { query: Some(signs), ..sample.head() };
    let authorization = signer.authorize(&head, &names, UNSIGNED_PAYLOAD).value;
    sample.set("authorization", &authorization);
    sample
}

/// A GET in path style that is signed with SigV2 for this resource.
fn v2(line: &str, resource: &str) -> Sample {
    let date = "Fri, 24 May 2013 00:00:00 GMT";
    let mut sample = Sample::new(line, &["host: s3.example", &format!("date: {date}")]);
    let text = format!("GET\n\n\n{date}\n{resource}");
    let seal = seal_v2(&Secret::new(SECRET), text.as_bytes());
    sample.set("authorization", &format!("AWS {ACCESS_KEY}:{}", base64(&seal)));
    sample
}

/// The target under which the store gets it.
fn target_anew(sample: &Sample) -> String {
    let proof = sample.verify_then().unwrap();
    let credentials = credentials(None);
    let upstream = Upstream {
        authority: "store.test",
        addressing: Addressing::Path,
        region: "auto",
        credentials: &credentials,
    };
    let (head, request, ring) = (sample.head(), sample.request(), KeyRing::new(1));
    let anew = resign(&head, &request, &proof, &upstream, proof.payload, then(), &ring);
    anew.unwrap().target.to_string()
}

/// A `+` of a query is a plus to some signers and a space to others; what it is to the signer, it is
/// to the store.
#[test]
fn a_plus_keeps_its_meaning() {
    let date = "x-amz-date: 20130524T000000Z";
    for signs in ["prefix=a%2Bb", "prefix=a%20b"] {
        let sample = v4("GET /bucket?prefix=a+b", signs, date);
        assert_eq!(target_anew(&sample), format!("/bucket?{signs}"));
    }
    for (line, resource, target) in [
        ("GET /bucket?prefix=a+b", "/bucket", "/bucket?prefix=a%20b"),
        ("GET /bucket/k?versionId=a+b", "/bucket/k?versionId=a+b", "/bucket/k?versionId=a%2Bb"),
    ] {
        assert_eq!(target_anew(&v2(line, resource)), target);
    }
}

/// botocore does so when told to.
#[test]
fn v4_may_name_its_date_as_http_does() {
    v4("GET /bucket/k?", "", "date: Fri, 24 May 2013 00:00:00 GMT").verify_then().unwrap();
    let sample = v4("GET /bucket/k?", "", "date: Fri, 24 May 2013 00:00:01 GMT");
    assert!(matches!(sample.verify_then(), Err(AuthError::Mismatch(_))));
}

#[test]
fn v2_may_sign_keys_and_buckets_in_another_spelling() {
    for (line, resource) in [
        ("GET /bucket", "/bucket"),
        ("GET /bucket", "/bucket/"),
        ("GET /bucket/", "/bucket/"),
        ("GET /bucket?acl", "/bucket/?acl"),
        ("GET /bucket?acl=", "/bucket?acl="),
        ("GET /bucket?acl=", "/bucket?acl"),
        ("GET /bucket?acl=", "/bucket/?acl"),
        ("GET /bucket/k?versionId=7&acl", "/bucket/k?acl&versionId=7"),
        ("GET /bucket/k?response-expires=a%20b", "/bucket/k?response-expires=a b"),
    ] {
        let verified = v2(line, resource).verify_then();
        assert!(verified.is_ok(), "{line} as {resource}");
    }
    for (line, resource) in [
        ("GET /bucket/", "/bucket"),
        ("GET /bucket/k", "/bucket/k/"),
        ("GET /bucket?acl", "/bucket?acl="),
        ("GET /bucket?acl=1", "/bucket?acl"),
        ("GET /bucket/k?retention", "/bucket/k"),
        ("GET /bucket/k?Acl", "/bucket/k?Acl"),
    ] {
        let verified = v2(line, resource).verify_then();
        assert!(matches!(verified, Err(AuthError::Mismatch(_))), "{line} as {resource}");
    }
}
