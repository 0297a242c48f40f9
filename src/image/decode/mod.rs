//! From bytes to pixels, by decoders that others keep well, within limits.
//!
//! Each decoder hands its pictures to a [`Sink`], one after the other, so that an animation is
//! never in memory as a whole. What was handed over before an error stays looked at.

mod avif;
mod canvas;
mod gif;
mod heic;
mod icon;
mod jpeg;
mod jxl;
mod pixels;
mod png;
mod tiff;
mod webp;
mod yuv;

use super::header::Header;
use super::{Format, ImageFault, Limits, Orientation};
pub use pixels::Background;
pub(super) use pixels::Pixels;

/// One frame or page.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Pixels,
    /// How it is to be turned before it is shown.
    pub(super) orientation: Orientation,
}

/// Where pictures go.
pub(super) trait Sink {
    /// Whether picture `index` of `count` is to be handed over; it is decoded for its successors
    /// at most otherwise. The first is asked for always.
    fn wants(&self, index: u32, count: u32) -> bool;
    /// Takes a picture of `count`. Indices rise.
    fn take(&mut self, index: u32, count: u32, picture: &Picture);
}

/// What is to be decoded.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: &'a Header,
    pub(super) limits: &'a Limits,
    /// Whether luma alone will not do.
    pub(super) colour: bool,
    /// Asked now and then: whether the time is up.
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    /// # Errors
    /// `Time`.
    fn tick(&self) -> Result<(), ImageFault> {
        if (self.stop)() { Err(ImageFault::Time) } else { Ok(()) }
    }

    /// Says that so many bytes a pixel of a picture will be allocated.
    ///
    /// # Errors
    /// `Pixels` or `Memory`.
    fn reserve(&self, width: u32, height: u32, bytes_a_pixel: u64) -> Result<(), ImageFault> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.limits.pixels {
            Err(ImageFault::Pixels)
        } else if pixels.saturating_mul(bytes_a_pixel) > self.limits.memory {
            Err(ImageFault::Memory)
        } else {
            Ok(())
        }
    }

    /// What decoders take that are given a limit in bytes.
    fn memory(&self) -> usize {
        usize::try_from(self.limits.memory).unwrap_or(usize::MAX)
    }
}

/// Decodes all that the sink wants.
///
/// # Errors
/// Why decoding ended before the last picture that was wanted, or where it met something broken.
pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    job.tick()?;
    match job.header.format {
        Format::Jpeg => jpeg::decode(job, sink),
        Format::Png => png::decode(job, sink),
        Format::Gif => gif::decode(job, sink),
        Format::WebP => webp::decode(job, sink),
        Format::Bmp => icon::bitmap(job, sink),
        Format::Tiff => tiff::decode(job, sink),
        Format::Ico => icon::decode(job, sink),
        Format::Avif | Format::Heic => heic::decode(job, sink),
        Format::Jxl => jxl::decode(job, sink),
        // Their previews are found, and looked at, by others.
        Format::Psd | Format::Raw => Err(ImageFault::Format),
    }
}

/// What an error of a reader means.
fn fault_of_io(error: &std::io::Error) -> ImageFault {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ImageFault::Truncated,
        std::io::ErrorKind::OutOfMemory => ImageFault::Memory,
        _ => ImageFault::Format,
    }
}
