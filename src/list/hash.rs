//! What a list holds: digests of bytes, and perceptual hashes of pictures.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Algorithm, Digest, HexFault, ParseDigestError, read_hex, write_hex};
use crate::image::{Pdq, PerceptualKind};

/// Bits that are set in a PDQ hash that may be listed. Of a picture it is 128, since half of its
/// frequencies lie above their median; a flat one has few or none, and an entry like that would
/// match every flat picture. Hashes made up at random pass too, but for one of 20,000.
const PDQ_BITS_SET: std::ops::RangeInclusive<u32> = 96..=160;
/// Of another perceptual hash at least one bit of so many is set, and one is clear.
const PERCEPTUAL_SHARE: u32 = 8;

/// A kind of hash. Two hashes can be compared only if they are of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    /// Of bytes; found if equal.
    Exact(Algorithm),
    /// Of a picture, as lists are exchanged; found if near.
    Pdq,
    /// Of a picture, for an operator's own lists; found if near.
    Perceptual(PerceptualKind),
}

impl HashKind {
    /// Bytes of a hash.
    #[allow(clippy::len_without_is_empty)] // No hash is empty.
    pub fn len(self) -> usize {
        match self {
            HashKind::Exact(algorithm) => algorithm.len(),
            HashKind::Pdq => 32,
            HashKind::Perceptual(kind) => kind.hash_bytes(),
        }
    }
}

impl From<Algorithm> for HashKind {
    fn from(algorithm: Algorithm) -> Self {
        HashKind::Exact(algorithm)
    }
}

/// The word in configuration, lists and output: `sha256`, `pdq`, `gradient-16`, `median-16-dct`.
impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashKind::Exact(algorithm) => algorithm.fmt(f),
            HashKind::Pdq => f.write_str("pdq"),
            HashKind::Perceptual(kind) => kind.fmt(f),
        }
    }
}

/// The word names no kind of hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no kind of hash: md5, sha1, sha256, pdq, or mean, median, gradient, vert-gradient, \
     double-gradient or blockhash with -8, -16, -24 or -32, and perhaps -dct"
)]
pub struct ParseKindError;

impl FromStr for HashKind {
    type Err = ParseKindError;

    /// Reads the word, of either case.
    fn from_str(word: &str) -> Result<Self, ParseKindError> {
        let word = word.to_ascii_lowercase();
        let exact = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == word);
        let perceptual = || PerceptualKind::all().find(|kind| kind.to_string() == word);
        let pdq = || (word == "pdq").then_some(HashKind::Pdq);
        exact
            .map(HashKind::Exact)
            .or_else(pdq)
            .or_else(|| perceptual().map(HashKind::Perceptual))
            .ok_or(ParseKindError)
    }
}

/// A hash of whichever kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// A digest.
    Exact(Digest),
    /// A PDQ hash.
    Pdq(Pdq),
    /// A hash of this kind, [`PerceptualKind::hash_bytes`] long.
    Perceptual(PerceptualKind, Box<[u8]>),
}

/// Why a text is no hash of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHashError {
    /// It is no digest.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The text has another length than the hash in hex.
    #[error("{kind} is {expected} hex digits, not {found}")]
    Length {
        /// The kind that was asked for.
        kind: HashKind,
        /// Its length in hex digits.
        expected: usize,
        /// The length of the text in bytes.
        found: usize,
    },
    /// A byte of the text is no hex digit.
    #[error("{kind}: byte {position} is not a hex digit")]
    Digit {
        /// The kind that was asked for.
        kind: HashKind,
        /// Offset of the first wrong byte.
        position: usize,
    },
}

impl Hash {
    /// Reads a hash in hex, of either case.
    ///
    /// # Errors
    /// The text has the wrong length for `kind`, or holds something else than hex digits.
    pub fn from_hex(kind: HashKind, text: &str) -> Result<Self, ParseHashError> {
        let bytes = match kind {
            HashKind::Exact(algorithm) => {
                return Ok(Hash::Exact(Digest::from_hex(algorithm, text)?));
            }
            HashKind::Pdq | HashKind::Perceptual(_) => bytes_of_hex(kind, text.as_bytes())?,
        };
        let (expected, found) = (kind.len() * 2, text.len());
        let wrong = ParseHashError::Length { kind, expected, found };
        Hash::from_bytes(kind, &bytes).ok_or(wrong)
    }

    /// A hash of these bytes; `None` if there are more or fewer than the kind has.
    pub fn from_bytes(kind: HashKind, bytes: &[u8]) -> Option<Self> {
        match kind {
            HashKind::Exact(algorithm) => Digest::from_bytes(algorithm, bytes).map(Hash::Exact),
            HashKind::Pdq => bytes.try_into().ok().map(|bytes| Hash::Pdq(Pdq(bytes))),
            HashKind::Perceptual(kind) => {
                (bytes.len() == kind.hash_bytes()).then(|| Hash::Perceptual(kind, bytes.into()))
            }
        }
    }

    /// Its kind.
    pub fn kind(&self) -> HashKind {
        match self {
            Hash::Exact(digest) => HashKind::Exact(digest.algorithm()),
            Hash::Pdq(_) => HashKind::Pdq,
            Hash::Perceptual(kind, _) => HashKind::Perceptual(*kind),
        }
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Hash::Exact(digest) => digest.as_bytes(),
            Hash::Pdq(Pdq(bytes)) => bytes,
            Hash::Perceptual(_, bytes) => bytes,
        }
    }

    /// Why the hash is never an entry, whoever lists it; `None` if it can be one.
    pub fn unfit(&self) -> Option<Unfit> {
        let set: u32 = self.as_bytes().iter().map(|byte| byte.count_ones()).sum();
        match self {
            Hash::Exact(digest) => {
                (*digest == digest.algorithm().of_nothing()).then_some(Unfit::Nothing)
            }
            Hash::Pdq(_) => (!PDQ_BITS_SET.contains(&set)).then_some(Unfit::Flat),
            Hash::Perceptual(_, bytes) => {
                let bits = bytes.len() as u32 * u8::BITS;
                (set.min(bits - set) < bits / PERCEPTUAL_SHARE).then_some(Unfit::Flat)
            }
        }
    }
}

/// Why a hash is never an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is the digest of the empty body: every empty object would be refused.
    Nothing,
    /// It is a hash that flat pictures have: every blank page would be refused.
    Flat,
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        Hash::Exact(digest)
    }
}

impl From<Pdq> for Hash {
    fn from(pdq: Pdq) -> Self {
        Hash::Pdq(pdq)
    }
}

/// In hex.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.as_bytes(), f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.kind())
    }
}

fn bytes_of_hex(kind: HashKind, text: &[u8]) -> Result<Vec<u8>, ParseHashError> {
    let mut bytes = vec![0; kind.len()];
    match read_hex(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(HexFault::Length { expected, found }) => {
            Err(ParseHashError::Length { kind, expected, found })
        }
        Err(HexFault::Digit { position }) => Err(ParseHashError::Digit { kind, position }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PerceptualAlgorithm;

    fn kind(algorithm: PerceptualAlgorithm, side: u8, dct: bool) -> HashKind {
        HashKind::Perceptual(PerceptualKind::new(algorithm, side, dct).unwrap())
    }

    #[test]
    fn kinds_have_words() {
        for (word, expected) in [
            ("md5", HashKind::Exact(Algorithm::Md5)),
            ("PDQ", HashKind::Pdq),
            ("gradient-16", kind(PerceptualAlgorithm::Gradient, 16, false)),
            ("median-16-dct", kind(PerceptualAlgorithm::Median, 16, true)),
            ("vert-gradient-8", kind(PerceptualAlgorithm::VertGradient, 8, false)),
        ] {
            assert_eq!(word.parse(), Ok(expected));
            assert_eq!(expected.to_string(), word.to_ascii_lowercase());
        }
        for word in ["", "pdq-16", "gradient", "gradient-9", "blockhash-8-dct", "sha512", "pdq "] {
            assert_eq!(word.parse::<HashKind>(), Err(ParseKindError), "{word}");
        }
    }

    #[test]
    fn hex_goes_there_and_back() {
        for (kind, len) in [
            (HashKind::Exact(Algorithm::Sha1), 20),
            (HashKind::Pdq, 32),
            (kind(PerceptualAlgorithm::Mean, 32, false), 128),
            (kind(PerceptualAlgorithm::DoubleGradient, 8, false), 5),
        ] {
            let text = "5aF0".repeat(len)[..len * 2].to_owned();
            let hash = Hash::from_hex(kind, &text).unwrap();
            assert_eq!(hash.to_string(), text.to_ascii_lowercase());
            assert_eq!((hash.kind(), hash.as_bytes().len()), (kind, len));
            let (short, odd) = (&text[1..], text.replace('F', "g"));
            let told = |text: &str| Hash::from_hex(kind, text).unwrap_err().to_string();
            let digits = len * 2;
            assert_eq!(told(short), format!("{kind} is {digits} hex digits, not {}", digits - 1));
            assert_eq!(told(&odd), format!("{kind}: byte 2 is not a hex digit"));
            assert_eq!(Hash::from_bytes(kind, &vec![0; len + 1]), None);
        }
    }

    #[test]
    fn what_matches_flat_pictures_is_no_entry() {
        let pdq = |set: usize| {
            let mut bytes = [0; 32];
            (0..set).for_each(|bit| bytes[bit / 8] |= 1 << (bit % 8));
            Hash::Pdq(Pdq(bytes)).unfit()
        };
        for (set, fits) in [(0, false), (95, false), (96, true), (128, true), (160, true)] {
            assert_eq!(pdq(set).is_none(), fits, "{set}");
        }
        assert_eq!(pdq(161), Some(Unfit::Flat));
        let own = |bytes: [u8; 8]| {
            let kind = kind(PerceptualAlgorithm::Gradient, 8, false);
            Hash::from_bytes(kind, &bytes).and_then(|hash| hash.unfit())
        };
        assert_eq!(own([0; 8]), Some(Unfit::Flat));
        assert_eq!(own([0xff, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(own([0x7f, 0, 0, 0, 0, 0, 0, 0]), Some(Unfit::Flat));
        assert_eq!(own([0xff; 8]), Some(Unfit::Flat));
        assert_eq!(Hash::from(Algorithm::Md5.of_nothing()).unfit(), Some(Unfit::Nothing));
    }
}
