//! TIFF and BigTIFF, all pages.

use std::borrow::Cow;
use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::yuv::rgb_of_ycc;
use super::{Job, Picture, Pixels, Sink, fault_of_io};
use crate::image::header::{as_gray_tiff, has_sub_directories};
use crate::image::{ImageFault, Orientation};

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = job.memory();
    limits.intermediate_buffer_size = job.memory();
    // The decoder refuses palettes: it is given a copy that calls the indices grey.
    let bytes = as_gray_tiff(job.bytes).map_or(Cow::Borrowed(job.bytes), Cow::Owned);
    let decoder = Decoder::new(Cursor::new(&*bytes)).map_err(|error| fault(&error))?;
    let mut decoder = decoder.with_limits(limits);
    let count = job.header.frames;
    let mut broken = None;
    for index in 0..count.min(job.limits.frames) {
        job.tick()?;
        if index > 0 {
            decoder.next_image().map_err(|error| fault(&error))?;
        }
        if !sink.wants(index, count) {
            continue;
        }
        match page(job, &mut decoder) {
            Ok(picture) => sink.take(index, count, &picture),
            // The other pages may be of a kind that is read.
            Err(fault) => broken = broken.or(Some(fault)),
        }
    }
    match broken {
        Some(fault) => Err(fault),
        None if count > job.limits.frames => Err(ImageFault::Frames),
        // Camera raw has its picture there, and a thumbnail as its page.
        None if has_sub_directories(&bytes) => Err(ImageFault::Format),
        None => Ok(()),
    }
}

fn page(job: &Job<'_>, decoder: &mut TiffDecoder<'_>) -> Result<Picture, ImageFault> {
    let cut = |error: TiffError| fault(&error);
    let (width, height) = decoder.dimensions().map_err(cut)?;
    let kind = decoder.colortype().map_err(cut)?;
    let channels = u64::from(kind.num_samples());
    // As it comes, as bytes, and as red, green, blue, opacity.
    job.reserve(width, height, channels * (u64::from(kind.bit_depth()).div_ceil(8) + 1) + 4)?;
    let orientation: Option<u16> = decoder.find_tag_unsigned(Tag::Orientation).map_err(cut)?;
    // Three runs of 16-bit values.
    let palette = match kind {
        ColorType::Gray(_) => decoder.find_tag_unsigned_vec(Tag::ColorMap).map_err(cut)?,
        _ => None,
    };
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(cut)?;
    let row = width as usize * usize::from(kind.num_samples());
    let mut bytes = bytes(&samples, kind.bit_depth(), row, palette.is_some())?;
    if layout.planes > 1 {
        bytes = interleaved(&bytes, usize::from(kind.num_samples()));
    }
    let pixels = shown(bytes, kind, palette.as_deref())?;
    let orientation = orientation.map_or(Orientation::Upright, Orientation::of_tag);
    Ok(Picture { width, height, pixels, orientation })
}

/// A byte for each sample: the highest eight bits, or all of an index.
fn bytes(
    samples: &DecodingResult,
    depth: u8,
    row: usize,
    indices: bool,
) -> Result<Vec<u8>, ImageFault> {
    let scaled = |value: f32| (value * 255.0 + 0.5) as u8;
    match samples {
        DecodingResult::U8(bytes) if depth == 8 => Ok(bytes.clone()),
        DecodingResult::U8(bytes) if matches!(depth, 1 | 2 | 4) => {
            let packed_row = (row * usize::from(depth)).div_ceil(8);
            let rows = bytes.chunks_exact(packed_row.max(1));
            Ok(rows.flat_map(|packed| unpacked(packed, depth, indices).take(row)).collect())
        }
        DecodingResult::U16(words) => Ok(words.iter().map(|word| (word >> 8) as u8).collect()),
        DecodingResult::U32(words) => Ok(words.iter().map(|word| (word >> 24) as u8).collect()),
        DecodingResult::F32(values) => Ok(values.iter().map(|value| scaled(*value)).collect()),
        _ => Err(ImageFault::Format),
    }
}

/// Samples of 1, 2 or 4 bits.
fn unpacked(packed: &[u8], depth: u8, indices: bool) -> impl Iterator<Item = u8> {
    let highest = (1_u8 << depth) - 1;
    let scale = if indices { 1 } else { 255 / highest };
    packed.iter().flat_map(move |byte| {
        let shifts = (0..8 / depth).map(move |k| 8 - depth * (k + 1));
        shifts.map(move |shift| (byte >> shift & highest) * scale)
    })
}

/// Samples of one channel after the other, side by side.
fn interleaved(planes: &[u8], channels: usize) -> Vec<u8> {
    let pixels = planes.len() / channels.max(1);
    (0..pixels).flat_map(|i| (0..channels).map(move |k| planes[k * pixels + i])).collect()
}

fn shown(bytes: Vec<u8>, kind: ColorType, palette: Option<&[u16]>) -> Result<Pixels, ImageFault> {
    match kind {
        ColorType::Gray(_) => Ok(palette.map_or(Pixels::Luma(bytes.clone()), |palette| {
            let third = palette.len() / 3;
            let channel = |index: u8, k: usize| {
                palette.get(k * third + usize::from(index)).map_or(0, |value| (value >> 8) as u8)
            };
            Pixels::Rgb(bytes.iter().flat_map(|&i| [0, 1, 2].map(|k| channel(i, k))).collect())
        })),
        ColorType::RGB(_) => Ok(Pixels::Rgb(bytes)),
        ColorType::RGBA(_) => Ok(Pixels::Rgba(bytes)),
        ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => {
            let pixels = bytes.as_chunks().0.iter();
            Ok(Pixels::Rgba(pixels.flat_map(|&[v, alpha]| [v, v, v, alpha]).collect()))
        }
        // Ink, 255 for full.
        ColorType::CMYK(_) => {
            let light = |ink: u8, black: u8| {
                ((255 - u32::from(ink)) * (255 - u32::from(black)) / 255) as u8
            };
            let pixels = bytes.as_chunks().0.iter();
            Ok(Pixels::Rgb(
                pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|i| light(i, k))).collect(),
            ))
        }
        ColorType::YCbCr(_) => {
            let pixels = bytes.as_chunks().0.iter().map(|pixel| pixel.map(f32::from));
            let rgb = pixels.flat_map(|[luma, b, r]| rgb_of_ycc(luma, b - 128.0, r - 128.0));
            Ok(Pixels::Rgb(rgb.collect()))
        }
        _ => Err(ImageFault::Format),
    }
}

fn fault(error: &TiffError) -> ImageFault {
    match error {
        TiffError::IoError(error) => fault_of_io(error),
        TiffError::LimitsExceeded | TiffError::IntSizeError => ImageFault::Memory,
        _ => ImageFault::Format,
    }
}
