//! Which bands a search looks into, how far, and for which queries at once.
//!
//! If band `i` is searched to `f(i)` flips, an entry that is not found differs from the query in at
//! least the sum of `f(i) + 1` bits: the search is complete if that exceeds the radius. What is looked
//! at under a key serves every query that has it. So steps are taken in the order of what they cost
//! for each query that still needs one, until none does: keys that many share are searched deeper.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bands::{BITS, Band, Bands};
use crate::image::Pdq;

/// What it costs to look at a key of a band, in nanoseconds: waiting for the memory of its offsets,
/// then of its row numbers. This and the other costs were chosen by trying, with ten million entries; they
/// decide how fast a search is, never what it finds.
const PROBE_COST: f64 = 35.0;
/// What it costs to look at a row that a key led to: at its tag, and at few of their hashes.
const ROW_COST: f64 = 1.5;
/// What it costs to compare that with one query more.
const COMPARE_COST: f64 = 0.3;

/// How a list is searched for some queries.
pub(super) struct Plan {
    /// Band by band.
    pub(super) groups: Vec<Group>,
    /// Nanoseconds that the search may take.
    pub(super) cost: f64,
}

/// Queries that have the same key in a band.
pub(super) struct Group {
    /// Index of the band.
    pub(super) band: usize,
    pub(super) key: u32,
    /// In how many bits of the band rows differ that are looked at, at most, and one.
    pub(super) depth: u32,
    /// Indices of the queries.
    pub(super) queries: Vec<usize>,
}

impl Plan {
    /// The cheapest steps, one after the other, for a list of so many rows.
    pub(super) fn of(bands: &Bands, rows: usize, queries: &[Pdq], radius: u32) -> Plan {
        let bands: Vec<Band> = bands.iter().collect();
        let mut groups: Vec<Group> =
            (0..).zip(&bands).flat_map(|(number, band)| groups(number, *band, queries)).collect();
        // Bits that an entry may differ in and be missed yet: each step takes one off.
        let mut missing = vec![radius.min(BITS as u32) + 1; queries.len()];
        let mut cost = 0.0;
        // What is 0 or more is ordered as its bits are.
        let step = |price: f64, group: usize| Reverse((price.to_bits(), group));
        let mut steps: BinaryHeap<_> = (0..groups.len()).map(|group| step(0.0, group)).collect();
        while let Some(Reverse((price, number))) = steps.pop() {
            let group = &mut groups[number];
            let served = group.queries.iter().filter(|query| missing[**query] > 0).count();
            let (true, Some(whole)) = (served > 0, group.step_cost(bands[group.band], rows)) else {
                continue;
            };
            // The price rises with each step, and as other groups serve the same queries.
            let now = whole / served as f64;
            if now.to_bits() == price {
                group.depth += 1;
                cost += whole;
                for query in &group.queries {
                    missing[*query] = missing[*query].saturating_sub(1);
                }
            }
            steps.push(step(now, number));
        }
        groups.retain(|group| group.depth > 0);
        Plan { groups, cost }
    }

    /// By band, then query, how deep it is searched.
    pub(super) fn depths(&self, bands: usize, queries: usize) -> Vec<Vec<u32>> {
        let mut depths = vec![vec![0; queries]; bands];
        for group in &self.groups {
            group.queries.iter().for_each(|query| depths[group.band][*query] = group.depth);
        }
        depths
    }
}

/// The queries by their key in a band.
fn groups(number: usize, band: Band, queries: &[Pdq]) -> Vec<Group> {
    let keys = queries.iter().map(|Pdq(hash)| band.cut(hash, 0).key);
    let mut keyed: Vec<(u32, usize)> = keys.zip(0..).collect();
    keyed.sort_unstable();
    let group = |keyed: &[(u32, usize)]| Group {
        band: number,
        key: keyed[0].0,
        depth: 0,
        queries: keyed.iter().map(|(_, query)| *query).collect(),
    };
    keyed.chunk_by(|(a, _), (b, _)| a == b).map(group).collect()
}

impl Group {
    /// What it costs to look at the keys with one flipped bit more; `None` if there are none.
    fn step_cost(&self, band: Band, rows: usize) -> Option<f64> {
        let flips = self.depth;
        let keys = (0..flips).map(|i| f64::from(band.width.saturating_sub(i)) / f64::from(i + 1));
        let rows = rows as f64 / (band.offsets() - 1) as f64;
        let compare = ROW_COST + COMPARE_COST * (self.queries.len() as f64 - 1.0);
        let cost = keys.product::<f64>() * (PROBE_COST + rows * compare);
        (flips <= band.width).then_some(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that have nothing to do with one another.
    fn strangers(count: u8) -> Vec<Pdq> {
        (1..=count).map(|i| Pdq(std::array::from_fn(|k| (k as u8 + i).wrapping_mul(89)))).collect()
    }

    /// For each query, how deep all of its bands together are searched.
    fn depths(plan: &Plan, queries: &[Pdq]) -> Vec<u32> {
        let depths = |query| plan.groups.iter().filter(move |group| group.queries.contains(&query));
        (0..queries.len()).map(|query| depths(query).map(|group| group.depth).sum()).collect()
    }

    #[test]
    fn a_plan_finds_every_entry_within_the_radius() {
        let one = strangers(1);
        for rows in [262_152, 10_000_000] {
            let bands = Bands::of(rows).unwrap();
            let widths: Vec<u32> = bands.iter().map(|band| band.width).collect();
            let mut before = 0.0;
            for radius in 0..=256 {
                let plan = Plan::of(&bands, rows, &one, radius);
                assert_eq!(depths(&plan, &one), [radius + 1]);
                assert!(plan.groups.iter().all(|group| group.depth <= widths[group.band] + 1));
                assert!(plan.cost > before && plan.cost.is_finite());
                before = plan.cost;
            }
        }
    }

    #[test]
    fn what_queries_share_is_searched_once() {
        let rows = 10_000_000;
        let bands = Bands::of(rows).unwrap();
        let cost = |queries: &[Pdq]| {
            let plan = Plan::of(&bands, rows, queries, 31);
            assert!(depths(&plan, queries).iter().all(|depth| *depth > 31));
            plan.cost
        };
        let single = cost(&strangers(1));
        assert_eq!((cost(&[]), cost(&strangers(1))), (0.0, single));
        let strange = cost(&strangers(8));
        assert!((strange / single - 8.0).abs() < 0.01, "{strange} {single}");
        // Duplicates cost no more than comparing.
        assert!(cost(&strangers(1).repeat(8)) < single * 1.5);
        // Flipped in the last class alone: three quarters of the bands are shared, and suffice nearly.
        let mut pair = strangers(1).repeat(2);
        for row in (1..16).step_by(2) {
            pair[1].0[2 * row..][..2].iter_mut().for_each(|byte| *byte ^= 0x55);
        }
        assert!(cost(&pair) < single * 1.5);
    }
}
