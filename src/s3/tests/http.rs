use super::*;

#[test]
fn only_six_methods_pass() {
    for method in ["PATCH", "MOVE", "COPY", "MKCOL", "PROPFIND", "put", "Get", "P", "PUTS"] {
        refused(&format!("{method} /b/k"), &[], Refusal::Method);
    }
    for method in ["CONNECT", "TRACE", "connect", "Trace"] {
        refused(&format!("{method} /b/k"), &[], Refusal::Tunnel);
    }
}

#[test]
fn targets_are_paths() {
    refused("OPTIONS *", &[], Refusal::Target);
    refused("GET b/k", &[], Refusal::Target);
    let uri = |target: &str| target.parse::<::http::Uri>().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("store"));
    let read = |target: &str| {
        classify(&Head::new(&::http::Method::GET, &uri(target), &headers)).map(|r| r.bucket)
    };
    assert_eq!(read("/b/k?x"), Ok(Some("b".into())));
    assert_eq!(read("//a/b"), Ok(None));
    assert_eq!(read("http://store/b/k"), Err(Refusal::Target));
    assert_eq!(read("http://other/b/k"), Err(Refusal::Target));
    assert_eq!(read("store:80"), Err(Refusal::Target));
}

#[test]
fn there_is_one_host() {
    assert_eq!(read_bare("GET /b/k", &[]), Err(Refusal::HostMissing));
    assert_eq!(read_bare("GET /b/k", &["host: "]), Err(Refusal::HostMissing));
    refused("GET /b/k", &["host: other"], Refusal::DuplicateHeader);
    refused("GET /b/k", &["host: store"], Refusal::DuplicateHeader);
}

#[test]
fn headers_that_decide_come_once() {
    for header in [
        "content-length: 1",
        "transfer-encoding: chunked",
        "authorization: x",
        "expect: 100-continue",
    ] {
        refused("PUT /b/k", &[header, header], Refusal::DuplicateHeader);
        refused("GET /b/k", &[header, header], Refusal::DuplicateHeader);
    }
    for header in [
        "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        "x-amz-decoded-content-length: 1",
        "x-amz-write-offset-bytes: 1",
        "x-amz-copy-source: a/b",
        "content-encoding: gzip",
        "content-type: a/b",
        "content-range: bytes 0-1/2",
        "range: bytes=0-1",
    ] {
        refused("PUT /b/k", &[header, header], Refusal::DuplicateS3Header);
        good("GET /b/k", &[header, header]);
    }
    good("PUT /b/k", &["x-amz-meta-a: 1", "x-amz-meta-a: 2", "accept: a", "accept: b"]);
}

#[test]
fn underscore_twins_are_refused() {
    for name in ["content_length", "transfer_encoding"] {
        refused("PUT /b/k", &[&format!("{name}: 1")], Refusal::UnderscoreTwin);
        refused("GET /b/k", &[&format!("{name}: 1")], Refusal::UnderscoreTwin);
    }
    for name in [
        "content_encoding",
        "x_amz_content_sha256",
        "x-amz-content_sha256",
        "x_amz-decoded_content-length",
        "x-amz-copy_source",
        "content_type",
    ] {
        refused("PUT /b/k", &[&format!("{name}: 1")], Refusal::UnderscoreS3Twin);
        good("GET /b/k", &[&format!("{name}: 1")]);
    }
    good("PUT /b/k", &["x-amz-meta-content_length: 1", "x_y: 1"]);
}

#[test]
fn bodies_are_delimited_in_one_way() {
    for coding in
        ["gzip, chunked", "chunked, chunked", ",chunked", "identity", "xchunked", "", "chunked;a=b"]
    {
        let header = format!("transfer-encoding: {coding}");
        refused("PUT /b/k", &[&header], Refusal::TransferEncoding);
    }
    for length in ["", "+3", "-1", "0x3", "3, 3", "3 3", "18446744073709551616"] {
        let header = format!("content-length: {length}");
        refused("PUT /b/k", &[&header], Refusal::ContentLength);
    }
    let both = ["content-length: 3", "transfer-encoding: chunked"];
    refused("PUT /b/k", &both, Refusal::LengthAndEncoding);
    let plan = |headers: &[&str]| good("PUT /b/k", headers).body;
    let identity = |length| BodyPlan::Identity { length };
    assert_eq!(plan(&["transfer-encoding: Chunked"]), identity(None));
    assert_eq!(plan(&["content-length: 003"]), identity(Some(3)));
    assert_eq!(plan(&["content-length: 18446744073709551615"]), identity(Some(u64::MAX)));
    assert_eq!(plan(&[]), identity(Some(0)));
}

#[test]
fn reads_have_no_body() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let line = format!("{method} /b/k");
        refused(&line, &["content-length: 1"], Refusal::BodyOnRead);
        refused(&line, &["transfer-encoding: chunked"], Refusal::BodyOnRead);
        let read = good(&line, &["content-length: 0"]);
        assert_eq!(read.body, BodyPlan::Identity { length: Some(0) });
    }
}

#[test]
fn connection_names_no_end_to_end_header() {
    for value in
        ["content-length", "authorization", "close, x-amz-date", "keep-alive,host", "\"te\""]
    {
        refused("GET /b/k", &[&format!("connection: {value}")], Refusal::Connection);
    }
    refused("GET /b/k", &["connection: close", "connection: expect"], Refusal::Connection);
    good("GET /b/k", &["connection: Keep-Alive, TE ,upgrade,,HTTP2-Settings"]);
}

#[test]
fn one_expectation_is_known() {
    refused("PUT /b/k", &["expect: 100-continue, x"], Refusal::Expectation);
    refused("PUT /b/k", &["expect: 200-ok"], Refusal::Expectation);
    assert!(good("PUT /b/k", &["expect: 100-Continue"]).expect_continue);
    assert!(!good("PUT /b/k", &[]).expect_continue);
}
