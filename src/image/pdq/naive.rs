//! The naive twin of [`Fingerprint`](super::Fingerprint): the filter as described, on planes of
//! floats. Sums are single precision and in the order of Meta's own implementation, so that hashes
//! are the same as the reference's to the last bit. Tests and fuzz targets compare the two.

use super::transform::low_frequencies;
use super::{Bands, Convention, Fingerprint, GRID, Grid, SIDE_MIN, is_resized, luma};

/// Times that the box runs along both directions; two boxes make a tent.
const BOX_PASSES: usize = 2;

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
        let values = pixels.iter().map(|pixel| luma(pixel.map(f32::from))).collect();
        let plane = LumaPlane::new(width, height, values)?;
        rest.is_empty().then_some(plane)
    }

    /// The same of bytes that are luma already.
    pub fn from_luma(width: u32, height: u32, luma: &[u8]) -> Option<Self> {
        LumaPlane::new(width, height, luma.iter().copied().map(f32::from).collect())
    }

    fn new(width: u32, height: u32, values: Vec<f32>) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        let pixels = width.checked_mul(height)?;
        (pixels == values.len()).then_some(LumaPlane { width, height, values })
    }
}

/// What the filter as described finds.
#[derive(Clone, Debug)]
pub struct Naive {
    /// Equal to the reference's hashes and quality.
    pub fingerprint: Fingerprint,
    bands: Bands,
}

impl Naive {
    /// `None` if a side is under [`SIDE_MIN`].
    pub fn of(luma: LumaPlane, convention: Convention) -> Option<Naive> {
        if luma.width.min(luma.height) < SIDE_MIN as usize {
            return None;
        }
        let resized = is_resized(luma.width, luma.height, convention);
        let grid = shrink(if resized { nearest_512(&luma) } else { luma });
        Some(Naive { fingerprint: Fingerprint::of_grid(&grid), bands: low_frequencies(&grid) })
    }

    /// Whether another fingerprint of the same picture differs by rounding only: a few points of
    /// quality, and bits whose band lies as near to the median as rounding moves it.
    pub fn agrees_with(&self, other: &Fingerprint) -> bool {
        /// What sums of single precision are off by, at most, in steps of brightness.
        const ROUNDING: f32 = 0.05;
        const QUALITY_ROUNDING: u8 = 2;
        let mut sorted = self.bands.as_flattened().to_vec();
        sorted.sort_by(f32::total_cmp);
        let median = sorted[sorted.len() / 2 - 1];
        let (ours, theirs) = (self.fingerprint.pdq().0, other.pdq().0);
        let bit = |hash: &[u8; 32], k: usize| hash[31 - k / 8] >> (k % 8) & 1;
        let is_near = |k: usize| (self.bands[k / 16][k % 16] - median).abs() < ROUNDING;
        let bits = (0..256).all(|k| bit(&ours, k) == bit(&theirs, k) || is_near(k));
        bits && self.fingerprint.quality.abs_diff(other.quality) <= QUALITY_ROUNDING
    }
}

fn nearest_512(luma: &LumaPlane) -> LumaPlane {
    const SIDE: usize = 512;
    let at = |i: usize| {
        let (x, y) = (i % SIDE * luma.width / SIDE, i / SIDE * luma.height / SIDE);
        luma.values[y * luma.width + x]
    };
    LumaPlane { width: SIDE, height: SIDE, values: (0..SIDE * SIDE).map(at).collect() }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    }

    #[test]
    fn a_plane_needs_all_its_pixels() {
        assert!(LumaPlane::from_rgb(2, 2, &[0; 12]).is_some());
        for length in [0, 11, 13, 15] {
            assert!(LumaPlane::from_rgb(2, 2, &vec![0; length]).is_none());
        }
        assert!(LumaPlane::from_rgb(u32::MAX, u32::MAX, &[]).is_none());
    }
}
