//! What an image's structure announces, read by our own parsers before anything is allocated.
//!
//! No number in a file is believed further than the file reaches, and every walk is bounded by the
//! file's length or a constant.

mod exif;
mod frames;
pub(super) mod heif;
pub(super) mod jpeg;
mod read;
pub(super) mod small;
#[cfg(test)]
mod tests;

use super::{Format, ImageFault, Limits, Orientation, sniff};
use exif::Tiff;
pub(super) use exif::{as_gray_tiff, has_sub_directories};
use heif::Heif;
pub(super) use read::{be16, be32};

/// What is known of an image without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What its first bytes announce.
    pub format: Format,
    /// In pixels, as stored: before it is turned. Of several pages, those of the largest.
    pub width: u32,
    /// In pixels, as stored.
    pub height: u32,
    /// Frames or pages, at least 1; counted to one past [`Limits::frames`]. Of JPEG XL always 1.
    pub frames: u32,
    /// Scans of a JPEG; 1 of anything else.
    pub scans: u32,
    /// Bits of a channel; 0 where the header does not say.
    pub bit_depth: u8,
    /// How it is to be turned before it is shown.
    pub orientation: Orientation,
    /// Whether the structure ends where it should, as far as that is told without decoding.
    pub complete: bool,
}

impl Header {
    fn of_size(format: Format, (width, height, bit_depth): small::Size) -> Header {
        Header {
            format,
            width,
            height,
            frames: 1,
            scans: 1,
            bit_depth,
            orientation: Orientation::Upright,
            complete: true,
        }
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// Reads the header of an image of any format.
///
/// # Errors
/// `Format` for what is no image, or one whose size can't be told; `Truncated`, `Pixels` and
/// `Scans`. Too many frames are no error here: the first of them can be looked at.
pub fn header(bytes: &[u8], limits: &Limits) -> Result<Header, ImageFault> {
    let format = sniff(bytes).ok_or(ImageFault::Format)?;
    let header = parse(format, bytes, limits)?;
    if header.width == 0 || header.height == 0 {
        return Err(ImageFault::Format);
    }
    if header.pixels() > limits.pixels {
        return Err(ImageFault::Pixels);
    }
    if header.scans > limits.scans {
        return Err(ImageFault::Scans);
    }
    Ok(header)
}

fn parse(format: Format, bytes: &[u8], limits: &Limits) -> Result<Header, ImageFault> {
    let sized = |size: Option<small::Size>| {
        let header = size.map(|size| Header::of_size(format, size)).ok_or(ImageFault::Truncated)?;
        let frames = frames::frames(format, bytes, limits.frames.saturating_add(1));
        Ok(Header { frames, ..header })
    };
    let turned = |header: Header, orientation: Option<Orientation>| Header {
        orientation: orientation.unwrap_or_default(),
        ..header
    };
    match format {
        Format::Jpeg => jpeg(bytes, limits),
        Format::Png => Ok(turned(sized(small::png(bytes))?, small::png_orientation(bytes))),
        Format::Gif => sized(small::gif(bytes)),
        Format::WebP => Ok(turned(sized(small::webp(bytes))?, small::webp_orientation(bytes))),
        Format::Bmp => sized(small::bmp(bytes)),
        Format::Tiff => tiff(bytes, limits),
        Format::Ico => ico(bytes, limits),
        Format::Avif | Format::Heic => heif(format, bytes),
        Format::Jxl => sized(small::jxl(bytes)),
        Format::Psd => sized(small::psd(bytes)),
        Format::Raw => Err(ImageFault::Format),
    }
}

fn jpeg(bytes: &[u8], limits: &Limits) -> Result<Header, ImageFault> {
    let found = jpeg::header(bytes, limits.scans)?;
    let size = (found.width, found.height, found.bit_depth);
    Ok(Header {
        scans: found.scans,
        orientation: found.orientation,
        complete: found.complete,
        ..Header::of_size(Format::Jpeg, size)
    })
}

/// All pages, each of which must be within the limit: decoders read them by their own.
fn tiff(bytes: &[u8], limits: &Limits) -> Result<Header, ImageFault> {
    let (tiff, mut next) = Tiff::open(bytes).ok_or(ImageFault::Truncated)?;
    let mut header = Header::of_size(Format::Tiff, (0, 0, 0));
    header.frames = 0;
    while next != 0 && header.frames <= limits.frames {
        let Some(page) = tiff.directory(next) else {
            header.complete = false;
            break;
        };
        if header.frames == 0 {
            header.orientation = page.orientation.unwrap_or_default();
            header.bit_depth = page.bit_depth;
        }
        let page_pixels = u64::from(page.width) * u64::from(page.height);
        if page_pixels > header.pixels() {
            (header.width, header.height) = (page.width, page.height);
        }
        header.frames += 1;
        next = page.next;
    }
    if header.frames == 0 { Err(ImageFault::Truncated) } else { Ok(header) }
}

fn ico(bytes: &[u8], limits: &Limits) -> Result<Header, ImageFault> {
    let entries = small::ico_entries(bytes).take(limits.frames.saturating_add(1) as usize);
    let mut header = Header::of_size(Format::Ico, (0, 0, 8));
    header.frames = 0;
    for (width, height, _) in entries.filter_map(|(_, data)| small::ico_size(data)) {
        header.frames += 1;
        if u64::from(width) * u64::from(height) > header.pixels() {
            (header.width, header.height) = (width, height);
        }
    }
    if header.frames == 0 { Err(ImageFault::Truncated) } else { Ok(header) }
}

fn heif(format: Format, bytes: &[u8]) -> Result<Header, ImageFault> {
    let heif = Heif::parse(bytes)?;
    let primary = heif.primary().ok_or(ImageFault::Format)?;
    let (width, height) = heif.size(primary).ok_or(ImageFault::Format)?;
    // Version and flags, the number of channels, then the bits of each.
    let depth = heif.property(primary, b"pixi").and_then(|body| body.get(5)).copied();
    Ok(Header {
        frames: heif.samples.max(1),
        orientation: heif.orientation(primary),
        ..Header::of_size(format, (width, height, depth.unwrap_or(0)))
    })
}
