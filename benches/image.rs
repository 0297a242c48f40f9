//! What a look at an image costs beside decoding it, on made-up photographs of 12 megapixels.
//!
//! ```text
//! cargo bench --bench image
//! ```
//!
//! It prints milliseconds of CPU (median of interleaved rounds) of the decoder alone and of the
//! whole look, and their ratio: only ratios of one run mean anything on a busy machine.
//! `benches/peers` runs the way that others go beside it.

use std::hint::black_box;
use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use s3bouncer::image::{Convention, Fingerprint, Limits, Variant, Wanted, look};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Width and height in pixels.
pub const SIZE: (u16, u16) = (4000, 3000);
/// Rounds of which the median counts.
const ROUNDS: usize = 15;

type BenchResult<T> = Result<T, Box<dyn std::error::Error>>;

/// Something to be timed.
pub type Act<'a> = (&'a str, Box<dyn Fn() + 'a>);

/// Runs the bench.
///
/// # Errors
/// A picture can't be made.
pub fn main() -> BenchResult<()> {
    let rgb = photograph();
    let jpeg = jpeg(&rgb)?;
    println!("image: jpeg of {} bytes", jpeg.len());
    let times = medians(&[
        ("zune-jpeg, luma alone", Box::new(|| drop(black_box(zune(&jpeg, ColorSpace::Luma))))),
        ("look, luma", Box::new(|| seen(&jpeg, &luma()))),
        ("look, luma, trim", Box::new(|| seen(&jpeg, &variants(&[&Variant::TRIMS])))),
        ("look, luma, pad", Box::new(|| seen(&jpeg, &variants(&[&Variant::PADS])))),
        (
            "look, luma, trim+pad",
            Box::new(|| seen(&jpeg, &variants(&[&Variant::TRIMS, &Variant::PADS]))),
        ),
        ("zune-jpeg, colours", Box::new(|| drop(black_box(zune(&jpeg, ColorSpace::RGB))))),
        ("look, colours", Box::new(|| seen(&jpeg, &Wanted::default()))),
    ]);
    ratio("look over zune-jpeg", times[1], times[0]);
    ratio("trim over no variants", times[2], times[1]);
    ratio("pad over no variants", times[3], times[1]);
    ratio("trim+pad over no variants", times[4], times[1]);
    ratio("colours over zune-jpeg", times[6], times[5]);
    fingerprints(&jpeg, &rgb);
    others(&rgb)
}

/// PDQ alone.
fn fingerprints(jpeg: &[u8], rgb: &[u8]) {
    let plane = zune(jpeg, ColorSpace::Luma);
    let (width, height) = (u32::from(SIZE.0), u32::from(SIZE.1));
    let luma = |convention| Fingerprint::of_luma(width, height, &plane, convention);
    let colours = || Fingerprint::of_rgb(width, height, rgb, Convention::Full);
    medians(&[
        ("PDQ of luma", Box::new(|| hashed(luma(Convention::Full)))),
        ("PDQ of luma, 512", Box::new(|| hashed(luma(Convention::Resized512)))),
        ("PDQ of colours", Box::new(|| hashed(colours()))),
    ]);
}

/// # Panics
/// There is no hash.
fn hashed(fingerprint: Option<Fingerprint>) {
    assert!(black_box(fingerprint).is_some());
}

fn others(rgb: &[u8]) -> BenchResult<()> {
    let (png, webp) = (png(rgb)?, webp(rgb)?);
    println!("image: png of {} bytes, lossless webp of {}", png.len(), webp.len());
    let times = medians(&[
        ("png alone", Box::new(|| drop(black_box(png_pixels(&png))))),
        ("look, png", Box::new(|| seen(&png, &luma()))),
        ("image-webp alone", Box::new(|| drop(black_box(webp_pixels(&webp))))),
        ("look, webp", Box::new(|| seen(&webp, &luma()))),
    ]);
    ratio("look over png", times[1], times[0]);
    ratio("look over image-webp", times[3], times[2]);
    Ok(())
}

/// What the gate wants of a picture.
pub fn luma() -> Wanted {
    Wanted { colour: false, ..Wanted::default() }
}

fn variants(some: &[&[Variant]]) -> Wanted {
    Wanted { variants: some.concat(), ..luma() }
}

/// Looks, and makes sure that there was something to see.
///
/// # Panics
/// There was not.
pub fn seen(bytes: &[u8], wanted: &Wanted) {
    let looks = look(bytes, &Limits::DEFAULT, wanted, &|| false);
    assert!(looks.is_ok_and(|looks| looks.fault.is_none() && !black_box(looks).pdq.is_empty()));
}

/// # Panics
/// The picture is broken.
fn zune(bytes: &[u8], colours: ColorSpace) -> Vec<u8> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode().expect("the bench's own picture")
}

fn png_pixels(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    reader.next_frame(&mut pixels).ok().map(|_| pixels)
}

fn webp_pixels(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).ok()?;
    let mut pixels = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut pixels).ok().map(|()| pixels)
}

/// A JPEG of quality 90 as cameras write it, chroma at half size.
///
/// # Errors
/// It can't be encoded.
pub fn jpeg(rgb: &[u8]) -> BenchResult<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(rgb, SIZE.0, SIZE.1, jpeg_encoder::ColorType::Rgb)?;
    Ok(out)
}

fn png(rgb: &[u8]) -> BenchResult<Vec<u8>> {
    let mut out = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive);
    encoder.write_image(rgb, SIZE.0.into(), SIZE.1.into(), ExtendedColorType::Rgb8)?;
    Ok(out)
}

fn webp(rgb: &[u8]) -> BenchResult<Vec<u8>> {
    let mut out = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut out);
    encoder.write_image(rgb, SIZE.0.into(), SIZE.1.into(), ExtendedColorType::Rgb8)?;
    Ok(out)
}

/// Hills of light of all sizes, fainter the smaller they are, as in photographs.
pub fn photograph() -> Vec<u8> {
    let (width, height) = (usize::from(SIZE.0), usize::from(SIZE.1));
    let channels: Vec<Vec<f32>> = (0..3).map(|seed| hills(width, height, seed)).collect();
    let pixels = (0..width * height).flat_map(|i| {
        let shared = channels[0][i];
        [0, 1, 2].map(|k| (120.0 + 0.8 * shared + 0.2 * channels[k][i]) as u8)
    });
    pixels.collect()
}

/// Value noise: random heights on a lattice, between them smooth, in octaves.
fn hills(width: usize, height: usize, seed: u64) -> Vec<f32> {
    let mut sum = vec![0.0; width * height];
    let octaves =
        [(700, 60.0), (310, 35.0), (130, 20.0), (53, 11.0), (19, 8.0), (7, 6.0), (2, 6.0)];
    for (octave, (step, strength)) in (0..).zip(octaves) {
        let corner = |x: usize, y: usize| {
            let place = (x as u64) << 40 | (y as u64) << 16 | octave << 8 | seed;
            (mixed(place) >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let columns: Vec<(usize, f32)> =
            (0..width).map(|x| (x / step, smooth((x % step) as f32 / step as f32))).collect();
        for (y, row) in sum.chunks_exact_mut(width).enumerate() {
            let (below, down) = (y / step, smooth((y % step) as f32 / step as f32));
            let edge: Vec<f32> = (0..=width / step + 1)
                .map(|x| corner(x, below) * (1.0 - down) + corner(x, below + 1) * down)
                .collect();
            for (value, (left, across)) in row.iter_mut().zip(&columns) {
                let height = edge[*left] * (1.0 - across) + edge[left + 1] * across;
                *value += 2.0 * strength * height;
            }
        }
    }
    sum
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// The mixer of Vigna's splitmix64: a permutation of 64-bit numbers.
fn mixed(i: u64) -> u64 {
    let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Milliseconds of CPU that each takes: the median over rounds, in each of which all run once, so
/// that a busy machine is as bad for one as for the other.
pub fn medians(acts: &[Act<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); acts.len()];
    for round in 0..=ROUNDS {
        for ((_, act), times) in acts.iter().zip(&mut times) {
            let start = cpu_time();
            act();
            // The first round warms the caches up.
            if round > 0 {
                times.push(cpu_time() - start);
            }
        }
    }
    let medians = acts.iter().zip(&mut times).map(|((name, _), times)| {
        times.sort_by(f64::total_cmp);
        println!("image: {name:<24} {:8.2} ms", times[ROUNDS / 2]);
        times[ROUNDS / 2]
    });
    medians.collect()
}

/// Prints how many times as long one takes.
pub fn ratio(name: &str, one: f64, other: f64) {
    println!("image: {name}: {:.3}", one / other);
}

/// Milliseconds that this thread has run.
fn cpu_time() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}
