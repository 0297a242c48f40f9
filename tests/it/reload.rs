//! Lists and configuration change while the gate serves (invariants 7 and 11).

use std::fs;

use crate::support::{Gate, List, Request, Setup, Store, sample, until};

use sample::{CACTUS, FLOWER};

const RELOADED: &str = "s3bouncer_config_last_reload_successful";

/// The digests of so many made-up bodies.
fn made_up(count: u64) -> String {
    (0..count).map(|number| sample::sha256(&number.to_le_bytes()) + "\n").collect()
}

/// The status of an upload.
fn upload(gate: &Gate, body: &[u8]) -> u16 {
    gate.exchange(&Request::put("/b/k", body)).status()
}

fn entries(gate: &Gate) -> f64 {
    gate.metric("s3bouncer_list_entries{list=\"police\"}").expect("the list is there")
}

/// Reloads by signal and waits until the gate says how that went.
fn hangup(gate: &Gate, successful: bool) {
    gate.signal("HUP");
    gate.await_metric(RELOADED, if successful { 1.0 } else { 0.0 });
}

#[test]
fn a_signal_swaps_the_list() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    assert_eq!((upload(&gate, CACTUS), upload(&gate, FLOWER)), (403, 200));
    gate.rewrite_list("police", &(sample::sha256(FLOWER) + "\n"));
    gate.signal("HUP");
    until("the new list", || (upload(&gate, FLOWER) == 403).then_some(()));
    assert_eq!(upload(&gate, CACTUS), 200);
    let records = gate.stop().records;
    let (first, last) = (&records[0]["snapshot"], &records[records.len() - 1]["snapshot"]);
    assert!(first.is_string() && last.is_string() && first != last, "{first} {last}");
}

#[test]
fn a_bad_list_leaves_the_good_one_serving() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for bad in ["", "# nothing\n", "what is this?\n", "abcdef\n"] {
        gate.rewrite_list("police", bad);
        hangup(&gate, false);
        assert_eq!(upload(&gate, CACTUS), 403, "{bad:?}");
        assert_eq!(gate.page_status("/readyz"), 200, "{bad:?}");
        gate.rewrite_list("police", &(sample::sha256(CACTUS) + "\n"));
        hangup(&gate, true);
    }
    fs::remove_file(gate.directory().join("police.txt")).expect("the list is there");
    hangup(&gate, false);
    assert_eq!(upload(&gate, CACTUS), 403);
    assert!(gate.metric("s3bouncer_list_load_failures_total").is_some_and(|n| n >= 5.0));
}

#[test]
fn a_list_that_shrinks_or_grows_much_is_not_taken_without_consent() {
    let store = Store::ok();
    let with_cactus = |count| made_up(count) + &sample::sha256(CACTUS) + "\n";
    let gate = Setup::before(&store).list(List::blocking(&[]).text(&with_cactus(99))).start();
    assert_eq!(entries(&gate), 100.0);
    // Each with the number that serves then: 80 % and 200 % are taken, what is past them is not.
    for (count, serving) in [(80, 80), (100, 100), (79, 100), (200, 200), (160, 160), (321, 160)] {
        gate.rewrite_list("police", &with_cactus(count - 1));
        gate.signal("HUP");
        gate.await_metric(RELOADED, f64::from(u8::from(count == serving)));
        gate.await_metric("s3bouncer_list_entries{list=\"police\"}", serving as f64);
        assert_eq!(upload(&gate, CACTUS), 403, "{count}");
    }
    gate.rewrite_list("police", &with_cactus(9));
    assert_ne!(gate.ctl(&["reload"]).status, 0, "not by itself");
    gate.ctl(&["reload", "--accept", "police"]).expect(0);
    assert_eq!(entries(&gate), 10.0);
    assert_eq!(gate.metric(RELOADED), Some(1.0));
}

#[test]
fn after_a_crash_the_last_good_list_serves_though_its_source_is_gone() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    assert_eq!(upload(&gate, CACTUS), 403);
    fs::remove_file(gate.directory().join("police.txt")).expect("the list is there");
    let gate = gate.crash_and_restart("/readyz");
    assert_eq!((upload(&gate, CACTUS), upload(&gate, FLOWER)), (403, 200));
    gate.rewrite_list("police", "what is this?\n");
    let gate = gate.crash_and_restart("/readyz");
    assert_eq!((upload(&gate, CACTUS), upload(&gate, FLOWER)), (403, 200));
}

#[test]
fn a_damaged_last_good_list_is_not_served() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    fs::remove_file(gate.directory().join("police.txt")).expect("the list is there");
    for path in files_below(&gate.directory().join("state")) {
        let mut bytes = fs::read(&path).expect("a file can be read");
        if bytes.len() < 100 {
            continue;
        }
        // A flipped byte in a table would be a silent allow.
        let needle = hex_bytes(&sample::sha256(CACTUS));
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(&needle[..8]) {
                bytes[at + 7] ^= 1;
            }
        }
        fs::write(&path, bytes).expect("a file can be written");
    }
    let gate = gate.crash_and_restart("/livez");
    assert_eq!(gate.page_status("/readyz"), 503);
    assert_eq!(upload(&gate, CACTUS), 503, "unjudged, not allowed");
}

fn files_below(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false if path.is_file() => files.push(path),
            false => {}
        }
    }
    files
}

fn hex_bytes(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(pair).collect()
}

#[test]
fn a_request_sees_one_list_from_its_head_to_its_end() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let mut streaming = gate.client();
    let long = sample::noise(2, 3_000_000);
    streaming.send(&Request::put("/b/long", &long).head());
    streaming.send(&long[..2_900_000]);
    store.await_body(0, 2_000_000);
    gate.rewrite_list("police", &(sample::sha256(&long) + "\n"));
    gate.signal("HUP");
    until("the new list", || (upload(&gate, CACTUS) == 200).then_some(()));
    streaming.send(&long[2_900_000..]);
    assert_eq!(streaming.answer().status(), 200, "judged by the list it came with");
    assert_eq!(upload(&gate, &long), 403, "the next one by the new one");
}

#[test]
fn configuration_is_read_again_and_a_bad_one_changes_nothing() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let good = fs::read_to_string(gate.config()).expect("the file is there");
    fs::write(gate.config(), format!("{good}\n[listener]\nno_such_key = 1\n")).expect("written");
    hangup(&gate, false);
    assert_eq!(upload(&gate, CACTUS), 403);
    let watching = format!("{good}\n[[bucket]]\nmatch = \"*\"\nmode = \"shadow\"\n");
    fs::write(gate.config(), watching).expect("written");
    hangup(&gate, true);
    assert_eq!(upload(&gate, CACTUS), 200);
    assert_eq!(gate.metric("s3bouncer_enforcing"), Some(0.0));
}

#[test]
fn a_reload_disturbs_no_upload_and_no_connection() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).small_limits().start();
    let mut client = gate.client();
    for number in 0..10 {
        let body = sample::noise(number, 300_000);
        client.send(&Request::put("/b/k", &body).head());
        client.send(&body[..150_000]);
        gate.signal("HUP");
        client.send(&body[150_000..]);
        assert_eq!(client.answer().status(), 200);
    }
    assert_eq!(gate.stop().records.len(), 10);
    assert_eq!(store.objects().len(), 10);
}
