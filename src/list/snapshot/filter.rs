//! The Bloom filter in front of the exact tables: it answers for the innocent.
//!
//! One filter holds the digests of every kind. Digests are random already, so 8 of their bytes
//! are as good a key as all of them, and SipHash over 8 bytes costs less than the memory access.

use std::cmp;
use std::f64::consts::LN_2;

use bloomfilter::Bloom;
use sha2::{Digest as _, Sha256};

use super::error::SnapshotError;
use super::format::FilterParameters;

/// Hash functions. Ten would need the fewest bits, 14.4 a digest, but each is a cache miss for a
/// listed digest; with four, fewer bits are set, and an innocent one is known after 1.2 of them
/// instead of 2. Three would need 28.5 bits, more than the 3 bytes a digest may keep resident.
const HASHES: u32 = 4;
/// Bits of the filter for each digest: -k / ln(1 - p^(1/k)) for k hash functions and a rate p of
/// false positives (Bloom 1970) of 1e-3, here 4 / 0.1958.
const BITS_PER_DIGEST: f64 = 20.43;
/// A filter is made for at least so many digests: the crate's arithmetic is rough for fewer.
const DIGESTS_MIN: usize = 1000;
/// More hash functions than the rate needs by far; a bound on the work of a hostile filter.
const HASHES_MAX: u32 = 32;
/// Bytes that the crate puts before the bits.
const CRATE_HEADER_LEN: u64 = 45;

/// A filter that serves.
pub(super) struct Filter(Bloom<u64>);

impl Filter {
    /// A filter that holds `keys`, of which there are `count`.
    pub(super) fn build(count: usize, seed: &[u8; 32], keys: impl Iterator<Item = u64>) -> Self {
        let count = cmp::max(count, DIGESTS_MIN);
        let bytes = (count as f64 * BITS_PER_DIGEST / 8.0).ceil();
        // The crate derives the number of hash functions from the number of digests that it is
        // told; for so many it comes to ours.
        let told = bytes * 8.0 * LN_2 / f64::from(HASHES);
        let mut bloom = match Bloom::new_with_seed(bytes as usize, told as usize, seed) {
            Ok(bloom) => bloom,
            Err(never) => unreachable!("the crate has no error for this: {never}"),
        };
        keys.for_each(|key| bloom.set(&key));
        Filter(bloom)
    }

    /// Takes the bytes of a filter section.
    ///
    /// # Errors
    /// The parameters are out of bounds or are not those of the bytes. The crate checks neither.
    pub(super) fn open(
        bytes: Vec<u8>,
        parameters: &FilterParameters,
    ) -> Result<Self, SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Corrupt("the filter does not fit the header");
        let FilterParameters { bits, hashes, seed } = *parameters;
        let fits = bits > 0
            && bits.is_multiple_of(8)
            && (bytes.len() as u64).checked_sub(CRATE_HEADER_LEN) == Some(bits / 8)
            && (1..=HASHES_MAX).contains(&hashes)
            && seed[..16] != seed[16..];
        if !fits {
            return Err(WRONG);
        }
        let filter = Filter(Bloom::from_bytes(bytes).map_err(|_| WRONG)?);
        if filter.parameters() == *parameters { Ok(filter) } else { Err(WRONG) }
    }

    /// Whether the digest with this key may be in the tables; if not, it is in none.
    pub(super) fn may_hold(&self, key: u64) -> bool {
        self.0.check(&key)
    }

    /// What the filter was made with.
    pub(super) fn parameters(&self) -> FilterParameters {
        FilterParameters {
            bits: self.0.len(),
            hashes: self.0.number_of_hash_functions(),
            seed: self.0.seed(),
        }
    }

    /// The bytes of the section.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// The key of a digest: its first 8 bytes, so a shorter slice than that has none of its own.
pub(super) fn key(digest: &[u8]) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A seed that follows from the content. With equal halves the two base hashes would be one, and
/// 2.3 % of the innocent would pass the filter.
pub(super) fn seed(content: &[u8]) -> [u8; 32] {
    let mut seed: [u8; 32] =
        Sha256::new_with_prefix("s3bouncer filter").chain_update(content).finalize().into();
    while seed[..16] == seed[16..] {
        seed = Sha256::digest(seed).into();
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that needs no crate (Vigna's splitmix64).
    fn numbers(mut state: u64) -> impl Iterator<Item = u64> {
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
    }

    #[test]
    fn false_positives_stay_within_a_fifth_of_the_rate() {
        const HELD: usize = 100_000;
        const PROBES: usize = 1_000_000;
        let filter = Filter::build(HELD, &seed(b"made up"), numbers(1).take(HELD));
        assert!(numbers(1).take(HELD).all(|key| filter.may_hold(key)));
        let false_positives = numbers(2).take(PROBES).filter(|&key| filter.may_hold(key)).count();
        let nominal = PROBES as f64 * 1e-3;
        assert!((false_positives as f64) <= 1.2 * nominal, "{false_positives}");
        assert!((false_positives as f64) >= 0.5 * nominal, "{false_positives}");
    }

    #[test]
    fn a_filter_comes_back_only_with_its_own_parameters() {
        let filter = Filter::build(3, &seed(b""), [1, 2, 3].into_iter());
        let (bytes, good) = (filter.as_bytes().to_vec(), filter.parameters());
        assert_eq!((good.hashes, bytes.len() as u64), (HASHES, CRATE_HEADER_LEN + good.bits / 8));
        assert!(Filter::open(bytes.clone(), &good).is_ok_and(|again| again.may_hold(2)));
        let mut same_halves = good;
        same_halves.seed.copy_within(..16, 16);
        for wrong in [
            FilterParameters { bits: 0, ..good },
            FilterParameters { bits: good.bits - 1, ..good },
            FilterParameters { bits: good.bits + 8, ..good },
            FilterParameters { hashes: 0, ..good },
            FilterParameters { hashes: good.hashes + 1, ..good },
            FilterParameters { seed: seed(b"other"), ..good },
            same_halves,
        ] {
            assert!(Filter::open(bytes.clone(), &wrong).is_err(), "{wrong:?}");
        }
        for len in [0, 44, 45, bytes.len() - 1] {
            assert!(Filter::open(bytes[..len].to_vec(), &good).is_err());
        }
    }

    #[test]
    fn the_number_of_hash_functions_is_bounded() {
        for (hashes, passes) in [(HASHES_MAX, true), (HASHES_MAX + 1, false)] {
            let filter = Filter::build(3, &seed(b""), [1].into_iter());
            let mut bytes = filter.as_bytes().to_vec();
            bytes[9..13].copy_from_slice(&hashes.to_le_bytes());
            let parameters = FilterParameters { hashes, ..filter.parameters() };
            assert_eq!(Filter::open(bytes, &parameters).is_ok(), passes);
        }
    }

    #[test]
    fn the_seed_has_different_halves_and_follows_from_the_content() {
        let one = seed(b"a");
        assert_ne!(one[..16], one[16..]);
        assert_eq!(one, seed(b"a"));
        assert_ne!(one, seed(b"b"));
    }
}
