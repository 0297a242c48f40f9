//! Every error, what leads to it and what it says.

use super::aws::{get_object, presigned, presigned_v2};
use super::*;

/// A change to a request that was well signed.
pub(super) type Bend = fn(&mut Sample);

#[track_caller]
pub(super) fn answers(
    sample: &Sample,
    now: SystemTime,
    code: &str,
    message: &str,
    details: &[&str],
) {
    let error = sample.verify(&credentials(None), Some("us-east-1"), now).unwrap_err();
    assert_eq!((error.code().name(), &*error.message()), (code, message), "{sample:?}");
    assert_eq!(error.status(), error.code().status());
    assert_eq!(error.to_string(), message);
    let xml = error.xml("/r", "R1", "H1", now);
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>";
    assert!(xml.starts_with(&format!("{start}{code}</Code><Message>")), "{xml}");
    let end = "<Resource>/r</Resource><RequestId>R1</RequestId><HostId>H1</HostId></Error>";
    assert!(xml.ends_with(end), "{xml}");
    for detail in details {
        assert!(xml.contains(detail), "{detail} in {xml}");
    }
    for shown in [xml, format!("{error:?} {error}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

/// Text of the Authorization header, replaced.
pub(super) fn authorization(sample: &mut Sample, from: &str, to: &str) {
    let value = sample.headers["authorization"].to_str().unwrap();
    assert!(value.contains(from), "{from} in {value}");
    let value = value.replace(from, to);
    sample.set("authorization", &value);
}

/// Text of the query, replaced.
pub(super) fn query(sample: &mut Sample, from: &str, to: &str) {
    let query = sample.query.as_mut().unwrap();
    assert!(query.contains(from), "{from} in {query}");
    *query = query.replace(from, to);
}

#[test]
fn other_ways_to_sign_are_told() {
    let scheme = "Unsupported Authorization Type";
    let v2 = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature";
    let two = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
        Signature query string parameter or the Authorization header should be specified";
    let missing = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
        parameters";
    let v4a = "Signatures of version 4A are not supported.";
    let table: [(Bend, &str, &str); 16] = [
        (|s| s.set("authorization", "Basic dTpw"), "InvalidArgument", scheme),
        (|s| s.set("authorization", "GOOG4-HMAC-SHA256 x"), "InvalidArgument", scheme),
        (|s| s.set("authorization", "aws4-hmac-sha256 x"), "InvalidArgument", scheme),
        (|s| s.set("authorization", ""), "InvalidArgument", scheme),
        (|s| s.set("authorization", "AWS4-ECDSA-P256-SHA256 Credential=x"), "NotImplemented", v4a),
        (|s| s.set("authorization", "AWS"), "InvalidArgument", v2),
        (|s| s.set("authorization", "AWS AKID"), "InvalidArgument", v2),
        (|s| s.set("authorization", "AWS :qgk2+6Sv9/oM7G3qLEjTH1a1l1g="), "InvalidArgument", v2),
        (|s| s.set("authorization", "AWS AKID:qgk2+6Sv9/oM7G3qLEjTH1a1l1g"), "InvalidArgument", v2),
        (|s| s.query = Some("X-Amz-Signature=0".into()), "InvalidArgument", two),
        (|s| s.query = Some("x-amz-algorithm=0".into()), "InvalidArgument", two),
        (|s| s.query = Some("AWSAccessKeyId=0".into()), "InvalidArgument", two),
        (|s| s.query = Some("Signature=0".into()), "InvalidArgument", two),
        (
            |s| {
                *s = presigned();
                query(s, "=AWS4-HMAC-SHA256", "=AWS4-ECDSA-P256-SHA256");
            },
            "NotImplemented",
            v4a,
        ),
        (
            |s| {
                *s = presigned_v2();
                query(s, "&Expires=1175139620", "");
            },
            "AccessDenied",
            missing,
        ),
        (
            |s| {
                *s = presigned_v2();
                query(s, "Expires=1175139620", "Expires=tomorrow");
            },
            "AccessDenied",
            "Invalid date (should be seconds since epoch)",
        ),
    ];
    for (bend, code, message) in table {
        let mut sample = get_object();
        bend(&mut sample);
        answers(&sample, then(), code, message, &[]);
    }
}

#[test]
fn what_is_not_signed_is_told() {
    let message = "There were headers present in the request which were not signed";
    let table: [(Bend, &str); 6] = [
        (|s| s.append("x-amz-meta-b: 1"), "x-amz-meta-b"),
        (
            |s| {
                s.append("x-amz-meta-b: 1");
                s.append("x-amz-copy-source: b/k");
            },
            "x-amz-copy-source, x-amz-meta-b",
        ),
        (|s| authorization(s, "=host;", "="), "host"),
        (|s| authorization(s, ";x-amz-content-sha256", ""), "x-amz-content-sha256"),
        (
            |s| {
                *s = presigned();
                s.append("x-amz-acl: public-read");
            },
            "x-amz-acl",
        ),
        (
            |s| {
                *s = presigned();
                query(s, "Headers=host", "Headers=range");
                s.append("x-amz-security-token: t");
            },
            "host, x-amz-security-token",
        ),
    ];
    for (bend, names) in table {
        let mut sample = get_object();
        bend(&mut sample);
        let detail = format!("<HeadersNotSigned>{names}</HeadersNotSigned>");
        answers(&sample, then(), "AccessDenied", message, &[&detail]);
    }
}

#[test]
fn a_presigned_body_may_say_that_it_is_unsigned() {
    let mut sample = presigned();
    sample.append("x-amz-content-sha256: UNSIGNED-PAYLOAD");
    sample.verify_then().unwrap();
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    sample.set("x-amz-content-sha256", nothing);
    assert!(matches!(sample.verify_then(), Err(AuthError::Mismatch(_))));
}

#[test]
fn payload_tokens_are_told() {
    let missing = "Missing required header for this request: x-amz-content-sha256";
    let mut sample = get_object();
    sample.headers.remove("x-amz-content-sha256");
    answers(&sample, then(), "InvalidRequest", missing, &[]);
    let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
        STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
        STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";
    let table: [Bend; 4] = [
        |s| s.set("x-amz-content-sha256", "0"),
        |s| s.append("x-amz-content-sha256: UNSIGNED-PAYLOAD"),
        |s| {
            *s = presigned();
            query(s, "&X-Amz-Expires", "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Expires");
            s.append("x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER");
        },
        |s| {
            *s = presigned();
            query(s, "&X-Amz-Expires", "&X-Amz-Content-Sha256=x&X-Amz-Expires");
        },
    ];
    for bend in table {
        let mut sample = get_object();
        bend(&mut sample);
        let detail = "<ArgumentName>x-amz-content-sha256</ArgumentName>";
        answers(&sample, then(), "InvalidArgument", message, &[detail]);
    }
}

#[test]
fn dates_are_needed() {
    let message = "AWS authentication requires a valid Date or x-amz-date header";
    let table: [Bend; 4] = [
        |s| drop(s.headers.remove("x-amz-date")),
        |s| s.set("x-amz-date", "yesterday"),
        |s| s.set("x-amz-date", "20130532T000000Z"),
        |s| s.append("x-amz-date: 20130524T000000Z"),
    ];
    for bend in table {
        let mut sample = get_object();
        bend(&mut sample);
        answers(&sample, then(), "AccessDenied", message, &[]);
    }
}

#[test]
fn clocks_may_be_off_by_a_quarter_of_an_hour() {
    let message = "The difference between the request time and the current time is too large.";
    for now in [then() - seconds(MAX_SKEW_S), then() + seconds(MAX_SKEW_S)] {
        get_object().verify(&credentials(None), None, now).unwrap();
    }
    for (now, server_time) in [
        (then() - seconds(MAX_SKEW_S + 1), "2013-05-23T23:44:59Z"),
        (then() + seconds(MAX_SKEW_S + 1), "2013-05-24T00:15:01Z"),
    ] {
        let server_time = format!("<ServerTime>{server_time}</ServerTime>");
        let details = [
            "<RequestTime>20130524T000000Z</RequestTime>",
            &server_time,
            "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
        ];
        answers(&get_object(), now, "RequestTimeTooSkewed", message, &details);
    }
}

#[test]
fn queries_hold_for_their_time() {
    let early = then() - seconds(MAX_SKEW_S + 1);
    answers(&presigned(), early, "AccessDenied", "Request is not valid yet", &[]);
    let late = then() + seconds(86_401);
    let details = [
        "<X-Amz-Expires>86400</X-Amz-Expires><Expires>2013-05-25T00:00:00Z</Expires>",
        "<ServerTime>2013-05-25T00:00:01Z</ServerTime>",
    ];
    answers(&presigned(), late, "AccessDenied", "Request has expired", &details);
    let details = [
        "</Message><Expires>2007-03-29T03:40:20Z</Expires>",
        "<ServerTime>2007-03-29T03:40:21Z</ServerTime>",
    ];
    let late = SystemTime::UNIX_EPOCH + seconds(1_175_139_621);
    answers(&presigned_v2(), late, "AccessDenied", "Request has expired", &details);
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your key and signing method.";

#[test]
fn a_mismatch_shows_what_was_signed() {
    let mut sample = get_object();
    sample.set("range", "bytes=1-9");
    let details = [
        "<AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256\n\
         20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n",
        "<SignatureProvided>f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41<",
        "<StringToSignBytes>41 57 53 34 2d 48 4d 41 43 2d",
        "<CanonicalRequest>GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=1-9\n",
        "<CanonicalRequestBytes>47 45 54 0a 2f 74 65 73 74",
    ];
    answers(&sample, then(), "SignatureDoesNotMatch", MISMATCH, &details);

    let mut sample = presigned_v2();
    sample.path.push('x');
    let details = [
        "<StringToSign>GET\n\n\n1175139620\n/johnsmith/photos/puppy.jpgx</StringToSign>",
        "<SignatureProvided>NpgCjnDzrM+WFzoENXmpNDUsSn8=</SignatureProvided>",
        "<StringToSignBytes>47 45 54 0a 0a 0a 31",
    ];
    answers(&sample, SystemTime::UNIX_EPOCH, "SignatureDoesNotMatch", MISMATCH, &details);
    let error = sample.verify(&credentials(None), None, SystemTime::UNIX_EPOCH).unwrap_err();
    assert!(!error.xml("", "", "", then()).contains("CanonicalRequest"));
}

#[test]
fn the_callers_errors_are_answered() {
    let unknown = AuthError::UnknownKey { access_key: "A<B".to_owned() };
    assert_eq!((unknown.code().name(), unknown.status().as_u16()), ("InvalidAccessKeyId", 403));
    let xml = unknown.xml("", "", "", then());
    assert!(xml.contains("<AWSAccessKeyId>A&lt;B</AWSAccessKeyId>"), "{xml}");
    let digest = |byte| crate::digest::Sha256([byte; 32]);
    let body = AuthError::Payload { signed: digest(0x11), computed: digest(0x22) };
    let (code, status) = (body.code().name(), body.status().as_u16());
    assert_eq!((code, status), ("XAmzContentSHA256Mismatch", 400));
    let xml = body.xml("", "", "", then());
    assert!(xml.contains("<ClientComputedContentSHA256>1111"), "{xml}");
    assert!(xml.contains("<S3ComputedContentSHA256>2222"), "{xml}");
    assert_eq!(
        (AuthError::Token.code().name(), AuthError::Token.status().as_u16()),
        ("InvalidToken", 400)
    );
}

#[test]
fn only_the_key_that_signed_verifies() {
    let other = Credentials { access_key: "OTHER".to_owned(), ..credentials(None) };
    let error = get_object().verify(&other, None, then()).unwrap_err();
    assert_eq!(error, AuthError::UnknownKey { access_key: ACCESS_KEY.to_owned() });
}

#[test]
fn a_token_comes_once() {
    let mut sample = get_object();
    sample.append("x-amz-security-token: a");
    sample.append("x-amz-security-token: a");
    assert_eq!(sample.claims(), Err(AuthError::Token));
    let mut sample = presigned();
    query(&mut sample, "&X-Amz-Expires", "&X-Amz-Security-Token=a&X-Amz-Expires");
    assert_eq!(sample.claims().unwrap().unwrap().session_token(), Some("a"));
    sample.append("x-amz-security-token: b");
    assert_eq!(sample.claims(), Err(AuthError::Token));
    query(&mut sample, "Token=a", "Token=b&x-amz-security-token=b");
    assert_eq!(sample.claims(), Err(AuthError::Token));
}

#[test]
fn nobody_signs_what_is_not_signed() {
    for line in ["GET /b/k", "GET /b/k?Expires=1&X-Amz-Date=x&signature=y", "PUT /b/k?versionId=1"]
    {
        assert_eq!(Sample::new(line, &["host: s3.example"]).claims(), Ok(None), "{line}");
    }
}

#[test]
fn claims_keep_signature_and_token_to_themselves() {
    let mut sample = presigned();
    query(&mut sample, "&X-Amz-Expires", "&X-Amz-Security-Token=quiet&X-Amz-Expires");
    let shown = format!("{:?}", sample.claims());
    assert!(shown.contains(ACCESS_KEY));
    assert!(!shown.contains("quiet") && !shown.contains("aeeed9bb"), "{shown}");
    let shown = format!("{:?}", get_object().verify_then());
    assert!(!shown.contains(SECRET), "{shown}");
}
