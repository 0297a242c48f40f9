//! What is a policy, and what is none.

use super::*;
use crate::s3::policy_form::policy::Condition;

fn parse(json: &str) -> Result<Policy, PolicyError> {
    Policy::parse(STANDARD.encode(json).as_bytes())
}

fn of_conditions(conditions: &str) -> Result<Policy, PolicyError> {
    parse(&format!("{{\"expiration\": \"2026-03-14T16:00:00Z\", \"conditions\": [{conditions}]}}"))
}

#[test]
fn conditions_have_two_shapes_and_three_operators() {
    let equals = |field: &str, value: &str| Condition::Equals {
        field: field.to_owned(),
        value: value.to_owned(),
    };
    let starts = |field: &str, prefix: &str| Condition::StartsWith {
        field: field.to_owned(),
        prefix: prefix.to_owned(),
    };
    for (json, condition) in [
        (r#"{"acl": "public-read"}"#, equals("acl", "public-read")),
        (r#"{"bUcKeT": ""}"#, equals("bUcKeT", "")),
        (r#"{"success_action_status": 201}"#, equals("success_action_status", "201")),
        (r#"["eq", "$acl", "private"]"#, equals("acl", "private")),
        (r#"["EQ", "$key", "$key"]"#, equals("key", "$key")),
        (r#"["StArTs-WiTh", "$KeY", "user/"]"#, starts("KeY", "user/")),
        (r#"["starts-with", "$x-amz-meta-tag", ""]"#, starts("x-amz-meta-tag", "")),
        (r#"["content-length-range", 0, 1048576]"#, Condition::Length { min: 0, max: 1_048_576 }),
        (r#"["content-length-range", "7", "7"]"#, Condition::Length { min: 7, max: 7 }),
        (r#"["eq", "$x-amz-meta-a", "\u00e9\"\\\n"]"#, equals("x-amz-meta-a", "\u{e9}\"\\\n")),
    ] {
        let policy = of_conditions(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(policy.conditions, std::slice::from_ref(&condition), "{json}");
        assert_eq!(of_conditions(&condition.to_string()), Ok(policy), "what it is shown as");
    }
}

#[test]
fn what_is_no_condition_makes_the_policy_none() {
    for json in [
        "{}",
        "[]",
        "1",
        r#""acl""#,
        "null",
        r#"{"acl": "a", "key": "b"}"#,
        r#"{"acl": null}"#,
        r#"{"acl": ["a"]}"#,
        r#"{"acl": true}"#,
        r#"{"acl": -1}"#,
        r#"{"acl": 1.5}"#,
        r#"["eq", "$acl"]"#,
        r#"["eq", "$acl", "a", "b"]"#,
        r#"["eq", "acl", "a"]"#,
        r#"["ends-with", "$key", "a"]"#,
        r#"["eq", "$acl", {"a": "b"}]"#,
        r#"["content-length-range", 0]"#,
        r#"["content-length-range", -1, 0]"#,
        r#"["content-length-range", 2, 1]"#,
        r#"["content-length-range", "a", 1]"#,
        r#"["content-length-range", 0, 18446744073709551616]"#,
        r#"[["eq", "$acl", "a"]]"#,
    ] {
        assert_eq!(of_conditions(json), Err(PolicyError::Document("Invalid JSON.")), "{json}");
    }
}

#[test]
fn a_document_has_two_words_and_no_others() {
    let expiration = r#""expiration": "2026-03-14T16:00:00Z""#;
    assert!(parse(&format!(" {{{expiration}, \"conditions\": []}}\r\n")).is_ok());
    for json in [
        "".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        r#"["2026-03-14T16:00:00Z", []]"#.to_owned(),
        format!("{{{expiration}}}"),
        r#"{"conditions": []}"#.to_owned(),
        format!("{{{expiration}, \"CONDITIONS\": []}}"),
        format!("{{{expiration}, \"conditions\": {{}}}}"),
        format!("{{{expiration}, \"conditions\": [], \"version\": 1}}"),
        format!("{{{expiration}, {expiration}, \"conditions\": []}}"),
        format!("{{{expiration}, \"conditions\": [], \"conditions\": []}}"),
        format!("{{{expiration}, \"conditions\": [],}}"),
        format!("{{{expiration}, \"conditions\": []}} x"),
        r#"{"expiration": 1, "conditions": []}"#.to_owned(),
    ] {
        assert_eq!(parse(&json), Err(PolicyError::Document("Invalid JSON.")), "{json}");
    }
    let deep = "[".repeat(10_000);
    assert_eq!(of_conditions(&deep), Err(PolicyError::Document("Invalid JSON.")));
}

#[test]
fn base64_has_one_spelling() {
    let good = STANDARD.encode(policy(""));
    assert!(Policy::parse(good.as_bytes()).is_ok());
    for bad in [&good[1..], &format!("{good}\r\n"), &format!(" {good}"), "?", "e30"] {
        let end = Policy::parse(bad.as_bytes());
        assert_eq!(end, Err(PolicyError::Document("Invalid Base64.")), "{bad}");
    }
}

#[test]
fn expirations_are_moments_in_utc() {
    let parse = |text: &str| parse(&format!("{{\"expiration\": \"{text}\", \"conditions\": []}}"));
    for (text, same) in [
        ("2026-03-14T16:00:00Z", "2026-03-14T16:00:00Z"),
        ("2026-03-14T16:00:00.000Z", "2026-03-14T16:00:00Z"),
        ("2026-03-14T16:00:00.5Z", "2026-03-14T16:00:00.500Z"),
    ] {
        let policy = parse(text).unwrap();
        let end = moment(same);
        assert!(policy.has_expired(end), "{text}");
        assert!(!policy.has_expired(end - std::time::Duration::from_nanos(1)), "{text}");
    }
    for text in [
        "",
        "2026-03-14",
        "2026-03-14 16:00:00Z",
        "2026-03-14T16:00:00",
        "2026-03-14t16:00:00z",
        "2026-03-14T16:00:00+00:00",
        "2026-03-14T16:00:00[UTC]Z",
        "2026-03-14T16Z",
        "20260314T160000Z",
        "2026-02-30T16:00:00Z",
        "2026-03-14T25:00:00Z",
        "+02026-03-14T16:00:00Z",
        "Sat, 14 Mar 2026 16:00:00 GMT",
    ] {
        let wrong = PolicyError::Document("Invalid 'expiration' value.");
        assert_eq!(parse(text), Err(wrong), "{text}");
    }
}

#[test]
fn a_policy_has_bounds() {
    let conditions = |count: usize| vec![r#"{"a": "b"}"#; count].join(",");
    assert!(of_conditions(&conditions(256)).is_ok());
    let many = of_conditions(&conditions(257));
    assert_eq!(many, Err(PolicyError::Document("it has too many conditions.")));
    let padded = |len: usize| [STANDARD.encode(policy("")), "=".repeat(len)].concat();
    let large = Policy::parse(padded(PREAMBLE_MAX).as_bytes());
    assert_eq!(large, Err(PolicyError::Document("it is too large.")));
}

#[test]
fn a_files_length_is_within_every_range() {
    for (conditions, allowed) in [
        ("", 0..=u64::MAX),
        (r#"["content-length-range", 2, 5]"#, 2..=5),
        (r#"["content-length-range", 2, 5], ["content-length-range", 0, 4]"#, 2..=4),
    ] {
        assert_eq!(of_conditions(conditions).unwrap().file_length(), allowed);
    }
    let policy = of_conditions(r#"["content-length-range", 2, 5]"#).unwrap();
    for (bytes, end) in [
        (1, Err(PolicyError::FileTooSmall)),
        (2, Ok(())),
        (5, Ok(())),
        (6, Err(PolicyError::FileTooLarge)),
    ] {
        assert_eq!(policy.check_length(bytes), end);
    }
    let never = r#"["content-length-range", 3, 5], ["content-length-range", 0, 1]"#;
    let never = of_conditions(never).unwrap();
    assert!((0..7).all(|bytes| never.check_length(bytes).is_err()));
}
