//! The value of a PDQ hash.

use std::fmt;
use std::str::FromStr;

/// A PDQ hash; the first byte holds the highest frequencies, as in its usual hex form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pdq(pub [u8; 32]);

impl Pdq {
    /// In how many bits two hashes differ: 0..=256. At most 31 is the usual "same picture".
    ///
    /// Hashes of pictures have 128 bits set, so that distances between them are even.
    pub fn distance(&self, other: &Pdq) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The hash of the picture's colour negative.
    pub fn complement(&self) -> Pdq {
        Pdq(self.0.map(|byte| !byte))
    }
}

impl fmt::Display for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pdq is 64 hex digits")]
pub struct ParsePdqError;

impl FromStr for Pdq {
    type Err = ParsePdqError;

    /// Reads 64 hex digits of either case.
    fn from_str(text: &str) -> Result<Self, ParsePdqError> {
        let digit = |byte: u8| (byte as char).to_digit(16).ok_or(ParsePdqError);
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(ParsePdqError) };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| ParsePdqError)?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
        }
        Ok(Pdq(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_there_and_back() {
        let text = "00ff".repeat(16);
        let hash: Pdq = text.to_uppercase().parse().unwrap();
        assert_eq!(hash.to_string(), text);
        for bad in ["", "0", &text[1..], &text[2..], &format!("{text}0"), &text.replace('0', "g")] {
            assert_eq!(bad.parse::<Pdq>(), Err(ParsePdqError), "{bad}");
        }
        assert_eq!("é".repeat(32).parse::<Pdq>(), Err(ParsePdqError));
    }

    #[test]
    fn distance_counts_differing_bits() {
        let (zero, ones) = (Pdq([0; 32]), Pdq([0xff; 32]));
        let mut one = zero;
        one.0[7] = 0b101;
        assert_eq!([zero.distance(&zero), zero.distance(&one), zero.distance(&ones)], [0, 2, 256]);
        assert_eq!((zero.complement(), one.distance(&one.complement())), (ones, 256));
    }
}
