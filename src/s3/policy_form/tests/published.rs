//! The examples of AWS's pages, and forms that botocore has signed.

use super::*;

/// The example of "Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)".
const V4_POLICY: &str = r#"{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}"#;

/// The example of "Upload examples (AWS signature version 2)".
const V2_POLICY: &str = r#"{ "expiration": "2007-12-01T12:00:00.000Z",
  "conditions": [
    {"bucket": "johnsmith"},
    ["starts-with", "$key", "user/eric/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://johnsmith.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    ["starts-with", "$x-amz-meta-tag", ""]
  ]
}
"#;

/// Runs a form that `client` signed, and what comes of it once more as the store does, which knows
/// the gate's secret. Gives the form as it goes to the store.
#[track_caller]
fn check_both_ways(terms: &FormTerms, client: &Credentials, form: &[u8]) -> Vec<u8> {
    let Outcome { out, grown, policy, end } = every_way(terms, client, form);
    assert_eq!(end, Ok(()));
    assert_eq!(grown, Some(out.len() as i64 - form.len() as i64));
    let store = FormTerms { region: Some("garage".to_owned()), ..terms.clone() };
    let again = run(&store, &identity(), &identity(), &[&out]);
    assert_eq!(again.end, Ok(()), "{}", String::from_utf8_lossy(&out));
    assert_eq!(again.out, out, "signed anew with the same key in the same scope");
    let bounds = |policy: Option<Policy>| policy.unwrap().file_length();
    assert_eq!(bounds(again.policy), bounds(policy));
    out
}

#[test]
fn the_form_that_aws_publishes_passes() {
    let policy = STANDARD.encode(V4_POLICY.replace('\n', "\r\n"));
    let redirect = "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html";
    let form = form(&[
        ("key", "user/user1/${filename}"),
        ("acl", "public-read"),
        ("success_action_redirect", redirect),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20151229T000000Z"),
        ("x-amz-meta-tag", ""),
        ("Policy", &policy),
        ("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
    ]);
    let terms = FormTerms {
        bucket: "sigv4examplebucket".to_owned(),
        now: moment("2015-12-29T12:00:00Z"),
        ..terms()
    };
    check_both_ways(&terms, &client(), &form);
}

#[test]
fn the_older_form_that_aws_publishes_passes() {
    let policy = STANDARD.encode(V2_POLICY);
    let form = form(&[
        ("key", "user/eric/MyPicture.jpg"),
        ("acl", "public-read"),
        ("success_action_redirect", "http://johnsmith.s3.amazonaws.com/successful_upload.html"),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-meta-tag", "Some,Tag,For,Picture"),
        ("AWSAccessKeyId", ACCESS_KEY),
        ("Policy", &policy),
        ("Signature", "0RavWzkygo6QX9caELEqKi9kDbU="),
    ]);
    let terms = FormTerms {
        bucket: "johnsmith".to_owned(),
        now: moment("2007-11-30T12:00:00Z"),
        ..terms()
    };
    let client = credentials(ACCESS_KEY, "uV3F3YluFJax1cknvbcGwgjvx4QpvB+leU8dUj2o", None);
    let out = check_both_ways(&terms, &client, &form);
    let text = String::from_utf8(out).unwrap();
    for name in ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy"] {
        assert!(text.contains(&format!("name=\"{name}\"")), "{name}");
    }
    for name in ["AWSAccessKeyId", "\"Signature\"", "\"Policy\""] {
        assert!(!text.contains(name), "{name}");
    }
}

/// A form of tests/vectors/forms.txt.
#[derive(serde::Deserialize)]
struct Vector {
    version: String,
    access_key: String,
    secret: String,
    token: Option<String>,
    region: String,
    now: String,
    bucket: String,
    fields: Vec<(String, String)>,
}

#[test]
fn forms_that_botocore_signed_pass() {
    let vectors = include_str!("../../../../tests/vectors/forms.txt");
    let vectors = vectors.lines().filter(|line| !line.starts_with('#'));
    let vectors: Vec<Vector> = vectors.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let fields = vector.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form = form(&fields.collect::<Vec<_>>());
        let now = moment(&vector.now);
        let terms = FormTerms { bucket: vector.bucket, region: Some(vector.region), now };
        let client = credentials(&vector.access_key, &vector.secret, vector.token.as_deref());
        let out = check_both_ways(&terms, &client, &form);
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("AWSAccessKeyId") && !text.contains("x-amz-security-token"));

        let stranger = credentials(&vector.access_key, "another", vector.token.as_deref());
        let end = run(&terms, &stranger, &identity(), &[&form]).end;
        assert_eq!(end, Err(PolicyError::Signature), "{}", vector.version);
        let expired = FormTerms { now: now + std::time::Duration::from_secs(600), ..terms };
        let end = run(&expired, &client, &identity(), &[&form]).end;
        assert_eq!(end, Err(PolicyError::Expired));
    }
}
