//! What variants cost: time of a look with and without them, in one run.

use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use s3bouncer::image::{Limits, Variant, Wanted, look};

use crate::hashes::Fallible;
use crate::tables::{head, row};

/// Rounds of which the median counts.
const ROUNDS: usize = 15;
/// Photographs that are timed.
const PHOTOS: usize = 20;

/// CPU time of this thread.
fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The table of costs: decoding and hashing photographs as they came.
pub fn report(folder: &Path) -> Fallible<()> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Fallible<_>>()?;
    paths.sort();
    let step = (paths.len() / PHOTOS).max(1);
    let bodies: Vec<Vec<u8>> =
        paths.iter().step_by(step).map(std::fs::read).collect::<Result<_, _>>()?;
    let variants = [
        ("off", Vec::new()),
        ("trim", Variant::TRIMS.to_vec()),
        ("pad", Variant::PADS.to_vec()),
        ("trim+pad", [&Variant::TRIMS[..], &Variant::PADS].concat()),
    ];
    let mut times = variants.each_ref().map(|_| Vec::new());
    for _ in 0..ROUNDS {
        // Interleaved, so that a busy moment slows all alike.
        for ((_, variants), times) in variants.iter().zip(&mut times) {
            let wanted = Wanted { colour: false, variants: variants.clone(), ..Wanted::default() };
            let since = clock();
            for body in &bodies {
                drop(std::hint::black_box(look(body, &Limits::DEFAULT, &wanted, &|| false)));
            }
            times.push((clock() - since).as_secs_f64());
        }
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("\n## What variants cost\n");
    head(["near_variants", "ms of CPU a photograph", "ratio"].map(str::to_owned));
    for ((name, _), time) in variants.iter().zip(medians) {
        let each = 1e3 * time / bodies.len().max(1) as f64;
        row([(*name).to_owned(), format!("{each:.1}"), format!("{:.3}", time / medians[0])]);
    }
    Ok(())
}
