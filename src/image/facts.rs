//! What the command line tells about an image.

use std::io::{Cursor, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::frames::frames;
use super::{Convention, Fingerprint, Format, Pdq, sniff};

/// Pixels of the largest picture that is decoded. Checked before anything is decoded.
pub const PIXELS_MAX: u64 = 50_000_000;

/// Memory that a decoder may ask for: [`PIXELS_MAX`] at eight bytes, and some to work with.
pub const ALLOC_MAX_BYTES: u64 = 512 << 20;

/// What is known of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// What its first bytes announce.
    pub format: Format,
    /// In pixels, as stored: orientation tags are not applied.
    pub width: u32,
    /// In pixels, as stored.
    pub height: u32,
    /// Frames of an animation, as its structure announces them; 1 for a still.
    pub frames: u32,
    /// The perceptual hash of the first frame; `None` below five pixels a side.
    pub pdq: Option<Pdq>,
    /// Quality of the hash, 0..=100; `None` where there is no hash.
    pub quality: Option<u8>,
}

/// Why there are no facts about a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Its first bytes announce no image.
    #[error("no image")]
    NotAnImage,
    /// An image, but no decoder for it is built in.
    #[error("format not decoded yet: {0}")]
    NotDecodedYet(Format),
    /// More pixels than [`PIXELS_MAX`], or it asks for more memory than [`ALLOC_MAX_BYTES`].
    #[error("too large to decode")]
    TooLarge,
    /// It ends before it is complete.
    #[error("truncated")]
    Truncated,
    /// The decoder found it broken, or of a kind that it does not read.
    #[error("cannot be decoded: {0}")]
    Malformed(String),
    /// The decoder itself failed.
    #[error("the decoder failed")]
    DecoderFault,
}

/// Decodes an image within limits and tells its facts. Takes seconds for the largest pictures.
///
/// # Errors
/// See [`ImageError`].
pub fn facts(bytes: &[u8]) -> Result<ImageFacts, ImageError> {
    let format = sniff(bytes).ok_or(ImageError::NotAnImage)?;
    let codec = codec(format).ok_or(ImageError::NotDecodedYet(format))?;
    // The decoders' own change notes say that many of them may panic on hostile input.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(codec, bytes)));
    let picture = decoded.unwrap_or(Err(ImageError::DecoderFault))?;
    let (width, height) = (picture.width(), picture.height());
    // Transparency is dropped, as the makers of hash lists do.
    let hash = Fingerprint::of_rgb(width, height, &picture.into_rgb8(), Convention::Full);
    Ok(ImageFacts {
        format,
        width,
        height,
        frames: frames(format, bytes),
        pdq: hash.map(|hash| hash.pdq()),
        quality: hash.map(|hash| hash.quality),
    })
}

fn codec(format: Format) -> Option<ImageFormat> {
    match format {
        Format::Jpeg => Some(ImageFormat::Jpeg),
        Format::Png => Some(ImageFormat::Png),
        Format::Gif => Some(ImageFormat::Gif),
        Format::WebP => Some(ImageFormat::WebP),
        Format::Bmp => Some(ImageFormat::Bmp),
        Format::Tiff => Some(ImageFormat::Tiff),
        Format::Ico => Some(ImageFormat::Ico),
        Format::Avif | Format::Heic | Format::Jxl => None,
    }
}

fn decode(codec: ImageFormat, bytes: &[u8]) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), codec);
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOC_MAX_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(fact_of)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(ImageError::TooLarge);
    }
    DynamicImage::from_decoder(decoder).map_err(fact_of)
}

fn fact_of(error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::Limits(_) => ImageError::TooLarge,
        image::ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated
        }
        other => ImageError::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]))
    }

    fn encoded(picture: RgbImage, codec: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let picture = DynamicImage::ImageRgb8(picture);
        let alpha = codec == ImageFormat::Ico; // the icon reader takes nothing else
        let picture = if alpha { picture.into_rgba8().into() } else { picture };
        picture.write_to(&mut out, codec).unwrap();
        out.into_inner()
    }

    #[test]
    fn every_decoded_format_tells_its_size() {
        for format in Format::ALL {
            let Some(codec) = codec(format) else { continue };
            let found = facts(&encoded(picture(93, 71), codec)).unwrap();
            assert_eq!(
                (found.format, found.width, found.height, found.frames),
                (format, 93, 71, 1)
            );
            assert!(found.pdq.is_some() && found.quality.is_some());
        }
    }

    #[test]
    fn a_picture_of_four_pixels_has_no_hash() {
        for (width, height, hashed) in [(4, 90, false), (90, 4, false), (5, 5, true)] {
            let found = facts(&encoded(picture(width, height), ImageFormat::Png)).unwrap();
            assert_eq!((found.pdq.is_some(), found.quality.is_some()), (hashed, hashed));
        }
    }

    #[test]
    fn what_cannot_be_decoded_says_why() {
        let png = encoded(picture(40, 40), ImageFormat::Png);
        assert_eq!(facts(b"hello"), Err(ImageError::NotAnImage));
        assert_eq!(facts(b""), Err(ImageError::NotAnImage));
        assert_eq!(facts(&png[..png.len() / 2]), Err(ImageError::Truncated));
        let heic = facts(b"\0\0\0\x14ftypheic\0\0\0\0mif1").unwrap_err();
        assert_eq!(heic.to_string(), "format not decoded yet: heic");
        assert!(matches!(
            facts(b"GIF89a\x01\0\x01\0\0\0\0;"),
            Err(ImageError::Malformed(_) | ImageError::Truncated)
        ));
    }

    #[test]
    fn pixels_are_counted_before_decoding() {
        // A header alone: were it decoded, the answer would be that its data are missing.
        let bmp = |width: u32, height: u32| {
            let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
            bytes.extend(width.to_le_bytes());
            bytes.extend(height.to_le_bytes());
            bytes.extend([1, 0, 24, 0]);
            bytes.resize(54, 0);
            bytes
        };
        assert_eq!(facts(&bmp(10_000, 5_000)), Err(ImageError::Truncated));
        assert_eq!(facts(&bmp(10_000, 5_001)), Err(ImageError::TooLarge));
    }

    #[test]
    fn no_cut_or_flip_of_an_image_panics() {
        for codec in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Jpeg] {
            let whole = encoded(picture(17, 13), codec);
            for i in 0..whole.len() {
                assert_ne!(facts(&whole[..i]), Err(ImageError::DecoderFault));
                let mut flipped = whole.clone();
                flipped[i] ^= 0x55;
                assert_ne!(facts(&flipped), Err(ImageError::DecoderFault));
            }
        }
    }
}
