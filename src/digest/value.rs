//! Digest values and the closed set of algorithms.

use std::fmt;
use std::str::FromStr;

/// The exact digests that hash lists carry.
///
/// The order is the order of sections in a snapshot and of columns in an audit record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RFC 1321; 16 bytes. Broken against collisions, but the police lists hold it.
    Md5,
    /// FIPS 180-4; 20 bytes. Broken against collisions, but the police lists hold it.
    Sha1,
    /// FIPS 180-4; 32 bytes. The only digest that may acquit.
    Sha256,
}

impl Algorithm {
    /// Every algorithm, in order.
    pub const ALL: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256];

    /// Length of the digest in bytes.
    #[allow(clippy::len_without_is_empty)] // No digest is empty.
    pub const fn len(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }

    /// The name used in configuration, snapshots and audit records.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
        }
    }

    /// The digest of zero bytes. Never a list entry: it would refuse every empty object.
    pub const fn of_nothing(self) -> Digest {
        match self {
            Algorithm::Md5 => Digest::Md5(Md5([
                0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8,
                0x42, 0x7e,
            ])),
            Algorithm::Sha1 => Digest::Sha1(Sha1([
                0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60,
                0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09,
            ])),
            Algorithm::Sha256 => Digest::Sha256(Sha256([
                0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
                0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
                0x78, 0x52, 0xb8, 0x55,
            ])),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of algorithms: which digests have to be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlgorithmSet(u8);

impl AlgorithmSet {
    /// No digest at all.
    pub const NONE: AlgorithmSet = AlgorithmSet(0);
    /// All three.
    pub const ALL: AlgorithmSet = AlgorithmSet(0b111);

    /// This set and `algorithm`.
    #[must_use]
    pub const fn with(self, algorithm: Algorithm) -> Self {
        AlgorithmSet(self.0 | 1 << algorithm as u8)
    }

    /// Every member of either set.
    #[must_use]
    pub const fn union(self, other: AlgorithmSet) -> Self {
        AlgorithmSet(self.0 | other.0)
    }

    /// Whether `algorithm` is a member.
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u8) != 0
    }

    /// Whether every member of `other` is a member.
    pub const fn contains_all(self, other: AlgorithmSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing has to be computed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in order.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |&a| self.contains(a))
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(members: I) -> Self {
        members.into_iter().fold(AlgorithmSet::NONE, AlgorithmSet::with)
    }
}

/// Why a text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// The text has another length than the algorithm's digest in hex.
    #[error("{algorithm} is {expected} hex digits, not {found}")]
    Length {
        /// The algorithm that was asked for.
        algorithm: Algorithm,
        /// Its length in hex digits.
        expected: usize,
        /// The length of the text in bytes.
        found: usize,
    },
    /// A byte of the text is no hex digit.
    #[error("{algorithm}: byte {position} is not a hex digit")]
    Digit {
        /// The algorithm that was asked for.
        algorithm: Algorithm,
        /// Offset of the first wrong byte.
        position: usize,
    },
}

macro_rules! digest_value {
    ($name:ident, $len:expr, $doc:expr) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            /// Reads hex digits of either case.
            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                let mut bytes = [0; $len];
                read_hex(text.as_bytes(), &mut bytes)
                    .map_err(|fault| ParseDigestError::of(Algorithm::$name, fault))?;
                Ok($name(bytes))
            }
        }
    };
}

digest_value!(Md5, 16, "An MD5 digest.");
digest_value!(Sha1, 20, "A SHA-1 digest.");
digest_value!(Sha256, 32, "A SHA-256 digest.");

/// One digest of whichever algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// An MD5 digest.
    Md5(Md5),
    /// A SHA-1 digest.
    Sha1(Sha1),
    /// A SHA-256 digest.
    Sha256(Sha256),
}

impl Digest {
    /// Reads a digest in hex, of either case.
    ///
    /// # Errors
    /// The text has the wrong length for `algorithm`, or holds something else than hex digits.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Result<Self, ParseDigestError> {
        Ok(match algorithm {
            Algorithm::Md5 => Digest::Md5(text.parse()?),
            Algorithm::Sha1 => Digest::Sha1(text.parse()?),
            Algorithm::Sha256 => Digest::Sha256(text.parse()?),
        })
    }

    /// A digest from its raw bytes; `None` if their number is wrong for `algorithm`.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Md5 => Digest::Md5(Md5(bytes.try_into().ok()?)),
            Algorithm::Sha1 => Digest::Sha1(Sha1(bytes.try_into().ok()?)),
            Algorithm::Sha256 => Digest::Sha256(Sha256(bytes.try_into().ok()?)),
        })
    }

    /// The algorithm it was made with.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Digest::Md5(_) => Algorithm::Md5,
            Digest::Sha1(_) => Algorithm::Sha1,
            Digest::Sha256(_) => Algorithm::Sha256,
        }
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Digest::Md5(d) => d.as_bytes(),
            Digest::Sha1(d) => d.as_bytes(),
            Digest::Sha256(d) => d.as_bytes(),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.as_bytes(), f)
    }
}

/// The digests of one body; those that nobody asked for are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// MD5, if it was asked for.
    pub md5: Option<Md5>,
    /// SHA-1, if it was asked for.
    pub sha1: Option<Sha1>,
    /// SHA-256, if it was asked for.
    pub sha256: Option<Sha256>,
}

impl Digests {
    /// The digest of one algorithm, if it was computed.
    pub fn of(&self, algorithm: Algorithm) -> Option<Digest> {
        match algorithm {
            Algorithm::Md5 => self.md5.map(Digest::Md5),
            Algorithm::Sha1 => self.sha1.map(Digest::Sha1),
            Algorithm::Sha256 => self.sha256.map(Digest::Sha256),
        }
    }

    /// The algorithms of the digests that were computed.
    pub fn algorithms(&self) -> AlgorithmSet {
        self.iter().map(|digest| digest.algorithm()).collect()
    }

    /// Every digest that was computed, in the order of [`Algorithm::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        Algorithm::ALL.into_iter().filter_map(|a| self.of(a))
    }
}

/// Writes bytes in hex, in lower case.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Why a text is not so many bytes in hex.
pub(crate) enum HexFault {
    /// It has another length: in hex digits, and in bytes of text.
    Length { expected: usize, found: usize },
    /// The byte at this offset is no hex digit.
    Digit { position: usize },
}

/// Reads as many bytes in hex, of either case, as `out` has.
///
/// # Errors
/// The text has another length, or holds something else than hex digits.
pub(crate) fn read_hex(text: &[u8], out: &mut [u8]) -> Result<(), HexFault> {
    if text.len() != out.len() * 2 {
        return Err(HexFault::Length { expected: out.len() * 2, found: text.len() });
    }
    for (i, (byte, pair)) in out.iter_mut().zip(text.chunks_exact(2)).enumerate() {
        let digit = |k: usize| {
            (pair[k] as char).to_digit(16).ok_or(HexFault::Digit { position: 2 * i + k })
        };
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Ok(())
}

impl ParseDigestError {
    fn of(algorithm: Algorithm, fault: HexFault) -> Self {
        match fault {
            HexFault::Length { expected, found } => {
                ParseDigestError::Length { algorithm, expected, found }
            }
            HexFault::Digit { position } => ParseDigestError::Digit { algorithm, position },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_reads_either_case_and_prints_lower() {
        let md5: Md5 = "D41D8CD98F00B204E9800998ECF8427e".parse().unwrap();
        assert_eq!(md5.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Algorithm::Md5.of_nothing(), Digest::Md5(md5));
    }

    #[test]
    fn wrong_hex_says_where() {
        let length = "abc".parse::<Sha1>().unwrap_err();
        assert_eq!(length.to_string(), "sha1 is 40 hex digits, not 3");
        let digit = "d41d8cd98f00b204e9800998ecf842zz".parse::<Md5>().unwrap_err();
        assert_eq!(digit.to_string(), "md5: byte 30 is not a hex digit");
        // A multi-byte character that makes the byte length right must not split a char.
        assert!("é41d8cd98f00b204e9800998ecf8427".parse::<Md5>().is_err());
    }

    #[test]
    fn sets_keep_their_members() {
        let set = AlgorithmSet::NONE.with(Algorithm::Sha256).with(Algorithm::Md5);
        assert!(set.contains(Algorithm::Md5) && !set.contains(Algorithm::Sha1));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Algorithm::Md5, Algorithm::Sha256]);
        assert_eq!(set.union(AlgorithmSet::NONE.with(Algorithm::Sha1)), AlgorithmSet::ALL);
    }
}
