//! Every way in which a SigV4 signature is none.

use super::aws::{get_object, presigned};
use super::errors::{Bend, answers, authorization, query};
use super::*;

const HEADER_PARTS: &str = "The authorization header is malformed; the authorization header \
    requires three components: Credential, SignedHeaders, and Signature.";
const HEADER_CREDENTIAL: &str = "The authorization header is malformed; the Credential is \
    mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
const HEADER_SIGNED: &str = "The authorization header is malformed; the signed headers must be \
    lower-case names in ascending order.";

#[test]
fn malformed_headers_are_told() {
    let table: [(Bend, &str); 20] = [
        (|s| authorization(s, "Credential=", ""), HEADER_PARTS),
        (|s| authorization(s, "SignedHeaders=", "Signedheaders="), HEADER_PARTS),
        (|s| authorization(s, ",Signature=", ",Signature=0,Signature="), HEADER_PARTS),
        (|s| authorization(s, ",Signature=", ",Extra=0,Signature="), HEADER_PARTS),
        (|s| authorization(s, ",Signature=", " Signature="), HEADER_PARTS),
        (|s| authorization(s, ",Signature=", ",,Signature="), HEADER_PARTS),
        (|s| s.set("authorization", "AWS4-HMAC-SHA256"), HEADER_PARTS),
        (|s| authorization(s, "/s3/", "/"), HEADER_CREDENTIAL),
        (|s| authorization(s, "AKIAIOSFODNN7EXAMPLE", ""), HEADER_CREDENTIAL),
        (
            |s| authorization(s, "/us-east-1/", "/eu-west-1/"),
            "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting \
             'us-east-1'",
        ),
        (
            |s| authorization(s, "/s3/", "/ec2/"),
            "The authorization header is malformed; incorrect service \"ec2\". This endpoint \
             belongs to \"s3\".",
        ),
        (
            |s| authorization(s, "aws4_request", "aws4_reqest"),
            "The authorization header is malformed; incorrect terminal \"aws4_reqest\". This \
             endpoint uses \"aws4_request\".",
        ),
        (
            |s| authorization(s, "/20130524/", "/20130523/"),
            "The authorization header is malformed; Invalid credential date \"20130523\". This \
             date is not the same as X-Amz-Date: \"20130524\".",
        ),
        (|s| authorization(s, "=host;", "=Host;"), HEADER_SIGNED),
        (|s| authorization(s, "=host;range;", "=range;host;"), HEADER_SIGNED),
        (|s| authorization(s, "=host;", "=host;host;"), HEADER_SIGNED),
        (|s| authorization(s, "=host;", "=;host;"), HEADER_SIGNED),
        (
            |s| {
                authorization(
                    s,
                    "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date",
                    "SignedHeaders=",
                )
            },
            HEADER_SIGNED,
        ),
        (
            |s| authorization(s, "=f0e8bdb", "=F0E8BDB"),
            "The authorization header is malformed; the signature must be 64 lower-case hex \
             digits.",
        ),
        (
            |s| authorization(s, "=f0e8bdb", "=0e8bdb"),
            "The authorization header is malformed; the signature must be 64 lower-case hex \
             digits.",
        ),
    ];
    for (bend, message) in table {
        let mut sample = get_object();
        bend(&mut sample);
        let region = if message.contains("region") { "<Region>us-east-1</Region>" } else { "" };
        answers(&sample, then(), "AuthorizationHeaderMalformed", message, &[region]);
    }
}

/// Whatever an SDK puts between the parts.
#[test]
fn parts_come_as_clients_write_them() {
    for (from, to) in
        [(",", ", "), (",", " , "), ("256 C", "256   C"), (",SignedHeaders", ",  SignedHeaders")]
    {
        let mut sample = get_object();
        authorization(&mut sample, from, to);
        sample.verify_then().unwrap();
    }
    let mut sample = get_object();
    let value = sample.headers["authorization"].to_str().unwrap();
    let (scheme, parts) = value.split_once(' ').unwrap();
    let turned: Vec<&str> = parts.split(',').rev().collect();
    let turned = format!("{scheme} {}", turned.join(","));
    sample.set("authorization", &turned);
    sample.verify_then().unwrap();
}

const QUERY_PARTS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
    X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires \
    parameters.";
const QUERY_EXPIRES: &str = "X-Amz-Expires should be a number of seconds above 0";
const QUERY_WEEK: &str = "X-Amz-Expires must be less than a week (in seconds); that is, the given \
    X-Amz-Expires must be less than 604800 seconds";
const QUERY_DATE: &str = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"";

#[test]
fn malformed_queries_are_told() {
    let table: [(Bend, &str); 21] = [
        (|s| query(s, "X-Amz-Algorithm=", "X-Amz-Algorithms="), QUERY_PARTS),
        (|s| query(s, "X-Amz-Credential=", "Credential="), QUERY_PARTS),
        (|s| query(s, "X-Amz-Date=", "Date="), QUERY_PARTS),
        (|s| query(s, "X-Amz-Expires=", "Expires="), QUERY_PARTS),
        (|s| query(s, "X-Amz-SignedHeaders=", "x="), QUERY_PARTS),
        (|s| query(s, "X-Amz-Signature=", "x="), QUERY_PARTS),
        (|s| query(s, "&X-Amz-Expires=", "&X-Amz-Expires=1&X-Amz-Expires="), QUERY_PARTS),
        (|s| query(s, "&X-Amz-Expires=", "&x-amz-expires=1&X-Amz-Expires="), QUERY_PARTS),
        (
            |s| query(s, "=AWS4-HMAC-SHA256", "=AWS4-HMAC-SHA1"),
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
        ),
        (
            |s| query(s, "%2Fs3%2F", "%2F"),
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; \
             expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        (
            |s| query(s, "us-east-1", "us-west-1"),
            "Error parsing the X-Amz-Credential parameter; the region 'us-west-1' is wrong; \
             expecting 'us-east-1'",
        ),
        (
            |s| query(s, "%2Fs3%2F", "%2Fs4%2F"),
            "Error parsing the X-Amz-Credential parameter; incorrect service \"s4\". This \
             endpoint belongs to \"s3\".",
        ),
        (
            |s| query(s, "aws4_request", "aws5_request"),
            "Error parsing the X-Amz-Credential parameter; incorrect terminal \"aws5_request\". \
             This endpoint uses \"aws4_request\".",
        ),
        (
            |s| query(s, "%2F20130524%2F", "%2F20130525%2F"),
            "Invalid credential date \"20130525\". This date is not the same as X-Amz-Date: \
             \"20130524\".",
        ),
        (|s| query(s, "Date=20130524T000000Z", "Date=2013-05-24"), QUERY_DATE),
        (|s| query(s, "Date=20130524T000000Z", "Date=20130524T250000Z"), QUERY_DATE),
        (|s| query(s, "=86400", "=1d"), QUERY_EXPIRES),
        (|s| query(s, "=86400", "=0"), QUERY_EXPIRES),
        (|s| query(s, "=86400", "=604801"), QUERY_WEEK),
        (|s| query(s, "=86400", "=99999999999999999999"), QUERY_WEEK),
        (
            |s| query(s, "Headers=host", "Headers=host%3Bdate"),
            "the signed headers must be \
            lower-case names in ascending order.",
        ),
    ];
    for (bend, message) in table {
        let mut sample = presigned();
        bend(&mut sample);
        let region = if message.contains("region") { "<Region>us-east-1</Region>" } else { "" };
        answers(&sample, then(), "AuthorizationQueryParametersError", message, &[region]);
    }
}
