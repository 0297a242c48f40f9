//! The image bench beside the way that others go: decoded by the `image` crate, hashed by the crate
//! `pdqhash` at full resolution.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin image
//! ```

#[allow(dead_code)] // Its own `main` is not ours.
#[path = "../../../image.rs"]
mod bench;

use std::error::Error;
use std::hint::black_box;

use bench::{jpeg, luma, medians, photograph, ratio, seen};
use image_of_pdqhash::{DynamicImage, RgbImage};

fn main() -> Result<(), Box<dyn Error>> {
    let jpeg = jpeg(&photograph())?;
    let times = medians(&[
        ("look, luma", Box::new(|| seen(&jpeg, &luma()))),
        ("image and pdqhash", Box::new(|| assert!(black_box(as_others(&jpeg)).is_some()))),
    ]);
    ratio("image and pdqhash over look", times[1], times[0]);
    Ok(())
}

fn as_others(bytes: &[u8]) -> Option<([u8; 32], f32)> {
    let picture = image::load_from_memory(bytes).ok()?.into_rgb8();
    let (width, height) = picture.dimensions();
    let picture = RgbImage::from_raw(width, height, picture.into_raw())?;
    Some(pdqhash::generate_pdq_full_size(&DynamicImage::ImageRgb8(picture)))
}
