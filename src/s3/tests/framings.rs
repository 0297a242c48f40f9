use super::*;
use crate::digest::{Digest, Md5};
use crate::framing::ChunkedPlan;

const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

#[test]
fn framings_are_recognised() {
    for (token, signed, trailer) in
        [(UNSIGNED_TRAILER, false, true), (SIGNED, true, false), (SIGNED_TRAILER, true, true)]
    {
        let token = format!("x-amz-content-sha256: {token}");
        let decoded = "x-amz-decoded-content-length: 5";
        let plan = ChunkedPlan { signed, trailer, decoded_length: Some(5) };
        let whole = good("PUT /b/k", &[&token, decoded, "content-length: 99"]).body;
        assert_eq!(whole, BodyPlan::AwsChunked { plan, encoded_length: Some(99) });
        assert_eq!((whole.payload_length(), whole.wire_length()), (Some(5), Some(99)));
        let coding = "content-encoding: gzip,aws-chunked";
        let chunked = ["transfer-encoding: chunked", &token, decoded, coding];
        let streamed = good("PUT /b/k", &chunked).body;
        assert_eq!(streamed, BodyPlan::AwsChunked { plan, encoded_length: None });
        let plan = ChunkedPlan { decoded_length: None, ..plan };
        let undeclared = good("PUT /b/k", &[&token, "content-length: 99"]).body;
        assert_eq!(undeclared, BodyPlan::AwsChunked { plan, encoded_length: Some(99) });
        assert_eq!(undeclared.payload_length(), None);
    }
}

#[test]
fn ambiguous_framings_are_refused() {
    let streaming = format!("x-amz-content-sha256: {SIGNED}");
    let streaming = streaming.as_str();
    refused("PUT /b/k", &[streaming, "authorization: AWS AK:sig"], Refusal::StreamingV2);
    let v2 = "PUT /b/k?AWSAccessKeyId=AK&Signature=s&Expires=1";
    refused(v2, &[streaming], Refusal::StreamingV2);
    refused("POST /b", &[streaming], Refusal::StreamingPost);
    let form = "content-type: multipart/form-data; boundary=x";
    refused("POST /b", &[streaming, form], Refusal::StreamingPost);
    let query = format!("PUT /b/k?X-Amz-Content-Sha256={SIGNED}");
    refused(&query, &[], Refusal::StreamingQuery);
    refused(&query, &["x-amz-content-sha256: UNSIGNED-PAYLOAD"], Refusal::StreamingQuery);
    refused("PUT /b/k?x-amz-content-sha256=%53TREAMING-X", &[], Refusal::StreamingQuery);
    let hoisted = "PUT /b/k?x-amz-content-sha256=UNSIGNED-PAYLOAD";
    refused(hoisted, &[streaming], Refusal::StreamingQuery);
    good(&query, &[streaming]);
    good(hoisted, &[]);
    for token in ["STREAMING-X", "streaming-unsigned-payload-trailer", "STREAMING-", "xSTREAMING-"]
    {
        let token = format!("x-amz-content-sha256: {token}");
        refused("PUT /b/k", &[&token], Refusal::StreamingUnknown);
    }
    for end in ["", "-TRAILER"] {
        let v4a = format!("x-amz-content-sha256: STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD{end}");
        refused("PUT /b/k", &[&v4a], Refusal::StreamingV4a);
    }
    // A read may say what it likes about a body that it hasn't got.
    good("GET /b/k", &[streaming, "content-encoding: aws-chunked"]);
}

#[test]
fn framing_companions_need_a_framing() {
    for token in ["x-amz-content-sha256: UNSIGNED-PAYLOAD", "a: b"] {
        for coding in ["aws-chunked", "gzip, AWS-Chunked", "aws-chunked,gzip"] {
            let coding = format!("content-encoding: {coding}");
            refused("PUT /b/k", &[token, &coding], Refusal::AwsChunkedAlone);
        }
        let decoded = "x-amz-decoded-content-length: 5";
        refused("PUT /b/k", &[token, decoded], Refusal::DecodedLengthAlone);
        let query = "PUT /b/k?x-amz-decoded-content-length=5";
        refused(query, &[token], Refusal::DecodedLengthAlone);
        good("PUT /b/k", &[token, "content-encoding: gzip"]);
    }
    let streaming = format!("x-amz-content-sha256: {SIGNED}");
    let other = ["x-amz-decoded-content-length: 6", &streaming];
    refused("PUT /b/k?x-amz-decoded-content-length=5", &other, Refusal::DecodedLengthAlone);
    good("PUT /b/k?x-amz-decoded-content-length=6", &other);
}

#[test]
fn decoded_lengths_are_plain_numbers() {
    let streaming = format!("x-amz-content-sha256: {SIGNED}");
    for length in ["", "-1", "+1", "0x1", "01", "00", "1.0", "1 1", "9223372036854775808"] {
        let header = format!("x-amz-decoded-content-length: {length}");
        refused("PUT /b/k", &[&streaming, &header], Refusal::DecodedLength);
    }
    for (length, value) in [("0", 0), ("10", 10), ("9223372036854775807", i64::MAX as u64)] {
        let header = format!("x-amz-decoded-content-length: {length}");
        let body = good("PUT /b/k", &[&streaming, &header]).body;
        assert_eq!(body.payload_length(), Some(value));
    }
}

#[test]
fn declared_digests_are_read_on_writes() {
    let md5 = Md5([7; 16]);
    let header = format!("content-md5: {}", base64(md5.as_bytes()));
    let declared = good("PUT /b/k", &[&header]).declared;
    assert_eq!(declared.iter().collect::<Vec<_>>(), [Digest::Md5(md5)]);
    assert_eq!(good("GET /b/k", &[&header]).declared, Declared::default());
    good("PUT /b/k", &["content-md5: nonsense", "x-amz-content-sha256: e3b0"]);
}
