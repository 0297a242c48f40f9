//! AV1 pictures in HEIF by rav1d, of which this is the port of dav1d without its assembly.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{
    Decoder, Error, Picture as Frame, PixelLayout, PlanarImageComponent as Component, Settings,
};

use super::heic::{check_tiles, grid};
use super::yuv::{Matrix, Scale};
use super::{Job, Picture, Pixels, Sink};
use crate::image::ImageFault;
use crate::image::header::be16;
use crate::image::header::heif::{Heif, Item};

/// Bytes a pixel that decoding takes: planes of 16 bits, those they refer to, and the result.
const AV1_BYTES: u64 = 16;
/// The auxiliary image that is opacity (MIAF §7.3.5, and what older writers say).
const ALPHA: [&[u8]; 2] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0"];

/// A decoded picture, of as many channels as asked for.
struct Plain {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channels {
    Luma,
    Rgb,
}

impl Channels {
    const fn count(self) -> usize {
        match self {
            Channels::Luma => 1,
            Channels::Rgb => 3,
        }
    }
}

/// The primary item.
pub(super) fn decode(
    job: &Job<'_>,
    heif: &Heif<'_>,
    sink: &mut dyn Sink,
) -> Result<(), ImageFault> {
    let primary = heif.primary().ok_or(ImageFault::Format)?;
    let mut masks = heif.referring(b"auxl", primary.id);
    let mask = masks.find(|item| {
        let kind = heif.property(item, b"auxC").and_then(|body| body.get(4..));
        kind.is_some_and(|kind| ALPHA.iter().any(|alpha| kind.starts_with(alpha)))
    });
    let channels = if job.colour || mask.is_some() { Channels::Rgb } else { Channels::Luma };
    let colours = item(job, heif, primary, channels)?;
    let (width, height) = (colours.width, colours.height);
    let pixels = match mask {
        None if channels == Channels::Luma => Pixels::Luma(colours.bytes),
        None => Pixels::Rgb(colours.bytes),
        Some(mask) => {
            let mask = item(job, heif, mask, Channels::Luma)?;
            if (mask.width, mask.height) != (width, height) {
                return Err(ImageFault::Format);
            }
            let pixels = colours.bytes.as_chunks().0.iter().zip(&mask.bytes);
            Pixels::Rgba(pixels.flat_map(|(&[r, g, b], &alpha)| [r, g, b, alpha]).collect())
        }
    };
    sink.take(0, 1, &Picture { width, height, pixels, orientation: job.header.orientation });
    Ok(())
}

fn item(
    job: &Job<'_>,
    heif: &Heif<'_>,
    item: &Item,
    channels: Channels,
) -> Result<Plain, ImageFault> {
    match &item.kind {
        b"av01" => coded(job, heif, item, channels),
        b"grid" => tiled(job, heif, item, channels),
        _ => Err(ImageFault::Format),
    }
}

/// Tiles row by row, the last of each direction cut to fit.
fn tiled(
    job: &Job<'_>,
    heif: &Heif<'_>,
    item: &Item,
    channels: Channels,
) -> Result<Plain, ImageFault> {
    let (rows, columns, width, height) = grid(&heif.data(item)?).ok_or(ImageFault::Format)?;
    let tiles = heif.references(b"dimg", item.id);
    if tiles.len() != (rows * columns) as usize {
        return Err(ImageFault::Format);
    }
    job.reserve(width, height, AV1_BYTES)?;
    check_tiles(job, heif, item)?;
    let pixel = channels.count();
    let stride = width as usize * pixel;
    let mut bytes = vec![0; stride * height as usize];
    for (i, id) in tiles.iter().enumerate() {
        job.tick()?;
        let tile = heif.item(*id).filter(|tile| &tile.kind == b"av01");
        let tile = coded(job, heif, tile.ok_or(ImageFault::Format)?, channels)?;
        let (left, top) = (
            i % columns as usize * tile.width as usize,
            i / columns as usize * tile.height as usize,
        );
        let shown = (tile.width as usize).min((width as usize).saturating_sub(left)) * pixel;
        let source = tile.bytes.chunks_exact(tile.width as usize * pixel);
        let target = bytes.chunks_exact_mut(stride).skip(top);
        for (source, target) in source.zip(target) {
            if shown > 0 {
                target[left * pixel..][..shown].copy_from_slice(&source[..shown]);
            }
        }
    }
    Ok(Plain { width, height, bytes })
}

fn coded(
    job: &Job<'_>,
    heif: &Heif<'_>,
    item: &Item,
    channels: Channels,
) -> Result<Plain, ImageFault> {
    if let Some((width, height)) = heif.size(item) {
        job.reserve(width, height, AV1_BYTES)?;
    }
    let frame = frame(job, heif.data(item)?)?;
    let (width, height) = (frame.width(), frame.height());
    job.reserve(width, height, AV1_BYTES)?;
    let colours = Colours::of(heif.property(item, b"colr"), &frame);
    let bytes = match channels {
        Channels::Luma if !colours.is_rgb => luma(&frame, colours.scale),
        Channels::Luma => super::pixels::luma_of_rgb(&rgb(&frame, &colours)),
        Channels::Rgb => rgb(&frame, &colours),
    };
    Ok(Plain { width, height, bytes })
}

fn frame(job: &Job<'_>, data: Vec<u8>) -> Result<Frame, ImageFault> {
    /// A picture may take several steps, of which each makes headway.
    const STEPS_MAX: usize = 64;
    if data.is_empty() {
        return Err(ImageFault::Truncated);
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(job.limits.pixels).unwrap_or(u32::MAX));
    let broken = |_: Error| ImageFault::Format;
    let mut decoder = Decoder::with_settings(&settings).map_err(broken)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => {}
        Err(_) => return Err(ImageFault::Format),
    }
    for _ in 0..STEPS_MAX {
        match (decoder.get_picture(), decoder.send_pending_data()) {
            (Ok(frame), _) => return Ok(frame),
            (Err(Error::Again), Ok(()) | Err(Error::Again)) => {}
            (Err(_), _) => return Err(ImageFault::Format),
        }
    }
    Err(ImageFault::Truncated)
}

/// How samples are to be read.
struct Colours {
    matrix: Matrix,
    scale: Scale,
    /// Green, blue and red instead of luma and chroma.
    is_rgb: bool,
}

impl Colours {
    /// As the container says, else the stream.
    fn of(property: Option<&[u8]>, frame: &Frame) -> Colours {
        let said = property.and_then(|body| {
            let body = body.strip_prefix(b"nclx")?;
            Some((be16(body, 4)?, body.get(6)? & 0x80 != 0))
        });
        let (matrix, full) = said.unwrap_or_else(|| {
            let matrix = match frame.matrix_coefficients() {
                MatrixCoefficients::Identity => 0,
                MatrixCoefficients::BT709 => 1,
                MatrixCoefficients::BT2020NonConstantLuminance => 9,
                _ => 6,
            };
            (matrix, frame.color_range() == YUVRange::Full)
        });
        let (matrix, is_rgb) = match matrix {
            0 => (Matrix::BT601, true),
            1 => (Matrix::BT709, false),
            9 | 10 => (Matrix::BT2020, false),
            _ => (Matrix::BT601, false),
        };
        Colours { matrix, scale: Scale::of(frame.bit_depth() as u32, full), is_rgb }
    }
}

fn luma(frame: &Frame, scale: Scale) -> Vec<u8> {
    let plane = Plane::of(frame, Component::Y);
    let pixels = (0..frame.height()).flat_map(|y| (0..frame.width()).map(move |x| (x, y)));
    pixels.map(|(x, y)| scale.byte(plane.at(x, y))).collect()
}

fn rgb(frame: &Frame, colours: &Colours) -> Vec<u8> {
    let (matrix, scale) = (colours.matrix, colours.scale);
    if frame.pixel_layout() == PixelLayout::I400 {
        return luma(frame, scale).into_iter().flat_map(|value| [value; 3]).collect();
    }
    let planes = [Component::Y, Component::U, Component::V].map(|part| Plane::of(frame, part));
    let (half_x, half_y) = match frame.pixel_layout() {
        PixelLayout::I420 => (1, 1),
        PixelLayout::I422 => (1, 0),
        PixelLayout::I444 | PixelLayout::I400 => (0, 0),
    };
    let mut rgb = Vec::with_capacity(frame.width() as usize * frame.height() as usize * 3);
    for y in 0..frame.height() {
        for x in 0..frame.width() {
            let luma = planes[0].at(x, y);
            let [first, second] = [1, 2].map(|k| planes[k].at(x >> half_x, y >> half_y));
            rgb.extend(if colours.is_rgb {
                [second, luma, first].map(|sample| scale.byte(sample))
            } else {
                matrix.rgb(scale.luma(luma), scale.chroma(first), scale.chroma(second))
            });
        }
    }
    rgb
}

/// Samples of 8 bits, or of more in two bytes each.
struct Plane {
    bytes: re_rav1d::dav1d::Plane,
    stride: usize,
    wide: bool,
}

impl Plane {
    fn of(frame: &Frame, part: Component) -> Plane {
        let stride = frame.stride(part) as usize;
        Plane { bytes: frame.plane(part), stride, wide: frame.bit_depth() > 8 }
    }

    fn at(&self, x: u32, y: u32) -> f32 {
        let (row, x) = (y as usize * self.stride, x as usize);
        if !self.wide {
            return self.bytes.get(row + x).copied().map_or(0.0, f32::from);
        }
        let sample = self.bytes.get(row + 2 * x..).and_then(|rest| rest.first_chunk());
        sample.map_or(0.0, |bytes| f32::from(u16::from_ne_bytes(*bytes)))
    }
}
