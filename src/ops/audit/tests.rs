use super::*;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use crate::proxy::record::{Record, VerdictWord};

/// Longer than anything here takes; a test that meets it fails.
const LONG: Duration = Duration::from_secs(60);

fn retained(path: PathBuf) -> Retained {
    Retained { path, rotate_bytes: 1 << 20, rotate_after: LONG * 60, retention: LONG * 600 }
}

fn settings(directory: &Path) -> AuditSettings {
    AuditSettings {
        path: retained(directory.join("audit.jsonl")),
        denials: retained(directory.join("denials.jsonl")),
        passes: Passes::Minimal,
        key: None,
    }
}

fn start(directory: &Path, slots: usize) -> (Audit, Meters) {
    let meters = Meters::new();
    let audit = Audit::start(settings(directory), slots, NodeFacts::default(), &meters).unwrap();
    (audit, meters)
}

fn record(id: &str, verdict: VerdictWord) -> Record {
    Record { verdict: Some(verdict), ..Record::new(id, SystemTime::UNIX_EPOCH) }
}

fn file(port: &AuditPort, id: &str, verdict: VerdictWord) {
    port.try_reserve().unwrap().commit(record(id, verdict));
}

fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|record| record["request_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_record_is_kept_and_denials_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, meters) = start(directory.path(), 8);
    let port = audit.port();
    file(&port, "pass", VerdictWord::Allow);
    file(&port, "deny", VerdictWord::Deny);
    file(&port, "would", VerdictWord::WouldDeny);
    file(&port, "unjudged", VerdictWord::Unjudged);
    audit.flush().await;
    let all = directory.path().join("audit.jsonl");
    let denials = directory.path().join("denials.jsonl");
    assert_eq!(ids(&all), ["pass", "deny", "would", "unjudged"]);
    assert_eq!(ids(&denials), ["deny", "would"]);
    for path in [&all, &denials] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(port.healthy() && meters.audit_lost.get() == 0);
    let found = find(&[&all, &denials], "deny").unwrap().unwrap();
    assert!(found.contains_key("config_hash") && found["verdict"] == "deny");
    assert!(!find(&[&all], "pass").unwrap().unwrap().contains_key("client"));
}

#[tokio::test]
async fn shutdown_waits_for_every_reserved_place() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, _) = start(directory.path(), 4);
    let port = audit.port();
    let (late, unused) = (port.try_reserve().unwrap(), port.try_reserve().unwrap());
    let shutdown = tokio::spawn(audit.shutdown(LONG));
    // The writer has refused new places before it got the late record.
    while port.try_reserve().is_ok() {
        tokio::task::yield_now().await;
    }
    late.commit(record("late", VerdictWord::Allow));
    drop(unused);
    assert!(shutdown.await.unwrap());
    assert_eq!(ids(&directory.path().join("audit.jsonl")), ["late"]);
}

#[tokio::test]
async fn shutdown_gives_up_at_its_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, _) = start(directory.path(), 4);
    let _never_used = audit.port().try_reserve().unwrap();
    assert!(!audit.shutdown(Duration::ZERO).await);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_and_recovers_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let (audit, meters) = start(&missing, 4);
    let port = audit.port();
    assert!(!port.healthy());
    file(&port, "a", VerdictWord::Deny);
    audit.flush().await;
    assert!(!port.healthy());
    assert_eq!(meters.audit_healthy.get(), 0);
    fs::create_dir(&missing).unwrap();
    file(&port, "b", VerdictWord::Allow);
    audit.flush().await;
    assert!(port.healthy());
    assert_eq!((meters.audit_healthy.get(), meters.audit_lost.get()), (1, 0));
    assert_eq!(ids(&missing.join("audit.jsonl")), ["a", "b"]);
    assert_eq!(ids(&missing.join("denials.jsonl")), ["a"]);
}

#[tokio::test]
async fn what_could_never_be_written_is_counted_as_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, meters) = start(&directory.path().join("missing"), 4);
    file(&audit.port(), "a", VerdictWord::Deny);
    file(&audit.port(), "b", VerdictWord::Allow);
    assert!(audit.shutdown(LONG).await);
    assert_eq!(meters.audit_lost.get(), 2);
}

#[tokio::test]
async fn renamed_files_are_left_on_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, _) = start(directory.path(), 4);
    let path = directory.path().join("audit.jsonl");
    let renamed = directory.path().join("audit.jsonl.1");
    file(&audit.port(), "a", VerdictWord::Allow);
    audit.flush().await;
    fs::rename(&path, &renamed).unwrap();
    file(&audit.port(), "b", VerdictWord::Allow);
    audit.reopen().await;
    file(&audit.port(), "c", VerdictWord::Allow);
    audit.flush().await;
    assert_eq!((ids(&renamed), ids(&path)), (vec!["a".into(), "b".into()], vec!["c".into()]));
}

#[tokio::test]
async fn other_settings_hold_from_the_next_record_on() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, _) = start(directory.path(), 4);
    let other = directory.path().join("other");
    fs::create_dir(&other).unwrap();
    file(&audit.port(), "a", VerdictWord::Allow);
    let full = AuditSettings { passes: Passes::Full, ..settings(&other) };
    let node = NodeFacts { config_hash: "new".into(), ..NodeFacts::default() };
    audit.reconfigure(full, node).await;
    file(&audit.port(), "b", VerdictWord::Allow);
    audit.flush().await;
    assert_eq!(ids(&directory.path().join("audit.jsonl")), ["a"]);
    let found = find(&[&other.join("audit.jsonl")], "b").unwrap().unwrap();
    assert_eq!(found["config_hash"], "new");
}
