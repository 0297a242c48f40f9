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
        shown(self.grid, self.transposed)
    }
}

fn shown(grid: Grid, transposed: bool) -> Grid {
    if !transposed {
        return grid;
    }
    std::array::from_fn(|y| std::array::from_fn(|x| grid[x][y]))
}

/// What a [`GridBuilder`] makes of floats, to the bit, in less time: where all rows are there at once,
/// sums stay in registers while they grow. All rows are as long as the first.
pub(crate) fn grid_of_rows<'a>(aim: Aim, row: impl Fn(usize) -> &'a [f32]) -> Grid {
    let columns = taps(aim.columns);
    let mut sums = vec![0.0; row(0).len()];
    let mut grid = [[0.0; GRID]; GRID];
    for (samples, taps) in grid.iter_mut().zip(taps(aim.rows)) {
        let rows: Vec<&[f32]> = (taps.start..taps.end()).map(&row).collect();
        weighted_rows(&taps.weights, &rows, &mut sums);
        for (value, taps) in samples.iter_mut().zip(&columns) {
            *value = weighted(taps, &sums);
        }
    }
    shown(grid, aim.transposed)
}

/// The weighted sum of rows, strip by strip.
fn weighted_rows(weights: &[f32], rows: &[&[f32]], sums: &mut [f32]) {
    /// Sums that the registers of any x86-64 have room for.
    const STRIP: usize = 32;
    let add = |sums: &mut [f32], values: &[f32], weight: f32| {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    };
    let (strips, rest) = sums.as_chunks_mut::<STRIP>();
    for (from, strip) in (0..).step_by(STRIP).zip(strips) {
        let mut sums = [0.0; STRIP];
        for (row, weight) in rows.iter().zip(weights) {
            add(&mut sums, &row[from..from + STRIP], *weight);
        }
        *strip = sums;
    }
    rest.fill(0.0);
    for (row, weight) in rows.iter().zip(weights) {
        add(rest, &row[row.len() - rest.len()..], *weight);
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

#[cfg(test)]
mod tests {
    use super::super::axis::Side;
    use super::*;

    #[test]
    fn rows_at_once_give_what_rows_one_by_one_give() {
        // Blocks, margins, mirrors; widths that are no multiple of a strip, and below one.
        for (width, height, block) in [(5, 7, 1), (31, 700, 1), (999, 640, 3), (1300, 1001, 4)] {
            let columns = Side { block, flipped: true, ..Side::whole(width) };
            let rows = Side { block, from: -3, length: height + 5, ..Side::whole(height) };
            let (wide, high) = (width.div_ceil(block), height.div_ceil(block));
            let at = |i: usize| (i * 37 % 1019) as f32 / 4.0;
            let values: Vec<f32> = (0..wide * high).map(at).collect();
            for transposed in [false, true] {
                let aim = Aim { columns, rows, transposed };
                let mut builder = GridBuilder::new(aim);
                values.chunks(wide).enumerate().for_each(|(y, row)| {
                    builder.push(y, Row::Floats(row));
                });
                let at_once = grid_of_rows(aim, |y| &values[y * wide..][..wide]);
                assert_eq!(at_once, builder.finish(), "{width} {height} {transposed}");
            }
        }
    }
}
