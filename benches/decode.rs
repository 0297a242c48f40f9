//! What it adds to a look at a photograph of 12 megapixels to have it done in a worker process.
//!
//! ```text
//! cargo bench --bench decode [-- burst]
//! ```
//!
//! It prints milliseconds on the clock of a look in this process and of one in a worker, taken in
//! turns, and their ratio. The least of all rounds counts, since whatever else the machine does only
//! adds to it. With `burst` it sends a hundred of them at once through a gate instead
//! (`decode/burst.rs`).

#[path = "decode/burst.rs"]
mod burst;
#[allow(dead_code)] // Multipart uploads need more of it.
#[path = "multipart/gate.rs"]
mod gate;
#[allow(dead_code)] // Its own `main` is not ours.
#[path = "image.rs"]
mod pictures;

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pictures::{jpeg, luma, photograph, seen};
use s3bouncer::decode::{Launch, Meters, Pool, Terms};
use s3bouncer::image::Limits;

const ROUNDS: usize = 41;

/// What arrives on a connection at a time, in bytes: an image is held in such pieces.
const PIECE_BYTES: usize = 128 << 10;

const TERMS: Terms = Terms {
    limits: Limits::DEFAULT,
    time: Duration::from_secs(60),
    wait: Duration::from_secs(60),
    queue: 1,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().any(|argument| argument == "burst") {
        return burst::run();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let program = Launch::program(env!("CARGO_BIN_EXE_s3bouncer"));
    let _entered = runtime.enter();
    let pool = Pool::new(program, NonZeroUsize::MIN, Meters::default())?;
    let jpeg = jpeg(&photograph())?;
    let pieces: Vec<Bytes> = jpeg.chunks(PIECE_BYTES).map(Bytes::copy_from_slice).collect();
    println!("decode: jpeg of {} bytes in {} pieces", jpeg.len(), pieces.len());
    let in_worker = || {
        let looks = runtime.block_on(pool.look(&pieces, &TERMS, &luma()));
        assert!(black_box(looks).is_ok_and(|looks| looks.is_ok_and(|looks| looks.fault.is_none())));
    };
    let begun = Instant::now();
    in_worker();
    println!("{:>8.1} ms  the first, with starting the worker", ms(begun.elapsed()));
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        here.push(timed(|| seen(&jpeg, &luma())));
        there.push(timed(in_worker));
    }
    here.sort();
    there.sort();
    for (name, times) in [("in this process", &here), ("in a worker", &there)] {
        let (least, median) = (ms(times[0]), ms(times[ROUNDS / 2]));
        println!("{least:>8.2} ms  {name} (median {median:.2})");
    }
    println!("{:>8.3}     worker over this process", ms(there[0]) / ms(here[0]));
    Ok(())
}

fn timed(act: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    act();
    begun.elapsed()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
