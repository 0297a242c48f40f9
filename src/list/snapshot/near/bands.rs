//! How a PDQ hash is cut into bands, and which of them a search looks into.
//!
//! Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index
//! hashing", 2012): two hashes that differ in few bits differ in very few bits of at least one
//! band. So entries are found by all keys of a band that are a few flipped bits away from the
//! query's. If band `i` is searched to `f(i)` flips, an entry that none of the searches finds
//! differs in at least the sum of `f(i) + 1` bits: the search is complete if that exceeds the
//! radius. Which bands are searched how far is chosen by what it costs.

use std::ops::RangeInclusive;

/// Bits of a hash.
const BITS: usize = 256;
/// Bits of a band that a snapshot may have. More would take more memory for its offsets than for
/// the hashes, fewer would find half of the list.
const WIDTHS: RangeInclusive<u8> = 8..=26;
/// Most bands: of the least width.
pub(super) const BANDS_MAX: usize = BITS / *WIDTHS.start() as usize;
/// Numbers of bands that the compiler chooses from: the fewer, the more selective is each.
const BANDS: RangeInclusive<usize> = 10..=16;
/// Bytes of offsets that an entry may cost, of all bands together.
const OFFSET_BYTES_MAX: usize = 16;

/// What it costs to look at a key of a band, in nanoseconds: waiting for the memory of its offsets,
/// then of its row numbers. This and the other costs are measured, with ten million entries; they
/// decide how fast a search is, never what it finds.
const PROBE_COST: f64 = 35.0;
/// What it costs to look at a hash that a key led to, in nanoseconds.
const CANDIDATE_COST: f64 = 16.0;

/// Where a hash is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bands(Vec<Band>);

/// One band: some bits of a hash, counted from the highest of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    start: u32,
    pub(super) width: u32,
}

/// A hash as numbers, most significant bits first.
pub(super) type Words = [u64; 4];

/// The words of a hash.
pub(super) fn words(hash: &[u8; 32]) -> Words {
    let (words, _) = hash.as_chunks::<8>();
    std::array::from_fn(|i| words.get(i).map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

impl Bands {
    /// The bands for a list of so many rows; `None` if it has too few for an index to pay.
    pub(super) fn of(rows: usize) -> Option<Bands> {
        let cut = BANDS.map(|bands| {
            let width = |i| BITS / bands + usize::from(i < BITS % bands);
            Bands::new(&(0..bands).map(|i| width(i) as u8).collect::<Vec<_>>())
        });
        let affordable =
            |bands: &Bands| bands.offset_bytes() <= rows.saturating_mul(OFFSET_BYTES_MAX);
        cut.flatten().find(affordable)
    }

    /// Bands of these widths; `None` if one is out of bounds, or they are not 256 bits together.
    pub(super) fn new(widths: &[u8]) -> Option<Bands> {
        let mut start = 0;
        let mut bands = Vec::with_capacity(widths.len());
        for width in widths {
            if !WIDTHS.contains(width) {
                return None;
            }
            bands.push(Band { start, width: u32::from(*width) });
            start += u32::from(*width);
        }
        (start as usize == BITS).then_some(Bands(bands))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Band> {
        self.0.iter().copied()
    }

    fn offset_bytes(&self) -> usize {
        self.iter().map(|band| band.offsets() * size_of::<u32>()).sum()
    }

    /// How a list of so many rows is searched.
    pub(super) fn plan(&self, rows: usize, radius: u32) -> Plan {
        let mut depths = vec![0; self.0.len()];
        let mut cost = 0.0;
        // Bits that an entry may differ in and be found for sure: each step adds one, the cheapest.
        for _ in 0..=radius.min(BITS as u32) {
            let steps = self.iter().zip(&depths).map(|(band, depth)| band.step_cost(*depth, rows));
            let steps = steps.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
            let Some((cheapest, step)) = steps else { break };
            depths[cheapest] += 1;
            cost += step;
        }
        Plan { depths, cost }
    }
}

impl Band {
    /// Numbers in the band's table of offsets: one for each key, and the end.
    pub(super) fn offsets(self) -> usize {
        (1 << self.width) + 1
    }

    /// The band's bits of a hash.
    pub(super) fn key(self, words: &Words) -> u32 {
        let (word, bit) = (self.start as usize / 64, self.start % 64);
        let next = words.get(word + 1).copied().unwrap_or(0);
        let both = u128::from(words[word]) << 64 | u128::from(next);
        (both >> (128 - bit - self.width)) as u32 & ((1 << self.width) - 1)
    }

    /// What it costs to look at the keys with exactly `flips` bits flipped, too.
    fn step_cost(self, flips: u32, rows: usize) -> f64 {
        let keys = (0..flips).map(|i| f64::from(self.width.saturating_sub(i)) / f64::from(i + 1));
        let candidates = rows as f64 / f64::from(1u32 << self.width);
        match flips > self.width {
            true => f64::INFINITY,
            false => keys.product::<f64>() * (PROBE_COST + candidates * CANDIDATE_COST),
        }
    }
}

/// Which bands are searched, and how far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// For each band 0 if it is left out, or how many bits are flipped at most, and one.
    pub(super) depths: Vec<u32>,
    /// Nanoseconds that a search may take.
    pub(super) cost: f64,
}

/// All numbers of `width` bits of which fewer than `depth` are set, in order: keys that lie side by
/// side are looked at one after the other.
pub(super) fn masks(width: u32, depth: u32) -> Vec<u32> {
    let mut masks = Vec::new();
    for flips in 0..depth.min(width + 1) {
        let mut mask = (1u64 << flips) - 1;
        while mask < 1 << width {
            masks.push(mask as u32);
            if mask == 0 {
                break;
            }
            // The next number with as many bits set (Gosper, HAKMEM 175).
            let lowest = mask & mask.wrapping_neg();
            let ripple = mask + lowest;
            mask = (((ripple ^ mask) >> 2) / lowest) | ripple;
        }
    }
    masks.sort_unstable();
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_fewer_and_wider_for_longer_lists() {
        for (rows, expected) in [
            (0, None),
            (262_147, None),
            (262_148, Some((16, 16))),
            (1_000_000, Some((15, 18))),
            (10_000_000, Some((12, 22))),
            (100_000_000, Some((11, 24))),
            (usize::MAX, Some((10, 26))),
        ] {
            let bands = Bands::of(rows);
            let shape = bands.map(|bands| (bands.0.len(), bands.0[0].width));
            assert_eq!(shape, expected, "{rows}");
        }
    }

    #[test]
    fn widths_are_bounded() {
        assert!(Bands::new(&[16; 16]).is_some() && Bands::new(&[8; 32]).is_some());
        let with = |width: u8, bands: usize, last: u8| {
            Bands::new(&[&vec![width; bands][..], &[last]].concat())
        };
        assert!(with(26, 9, 22).is_some());
        for wrong in [
            with(27, 9, 13),
            with(7, 35, 11),
            with(16, 15, 17),
            with(16, 15, 15),
            with(16, 16, 0),
            Bands::new(&[]),
        ] {
            assert_eq!(wrong, None);
        }
    }

    #[test]
    fn keys_are_the_bits_of_the_hash_in_order() {
        let hash: [u8; 32] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let bits: String = hash.iter().map(|byte| format!("{byte:08b}")).collect();
        for widths in [vec![16; 16], vec![22, 21, 21, 26, 8, 26, 26, 26, 26, 26, 16, 12]] {
            let bands = Bands::new(&widths).unwrap();
            let keys = bands.iter().map(|band| {
                let width = band.width as usize;
                format!("{:0width$b}", band.key(&words(&hash)))
            });
            assert_eq!(keys.collect::<String>(), bits, "{widths:?}");
        }
    }

    #[test]
    fn masks_are_all_numbers_with_few_bits() {
        for width in [1, 2, 8, 11] {
            for depth in 0..=width + 2 {
                let each = (0..1u32 << width).filter(|mask| mask.count_ones() < depth);
                assert_eq!(masks(width, depth), each.collect::<Vec<_>>(), "{width} {depth}");
            }
        }
        assert_eq!(masks(26, 3).len(), 1 + 26 + 26 * 25 / 2);
    }

    #[test]
    fn a_plan_finds_every_entry_within_the_radius() {
        for rows in [262_148, 10_000_000] {
            let bands = Bands::of(rows).unwrap();
            let mut before = 0.0;
            for radius in 0..=256 {
                let plan = bands.plan(rows, radius);
                assert_eq!(plan.depths.iter().sum::<u32>(), radius + 1);
                let sides = bands.iter().zip(&plan.depths);
                assert!(sides.into_iter().all(|(band, depth)| *depth <= band.width + 1));
                assert!(plan.cost > before && plan.cost.is_finite());
                before = plan.cost;
            }
        }
    }
}
