//! What a lookup costs, and what an open list weighs, with made-up SHA-256 entries.
//!
//! ```text
//! cargo bench --bench list -- [ENTRIES]        10 million if not said
//! ```
//!
//! It prints nanoseconds a miss and a hit (median of rounds over lookups in random order, each
//! independent of the others, page cache warm), milliseconds to open and to read the filter
//! alone, and resident bytes an entry after opening, after misses and after hits. `benches/peers`
//! runs the same beside LMDB and redb, in one process.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufWriter, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use s3bouncer::digest::{Digest, Sha256};
use s3bouncer::list::{Compiler, Entry, Snapshot, SnapshotError, verify_checksums};

/// Lookups in one round.
pub const LOOKUPS: u64 = 1_000_000;
/// Rounds of which the median counts.
pub const ROUNDS: usize = 5;
/// Entries if the command line says nothing.
const ENTRIES: u64 = 10_000_000;

/// Runs the bench.
///
/// # Errors
/// The temporary directory or the snapshot in it can't be used.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries = entries_from(std::env::args())?;
    let folder = tempfile::tempdir()?;
    measure(folder.path(), entries)
}

/// The first argument that is a number; cargo adds others of its own.
///
/// # Errors
/// The number is 0.
pub fn entries_from(arguments: impl Iterator<Item = String>) -> Result<u64, String> {
    match arguments.skip(1).find_map(|text| text.replace('_', "").parse().ok()) {
        Some(0) => Err("there must be an entry".to_owned()),
        entries => Ok(entries.unwrap_or(ENTRIES)),
    }
}

/// Builds a snapshot in `folder` and measures it.
///
/// # Errors
/// A file can't be written or read, or the snapshot is refused.
pub fn measure(folder: &Path, entries: u64) -> Result<(), Box<dyn std::error::Error>> {
    let path = folder.join("bench.s3blist");
    let start = Instant::now();
    build(&path, entries)?;
    println!("list: {entries} entries, built in {:.1?}", start.elapsed());
    let (checked, took) = timed(|| verify_checksums(&path));
    let bytes = path.metadata()?.len();
    let per_entry = bytes as f64 / entries as f64;
    println!("list: {bytes} bytes, {per_entry:.1} an entry; checksums read in {took:.1?}");
    let id = checked?;
    Ok(open_and_look_up(&path, entries, &id)?)
}

fn open_and_look_up(path: &Path, entries: u64, id: &str) -> Result<(), SnapshotError> {
    // Taken first: the allocator may keep what the next line frees.
    let before = resident()?;
    let (filter, took) = timed(|| read_as_much_as_the_filter(path, entries));
    println!("list: reading as many bytes as the filter has: {took:.2?}");
    drop(filter?);
    let (snapshot, took) = timed(|| Snapshot::open(path));
    let snapshot = snapshot?;
    println!("list: opened in {took:.2?}");
    assert_eq!(snapshot.id(), id);
    print_resident("after opening", before, entries)?;
    let making = per_lookup(|i| black_box(made_up(i)).as_bytes()[0] == 0, None);
    println!("list: (making up a digest, taken off: {making:.0} ns)");
    let miss = per_lookup(|i| !snapshot.lookup(&made_up(entries + i)).is_empty(), Some(0));
    println!("list: miss {:.0} ns", miss - making);
    print_resident("after 6 million misses", before, entries)?;
    let pick = shuffled(entries);
    let hit = per_lookup(|i| !snapshot.lookup(&made_up(pick(i))).is_empty(), Some(LOOKUPS));
    println!("list: hit {:.0} ns", hit - making);
    let told = per_lookup(|i| snapshot.lookup(&made_up(pick(i))).next().is_some(), Some(LOOKUPS));
    println!("list: hit with list and entry id {:.0} ns", told - making);
    let miss = per_lookup(|i| !snapshot.lookup(&made_up(entries + i)).is_empty(), Some(0));
    println!("list: miss with the whole table resident {:.0} ns", miss - making);
    Ok(print_resident("after hits", before, entries)?)
}

fn build(path: &Path, entries: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut compiler = Compiler::default();
    let list = compiler.list("bench")?;
    for i in 0..entries {
        compiler.add(list, &Entry { hash: made_up(i).into(), label: None });
    }
    Ok(compiler.write(&mut BufWriter::new(File::create(path)?))?)
}

/// 20.43 bits an entry, read into fresh memory as `open` does it.
fn read_as_much_as_the_filter(path: &Path, entries: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (entries as f64 * 2.554) as usize];
    File::open(path)?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Picks entries in an order that no prefetcher knows.
pub fn shuffled(entries: u64) -> impl Fn(u64) -> u64 {
    move |i| mixed(i ^ 0x5eed) % entries
}

/// Nanoseconds of CPU a call, the median of some rounds: a lookup never waits for anything but
/// memory, and a busy machine's other work is left out. `hits` calls of a round are to be true,
/// or any number if it is `None`.
///
/// # Panics
/// Another number of calls was true.
pub fn per_lookup(lookup: impl Fn(u64) -> bool, hits: Option<u64>) -> f64 {
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS as u64 {
        let start = cpu_time();
        let found = (0..LOOKUPS).filter(|i| black_box(lookup(round * LOOKUPS + i))).count() as u64;
        rounds.push(cpu_time() - start);
        assert!(hits.is_none_or(|hits| hits == found), "{found} hits");
    }
    // The first round warms the caches up.
    rounds.remove(0);
    rounds.sort();
    rounds[ROUNDS / 2] as f64 / LOOKUPS as f64
}

/// Nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Digest number `i` of a made-up list; no two are alike.
pub fn made_up(i: u64) -> Digest {
    let mut bytes = [0; 32];
    for (k, chunk) in (0u64..).zip(bytes.as_chunks_mut::<8>().0) {
        *chunk = mixed(i.wrapping_mul(4).wrapping_add(k)).to_le_bytes();
    }
    Digest::Sha256(Sha256(bytes))
}

/// The mixer of Vigna's splitmix64: a permutation of 64-bit numbers.
fn mixed(i: u64) -> u64 {
    let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}

fn print_resident(when: &str, before: u64, entries: u64) -> io::Result<()> {
    let bytes = resident()?.saturating_sub(before);
    println!("list: {:.2} resident bytes an entry {when}", bytes as f64 / entries as f64);
    Ok(())
}

/// Resident bytes of this process, file pages included.
fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))
}
