//! A hundred uploads of 12 megapixels at once, through a gate of its own that compares pictures.
//!
//! What has to hold, or this fails: the gate's memory stays within `capture_budget` and what its
//! connections have, its workers' within their limits; every upload ends as 200 or 503, and has a
//! record that says the same.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use crate::gate::{Client, Gate, sink};
use crate::pictures::{SIZE, jpeg, photograph};

const UPLOADS: usize = 100;

/// `capture_budget` in MiB: the default, and two that have no room for all of them.
const BUDGETS_MIB: [u64; 3] = [1024, 128, 64];

/// What a connection has beside that budget: up to three reads of a body (`READ_BYTES` in
/// src/net/conversation.rs) and the buffer towards the store.
const CONNECTION_KIB: u64 = 3 * 256 + 128;

const WORKERS: u64 = 2;

/// `decode.memory_limit` as it is by default, and what a worker has of its own.
const WORKER_MIB: u64 = 512 + 96;

const LISTED: u64 = 100_000;

/// How long the last record may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often workers' memory is looked at: a worker that ends takes its figure along.
const GLANCE: Duration = Duration::from_millis(10);

type BurstResult<T> = Result<T, Box<dyn std::error::Error>>;

/// What became of uploads: by status, and what else the record says.
type Ends = BTreeMap<(u64, String), usize>;

pub fn run() -> BurstResult<()> {
    let images = distinct()?;
    let (most, all) =
        (images.iter().map(Vec::len).max(), images.iter().map(Vec::len).sum::<usize>());
    let most_mib = most.unwrap_or(0).div_ceil(1 << 20) as u64;
    println!("burst: {UPLOADS} JPEGs of 12 megapixels at once, {} MiB in all", all >> 20);
    for budget in BUDGETS_MIB {
        burst(&images, budget, most_mib)?;
    }
    Ok(())
}

fn burst(images: &[Vec<u8>], budget: u64, image_mib: u64) -> BurstResult<()> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("pictures");
    fs::write(&list, (0..LISTED).map(made_up).collect::<String>())?;
    let gate = Gate::start(
        sink(),
        "",
        &format!(
            "[[list]]\nname = \"pictures\"\nsource = {list:?}\nhash = \"pdq\"\npolarity = \"block\"\n\
             mode = \"enforce\"\nnear_variants = \"trim+pad\"\n\
             [limits]\ncapture_budget = \"{budget}MiB\"\n[decode]\nworkers = {WORKERS}\n"
        ),
    );
    let (before, start) = (gate.peak_mib(), Instant::now());
    let (answers, workers) = upload(&gate, images);
    let seconds = start.elapsed().as_secs_f64();
    let told = records(&gate);
    println!("burst: capture_budget {budget} MiB, {seconds:.1} s");
    answers.iter().for_each(|(status, count)| println!("  answered {status:<28}{count:>9}"));
    for ((status, what), count) in &told {
        println!("  recorded {:<28}{count:>9}", format!("{status}, {what}"));
    }
    let peak = gate.peak_mib();
    let room = before + budget + UPLOADS as u64 * CONNECTION_KIB / 1024;
    println!("  gate before, MiB                     {before:>9}");
    println!("  gate at its peak, MiB                {peak:>9}  of {room}");
    let workers_room = WORKERS * (WORKER_MIB + image_mib);
    println!("  workers at their peak, MiB           {workers:>9}  of {workers_room}");
    let mut recorded = BTreeMap::new();
    told.iter().for_each(|((status, _), count)| *recorded.entry(*status).or_default() += count);
    assert_eq!(recorded, answers, "records say what clients heard");
    assert!(answers.keys().all(|status| [200, 503].contains(status)), "{answers:?}");
    assert!(peak <= room && workers <= workers_room, "memory is bounded");
    Ok(())
}

/// How many were answered with which status, and the most memory that all workers had.
fn upload(gate: &Gate, images: &[Vec<u8>]) -> (BTreeMap<u64, usize>, u64) {
    let (answers, start) = (Mutex::new(BTreeMap::new()), Barrier::new(images.len()));
    let (workers, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                workers.fetch_max(gate.workers_peak_mib(), Ordering::Relaxed);
                std::thread::sleep(GLANCE);
            }
        });
        std::thread::scope(|scope| {
            for (number, image) in images.iter().enumerate() {
                let (answers, start) = (&answers, &start);
                scope.spawn(move || {
                    let mut client = Client::new(gate.address);
                    start.wait();
                    let status = client.ask("PUT", &format!("/b/{number}"), image);
                    let mut answers = answers.lock().expect("no client panics");
                    *answers.entry(u64::from(status)).or_default() += 1;
                });
            }
        });
        is_over.store(true, Ordering::Relaxed);
    });
    (answers.into_inner().expect("no client panics"), workers.into_inner())
}

/// What the records say, once there are as many as uploads.
fn records(gate: &Gate) -> Ends {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut ends = Ends::new();
        let text = gate.records();
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        for record in lines.filter(|record: &serde_json::Value| record["operation"].is_string()) {
            let word = |field: &str| record[field].as_str().unwrap_or("-").to_owned();
            let what = format!("{} {}", word("verdict"), word("reason"));
            *ends.entry((record["status"].as_u64().unwrap_or(0), what)).or_default() += 1;
        }
        if ends.values().sum::<usize>() >= UPLOADS || Instant::now() > deadline {
            return ends;
        }
        std::thread::sleep(GLANCE);
    }
}

/// Photographs of which none is like another: each begins some rows further down.
fn distinct() -> BurstResult<Vec<Vec<u8>>> {
    let mut rgb = photograph();
    let row = 3 * usize::from(SIZE.0);
    let step = usize::from(SIZE.1) / UPLOADS;
    let images = (0..UPLOADS).map(|_| {
        rgb.rotate_left(row * step);
        jpeg(&rgb)
    });
    images.collect()
}

/// A line of a list: as of no picture at all.
fn made_up(number: u64) -> String {
    let word = |k: u64| (4 * number + k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}{:016x}{:016x}{:016x}\n", word(0), word(1), word(2), word(3))
}
