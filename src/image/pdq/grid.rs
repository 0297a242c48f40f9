//! From rows of a picture to the 64x64 samples of its blurred luma.

use super::axis::{Side, Taps, taps};
use super::{GRID, Grid, luma};

/// A row of luma.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'a> {
    /// Whole numbers, as decoders give them.
    Bytes(&'a [u8]),
    /// Interleaved red, green and blue. Luma is a weighted sum, as is the blur: summing first
    /// leaves few values to be weighted.
    Rgb(&'a [u8]),
    /// Values in 0.0..=255.0.
    Floats(&'a [f32]),
}

/// What part of a picture is hashed, and in which orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aim {
    /// Along the stored rows.
    pub(crate) columns: Side,
    /// Along the stored columns.
    pub(crate) rows: Side,
    /// Whether rows and columns change places at the end.
    pub(crate) transposed: bool,
}

/// Takes rows from the first to the last, keeps no more than a few rows of sums.
pub(crate) struct GridBuilder {
    columns: Vec<Taps>,
    rows: Vec<Taps>,
    transposed: bool,
    /// Samples in the order of their first row.
    order: Vec<usize>,
    /// How many of them have begun.
    begun: usize,
    open: Vec<Sums>,
    spare: Vec<Vec<f32>>,
    luma: Vec<f32>,
    grid: Grid,
}

/// Weighted sums of the rows of one sample, for each value of a row.
struct Sums {
    sample: usize,
    of_values: Vec<f32>,
}

impl GridBuilder {
    pub(crate) fn new(aim: Aim) -> Self {
        let rows = taps(aim.rows);
        let mut order: Vec<usize> = (0..GRID).collect();
        order.sort_by_key(|&sample| rows[sample].start);
        GridBuilder {
            columns: taps(aim.columns),
            rows,
            transposed: aim.transposed,
            order,
            begun: 0,
            open: Vec::new(),
            spare: Vec::new(),
            luma: Vec::new(),
            grid: [[0.0; GRID]; GRID],
        }
    }

    /// Takes row `y`; each row once, in order, all of one kind. Rows that no sample needs may be
    /// left out.
    pub(crate) fn push(&mut self, y: usize, row: Row<'_>) {
        self.begin(y, row.len());
        for sums in &mut self.open {
            let taps = &self.rows[sums.sample];
            let weight = taps.weights.get(y - taps.start).copied().unwrap_or(0.0);
            if weight != 0.0 {
                row.add_to(&mut sums.of_values, weight);
            }
        }
        let rows = &self.rows;
        let ended = |sums: &mut Sums| rows[sums.sample].end() <= y + 1;
        for Sums { sample, of_values } in self.open.extract_if(.., ended) {
            let luma = match row {
                Row::Bytes(_) | Row::Floats(_) => &of_values,
                Row::Rgb(_) => {
                    self.luma.clear();
                    self.luma.extend(of_values.as_chunks().0.iter().copied().map(luma));
                    &self.luma
                }
            };
            for (value, taps) in self.grid[sample].iter_mut().zip(&self.columns) {
                *value = weighted(taps, luma);
            }
            self.spare.push(of_values);
        }
    }

    fn begin(&mut self, y: usize, values: usize) {
        while let Some(&sample) = self.order.get(self.begun) {
            if self.rows[sample].start > y {
                break;
            }
            let mut of_values = self.spare.pop().unwrap_or_default();
            of_values.clear();
            of_values.resize(values, 0.0);
            self.open.push(Sums { sample, of_values });
            self.begun += 1;
        }
    }

    /// The samples. Those whose rows never came are 0.
    pub(crate) fn finish(self) -> Grid {
        if !self.transposed {
            return self.grid;
        }
        std::array::from_fn(|y| std::array::from_fn(|x| self.grid[x][y]))
    }
}

impl Row<'_> {
    fn len(&self) -> usize {
        match self {
            Row::Bytes(row) | Row::Rgb(row) => row.len(),
            Row::Floats(row) => row.len(),
        }
    }

    fn add_to(self, sums: &mut [f32], weight: f32) {
        match self {
            Row::Bytes(row) | Row::Rgb(row) => {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * f32::from(value);
                }
            }
            Row::Floats(row) => {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * value;
                }
            }
        }
    }
}

fn weighted(taps: &Taps, values: &[f32]) -> f32 {
    let values = values.get(taps.start..).unwrap_or_default();
    // Several sums at once, since one alone waits for each addition before the next.
    let mut lanes = [0.0_f32; 8];
    let (values, more_values) = values[..values.len().min(taps.weights.len())].as_chunks::<8>();
    let (weights, more_weights) = taps.weights.as_chunks::<8>();
    for (values, weights) in values.iter().zip(weights) {
        for ((lane, value), weight) in lanes.iter_mut().zip(values).zip(weights) {
            *lane += value * weight;
        }
    }
    let rest: f32 =
        more_values.iter().zip(more_weights).map(|(value, weight)| value * weight).sum();
    lanes.iter().sum::<f32>() + rest
}
