use super::*;

const V4: &str = "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20260101/us-east-1/s3/aws4_request, \
                  SignedHeaders=host, Signature=00";

#[test]
fn queries_of_writes_are_unambiguous() {
    for query in [
        "uploadId=U&uploadId=V&partNumber=1",
        "partNumber=1&partNumber=1&uploadId=U",
        "partnumber=1&uploadId=U",
        "UploadID=U",
        "upload%49D=U",
        "uploads&uploads",
        "APPEND",
        "append&position=1&position=2",
        "X-Amz-Date=1&x-amz-date=2",
        "X-Amz-Date=1&X-Amz-%44ate=1",
        "AWSAccessKeyId=A&awsaccesskeyid=B",
        "a=b;uploadId=U",
        "a;partNumber=1",
        "X-Amz-SignedHeaders;a=host",
    ] {
        refused(&format!("PUT /b/k?{query}"), &[], Refusal::QueryKey);
        refused(&format!("POST /b/k?{query}"), &[], Refusal::QueryKey);
        good(&format!("GET /b/k?{query}"), &[]);
    }
    good("PUT /b/k?X-Amz-SignedHeaders=host;x-amz-acl&x-amz-acl=private", &[]);
    good("PUT /b/k?a=1&a=2&A=3&&=&a?b=?&X-Amz-SignedHeaders=host%3Bx", &[]);
    for query in ["a=%", "%zz=1", "a=%2"] {
        refused(&format!("PUT /b/k?{query}"), &[], Refusal::PercentEscape);
        good(&format!("DELETE /b/k?{query}"), &[]);
    }
}

#[test]
fn amz_keys_of_writes_are_bounded() {
    let line = |count: usize| {
        let keys: Vec<_> = (0..count).map(|i| format!("x-amz-meta-{i}=")).collect();
        format!("PUT /b/k?{}", keys.join("&"))
    };
    good(&line(MAX_AMZ_KEYS), &[]);
    refused(&line(MAX_AMZ_KEYS + 1), &[], Refusal::QueryKeys);
    good(&line(MAX_AMZ_KEYS + 1).replace("PUT", "GET"), &[]);
}

#[test]
fn reads_pass_with_odd_keys() {
    for target in [
        "//",
        "//a//b",
        "/a/./b/../c",
        "/..",
        "/b/%2F",
        "/b/%2f",
        "/b/%zz",
        "/b/%",
        "/b/k%",
        "/b/+",
        "/b/%ff",
        "/b/[]{}|^\\",
        "/b/é",
        "/b/:@;",
        "/k?",
        "/k?a?b=?",
        "/b%2Fk",
        "/%2e%2e/b",
    ] {
        for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
            good(&format!("{method} {target}"), &[]);
        }
    }
}

#[test]
fn writes_take_odd_keys_but_one_bucket() {
    let key = |path: &str| good(&format!("PUT {path}"), &[]).key.unwrap();
    assert_eq!(key("/b//k"), "/k");
    assert_eq!(key("/b/a/./b/../c"), "a/./b/../c");
    assert_eq!(key("/b/a%2Fb%20+é"), "a/b +é");
    assert_eq!(key("/b/%ff"), "\u{fffd}");
    refused("PUT //b/k", &[], Refusal::Bucket);
    refused("POST /b%2Fk?uploads", &[], Refusal::Bucket);
    refused("PUT /b/%zz", &[], Refusal::PercentEscape);
}

#[track_caller]
fn signer(line: &str, headers: &[&str], kind: SignatureKind, key: Option<&str>) {
    let request = good(line, headers);
    assert_eq!((request.signature, request.access_key.as_deref()), (kind, key), "{line}");
}

#[test]
fn signers_are_read_wherever_they_stand() {
    let header = |value: &str| format!("authorization: {value}");
    let put = "PUT /b/k";
    signer(put, &[], SignatureKind::Anonymous, None);
    signer(put, &[&header(V4)], SignatureKind::V4Header, Some("AKEXAMPLE"));
    let slashed = V4.replace("AKEXAMPLE", "a/b");
    signer(put, &[&header(&slashed)], SignatureKind::V4Header, Some("a/b"));
    let v4a = "AWS4-ECDSA-P256-SHA256 Credential=AK/20260101/s3/aws4_request, Signature=0";
    signer(put, &[&header(v4a)], SignatureKind::V4aHeader, Some("AK"));
    signer(put, &[&header("AWS4-HMAC-SHA256 x")], SignatureKind::V4Header, None);
    signer(put, &[&header("AWS AK:c2ln")], SignatureKind::V2Header, Some("AK"));
    signer(put, &[&header("aws AK:c2ln")], SignatureKind::V2Header, Some("AK"));
    signer(put, &[&header("Bearer token")], SignatureKind::Other, None);
    signer(put, &[&header("é")], SignatureKind::Other, None);
    signer(put, &[&header("AWSé")], SignatureKind::V2Header, Some("é"));
    let scope = "%2F20260101%2Fr%2Fs3%2Faws4_request";
    let v4 = format!("PUT /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK{scope}");
    signer(&v4, &[], SignatureKind::V4Query, Some("AK"));
    let lower = format!("GET /b/k?x-amz-credential=AK{scope}");
    signer(&lower, &[], SignatureKind::V4Query, Some("AK"));
    let v4a = "PUT /b/k?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AK%2Fd%2Fs3%2Fr";
    signer(v4a, &[], SignatureKind::V4aQuery, Some("AK"));
    let v2 = "PUT /b/k?awsaccesskeyid=A%20K&Signature=s&Expires=1";
    signer(v2, &[], SignatureKind::V2Query, Some("A K"));
}

#[test]
fn access_keys_are_cut_at_their_bound() {
    let cut = |key: String| {
        let header = format!("authorization: AWS {key}:sig");
        good("PUT /b/k", &[&header]).access_key.unwrap().len()
    };
    assert_eq!(cut("k".repeat(MAX_ACCESS_KEY)), MAX_ACCESS_KEY);
    assert_eq!(cut("k".repeat(MAX_ACCESS_KEY + 1)), MAX_ACCESS_KEY);
    assert_eq!(cut(format!("k{}", "é".repeat(MAX_ACCESS_KEY))), MAX_ACCESS_KEY - 1);
}

#[test]
fn writes_are_signed_once() {
    let header = format!("authorization: {V4}");
    let query = "PUT /b/k?X-Amz-Credential=AK&X-Amz-Signature=0";
    refused(query, &[&header], Refusal::TwoSignatures);
    refused("PUT /b/k?AWSAccessKeyId=AK", &[&header], Refusal::TwoSignatures);
    refused("PUT /b/k?AWSAccessKeyId=AK&X-Amz-Signature=0", &[], Refusal::TwoSignatures);
    good(query, &["authorization: Basic eA=="]);
    good(&query.replace("PUT", "GET"), &[&header]);
}
