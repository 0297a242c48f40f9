//! What the digests cost.
//!
//! `cargo bench --bench digest` measures each digest alone and all three together, and ends with
//! the ratio that the goal is about: three digests in one pass against MD5 alone, at least 0.92 of
//! its speed, both from this build, their passes interleaved in one run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use s3bouncer::digest::{Algorithm, AlgorithmSet, Digests, Kernel, MultiHasher, kernel_name};

/// Bytes hashed by one call: fits in every L2 cache, as a body's buffers do.
const MESSAGE_LEN: usize = 1 << 20;
/// Interleaved passes behind each median.
const PASSES: usize = 401;

fn main() {
    let message = message();
    let mut criterion = Criterion::default().configure_from_args();
    rows(&mut criterion, &message);
    criterion.final_summary();
    // `cargo test` runs this too, only to see that it works: no figures then.
    if std::env::args().any(|arg| arg == "--bench") {
        ratios(&message);
    }
}

fn rows(criterion: &mut Criterion, message: &[u8]) {
    let mut group = criterion.benchmark_group("digest");
    group.throughput(Throughput::Bytes(message.len() as u64));
    for contender in CONTENDERS {
        group.bench_function(contender.name, |b| b.iter(|| contender.run(black_box(message))));
    }
    group.finish();
}

/// One way to hash the message.
struct Contender {
    name: &'static str,
    wanted: AlgorithmSet,
    kernel: Kernel,
}

const CONTENDERS: [Contender; 6] = [
    Contender { name: "md5", wanted: only(Algorithm::Md5), kernel: Kernel::Auto },
    Contender { name: "sha1", wanted: only(Algorithm::Sha1), kernel: Kernel::Auto },
    Contender { name: "sha256", wanted: only(Algorithm::Sha256), kernel: Kernel::Auto },
    Contender { name: "three", wanted: AlgorithmSet::ALL, kernel: Kernel::Auto },
    Contender { name: "md5 portable", wanted: only(Algorithm::Md5), kernel: Kernel::Portable },
    Contender { name: "three portable", wanted: AlgorithmSet::ALL, kernel: Kernel::Portable },
];

const fn only(algorithm: Algorithm) -> AlgorithmSet {
    AlgorithmSet::NONE.with(algorithm)
}

impl Contender {
    fn run(&self, message: &[u8]) -> Digests {
        let mut hasher = MultiHasher::new(self.wanted, self.kernel);
        hasher.update(message);
        hasher.finish()
    }

    fn time(&self, message: &[u8]) -> Duration {
        let start = Instant::now();
        black_box(self.run(black_box(message)));
        start.elapsed()
    }
}

/// Medians of passes that take turns, so that a slow moment of the machine hits all alike.
fn ratios(message: &[u8]) {
    let mut times = CONTENDERS.map(|_| Vec::with_capacity(PASSES));
    for _ in 0..PASSES {
        for (contender, times) in CONTENDERS.iter().zip(&mut times) {
            times.push(contender.time(message));
        }
    }
    let [md5, _, _, three, md5_portable, three_portable] = times.map(median);
    println!("kernel: {}", kernel_name(Kernel::Auto, AlgorithmSet::ALL));
    println!("speed of three / md5 alone:            {:.3}", ratio(md5, three));
    println!("speed of three / three portable:       {:.3}", ratio(three_portable, three));
    println!("speed of md5 alone / md5 portable:     {:.3}", ratio(md5_portable, md5));
}

/// How many times as fast the second is as the first.
fn ratio(slow: Duration, fast: Duration) -> f64 {
    slow.as_secs_f64() / fast.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Bytes without a pattern that any of the algorithms could notice.
fn message() -> Vec<u8> {
    (0..MESSAGE_LEN as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
