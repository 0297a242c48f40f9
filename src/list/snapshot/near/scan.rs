//! Comparing every hash with every query.
//!
//! Reading all hashes takes longer than comparing them, so that many queries share one reading: a
//! block of hashes stays in the cache while all queries are compared with it. Of most strangers the
//! first 128 bits tell enough; only where they are near are all bits compared.

use super::index::{Words, distance, native};
use super::search::Found;
use super::table::PDQ_LEN;
use crate::image::Pdq;
use crate::list::snapshot::hints::{self, CountsBits};

/// Hashes in a block: of the 32 KiB of a first-level cache, their first halves take a quarter.
const BLOCK: usize = 512;
/// Hashes that are compared before it is asked whether one of them was near: four of the widest
/// registers, for each half of the 128 bits.
const GROUP: usize = 32;

/// What it takes to read a hash, in nanoseconds; measured as those in `plan` are.
const READ_COST: f64 = 1.3;
/// What it takes to compare it with a query.
const COMPARE_COST: f64 = 0.2;

/// Nanoseconds that it may take to compare so many rows with so many queries.
pub(super) fn cost(rows: usize, queries: usize) -> f64 {
    rows as f64 * (READ_COST + COMPARE_COST * queries as f64)
}

/// Comparing hashes with queries, each of which comes with its number.
pub(super) struct Scan<'a> {
    pub(super) hashes: &'a [[u8; PDQ_LEN]],
    pub(super) queries: &'a [(usize, Pdq)],
    pub(super) radius: u32,
    pub(super) found: &'a mut Vec<Found>,
}

/// Finds the rows within the radius of each query.
pub(super) fn scan(scan: Scan<'_>) {
    if !scan.queries.is_empty() {
        hints::counting_bits(scan);
    }
}

impl CountsBits for Scan<'_> {
    type Outcome = ();

    #[inline(always)]
    fn run(mut self) {
        let zeros = [[0; GROUP]; BLOCK / GROUP];
        let mut halves = Halves { first: zeros, second: zeros };
        for (start, block) in (0..).step_by(BLOCK).zip(self.hashes.chunks(BLOCK)) {
            halves.fill(block);
            for (number, Pdq(query)) in self.queries {
                self.compare(start, block, &halves, (*number, &native(query)));
            }
        }
    }
}

impl Scan<'_> {
    /// Compares a block, whose first row has the number `start`, with one query.
    #[inline(always)]
    fn compare(
        &mut self,
        start: usize,
        block: &[[u8; PDQ_LEN]],
        halves: &Halves,
        (number, query): (usize, &Words),
    ) {
        let groups = block.chunks(GROUP).zip(halves.first.iter().zip(&halves.second));
        for (i, (group, (first, second))) in groups.enumerate() {
            if !is_any_near(first, second, [query[0], query[1]], self.radius) {
                continue;
            }
            for (row, hash) in (start + i * GROUP..).zip(group) {
                let distance = distance(&native(hash), query);
                if distance <= self.radius {
                    self.found.push(Found { query: number, distance, row });
                }
            }
        }
    }
}

/// The first 128 bits of a block's hashes: words that are compared at once lie side by side.
struct Halves {
    first: [[u64; GROUP]; BLOCK / GROUP],
    second: [[u64; GROUP]; BLOCK / GROUP],
}

impl Halves {
    #[inline(always)]
    fn fill(&mut self, block: &[[u8; PDQ_LEN]]) {
        let words = self.first.as_flattened_mut().iter_mut().zip(self.second.as_flattened_mut());
        for ((first, second), hash) in words.zip(block) {
            [*first, *second, ..] = native(hash);
        }
    }
}

/// Whether the first 128 bits of a hash differ from the query's in no more than `radius`.
#[inline(always)]
fn is_any_near(first: &[u64; GROUP], second: &[u64; GROUP], query: [u64; 2], radius: u32) -> bool {
    let bits = |word: u64| u64::from(word.count_ones());
    let mut nearest = [0u64; GROUP];
    for ((nearest, first), second) in nearest.iter_mut().zip(first).zip(second) {
        *nearest = bits(first ^ query[0]) + bits(second ^ query[1]);
    }
    nearest.iter().fold(u64::MAX, |least, bits| least.min(*bits)) <= u64::from(radius)
}
