use super::*;

const PART: &str = "PUT /b/k?partNumber=1&uploadId=U";

#[test]
fn copies_are_recognised_wherever_they_point() {
    for value in ["/a/b", "a/b", "a%2Fb", "%2Fa%2Fb"] {
        let header = format!("x-amz-copy-source: {value}");
        operation("PUT /b/k", &[&header], Operation::CopyObject);
        operation("PUT /k", &[&header], Operation::CopyObject);
        operation("PUT /b/k?tagging", &[&header], Operation::CopyObject);
        operation(PART, &[&header], Operation::UploadPartCopy);
    }
    operation("PUT /b/k?X-Amz-Copy-Source=a%2Fb", &[], Operation::CopyObject);
    operation("PUT /b/k", &["x-goog-copy-source: a/b"], Operation::CopyObject);
    for dialect in ["x-oss", "x-obs", "x-cos", "x-other"] {
        let header = format!("{dialect}-copy-source: anything");
        operation("PUT /b/k", &[&header], Operation::CopyObject);
        assert_eq!(good("PUT /b/k", &[&header]).copy_source, None);
    }
}

fn source(value: &str) -> Result<CopySource, Refusal> {
    let header = format!("x-amz-copy-source: {value}");
    read("PUT /b/k", &[&header]).map(|request| request.copy_source.unwrap())
}

#[track_caller]
fn reads(value: &str, bucket: &str, key: &str, version: Option<&str>) {
    let source = source(value).unwrap_or_else(|r| panic!("{value}: {r:?}"));
    let read = (source.bucket.as_str(), source.key.as_str(), source.version.as_deref());
    assert_eq!(read, (bucket, key, version), "{value}");
}

#[test]
fn sources_are_decoded_once_and_cut_then() {
    reads("a/b", "a", "b", None);
    reads("/a/b", "a", "b", None);
    reads("a/b/c//d/", "a", "b/c//d/", None);
    reads("a//b", "a", "/b", None);
    reads("a%2Fb%2fc", "a", "b/c", None);
    reads("%2Fa%2Fb", "a", "b", None);
    reads("/a/b%2520c", "a", "b%20c", None);
    reads("a/%C3%BC%20é", "a", "ü é", None);
    reads("a/%ff", "a", "\u{fffd}", None);
    reads("a/b?versionId=v%2F1", "a", "b", Some("v/1"));
    reads("a/b%3Fc?versionId=null", "a", "b?c", Some("null"));
    reads("tenant:a/b", "tenant:a", "b", None);
}

#[test]
fn what_stores_read_differently_is_refused() {
    for value in [
        "",
        "b",
        "/",
        "/b",
        "b/",
        "//b/k",
        "///",
        "/%2Fb/k",
        "b%2fk",
        "%2F",
        "b/k#f",
        "b/%",
        "b/%zz",
        "%zz/k",
        "http://h/b/k",
        "http:%2F%2Fh/b/k",
        "arn:aws:s3:eu:1:accesspoint/p/object/k",
        "b/k?",
        "b/k?versionId=",
        "b/k?versionid=1",
        "b/k?x=1",
        "b/k?versionId=1&x=2",
        "b/k%3FversionId=1",
        "b?versionId=1",
    ] {
        assert_eq!(source(value), Err(Refusal::CopySource), "{value}");
    }
    let latin = HeaderValue::from_bytes(b"b/\xfc").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store"));
    headers.insert("x-amz-copy-source", latin);
    let head =
        Head { method: "PUT", path: "/b/k", query: None, headers: &headers, origin_form: true };
    assert_eq!(classify(&head), Err(Refusal::CopySource));
}

#[test]
fn what_is_uncertain_about_a_key_is_told() {
    assert!(source("a/b+c").unwrap().plus);
    assert!(!source("a/b%2Bc").unwrap().plus);
    let query = good("PUT /b/k?x-amz-copy-source=a/b+c", &[]).copy_source.unwrap();
    assert_eq!((query.key.as_str(), query.plus), ("b+c", true));
    for value in ["a/../c/k", "a/%2e%2e/c/k", "../a/b", "./a/b"] {
        assert!(source(value).unwrap().dots_leave_bucket, "{value}");
    }
    assert!(!source("a/x/../b").unwrap().dots_leave_bucket);
}

#[test]
fn one_source_is_named() {
    let amz = "x-amz-copy-source: a/b%20c";
    let same = good("PUT /b/k?X-Amz-Copy-Source=a%2Fb%2520c", &[amz]);
    assert_eq!(same.copy_source.unwrap().key, "b c");
    let query = good("PUT /b/k?X-Amz-Copy-Source=a%2Fb%2520c", &[]);
    assert_eq!(query.copy_source.unwrap().key, "b c");
    refused("PUT /b/k?X-Amz-Copy-Source=a%2Fb", &[amz], Refusal::CopySource);
    refused("PUT /b/k", &[amz, "x-goog-copy-source: a/b"], Refusal::CopySource);
    refused("PUT /b/k", &[amz, "x-oss-copy-source: /a/b%20c"], Refusal::CopySource);
    refused("PUT /b/k", &[amz, amz], Refusal::DuplicateS3Header);
    refused("PUT /b/k", &["x_amz_copy_source: a/b"], Refusal::UnderscoreS3Twin);
    refused("PUT /b/k", &["x-amz-copy_source-range: a/b"], Refusal::UnderscoreS3Twin);
    // A source that isn't used isn't read.
    assert_eq!(good("GET /b/k", &[amz]).copy_source, None);
    assert_eq!(good("GET /b/k", &["x-amz-copy-source: x"]).copy_source, None);
    assert_eq!(good("POST /b/k?uploads", &["x-amz-copy-source: x"]).copy_source, None);
}

#[test]
fn ranges_are_of_parts() {
    let source = "x-amz-copy-source: a/b";
    let range = |range: &str| {
        let header = format!("x-amz-copy-source-range: {range}");
        read(PART, &[source, &header]).map(|request| request.copy_source.unwrap().range)
    };
    let bytes = |first, last| Ok(Some(CopyRange { first, last }));
    assert_eq!(range("bytes=0-9"), bytes(0, 9));
    assert_eq!(range("bytes=7-7"), bytes(7, 7));
    assert_eq!(range("bytes=0-18446744073709551615"), bytes(0, u64::MAX));
    for text in [
        "",
        "0-9",
        "bytes=",
        "bytes=0-",
        "bytes=-9",
        "bytes=9-0",
        "bytes=0-9,20-29",
        "Bytes=0-9",
        "bytes=0- 9",
        "bytes=0-0x9",
        "bytes=+0-9",
        "bytes=0-18446744073709551616",
    ] {
        assert_eq!(range(text), Err(Refusal::CopyRange), "{text}");
    }
    let whole = "x-amz-copy-source-range: bytes=0-9";
    let hoisted = format!("{PART}&x-amz-copy-source-range=bytes%3D0-9");
    let hoisted_range = good(&hoisted, &[source, whole]).copy_source.unwrap().range;
    assert_eq!(Ok(hoisted_range), bytes(0, 9));
    let other = "x-amz-copy-source-range: bytes=0-8";
    refused(&hoisted, &[source, other], Refusal::CopyRange);
    // Ceph RGW takes a range without a part for an upload of the body.
    refused("PUT /b/k", &[source, whole], Refusal::CopyRange);
    refused("PUT /b/k", &[whole], Refusal::CopyRange);
    refused(PART, &[whole], Refusal::CopyRange);
}

#[test]
fn a_refused_copy_is_still_read_where_the_gate_only_watches() {
    let request = read_unclear("PUT /b/k", &["x-amz-copy-source: x"]).unwrap();
    assert_eq!((request.operation, request.copy_source), (Operation::CopyObject, None));
}
