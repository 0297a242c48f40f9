//! Finding what is near.

use super::follow::Search;
use super::plan::Plan;
use super::scan::{self, Scan};
use super::table::{OwnTable, PDQ_LEN, PdqTable};
use crate::image::{Pdq, PerceptualKind};
use crate::list::snapshot::reader::Snapshot;
use crate::list::snapshot::reference::Reference;
use crate::list::{EntryId, Hash};

/// One of so many rows is looked at for a query before a search by the index gives it up: then reading
/// all of them is cheaper.
const ROWS_PER_CANDIDATE: usize = 16;

/// An entry that is near a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearHit {
    /// Index in [`Snapshot::lists`].
    pub list: u16,
    /// Which entry it is.
    pub entry: EntryId,
    /// Whether it is not an entry but the canary image, which lists have beside their entries.
    pub canary: bool,
    /// In how many bits it differs from the query.
    pub distance: u32,
    /// Index of the query among those that were asked for.
    pub query: usize,
}

/// A row that is near a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) query: usize,
    pub(super) distance: u32,
    pub(super) row: usize,
}

impl Snapshot {
    /// Every PDQ entry that differs from one of `queries` in at most `radius` bits, and no other:
    /// by query, then distance. 31 is the usual radius; more than 48 finds strangers.
    ///
    /// Lists of both conventions are searched; [`crate::list::ListInfo::convention`] tells which queries
    /// a list's hits count for. It takes up to milliseconds for ten million entries, and is
    /// cheapest for all queries of a picture at once.
    pub fn near(&self, queries: &[Pdq], radius: u32) -> Vec<NearHit> {
        let Some(table) = &self.near.pdq else { return Vec::new() };
        let mut found = table.find(&self.bytes, queries, radius);
        found.sort_unstable();
        // What is near in several bands was found as often.
        found.dedup();
        let hit = |found: &Found| self.pdq_hit(table, found);
        found.iter().filter_map(hit).collect()
    }

    fn pdq_hit(&self, table: &PdqTable, found: &Found) -> Option<NearHit> {
        let hash = *table.hashes(&self.bytes).get(found.row)?;
        let reference = table.reference(&self.bytes, found.row);
        self.near_hit(&Hash::Pdq(Pdq(hash)), reference, found.query, found.distance)
    }

    /// Every entry of `kind` that differs from one of `queries` in at most `radius` bits, and no
    /// other: by query, then distance. Reads all hashes of the kind. A query of another length than
    /// the kind's is near nothing.
    pub fn near_perceptual(
        &self,
        kind: PerceptualKind,
        queries: &[&[u8]],
        radius: u32,
    ) -> Vec<NearHit> {
        let table = self.near.own.iter().find(|table| table.kind == kind);
        let mut hits = table.map_or_else(Vec::new, |table| self.scan_own(table, queries, radius));
        hits.sort_by_key(|hit| (hit.query, hit.distance));
        hits
    }

    fn scan_own(&self, table: &OwnTable, queries: &[&[u8]], radius: u32) -> Vec<NearHit> {
        let mut hits = Vec::new();
        for (hash, reference) in table.slots(&self.bytes) {
            for (query, wanted) in queries.iter().enumerate() {
                let distance = distance(hash, wanted).filter(|distance| *distance <= radius);
                let Some(distance) = distance else { continue };
                let hash = Hash::Perceptual(table.kind, hash.into());
                hits.extend(self.near_hit(&hash, reference, query, distance));
            }
        }
        hits
    }

    /// A row of a list that does not exist is corrupt, and no hit.
    fn near_hit(
        &self,
        hash: &Hash,
        reference: Reference,
        query: usize,
        distance: u32,
    ) -> Option<NearHit> {
        let exists = reference.is_row() && usize::from(reference.list()) < self.lists().len();
        let label = reference.label().and_then(|offset| self.label(offset));
        exists.then(|| NearHit {
            list: reference.list(),
            entry: EntryId::new(hash, label),
            canary: reference.is_canary(),
            distance,
            query,
        })
    }
}

/// In how many bits two hashes differ; `None` if one is longer.
fn distance(a: &[u8], b: &[u8]) -> Option<u32> {
    let differing = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones());
    (a.len() == b.len()).then(|| differing.sum())
}

impl PdqTable {
    /// The rows within the radius of each query, in no order, some more than once.
    fn find(&self, file: &[u8], queries: &[Pdq], radius: u32) -> Vec<Found> {
        let mut found = Vec::new();
        let radius = radius.min(PDQ_LEN as u32 * u8::BITS);
        let left = self.index.as_ref().and_then(|index| {
            let plan = Plan::of(&index.bands, self.rows, queries, radius);
            let pays = plan.cost < scan::cost(self.rows, queries.len());
            let patience = self.rows / ROWS_PER_CANDIDATE;
            let (hashes, plan) = (self.hashes(file), &plan);
            let search = Search { file, hashes, queries, plan, radius, patience };
            pays.then(|| search.follow(index, &mut found))
        });
        let left = left.unwrap_or_else(|| (0..queries.len()).collect());
        let left: Vec<_> = left.into_iter().map(|query| (query, queries[query])).collect();
        let hashes = self.hashes(file);
        scan::scan(Scan { hashes, queries: &left, radius, found: &mut found });
        found
    }
}

impl Snapshot {
    /// How many rows the index alone leads to, short as the list may be: for tests. `None` if there
    /// is no index, or it takes more patience than there is.
    pub(in crate::list::snapshot) fn near_by_index(
        &self,
        queries: &[Pdq],
        radius: u32,
        patience: usize,
    ) -> Option<usize> {
        let table = self.near.pdq.as_ref()?;
        let index = table.index.as_ref()?;
        let plan = &Plan::of(&index.bands, table.rows, queries, radius);
        let (file, hashes) = (&self.bytes[..], table.hashes(&self.bytes));
        let mut found = Vec::new();
        let search = Search { file, hashes, queries, plan, radius, patience };
        let left = search.follow(index, &mut found);
        found.sort_unstable();
        found.dedup();
        left.is_empty().then_some(found.len())
    }
}
