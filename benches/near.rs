//! What a near search costs, and what the hashes weigh, with made-up PDQ entries.
//!
//! ```text
//! cargo bench --bench near -- [ENTRIES]        10 million if not said
//! ```
//!
//! It prints milliseconds a query, of CPU and by the clock (median of rounds, page cache warm), at
//! the usual radius and at the wide one: a picture that is listed and one that is not, the eight
//! orientations of one at once, and the linear scan that answers the same. Beside it runs faiss, if
//! `NEAR_PEER_PYTHON` names a Python that has `faiss` and `numpy` (`benches/peers/faiss_near.py`):
//! it reads the same hashes and the same queries, and what it finds has to be the same.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use s3bouncer::image::Pdq;
use s3bouncer::list::{Compiler, Entry, Snapshot};

/// Entries if the command line says nothing.
const ENTRIES: u64 = 10_000_000;
/// Queries of a round, every second of which is near an entry.
const QUERIES: usize = 64;
/// Rounds of which the median counts, after one that warms up.
const ROUNDS: usize = 5;
/// The orientations of a picture, which are asked for at once.
const ORIENTATIONS: usize = 8;
/// The usual radius, and the wide one.
const RADII: [u32; 2] = [31, 48];
/// Where the peer's Python is.
const PEER: &str = "NEAR_PEER_PYTHON";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words = std::env::args().skip(1);
    let entries = words.filter_map(|word| word.replace('_', "").parse().ok()).next();
    let entries = entries.unwrap_or(ENTRIES).max(1);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("near.s3blist");
    let (start, cpu) = (Instant::now(), cpu_time());
    build(&path, entries)?;
    let cpu = (cpu_time() - cpu) as f64 / 1e9;
    println!("near: {entries} entries, built in {:.1?}, {cpu:.1} s of CPU", start.elapsed());
    let bytes = fs::metadata(&path)?.len() as f64;
    println!("near: {:.1} bytes an entry", bytes / entries as f64);
    let start = Instant::now();
    let snapshot = Snapshot::open(&path)?;
    println!("near: opened in {:.2?}", start.elapsed());
    let queries = queries(entries);
    for radius in RADII {
        measure(&snapshot, &queries, radius);
    }
    scan(entries, &queries);
    peer(folder.path(), entries, &queries, snapshot.near(&queries, RADII[0]).len())
}

fn build(path: &Path, entries: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut compiler = Compiler::default();
    let list = compiler.list("bench")?;
    for i in 0..entries {
        compiler.add(list, &Entry { hash: made_up(i).into(), label: None });
    }
    Ok(compiler.write(&mut BufWriter::new(File::create(path)?))?)
}

fn measure(snapshot: &Snapshot, queries: &[Pdq], radius: u32) {
    let per_query = |queries: &[&[Pdq]]| {
        let found = || queries.iter().map(|query| snapshot.near(query, radius).len()).sum();
        timed(queries.len(), found)
    };
    let one_by_one: Vec<&[Pdq]> = queries.chunks(1).collect();
    let [hits, misses] = [0, 1]
        .map(|odd| -> Vec<&[Pdq]> { one_by_one.iter().skip(odd).step_by(2).copied().collect() });
    println!("near: radius {radius}, near an entry: {}", per_query(&hits));
    println!("near: radius {radius}, near none:     {}", per_query(&misses));
    let batches: Vec<&[Pdq]> = queries.chunks(ORIENTATIONS).collect();
    println!("near: radius {radius}, {ORIENTATIONS} at once:     {}", per_query(&batches));
}

/// The naive twin, over hashes in memory.
fn scan(entries: u64, queries: &[Pdq]) {
    let hashes: Vec<Pdq> = (0..entries).map(made_up).collect();
    let few = &queries[..ORIENTATIONS.min(queries.len())];
    let near = |query: &Pdq| hashes.iter().filter(|hash| hash.distance(query) <= RADII[0]).count();
    let found = || few.iter().map(near).sum();
    println!("near: linear scan, radius {}: {}", RADII[0], timed(few.len(), found));
}

/// Runs faiss on the same hashes and queries, and compares how many it finds.
fn peer(
    folder: &Path,
    entries: u64,
    queries: &[Pdq],
    found: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let Some(python) = std::env::var_os(PEER) else {
        println!("near: no faiss beside it: {PEER} names no python");
        return Ok(());
    };
    let files = [folder.join("hashes"), folder.join("queries")];
    write(&files[0], (0..entries).map(made_up))?;
    write(&files[1], queries.iter().copied())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/faiss_near.py");
    let output = Command::new(python).arg(script).args(&files).output()?;
    io::stderr().write_all(&output.stderr)?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{told}");
    let same = format!("found {found}\n");
    println!(
        "near: we and faiss found {}",
        if told.contains(&same) { "the same" } else { "other" }
    );
    Ok(())
}

fn write(path: &Path, hashes: impl Iterator<Item = Pdq>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for Pdq(bytes) in hashes {
        out.write_all(&bytes)?;
    }
    out.flush()
}

/// Milliseconds a call of so many, the median of some rounds.
fn timed(calls: usize, round: impl Fn() -> usize) -> String {
    let mut rounds: Vec<(u64, u64)> = (0..=ROUNDS)
        .map(|_| {
            let (start, cpu) = (Instant::now(), cpu_time());
            black_box(round());
            (cpu_time() - cpu, start.elapsed().as_nanos() as u64)
        })
        .collect();
    // The first round warms the caches up.
    rounds.remove(0);
    let mut median = |of: fn(&(u64, u64)) -> u64| {
        rounds.sort_by_key(of);
        of(&rounds[ROUNDS / 2]) as f64 / 1e6 / calls as f64
    };
    format!("{:.3} ms of CPU, {:.3} ms by the clock", median(|r| r.0), median(|r| r.1))
}

/// Nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Queries: one at 0, 1, 2 … 31 bits from some entry, then one that is near none, and so on.
fn queries(entries: u64) -> Vec<Pdq> {
    let query = |i: usize| {
        let Pdq(mut bytes) = made_up(mixed(i as u64) % entries);
        if i % 2 == 1 {
            return made_up(entries + i as u64);
        }
        (0..i / 2 % 32).map(|k| (i * 31 + k * 7) % 256).for_each(|bit| {
            bytes[bit / 8] ^= 1 << (bit % 8);
        });
        Pdq(bytes)
    };
    (0..QUERIES).map(query).collect()
}

/// Hash number `i` of a made-up list: as of a picture, 128 of its bits are set.
fn made_up(i: u64) -> Pdq {
    let mut bytes = [0; 32];
    for (k, chunk) in (0u64..).zip(bytes.as_chunks_mut::<8>().0) {
        *chunk = mixed(i.wrapping_mul(4).wrapping_add(k)).to_le_bytes();
    }
    let mut set: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    let mut bit = mixed(!i);
    while set != 128 {
        bit = mixed(bit);
        let (byte, mask) = ((bit % 32) as usize, 1 << ((bit >> 5) % 8));
        let is_set = bytes[byte] & mask != 0;
        if is_set == (set > 128) {
            bytes[byte] ^= mask;
            set = if is_set { set - 1 } else { set + 1 };
        }
    }
    Pdq(bytes)
}

/// The mixer of Vigna's splitmix64: a permutation of 64-bit numbers.
fn mixed(i: u64) -> u64 {
    let mut z = i.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
