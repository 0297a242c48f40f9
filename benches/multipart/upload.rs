//! CPU of a gate while parts pass: with their bytes spooled, and the same parts without.
//!
//! The gate that spools nothing has room for no part (`spool_max`) and forwards what it can't keep
//! (`faults = "forward"`): it moves, hashes and records the same parts. The goal is that spooling adds
//! at most 15 %.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::gate::{Client, Gate, sink};
use crate::state::median;

/// Bytes of a part: what the aws command and boto3 send.
const PART_LEN: usize = 8 << 20;

/// Parts of an upload: fewer bytes than an image may have, so that no digests follow it.
const PARTS: usize = 4;

/// Uploads of a turn.
const UPLOADS: usize = 12;

const CONNECTIONS: usize = 4;

pub fn run(measured: bool, rounds: usize) {
    let store = sink();
    let spooling = Gate::start(store, "", "");
    let without = Gate::start(store, "spool_max = \"1MiB\"", "faults = \"forward\"");
    let body = super::gate_body(if measured { PART_LEN } else { 2 << 20 });
    let uploads = if measured { UPLOADS } else { 1 };
    let mut costs = [const { Vec::new() }; 4];
    for gate in [&spooling, &without] {
        turn(gate, 1, &body, "warm"); // pools and caches
    }
    for round in 0..rounds {
        let mut gates = [(0, &spooling), (1, &without)];
        gates.rotate_left(round % 2);
        for (at, gate) in gates {
            let tag = format!("r{round}");
            let before = gate.cpu_seconds();
            turn(gate, uploads, &body, &tag);
            let sent = gate.cpu_seconds();
            abort(gate, uploads, &tag);
            let bytes = (uploads * PARTS * body.len()) as f64 / 1e9;
            costs[at].push((sent - before) / bytes);
            costs[2 + at].push((gate.cpu_seconds() - before) / bytes);
        }
    }
    let [spooled, plain, spooled_all, plain_all] = costs.map(median);
    println!("parts of {} MiB through a gate, three digests    CPU s/GB", body.len() >> 20);
    println!("  not spooled                          {plain:>9.3}");
    println!("  spooled                              {spooled:>9.3}");
    println!("  spooled / not                        {:>9.3}", spooled / plain);
    println!("  the same, uploads aborted            {:>9.3}", spooled_all / plain_all);
}

fn turn(gate: &Gate, uploads: usize, body: &[u8], tag: &str) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client::new(gate.address);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (upload, number) = (at / PARTS, at % PARTS + 1);
                    if upload >= uploads {
                        return;
                    }
                    let target = format!("/b/k?partNumber={number}&uploadId={tag}-{upload}");
                    assert_eq!(client.ask("PUT", &target, body), 200);
                }
            });
        }
    });
}

fn abort(gate: &Gate, uploads: usize, tag: &str) {
    let mut client = Client::new(gate.address);
    for upload in 0..uploads {
        assert_eq!(client.ask("DELETE", &format!("/b/k?uploadId={tag}-{upload}"), b""), 200);
    }
    // What was spooled goes in a task of its own.
    std::thread::sleep(std::time::Duration::from_millis(300));
}
