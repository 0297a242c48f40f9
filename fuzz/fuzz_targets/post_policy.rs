//! Whatever a browser form and its policy say: how the form is cut changes nothing, and a form that
//! is signed anew is the same form, and holds under the other key.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use s3bouncer::framing::Boundary;
use s3bouncer::framing::naive_form::{NaivePart, naive_form_data};
use s3bouncer::s3::auth::{Credentials, Secret};
use s3bouncer::s3::base64;
use s3bouncer::s3::policy_form::{
    FormClaims, FormKeys, FormTerms, Policy, PolicyError, SealedForm,
};
use s3bouncer::s3::sigv2::seal_v2;
use s3bouncer::s3::sigv4::{Scope, SigningKey, Stamp};
use s3bouncer_fuzz::cut;

#[derive(Arbitrary, Debug)]
struct Input {
    /// Signed in SigV2.
    v2: bool,
    policy: Vec<u8>,
    form: Vec<u8>,
    /// The lengths of the pushes; the rest comes in one.
    cuts: Vec<u8>,
}

const STAMP: &str = "20130524T000000Z";
const CREDENTIAL: &str = "AKID/20130524/us-east-1/s3/aws4_request";
const SIGNER: [&str; 8] = [
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-signature",
    "x-amz-security-token",
    "awsaccesskeyid",
    "signature",
];

fuzz_target!(|input: Input| {
    let policy = base64(&expand_policy(&input.policy));
    let form = [signer(input.v2, &policy).as_bytes(), &expand_form(&input.form)].concat();
    let client = credentials("AKID", "theirs");

    let whole = run(&client, "us-east-1", [form.as_slice()]);
    assert_eq!(run(&client, "us-east-1", cut(&form, &input.cuts)), whole, "cut at will");
    assert_eq!(run(&client, "us-east-1", form.chunks(1)), whole, "byte by byte");
    let Ok((out, length)) = whole else { return };
    assert_eq!(Policy::parse(policy.as_bytes()).map(|p| p.file_length()), Ok(length.clone()));

    let again = run(&credentials("GATE", "ours"), "garage", [out.as_slice()]);
    assert_eq!(again, Ok((out.clone(), length)), "under the other key");
    if let Some(parts) = others(&form) {
        assert_eq!(others(&out), Some(parts), "the same fields");
    }
});

/// The words that no fuzzer guesses, each for one byte of the template.
fn expand_policy(template: &[u8]) -> Vec<u8> {
    let mut policy = br#"{"expiration":"2013-05-25T00:00:00Z","conditions":["#.to_vec();
    for &byte in template {
        let word: &[u8] = match byte {
            1 => br#"{"bucket":"b"},{"key":"k"}"#,
            2 => br#",["starts-with","$"#,
            3 => br#",["eq","$"#,
            4 => br#"content-length-range","#,
            5 => b"x-amz-meta-a",
            6 => b"\",\"\"]",
            7 => br#",["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-date",""]"#,
            8 => br#",["starts-with","$x-amz-credential",""]"#,
            _ => &[byte],
        };
        policy.extend_from_slice(word);
    }
    policy.extend_from_slice(b"]}");
    policy
}

fn expand_form(template: &[u8]) -> Vec<u8> {
    let mut form = field("key", "k").into_bytes();
    for &byte in template {
        let word = match byte {
            1 => field("acl", "private"),
            2 => "\r\n--B\r\n".to_owned(),
            3 => "--B\r\nContent-Disposition: form-data; name=\"".to_owned(),
            4 => "\"\r\n\r\n".to_owned(),
            5 => "x-amz-meta-a".to_owned(),
            6 => field("x-ignore-a", "b"),
            7 => "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ndata\r\n".to_owned(),
            8 => "--B--".to_owned(),
            _ => {
                form.push(byte);
                continue;
            }
        };
        form.extend_from_slice(word.as_bytes());
    }
    form
}

fn field(name: &str, value: &str) -> String {
    format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// The fields about the signer, with the right signature.
fn signer(v2: bool, policy: &str) -> String {
    let policy_field = field("policy", policy);
    if v2 {
        let seal = base64(&seal_v2(&Secret::new("theirs"), policy.as_bytes()));
        return [policy_field, field("AWSAccessKeyId", "AKID"), field("signature", &seal)].concat();
    }
    let key = SigningKey::derive("theirs", scope("us-east-1"));
    let signature = key.sign_policy(policy.as_bytes()).to_string();
    let algorithm = field("x-amz-algorithm", "AWS4-HMAC-SHA256");
    let credential = field("x-amz-credential", CREDENTIAL);
    let (date, signature) = (field("x-amz-date", STAMP), field("x-amz-signature", &signature));
    [policy_field, algorithm, credential, date, signature].concat()
}

fn credentials(access_key: &str, secret: &str) -> Credentials {
    let secret = Secret::new(secret);
    Credentials { access_key: access_key.to_owned(), secret, session_token: None }
}

fn scope(region: &str) -> Scope {
    let Some(stamp) = Stamp::parse(STAMP) else { panic!("a stamp") };
    Scope { stamp, region: region.to_owned() }
}

type Outcome = Result<(Vec<u8>, std::ops::RangeInclusive<u64>), PolicyError>;

fn run<'a>(
    client: &Credentials,
    region: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let Ok(boundary) = Boundary::from_content_type(b"multipart/form-data; boundary=B") else {
        panic!("a boundary");
    };
    let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
    let terms = FormTerms { bucket: "b".to_owned(), region: Some(region.to_owned()), now };
    let lookup = |_: &FormClaims| {
        Ok(FormKeys { client: client.clone(), identity: credentials("GATE", "ours") })
    };
    let mut stage = SealedForm::new(&boundary, terms, scope("garage"), lookup);
    let (mut sent, mut out) = (0, Vec::new());
    for piece in pieces {
        sent += piece.len();
        stage.push(Bytes::copy_from_slice(piece), &mut |bytes| out.extend_from_slice(&bytes))?;
    }
    stage.finish()?;
    assert_eq!(stage.grown(), Some(out.len() as i64 - sent as i64));
    let Some(policy) = stage.policy() else { panic!("a form passed without a policy") };
    Ok((out, policy.file_length()))
}

/// The parts that are not about the signer; `None` if this is no form behind its file.
fn others(form: &[u8]) -> Option<Vec<NaivePart>> {
    let parts = naive_form_data("B", form)?.into_iter();
    // Fields behind the file pass, whatever they are named.
    let file = parts.clone().position(|part| part.name.eq_ignore_ascii_case("file"))?;
    let about_signer = |name: &str| SIGNER.contains(&name.to_ascii_lowercase().as_str());
    let kept = parts.enumerate().filter(|(at, part)| *at > file || !about_signer(&part.name));
    Some(kept.map(|(_, part)| part).collect())
}
