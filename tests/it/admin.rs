//! The operator's doors, acts and signals (§6 and §7 of the design).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Client, Gate, Latch, Request, Script, Setup, Store, sample, until};

use sample::{CACTUS, FLOWER};

/// The status of an upload.
fn upload(gate: &Gate, bucket: &str, body: &[u8]) -> u16 {
    gate.exchange(&Request::put(&format!("/{bucket}/k"), body)).status()
}

fn gate(store: &Store) -> Gate {
    Setup::refusing(store, &[CACTUS]).start()
}

#[test]
fn pages_tell_how_the_gate_is() {
    let store = Store::ok();
    let gate = gate(&store);
    for page in ["/livez", "/readyz", "/metrics", "/status"] {
        assert_eq!(gate.page_status(page), 200, "{page}");
    }
    assert_eq!(gate.page_status("/no-such-page"), 404);
    let status = gate.admin(&Request::get("/status")).body;
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    assert!(status.to_string().contains("police"), "{status}");
    let metrics = gate.admin(&Request::get("/metrics")).text();
    for name in [
        "s3bouncer_enforcing 1",
        "s3bouncer_bypass_active 0",
        "s3bouncer_list_entries{list=\"police\"} 1",
        "s3bouncer_list_age_seconds{list=\"police\"} ",
        "s3bouncer_list_load_failures_total 0",
        "s3bouncer_config_last_reload_successful 1",
        "s3bouncer_panics_total 0",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name}\n{metrics}");
    }
}

#[test]
fn the_address_only_reads() {
    let store = Store::ok();
    let gate = gate(&store);
    for act in ["/drain", "/reload", "/observe", "/disable", "/status", "/livez"] {
        for method in ["POST", "PUT", "DELETE"] {
            let body = b"{\"for_seconds\":60,\"reason\":\"x\"}";
            let answer = gate.admin(&Request::post(act, body).by(method));
            assert!((400..500).contains(&answer.status()), "{method} {act}: {}", answer.status());
        }
    }
    assert_eq!(gate.page_status("/readyz"), 200);
    assert_eq!(upload(&gate, "b", CACTUS), 403);
}

#[test]
fn the_socket_is_its_owners_only_and_replaces_a_stale_one() {
    let store = Store::ok();
    let gate = gate(&store).crash_and_restart("/readyz");
    let mode = fs::metadata(gate.socket()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = gate.ctl(&["status"]).expect(0);
    assert!(status.out.contains("police"), "{status:?}");
}

#[test]
fn observing_takes_effect_at_once_and_survives_a_restart() {
    let store = Store::ok();
    let gate = gate(&store);
    assert_eq!(upload(&gate, "b", CACTUS), 403);
    gate.ctl(&["observe", "--for", "30m", "--reason", "a wrong list"]).expect(0);
    assert_eq!(upload(&gate, "b", CACTUS), 200);
    assert_eq!(gate.metric("s3bouncer_bypass_active"), Some(1.0));
    gate.records(2);
    let gate = gate.crash_and_restart("/readyz");
    assert_eq!(upload(&gate, "b", CACTUS), 200);
    assert_eq!(gate.metric("s3bouncer_bypass_active"), Some(1.0));
    // Everybody may know that there is one, only the operator why.
    let status = gate.admin(&Request::get("/status")).body;
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    assert!(!matches!(&status["bypasses"], Value::Null | Value::Bool(false)), "{status}");
    assert!(gate.ctl(&["status"]).expect(0).out.contains("a wrong list"));
    assert!(gate.acts(1)[0].to_string().contains("a wrong list"), "acts are audited");
    let records = gate.stop().records;
    let uploads: Vec<_> = records.iter().map(|record| record["verdict"].clone()).collect();
    assert_eq!(uploads, ["deny", "would-deny", "would-deny"]);
}

#[test]
fn observing_ends_by_itself_and_can_be_for_a_list_or_a_bucket() {
    let store = Store::ok();
    let gate = gate(&store);
    gate.ctl(&["observe", "--for", "1s", "--reason", "a moment"]).expect(0);
    until("its end", || (upload(&gate, "b", CACTUS) == 403).then_some(()));
    gate.await_metric("s3bouncer_bypass_active", 0.0);
    gate.ctl(&["observe", "--for", "30m", "--reason", "one bucket", "--bucket", "a"]).expect(0);
    assert_eq!((upload(&gate, "a", CACTUS), upload(&gate, "b", CACTUS)), (200, 403));
    gate.ctl(&["observe", "--for", "30m", "--reason", "one list", "--list", "police"]).expect(0);
    assert_eq!(upload(&gate, "b", CACTUS), 200);
    for wrong in [
        ["--for", "30m", "--reason", ""].as_slice(),
        &["--for", "soon", "--reason", "x"],
        &["--for", "30m", "--reason", "x", "--list", "no-such-list"],
        &["--reason", "x"],
    ] {
        assert_ne!(gate.ctl(&[["observe"].as_slice(), wrong].concat()).status, 0, "{wrong:?}");
    }
}

#[test]
fn one_entry_can_be_disabled_until_a_date() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS, FLOWER]).start();
    assert_eq!((upload(&gate, "b", CACTUS), upload(&gate, "b", FLOWER)), (403, 403));
    let entry = gate.denials(2)[0]["entry"].as_str().expect("an entry").to_owned();
    let name = format!("police/{entry}");
    let in_a_month = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24);
    let date = &in_a_month.to_string()[..10];
    let disable = ["disable", &name, "--reason", "a false hit", "--expires", date];
    gate.ctl(&disable).expect(0);
    assert_eq!((upload(&gate, "b", CACTUS), upload(&gate, "b", FLOWER)), (200, 403));
    let gate = gate.crash_and_restart("/readyz");
    assert_eq!((upload(&gate, "b", CACTUS), upload(&gate, "b", FLOWER)), (200, 403));
    assert_eq!(gate.metric("s3bouncer_bypass_active"), Some(1.0));
    let wrong = ["disable", "police/no-such-entry", "--reason", "x", "--expires", date];
    assert_ne!(gate.ctl(&wrong).status, 0);
}

/// An upload that waits for the store, and what lets the store answer.
fn under_way(body: &[u8]) -> (Store, Gate, Client, Latch) {
    let latch = Latch::new();
    let store = Store::always(Script::ok().after(&latch));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", body).on_wire());
    store.request(0);
    (store, gate, client, latch)
}

#[test]
fn a_term_signal_and_ctl_drain_let_what_is_under_way_end() {
    for by_signal in [true, false] {
        let (store, gate, mut client, latch) = under_way(b"innocent");
        let mut idle = gate.client();
        match by_signal {
            true => gate.signal("TERM"),
            false => drop(gate.ctl(&["drain"]).expect(0)),
        }
        until("unreadiness", || (gate.page_status("/readyz") == 503).then_some(()));
        assert_eq!(gate.page_status("/livez"), 200);
        idle.expect_end();
        latch.open();
        let answer = client.answer();
        assert_eq!(answer.status(), 200);
        client.expect_end();
        let ended = gate.ended();
        assert!(ended.status.success());
        assert_eq!(ended.record()["status"], 200);
        assert_eq!(store.objects().len(), 1);
    }
}

#[test]
fn an_upload_that_is_still_being_sent_ends_too() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).small_limits().start();
    let body = sample::noise(1, 400_000);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", &body).head());
    client.send(&body[..300_000]);
    store.await_body(0, 100_000);
    gate.signal("TERM");
    until("unreadiness", || (gate.page_status("/readyz") == 503).then_some(()));
    client.send(&body[300_000..]);
    assert_eq!(client.answer().status(), 200);
    let ended = gate.ended();
    assert!(ended.status.success());
    assert_eq!(ended.record()["verdict"], "allow");
    assert!(store.complete(0).body == body);
}

#[test]
fn a_second_signal_or_the_deadline_ends_what_does_not() {
    let stuck = |gate: &Gate| {
        let mut client = gate.client();
        client.send(&Request::put("/b/k", &[0; 5000]).expecting().head());
        assert_eq!(client.head().word(1), "100", "it is under way");
        client.send(&[0; 100]);
        client
    };
    let store = Store::ok();
    let gate = gate(&store);
    let _client = stuck(&gate);
    let _answered = upload(&gate, "b", b"innocent");
    gate.signal("TERM");
    until("unreadiness", || (gate.page_status("/readyz") == 503).then_some(()));
    gate.signal("TERM");
    let ended = gate.ended();
    assert_eq!(ended.records.len(), 2, "the stuck one has a record too: {:?}", ended.records);
    assert_eq!(store.objects().len(), 1);

    let setup = Setup::refusing(&store, &[CACTUS]);
    let gate = setup.set("listener", "drain_deadline = \"300ms\"").start();
    let _client = stuck(&gate);
    let _answered = upload(&gate, "b", b"innocent");
    gate.signal("TERM");
    assert_eq!(gate.ended().records.len(), 2);
}

#[test]
fn a_draining_gate_takes_new_connections_for_its_grace() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[CACTUS]);
    let gate = setup.set("listener", "drain_grace = \"2s\"").start();
    gate.signal("TERM");
    until("unreadiness", || (gate.page_status("/readyz") == 503).then_some(()));
    assert_eq!(upload(&gate, "b", b"innocent"), 200, "a load balancer may not know yet");
    let ended = gate.ended();
    assert!(ended.status.success());
    assert_eq!(ended.records.len(), 1);
}
