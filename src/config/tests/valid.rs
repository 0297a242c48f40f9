//! What valid texts mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{LIST, config};
use crate::config::{Config, Format, Guard, LogLevel, Passes};
use crate::digest::Algorithm;
use crate::list::HashKind;
use crate::policy::{Mode, OnFault, OnUnjudged, Polarity, Unjudged};

#[test]
fn the_empty_text_has_the_defaults_of_the_design() {
    let empty = config("");
    assert_eq!(empty.listeners[0].address.to_string(), "0.0.0.0:9000");
    assert_eq!(empty.listeners[0].tls, None);
    assert_eq!(empty.listeners[0].drain_deadline, Duration::from_secs(3600));
    assert_eq!(empty.upstreams[0].endpoint.authority(), "127.0.0.1:3900");
    assert_eq!(empty.upstreams[0].response_timeout, Duration::from_secs(900));
    assert_eq!(empty.upstreams[0].guard, Guard::Auto);
    assert_eq!(empty.limits.capture_max, 32 << 20);
    assert_eq!(empty.limits.small_body_max, 1 << 20);
    assert_eq!(empty.limits.capture_budget, 1 << 30);
    assert_eq!(empty.limits.hold_back, 64 << 10);
    assert_eq!(empty.limits.drain_bytes, 16 << 20);
    assert_eq!(empty.limits.drain_time, Duration::from_secs(10));
    assert_eq!(empty.audit.path, Path::new("/etc/gate/audit.jsonl"));
    assert_eq!(empty.audit.passes, Passes::Minimal);
    assert_eq!(empty.admin.socket, Path::new("/etc/gate/state/admin.sock"));
    assert_eq!(empty.admin.address.unwrap().to_string(), "127.0.0.1:9001");
    assert_eq!(empty.log.level, LogLevel::Info);
    assert_eq!(empty.runtime.workers, None);
    assert!(empty.lists.is_empty());
}

#[test]
fn the_sample_of_the_design() {
    let text = r#"
[listener]
address = "0.0.0.0:9000"
[upstream]
endpoint = "http://127.0.0.1:3900"
[[list]]
name     = "police"
source   = "lists/police.txt"
format   = "plain"
hash     = "sha256"
polarity = "block"
mode     = "shadow"
contact  = "hotline@example.org"
[[bucket]]
match    = "*"
mode     = "enforce"
lists    = ["police"]
unjudged = "forward"
faults   = "retry"
[audit]
path         = "audit.jsonl"
denials_path = "denials.jsonl"
passes       = "minimal"
[refusal]
contact = "abuse@example.org"
[admin]
socket  = "/run/s3bouncer/admin.sock"
address = "127.0.0.1:9001"
"#;
    let sample = config(text);
    let list = &sample.lists[0];
    assert_eq!(list.source, Path::new("/etc/gate/lists/police.txt"));
    assert_eq!(list.format, Format::Plain(Algorithm::Sha256.into()));
    assert_eq!((list.polarity, list.mode), (Polarity::Block, Mode::Shadow));
    assert_eq!(list.max_age, None);
    assert_eq!(sample.buckets.len(), 1);
    assert_eq!(sample.buckets[0].rule.lists, [0]);
    assert_eq!(sample.admin.socket, Path::new("/run/s3bouncer/admin.sock"));
    assert_eq!(sample.refusal.contact, "abuse@example.org");
}

#[test]
fn a_rule_for_everything_is_implied_at_the_end() {
    let two = format!("{LIST}{}", LIST.replace("police", "hotline"));
    let gate = config(&format!("{two}[[bucket]]\nmatch = \"a*\"\nmode = \"shadow\"\n"));
    assert_eq!(gate.buckets.len(), 2);
    let implied = gate.rule_for(Some("b"));
    assert_eq!((implied.rule.mode, implied.rule.faults), (Mode::Enforce, OnFault::Retry));
    assert_eq!(implied.rule.unjudged, OnUnjudged::Forward);
    assert_eq!(implied.rule.lists, [0, 1]);
    assert_eq!(gate.rule_for(Some("abc")).rule.mode, Mode::Shadow);
    assert_eq!(gate.rule_for(None), implied);
}

#[test]
fn the_first_rule_that_matches_wins() {
    let rule = |pattern: &str, mode: &str| {
        format!("[[bucket]]\nmatch = \"{pattern}\"\nmode = \"{mode}\"\n")
    };
    let gate = config(&[rule("a?", "off"), rule("a*", "shadow"), rule("?*", "enforce")].concat());
    for (bucket, mode) in [("ab", Mode::Off), ("abc", Mode::Shadow), ("xyz", Mode::Enforce)] {
        assert_eq!(gate.rule_for(Some(bucket)).rule.mode, mode, "{bucket}");
    }
    assert_eq!(gate.buckets.len(), 4);
    assert!(gate.rule_for(None).pattern.is_everything());
}

/// In shadow the gate adds no errors (invariant 13), so `retry` has no effect there.
#[test]
fn faults_follow_the_mode() {
    for (mode, faults, expected) in [
        ("enforce", "", OnFault::Retry),
        ("enforce", "faults = \"retry\"", OnFault::Retry),
        ("enforce", "faults = \"forward\"", OnFault::Forward),
        ("shadow", "", OnFault::Forward),
        ("shadow", "faults = \"retry\"", OnFault::Forward),
        ("off", "faults = \"retry\"", OnFault::Forward),
    ] {
        let gate = config(&format!("[[bucket]]\nmode = \"{mode}\"\n{faults}\n"));
        assert_eq!(gate.buckets[0].rule.faults, expected, "{mode} {faults}");
    }
}

#[test]
fn unjudged_by_reason() {
    let rule = |unjudged: &str| {
        config(&format!("[[bucket]]\nmode = \"enforce\"\n[bucket.unjudged]\n{unjudged}\n"))
    };
    let table = rule("truncated = \"refuse\"\nformat = \"forward\"");
    assert_eq!(table.buckets[0].rule.on_unjudged(Unjudged::Truncated), OnUnjudged::Refuse);
    assert_eq!(table.buckets[0].rule.on_unjudged(Unjudged::Format), OnUnjudged::Forward);
    assert_eq!(table.buckets[0].rule.on_unjudged(Unjudged::Copy), OnUnjudged::Forward);
    assert_eq!(table, rule("truncated = \"refuse\""));
    let all = config("[[bucket]]\nmode = \"enforce\"\nunjudged = \"refuse\"\n");
    assert_eq!(all.buckets[0].rule.on_unjudged(Unjudged::Copy), OnUnjudged::Refuse);
}

#[test]
fn a_csv_list() {
    let gate = config(&LIST.replace(
        "hash = \"sha256\"",
        "format = \"csv\"\ndelimiter = \"\\t\"\ncolumns = { label = \"id\", sha1 = \"SHA-1\" }",
    ));
    let Format::Csv { columns, delimiter } = &gate.lists[0].format else { panic!() };
    assert_eq!(*delimiter, b'\t');
    assert_eq!(
        columns.hashes.get(&HashKind::Exact(Algorithm::Sha1)).map(String::as_str),
        Some("SHA-1")
    );
    assert_eq!(columns.hashes.len(), 1);
    assert_eq!(columns.label.as_deref(), Some("id"));
}

#[test]
fn dotted_keys_and_inline_tables_are_tables_too() {
    let inline = config("log.level = \"debug\"\nbucket = [{ mode = \"off\" }]\n");
    assert_eq!(inline, config("[log]\nlevel = \"debug\"\n[[bucket]]\nmode = \"off\"\n"));
}

#[test]
fn crlf_and_a_byte_order_mark_are_read() {
    let text = format!("\u{feff}{LIST}").replace('\n', "\r\n");
    assert_eq!(config(&text), config(LIST));
}

#[test]
fn paths_start_from_the_base() {
    let relative = Config::parse(LIST, Path::new("conf.d")).unwrap();
    assert_eq!(relative.lists[0].source, PathBuf::from("conf.d/police.txt"));
    let absolute = LIST.replace("police.txt", "/lists/police.txt");
    assert_eq!(config(&absolute).lists[0].source, PathBuf::from("/lists/police.txt"));
}

#[test]
fn ipv6_stores_keep_their_brackets() {
    let gate = config("[upstream]\nendpoint = \"http://[::1]:3900\"\n");
    assert_eq!(gate.upstreams[0].endpoint.host, "::1");
    assert_eq!(gate.upstreams[0].endpoint.authority(), "[::1]:3900");
}

#[test]
fn what_needs_a_restart() {
    const RESTART: [&str; 4] =
        ["listener.address", "listener.idle_timeout", "log.level", "runtime.workers"];
    let old = config("[log]\nlevel = \"info\"\n");
    let new = config(
        "[log]\nlevel = \"debug\"\n[upstream]\nmax_idle = 7\n[listener]\naddress = \"0.0.0.0:9009\"\nidle_timeout = \"5s\"\n[runtime]\nworkers = 2\n",
    );
    assert_eq!(old.needs_restart(&new), RESTART);
    assert!(new.needs_restart(&new).is_empty());
    let two = |second: &str| {
        config(&format!("[[listener]]\n[[listener]]\naddress = \"0.0.0.0:{second}\"\n"))
    };
    assert_eq!(two("1").needs_restart(&two("2")), ["listener.address"]);
}
