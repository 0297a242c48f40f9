//! BMP, and the pictures of icons and cursors, by the `image` crate.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::ico::IcoDecoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageResult};

use super::{Job, Picture, Pixels, Sink, fault_of_io, png};
use crate::image::header::{Header, small};
use crate::image::{Format, ImageFault, Orientation};

/// Bytes of an icon's header and of one entry in its directory.
const DIRECTORY: usize = 6;
const ENTRY: usize = 16;

/// A BMP file.
pub(super) fn bitmap(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let picture = picture(job, BmpDecoder::new(Cursor::new(job.bytes)))?;
    sink.take(0, 1, &picture);
    Ok(())
}

/// All pictures of an icon, the largest first, since that is what viewers show: each as if it were
/// alone in its file, since the decoder takes no other.
pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let count = job.header.frames;
    let mut fault = None;
    let sized =
        |(entry, data)| small::ico_size(data).map(|(w, h, _)| (w.saturating_mul(h), entry, data));
    let entries = small::ico_entries(job.bytes).filter_map(sized);
    let mut entries: Vec<(u32, usize, &[u8])> = entries.take(job.limits.frames as usize).collect();
    entries.sort_by_key(|(pixels, ..)| std::cmp::Reverse(*pixels));
    for (index, (_, entry, data)) in (0..).zip(entries) {
        job.tick()?;
        if !sink.wants(index, count) {
            continue;
        }
        if let Err(error) = one(job, entry, data, &mut Numbered { sink, index, count }) {
            fault = fault.or(Some(error));
        }
    }
    match fault {
        Some(fault) => Err(fault),
        None if count > job.limits.frames => Err(ImageFault::Frames),
        None => Ok(()),
    }
}

fn one(job: &Job<'_>, entry: usize, data: &[u8], sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let (width, height, bit_depth) = small::ico_size(data).ok_or(ImageFault::Truncated)?;
    let header = Header { width, height, frames: 1, bit_depth, ..*job.header };
    if data.starts_with(b"\x89PNG") {
        let header = Header { format: Format::Png, ..header };
        return png::decode(&Job { bytes: data, header: &header, ..*job }, sink);
    }
    job.reserve(width, height, 8)?;
    let mut alone = vec![0, 0, 1, 0, 1, 0];
    alone.extend_from_slice(job.bytes.get(entry..entry + ENTRY).unwrap_or_default());
    alone.truncate(DIRECTORY + ENTRY - 8);
    alone.extend((data.len() as u32).to_le_bytes());
    alone.extend(((DIRECTORY + ENTRY) as u32).to_le_bytes());
    alone.extend_from_slice(data);
    let picture = picture(job, IcoDecoder::new(Cursor::new(alone)))?;
    sink.take(0, 1, &picture);
    Ok(())
}

fn picture<D: ImageDecoder>(job: &Job<'_>, decoder: ImageResult<D>) -> Result<Picture, ImageFault> {
    let decoder = decoder.map_err(|error| fault(&error))?;
    let (width, height) = decoder.dimensions();
    let alpha = decoder.color_type().has_alpha();
    // As it comes, and as bytes.
    job.reserve(width, height, 8)?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))?;
    let pixels = if alpha {
        Pixels::Rgba(image.into_rgba8().into_raw())
    } else {
        Pixels::Rgb(image.into_rgb8().into_raw())
    };
    Ok(Picture { width, height, pixels, orientation: Orientation::Upright })
}

/// Hands a file's only picture on as one of many.
struct Numbered<'a> {
    sink: &'a mut dyn Sink,
    index: u32,
    count: u32,
}

impl Sink for Numbered<'_> {
    fn wants(&self, index: u32, _: u32) -> bool {
        index == 0
    }

    fn take(&mut self, _: u32, _: u32, picture: &Picture) {
        self.sink.take(self.index, self.count, picture);
    }
}

fn fault(error: &ImageError) -> ImageFault {
    match error {
        ImageError::Limits(_) => ImageFault::Memory,
        ImageError::IoError(error) => fault_of_io(error),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_) => ImageFault::Format,
    }
}
