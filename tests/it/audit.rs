//! Exactly one record for each PUT and POST, with what the contract promises (invariants 6 and 9).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Gate, List, Request, Setup, Store, sample, until};

use sample::{CACTUS, FLOWER};

/// What is kept about an innocent upload.
const MINIMAL: &str = "time node request_id store_request_id operation bucket bytes verdict \
    snapshot status termination duration_ms";

/// What is kept about a denial, a would-be denial and an unjudged upload.
const FULL: &str = "time node build config_hash request_id store_request_id client access_key auth \
    operation bucket key upload_id bytes md5 sha1 sha256 pdq verdict reason list entry distance \
    mode snapshot status etag version_id termination duration_ms";

fn gate(store: &Store) -> Gate {
    Setup::refusing(store, &[CACTUS])
        .list(List::blocking(&[FLOWER]).named("watched").shadow())
        .start()
}

#[track_caller]
fn expect_keys(record: &Value, keys: &str) {
    let found: BTreeSet<_> = record.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(found, keys.split_whitespace().map(str::to_owned).collect(), "{record}");
}

/// What cannot be judged, with the reason, where every way in is open.
fn unjudged() -> Vec<(Request, &'static str)> {
    vec![
        (Request::put("/b/k", b"").with("x-amz-copy-source", "/b/other"), "copy"),
        (
            Request::put("/b/k?partNumber=1&uploadId=u", b"").with("x-amz-copy-source", "/b/other"),
            "copy",
        ),
        (Request::put("/b/k", b"more").with("x-amz-write-offset-bytes", "10"), "append"),
        (Request::put("/b/k?append&position=10", b"more"), "append"),
        (Request::put("/b/k", b"more").with("Range", "bytes=-1-"), "append"),
        (Request::put("/b/k", b"tar").with("X-Amz-Meta-Snowball-Auto-Extract", "true"), "archive"),
        (Request::put("/b/k", b"x").with("Content-Encoding", "made-up"), "encoding"),
    ]
}

/// A rule that enforces and leaves every way in open, with further lines.
fn open(lines: &str) -> String {
    format!(
        "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\nappends = \"forward\"\n\
        archives = \"forward\"\n{lines}"
    )
}

#[test]
fn a_pass_keeps_no_more_than_the_minimum() {
    let store = Store::ok();
    let gate = gate(&store);
    assert_eq!(gate.exchange(&Request::put("/b/secret-key", b"innocent")).status(), 200);
    let record = gate.stop().record().clone();
    expect_keys(&record, MINIMAL);
    assert_eq!(record["operation"], "PutObject");
    assert_eq!((&record["bucket"], &record["bytes"]), (&"b".into(), &8.into()));
    assert_eq!((&record["verdict"], &record["status"]), (&"allow".into(), &200.into()));
    assert_eq!(
        (&record["store_request_id"], &record["termination"]),
        (&"STORE1".into(), &"complete".into())
    );
    assert!(record["snapshot"].is_string() && record["duration_ms"].is_u64());
}

#[test]
fn a_hit_keeps_everything_and_is_kept_twice() {
    let store = Store::ok();
    let gate = gate(&store);
    assert_eq!(gate.exchange(&Request::put("/b/a%20key", CACTUS)).status(), 403);
    assert_eq!(gate.exchange(&Request::put("/b/k", FLOWER)).status(), 200);
    assert_eq!(gate.exchange(&Request::put("/b/k", b"innocent")).status(), 200);
    let ended = gate.stop();
    assert_eq!(ended.records.len(), 3);
    assert_eq!(ended.denials, ended.records[..2], "denials and would-be denials, and no pass");
    let [deny, would_deny] = [&ended.denials[0], &ended.denials[1]];
    for record in [deny, would_deny] {
        expect_keys(record, FULL);
        assert_eq!(
            (&record["client"], &record["access_key"]),
            (&"127.0.0.1".into(), &"TESTKEY".into())
        );
        assert!(record["entry"].is_string() && record["reason"].is_string());
        assert_eq!(record["pdq"], Value::Null);
    }
    assert_eq!((&deny["verdict"], &deny["key"]), (&"deny".into(), &"a key".into()));
    assert_eq!((&deny["sha256"], &deny["status"]), (&sample::sha256(CACTUS).into(), &403.into()));
    assert_eq!(
        (&would_deny["verdict"], &would_deny["mode"]),
        (&"would-deny".into(), &"shadow".into())
    );
    assert_eq!((&would_deny["status"], &would_deny["etag"]), (&200.into(), &"\"e-1\"".into()));
    assert_ne!(deny["entry"], sample::sha256(CACTUS).as_str(), "an entry is no hash");
}

#[test]
fn what_cannot_be_judged_passes_and_says_so() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).tables(&open("")).start();
    for (number, (request, reason)) in unjudged().into_iter().enumerate() {
        let answer = gate.exchange(&request);
        assert_eq!(answer.status(), 200, "{reason}: {}", answer.text());
        assert!(store.complete(number).body == request.body, "{reason}");
        let records = gate.records(number + 1);
        let record = &records[number];
        expect_keys(record, FULL);
        assert_eq!(record["verdict"], "unjudged", "{record}");
        assert_eq!(record["reason"], reason, "{record}");
    }
    let ended = gate.stop();
    assert_eq!((ended.records.len(), ended.denials.len()), (unjudged().len(), 0));
}

#[test]
fn what_cannot_be_judged_can_be_refused_all_or_by_reason() {
    let store = Store::ok();
    let rule = |unjudged| open(&format!("unjudged = {unjudged}"));
    let all = Setup::refusing(&store, &[CACTUS]).tables(&rule("\"refuse\"")).start();
    let some = "{ copy = \"refuse\", append = \"refuse\", form = \"forward\" }";
    let some = Setup::refusing(&store, &[CACTUS]).tables(&rule(some)).start();
    for (request, reason) in unjudged() {
        all.exchange(&request).expect_error(403, "AccessDenied");
        let refused = matches!(reason, "copy" | "append");
        assert_eq!(some.exchange(&request).status(), if refused { 403 } else { 200 }, "{reason}");
    }
    assert_eq!(some.exchange(&Request::put("/b/k", b"innocent")).status(), 200);
    let records = all.stop().records;
    assert!(records.iter().all(|record| record["verdict"] == "unjudged"), "{records:?}");
    assert_eq!(records.len(), unjudged().len());
}

#[test]
fn ways_that_are_shut_are_refused_and_open_in_shadow() {
    let store = Store::ok();
    let shut = Setup::refusing(&store, &[CACTUS]).start();
    let watching = Setup::refusing(&store, &[CACTUS]).watching().start();
    let ranged = Request::put("/b/k?partNumber=1&uploadId=u", b"")
        .with("x-amz-copy-source", "/b/other")
        .with("x-amz-copy-source-range", "bytes=5-9");
    let is_shut = |reason: &str| matches!(reason, "append" | "archive");
    let ways = unjudged().into_iter().filter(|(_, reason)| is_shut(reason));
    let ways: Vec<_> = ways.chain([(ranged, "copy")]).collect();
    for (request, reason) in &ways {
        shut.exchange(request).expect_error(501, "NotImplemented");
        assert_eq!(watching.exchange(request).status(), 200, "{reason}");
    }
    for records in [shut.records(ways.len()), watching.records(ways.len())] {
        for (record, (_, reason)) in records.iter().zip(&ways) {
            let told = (&record["verdict"], &record["reason"]);
            assert_eq!(told, (&"unjudged".into(), &(*reason).into()), "{record}");
        }
    }
    let metric = "s3bouncer_protocol_rejects_total{reason=\"append_shut\"}";
    assert_eq!(shut.metric(metric), Some(3.0));
}

#[test]
fn a_form_or_part_that_is_listed_itself_is_no_pass() {
    let store = Store::ok();
    let gate = gate(&store);
    let part = gate.exchange(&Request::put("/b/k?partNumber=1&uploadId=u", CACTUS));
    let record = gate.record();
    assert_ne!(record["verdict"], "allow", "{record}");
    assert_eq!(part.status() == 403, record["verdict"] == "deny");
}

#[test]
fn every_write_has_one_record_and_no_read_has_any() {
    let store = Store::ok();
    let gate = gate(&store);
    let mut client = gate.client();
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        client.exchange(&Request::new(method, "/b/k"));
    }
    for target in ["/b", "/b/k", "/b/k?acl", "/b?delete", "/b/k?uploads"] {
        client.exchange(&Request::put(target, b"x"));
        client.exchange(&Request::post(target, b"x"));
    }
    gate.exchange(&Request::put("/b/k", b"x").with("Transfer-Encoding", "chunked"));
    gate.exchange(&Request::put("/b/k%zz", b"x"));
    let records = gate.stop().records;
    assert_eq!(records.len(), 12);
    let ids: BTreeSet<_> = records.iter().map(|record| record["request_id"].to_string()).collect();
    assert_eq!(ids.len(), 12, "each has an id of its own");
}

#[test]
fn how_much_is_kept_about_passes_can_be_chosen() {
    let pass = |passes: &str| {
        let store = Store::ok();
        let setup = Setup::refusing(&store, &[CACTUS]);
        let gate = setup.set("audit", &format!("passes = \"{passes}\"")).start();
        gate.exchange(&Request::put("/b/secret-key", b"innocent"));
        gate.exchange(&Request::put("/b/secret-key", b"innocent"));
        gate.stop().records
    };
    expect_keys(&pass("full")[0], FULL);
    assert_eq!(pass("full")[0]["key"], "secret-key");
    let keyed = pass("keyed");
    let text = keyed[0].to_string();
    assert!(!text.contains("secret-key") && !text.contains("127.0.0.1"), "{text}");
    assert!(!text.contains(&sample::sha256(b"innocent")), "{text}");
    let minimal: BTreeSet<_> = MINIMAL.split_whitespace().collect();
    let more = |record: &Value| {
        let object = record.as_object().expect("an object").clone();
        object.into_iter().filter(|(key, _)| !minimal.contains(key.as_str())).collect::<Vec<_>>()
    };
    assert!(!more(&keyed[0]).is_empty());
    assert_eq!(more(&keyed[0]), more(&keyed[1]), "the same is recognised as the same");
    assert_ne!(more(&keyed[0]), more(&pass("keyed")[0]), "by this gate only");
}

#[test]
fn files_are_the_owners_only_and_follow_their_names() {
    let store = Store::ok();
    let gate = gate(&store);
    gate.exchange(&Request::put("/b/k", CACTUS));
    gate.denials(1);
    for file in ["audit.jsonl", "denials.jsonl"] {
        let path = gate.directory().join(file);
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        fs::rename(&path, gate.directory().join(format!("{file}.old"))).expect("renamed");
    }
    gate.signal("HUP");
    until("a new file", || gate.directory().join("audit.jsonl").exists().then_some(()));
    gate.exchange(&Request::put("/b/k", CACTUS));
    assert_eq!(gate.records(1).len(), 1, "only the new record");
    let old = fs::read_to_string(gate.directory().join("audit.jsonl.old")).expect("it is there");
    assert_eq!(old.lines().count(), 1, "the old file is left alone");
}

#[test]
fn a_restart_goes_on_in_the_same_file() {
    let store = Store::ok();
    let gate = gate(&store);
    gate.exchange(&Request::put("/b/k", CACTUS));
    gate.records(1);
    let gate = gate.crash_and_restart("/readyz");
    gate.exchange(&Request::put("/b/k", b"innocent"));
    let records = gate.stop().records;
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["node"], records[1]["node"]);
}

#[test]
fn metrics_count_what_the_records_tell() {
    let store = Store::ok();
    let gate = gate(&store);
    for body in [CACTUS, FLOWER, b"innocent", b"innocent too"] {
        gate.exchange(&Request::put("/b/k", body));
    }
    gate.exchange(&Request::put("/b/k", b"").with("x-amz-copy-source", "/b/other"));
    let metrics = gate.admin(&Request::get("/metrics")).text();
    let total = |parts: &[&str]| -> f64 {
        let lines = metrics.lines().filter(|line| line.starts_with("s3bouncer_requests_total{"));
        let lines = lines.filter(|line| parts.iter().all(|part| line.contains(part)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    assert_eq!(total(&["verdict=\"deny\"", "status=\"403\"", "operation=\"PutObject\""]), 1.0);
    assert_eq!(total(&["verdict=\"would-deny\""]), 1.0);
    assert_eq!(total(&["verdict=\"allow\""]), 2.0);
    assert_eq!(gate.metric("s3bouncer_unjudged_total{reason=\"copy\"}"), Some(1.0));
    assert!(gate.metric("s3bouncer_body_bytes_total").is_some_and(|bytes| bytes >= 70_000.0));
    assert!(metrics.contains("s3bouncer_added_latency_seconds"));
    assert!(!metrics.contains("list=\"police\",entry"), "no metric names an entry");
}
