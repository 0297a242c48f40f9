//! HEIF files by what they hold: HEVC by heic-decoder, AV1, JPEG.

use heic_decoder::{DecodedImage, HeifError};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Job, Picture, Pixels, Sink, avif, jpeg};
use crate::image::header::heif::{Heif, Item};
use crate::image::header::{be16, be32, header};
use crate::image::{Format, ImageFault, Orientation};

/// Bytes a pixel that HEVC takes: planes of 32 bits, as tiles and as one picture, and the result.
const HEVC_BYTES: u64 = 20;

pub(super) fn decode(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let heif = Heif::parse(job.bytes)?;
    let primary = heif.primary().ok_or(ImageFault::Format)?;
    // A grid is of what its tiles are of.
    let tile = heif.references(b"dimg", primary.id).first().and_then(|id| heif.item(*id));
    let kind =
        if &primary.kind == b"grid" { tile.map(|tile| tile.kind) } else { Some(primary.kind) };
    match kind.as_ref() {
        Some(b"av01") => avif::decode(job, &heif, sink),
        Some(b"jpeg") if tile.is_none() => {
            let data = heif.data(primary)?;
            let header = header(&data, job.limits)?;
            if header.format != Format::Jpeg {
                return Err(ImageFault::Format);
            }
            jpeg::decode(&Job { bytes: &data, header: &header, ..*job }, sink)
        }
        Some(b"hvc1") => {
            check_tiles(job, &heif, primary)?;
            hevc(job, sink)
        }
        _ => Err(ImageFault::Format),
    }?;
    // Of image sequences the picture that stands for them is looked at.
    if job.header.frames > 1 { Err(ImageFault::Frames) } else { Ok(()) }
}

fn hevc(job: &Job<'_>, sink: &mut dyn Sink) -> Result<(), ImageFault> {
    let info = heic_decoder::probe(job.bytes).map_err(|error| fault(&error))?;
    for (width, height) in [(info.width, info.height), (info.coded_width, info.coded_height)] {
        let side = |side: usize| u32::try_from(side).map_err(|_| ImageFault::Pixels);
        job.reserve(side(width)?, side(height)?, HEVC_BYTES)?;
    }
    let image = on_this_thread(|| heic_decoder::decode(job.bytes))?;
    let image = image.map_err(|error| fault(&error))?;
    job.tick()?;
    let colour = job.colour;
    let (width, height) = (image.width as u32, image.height as u32);
    let pixels = on_this_thread(|| pixels(colour, &image))??;
    // The decoder has turned it.
    let orientation = Orientation::Upright;
    sink.take(0, 1, &Picture { width, height, pixels, orientation });
    Ok(())
}

/// The decoder hands its work to rayon, which would start as many threads as there are cores: how
/// many decode at once is the caller's to say.
fn on_this_thread<T: Send>(act: impl FnOnce() -> T + Send) -> Result<T, ImageFault> {
    thread_local! {
        // A thread can join a pool only once.
        static POOL: Option<ThreadPool> =
            ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().ok();
    }
    POOL.with(|pool| pool.as_ref().map(|pool| pool.install(act))).ok_or(ImageFault::Decoder)
}

/// Tiles are decoded whole, however little of them a grid shows.
///
/// # Errors
/// `Pixels` if together they have more than a frame may have.
pub(super) fn check_tiles(job: &Job<'_>, heif: &Heif<'_>, grid: &Item) -> Result<(), ImageFault> {
    let tiles = heif.references(b"dimg", grid.id).iter().filter_map(|id| heif.item(*id));
    let sizes = tiles.filter_map(|tile| heif.size(tile));
    let pixels: u64 = sizes.map(|(width, height)| u64::from(width) * u64::from(height)).sum();
    if pixels > job.limits.pixels { Err(ImageFault::Pixels) } else { Ok(()) }
}

fn pixels(colour: bool, image: &DecodedImage) -> Result<Pixels, ImageFault> {
    let cut = |error: HeifError| fault(&error);
    if image.alpha.is_some() {
        return Ok(Pixels::Rgba(image.to_rgba8().map_err(cut)?.data));
    }
    if colour || image.color_info.is_some_and(|info| info.matrix_coefficients == 0) {
        return Ok(Pixels::Rgb(image.to_rgb8().map_err(cut)?.data));
    }
    let full = image.color_info.is_some_and(|info| info.full_range);
    let scale = super::yuv::Scale::of(image.bit_depth_luma, full);
    Ok(Pixels::Luma(image.y.iter().map(|&value| scale.byte(value as f32)).collect()))
}

fn fault(error: &HeifError) -> ImageFault {
    match error {
        HeifError::Truncated { .. } => ImageFault::Truncated,
        HeifError::LimitExceeded(_) => ImageFault::Pixels,
        HeifError::NotHeif(_)
        | HeifError::MalformedBox(_)
        | HeifError::MalformedHevc(_)
        | HeifError::Unsupported(_)
        | HeifError::CabacDesync(_) => ImageFault::Format,
    }
}

/// The rows and columns of a grid, and the size of what it shows (ISO 23008-12 §6.6.2.3).
pub(super) fn grid(data: &[u8]) -> Option<(u32, u32, u32, u32)> {
    let &[_, flags, rows, columns, ..] = data else { return None };
    let (width, height) = if flags & 1 == 1 {
        (be32(data, 4)?, be32(data, 8)?)
    } else {
        let side = |at| be16(data, at).map(u32::from);
        (side(4)?, side(6)?)
    };
    Some((u32::from(rows) + 1, u32::from(columns) + 1, width, height))
}
