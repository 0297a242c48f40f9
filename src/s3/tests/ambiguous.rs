//! Every shape of a write that stores are known to read in different ways, and its refusal.

use super::*;

const SIGNED: &str = "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// Each on its own line: the request, a header, why it is refused.
const SHAPES: &[(&str, &str, Refusal)] = &[
    // Query keys that come twice, in another case, or encoded.
    ("PUT /b/k?uploadId=U&uploadId=U&partNumber=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?uploadid=U&partNumber=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?upload%49d=U&uploadId=U&partNumber=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?partNumber=1&partNumber=2&uploadId=U", "a: b", Refusal::QueryKey),
    ("PUT /b/k?PartNumber=1&uploadId=U", "a: b", Refusal::QueryKey),
    ("PUT /b/k?part%4Eumber=1&partNumber=2&uploadId=U", "a: b", Refusal::QueryKey),
    ("POST /b/k?uploads&uploads=", "a: b", Refusal::QueryKey),
    ("POST /b/k?Uploads", "a: b", Refusal::QueryKey),
    ("PUT /b/k?append&append", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Append&position=0", "a: b", Refusal::QueryKey),
    ("PUT /b/k?append&position=0&position=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?append&Position=0", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Modify&position=0", "a: b", Refusal::QueryKey),
    ("PUT /b/k?upload_id=U&upload_id=V", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Upload_Id=U", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Compose", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Multipart-Manifest=put", "a: b", Refusal::QueryKey),
    ("PUT /b/k?EXTRACT-ARCHIVE=tar", "a: b", Refusal::QueryKey),
    ("PUT /b/k?renameobject", "a: b", Refusal::QueryKey),
    ("PUT /b/k?Annotation", "a: b", Refusal::QueryKey),
    ("PUT /b/k?X-Amz-Date=1&X-Amz-Date=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?X-Amz-Date=1&x-amz-date=1", "a: b", Refusal::QueryKey),
    ("PUT /b/k?X-Amz-Acl=1&X-Amz-A%63l=1", "a: b", Refusal::QueryKey),
    // Semicolons and escapes.
    ("PUT /b/k?a=1;uploadId=U", "a: b", Refusal::QueryKey),
    ("PUT /b/k?a;b", "a: b", Refusal::QueryKey),
    ("PUT /b/k?a=%", "a: b", Refusal::PercentEscape),
    ("PUT /b/k?a=%2", "a: b", Refusal::PercentEscape),
    ("PUT /b/k?%zz", "a: b", Refusal::PercentEscape),
    ("PUT /b/k%", "a: b", Refusal::PercentEscape),
    ("PUT /b/%zz", "a: b", Refusal::PercentEscape),
    ("PUT /b/%2", "a: b", Refusal::PercentEscape),
    ("PUT /b%/k", "a: b", Refusal::Bucket),
    ("PUT /b%2Fc/k", "a: b", Refusal::Bucket),
    ("PUT //b/k", "a: b", Refusal::Bucket),
    // Part numbers.
    ("PUT /b/k?partNumber=&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=0&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=01&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=+1&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=%31&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=100000&uploadId=U", "a: b", Refusal::PartNumber),
    ("PUT /b/k?partNumber=1", "a: b", Refusal::PartAddress),
    ("PUT /b/k?uploadId=U", "a: b", Refusal::PartAddress),
    // Underscores, which Ceph RGW takes for dashes.
    ("PUT /b/k", "x_amz_acl: a", Refusal::UnderscoreS3Twin),
    ("PUT /b/k", "x-amz-copy_source: a/b", Refusal::UnderscoreS3Twin),
    ("PUT /b/k", "x-amz-write_offset-bytes: 0", Refusal::UnderscoreS3Twin),
    ("PUT /b/k", "content_range: bytes 0-1/2", Refusal::UnderscoreS3Twin),
    // Framings.
    ("POST /b/k", SIGNED, Refusal::StreamingPost),
    ("PUT /b/k?AWSAccessKeyId=A&Signature=s&Expires=1", SIGNED, Refusal::StreamingV2),
    ("PUT /b/k?X-Amz-Content-Sha256=STREAMING-X", "a: b", Refusal::StreamingQuery),
    ("PUT /b/k", "x-amz-content-sha256: STREAMING-X", Refusal::StreamingUnknown),
    ("PUT /b/k", "x-amz-content-sha256: streaming-x", Refusal::StreamingUnknown),
    ("PUT /b/k", "content-encoding: aws-chunked", Refusal::AwsChunkedAlone),
    ("PUT /b/k", "content-encoding: gzip,AWS-chunked", Refusal::AwsChunkedAlone),
    ("PUT /b/k", "x-amz-decoded-content-length: 1", Refusal::DecodedLengthAlone),
    ("PUT /b/k?X-Amz-Decoded-Content-Length=1", "a: b", Refusal::DecodedLengthAlone),
    // Methods.
    ("put /b/k", "a: b", Refusal::Method),
    ("MKCOL /b/k", "a: b", Refusal::Method),
];

#[test]
fn every_ambiguous_shape_is_refused() {
    for (line, header, refusal) in SHAPES {
        refused(line, &[header], *refusal);
    }
}

#[test]
fn headers_that_tell_a_store_what_to_do_come_once() {
    for name in [
        "host",
        "content-encoding",
        "content-type",
        "content-range",
        "range",
        "authorization",
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-copy-source-range",
        "x-amz-write-offset-bytes",
        "x-amz-acl",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-tagging",
        "x-amz-trailer",
        "x-amz-anything",
        "x-goog-copy-source",
        "x-goog-resumable",
    ] {
        for values in [["a", "a"], ["a", "b"]] {
            let headers = values.map(|value| format!("{name}: {value}"));
            // Others may come between them.
            let headers = [headers[0].as_str(), "x-y: z", headers[1].as_str()];
            let refusal = read("PUT /b/k", &headers).unwrap_err();
            let twice = matches!(refusal, Refusal::DuplicateHeader | Refusal::DuplicateS3Header);
            assert!(twice, "{name}: {refusal:?}");
        }
    }
    for name in ["x-amz-meta-a", "x-amz-meta-x-amz-key", "x-other", "accept"] {
        good("PUT /b/k", &[&format!("{name}: a"), &format!("{name}: b")]);
    }
    good("GET /b/k", &["x-amz-acl: a", "x-amz-acl: b"]);
}
