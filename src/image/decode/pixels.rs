//! Pixels as decoders give them, row by row, a byte a channel.

use crate::image::pdq::{Row, luma};

/// Interleaved, row by row.
pub(in crate::image) enum Pixels {
    /// Brightness alone.
    Luma(Vec<u8>),
    /// Red, green, blue.
    Rgb(Vec<u8>),
    /// Red, green, blue, opacity; colours are not multiplied by it.
    Rgba(Vec<u8>),
}

/// What transparent pixels are shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Background {
    /// As most viewers show them. Of an opaque picture, all there is.
    White,
    /// As some viewers show them.
    Black,
    /// Transparency is dropped, and the colours under it come to light: so do the makers of hash
    /// lists.
    Ignored,
}

impl Background {
    /// Every background, in order.
    pub const ALL: [Background; 3] = [Background::White, Background::Black, Background::Ignored];

    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Background::White => "white",
            Background::Black => "black",
            Background::Ignored => "ignored",
        }
    }
}

impl Pixels {
    fn channels(&self) -> usize {
        match self {
            Pixels::Luma(_) => 1,
            Pixels::Rgb(_) => 3,
            Pixels::Rgba(_) => 4,
        }
    }

    pub(in crate::image) fn bytes(&self) -> &[u8] {
        match self {
            Pixels::Luma(bytes) | Pixels::Rgb(bytes) | Pixels::Rgba(bytes) => bytes,
        }
    }

    /// Whether a pixel lets the background through.
    pub(in crate::image) fn is_transparent(&self) -> bool {
        match self {
            Pixels::Luma(_) | Pixels::Rgb(_) => false,
            Pixels::Rgba(bytes) => bytes.as_chunks().0.iter().any(|&[_, _, _, alpha]| alpha != 255),
        }
    }

    /// Row `y` of `width` pixels, its luma in `scratch` where it has to be computed.
    pub(in crate::image) fn row<'a>(
        &'a self,
        y: usize,
        width: usize,
        background: Background,
        scratch: &'a mut Vec<f32>,
    ) -> Row<'a> {
        let stride = width * self.channels();
        let row = self.bytes().get(y * stride..).and_then(|rest| rest.get(..stride));
        let row = row.unwrap_or_default();
        match self {
            Pixels::Luma(_) => Row::Bytes(row),
            Pixels::Rgb(_) => Row::Rgb(row),
            Pixels::Rgba(_) => {
                scratch.clear();
                scratch.extend(row.as_chunks().0.iter().map(|pixel| shown(*pixel, background)));
                Row::Floats(scratch)
            }
        }
    }

    /// Red, green and blue over a background.
    pub(in crate::image) fn to_rgb(&self, background: Background) -> Vec<u8> {
        match self {
            Pixels::Luma(bytes) => bytes.iter().flat_map(|&value| [value; 3]).collect(),
            Pixels::Rgb(bytes) => bytes.clone(),
            Pixels::Rgba(bytes) => {
                let pixels = bytes.as_chunks().0.iter();
                pixels.flat_map(|&[r, g, b, a]| [r, g, b].map(|c| over(c, a, background))).collect()
            }
        }
    }

    /// The same without colour.
    pub(in crate::image) fn into_luma(self) -> Pixels {
        match self {
            Pixels::Rgb(bytes) => Pixels::Luma(luma_of_rgb(&bytes)),
            Pixels::Luma(_) | Pixels::Rgba(_) => self,
        }
    }
}

/// Luma of interleaved red, green and blue, rounded.
pub(super) fn luma_of_rgb(rgb: &[u8]) -> Vec<u8> {
    let pixels = rgb.as_chunks().0.iter();
    pixels.map(|pixel| luma_of_pixel(*pixel)).collect()
}

/// The same of one pixel, in whole numbers.
pub(super) fn luma_of_pixel([red, green, blue]: [u8; 3]) -> u8 {
    // 0.299, 0.587 and 0.114 of 2^16.
    const WEIGHTS: [u32; 3] = [19_595, 38_470, 7_471];
    let sum =
        u32::from(red) * WEIGHTS[0] + u32::from(green) * WEIGHTS[1] + u32::from(blue) * WEIGHTS[2];
    ((sum + (1 << 15)) >> 16) as u8
}

fn shown([red, green, blue, alpha]: [u8; 4], background: Background) -> f32 {
    let colour = luma([red, green, blue].map(f32::from));
    let opacity = f32::from(alpha) / 255.0;
    match background {
        Background::White => colour * opacity + 255.0 * (1.0 - opacity),
        Background::Black => colour * opacity,
        Background::Ignored => colour,
    }
}

fn over(channel: u8, alpha: u8, background: Background) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    let behind = match background {
        Background::White => 255,
        Background::Black => 0,
        Background::Ignored => return channel as u8,
    };
    ((channel * alpha + behind * (255 - alpha) + 127) / 255) as u8
}
