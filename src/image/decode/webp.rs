//! WebP of all kinds. The decoder itself composes frames.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::{Job, Picture, Pixels, Sink, fault_of_io};
use crate::image::ImageFault;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let cut = |error: DecodingError| fault(&error);
    let mut decoder = WebPDecoder::new(Cursor::new(job.bytes)).map_err(cut)?;
    decoder.set_memory_limit(job.memory());
    let (width, height) = decoder.dimensions();
    // The output, and as much again inside: planes of lossy pictures, the canvas of animations.
    job.reserve(width, height, 8)?;
    let alpha = decoder.has_alpha();
    let mut buffer = vec![0; decoder.output_buffer_size().ok_or(ImageFault::Memory)?];
    let orientation = job.header.orientation;
    if !decoder.is_animated() {
        decoder.read_image(&mut buffer).map_err(cut)?;
        let pixels = pixels(buffer, alpha);
        sink.take(0, 1, &Picture { width, height, pixels, orientation });
        return Ok(());
    }
    // Viewers ignore the colour that the file names.
    decoder.set_background_color([0; 4]).map_err(cut)?;
    let count = decoder.num_frames();
    for index in 0..count.min(job.limits.frames) {
        job.tick()?;
        decoder.read_frame(&mut buffer).map_err(cut)?;
        if sink.wants(index, count) {
            let picture = Picture { width, height, pixels: pixels(buffer, alpha), orientation };
            sink.take(index, count, &picture);
            buffer = match picture.pixels {
                Pixels::Luma(bytes) | Pixels::Rgb(bytes) | Pixels::Rgba(bytes) => bytes,
            };
        }
    }
    if count > job.limits.frames { Err(ImageFault::Frames) } else { Ok(()) }
}

fn pixels(bytes: Vec<u8>, alpha: bool) -> Pixels {
    if alpha { Pixels::Rgba(bytes) } else { Pixels::Rgb(bytes) }
}

fn fault(error: &DecodingError) -> ImageFault {
    match error {
        DecodingError::IoError(error) => fault_of_io(error),
        DecodingError::MemoryLimitExceeded => ImageFault::Memory,
        DecodingError::NoMoreFrames => ImageFault::Truncated,
        _ => ImageFault::Format,
    }
}
