//! What the state of multipart uploads costs, in a directory on the disk of the target folder.
//!
//! * an upload of 10,000 parts: a record kept, all of them listed and read, the list of a Complete
//!   matched against them; the goal for the last two together is 50 ms;
//! * the CPU time that spooling adds to an upload, beside three digests over the same bytes and beside
//!   writing them with `std::fs`.
//!
//! Passes take turns, so that a slow moment of the machine hits all alike; medians are printed.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use s3bouncer::digest::{AlgorithmSet, Digests, Kernel, MultiHasher};
use s3bouncer::state::{Flight, PartRecord, PartTag, Place, State, StateOptions, UploadKey};

use crate::gate::cpu_seconds;

const PARTS: u16 = 10_000;

/// Bytes that a read from a socket gives at most here.
const PIECE_LEN: usize = 128 << 10;
/// Pieces of which bodies are made: together more than a core's cache, as bodies are.
const PIECES: usize = 64;
/// Bytes of a body.
const BODY_LEN: u64 = 1 << 30;

pub fn run(measured: bool, passes: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (parts, body_len) = if measured { (PARTS, BODY_LEN) } else { (20, 1 << 20) };
    for fsync in [false, true] {
        runtime.block_on(records(parts, passes, fsync));
    }
    for fsync in [false, true] {
        bytes(&runtime, body_len, passes, fsync);
    }
}

fn open(root: &Path, fsync: bool) -> State {
    let options = StateOptions::new(Place::Directory(root.to_owned()));
    let options = StateOptions { fsync, timeout: Duration::from_secs(60), ..options };
    State::open(&options).expect("a state")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn record(number: u16) -> PartRecord {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Auto);
    hasher.update(&number.to_le_bytes());
    let digests: Digests = hasher.finish();
    let tag = PartTag::of(&digests.md5.map(|md5| md5.to_string()).unwrap_or_default());
    let flight = Flight::default();
    PartRecord { number, tag, size: 8 << 20, digests, format: None, spool: None, flight }
}

async fn records(parts: u16, passes: usize, fsync: bool) {
    let root = folder();
    let state = open(root.path(), fsync);
    let upload = UploadKey::of(b"bucket", b"key", b"id");
    let records: Vec<PartRecord> = (1..=parts).map(record).collect();
    let start = Instant::now();
    for record in &records {
        state.put_record(&upload, record).await.expect("kept");
    }
    let put = start.elapsed() / u32::from(parts);
    let listed: Vec<_> = records.iter().map(|record| (record.number, record.tag)).collect();
    let (mut loads, mut matches) = (Vec::new(), Vec::new());
    let cpu = own_cpu_seconds();
    for _ in 0..3 * passes {
        let start = Instant::now();
        let view = state.load(&upload).await.expect("loaded");
        loads.push(start.elapsed());
        let start = Instant::now();
        let resolved = view.resolve(&listed).expect("matched");
        matches.push(start.elapsed());
        assert!(resolved == records);
    }
    let cpu = (own_cpu_seconds() - cpu) / (3 * passes) as f64;
    let start = Instant::now();
    state.forget(&upload).await.expect("forgotten");
    let forgotten = start.elapsed();
    println!("{parts} parts, fsync {fsync}");
    println!("  a record kept                        {put:>10.1?}");
    println!("  all listed and read                  {:>10.1?}", median(loads));
    println!("  a Complete's list matched            {:>10.1?}", median(matches));
    println!("  the CPU time of both                 {:>10.1?}", Duration::from_secs_f64(cpu));
    println!("  all removed                          {forgotten:>10.1?}");
}

/// CPU and wall-clock time.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
}

fn bytes(runtime: &tokio::runtime::Runtime, len: u64, passes: usize, fsync: bool) {
    let pieces: Vec<Bytes> = (0..PIECES).map(|n| piece(n as u32)).collect();
    let body = || pieces.iter().cycle().take((len / PIECE_LEN as u64) as usize);
    let root = folder();
    let state = open(root.path(), fsync);
    let upload = UploadKey::of(b"bucket", b"key", b"id");
    let mut costs = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..passes {
        costs[0].push(cost(|| {
            let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Auto);
            body().for_each(|piece| hasher.update(piece));
            black_box(hasher.finish());
        }));
        let file = root.path().join("file");
        costs[1].push(cost(|| {
            let mut file = File::create(&file).expect("a file");
            body().for_each(|piece| file.write_all(piece).expect("written"));
            if fsync {
                file.sync_all().expect("synced");
            }
        }));
        fs::remove_file(&file).expect("removed");
        let mut spooled = None;
        costs[2].push(cost(|| {
            spooled = Some(runtime.block_on(async {
                let mut writer = state.begin_spool(&upload, len).expect("room");
                for piece in body() {
                    writer.write(piece.clone()).await.expect("written");
                }
                writer.finish().await.expect("finished")
            }));
        }));
        costs[3].push(cost(|| {
            runtime.block_on(async {
                let mut reader = state.read_spools(&upload, spooled.as_slice()).expect("memory");
                while let Some(bytes) = reader.next().await.expect("read") {
                    black_box(bytes);
                }
            });
        }));
        runtime.block_on(state.forget(&upload)).expect("forgotten");
    }
    report(&costs, len, fsync);
}

fn report(costs: &[Vec<Cost>; 4], len: u64, fsync: bool) {
    let per_gb = 1e9 / len as f64;
    let rows = ["three digests", "std::fs, one file", "spool, written", "spool, read back"];
    println!("a body of {} MiB, fsync {fsync}          CPU s/GB   wall s/GB", len >> 20);
    let cpu = costs.each_ref().map(|c| median(c.iter().map(|c| c.cpu * per_gb).collect()));
    let wall = costs.each_ref().map(|c| median(c.iter().map(|c| c.wall * per_gb).collect()));
    for ((row, cpu), wall) in rows.iter().zip(cpu).zip(wall) {
        println!("  {row:<36} {cpu:>9.3}   {wall:>9.3}");
    }
    println!("  spool written / digests              {:>9.3}", cpu[2] / cpu[0]);
    println!("  spool written / std::fs              {:>9.3}", cpu[2] / cpu[1]);
}

fn cost(work: impl FnOnce()) -> Cost {
    let (cpu, start) = (own_cpu_seconds(), Instant::now());
    work();
    Cost { cpu: own_cpu_seconds() - cpu, wall: start.elapsed().as_secs_f64() }
}

/// CPU time of this process.
fn own_cpu_seconds() -> f64 {
    cpu_seconds("/proc/self/stat")
}

pub fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}

fn piece(seed: u32) -> Bytes {
    let at = |i: u32| ((seed << 20 | i).wrapping_mul(2_654_435_761) >> 13) as u8;
    (0..PIECE_LEN as u32).map(at).collect()
}
