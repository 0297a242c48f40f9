//! Sparse weights find what the filter as described finds, but for rounding.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::image::pdq::naive::{LumaPlane, Naive};
use s3bouncer::image::{Convention, Fingerprint};

#[derive(Arbitrary, Debug)]
struct Input {
    width: u16,
    height: u16,
    resized: bool,
    /// Repeated to fill the picture.
    luma: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let (width, height) = (u32::from(input.width % 1500), u32::from(input.height % 1500));
    let luma = input.luma.iter().copied().cycle().take((width * height) as usize);
    let luma: Vec<u8> = luma.collect();
    let convention = if input.resized { Convention::Resized512 } else { Convention::Full };
    let fast = Fingerprint::of_luma(width, height, &luma, convention);
    let naive =
        LumaPlane::from_luma(width, height, &luma).and_then(|plane| Naive::of(plane, convention));
    assert_eq!(fast.is_some(), naive.is_some());
    if let (Some(fast), Some(naive)) = (fast, naive) {
        assert!(naive.agrees_with(&fast), "{naive:?} {fast:?}");
    }
});
