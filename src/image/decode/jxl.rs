//! JPEG XL by jxl-oxide, which turns the picture itself.

use std::io::Cursor;

use jxl_oxide::{AllocTracker, JxlImage, JxlThreadPool, PixelFormat};

use super::{Job, Picture, Pixels, Sink};
use crate::image::{ImageFault, Orientation};

/// Bytes a pixel and channel: floats, before and after filters.
const WORK_BYTES: u64 = 8;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    job.reserve(job.header.width, job.header.height, 4 + 3 * WORK_BYTES)?;
    let image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(job.memory()))
        .read(Cursor::new(job.bytes))
        .map_err(|error| fault(&*error))?;
    job.reserve(image.width(), image.height(), 4 + 3 * WORK_BYTES)?;
    let format = image.pixel_format();
    let count = u32::try_from(image.num_loaded_keyframes()).unwrap_or(u32::MAX);
    for index in 0..count.min(job.limits.frames) {
        job.tick()?;
        if !sink.wants(index, count) {
            continue;
        }
        let render = image.render_frame(index as usize).map_err(|error| fault(&*error))?;
        let mut stream = render.stream();
        let (width, height) = (stream.width(), stream.height());
        job.reserve(width, height, 4 + 3 * WORK_BYTES)?;
        let samples = u64::from(width) * u64::from(height) * u64::from(stream.channels());
        let mut bytes = vec![0_u8; usize::try_from(samples).map_err(|_| ImageFault::Memory)?];
        stream.write_to_buffer(&mut bytes);
        let pixels = pixels(bytes, format);
        sink.take(
            index,
            count,
            &Picture { width, height, pixels, orientation: Orientation::Upright },
        );
    }
    match (image.is_loading_done(), count > job.limits.frames) {
        (_, true) => Err(ImageFault::Frames),
        (false, false) => Err(ImageFault::Truncated),
        (true, false) => Ok(()),
    }
}

fn pixels(bytes: Vec<u8>, format: PixelFormat) -> Pixels {
    // Ink, 0 for full.
    let light = |ink: u8, black: u8| (u32::from(ink) * u32::from(black) / 255) as u8;
    match format {
        PixelFormat::Gray => Pixels::Luma(bytes),
        PixelFormat::Graya => {
            let pixels = bytes.as_chunks().0.iter();
            Pixels::Rgba(pixels.flat_map(|&[v, alpha]| [v, v, v, alpha]).collect())
        }
        PixelFormat::Rgb => Pixels::Rgb(bytes),
        PixelFormat::Rgba => Pixels::Rgba(bytes),
        PixelFormat::Cmyk => {
            let pixels = bytes.as_chunks().0.iter();
            Pixels::Rgb(pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|i| light(i, k))).collect())
        }
        PixelFormat::Cmyka => {
            let pixels = bytes.as_chunks().0.iter();
            let shown = |&[c, m, y, k, a]: &[u8; 5]| [light(c, k), light(m, k), light(y, k), a];
            Pixels::Rgba(pixels.flat_map(shown).collect())
        }
    }
}

/// The crate's errors are of many kinds; the ones of note say so in the chain of their causes.
fn fault(error: &(dyn std::error::Error + 'static)) -> ImageFault {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return super::fault_of_io(error);
        }
        cause = error.source();
    }
    ImageFault::Format
}
