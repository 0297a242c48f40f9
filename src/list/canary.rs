//! A harmless image that every snapshot lists, so that an upload can prove that a bucket enforces.

use sha2::Digest as _;

use crate::digest::{Algorithm, Digest, Md5, Sha1, Sha256};

/// Width and height in pixels.
const SIDE: u32 = 64;
/// Bytes of the file header and the info header.
const HEADERS: u32 = 14 + 40;
/// Bytes of the pixels; a row of 64 × 3 bytes needs no padding.
const PIXELS: u32 = SIDE * SIDE * 3;

/// The canary: an uncompressed 24-bit BMP of 64 × 64 pixels, the same bytes in every release.
///
/// It shows rings on a slope of colours, so that a perceptual hash of it has some detail. BMP
/// because two headers and plain pixels leave no encoder a choice.
pub fn canary_image() -> Vec<u8> {
    let mut file = Vec::with_capacity((HEADERS + PIXELS) as usize);
    file.extend(*b"BM");
    [HEADERS + PIXELS, 0, HEADERS].iter().for_each(|n| file.extend(n.to_le_bytes()));
    [40, SIDE, SIDE].iter().for_each(|n| file.extend(n.to_le_bytes()));
    // One plane, 24 bits a pixel.
    [1u16, 24].iter().for_each(|n| file.extend(n.to_le_bytes()));
    // No compression, size of the pixels, 72 dpi twice, no palette.
    [0, PIXELS, 2835, 2835, 0, 0].iter().for_each(|n| file.extend(n.to_le_bytes()));
    for y in 0..SIDE {
        (0..SIDE).for_each(|x| file.extend(pixel(x, y)));
    }
    file
}

/// Blue, green and red of one pixel.
fn pixel(x: u32, y: u32) -> [u8; 3] {
    let (dx, dy) = (x.abs_diff(40), y.abs_diff(24));
    let ring = (dx * dx + dy * dy) / 96 % 2;
    [(x * 4) as u8, (y * 4) as u8, (ring * 160 + (x + y) / 2) as u8]
}

/// The canary's digest.
pub(super) fn canary_digest(algorithm: Algorithm) -> Digest {
    let image = canary_image();
    match algorithm {
        Algorithm::Md5 => Digest::Md5(Md5(md5::Md5::digest(image).into())),
        Algorithm::Sha1 => Digest::Sha1(Sha1(sha1::Sha1::digest(image).into())),
        Algorithm::Sha256 => Digest::Sha256(Sha256(sha2::Sha256::digest(image).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_never_changes() {
        let image = canary_image();
        assert_eq!(image.len(), 12_342);
        assert_eq!(&image[..6], b"BM\x36\x30\0\0");
        let sha256 = canary_digest(Algorithm::Sha256).to_string();
        assert_eq!(sha256, "38b4fd618c472f43a5aff38ea29f3b453d437de244e2824fd416d096f2bde064");
    }
}
