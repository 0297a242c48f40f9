//! PDQ: a perceptual hash of 256 bits.
//!
//! From the published description ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
//! Algorithm", Meta 2019): blur the luma with two passes of a box in each direction (a Jarosz
//! filter), take 64x64 samples, keep the 16x16 lowest frequencies of their cosine transform but the
//! constant ones, and set a bit for each that lies above the median. The blur is done as sparse
//! weights ([`axis`]), so that a pixel is read once and no plane of floats is made; [`naive`] is the
//! filter as described, and tests compare the two.

mod axis;
mod grid;
#[doc(hidden)]
pub mod naive;
#[cfg(test)]
mod tests;
mod transform;
mod value;

pub(crate) use axis::Side;
pub(crate) use grid::{Aim, GridBuilder, Row, grid_of_rows};
pub use transform::ORIENTATIONS;
pub use value::{ParsePdqError, Pdq};

/// Samples along each side of the blurred picture.
const GRID: usize = 64;
/// Frequencies kept along each side.
const BANDS: usize = 16;
/// A shorter side, in pixels, has no meaningful hash; the reference tests no smaller one.
pub const SIDE_MIN: u32 = 5;

pub(crate) type Grid = [[f32; GRID]; GRID];
type Bands = [[f32; BANDS]; BANDS];

/// How the hashes on a list were made. The two in use differ by some 10 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Convention {
    /// At full resolution, as the Python package `pdqhash` and Hasher-Matcher-Actioner do.
    Full,
    /// Resized to 512x512 by nearest neighbour if a side exceeds that, as Meta's command line does.
    Resized512,
}

impl Convention {
    /// Both, the default first.
    pub const ALL: [Convention; 2] = [Convention::Full, Convention::Resized512];

    /// The word in lists and output.
    pub const fn name(self) -> &'static str {
        match self {
            Convention::Full => "full",
            Convention::Resized512 => "512",
        }
    }
}

/// What is hashed of a picture, and how much there was to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash; then those of the picture turned by 90°, 180° and 270° anticlockwise, mirrored top
    /// to bottom, mirrored left to right, and mirrored across both diagonals.
    pub orientations: [Pdq; ORIENTATIONS],
    /// 0..=100. Matches of quality below 50 are usually not trusted.
    pub quality: u8,
}

impl Fingerprint {
    /// The hash of the picture as it stands.
    pub fn pdq(&self) -> Pdq {
        self.orientations[0]
    }

    /// Of a plane of luma, a byte a pixel.
    ///
    /// `None` if a side is below [`SIDE_MIN`] or `luma` is not `width * height` bytes.
    pub fn of_luma(
        width: u32,
        height: u32,
        luma: &[u8],
        convention: Convention,
    ) -> Option<Fingerprint> {
        let builder = builder(width, height, luma.len(), 1, convention)?;
        Some(hash_rows(builder, luma.chunks_exact(width as usize).map(Row::Bytes)))
    }

    /// Of interleaved red, green and blue; luma has the weights of ITU-R BT.601.
    ///
    /// `None` if a side is below [`SIDE_MIN`] or `rgb` is not `3 * width * height` bytes.
    pub fn of_rgb(
        width: u32,
        height: u32,
        rgb: &[u8],
        convention: Convention,
    ) -> Option<Fingerprint> {
        let builder = builder(width, height, rgb.len(), 3, convention)?;
        let rows = rgb.chunks_exact(width as usize * 3);
        Some(hash_rows(builder, rows.map(Row::Rgb)))
    }

    pub(crate) fn of_grid(grid: &Grid) -> Fingerprint {
        Fingerprint {
            orientations: transform::orientations(&transform::low_frequencies(grid)),
            quality: transform::quality(grid),
        }
    }
}

/// A side in pixels up to which mirrored pictures are blurred one by one: above, the blur is off by
/// less than a thousandth of the picture, and one transform serves all orientations.
const MIRRORED_SIDE_MAX: usize = 1024;

/// Hashes a picture row by row.
pub(crate) struct Fingerprinter {
    /// Of the picture, and, if it is small, of it mirrored left to right, top to bottom, and both.
    grids: Vec<GridBuilder>,
}

impl Fingerprinter {
    /// `aim` is of a whole picture.
    pub(crate) fn new(aim: Aim) -> Self {
        let mirrored = |columns, rows| {
            let flip = |side: Side, flip: bool| Side { flipped: side.flipped ^ flip, ..side };
            // What is left and right in the end lies along the stored columns if transposed.
            let (columns, rows) = if aim.transposed { (rows, columns) } else { (columns, rows) };
            Aim { columns: flip(aim.columns, columns), rows: flip(aim.rows, rows), ..aim }
        };
        let small = |side: Side| side.resized || side.length <= MIRRORED_SIDE_MAX;
        let all = [(false, false), (true, false), (false, true), (true, true)];
        let count = if small(aim.columns) && small(aim.rows) { all.len() } else { 1 };
        let grids = all.into_iter().take(count);
        Fingerprinter { grids: grids.map(|(x, y)| GridBuilder::new(mirrored(x, y))).collect() }
    }

    /// As [`GridBuilder::push`].
    pub(crate) fn push(&mut self, y: usize, row: Row<'_>) {
        self.grids.iter_mut().for_each(|grid| grid.push(y, row));
    }

    pub(crate) fn finish(self) -> Fingerprint {
        let mut grids = self.grids.into_iter().map(GridBuilder::finish);
        let plain = grids.next().unwrap_or([[0.0; GRID]; GRID]);
        let (Some(left_right), Some(top_bottom), Some(both)) =
            (grids.next(), grids.next(), grids.next())
        else {
            return Fingerprint::of_grid(&plain);
        };
        let all = [&plain, &left_right, &top_bottom, &both].map(transform::low_frequencies);
        Fingerprint { orientations: transform::mirrored(&all), quality: transform::quality(&plain) }
    }
}

/// Brightness of red, green and blue, with the weights and in the order of the reference.
pub(crate) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// Whether a picture is hashed after resizing it.
pub(crate) fn is_resized(width: usize, height: usize, convention: Convention) -> bool {
    match convention {
        Convention::Full => false,
        Convention::Resized512 => width.max(height) > axis::RESIZED_SIDE,
    }
}

fn builder(
    width: u32,
    height: u32,
    bytes: usize,
    bytes_a_pixel: usize,
    convention: Convention,
) -> Option<GridBuilder> {
    let (columns, rows) = (width as usize, height as usize);
    let expected = columns.checked_mul(rows)?.checked_mul(bytes_a_pixel)?;
    if width.min(height) < SIDE_MIN || bytes != expected {
        return None;
    }
    let resized = is_resized(columns, rows, convention);
    let side = |length| Side { resized, ..Side::whole(length) };
    Some(GridBuilder::new(Aim { columns: side(columns), rows: side(rows), transposed: false }))
}

fn hash_rows<'a>(mut builder: GridBuilder, rows: impl Iterator<Item = Row<'a>>) -> Fingerprint {
    rows.enumerate().for_each(|(y, row)| builder.push(y, row));
    Fingerprint::of_grid(&builder.finish())
}
