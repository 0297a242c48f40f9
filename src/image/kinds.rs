//! The hashes of the crate `image_hasher`, for an operator's own lists.
//!
//! They differ between versions of that crate, and nobody exchanges lists of them: a list stores
//! the kind's parameters and [`PerceptualKind::CRATE_VERSION`], and is of no use with another.

use std::fmt;

use image::{DynamicImage, RgbImage};
use image_hasher::{HashAlg, HasherConfig};

use super::orientation::Orientation;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PerceptualAlgorithm {
    /// Each value with the mean of all.
    Mean,
    /// Each value with the median of all.
    Median,
    /// Each value with its neighbour along the row.
    Gradient,
    /// Each value with its neighbour along the column.
    VertGradient,
    /// Both gradients.
    DoubleGradient,
    /// Each block with the median of its band (blockhash.io).
    Blockhash,
}

impl PerceptualAlgorithm {
    /// Every algorithm, in order.
    pub const ALL: [PerceptualAlgorithm; 6] = [
        PerceptualAlgorithm::Mean,
        PerceptualAlgorithm::Median,
        PerceptualAlgorithm::Gradient,
        PerceptualAlgorithm::VertGradient,
        PerceptualAlgorithm::DoubleGradient,
        PerceptualAlgorithm::Blockhash,
    ];

    /// The word in lists and output.
    pub const fn name(self) -> &'static str {
        match self {
            PerceptualAlgorithm::Mean => "mean",
            PerceptualAlgorithm::Median => "median",
            PerceptualAlgorithm::Gradient => "gradient",
            PerceptualAlgorithm::VertGradient => "vert-gradient",
            PerceptualAlgorithm::DoubleGradient => "double-gradient",
            PerceptualAlgorithm::Blockhash => "blockhash",
        }
    }

    const fn of_crate(self) -> HashAlg {
        match self {
            PerceptualAlgorithm::Mean => HashAlg::Mean,
            PerceptualAlgorithm::Median => HashAlg::Median,
            PerceptualAlgorithm::Gradient => HashAlg::Gradient,
            PerceptualAlgorithm::VertGradient => HashAlg::VertGradient,
            PerceptualAlgorithm::DoubleGradient => HashAlg::DoubleGradient,
            PerceptualAlgorithm::Blockhash => HashAlg::Blockhash,
        }
    }
}

/// One kind of hash with its parameters. Two hashes are comparable only if these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerceptualKind {
    algorithm: PerceptualAlgorithm,
    side: u8,
    dct: bool,
}

impl PerceptualKind {
    /// The version of `image_hasher` that computes here, but for its patch number.
    pub const CRATE_VERSION: &'static str = "3.1";
    /// Values along a side of the hash: 8 make 64 bits, 32 make 1024; of the double gradient 40
    /// and 544.
    pub const SIDES: [u8; 4] = [8, 16, 24, 32];

    /// `None` for a side that is not one of [`PerceptualKind::SIDES`], and for a block hash after a
    /// cosine transform, which that has no use for.
    pub fn new(algorithm: PerceptualAlgorithm, side: u8, dct: bool) -> Option<PerceptualKind> {
        let makes_sense = !(dct && algorithm == PerceptualAlgorithm::Blockhash);
        let kind = PerceptualKind { algorithm, side, dct };
        (PerceptualKind::SIDES.contains(&side) && makes_sense).then_some(kind)
    }

    /// Every kind that there can be, in order.
    pub fn all() -> impl Iterator<Item = PerceptualKind> {
        let of = |algorithm| {
            let sides = PerceptualKind::SIDES.into_iter();
            let kinds = sides.flat_map(move |side| [false, true].map(|dct| (algorithm, side, dct)));
            kinds.filter_map(|(algorithm, side, dct)| PerceptualKind::new(algorithm, side, dct))
        };
        PerceptualAlgorithm::ALL.into_iter().flat_map(of)
    }

    /// What is compared.
    pub fn algorithm(self) -> PerceptualAlgorithm {
        self.algorithm
    }

    /// Values along a side.
    pub fn side(self) -> u8 {
        self.side
    }

    /// Whether the low frequencies are compared instead of values.
    pub fn dct(self) -> bool {
        self.dct
    }

    /// Bytes of a hash.
    pub fn hash_bytes(self) -> usize {
        let side = usize::from(self.side);
        let bits = match self.algorithm {
            // Both gradients of a picture of half the side.
            PerceptualAlgorithm::DoubleGradient => side * (side / 2 + 1),
            PerceptualAlgorithm::Mean
            | PerceptualAlgorithm::Median
            | PerceptualAlgorithm::Gradient
            | PerceptualAlgorithm::VertGradient
            | PerceptualAlgorithm::Blockhash => side * side,
        };
        bits / 8
    }

    /// The hash of red, green and blue, a byte each, as they are shown.
    ///
    /// `None` if `rgb` is not `3 * width * height` bytes.
    pub fn of_rgb(self, width: u32, height: u32, rgb: Vec<u8>) -> Option<Vec<u8>> {
        shown(width, height, rgb, Orientation::Upright).map(|picture| self.hash(&picture))
    }

    /// The hash of a picture.
    pub(super) fn hash(self, picture: &DynamicImage) -> Vec<u8> {
        let side = u32::from(self.side);
        let config = HasherConfig::new().hash_alg(self.algorithm.of_crate()).hash_size(side, side);
        let config = if self.dct { config.preproc_dct() } else { config };
        config.to_hasher().hash_image(picture).as_bytes().to_vec()
    }
}

/// As lists name it: `median-16-dct`.
impl fmt::Display for PerceptualKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dct = if self.dct { "-dct" } else { "" };
        write!(f, "{}-{}{dct}", self.algorithm.name(), self.side)
    }
}

/// The picture as it is shown, for hashing; `None` unless `rgb` has all its pixels.
pub(super) fn shown(
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    orientation: Orientation,
) -> Option<DynamicImage> {
    let picture = DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, rgb)?);
    let (columns_flipped, rows_flipped, transposed) = orientation.steps();
    let picture = if columns_flipped { picture.fliph() } else { picture };
    let picture = if rows_flipped { picture.flipv() } else { picture };
    // A quarter turn and a mirror.
    Some(if transposed { picture.rotate90().fliph() } else { picture })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(orientation: Orientation) -> DynamicImage {
        let at = |i: u32| [(i * 3) as u8, (i / 120) as u8 * 2, (i % 97) as u8 * 2];
        shown(120, 90, (0..120 * 90).flat_map(at).collect(), orientation).unwrap()
    }

    #[test]
    fn every_kind_has_hashes_of_its_length() {
        for algorithm in PerceptualAlgorithm::ALL {
            for (side, dct) in
                PerceptualKind::SIDES.into_iter().flat_map(|s| [(s, false), (s, true)])
            {
                let Some(kind) = PerceptualKind::new(algorithm, side, dct) else {
                    assert!(dct && algorithm == PerceptualAlgorithm::Blockhash);
                    continue;
                };
                let hash = kind.hash(&picture(Orientation::Upright));
                assert_eq!(hash.len(), kind.hash_bytes(), "{kind}");
            }
        }
        for side in [0, 4, 9, 33, 255] {
            assert_eq!(PerceptualKind::new(PerceptualAlgorithm::Mean, side, false), None);
        }
    }

    /// Stored in lists: a change of these needs a new list version.
    #[test]
    fn hashes_are_what_they_were() {
        let hex = |algorithm, dct| {
            let kind = PerceptualKind::new(algorithm, 8, dct).unwrap();
            let hash = kind.hash(&picture(Orientation::Upright));
            hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let expected = [
            (PerceptualAlgorithm::Mean, false, "00000000ffffffff"),
            (PerceptualAlgorithm::Mean, true, "0100000000000000"),
            (PerceptualAlgorithm::Median, true, "fb50fa40fa5450da"),
            (PerceptualAlgorithm::Gradient, true, "b84c596d555a52b5"),
            (PerceptualAlgorithm::VertGradient, true, "6a23365b458a496c"),
            (PerceptualAlgorithm::DoubleGradient, true, "b4bda55aaa"),
            (PerceptualAlgorithm::Blockhash, false, "0000efff0000bfff"),
        ];
        for (algorithm, dct, expected) in expected {
            assert_eq!(hex(algorithm, dct), expected, "{algorithm:?} {dct}");
        }
    }

    #[test]
    fn a_picture_is_turned_before_it_is_hashed() {
        let upright = picture(Orientation::Upright);
        let expected = [
            upright.clone(),
            upright.fliph(),
            upright.rotate180(),
            upright.flipv(),
            upright.rotate90().fliph(),
            upright.rotate90(),
            upright.rotate270().fliph(),
            upright.rotate270(),
        ];
        for (orientation, expected) in Orientation::ALL.into_iter().zip(expected) {
            assert_eq!(picture(orientation), expected, "{orientation:?}");
        }
        assert!(shown(9, 9, vec![0; 9 * 9 * 3 - 1], Orientation::Upright).is_none());
    }
}
