//! How a PDQ hash is cut into bands.
//!
//! Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index
//! hashing", 2012): two hashes that differ in few bits differ in very few bits of at least one
//! band. So entries are found by all keys of a band that are a few flipped bits away from the
//! query's.
//!
//! Bands are cut from the bits in the order of their classes. A hash is a table of frequencies,
//! sixteen rows of sixteen columns, and there are four classes: even or odd rows, even or odd columns.
//! Where a picture is mirrored, the odd frequencies of one direction change their sign: so within a
//! class all bits stay, or all of them flip, but for those few near the median, which moves. In its
//! negative all bits flip. So bits and their complement have one key, and a sign tells them apart: of
//! the eight orientations of a picture and their negatives, many have the same key in a band, and are
//! found together.

use std::ops::RangeInclusive;

use super::table::PDQ_LEN;

/// Bits of a hash.
pub(super) const BITS: usize = 256;
/// Bits of a class.
const CLASS_BITS: u32 = 64;
/// Bits of a band that a snapshot may have. More would take more memory for its offsets than for
/// the hashes, fewer would find half of the list.
const WIDTHS: RangeInclusive<u8> = 8..=26;
/// Most bits that are taken from behind a band: with the sign they are two bytes.
pub(super) const BEHIND_BITS_MAX: u32 = 15;
/// Most bands: of the least width.
pub(super) const BANDS_MAX: usize = BITS / *WIDTHS.start() as usize;
/// Numbers of bands that the compiler chooses from: the fewer, the more selective is each.
const BANDS: RangeInclusive<usize> = 10..=16;
/// Bytes of offsets that an entry may cost, of all bands together.
const OFFSET_BYTES_MAX: usize = 8;

/// Where a hash is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bands(Vec<Band>);

/// One band: some bits of a hash, in the order of their classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) start: u32,
    pub(super) width: u32,
    /// The width of the next; behind the last comes the first again.
    next_width: u32,
}

/// What a band has of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The bits behind the first, as they are if that is clear, and all flipped if it is set.
    pub(super) key: u32,
    /// The first bits of the next band, and the sign below them: this band's first bit.
    pub(super) tag: u16,
}

/// The bits in which a row may differ from a query in a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flips {
    /// In which their keys differ.
    pub(super) key: u32,
    /// 1 if their signs differ, else 0.
    pub(super) sign: u16,
    /// How many bits of the band that are.
    pub(super) count: u32,
}

/// The 64 bits of a hash from bit `start` on, in the order of the classes; behind the last comes the
/// first again.
pub(super) fn window(hash: &[u8; PDQ_LEN], start: u32) -> u64 {
    let (number, skipped) = (start / CLASS_BITS, start % CLASS_BITS);
    match skipped {
        0 => class(hash, number),
        _ => class(hash, number) << skipped | class(hash, number + 1) >> (CLASS_BITS - skipped),
    }
}

/// The bits of a class in the order of the hash: of even rows and columns, even rows and odd columns,
/// odd rows and even columns, and of odd ones, counted from the first bit on. After four they repeat.
fn class(hash: &[u8; PDQ_LEN], number: u32) -> u64 {
    let (odd_rows, odd_columns) = (number / 2 % 2, number % 2);
    hash.as_chunks::<8>().0.iter().fold(0, |class, rows| {
        // Of four rows two stay, and of their bits every second: then these move together.
        let rows = u64::from_be_bytes(*rows) >> (16 * (1 - odd_rows) + (1 - odd_columns));
        let mut bits = rows & 0x0000_5555_0000_5555;
        bits = (bits | bits >> 1) & 0x0000_3333_0000_3333;
        bits = (bits | bits >> 2) & 0x0000_0f0f_0000_0f0f;
        bits = (bits | bits >> 4) & 0x0000_00ff_0000_00ff;
        class << 16 | (bits >> 24 | bits) & 0xffff
    })
}

impl Bands {
    /// The bands for a list of so many rows; `None` if it has too few for an index to pay.
    pub(super) fn of(rows: usize) -> Option<Bands> {
        let cut = BANDS.map(|bands| {
            // So cut, multiples of four have a band's end at the end of each class.
            let cut = |i| BITS * i / bands;
            Bands::new(&(0..bands).map(|i| (cut(i + 1) - cut(i)) as u8).collect::<Vec<_>>())
        });
        let affordable =
            |bands: &Bands| bands.offset_bytes() <= rows.saturating_mul(OFFSET_BYTES_MAX);
        cut.flatten().find(affordable)
    }

    /// Bands of these widths; `None` if one is out of bounds, or they are not 256 bits together.
    pub(super) fn new(widths: &[u8]) -> Option<Bands> {
        let mut start = 0;
        let mut bands = Vec::with_capacity(widths.len());
        for (width, next) in widths.iter().zip(widths.iter().cycle().skip(1)) {
            if !WIDTHS.contains(width) {
                return None;
            }
            let (width, next_width) = (u32::from(*width), u32::from(*next));
            bands.push(Band { start, width, next_width });
            start += width;
        }
        (start as usize == BITS).then_some(Bands(bands))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Band> {
        self.0.iter().copied()
    }

    fn offset_bytes(&self) -> usize {
        self.iter().map(|band| band.offsets() * size_of::<u32>()).sum()
    }
}

impl Band {
    /// Numbers in the band's table of offsets: one for each key, and the end.
    pub(super) fn offsets(self) -> usize {
        (1 << (self.width - 1)) + 1
    }

    /// What the band has of a hash, with up to so many bits of the next, at most [`BEHIND_BITS_MAX`].
    pub(super) fn cut(self, hash: &[u8; PDQ_LEN], behind_bits: u32) -> Cut {
        self.cut_in(window(hash, self.start), self.start, behind_bits)
    }

    /// The same of a window that begins at `start` and holds the whole band and what is behind it.
    pub(super) fn cut_in(self, window: u64, start: u32, behind_bits: u32) -> Cut {
        let from_here = window << (self.start - start);
        let (key, sign) = self.signed((from_here >> (u64::BITS - self.width)) as u32);
        let behind = (from_here << self.width >> (u64::BITS - BEHIND_BITS_MAX)) as u16;
        let unknown = BEHIND_BITS_MAX - behind_bits.min(self.next_width);
        Cut { key, tag: behind >> unknown << 1 | sign }
    }

    /// The key and the sign of the band's bits. Of bits in which two hashes differ, they are that in which
    /// their keys and signs do.
    fn signed(self, bits: u32) -> (u32, u16) {
        let sign = bits >> (self.width - 1);
        ((bits ^ sign.wrapping_neg()) & ((1 << (self.width - 1)) - 1), sign as u16)
    }

    /// All that are fewer than `depth` bits, in order: keys that lie side by side are looked at one after
    /// the other.
    pub(super) fn flips(self, depth: u32) -> Vec<Flips> {
        let flips = masks(self.width, depth).into_iter().map(|mask| {
            let (key, sign) = self.signed(mask);
            Flips { key, sign, count: mask.count_ones() }
        });
        flips.collect()
    }

    /// Whether the window that begins at `start` holds the whole band and what is behind it.
    pub(super) fn is_in(self, start: u32) -> bool {
        let end = self.start + self.width + BEHIND_BITS_MAX;
        start <= self.start && end <= start + u64::BITS
    }
}

/// All numbers of `width` bits of which fewer than `depth` are set, in order.
fn masks(width: u32, depth: u32) -> Vec<u32> {
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
            (262_151, None),
            (262_152, Some((16, 16))),
            (1_000_000, Some((15, 17))),
            (10_000_000, Some((12, 21))),
            (100_000_000, Some((11, 23))),
            (usize::MAX, Some((10, 25))),
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

    /// Where the bits of the classes are in a hash, in their order.
    fn places() -> Vec<usize> {
        let mut places: Vec<usize> = (0..256).collect();
        places.sort_by_key(|place| (place / 16 % 2, place % 2));
        places
    }

    fn in_order(hash: &[u8; 32]) -> String {
        let bit = |place: usize| if hash[place / 8] << (place % 8) & 0x80 == 0 { '0' } else { '1' };
        places().into_iter().map(bit).collect()
    }

    fn flipped(bits: &str) -> String {
        bits.chars().map(|bit| if bit == '0' { '1' } else { '0' }).collect()
    }

    #[test]
    fn bands_cut_the_bits_of_the_classes_in_order() {
        let hash: [u8; 32] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let bits = in_order(&hash).repeat(2);
        for widths in [vec![16; 16], vec![22, 21, 21, 26, 8, 26, 26, 26, 26, 26, 16, 12]] {
            let bands = Bands::new(&widths).unwrap();
            for ((band, next), behind_bits) in
                bands.iter().zip(widths.iter().cycle().skip(1)).zip((0..16).rev().cycle())
            {
                let (start, width) = (band.start as usize, band.width as usize);
                let (sign, mut key) =
                    (&bits[start..][..1], bits[start + 1..][..width - 1].to_owned());
                if sign == "1" {
                    key = flipped(&key);
                }
                let behind = &bits[start + width..][..behind_bits.min(usize::from(*next))];
                let tag = format!("{behind}{sign}");
                let (key, tag) = (u32::from_str_radix(&key, 2), u16::from_str_radix(&tag, 2));
                let expected = Cut { key: key.unwrap(), tag: tag.unwrap() };
                assert_eq!(band.cut(&hash, behind_bits as u32), expected, "{widths:?} {start}");
            }
        }
        for start in 0..256 {
            let window = window(&hash, start);
            assert_eq!(format!("{window:064b}"), bits[start as usize..][..64]);
            let band = Band { start: start + 3, width: 21, next_width: 21 };
            let here = Band { start: band.start % 256, ..band };
            assert_eq!(band.cut_in(window, start, 15), here.cut(&hash, 15));
        }
    }

    /// Whatever differs in some bits of a band is under the key, and has the sign, that they say.
    #[test]
    fn flips_lead_to_all_that_differs_in_so_few_bits() {
        let band = Band { start: 59, width: 11, next_width: 8 };
        let hash: [u8; 32] = std::array::from_fn(|i| (i * 53 + 29) as u8);
        let from = band.cut(&hash, 0);
        let places = places();
        for depth in 0..=12 {
            let flips = band.flips(depth);
            for mask in 0..1u32 << 11 {
                let mut other = hash;
                for bit in (0..11).filter(|bit| mask << bit & 0x400 != 0) {
                    let place = places[59 + bit];
                    other[place / 8] ^= 0x80 >> (place % 8);
                }
                let to = band.cut(&other, 0);
                let count = mask.count_ones();
                let wanted = Flips { key: from.key ^ to.key, sign: from.tag ^ to.tag, count };
                assert_eq!(flips.contains(&wanted), count < depth, "{mask:b} {depth}");
            }
        }
    }

    /// The bands of a class are cut from no other, where their number allows it.
    #[test]
    fn bands_end_where_classes_do() {
        for rows in [262_152, 10_000_000] {
            let bands: Vec<Band> = Bands::of(rows).unwrap().iter().collect();
            for class in 0..4 {
                assert!(bands.iter().any(|band| band.start == class * CLASS_BITS), "{rows}");
            }
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
}
