//! PNG and APNG. A still picture that is not interlaced is turned into luma row by row.

use std::io::Cursor;

use png::{BlendOp, ColorType, Decoder, DecodingError, DisposeOp, Limits, Reader, Transformations};

use super::canvas::{Area, Canvas, Dispose};
use super::gif::show;
use super::pixels::luma_of_pixel;
use super::{Job, Picture, Pixels, Sink, fault_of_io};
use crate::image::ImageFault;

type PngReader<'a> = Reader<Cursor<&'a [u8]>>;

/// What a picture that ends early shows where nothing is known of it: mid grey, as with JPEG.
const UNKNOWN: u8 = 128;
/// Rows between two looks at the clock.
const ROWS_A_TICK: usize = 64;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let limits = Limits { bytes: job.memory() };
    let mut decoder = Decoder::new_with_limits(Cursor::new(job.bytes), limits);
    // Palettes, small depths and transparent colours become channels of a byte.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Some viewers do not check either.
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().map_err(|error| fault(&error))?;
    if reader.info().animation_control().is_some() {
        return animated(job, &mut reader, sink);
    }
    let interlaced = reader.info().interlaced;
    let (pixels, fault) =
        if interlaced { whole(job, &mut reader)? } else { row_by_row(job, &mut reader)? };
    let (width, height) = (job.header.width, job.header.height);
    let picture = Picture { width, height, pixels, orientation: job.header.orientation };
    sink.take(0, 1, &picture);
    fault.map_or(Ok(()), Err)
}

/// The rows up to the first fault, and that.
fn row_by_row(
    job: &Job<'_>,
    reader: &mut PngReader<'_>,
) -> Result<(Pixels, Option<ImageFault>), ImageFault> {
    let (colour_type, _) = reader.output_color_type();
    let output = Output::of(colour_type, job.colour)?;
    job.reserve(job.header.width, job.header.height, output.channels() as u64)?;
    let pixels = job.header.pixels() as usize;
    let mut bytes = Vec::with_capacity(pixels * output.channels());
    let fault = loop {
        match reader.next_row() {
            Ok(Some(row)) => output.append(row.data(), colour_type, &mut bytes),
            Ok(None) => break None,
            Err(error) => break Some(fault(&error)),
        }
        if (bytes.len() / output.channels()).is_multiple_of(job.header.width as usize * ROWS_A_TICK)
        {
            job.tick()?;
        }
    };
    match fault {
        Some(fault) if bytes.is_empty() => return Err(fault),
        _ => bytes.resize(pixels * output.channels(), UNKNOWN),
    }
    Ok((output.pixels(bytes), fault))
}

/// The picture as the passes build it.
fn whole(
    job: &Job<'_>,
    reader: &mut PngReader<'_>,
) -> Result<(Pixels, Option<ImageFault>), ImageFault> {
    let (colour_type, _) = reader.output_color_type();
    let output = Output::of(colour_type, job.colour)?;
    let channels = (colour_type.samples() + output.channels()) as u64;
    job.reserve(job.header.width, job.header.height, channels)?;
    let mut raw = vec![UNKNOWN; reader.output_buffer_size().ok_or(ImageFault::Memory)?];
    let fault = reader.next_frame(&mut raw).err().map(|error| fault(&error));
    let mut bytes = Vec::new();
    output.append(&raw, colour_type, &mut bytes);
    Ok((output.pixels(bytes), fault))
}

/// The frames, composed. The picture for viewers that know no animation may be none of them, and
/// counts as one more, the first.
fn animated(
    job: &Job<'_>,
    reader: &mut PngReader<'_>,
    sink: &mut dyn Sink,
) -> Result<(), ImageFault> {
    let header = job.header;
    // The canvas, a frame as it comes and with opacity, and what it covers.
    job.reserve(header.width, header.height, 16)?;
    let (colour_type, _) = reader.output_color_type();
    let hidden = u32::from(reader.info().frame_control().is_none());
    let count = header.frames.saturating_add(hidden);
    let mut canvas = Canvas::new(header.width, header.height);
    let mut raw = vec![0; reader.output_buffer_size().ok_or(ImageFault::Memory)?];
    let mut rgba = Vec::new();
    for index in 0..count.min(job.limits.frames) {
        job.tick()?;
        let read = reader.next_frame(&mut raw);
        let info = match read {
            Ok(info) => info,
            // An end where a frame should begin: fewer frames than announced.
            Err(DecodingError::Parameter(_)) if index > 0 => return Ok(()),
            Err(error) => return Err(fault(&error)),
        };
        rgba.clear();
        Output::Rgba.append(&raw[..info.buffer_size()], colour_type, &mut rgba);
        let frame = reader.info().frame_control();
        let area = Area {
            left: frame.map_or(0, |frame| frame.x_offset),
            top: frame.map_or(0, |frame| frame.y_offset),
            width: info.width,
            height: info.height,
        };
        let blend = frame.is_some_and(|frame| frame.blend_op == BlendOp::Over);
        let dispose = match frame.map(|frame| frame.dispose_op) {
            Some(DisposeOp::None) => Dispose::Keep,
            // The hidden picture is not there when the animation begins.
            Some(DisposeOp::Background) | None => Dispose::Clear,
            Some(DisposeOp::Previous) => Dispose::Restore,
        };
        canvas.draw(area, &rgba, blend, dispose);
        if sink.wants(index, count) {
            show(job, &mut canvas, index, count, sink);
        }
    }
    if count > job.limits.frames { Err(ImageFault::Frames) } else { Ok(()) }
}

/// What is kept of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Luma,
    Rgb,
    Rgba,
}

impl Output {
    fn of(colour_type: ColorType, colour: bool) -> Result<Output, ImageFault> {
        match colour_type {
            ColorType::Grayscale => Ok(Output::Luma),
            ColorType::Rgb if colour => Ok(Output::Rgb),
            ColorType::Rgb => Ok(Output::Luma),
            ColorType::GrayscaleAlpha | ColorType::Rgba => Ok(Output::Rgba),
            ColorType::Indexed => Err(ImageFault::Format), // expanded: never seen
        }
    }

    fn channels(self) -> usize {
        match self {
            Output::Luma => 1,
            Output::Rgb => 3,
            Output::Rgba => 4,
        }
    }

    fn pixels(self, bytes: Vec<u8>) -> Pixels {
        match self {
            Output::Luma => Pixels::Luma(bytes),
            Output::Rgb => Pixels::Rgb(bytes),
            Output::Rgba => Pixels::Rgba(bytes),
        }
    }

    fn append(self, row: &[u8], colour_type: ColorType, out: &mut Vec<u8>) {
        match (self, colour_type) {
            (Output::Luma, ColorType::Rgb) => {
                out.extend(row.as_chunks().0.iter().map(|pixel| luma_of_pixel(*pixel)));
            }
            (Output::Rgba, ColorType::Grayscale) => {
                out.extend(row.iter().flat_map(|&value| [value, value, value, 255]));
            }
            (Output::Rgba, ColorType::GrayscaleAlpha) => {
                let pixels = row.as_chunks().0.iter();
                out.extend(pixels.flat_map(|&[value, alpha]| [value, value, value, alpha]));
            }
            (Output::Rgba, ColorType::Rgb) => {
                let pixels = row.as_chunks().0.iter();
                out.extend(pixels.flat_map(|&[red, green, blue]| [red, green, blue, 255]));
            }
            (Output::Luma | Output::Rgb | Output::Rgba, _) => out.extend_from_slice(row),
        }
    }
}

fn fault(error: &DecodingError) -> ImageFault {
    match error {
        DecodingError::IoError(error) => fault_of_io(error),
        DecodingError::LimitsExceeded => ImageFault::Memory,
        DecodingError::Format(_) | DecodingError::Parameter(_) => ImageFault::Format,
    }
}
