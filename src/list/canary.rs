//! A harmless image that every snapshot lists, so that an upload can prove that a bucket enforces.

use sha2::Digest as _;

use super::{Hash, HashKind, QUALITY_MIN};
use crate::digest::{Algorithm, Digest, Md5, Sha1, Sha256};
use crate::image::{Convention, Fingerprint};

/// Width and height in pixels.
const SIDE: u32 = 64;
/// Bytes of the file header and the info header.
const HEADERS: u32 = 14 + 40;
/// Bytes of the pixels; a row of 64 × 3 bytes needs no padding.
const PIXELS: u32 = SIDE * SIDE * 3;

/// The canary: an uncompressed 24-bit BMP of 64 × 64 pixels, the same bytes in every release.
///
/// It shows rings on a slope of colours, so that perceptual hashes of it have some detail: its PDQ
/// is of quality 100. BMP because two headers and plain pixels leave no encoder a choice.
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

/// The canary's pixels as they are shown: red, green and blue, from the top left on. The file
/// holds the lowest row first.
fn shown() -> Vec<u8> {
    let places = (0..SIDE).rev().flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    places
        .flat_map(|(x, y)| {
            let [blue, green, red] = pixel(x, y);
            [red, green, blue]
        })
        .collect()
}

/// The canary's hash; `None` in a perceptual kind for which it shows too little.
pub(super) fn canary_hash(kind: HashKind) -> Option<Hash> {
    let hash = match kind {
        HashKind::Exact(algorithm) => Hash::Exact(canary_digest(algorithm)),
        // It is too small to be resized: both conventions give the same.
        HashKind::Pdq => {
            let found = Fingerprint::of_rgb(SIDE, SIDE, &shown(), Convention::Full)?;
            Hash::Pdq(Some(found).filter(|found| found.quality >= QUALITY_MIN)?.pdq())
        }
        HashKind::Perceptual(kind) => {
            Hash::Perceptual(kind, kind.of_rgb(SIDE, SIDE, shown())?.into())
        }
    };
    hash.unfit().is_none().then_some(hash)
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
    use crate::image::{Limits, PerceptualKind, Wanted, look};

    #[test]
    fn the_canary_never_changes() {
        let image = canary_image();
        assert_eq!(image.len(), 12_342);
        assert_eq!(&image[..6], b"BM\x36\x30\0\0");
        let sha256 = canary_digest(Algorithm::Sha256).to_string();
        assert_eq!(sha256, "38b4fd618c472f43a5aff38ea29f3b453d437de244e2824fd416d096f2bde064");
    }

    /// What an upload of the canary is looked up by.
    #[test]
    fn its_hashes_are_those_of_a_look_at_the_file() {
        let kinds: Vec<PerceptualKind> = PerceptualKind::all().collect();
        let wanted = Wanted {
            conventions: Convention::ALL.to_vec(),
            kinds: kinds.clone(),
            ..Wanted::default()
        };
        let looks = look(&canary_image(), &Limits::default(), &wanted, &|| false).unwrap();
        for look in &looks.pdq {
            assert_eq!(canary_hash(HashKind::Pdq), Some(Hash::Pdq(look.fingerprint.pdq())));
        }
        assert_eq!((looks.pdq.len(), looks.perceptual.len()), (2, kinds.len()));
        let mut without = Vec::new();
        for look in looks.perceptual {
            match canary_hash(HashKind::Perceptual(look.kind)) {
                Some(hash) => assert_eq!(hash.as_bytes(), look.hash, "{}", look.kind),
                None => without.push(look.kind.to_string()),
            }
        }
        // On the slopes of the canary they see as little as on a blank page.
        let blind = ["mean-8-dct", "mean-16-dct", "mean-24-dct", "gradient-8", "vert-gradient-8"];
        assert_eq!(without, [&blind[..], &["vert-gradient-16"]].concat());
    }
}
