//! GIF, its frames composed.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, Frame, MemoryLimit};

use super::canvas::{Area, Canvas, Dispose};
use super::{Job, Picture, Pixels, Sink, fault_of_io};
use crate::image::ImageFault;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let header = job.header;
    // The canvas, the frame, and what a frame covers.
    job.reserve(header.width, header.height, 12)?;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let limit = NonZeroU64::new(job.limits.memory).ok_or(ImageFault::Memory)?;
    options.set_memory_limit(MemoryLimit::Bytes(limit));
    let mut decoder = options.read_info(Cursor::new(job.bytes)).map_err(|error| fault(&error))?;
    let mut canvas = Canvas::new(header.width, header.height);
    let mut buffer = Vec::new();
    for index in 0..header.frames.min(job.limits.frames) {
        job.tick()?;
        let frame = match decoder.next_frame_info().map_err(|error| fault(&error))? {
            Some(frame) => frame,
            None if index == 0 => return Err(ImageFault::Truncated),
            None => return Ok(()),
        };
        let (area, dispose) = (area(frame), dispose(frame));
        job.reserve(area.width, area.height, 12)?;
        buffer.clear();
        buffer.resize(decoder.buffer_size(), 0);
        // Of a frame that is cut, viewers show what there is.
        let read = decoder.read_into_buffer(&mut buffer);
        canvas.draw(area, &buffer, true, dispose);
        if sink.wants(index, header.frames) {
            show(job, &mut canvas, index, header.frames, sink);
        }
        read.map_err(|error| fault(&error))?;
    }
    if header.frames > job.limits.frames { Err(ImageFault::Frames) } else { Ok(()) }
}

/// Hands over what the canvas shows.
pub(super) fn show(
    job: &Job<'_>,
    canvas: &mut Canvas,
    index: u32,
    count: u32,
    sink: &mut dyn Sink,
) {
    let header = job.header;
    let (width, height) = (header.width, header.height);
    let pixels = Pixels::Rgba(canvas.lend());
    let picture = Picture { width, height, pixels, orientation: header.orientation };
    sink.take(index, count, &picture);
    if let Pixels::Rgba(pixels) = picture.pixels {
        canvas.take_back(pixels);
    }
}

fn area(frame: &Frame<'_>) -> Area {
    Area {
        left: frame.left.into(),
        top: frame.top.into(),
        width: frame.width.into(),
        height: frame.height.into(),
    }
}

fn dispose(frame: &Frame<'_>) -> Dispose {
    match frame.dispose {
        DisposalMethod::Any | DisposalMethod::Keep => Dispose::Keep,
        // Viewers agree on transparency here, whatever the background colour says.
        DisposalMethod::Background => Dispose::Clear,
        DisposalMethod::Previous => Dispose::Restore,
    }
}

fn fault(error: &DecodingError) -> ImageFault {
    match error {
        DecodingError::Io(error) => fault_of_io(error),
        DecodingError::UnexpectedEof => ImageFault::Truncated,
        DecodingError::MemoryLimit | DecodingError::OutOfMemory => ImageFault::Memory,
        _ => ImageFault::Format,
    }
}
