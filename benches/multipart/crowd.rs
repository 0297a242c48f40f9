//! A thousand parts of 8 MiB at once through one gate: memory stays within its budgets, clients are
//! asked to slow down, and all parts arrive in the end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::gate::{Client, Gate, sink};

const PARTS: usize = 1000;
const PART_LEN: usize = 8 << 20;

/// How long a client waits before it tries a part again: SDKs begin with less and end with more.
const PAUSE: Duration = Duration::from_millis(500);

/// The stack of a client's thread.
const STACK: usize = 128 << 10;

#[derive(Default)]
struct Counts {
    taken: AtomicUsize,
    slowed: AtomicUsize,
    broken: AtomicUsize,
}

pub fn run(measured: bool) {
    let (parts, len) = if measured { (PARTS, PART_LEN) } else { (20, 2 << 20) };
    let gate = Gate::start(sink(), "spool_max = \"16GiB\"\nmultipart_grace = \"0s\"", "");
    let (body, counts) = (super::gate_body(len), Counts::default());
    let (before, start) = (gate.peak_mib(), Instant::now());
    std::thread::scope(|scope| {
        for number in 1..=parts {
            let (gate, body, counts) = (&gate, &body, &counts);
            let builder = std::thread::Builder::new().stack_size(STACK);
            let sending = move || send(gate, number, body, counts);
            builder.spawn_scoped(scope, sending).expect("a thread");
        }
    });
    let [taken, slowed, broken] =
        [&counts.taken, &counts.slowed, &counts.broken].map(|count| count.load(Ordering::Relaxed));
    println!("{parts} parts of {} MiB at once, one upload", len >> 20);
    println!("  answered 200                         {taken:>9}");
    println!("  answered 503 and sent again          {slowed:>9}");
    println!("  broken off and sent again            {broken:>9}");
    println!("  seconds                              {:>9.1}", start.elapsed().as_secs_f64());
    println!("  peak memory before, MiB              {before:>9}");
    println!("  peak memory with all parts, MiB      {:>9}", gate.peak_mib());
    println!("  the Complete                         {:>9}", complete(&gate, parts));
    println!("  peak memory with it, MiB             {:>9}", gate.peak_mib());
    assert_eq!(taken, parts, "every part arrives");
}

fn send(gate: &Gate, number: usize, body: &[u8], counts: &Counts) {
    let mut client = Client::new(gate.address);
    let target = format!("/b/k?partNumber={number}&uploadId=crowd");
    loop {
        let count = match client.ask("PUT", &target, body) {
            200 => break,
            503 => &counts.slowed,
            0 => &counts.broken,
            other => panic!("part {number} is answered {other}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(PAUSE);
    }
    counts.taken.fetch_add(1, Ordering::Relaxed);
}

/// The status of the Complete, once the gate no longer asks to try again.
fn complete(gate: &Gate, parts: usize) -> u16 {
    let part = |number| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"x\"</ETag></Part>");
    let list: String = (1..=parts).map(part).collect();
    let xml = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    let mut client = Client::new(gate.address);
    for _ in 0..60 {
        match client.ask("POST", "/b/k?uploadId=crowd", xml.as_bytes()) {
            503 => std::thread::sleep(PAUSE),
            status => return status,
        }
    }
    503
}
