//! PDQ: a perceptual hash of 256 bits, at the image's full resolution.
//!
//! From the published description ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
//! Algorithm", Meta 2019): blur the luma with two passes of a box in each direction (a Jarosz
//! filter), take 64x64 samples, keep the 16x16 lowest frequencies of their cosine transform but the
//! constant ones, and set a bit for each that lies above the median. Sums are single precision and
//! in the order of Meta's own implementation, since lists hold hashes made with it.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// Samples along each side of the blurred picture.
const GRID: usize = 64;
/// Frequencies kept along each side.
const BANDS: usize = 16;
/// Times that the box runs along both directions; two boxes make a tent.
const BOX_PASSES: usize = 2;
/// A shorter side has no meaningful hash.
const SIDE_MIN: usize = 5;

/// A PDQ hash; the first byte holds the highest frequencies, as in its usual hex form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pdq(pub [u8; 32]);

impl Pdq {
    /// In how many bits two hashes differ: 0..=256. At most 31 is the usual "same picture".
    pub fn distance(&self, other: &Pdq) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl fmt::Display for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pdq is 64 hex digits")]
pub struct ParsePdqError;

impl FromStr for Pdq {
    type Err = ParsePdqError;

    /// Reads 64 hex digits of either case.
    fn from_str(text: &str) -> Result<Self, ParsePdqError> {
        let digit = |byte: u8| (byte as char).to_digit(16).ok_or(ParsePdqError);
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(ParsePdqError) };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| ParsePdqError)?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
        }
        Ok(Pdq(bytes))
    }
}

/// The brightness of a picture, row by row, each value in 0..=255.
#[derive(Clone, Debug)]
pub struct LumaPlane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl LumaPlane {
    /// The luma of interleaved red, green and blue (ITU-R BT.601 weights).
    ///
    /// `None` unless `rgb` holds exactly `width * height` pixels.
    pub fn from_rgb(width: u32, height: u32, rgb: &[u8]) -> Option<Self> {
        let (pixels, rest) = rgb.as_chunks::<3>();
        let luma = |&[r, g, b]: &[u8; 3]| {
            0.299_f32 * f32::from(r) + 0.587_f32 * f32::from(g) + 0.114_f32 * f32::from(b)
        };
        let plane = LumaPlane::new(width, height, pixels.iter().map(luma).collect())?;
        rest.is_empty().then_some(plane)
    }

    fn new(width: u32, height: u32, values: Vec<f32>) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        let pixels = width.checked_mul(height)?;
        (pixels == values.len()).then_some(LumaPlane { width, height, values })
    }
}

/// The hash of a picture and its quality, 0..=100: how much there is to hash.
///
/// Matches of quality below 50 are usually not trusted. `None` if a side is under five pixels.
pub fn pdq(luma: LumaPlane) -> Option<(Pdq, u8)> {
    if luma.width < SIDE_MIN || luma.height < SIDE_MIN {
        return None;
    }
    let grid = shrink(luma);
    Some((bits(&low_frequencies(&grid)), quality(&grid)))
}

type Grid = [[f32; GRID]; GRID];
type Bands = [[f32; BANDS]; BANDS];

/// Blurs, then samples at the centres of a 64x64 raster.
fn shrink(mut luma: LumaPlane) -> Grid {
    if (luma.width, luma.height) != (GRID, GRID) {
        for _ in 0..BOX_PASSES {
            box_along_rows(&mut luma);
            luma.values = box_along_columns(&luma);
        }
    }
    let at = |i: usize, side: usize| (2 * i + 1) * side / (2 * GRID);
    std::array::from_fn(|y| {
        let row = &luma.values[at(y, luma.height) * luma.width..][..luma.width];
        std::array::from_fn(|x| row[at(x, luma.width)])
    })
}

/// The box around one position: `behind` values before it and `ahead` after it, cut at the ends.
///
/// Half a sample wide, since two passes widen it again; of even width, the odd one lies ahead.
#[derive(Clone, Copy)]
struct Window {
    behind: usize,
    ahead: usize,
}

impl Window {
    fn of(side: usize) -> Self {
        let width = side.div_ceil(2 * GRID);
        Window { behind: (width - 1) / 2, ahead: width / 2 }
    }
}

fn box_along_rows(luma: &mut LumaPlane) {
    let window = Window::of(luma.width);
    let mut source = vec![0.0; luma.width];
    for row in luma.values.chunks_exact_mut(luma.width) {
        source.copy_from_slice(row);
        box_along(&source, row, window);
    }
}

/// Running mean: `0 <= behind + ahead < line.len()` holds for every side, as the box is 1/128 of it.
fn box_along(line: &[f32], out: &mut [f32], window: Window) {
    let mut sum: f32 = line[..window.ahead].iter().sum();
    let mut count = window.ahead;
    for (i, mean) in out.iter_mut().enumerate() {
        if let Some(entering) = line.get(i + window.ahead) {
            sum += entering;
            count += 1;
        }
        if let Some(leaving) = i.checked_sub(window.behind + 1) {
            sum -= line[leaving];
            count -= 1;
        }
        *mean = sum / count as f32;
    }
}

/// The same along columns, all of them at once so that memory is read in order.
fn box_along_columns(luma: &LumaPlane) -> Vec<f32> {
    let window = Window::of(luma.height);
    let row = |y: usize| luma.values.chunks_exact(luma.width).nth(y);
    let mut out = Vec::with_capacity(luma.values.len());
    let mut sums = vec![0.0_f32; luma.width];
    let mut count = 0_usize;
    for y in 0..luma.height + window.ahead {
        if let Some(entering) = row(y) {
            sums.iter_mut().zip(entering).for_each(|(sum, value)| *sum += value);
            count += 1;
        }
        let Some(centre) = y.checked_sub(window.ahead) else { continue };
        if let Some(leaving) = centre.checked_sub(window.behind + 1).and_then(row) {
            sums.iter_mut().zip(leaving).for_each(|(sum, value)| *sum -= value);
            count -= 1;
        }
        out.extend(sums.iter().map(|sum| sum / count as f32));
    }
    out
}

/// The frequencies 1..=16 of the type-II cosine transform in both directions.
fn low_frequencies(grid: &Grid) -> Bands {
    let cosines = cosines();
    let vertical: [[f32; GRID]; BANDS] = std::array::from_fn(|band| {
        std::array::from_fn(|x| dot(cosines[band].iter().copied(), grid.iter().map(|row| row[x])))
    });
    std::array::from_fn(|i| {
        std::array::from_fn(|j| dot(vertical[i].iter().copied(), cosines[j].iter().copied()))
    })
}

fn dot(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>) -> f32 {
    a.zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

fn cosines() -> [[f32; GRID]; BANDS] {
    let scale = (2.0 / GRID as f64).sqrt() as f32;
    std::array::from_fn(|band| {
        std::array::from_fn(|k| {
            let angle = PI / 2.0 / GRID as f64 * (band + 1) as f64 * (2 * k + 1) as f64;
            (f64::from(scale) * angle.cos()) as f32
        })
    })
}

/// Bit `16 * i + j`, counted from the end of the hex form, tells whether band (i, j) is above the
/// lower median.
fn bits(bands: &Bands) -> Pdq {
    let mut sorted: Vec<f32> = bands.iter().flatten().copied().collect();
    let (_, median, _) = sorted.select_nth_unstable_by(BANDS * BANDS / 2 - 1, f32::total_cmp);
    let mut hash = [0_u8; 32];
    for (bit, value) in bands.iter().flatten().enumerate() {
        if *value > *median {
            hash[31 - bit / 8] |= 1 << (bit % 8);
        }
    }
    Pdq(hash)
}

/// How many steps of at least one percent of full brightness lie between neighbouring samples.
fn quality(grid: &Grid) -> u8 {
    /// Sum of steps, in percent, that makes one point of quality; set by the description.
    const STEPS_PER_POINT: u32 = 90;
    // Truncation is part of the definition: it drops gradients too weak to carry information.
    let step = |a: f32, b: f32| ((a - b) * 100.0 / 255.0).abs() as u32;
    let across = grid.iter().flat_map(|row| row.windows(2)).map(|pair| step(pair[0], pair[1]));
    let down =
        grid.windows(2).flat_map(|rows| rows[0].iter().zip(&rows[1])).map(|(a, b)| step(*a, *b));
    let points = across.chain(down).sum::<u32>() / STEPS_PER_POINT;
    points.min(100) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A picture that anybody can make again: red, green and blue at (x, y), all modulo 256,
    /// then shifted to be fainter.
    fn pattern(width: u32, height: u32, shift: u32) -> LumaPlane {
        let pixel = |x: u32, y: u32| {
            let red = 3 * x + x * y / 64;
            let green = 5 * y + x * x / 97;
            let blue = 7 * (x + y) + y * y / 51;
            [red as u8 >> shift, green as u8 >> shift, blue as u8 >> shift]
        };
        let rgb: Vec<u8> =
            (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
        LumaPlane::from_rgb(width, height, &rgb).unwrap()
    }

    /// Hashes of [`pattern`] by Meta's implementation (Python package pdqhash 0.2.8).
    #[test]
    fn hashes_equal_those_of_the_reference() {
        let vectors = [
            (64, 64, 0, "23a9e65a699482eb56165dc5cc2b4174bed5e88a4f9488ad6fba5511c8bb6792", 100),
            (128, 128, 2, "eaa7556ec5585033cdd955135d76eaccab895a8c9d29aaaa91263354c664bdc8", 50),
            (129, 127, 3, "eaa7452edd5857338fd955135576eaccab895b849d298aab91262354cee43988", 15),
            (200, 300, 1, "69746953aaa66b536aa7daac9758b2ac7558eb5cc2918dac1b30166cf8e0c7e0", 100),
            (513, 90, 3, "02ffbfffeb6868000bffbffff000080a03ff3f80e800583fd1fd87c03e00e3c0", 67),
            (640, 427, 2, "3f00f80f3f00fc1fbf00fc3fbf00f83fbf80b8bfbf00beff1f00b82f1f000000", 100),
            (640, 427, 4, "3f00f80f3f00fc1fbf00fc3fbf80b83fbf80b8bfbf00beff1f00b82f1f000000", 39),
            (1000, 700, 5, "0007fd2ba496ff6e0097ff69a002ffeda5ffff6f2002fc20a4b7ff6f00008800", 3),
        ];
        for (width, height, shift, hex, quality) in vectors {
            let expected: Pdq = hex.parse().unwrap();
            let found = pdq(pattern(width, height, shift)).unwrap();
            assert_eq!(found, (expected, quality), "{width}x{height} >> {shift}");
        }
    }

    /// The mean over the window, summed anew for each position.
    fn box_naive(line: &[f32], window: Window) -> Vec<f32> {
        (0..line.len())
            .map(|i| {
                let from = i.saturating_sub(window.behind);
                let cut = &line[from..line.len().min(i + window.ahead + 1)];
                cut.iter().sum::<f32>() / cut.len() as f32
            })
            .collect()
    }

    fn plane() -> impl Strategy<Value = LumaPlane> {
        (5_usize..300, 5_usize..40).prop_flat_map(|(width, height)| {
            // Whole numbers: their sums are exact, so that both ways must agree to the bit.
            let values = prop::collection::vec((0_u8..=255).prop_map(f32::from), width * height);
            values.prop_map(move |values| LumaPlane { width, height, values })
        })
    }

    fn transposed(plane: &LumaPlane) -> LumaPlane {
        let (width, height) = (plane.height, plane.width);
        let at = |i: usize| plane.values[i % width * plane.width + i / width];
        LumaPlane { width, height, values: (0..width * height).map(at).collect() }
    }

    proptest! {
        #[test]
        fn running_means_equal_those_summed_anew(plane in plane()) {
            let mut rows = plane.clone();
            box_along_rows(&mut rows);
            for (line, out) in plane.values.chunks(plane.width).zip(rows.values.chunks(plane.width)) {
                prop_assert_eq!(box_naive(line, Window::of(plane.width)), out);
            }
            let columns = box_along_columns(&transposed(&plane));
            let columns = LumaPlane { values: columns, ..transposed(&plane) };
            prop_assert_eq!(transposed(&columns).values, rows.values);
        }

        #[test]
        fn any_plane_has_a_hash_and_a_quality(plane in plane()) {
            let (_, quality) = pdq(plane).unwrap();
            prop_assert!(quality <= 100);
        }
    }

    #[test]
    fn hex_goes_there_and_back() {
        let text = "00ff".repeat(16);
        let hash: Pdq = text.to_uppercase().parse().unwrap();
        assert_eq!(hash.to_string(), text);
        for bad in ["", "0", &text[1..], &text[2..], &format!("{text}0"), &text.replace('0', "g")] {
            assert_eq!(bad.parse::<Pdq>(), Err(ParsePdqError), "{bad}");
        }
        assert_eq!("é".repeat(32).parse::<Pdq>(), Err(ParsePdqError));
    }

    #[test]
    fn distance_counts_differing_bits() {
        let (zero, ones) = (Pdq([0; 32]), Pdq([0xff; 32]));
        let mut one = zero;
        one.0[7] = 0b101;
        assert_eq!([zero.distance(&zero), zero.distance(&one), zero.distance(&ones)], [0, 2, 256]);
    }

    #[test]
    fn a_plane_needs_all_its_pixels() {
        assert!(LumaPlane::from_rgb(2, 2, &[0; 12]).is_some());
        for length in [0, 11, 13, 15] {
            assert!(LumaPlane::from_rgb(2, 2, &vec![0; length]).is_none());
        }
        assert!(LumaPlane::from_rgb(u32::MAX, u32::MAX, &[]).is_none());
    }

    #[test]
    fn a_flat_picture_has_no_quality() {
        let flat = LumaPlane::from_rgb(80, 80, &[90; 80 * 80 * 3]).unwrap();
        assert_eq!(pdq(flat).unwrap().1, 0);
    }
}
