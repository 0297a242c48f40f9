//! Headers are read to an end whatever they hold, and say nothing beyond their limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3bouncer::image::{Limits, SNIFF_MAX_BYTES, header, sniff};

const LIMITS: Limits = Limits { pixels: 1 << 20, frames: 50, scans: 10, memory: 1 << 20 };

fuzz_target!(|bytes: &[u8]| {
    let format = sniff(bytes);
    assert_eq!(sniff(&bytes[..bytes.len().min(SNIFF_MAX_BYTES)]), format);
    let Ok(found) = header(bytes, &LIMITS) else { return };
    assert_eq!(Some(found.format), format);
    assert!((1..=LIMITS.pixels).contains(&found.pixels()));
    assert!(found.frames >= 1 && found.scans <= LIMITS.scans);
});
