//! From samples to hashes: cosine transform, median, orientations, quality.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{BANDS, Bands, GRID, Grid, Pdq};

/// Orientations of a picture: four turns, mirrored or not.
pub const ORIENTATIONS: usize = 8;

/// The frequencies 1..=16 of the type-II cosine transform in both directions.
///
/// Sums run in the order of Meta's implementation, side by side in vectors.
pub(super) fn low_frequencies(grid: &Grid) -> Bands {
    let cosines = &*COSINES;
    let mut vertical = [[0.0_f32; GRID]; BANDS];
    for (sums, cosines) in vertical.iter_mut().zip(cosines) {
        for (row, cosine) in grid.iter().zip(cosines) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += cosine * value);
        }
    }
    let mut bands = [[0.0_f32; BANDS]; BANDS];
    for (sums, row) in bands.iter_mut().zip(&vertical) {
        for (k, value) in row.iter().enumerate() {
            sums.iter_mut().zip(cosines).for_each(|(sum, cosines)| *sum += value * cosines[k]);
        }
    }
    bands
}

static COSINES: LazyLock<[[f32; GRID]; BANDS]> = LazyLock::new(|| {
    let scale = (2.0 / GRID as f64).sqrt() as f32;
    std::array::from_fn(|band| {
        std::array::from_fn(|k| {
            let angle = PI / 2.0 / GRID as f64 * (band + 1) as f64 * (2 * k + 1) as f64;
            (f64::from(scale) * angle.cos()) as f32
        })
    })
});

/// The hashes of the picture and of its seven other orientations: turned by 90°, 180° and 270°
/// anticlockwise, mirrored top to bottom, mirrored left to right, and across both diagonals.
///
/// A mirror negates the odd frequencies of its direction, and a turn is two mirrors and a
/// transposition, so that one transform serves all. The median is each orientation's own.
pub(super) fn orientations(bands: &Bands) -> [Pdq; ORIENTATIONS] {
    // The lowest frequency kept is 1: index 0 is an odd frequency.
    let odd = |index: usize| index.is_multiple_of(2);
    let turned = |negate: fn(bool, bool) -> bool, transposed: bool| {
        let mut out = *bands;
        for (i, row) in bands.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let value = if negate(odd(i), odd(j)) { -value } else { *value };
                *(if transposed { &mut out[j][i] } else { &mut out[i][j] }) = value;
            }
        }
        bits(&out)
    };
    [
        bits(bands),
        turned(|_, j| j, true),
        turned(|i, j| i != j, false),
        turned(|i, _| i, true),
        turned(|i, _| i, false),
        turned(|_, j| j, false),
        turned(|_, _| false, true),
        turned(|i, j| i != j, true),
    ]
}

/// The same of pictures that were mirrored before they were blurred: the picture itself, mirrored
/// left to right, top to bottom, and both. The blur is not quite symmetric, which a small picture
/// shows: then these are the hashes that the mirrored picture has by itself.
pub(super) fn mirrored(pictures: &[Bands; 4]) -> [Pdq; ORIENTATIONS] {
    let [plain, left_right, top_bottom, both] = pictures;
    let across = |bands: &Bands| -> Pdq {
        bits(&std::array::from_fn(|i| std::array::from_fn(|j| bands[j][i])))
    };
    [
        bits(plain),
        across(left_right),
        bits(both),
        across(top_bottom),
        bits(top_bottom),
        bits(left_right),
        across(plain),
        across(both),
    ]
}

/// Bit `16 * i + j`, counted from the end of the hex form, tells whether band (i, j) is above the
/// lower median.
pub(super) fn bits(bands: &Bands) -> Pdq {
    let mut sorted =
        *bands.as_flattened().first_chunk::<{ BANDS * BANDS }>().unwrap_or(&[0.0; 256]);
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
pub(super) fn quality(grid: &Grid) -> u8 {
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
