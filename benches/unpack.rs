//! What looking for other views costs.
//!
//! `cargo bench --bench unpack` measures the search for pictures' beginnings, which is on for every
//! body, beside a copy and a plain search for one byte; the views of a photograph; and each decoder.
//! It ends with the search's cost as a share of that of three digests over the same bytes, both from
//! this build, their passes interleaved in one run.

use std::hint::black_box;
use std::io::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use s3bouncer::digest::{AlgorithmSet, Kernel, MultiHasher};
use s3bouncer::unpack::{
    ArchiveStream, Coding, Decoder, Limits, Options, Origin, Search, Sink, views,
};

/// As much as is searched of a body.
const SEARCHED_LEN: usize = 1 << 20;
/// Interleaved passes behind each median.
const PASSES: usize = 401;

const PHOTO: &[u8] = include_bytes!("../tests/data/polemonium-reptans.jpg");
const NUMBERS_BR: &[u8] = include_bytes!("../tests/data/coded/numbers.br");
const NUMBERS_ZST: &[u8] = include_bytes!("../tests/data/coded/numbers.zst");
const NUMBERS_LZ4: &[u8] = include_bytes!("../tests/data/coded/numbers.lz4");
const NUMBERS_BZ2: &[u8] = include_bytes!("../tests/data/coded/numbers.bz2");

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    searches(&mut criterion);
    photographs(&mut criterion);
    decoders(&mut criterion);
    criterion.final_summary();
    // `cargo test` runs this too, only to see that it works: no figures then.
    if std::env::args().any(|arg| arg == "--bench") {
        share();
    }
}

/// Bytes without a pattern (xorshift), as photographs and archives have them, and text.
fn bodies() -> [(&'static str, Vec<u8>); 2] {
    let mut word = 88_172_645_463_325_252u64;
    let mut next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        (word >> 32) as u8
    };
    let noise = (0..SEARCHED_LEN).map(|_| next()).collect();
    let text = b"A line of text as logs and pages have them, BM and GIF and all.\n";
    [("noise", noise), ("text", text.repeat(SEARCHED_LEN / text.len()))]
}

fn searches(criterion: &mut Criterion) {
    for (name, body) in bodies() {
        let mut group = criterion.benchmark_group(format!("search/{name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        let mut copy = vec![0; body.len()];
        group.bench_function("copy", |b| b.iter(|| copy.copy_from_slice(black_box(&body))));
        group.bench_function("one byte", |b| {
            b.iter(|| memchr::memchr_iter(0xff, black_box(&body)).count());
        });
        group.bench_function("pictures", |b| b.iter(|| search(black_box(&body))));
        group.finish();
    }
}

fn search(body: &[u8]) -> usize {
    let mut found = 0;
    let mut search = Search::new(&Limits::default());
    search.push(body, &mut |_| found += 1);
    search.finish(&mut |_| found += 1);
    found
}

fn photographs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("photograph");
    group.throughput(Throughput::Bytes(PHOTO.len() as u64));
    let with = |options: Options| {
        move || views(black_box(PHOTO), &[], options, Limits::default(), &mut Nowhere)
    };
    let always = Options { documents: false, archives: false, ..Options::ALL };
    group.bench_function("embedded and trimmed", |b| b.iter(with(always)));
    group.bench_function("all unpackers", |b| b.iter(with(Options::ALL)));
    group.finish();
}

fn decoders(criterion: &mut Criterion) {
    let numbers: Vec<u8> =
        (0..60_000u32).flat_map(|i| format!("{}\n", i * 7919 % 2003).into_bytes()).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&numbers).expect("a vector");
    let gzip = gzip.finish().expect("a vector");
    let mut s2 = minlz::Writer::new(Vec::new());
    s2.write_all(&numbers).expect("a vector");
    s2.flush().expect("a vector");

    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(numbers.len() as u64));
    for (coding, body) in
        [(Coding::Gzip, gzip.as_slice()), (Coding::Brotli, NUMBERS_BR), (Coding::Zstd, NUMBERS_ZST)]
    {
        group.bench_function(coding.name(), |b| b.iter(|| decode(coding, black_box(body))));
    }
    archive(&mut group, "lz4", NUMBERS_LZ4);
    archive(&mut group, "s2", s2.get_ref());
    archive(&mut group, "bzip2", NUMBERS_BZ2);
    group.finish();
}

fn decode(coding: Coding, body: &[u8]) {
    let mut decoder = Decoder::new(&[coding], Limits::default()).expect("one layer");
    let mut emit = |piece: s3bouncer::unpack::Piece<'_>| {
        black_box(piece);
    };
    decoder.push(body, &mut emit).expect("well coded");
    decoder.finish(&mut emit).expect("well coded");
}

fn archive(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, body: &[u8]) {
    let options = Options { archives: true, ..Options::NONE };
    group.bench_function(name, |b| {
        b.iter(|| {
            let mut archive = ArchiveStream::new(options, Limits::default());
            archive.push(black_box(body), &mut Nowhere);
            archive.finish(&mut Nowhere)
        });
    });
}

/// Medians of passes that take turns, so that a slow moment of the machine hits all alike.
fn share() {
    for (name, body) in bodies() {
        let mut times = [const { Vec::new() }; 2];
        for _ in 0..PASSES {
            times[0].push(time(|| search(black_box(&body))));
            times[1].push(time(|| {
                let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Auto);
                hasher.update(black_box(&body));
                hasher.finish()
            }));
        }
        let [search, digests] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64()
        });
        let share = 100.0 * search / digests;
        println!("search of {name}: {share:.1} % of three digests over the same bytes");
    }
}

fn time<T>(act: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(act());
    start.elapsed()
}

/// Takes views and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn range(&mut self, origin: &Origin<'_>, range: Range<usize>) {
        black_box((origin, range));
    }

    fn begin(&mut self, origin: &Origin<'_>) {
        black_box(origin);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        black_box(bytes);
    }

    fn end(&mut self, whole: bool) {
        black_box(whole);
    }
}
