use super::*;

const STREAMING: &str = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// A write that only stores could read differently: what it is taken for.
#[track_caller]
fn reading(line: &str, headers: &[&str]) -> Request {
    read_unclear(line, headers).unwrap_or_else(|| panic!("{line} {headers:?} isn't read"))
}

#[track_caller]
fn unread(line: &str, headers: &[&str]) {
    assert_eq!(read_unclear(line, headers), None, "{line} {headers:?}");
}

#[test]
fn good_http_is_read_as_well_as_it_can_be() {
    let both = reading("PUT /b/k?append&partNumber=1&uploadId=U", &["content-length: 5"]);
    assert_eq!((both.operation, both.part_number), (Operation::Other, Some(1)));
    assert_eq!((both.bucket.as_deref(), both.key.as_deref()), (Some("b"), Some("k")));
    let half = reading("PUT /b/k?partNumber=x", &[]);
    assert_eq!((half.operation, half.part_number), (Operation::Other, None));
    let escape = reading("PUT /b/%zz", &["authorization: AWS AK:sig"]);
    assert_eq!((escape.operation, escape.key.as_deref()), (Operation::PutObject, Some("%zz")));
    assert_eq!(escape.access_key.as_deref(), Some("AK"));
    let twice = reading("PUT /b/k", &["content-type: a/b", "content-type: c/d"]);
    assert_eq!(twice.operation, Operation::PutObject);
    let moved = reading("MOVE /b/k", &["content-length: 5", "expect: 100-continue"]);
    assert_eq!((moved.operation, moved.expect_continue), (Operation::OtherMethod, true));
    assert_eq!(moved.body, BodyPlan::Identity { length: Some(5) });
}

#[test]
fn an_unclear_framing_is_taken_as_it_is() {
    let raw = BodyPlan::Identity { length: Some(99) };
    let v2 = ["content-length: 99", STREAMING, "authorization: AWS AK:sig"];
    assert_eq!(reading("PUT /b/k", &v2).body, raw);
    let alone = ["content-length: 99", "content-encoding: aws-chunked"];
    assert_eq!(reading("PUT /b/k", &alone).body, raw);
    // Here something else is unclear.
    let framed = ["content-length: 99", STREAMING];
    assert!(reading("PUT /b/k?uploads&uploads", &framed).body.is_framed());
}

#[test]
fn broken_http_is_not_read() {
    unread("CONNECT /b/k", &[]);
    unread("PUT b/k", &[]);
    unread("PUT /b/k", &["host: other"]);
    unread("PUT /b/k", &["content-length: x"]);
    unread("PUT /b/k", &["content-length: 1", "transfer-encoding: chunked"]);
    unread("PUT /b/k", &["connection: authorization"]);
    unread("PUT /b/k", &["expect: x"]);
    unread("GET /b/k", &["content-length: 1"]);
}

#[test]
fn an_unclear_bucket_is_not_read() {
    unread("PUT //b/k", &[]);
    unread("PUT /a/%zz/../../b/k", &[]);
    unread("PUT /a/../b/k?uploads&uploads", &["content-type: a", "content-type: b"]);
    unread("MOVE /a/../b/k", &[]);
}

#[test]
fn every_refusal_of_broken_http_stays_one() {
    let request = |refusal| {
        with_head("PUT /b/k?uploads&uploads", &["host: store"], |head| unclear(head, refusal))
    };
    for &refusal in Refusal::ALL {
        assert_eq!(request(refusal).is_none(), refusal.breaks_http(), "{refusal:?}");
    }
}
