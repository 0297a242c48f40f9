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
    // Sixteen sums at a time stay in registers while they grow.
    let (mut vertical, mut bands) = ([[0.0; GRID]; BANDS], [[0.0; BANDS]; BANDS]);
    for (band, sums) in vertical.iter_mut().enumerate() {
        for (part, sums) in sums.as_chunks_mut::<BANDS>().0.iter_mut().enumerate() {
            let rows = grid.iter().map(|row| row.as_chunks().0[part]);
            *sums = weighted_sums(cosines.iter().map(|cosines| cosines[band]), rows);
        }
    }
    for (sums, row) in bands.iter_mut().zip(&vertical) {
        *sums = weighted_sums(row.iter().copied(), cosines.iter().copied());
    }
    bands
}

fn weighted_sums(
    weights: impl Iterator<Item = f32>,
    rows: impl Iterator<Item = [f32; BANDS]>,
) -> [f32; BANDS] {
    weights.zip(rows).fold([0.0; BANDS], |sums, (weight, row)| {
        std::array::from_fn(|k| sums[k] + weight * row[k])
    })
}

/// By sample, then by band.
static COSINES: LazyLock<[[f32; BANDS]; GRID]> = LazyLock::new(|| {
    let scale = (2.0 / GRID as f64).sqrt() as f32;
    std::array::from_fn(|k| {
        std::array::from_fn(|band| {
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
    let negated = |negate: fn(bool, bool) -> bool| -> Bands {
        let sign = |i, j| if negate(odd(i), odd(j)) { -1.0 } else { 1.0 };
        std::array::from_fn(|i| std::array::from_fn(|j| sign(i, j) * bands[i][j]))
    };
    mirrored(&[*bands, negated(|_, j| j), negated(|i, _| i), negated(|i, j| i != j)])
}

/// The same of pictures that were mirrored before they were blurred: the picture itself, mirrored
/// left to right, top to bottom, and both. The blur is not quite symmetric, which a small picture
/// shows: then these are the hashes that the mirrored picture has by itself.
pub(super) fn mirrored(pictures: &[Bands; 4]) -> [Pdq; ORIENTATIONS] {
    let [plain, left_right, top_bottom, both] = pictures.each_ref().map(hashes);
    [plain.0, left_right.1, both.0, top_bottom.1, top_bottom.0, left_right.0, plain.1, both.1]
}

/// The hash, and that of the picture with rows and columns in each other's place, whose median is the
/// same.
///
/// Bit `16 * i + j`, counted from the end of the hex form, tells whether band (i, j) is above the
/// lower median.
fn hashes(bands: &Bands) -> (Pdq, Pdq) {
    let mut sorted =
        *bands.as_flattened().first_chunk::<{ BANDS * BANDS }>().unwrap_or(&[0.0; 256]);
    let (_, median, _) = sorted.select_nth_unstable_by(BANDS * BANDS / 2 - 1, f32::total_cmp);
    let (mut hash, mut across) = ([0_u8; 32], [0_u8; 32]);
    for (i, row) in bands.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let above = u8::from(*value > *median);
            let (bit, mirrored) = (BANDS * i + j, BANDS * j + i);
            hash[31 - bit / 8] |= above << (bit % 8);
            across[31 - mirrored / 8] |= above << (mirrored % 8);
        }
    }
    (Pdq(hash), Pdq(across))
}

/// How many steps of at least one percent of full brightness lie between neighbouring samples.
pub(super) fn quality(grid: &Grid) -> u8 {
    /// Sum of steps, in percent, that makes one point of quality; set by the description.
    const STEPS_PER_POINT: i32 = 90;
    // Truncation is part of the definition: it drops gradients too weak to carry information.
    let step = |(a, b): (&f32, &f32)| ((a - b) * 100.0 / 255.0).abs() as i32;
    let steps = |a: &[f32], b: &[f32]| a.iter().zip(b).map(step).sum::<i32>();
    let across = grid.iter().map(|row| steps(row, &row[1..])).sum::<i32>();
    let down = grid.windows(2).map(|rows| steps(&rows[0], &rows[1])).sum::<i32>();
    let points = (across + down) / STEPS_PER_POINT;
    points.min(100) as u8
}
