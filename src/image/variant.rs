//! Variants of a picture: what finds it again behind a border, or after a crop.
//!
//! All are hashed from one small copy ([`Reduced`]). What each of them finds, measured, stands in
//! docs/accuracy.md.

use std::fmt;

use super::orientation::Orientation;
use super::pdq::{Aim, Fingerprint, SIDE_MIN, Side, grid_of_rows};
use super::reduced::Reduced;

/// How a hash was made of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Of all of it.
    Whole,
    /// Without uniform lines along its edges: undoes borders and letterboxes.
    Trimmed,
    /// Of the largest part without uniform lines: undoes captions and screenshots.
    Block,
    /// With a reflected margin, so that the picture takes up all but so many thousandths of each
    /// side: undoes crops of as much.
    Padded(u16),
    /// Of its centre, so many thousandths of each side left out. For enrolling a picture.
    Cropped(u16),
    /// Of its centre, turned clockwise by so many tenths of a degree. For enrolling a picture.
    Turned(i16),
}

impl Variant {
    /// The margins that are tried: of 2.5, 5, 10 and 20 %.
    pub const PADS: [Variant; 4] =
        [Variant::Padded(25), Variant::Padded(50), Variant::Padded(100), Variant::Padded(200)];
    /// Both ways to find a border.
    pub const TRIMS: [Variant; 2] = [Variant::Trimmed, Variant::Block];
    /// Crops of 5, 10 and 20 %.
    pub const CROPS: [Variant; 3] =
        [Variant::Cropped(50), Variant::Cropped(100), Variant::Cropped(200)];
    /// Turns by two degrees.
    pub const TURNS: [Variant; 2] = [Variant::Turned(-20), Variant::Turned(20)];
}

/// As output names it: `whole`, `trimmed`, `padded-50`.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Variant::Whole => f.write_str("whole"),
            Variant::Trimmed => f.write_str("trimmed"),
            Variant::Block => f.write_str("block"),
            Variant::Padded(part) => write!(f, "padded-{part}"),
            Variant::Cropped(part) => write!(f, "cropped-{part}"),
            Variant::Turned(by) => write!(f, "turned{by:+}"),
        }
    }
}

/// A part of a picture in blocks of its reduced copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// The fingerprint of a variant; `None` where there is nothing to trim, or too little is left.
pub(super) fn fingerprint(
    reduced: &Reduced,
    variant: Variant,
    orientation: Orientation,
) -> Option<Fingerprint> {
    let sides = whole_sides(reduced);
    let (columns, rows) = match variant {
        Variant::Whole => sides,
        Variant::Trimmed => part_sides(reduced, trimmed(reduced))?,
        Variant::Block => {
            let block = block(reduced);
            if block == trimmed(reduced) {
                return None;
            }
            part_sides(reduced, block)?
        }
        Variant::Padded(thousandths) => {
            (padded(sides.0, thousandths), padded(sides.1, thousandths))
        }
        Variant::Cropped(thousandths) => {
            (cropped(sides.0, thousandths)?, cropped(sides.1, thousandths)?)
        }
        Variant::Turned(tenths) => return Some(turned(reduced, tenths, orientation)),
    };
    let aim = aim(columns, rows, orientation);
    Some(Fingerprint::of_grid(&grid_of_rows(aim, |y| reduced.row(y))))
}

/// The sides as the orientation reads them.
pub(super) fn aim(columns: Side, rows: Side, orientation: Orientation) -> Aim {
    let (columns_flipped, rows_flipped, transposed) = orientation.steps();
    Aim {
        columns: Side { flipped: columns_flipped, ..columns },
        rows: Side { flipped: rows_flipped, ..rows },
        transposed,
    }
}

fn whole_sides(reduced: &Reduced) -> (Side, Side) {
    let columns = Side { block: reduced.block_width, ..Side::whole(reduced.width) };
    let rows = Side { block: reduced.block_height, ..Side::whole(reduced.height) };
    (columns, rows)
}

fn part_sides(reduced: &Reduced, part: Part) -> Option<(Side, Side)> {
    /// What is left must be a quarter of each side: less is no picture in a frame.
    const PART_MIN: usize = 4;
    let (columns, rows) = whole_sides(reduced);
    let cut = |side: Side, from: usize, to: usize| {
        let (from, to) = (from * side.block, (to * side.block).min(side.stored));
        let length = to.checked_sub(from)?;
        let enough = length >= SIDE_MIN as usize && length * PART_MIN >= side.stored;
        enough.then_some(Side { from: from as isize, length, ..side })
    };
    let part = (cut(columns, part.left, part.right)?, cut(rows, part.top, part.bottom)?);
    (part != (columns, rows)).then_some(part)
}

fn padded(side: Side, thousandths: u16) -> Side {
    let thousandths = usize::from(thousandths.min(900));
    let margin = side.stored * thousandths / (2 * (1000 - thousandths));
    Side { from: -(margin as isize), length: side.stored + 2 * margin, ..side }
}

fn cropped(side: Side, thousandths: u16) -> Option<Side> {
    let margin = side.stored * usize::from(thousandths) / 2000;
    let length = side.stored.checked_sub(2 * margin)?;
    let enough = length >= SIDE_MIN as usize;
    enough.then_some(Side { from: margin as isize, length, ..side })
}

/// Steps of brightness that compression moves a flat area by.
const NOISE: f32 = 12.0;

/// Values of a line after which it is asked whether it is still uniform.
const VALUES_AT_A_TIME: usize = 32;

/// Whether so few values of a line differ from its mean that compression may have done it.
fn is_uniform(outliers: u32, count: usize) -> bool {
    /// One value in so many may differ.
    const OUTLIERS: usize = 50;
    outliers as usize * OUTLIERS <= count
}

impl Part {
    fn whole(reduced: &Reduced) -> Part {
        Part { left: 0, top: 0, right: reduced.columns, bottom: reduced.rows() }
    }

    fn rows(self, reduced: &Reduced) -> impl Iterator<Item = &[f32]> {
        (self.top..self.bottom).map(move |y| &reduced.row(y)[self.left..self.right])
    }

    /// Whether a row is uniform, and its mean.
    fn row(self, reduced: &Reduced, y: usize) -> (bool, f32) {
        let row = &reduced.row(y)[self.left..self.right];
        // Several sums at once, since one alone waits for each addition before the next.
        let (eights, rest) = row.as_chunks::<8>();
        let add = |sums: [f32; 8], more: &[f32; 8]| std::array::from_fn(|k| sums[k] + more[k]);
        let sum = eights.iter().fold([0.0; 8], add).iter().chain(rest).sum::<f32>();
        let mean = sum / row.len() as f32;
        let mut outliers = 0;
        for values in row.chunks(VALUES_AT_A_TIME) {
            outliers += values.iter().map(|v| u32::from((v - mean).abs() > NOISE)).sum::<u32>();
            if !is_uniform(outliers, row.len()) {
                break;
            }
        }
        (is_uniform(outliers, row.len()), mean)
    }

    /// The same of a column.
    fn column(self, reduced: &Reduced, x: usize) -> (bool, f32) {
        let column = || (self.top..self.bottom).map(|y| reduced.row(y)[x]);
        let height = self.bottom - self.top;
        let mean = column().sum::<f32>() / height as f32;
        let outliers = column().map(|value| u32::from((value - mean).abs() > NOISE)).sum();
        (is_uniform(outliers, height), mean)
    }

    /// Whether each of the columns is uniform, in two walks over the rows.
    fn uniform_columns(self, reduced: &Reduced) -> Vec<bool> {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        let mut means = vec![0.0_f32; width];
        for row in self.rows(reduced) {
            means.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        means.iter_mut().for_each(|sum| *sum /= height as f32);
        let mut outliers = vec![0_u32; width];
        for (y, row) in self.rows(reduced).enumerate() {
            let pairs = outliers.iter_mut().zip(row).zip(&means);
            pairs.for_each(|((n, value), mean)| *n += u32::from((value - mean).abs() > NOISE));
            let is_settled = || outliers.iter().all(|outliers| !is_uniform(*outliers, height));
            if y % VALUES_AT_A_TIME == VALUES_AT_A_TIME - 1 && is_settled() {
                break;
            }
        }
        outliers.into_iter().map(|outliers| is_uniform(outliers, height)).collect()
    }
}

/// Cuts lines off each edge that are uniform and like the first.
fn trimmed(reduced: &Reduced) -> Part {
    let whole = Part::whole(reduced);
    let mut part = whole;
    // A second time: with the bars at the sides gone, those above and below may show. No edge is cut
    // twice: what is uniform behind a border is the picture's own.
    for _ in 0..2 {
        let row = |y: usize| part.row(reduced, y);
        let rows = part.top..part.bottom;
        let top = if part.top > whole.top { 0 } else { run(rows.clone(), row) };
        let bottom = if part.bottom < whole.bottom { 0 } else { run(rows.rev(), row) };
        if top + bottom < part.bottom - part.top {
            (part.top, part.bottom) = (part.top + top, part.bottom - bottom);
        }
        let column = |x: usize| part.column(reduced, x);
        let columns = part.left..part.right;
        let left = if part.left > whole.left { 0 } else { run(columns.clone(), column) };
        let right = if part.right < whole.right { 0 } else { run(columns.rev(), column) };
        if left + right < part.right - part.left {
            (part.left, part.right) = (part.left + left, part.right - right);
        }
    }
    part
}

/// How many lines from the first on are uniform and of its brightness.
fn run(lines: impl Iterator<Item = usize>, look: impl Fn(usize) -> (bool, f32)) -> usize {
    /// Steps of brightness from one line to the first.
    const DRIFT: f32 = 4.0;
    let mut first = None;
    lines
        .take_while(|line| {
            let (uniform, mean) = look(*line);
            uniform && (mean - *first.get_or_insert(mean)).abs() <= DRIFT
        })
        .count()
}

/// The longest run of lines that are not uniform, in both directions.
fn block(reduced: &Reduced) -> Part {
    let mut part = Part::whole(reduced);
    for _ in 0..2 {
        let rows = longest(part.top..part.bottom, |y| !part.row(reduced, y).0);
        (part.top, part.bottom) = (rows.start, rows.end);
        let uniform = part.uniform_columns(reduced);
        let columns = longest(part.left..part.right, |x| !uniform[x - part.left]);
        if columns == (part.left..part.right) {
            // The rows would be found as they are.
            break;
        }
        (part.left, part.right) = (columns.start, columns.end);
    }
    part
}

/// The longest run of lines that pass; all where none does.
fn longest(
    lines: std::ops::Range<usize>,
    passes: impl Fn(usize) -> bool,
) -> std::ops::Range<usize> {
    let mut best = lines.start..lines.start;
    let mut start = lines.start;
    for line in lines.clone() {
        if !passes(line) {
            start = line + 1;
        } else if line + 1 - start > best.len() {
            best = start..line + 1;
        }
    }
    if best.is_empty() { lines } else { best }
}

/// The largest centred part of the picture's own shape that a turned picture fills.
fn turned(reduced: &Reduced, tenths: i16, orientation: Orientation) -> Fingerprint {
    /// An odd multiple of 128, whose filter is symmetric.
    const TURNED_SIDE: usize = 640;
    let angle = f32::from(tenths).to_radians() / 10.0;
    // A mirrored picture turns the other way.
    let (columns_flipped, rows_flipped, transposed) = orientation.steps();
    let mirrored = columns_flipped ^ rows_flipped ^ transposed;
    let (sin, cos) = if mirrored { (-angle).sin_cos() } else { angle.sin_cos() };
    let (width, height) = (reduced.width as f32, reduced.height as f32);
    let scale = 1.0 / (cos + (width / height).max(height / width) * sin.abs());
    let steps: Vec<f32> =
        (0..TURNED_SIDE).map(|i| (i as f32 + 0.5) / TURNED_SIDE as f32 - 0.5).collect();
    let rows: Vec<Vec<f32>> = steps
        .iter()
        .map(|v| {
            let at = |u: &f32| {
                let (dx, dy) = (u * scale * width, v * scale * height);
                let (x, y) =
                    (width / 2.0 + dx * cos + dy * sin, height / 2.0 + dy * cos - dx * sin);
                bilinear(reduced, x, y)
            };
            steps.iter().map(at).collect()
        })
        .collect();
    let side = Side::whole(TURNED_SIDE);
    let aim = aim(side, side, orientation);
    Fingerprint::of_grid(&grid_of_rows(aim, |y| &rows[y]))
}

/// The value at a place, in pixels of the picture.
fn bilinear(reduced: &Reduced, x: f32, y: f32) -> f32 {
    let place = |at: f32, block: usize, count: usize| {
        let at = (at / block as f32 - 0.5).clamp(0.0, (count - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(count - 1), at - first as f32)
    };
    let (left, right, across) = place(x, reduced.block_width, reduced.columns);
    let (top, bottom, down) = place(y, reduced.block_height, reduced.rows());
    let mix = |row: &[f32]| row[left] * (1.0 - across) + row[right] * across;
    mix(reduced.row(top)) * (1.0 - down) + mix(reduced.row(bottom)) * down
}

#[cfg(test)]
mod tests;
