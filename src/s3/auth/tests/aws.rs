//! What AWS publishes.

use super::super::v2::{Habits, string_to_sign};
use super::*;
use crate::digest::Sha256;
use crate::s3::base64;
use crate::s3::sigv2::seal_v2;

const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A GET of the page on the Authorization header of SigV4.
pub(super) fn get_object() -> Sample {
    let authorization = "authorization: AWS4-HMAC-SHA256 \
        Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
        SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
        Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let digest = format!("x-amz-content-sha256: {NOTHING}");
    let headers = [
        "host: examplebucket.s3.amazonaws.com",
        authorization,
        "range: bytes=0-9",
        &digest,
        "x-amz-date: 20130524T000000Z",
    ];
    Sample { domain: "s3.amazonaws.com", ..Sample::new("GET /test.txt", &headers) }
}

/// The GET of the page on query parameters of SigV4.
pub(super) fn presigned() -> Sample {
    let line = "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let sample = Sample::new(line, &["host: examplebucket.s3.amazonaws.com"]);
    Sample { domain: "s3.amazonaws.com", ..sample }
}

/// The GET of the REST page on query parameters of SigV2, with the bucket that it was computed for.
pub(super) fn presigned_v2() -> Sample {
    let line = "GET /photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
        &Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
    let sample = Sample::new(line, &["host: johnsmith.s3.us-west-1.amazonaws.com"]);
    Sample { domain: "s3.us-west-1.amazonaws.com", ..sample }
}

#[test]
fn v4_in_the_header_holds() {
    let proof = get_object().verify_then().unwrap();
    assert_eq!(proof.access_key, ACCESS_KEY);
    assert_eq!(proof.payload, Payload::Sha256(NOTHING.parse::<Sha256>().unwrap()));
    assert!(proof.chunks.is_none());
    let sample = get_object();
    sample.verify(&credentials(None), Some("us-east-1"), then()).unwrap();
}

#[test]
fn a_put_with_a_date_of_its_own_holds() {
    let digest = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let mut sample = get_object();
    (sample.method, sample.path) = ("PUT".to_owned(), "/test$file.text".to_owned());
    sample.headers.remove("range");
    sample.set("x-amz-content-sha256", digest);
    sample.append("date: Fri, 24 May 2013 00:00:00 GMT");
    sample.append("x-amz-storage-class: REDUCED_REDUNDANCY");
    sample.set(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
         Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    let proof = sample.verify_then().unwrap();
    assert_eq!(proof.payload, Payload::Sha256(digest.parse().unwrap()));
}

#[test]
fn chunks_begin_with_the_head() {
    let headers = [
        "host: s3.amazonaws.com",
        "x-amz-date: 20130524T000000Z",
        "x-amz-storage-class: REDUCED_REDUNDANCY",
        "authorization: AWS4-HMAC-SHA256 \
         Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
         x-amz-decoded-content-length;x-amz-storage-class,\
         Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "content-encoding: aws-chunked",
        "x-amz-decoded-content-length: 66560",
        "content-length: 66824",
    ];
    let sample = Sample::new("PUT /examplebucket/chunkObject.txt", &headers);
    let proof = Sample { domain: "s3.amazonaws.com", ..sample }.verify_then().unwrap();
    assert_eq!(proof.payload, Payload::SignedChunks { trailer: false });
    let seed = proof.chunks.unwrap();
    let first = crate::s3::sigv4::sha256(&[b'a'; 64 * 1024]);
    assert_eq!(
        seed.chain().chunk(first).to_string(),
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
    );
}

#[test]
fn v4_in_the_query_holds_for_its_life() {
    for age in [0, 1, 86_400] {
        let now = then() + seconds(age);
        let proof = presigned().verify(&credentials(None), Some("us-east-1"), now).unwrap();
        assert_eq!(proof.payload, Payload::Unsigned);
    }
    presigned().verify(&credentials(None), None, then() - seconds(MAX_SKEW_S)).unwrap();
}

/// The examples of the REST page: the request and its signature.
const V2_EXAMPLES: [(&str, &[&str], &str, &str); 6] = [
    (
        "GET /photos/puppy.jpg",
        &[
            "host: awsexamplebucket1.us-west-1.s3.amazonaws.com",
            "date: Tue, 27 Mar 2007 19:36:42 +0000",
        ],
        "us-west-1.s3.amazonaws.com",
        "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
    ),
    (
        "PUT /photos/puppy.jpg",
        &[
            "content-type: image/jpeg",
            "content-length: 94328",
            "host: awsexamplebucket1.s3.us-west-1.amazonaws.com",
            "date: Tue, 27 Mar 2007 21:15:45 +0000",
        ],
        "s3.us-west-1.amazonaws.com",
        "iqRzw+ileNPu1fhspnRs8nOjjIA=",
    ),
    (
        "GET /?prefix=photos&max-keys=50&marker=puppy",
        &[
            "host: awsexamplebucket1.s3.us-west-1.amazonaws.com",
            "date: Tue, 27 Mar 2007 19:42:41 +0000",
        ],
        "s3.us-west-1.amazonaws.com",
        "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
    ),
    (
        "GET /?acl",
        &[
            "host: awsexamplebucket1.s3.us-west-1.amazonaws.com",
            "date: Tue, 27 Mar 2007 19:44:46 +0000",
        ],
        "s3.us-west-1.amazonaws.com",
        "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
    ),
    (
        "GET /",
        &["host: s3.us-west-1.amazonaws.com", "date: Wed, 28 Mar 2007 01:29:59 +0000"],
        "s3.us-west-1.amazonaws.com",
        "qGdzdERIC03wnaRNKh6OqZehG9s=",
    ),
    (
        "GET /dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
        &["host: s3.us-west-1.amazonaws.com", "date: Wed, 28 Mar 2007 01:49:49 +0000"],
        "s3.us-west-1.amazonaws.com",
        "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
    ),
];

#[test]
fn v2_in_the_header_holds() {
    for (line, headers, domain, signature) in V2_EXAMPLES {
        let mut sample = Sample { domain, ..Sample::new(line, headers) };
        sample.set("authorization", &format!("AWS {ACCESS_KEY}:{signature}"));
        let date = sample.headers["date"].to_str().unwrap();
        let now = super::super::date::parse(date).unwrap() + seconds(MAX_SKEW_S);
        let proof = sample.verify(&credentials(None), None, now);
        let proof = proof.unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(proof.payload, Payload::Unsigned);
    }
}

#[test]
fn v2_in_the_query_holds_to_its_end() {
    let end = SystemTime::UNIX_EPOCH + seconds(1_175_139_620);
    for now in [end, end - seconds(3600), SystemTime::UNIX_EPOCH] {
        presigned_v2().verify(&credentials(None), None, now).unwrap();
    }
}

/// The two examples whose requests don't lead to what the page signs: a bucket that is a host of its
/// own, and a date that stands in `x-amz-date` and is signed as if it didn't. (By the page's text and
/// to every client, `x-amz-date` is signed as a header and leaves the date empty.) The bucket of the
/// first is the one that its signature was computed for.
#[test]
fn v2_signs_headers_by_name() {
    let headers = [
        "host: static.johnsmith.net:8080",
        "date: Tue, 27 Mar 2007 21:06:08 +0000",
        "x-amz-acl: public-read",
        "content-type: application/x-download",
        "Content-MD5: 4gJE4saaMU4BqNR0kLY+lw==",
        "X-Amz-Meta-ReviewedBy: joe@johnsmith.net",
        "X-Amz-Meta-ReviewedBy: jane@johnsmith.net",
        "X-Amz-Meta-FileChecksum: 0x02661779",
        "X-Amz-Meta-ChecksumAlgorithm: crc32",
        "Content-Disposition: attachment; filename=database.dat",
        "Content-Encoding: gzip",
    ];
    let sample = Sample::new("PUT /db-backup.dat.gz", &headers);
    let bucket = Some("static.johnsmith.net");
    let text = string_to_sign(&sample.head(), bucket, None, Habits::default());
    let seal = seal_v2(&Secret::new(SECRET), &text);
    assert_eq!(base64(&seal), "ilyl83RwaSoYIEdixDQcA4OnAnc=");

    let date = "x-amz-date: Tue, 27 Mar 2007 21:20:26 +0000";
    let headers = ["host: s3.example", "date: Tue, 27 Mar 2007 21:20:27 +0000", date];
    let sample = Sample::new("DELETE /awsexamplebucket1/photos/puppy.jpg", &headers);
    let text = string_to_sign(&sample.head(), None, None, Habits::default());
    let expected = "DELETE\n\n\n\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\n\
                    /awsexamplebucket1/photos/puppy.jpg";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    let printed =
        "DELETE\n\n\nTue, 27 Mar 2007 21:20:26 +0000\n/awsexamplebucket1/photos/puppy.jpg";
    let seal = seal_v2(&Secret::new(SECRET), printed.as_bytes());
    assert_eq!(base64(&seal), "XbyTlbQdu9Xw5o8P4iMwPktxQd8=");
}
