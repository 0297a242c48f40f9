//! What a near search costs, and what the hashes weigh, with made-up PDQ entries.
//!
//! ```text
//! cargo bench --bench near -- [ENTRIES]        10 million if not said
//! ```
//!
//! It prints milliseconds a call, of CPU and by the clock (median of rounds, page cache warm), at the
//! usual radius and at the wide one: a hash that is near an entry and one that is near none; of pictures,
//! which are tiles of the photographs in tests/data and every second of which is listed, a single
//! orientation, all eight at once, and those with their negatives, as the gate asks for each frame; and
//! the linear scan that answers the same. Beside it runs faiss, if `NEAR_PEER_PYTHON` names a Python that
//! has `faiss` and `numpy` (`benches/peers/faiss_near.py`): it reads the same hashes and the same
//! queries, and what it finds has to be the same.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use s3bouncer::image::{Convention, Fingerprint, ORIENTATIONS, Pdq};
use s3bouncer::list::{Compiler, Entry, Snapshot};

/// Entries if the command line says nothing.
const ENTRIES: u64 = 10_000_000;
/// Queries of a round, every second of which is near an entry.
const QUERIES: usize = 64;
/// Rounds of which the median counts, after one that warms up.
const ROUNDS: usize = 9;
/// Photographs to cut into tiles.
const PHOTOGRAPHS: [&str; 3] =
    ["notocactus-minimus.jpg", "polemonium-reptans.jpg", "riaphotographs-tmshre.jpg"];
/// Tiles along each side of a photograph.
const TILES: u32 = 2;
/// The usual radius, and the wide one.
const RADII: [u32; 2] = [31, 48];
/// Where the peer's Python is.
const PEER: &str = "NEAR_PEER_PYTHON";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words = std::env::args().skip(1);
    let entries = words.filter_map(|word| word.replace('_', "").parse().ok()).next();
    let entries = entries.unwrap_or(ENTRIES).max(1);
    let pictures = pictures()?;
    let list = List::of(entries, pictures.iter().step_by(2).map(|all| all[0]).collect());
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("near.s3blist");
    let (start, cpu) = (Instant::now(), cpu_time());
    list.build(&path)?;
    let cpu = (cpu_time() - cpu) as f64 / 1e9;
    println!("near: {entries} entries, built in {:.1?}, {cpu:.1} s of CPU", start.elapsed());
    let bytes = fs::metadata(&path)?.len() as f64;
    println!("near: {:.1} bytes an entry", bytes / entries as f64);
    let start = Instant::now();
    let snapshot = Snapshot::open(&path)?;
    println!("near: opened in {:.2?}", start.elapsed());
    let mut queries = queries(entries);
    for radius in RADII {
        measure(&snapshot, &queries, &pictures, radius);
    }
    list.scan(&queries);
    queries.extend(pictures.as_flattened());
    list.peer(folder.path(), &queries, snapshot.near(&queries, RADII[0]).len())
}

/// The orientations of each tile, as the image room hashes them.
fn pictures() -> Result<Vec<[Pdq; ORIENTATIONS]>, Box<dyn std::error::Error>> {
    let mut pictures = Vec::new();
    for name in PHOTOGRAPHS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        let photograph = image::open(path)?.into_luma8();
        let (width, height) = (photograph.width() / TILES, photograph.height() / TILES);
        for tile in 0..TILES * TILES {
            let (x, y) = (tile % TILES * width, tile / TILES * height);
            let tile = image::imageops::crop_imm(&photograph, x, y, width, height).to_image();
            let found = Fingerprint::of_luma(width, height, tile.as_raw(), Convention::Full);
            pictures.push(found.ok_or("a tile is too small")?.orientations);
        }
    }
    Ok(pictures)
}

fn measure(snapshot: &Snapshot, queries: &[Pdq], pictures: &[[Pdq; ORIENTATIONS]], radius: u32) {
    let every_second = |from| -> Vec<&[Pdq]> { queries.chunks(1).skip(from).step_by(2).collect() };
    let negatives = |all: &[Pdq; ORIENTATIONS]| [*all, all.map(|pdq| pdq.complement())];
    let with_negatives: Vec<_> = pictures.iter().map(negatives).collect();
    let calls: [(&str, Vec<&[Pdq]>); 6] = [
        ("near an entry", every_second(0)),
        ("near none", every_second(1)),
        ("eight strangers", queries.chunks(ORIENTATIONS).collect()),
        ("one orientation", pictures.as_flattened().chunks(1).collect()),
        ("eight orientations", pictures.iter().map(|all| &all[..]).collect()),
        ("and their negatives", with_negatives.iter().map(|all| all.as_flattened()).collect()),
    ];
    let found =
        |calls: &Vec<&[Pdq]>| calls.iter().map(|all| snapshot.near(all, radius).len()).sum();
    let times = timed(calls.each_ref().map(|(_, calls)| (calls.len(), move || found(calls))));
    for ((what, _), (cpu, clock)) in calls.iter().zip(&times) {
        println!(
            "near: radius {radius}, {what:<20} {cpu:.3} ms of CPU, {clock:.3} ms by the clock"
        );
    }
    // One after the other, the orientations of a picture find much of what they need in the cache; a
    // query after another picture's finds nothing.
    let [_, (stranger, _), _, (own, _), (eight, _), (sixteen, _)] = times;
    for (what, single) in [("of theirs alone", own), ("of strangers", stranger)] {
        let (eight, sixteen) = (eight / single, sixteen / single);
        println!(
            "near: radius {radius}, single ones {what} that eight cost as: {eight:.1}, sixteen: {sixteen:.1}"
        );
    }
}

/// What is listed: hashes of pictures, and made-up ones for the rest.
struct List(Vec<Pdq>);

impl List {
    fn of(entries: u64, mut hashes: Vec<Pdq>) -> Self {
        hashes.truncate(entries as usize);
        hashes.extend((hashes.len() as u64..entries).map(made_up));
        List(hashes)
    }

    fn build(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let mut compiler = Compiler::default();
        let list = compiler.list("bench")?;
        for hash in &self.0 {
            compiler.add(list, &Entry { hash: (*hash).into(), label: None });
        }
        Ok(compiler.write(&mut BufWriter::new(File::create(path)?))?)
    }

    /// The naive twin, over hashes in memory.
    fn scan(&self, queries: &[Pdq]) {
        let few = &queries[..ORIENTATIONS.min(queries.len())];
        let near =
            |query: &Pdq| self.0.iter().filter(|hash| hash.distance(query) <= RADII[0]).count();
        let found = || few.iter().map(near).sum::<usize>();
        let [(cpu, clock)] = timed([(few.len(), found)]);
        println!("near: linear scan           {cpu:.3} ms of CPU, {clock:.3} ms by the clock");
    }

    /// Runs faiss on the same hashes and queries, and compares how many it finds.
    fn peer(
        &self,
        folder: &Path,
        queries: &[Pdq],
        found: usize,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(python) = std::env::var_os(PEER) else {
            println!("near: no faiss beside it: {PEER} names no python");
            return Ok(());
        };
        let files = [folder.join("hashes"), folder.join("queries")];
        write(&files[0], self.0.iter().copied())?;
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
}

fn write(path: &Path, hashes: impl Iterator<Item = Pdq>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for Pdq(bytes) in hashes {
        out.write_all(&bytes)?;
    }
    out.flush()
}

/// Milliseconds a call, of CPU and by the clock, for each kind of so many calls: the median of some
/// rounds. All kinds are called in each round, so that what else the machine does meets all of them.
fn timed<const KINDS: usize>(kinds: [(usize, impl Fn() -> usize); KINDS]) -> [(f64, f64); KINDS] {
    let mut times = [const { Vec::new() }; KINDS];
    for round in 0..=ROUNDS {
        for ((_, calls), times) in kinds.iter().zip(&mut times) {
            let (start, cpu) = (Instant::now(), cpu_time());
            black_box(calls());
            // The first round warms the caches up.
            if round > 0 {
                times.push((cpu_time() - cpu, start.elapsed().as_nanos() as u64));
            }
        }
    }
    std::array::from_fn(|kind| {
        let mut median = |of: fn(&(u64, u64)) -> u64| {
            times[kind].sort_by_key(of);
            of(&times[kind][ROUNDS / 2]) as f64 / 1e6 / kinds[kind].0 as f64
        };
        (median(|time| time.0), median(|time| time.1))
    })
}

/// Nanoseconds that this thread has run. The kernel's files tell it in steps of a tick, some
/// milliseconds, which is longer than what is measured.
fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
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
