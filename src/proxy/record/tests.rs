use super::*;
use crate::digest::{Md5, Sha256};
use serde_json::Value;
use std::time::UNIX_EPOCH;

fn facts() -> NodeFacts {
    NodeFacts { node: "n1".into(), build: "0.1.0".into(), config_hash: "c0ffee".into() }
}

fn record() -> Record {
    let started = UNIX_EPOCH + Duration::from_millis(1_700_000_000_007);
    let mut record = Record::new("R1", started);
    record.client = Some("::ffff:192.0.2.7".parse().unwrap());
    record.operation = Some("PutObject");
    record.bucket = Some("photos".into());
    record.key = Some("a\n\"b\u{1b}".into());
    record.digests = Digests { md5: Some(Md5([1; 16])), sha1: None, sha256: Some(Sha256([2; 32])) };
    record.verdict = Some(VerdictWord::Allow);
    record.snapshot = Some("s1".into());
    record.status = Some(200);
    record.termination = Termination::Complete;
    record.duration = Duration::from_micros(12_900);
    record
}

/// The record's line, without its newline.
fn line(record: &Record, shape: Shape, node: &NodeFacts, keyed: Option<&Key>) -> String {
    let mut text = b"what was there before".to_vec();
    record.write_line(shape, node, keyed, &mut text);
    assert_eq!(text.pop(), Some(b'\n'));
    String::from_utf8(text).unwrap()
}

fn names(json: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(json).unwrap();
    let mut names: Vec<(usize, String)> = value
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (json.find(&format!("\"{name}\":")).unwrap(), name.clone()))
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn a_full_record_has_every_field_in_order() {
    let json = line(&record(), Shape::Full, &facts(), None);
    let expected = "time node build config_hash request_id store_request_id client access_key \
                    auth operation bucket key upload_id bytes md5 sha1 sha256 pdq verdict \
                    reason list entry distance mode snapshot status etag version_id \
                    termination duration_ms";
    assert_eq!(names(&json).join(" "), expected);
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["time"], "2023-11-14T22:13:20.007Z");
    assert_eq!(value["client"], "192.0.2.7");
    assert_eq!(value["key"], "a\n\"b\u{1b}");
    assert_eq!(value["md5"], "01".repeat(16));
    assert_eq!((&value["sha1"], &value["duration_ms"]), (&Value::Null, &Value::from(12)));
}

#[test]
fn a_record_is_one_line() {
    let json = line(&record(), Shape::Full, &facts(), None);
    assert!(json.bytes().all(|byte| byte >= 0x20), "{json}");
}

#[test]
fn a_minimal_record_says_nothing_about_who_sent_what() {
    let json = line(&record(), Shape::Minimal, &facts(), Some(&Key([3; 32])));
    let expected = r#"{"time":"2023-11-14T22:13:20.007Z","node":"n1","request_id":"R1","store_request_id":null,"operation":"PutObject","bucket":"photos","bytes":0,"verdict":"allow","snapshot":"s1","status":200,"termination":"complete","duration_ms":12}"#;
    assert_eq!(json, expected);
}

#[test]
fn a_minimal_record_tells_that_the_bucket_is_off() {
    for (mode, told) in [(Mode::Off, true), (Mode::Shadow, false), (Mode::Enforce, false)] {
        let record = Record { mode: Some(mode), ..record() };
        let json = line(&record, Shape::Minimal, &facts(), None);
        assert_eq!(json.contains(r#""mode":"off""#), told);
    }
}

#[test]
fn a_keyed_record_can_be_found_again_with_the_key_alone() {
    let key = Key([3; 32]);
    let json = line(&record(), Shape::Keyed, &facts(), Some(&key));
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["client_keyed"], keyed_hash(&key, "client", b"192.0.2.7"));
    assert_eq!(value["sha256_keyed"], keyed_hash(&key, "sha256", &[2; 32]));
    assert_eq!(value["sha1_keyed"], Value::Null);
    assert_ne!(value["client_keyed"], keyed_hash(&Key([4; 32]), "client", b"192.0.2.7"));
    assert!(!json.contains("192.0.2.7") && !json.contains(&"02".repeat(32)));
}

#[test]
fn a_keyed_hash_is_a_cut_hmac() {
    // Computed with Python: hmac.new(bytes(32), b"key\0photo.jpg", "sha256").
    let expected = "486b89ce49c3a9d726713c92697caba4";
    assert_eq!(keyed_hash(&Key([0; 32]), "key", b"photo.jpg"), expected);
}

#[test]
fn only_passes_are_shortened() {
    let cases = [
        (Some(VerdictWord::Allow), Passes::Minimal, Shape::Minimal, false),
        (Some(VerdictWord::Allow), Passes::Keyed, Shape::Keyed, false),
        (Some(VerdictWord::Allow), Passes::Full, Shape::Full, false),
        (None, Passes::Minimal, Shape::Minimal, false),
        (Some(VerdictWord::Deny), Passes::Minimal, Shape::Full, true),
        (Some(VerdictWord::WouldDeny), Passes::Keyed, Shape::Full, true),
        (Some(VerdictWord::Unjudged), Passes::Minimal, Shape::Full, false),
    ];
    for (verdict, passes, shape, denial) in cases {
        let record = Record { verdict, ..record() };
        assert_eq!((record.shape(passes), record.is_denial()), (shape, denial));
    }
}

#[test]
fn words_are_distinct() {
    let mut words: Vec<_> = Termination::ALL.map(Termination::name).to_vec();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Termination::ALL.len());
}

#[test]
fn moments_have_milliseconds_and_no_zone() {
    let cases = [(0, "1970-01-01T00:00:00.000Z"), (1_709_164_800_999, "2024-02-29T00:00:00.999Z")];
    for (millis, text) in cases {
        assert_eq!(rfc3339_millis(UNIX_EPOCH + Duration::from_millis(millis)), text);
    }
    assert_eq!(rfc3339_millis(UNIX_EPOCH - Duration::from_millis(1)), "1969-12-31T23:59:59.999Z");
}
