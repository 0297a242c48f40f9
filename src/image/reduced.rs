//! A smaller copy of a picture's luma, from which variants of it are hashed.
//!
//! Each value is the mean of a block of pixels. The weights of a hash are computed for the full
//! picture and added up for each block, so that the filter stays what it is at full resolution;
//! to hash a picture that was itself made smaller would shift it by a part of its window.

use super::pdq::{Row, luma};

/// Values along each side, at least, where the picture has so many pixels; less than twice as many.
const SIDE: usize = 320;
/// Pixels along a block's side at most: so many bytes add up to less than 2^16.
const BLOCK_MAX: usize = 256;

/// The copy.
pub(super) struct Reduced {
    /// Pixels of the picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of a block.
    pub(super) block_width: usize,
    pub(super) block_height: usize,
    /// Blocks.
    pub(super) columns: usize,
    pub(super) values: Vec<f32>,
}

impl Reduced {
    /// How many rows of blocks there are.
    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.columns..][..self.columns]
    }
}

/// Makes the copy from rows, each once and in order, all of one kind.
pub(super) struct Reducer {
    out: Reduced,
    bytes: Vec<u16>,
    floats: Vec<f32>,
    /// Rows that were added up since the last row of blocks.
    pending: usize,
    rows_left: usize,
}

impl Reducer {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let block = |side: usize| (side / SIDE).clamp(1, BLOCK_MAX);
        let (block_width, block_height) = (block(width), block(height));
        let columns = width.div_ceil(block_width);
        let values = Vec::with_capacity(columns * height.div_ceil(block_height));
        Reducer {
            out: Reduced { width, height, block_width, block_height, columns, values },
            bytes: Vec::new(),
            floats: Vec::new(),
            pending: 0,
            rows_left: height,
        }
    }

    pub(super) fn push(&mut self, row: Row<'_>) {
        let begins = self.pending == 0;
        match row {
            Row::Bytes(row) | Row::Rgb(row) if begins => {
                self.bytes.clear();
                self.bytes.extend(row.iter().copied().map(u16::from));
            }
            Row::Bytes(row) | Row::Rgb(row) => {
                self.bytes.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u16::from(value));
            }
            Row::Floats(row) if begins => row.clone_into(&mut self.floats),
            Row::Floats(row) => {
                self.floats.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
            }
        }
        self.pending += 1;
        self.rows_left = self.rows_left.saturating_sub(1);
        if self.pending == self.out.block_height || self.rows_left == 0 {
            self.end_blocks(row);
        }
    }

    fn end_blocks(&mut self, row: Row<'_>) {
        let rows = std::mem::take(&mut self.pending) as f32;
        let block = self.out.block_width;
        let (bytes, floats, values) = (&self.bytes, &self.floats, &mut self.out.values);
        match row {
            Row::Bytes(_) => byte_means(bytes, block, rows, values),
            Row::Rgb(_) => values.extend(bytes.as_chunks().0.chunks(block).map(|sums| {
                let add = |a: [u32; 3], b: &[u16; 3]| [0, 1, 2].map(|k| a[k] + u32::from(b[k]));
                let channels = sums.iter().fold([0; 3], add);
                luma(channels.map(|sum| sum as f32)) / (rows * sums.len() as f32)
            })),
            Row::Floats(_) => values.extend(
                floats
                    .chunks(block)
                    .map(|sums| sums.iter().sum::<f32>() / (rows * sums.len() as f32)),
            ),
        }
    }

    pub(super) fn finish(self) -> Reduced {
        self.out
    }
}

/// The means of blocks, of whose rows so many were added up.
fn byte_means(sums: &[u16], block: usize, rows: f32, values: &mut Vec<f32>) {
    // Pictures of up to five megapixels have these, and a length that the compiler knows takes a
    // third of the time.
    match block {
        1 => means_of::<1>(sums, rows, values),
        2 => means_of::<2>(sums, rows, values),
        3 => means_of::<3>(sums, rows, values),
        4 => means_of::<4>(sums, rows, values),
        5 => means_of::<5>(sums, rows, values),
        6 => means_of::<6>(sums, rows, values),
        7 => means_of::<7>(sums, rows, values),
        8 => means_of::<8>(sums, rows, values),
        _ => values.extend(sums.chunks(block).map(|sums| total(sums) / (rows * sums.len() as f32))),
    }
}

fn means_of<const BLOCK: usize>(sums: &[u16], rows: f32, values: &mut Vec<f32>) {
    let (blocks, rest) = sums.as_chunks::<BLOCK>();
    let before = values.len();
    values.extend(blocks.iter().map(|sums| total(sums)));
    // Apart from the additions, since it is done in vectors then.
    values[before..].iter_mut().for_each(|value| *value /= rows * BLOCK as f32);
    if !rest.is_empty() {
        values.push(total(rest) / (rows * rest.len() as f32));
    }
}

/// Exact: a block has less than 2^24 in all.
fn total(sums: &[u16]) -> f32 {
    sums.iter().copied().map(i32::from).sum::<i32>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced<'a>(width: usize, height: usize, row: impl Fn(usize) -> Row<'a>) -> Reduced {
        let mut reducer = Reducer::new(width, height);
        (0..height).for_each(|y| reducer.push(row(y)));
        reducer.finish()
    }

    #[test]
    fn each_value_is_the_mean_of_its_block() {
        let (width, height) = (2 * SIDE + 1, 2 * SIDE + 6);
        let at = |x: usize, y: usize| (x * 7 + y * 13) as u8;
        let rows: Vec<Vec<u8>> =
            (0..height).map(|y| (0..width).map(|x| at(x, y)).collect()).collect();
        let found = reduced(width, height, |y| Row::Bytes(&rows[y]));
        assert_eq!((found.columns, found.rows()), (SIDE + 1, SIDE + 3));
        let block = [at(6, 8), at(7, 8), at(6, 9), at(7, 9)];
        let mean = block.iter().map(|value| f32::from(*value)).sum::<f32>() / 4.0;
        assert_eq!(found.row(4)[3], mean);
        // The last column has blocks of one pixel.
        let edge = (f32::from(at(2 * SIDE, 0)) + f32::from(at(2 * SIDE, 1))) / 2.0;
        assert_eq!(found.row(0)[SIDE], edge);
    }

    #[test]
    fn blocks_of_any_width_have_their_mean() {
        let sums: Vec<u16> = (0..1000_u32).map(|x| (x * x * 31) as u16).collect();
        for block in 1..=12 {
            let mut found = Vec::new();
            byte_means(&sums, block, 3.0, &mut found);
            let mean = |sums: &[u16]| {
                let sum: u32 = sums.iter().copied().map(u32::from).sum();
                sum as f32 / (3.0 * sums.len() as f32)
            };
            let expected: Vec<f32> = sums.chunks(block).map(mean).collect();
            assert_eq!(found, expected, "{block}");
        }
    }

    #[test]
    fn the_kind_of_row_changes_nothing() {
        let bytes: Vec<u8> = (0..1100_u32).map(|x| (x * x / 7) as u8).collect();
        let floats: Vec<f32> = bytes.iter().copied().map(f32::from).collect();
        let rgb: Vec<u8> = bytes.iter().flat_map(|&value| [value; 3]).collect();
        let of_bytes = reduced(1100, 40, |_| Row::Bytes(&bytes));
        for row in [Row::Floats(&floats), Row::Rgb(&rgb)] {
            let other = reduced(1100, 40, |_| row);
            assert_eq!(other.values.len(), of_bytes.values.len());
            let pairs = other.values.iter().zip(&of_bytes.values);
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 0.01));
        }
    }

    #[test]
    fn white_does_not_overflow_in_the_tallest_blocks() {
        let white = [255; 5];
        let found = reduced(5, 1 << 18, |_| Row::Bytes(&white));
        assert!(found.values.iter().all(|value| *value == 255.0));
    }
}
