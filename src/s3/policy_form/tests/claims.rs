//! Who signed, and how it is found out that they did not.

use super::*;
use crate::s3::ErrorCode;

fn good() -> Vec<(&'static str, String)> {
    signed(&[("key", "user/a")], &policy(""))
}

/// Runs fields as a form, after a change of one of them.
fn changed(name: &str, change: impl FnOnce(&mut String)) -> Result<(), PolicyError> {
    let mut fields = good();
    change(&mut fields.iter_mut().find(|(known, _)| *known == name).unwrap().1);
    end_of(&form(&fields.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>()))
}

#[test]
fn a_changed_field_is_no_claim_or_a_wrong_one() {
    let set = |value: &'static str| move |field: &mut String| *field = value.to_owned();
    let (wrong, invalid) = (PolicyError::Signature, PolicyError::FieldInvalid);
    for (name, value, error) in [
        ("x-amz-algorithm", "AWS4-ECDSA-P256-SHA256", invalid("x-amz-algorithm")),
        ("x-amz-credential", "AKID", invalid("x-amz-credential")),
        ("x-amz-credential", "/20260314/us-east-1/s3/aws4_request", invalid("x-amz-credential")),
        (
            "x-amz-credential",
            "AKID/20260315/us-east-1/s3/aws4_request",
            invalid("x-amz-credential"),
        ),
        (
            "x-amz-credential",
            "AKID/20260314/us-east-1/ec2/aws4_request",
            invalid("x-amz-credential"),
        ),
        (
            "x-amz-credential",
            "AKID/20260314/us-east-1/s3/aws4_request",
            PolicyError::UnknownAccessKey,
        ),
        (
            "x-amz-credential",
            "AKIAIOSFODNN7EXAMPLE/20260314/eu-west-1/s3/aws4_request",
            PolicyError::Region,
        ),
        ("X-Amz-Date", "2026-03-14T15:09:26Z", invalid("x-amz-date")),
        ("policy", "e30=", wrong.clone()),
        ("x-amz-signature", "", wrong.clone()),
        ("x-amz-signature", "00", wrong.clone()),
    ] {
        assert_eq!(changed(name, set(value)), Err(error), "{name}: {value}");
    }
    assert_eq!(changed("x-amz-signature", |s| s.make_ascii_uppercase()), Err(wrong.clone()));
    for at in 0..64 {
        let flip = |digits: &mut String| {
            let other = if digits.as_bytes()[at] == b'0' { "1" } else { "0" };
            digits.replace_range(at..=at, other);
        };
        assert_eq!(changed("x-amz-signature", flip), Err(wrong.clone()), "digit {at}");
    }
    assert_eq!(changed("key", |_| ()), Ok(()));
}

#[test]
fn each_field_of_a_signature_is_needed() {
    for (left_out, error) in [
        ("x-amz-algorithm", PolicyError::FieldMissing("x-amz-algorithm")),
        ("x-amz-credential", PolicyError::FieldMissing("x-amz-credential")),
        ("X-Amz-Date", PolicyError::FieldMissing("x-amz-date")),
        ("x-amz-signature", PolicyError::FieldMissing("x-amz-signature")),
        ("policy", PolicyError::FieldMissing("policy")),
    ] {
        let fields = good();
        let kept = fields.iter().filter(|(name, _)| *name != left_out);
        let kept: Vec<_> = kept.map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(end_of(&form(&kept)), Err(error), "{left_out}");
    }
    let missing = PolicyError::FieldMissing("policy");
    assert_eq!(
        missing.to_string(),
        "Bucket POST must contain a field named 'policy'.  If it is specified, please check the \
         order of the fields."
    );
    // Behind the file it is not there: no store reads it.
    let seal = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let form = form(&[("key", "user/a"), ("AWSAccessKeyId", ACCESS_KEY), ("signature", seal)]);
    let part = "--B\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--B--";
    let late = String::from_utf8(form).unwrap().replace("--B--", part);
    assert_eq!(end_of(late.as_bytes()), Err(missing));
}

#[test]
fn a_key_of_sigv2_is_one_that_can_be_recorded() {
    let seal = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    for (key, error) in [
        (ACCESS_KEY, PolicyError::Signature),
        (&longest, PolicyError::UnknownAccessKey),
        (&longer, PolicyError::FieldInvalid("AWSAccessKeyId")),
        ("", PolicyError::FieldInvalid("AWSAccessKeyId")),
        ("AK ID", PolicyError::FieldInvalid("AWSAccessKeyId")),
        ("AK\u{e9}", PolicyError::FieldInvalid("AWSAccessKeyId")),
    ] {
        let fields = [("AWSAccessKeyId", key), ("signature", seal), ("policy", "e30=")];
        assert_eq!(end_of(&form(&fields)), Err(error), "{key}");
    }
    for seal in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAB="] {
        let fields = [("AWSAccessKeyId", ACCESS_KEY), ("signature", seal), ("policy", "e30=")];
        assert_eq!(end_of(&form(&fields)), Err(PolicyError::Signature), "{seal}");
    }
}

#[test]
fn a_form_is_signed_once_or_not_at_all() {
    let both = [("AWSAccessKeyId", ACCESS_KEY.to_owned())];
    let fields: Vec<_> = good().into_iter().chain(both).collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(end_of(&form(&fields)), Err(PolicyError::TwoSignatures));

    assert_eq!(end_of(&form(&[("key", "user/a")])), Err(PolicyError::Anonymous));
    assert_eq!(end_of(&form(&[])), Err(PolicyError::Anonymous));
    let policy = end_of(&form(&[("key", "user/a"), ("policy", "e30=")]));
    assert_eq!(policy, Err(PolicyError::FieldMissing("AWSAccessKeyId")));
}

#[test]
fn a_token_goes_with_its_keys() {
    let form_with = |token: Option<&str>| {
        let condition = r#", ["starts-with", "$x-amz-security-token", ""]"#;
        let conditions = token.map_or("", |_| condition);
        let field = token.map(|token| ("x-amz-security-token", token));
        let fields: Vec<_> = [("key", "user/a")].into_iter().chain(field).collect();
        signed_form(&fields, &policy(conditions))
    };
    for (known, sent, end) in [
        (None, None, Ok(())),
        (Some("t"), Some("t"), Ok(())),
        (Some("t"), Some("u"), Err(PolicyError::Token)),
        (Some("t"), None, Err(PolicyError::Token)),
        (None, Some("t"), Err(PolicyError::Token)),
    ] {
        let client = credentials(ACCESS_KEY, SECRET, known);
        let found = run(&terms(), &client, &identity(), &[&form_with(sent)]).end;
        assert_eq!(found, end, "{known:?} {sent:?}");
    }
}

#[test]
fn any_region_will_do_where_it_does_not_matter() {
    let form = signed_form(&[("key", "user/a")], &policy(""));
    for (region, end) in [(None, Ok(())), (Some("garage"), Err(PolicyError::Region))] {
        let terms = FormTerms { region: region.map(str::to_owned), ..terms() };
        assert_eq!(run(&terms, &client(), &identity(), &[&form]).end, end);
    }
}

#[test]
fn what_is_secret_is_not_shown() {
    let form = signed_form(&[("key", "user/a")], &policy(""));
    let mut shown = String::new();
    let lookup = |claims: &FormClaims| {
        shown = format!("{claims:?}");
        Err(PolicyError::UnknownAccessKey)
    };
    let mut stage = SealedForm::new(&boundary("B"), terms(), store_scope(), lookup);
    let end = stage.push(Bytes::from(form), &mut |_| panic!("bytes of a form that is refused"));
    assert_eq!(end, Err(PolicyError::UnknownAccessKey));
    drop(stage);
    assert_eq!(shown, format!("FormClaims {{ access_key: {ACCESS_KEY:?}, .. }}"));
}

#[test]
fn errors_have_the_codes_of_s3() {
    for (error, code, status) in [
        (PolicyError::Expired, "AccessDenied", 403),
        (PolicyError::Anonymous, "AccessDenied", 403),
        (PolicyError::Signature, "SignatureDoesNotMatch", 403),
        (PolicyError::UnknownAccessKey, "InvalidAccessKeyId", 403),
        (PolicyError::Document(""), "InvalidPolicyDocument", 400),
        (PolicyError::FileTooLarge, "EntityTooLarge", 400),
        (PolicyError::FileTooSmall, "EntityTooSmall", 400),
        (PolicyError::FieldMissing("key"), "InvalidArgument", 400),
        (PolicyError::PreambleTooLarge, "MaxPostPreDataLengthExceeded", 400),
        (FormError::Preamble.into(), "MalformedPOSTRequest", 400),
    ] {
        let found = ErrorCode::from(&error);
        assert_eq!((found.name(), found.status().as_u16()), (code, status), "{error}");
    }
}
