//! JPEG by zune-jpeg, of luma alone where that is all that is wanted. What is missing of a file that
//! is cut it leaves grey, as viewers do.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Job, Picture, Pixels, Sink};
use crate::image::ImageFault;
use crate::image::header::jpeg::{self, JpegHeader};

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    // What is said behind the first scan, the caller has read.
    let header = jpeg::header(job.bytes, 0)?;
    let pixels = pixels(job, &header)?;
    let (width, height) = (header.width, header.height);
    sink.take(0, 1, &Picture { width, height, pixels, orientation: header.orientation });
    Ok(())
}

fn pixels(job: &Job<'_>, header: &JpegHeader) -> Result<Pixels, ImageFault> {
    let luma_will_do = header.has_luma() && (!job.colour || header.components == 1);
    let as_stored = header.names_rgb && header.adobe_transform.is_none();
    let wanted = match (header.components, header.adobe_transform) {
        _ if luma_will_do => ColorSpace::Luma,
        // As they are stored: what they mean is decided below.
        (4, Some(2)) => ColorSpace::YCCK,
        (4, _) => ColorSpace::CMYK,
        (3, None) if as_stored => ColorSpace::YCbCr,
        _ => ColorSpace::RGB,
    };
    job.reserve(header.width, header.height, bytes_a_pixel(job, header, wanted))?;
    let options = DecoderOptions::default()
        .set_max_width(header.width as usize)
        .set_max_height(header.height as usize)
        .jpeg_set_max_scans(job.limits.scans as usize)
        .jpeg_set_out_colorspace(wanted);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(job.bytes), options);
    let fault = if job.header.complete { ImageFault::Format } else { ImageFault::Truncated };
    let bytes = decoder.decode().map_err(|_| fault)?;
    let expected = header.width as usize * header.height as usize;
    let pixels = match wanted {
        ColorSpace::Luma => Pixels::Luma(bytes),
        ColorSpace::CMYK => Pixels::Rgb(rgb_of_inks(&bytes, |stored| stored)),
        ColorSpace::YCCK => Pixels::Rgb(rgb_of_inks(&bytes, inks_of_ycc)),
        _ => Pixels::Rgb(bytes),
    };
    let channels = if matches!(pixels, Pixels::Luma(_)) { 1 } else { 3 };
    if pixels.bytes().len() != expected * channels {
        return Err(ImageFault::Format);
    }
    Ok(if job.colour { pixels } else { pixels.into_luma() })
}

/// The output, a second one where it is converted, and all coefficients at 16 bits where they have
/// to wait for later scans.
fn bytes_a_pixel(job: &Job<'_>, header: &JpegHeader, wanted: ColorSpace) -> u64 {
    let coefficients = u64::from(header.coefficients);
    let waiting = if header.progressive || job.header.scans > 1 { 2 * coefficients } else { 0 };
    let output = match wanted {
        ColorSpace::Luma => 1,
        ColorSpace::CMYK | ColorSpace::YCCK => 7,
        _ => 3,
    };
    output + waiting
}

/// Inks are stored inverted, 255 for none, by everybody who writes them: that is how Adobe began,
/// and how viewers read files without its segment, too.
fn rgb_of_inks(stored: &[u8], inks: impl Fn([u8; 3]) -> [u8; 3]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(stored.len() / 4 * 3);
    for &[a, b, c, black] in stored.as_chunks().0 {
        let black = u32::from(black);
        rgb.extend(inks([a, b, c]).map(|ink| ((u32::from(ink) * black + 127) / 255) as u8));
    }
    rgb
}

/// YCCK transforms the inks as if they were red, green and blue, inverted once more (libjpeg's
/// "YCCK": R = 255 - C).
fn inks_of_ycc([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    super::yuv::rgb_of_ycc(f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0)
        .map(|channel| 255 - channel)
}
