//! Fields that are what the policy says, and fields that are not.

use super::*;

#[track_caller]
fn check(fields: &[(&str, &str)], conditions: &str) -> Result<(), PolicyError> {
    let key = [("key", "user/cat.jpg")];
    let fields = match fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("key")) {
        true => fields.to_vec(),
        false => [&key, fields].concat(),
    };
    end_of(&signed_form(&fields, &policy(conditions)))
}

fn failed(condition: &str) -> Result<(), PolicyError> {
    Err(PolicyError::ConditionFailed(condition.to_owned()))
}

#[test]
fn fields_are_what_conditions_say() {
    for (fields, conditions) in [
        (&[][..], ""),
        (&[("acl", "private")], r#", {"acl": "private"}"#),
        (&[("ACL", "private")], r#", ["EQ", "$aCl", "private"]"#),
        (&[("x-amz-meta-a", "")], r#", {"x-amz-meta-a": ""}"#),
        (&[("x-amz-meta-a", "anything")], r#", ["starts-with", "$x-amz-meta-a", ""]"#),
        (
            &[("x-amz-meta-a", "b"), ("x-amz-meta-a", "bc")],
            r#", ["starts-with", "$x-amz-meta-a", "b"]"#,
        ),
        (&[("Content-Type", "image/png")], r#", ["starts-with", "$content-type", "image/"]"#),
        (
            &[("Content-Type", "image/png, image/gif")],
            r#", ["starts-with", "$Content-Type", "image/"]"#,
        ),
        (&[("success_action_status", "201")], r#", {"success_action_status": 201}"#),
        (&[("key", "user/${filename}")], r#", {"key": "user/cat.jpg"}"#),
        (&[("key", "user/${filename}${filename}")], r#", {"key": "user/cat.jpgcat.jpg"}"#),
        (&[("bucket", "photos")], ""),
        (&[("x-ignore-anything", "a"), ("X-IGNORE-", "b")], ""),
        (&[], r#", ["content-length-range", 1000, 2000]"#),
    ] {
        assert_eq!(check(fields, conditions), Ok(()), "{fields:?} {conditions}");
    }
}

#[test]
fn a_condition_that_fails_is_named() {
    for (fields, condition) in [
        (&[("acl", "public-read")][..], r#"["eq", "$acl", "private"]"#),
        (&[("acl", "private ")], r#"["eq", "$acl", "private"]"#),
        (&[("x-amz-meta-a", "A")], r#"["starts-with", "$x-amz-meta-a", "a"]"#),
        (&[("x-amz-meta-a", "b"), ("x-amz-meta-a", "c")], r#"["eq", "$x-amz-meta-a", "b"]"#),
        (
            &[("Content-Type", "image/png,text/html")],
            r#"["starts-with", "$Content-Type", "image/"]"#,
        ),
        (&[("Content-Type", "image/png,")], r#"["starts-with", "$Content-Type", "image/"]"#),
        (&[("x-amz-meta-a", "a,b")], r#"["eq", "$x-amz-meta-a", "a"]"#),
        (&[("key", "user/${filename}")], r#"["eq", "$key", "user/${filename}"]"#),
        (&[("key", "user/${FILENAME}")], r#"["eq", "$key", "user/cat.jpg"]"#),
        // A field that is missing is not one that is empty.
        (&[], r#"["eq", "$acl", ""]"#),
        (&[], r#"["starts-with", "$x-amz-meta-a", ""]"#),
        (&[], r#"["eq", "$bucket", "videos"]"#),
    ] {
        let found = check(fields, &format!(", {condition}"));
        assert_eq!(found, failed(condition), "{fields:?}");
    }
    let prefix = r#"["starts-with", "$key", "user/"]"#;
    assert_eq!(check(&[("key", "use/cat.jpg")], ""), failed(prefix));
    let bucket = r#"["eq", "$bucket", "photos"]"#;
    assert_eq!(check(&[("bucket", "videos")], ""), failed(bucket));
    let message = "Invalid according to Policy: Policy Condition failed: \
                   [\"starts-with\", \"$key\", \"user/\"]";
    assert_eq!(failed(prefix).unwrap_err().to_string(), message);
}

#[test]
fn no_field_goes_without_a_condition() {
    let extra = |names: &str| Err(PolicyError::ExtraFields(names.to_owned()));
    for (fields, names) in [
        (&[("acl", "private")][..], "acl"),
        (&[("x-amz-meta-a", "b"), ("Tagging", "c")], "x-amz-meta-a, Tagging"),
        (&[("x-ignor", "a")], "x-ignor"),
        (&[("x-minio-fanout-list", "[]")], "x-minio-fanout-list"),
    ] {
        assert_eq!(check(fields, r#", ["content-length-range", 0, 9]"#), extra(names));
    }
    let message = "Invalid according to Policy: Extra input fields: acl";
    assert_eq!(extra("acl").unwrap_err().to_string(), message);

    // Nor the bucket: a policy for any bucket is one for none.
    let anywhere = policy("").replace(r#"{"bucket": "photos"}, "#, "");
    assert_eq!(end_of(&signed_form(&[("key", "user/a")], &anywhere)), extra("bucket"));
}

#[test]
fn a_policy_holds_until_it_expires() {
    let form = signed_form(&[("key", "user/a")], &policy(""));
    for (now, end) in [
        ("2026-03-14T15:59:59Z", Ok(())),
        ("2026-03-14T16:00:00Z", Err(PolicyError::Expired)),
        ("2027-03-14T16:00:00Z", Err(PolicyError::Expired)),
    ] {
        let terms = FormTerms { now: moment(now), ..terms() };
        assert_eq!(run(&terms, &client(), &identity(), &[&form]).end, end, "{now}");
    }
    assert_eq!(PolicyError::Expired.to_string(), "Invalid according to Policy: Policy expired.");
}

#[test]
fn a_key_is_needed_and_must_be_the_same_to_all_stores() {
    let key = PolicyError::FieldMissing("key");
    assert_eq!(end_of(&signed_form(&[], &policy(""))), Err(key));
    let form = signed_form(&[("key", "user/${filename}")], &policy(""));
    let form = String::from_utf8(form).unwrap();
    let form = form.replace("; filename=", "; filename*=UTF-8''dog.jpg; filename=");
    assert_eq!(end_of(form.as_bytes()), Err(FormError::Filename.into()));
}
