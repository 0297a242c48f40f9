//! CPU of the gate on the data path, beside nginx, in one run.
//!
//! `cargo bench --bench relay [-- [tls] [ROUNDS]]`: with `tls`, only how bodies move that come in TLS.
//! `train` measures nothing: see `training`. `S3BOUNCER_BIN` names another build of the gate than the
//! one that benches are built with.
//!
//! Each process's CPU time is read from /proc: on a shared machine that is the figure that holds.
//! Targets take turns within each round. The gate runs with no list, so that there is no digest to
//! compute, and takes no other path for that: guards, hold-back and audit work as ever. nginx runs
//! one worker with request buffering off; the gate runs one worker too. Without TLS, a forwarder that
//! is hyper and nothing else stands beside them.

mod certificate;
mod forwarder;
mod load;
mod target;
mod training;

use std::collections::BTreeMap;

use certificate::Certificate;
use load::{Load, Sink};
use target::Target;

/// Body sizes with requests and connections of one turn.
const LOADS: [Load; 5] = [
    Load { body: 1 << 10, requests: 6000, connections: 32 },
    Load { body: 64 << 10, requests: 3000, connections: 32 },
    Load { body: 1 << 20, requests: 400, connections: 8 },
    Load { body: 16 << 20, requests: 32, connections: 8 },
    Load { body: 100 << 20, requests: 6, connections: 3 },
];

const MIB: Load = LOADS[2];

/// Lists of each need a digest of every body.
const DIGESTS: [&str; 3] = ["md5", "sha1", "sha256"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [command, address, store] = words.as_slice()
        && command == forwarder::COMMAND
    {
        let [address, store] = [address, store].map(|word| word.parse().expect("an address"));
        return forwarder::run(address, store).expect("a loopback port");
    }
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5);
    let sink = Sink::start();
    if words.iter().any(|word| word == "train") {
        return training::run(&sink);
    }
    if words.iter().any(|word| word == "tls") {
        let certificate = Certificate::made_up();
        return forwarding(&sink, rounds, Some(&certificate));
    }
    forwarding(&sink, rounds, None);
    digests(&sink, rounds);
    memory(&sink);
}

/// Moving bodies, without digests, beside nginx.
fn forwarding(sink: &Sink, rounds: usize, tls: Option<&Certificate>) {
    let mut targets = vec![Target::nginx(sink, tls), Target::gate(sink, "gate", &[], "auto", tls)];
    if tls.is_none() {
        targets.push(Target::bare_hyper(sink));
    }
    let how = if tls.is_some() { " that come in TLS" } else { "" };
    println!("CPU of moving PUT bodies{how}, no digests, {rounds} rounds (median turn)\n");
    println!("| body | by | us/request | s/GB | of nginx's |");
    println!("|---|---|---|---|---|");
    for load in LOADS {
        let cpu = measure(&targets, load, rounds);
        for Target { name, .. } in &targets {
            let us = cpu[name];
            let per_gb = us / 1e6 / (load.body as f64 / 1e9);
            let ratio = us / cpu["nginx"];
            println!("| {} | {name} | {us:.1} | {per_gb:.3} | {ratio:.2} |", size(load.body));
        }
    }
}

/// All three digests on 1 MiB bodies: stitched in one pass beside one after the other.
fn digests(sink: &Sink, rounds: usize) {
    let targets = [
        Target::gate(sink, "one pass", &DIGESTS, "auto", None),
        Target::gate(sink, "one after the other", &DIGESTS, "portable", None),
    ];
    let cpu = measure(&targets, MIB, rounds);
    let (one, three) = (cpu["one pass"], cpu["one after the other"]);
    println!(
        "\nThree digests on 1 MiB bodies: {one:.0} us in one pass, {three:.0} us one after the"
    );
    println!("other: **{:.2}**", one / three);
}

/// Peak memory by body size, and what an idle connection costs.
fn memory(sink: &Sink) {
    println!("\nPeak resident memory of a fresh gate with all three digests");
    for load in [MIB, LOADS[3], LOADS[4]] {
        let gate = Target::gate(sink, "gate", &DIGESTS, "auto", None);
        load.run(&gate);
        println!(
            "  {:>7} bodies, {} at once: {} KiB",
            size(load.body),
            load.connections,
            gate.peak_kib()
        );
    }
    let gate = Target::gate(sink, "gate", &[], "auto", None);
    Load { requests: 64, connections: 64, ..LOADS[0] }.run(&gate);
    let before = gate.resident_kib();
    const IDLE: usize = 2000;
    let open = load::idle(&gate, IDLE);
    let each = || gate.resident_kib().saturating_sub(before) as f64 / IDLE as f64;
    let at_once = each();
    // Connections give up their buffers after a second, and the allocator its pages a little later.
    std::thread::sleep(std::time::Duration::from_secs(4));
    println!(
        "Idle keep-alive connection after one request: {at_once:.1} KiB, {:.1} KiB at rest",
        each()
    );
    drop(open);
}

/// Microseconds of CPU a request, for each target: the median of the turns.
fn measure(targets: &[Target], load: Load, rounds: usize) -> BTreeMap<&'static str, f64> {
    let mut turns: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for target in targets {
        Load { requests: load.requests / 4, ..load }.run(target); // warms pools and caches
    }
    for round in 0..rounds {
        for turn in 0..targets.len() {
            let target = &targets[(turn + round) % targets.len()];
            let before = target.cpu_ns();
            load.run(target);
            let spent = (target.cpu_ns() - before) as f64 / 1e3 / load.requests as f64;
            turns.entry(target.name).or_default().push(spent);
        }
    }
    turns.into_iter().map(|(name, mut spent)| (name, median(&mut spent))).collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
