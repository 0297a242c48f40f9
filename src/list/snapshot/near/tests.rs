//! The near search against a linear scan, and files that lie.

use proptest::prelude::*;

use super::follow::Search;
use super::plan::Plan;
use super::*;
use crate::image::{Convention, Fingerprint, Pdq, PerceptualAlgorithm, PerceptualKind};
use crate::list::canary::canary_hash;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::format::{Head, SectionKind, reseal};
use crate::list::snapshot::{Compiler, Snapshot, merge};
use crate::list::{CompileError, Entry, Hash, HashKind, Label};

/// Numbers that look random (Vigna's splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A hash with 128 bits set.
    fn pdq(&mut self) -> Pdq {
        let mut pdq = Pdq(std::array::from_fn(|_| self.next() as u8));
        while set(&pdq) != 128 {
            let bit = self.below(256);
            let is_set = pdq.0[bit / 8] >> (bit % 8) & 1 == 1;
            if is_set == (set(&pdq) > 128) {
                pdq.0[bit / 8] ^= 1 << (bit % 8);
            }
        }
        pdq
    }

    /// `pdq` with exactly so many bits flipped.
    fn near(&mut self, mut pdq: Pdq, distance: u32) -> Pdq {
        let from = pdq;
        while pdq.distance(&from) < distance {
            let bit = self.below(256);
            pdq.0[bit / 8] |= !from.0[bit / 8] & 1 << (bit % 8);
            pdq.0[bit / 8] &= !(from.0[bit / 8] & 1 << (bit % 8));
        }
        pdq
    }
}

fn set(pdq: &Pdq) -> u32 {
    pdq.0.iter().map(|byte| byte.count_ones()).sum()
}

fn entry(pdq: Pdq) -> Entry {
    Entry { hash: pdq.into(), label: None }
}

/// Compiles lists, with an index in bands of these widths if any.
fn compiled(lists: &[Vec<Pdq>], widths: &[u8]) -> Vec<u8> {
    let mut compiler = Compiler::default();
    for (i, list) in lists.iter().enumerate() {
        let key = compiler.list(&format!("list {i}")).unwrap();
        list.iter().for_each(|pdq| compiler.add(key, &entry(*pdq)));
    }
    compiler.index_by(widths);
    let mut file = Vec::new();
    compiler.write(&mut file).unwrap();
    file
}

fn snapshot(lists: &[Vec<Pdq>], widths: &[u8]) -> Snapshot {
    let snapshot = Snapshot::from_bytes(compiled(lists, widths)).unwrap();
    snapshot.verify().unwrap();
    snapshot
}

/// Query, distance, list and hash of each hit, in order.
fn hits(snapshot: &Snapshot, queries: &[Pdq], radius: u32) -> Vec<(usize, u32, u16, String)> {
    let hits = snapshot.near(queries, radius);
    let is_indexed = snapshot.near.pdq.as_ref().is_some_and(|table| table.index.is_some());
    if is_indexed && radius <= 64 {
        assert_eq!(snapshot.near_by_index(queries, radius, usize::MAX), Some(hits.len()));
    }
    let mut told: Vec<_> =
        hits.iter().map(|hit| (hit.query, hit.distance, hit.list, hit.entry.to_string())).collect();
    assert!(told.is_sorted_by_key(|(query, distance, ..)| (*query, *distance)));
    told.sort();
    told
}

/// The same, by comparing each with each.
fn naive(lists: &[Vec<Pdq>], queries: &[Pdq], radius: u32) -> Vec<(usize, u32, u16, String)> {
    let mut told = Vec::new();
    let Some(Hash::Pdq(canary)) = canary_hash(HashKind::Pdq) else { panic!("there is a canary") };
    for (query, wanted) in queries.iter().enumerate() {
        for (list, entries) in (0u16..).zip(lists) {
            for pdq in entries.iter().chain([&canary]) {
                let distance = wanted.distance(pdq);
                let id = crate::list::EntryId::new(&Hash::Pdq(*pdq), None).to_string();
                told.extend((distance <= radius).then_some((query, distance, list, id)));
            }
        }
    }
    told.sort();
    told.dedup();
    told
}

/// The eight orientations of a made-up picture as the image room hashes them, and their negatives.
fn orientations(numbers: &mut Numbers) -> Vec<Pdq> {
    /// Pixels along a side.
    const SIDE: usize = 64;
    let luma: Vec<u8> = (0..SIDE * SIDE).map(|_| numbers.next() as u8).collect();
    let side = SIDE as u32;
    let all = Fingerprint::of_luma(side, side, &luma, Convention::Full).unwrap().orientations;
    all.into_iter().chain(all.map(|pdq| pdq.complement())).collect()
}

/// Bands that a search may meet: many narrow ones, a few wide ones, odd ones, and none at all.
const WIDTHS: [&[u8]; 4] = [
    &[8; 32],
    &[16; 16],
    &[14, 13, 13, 8, 14, 15, 13, 13, 13, 14, 15, 16, 8, 13, 13, 13, 14, 15, 13, 10],
    &[],
];

#[test]
fn every_radius_finds_what_a_scan_finds() {
    let mut numbers = Numbers(1);
    let mut lists = vec![Vec::new(), Vec::new(), Vec::new()];
    let queries: Vec<Pdq> = (0..4).map(|_| numbers.pdq()).collect();
    // Some at every distance of a query, one hash on several lists, strangers between.
    for distance in 0..=60 {
        for (i, query) in queries.iter().enumerate() {
            let near = numbers.near(*query, distance);
            lists[i % 3].push(near);
            lists[(i + distance as usize) % 3].push(near);
            lists[0].push(numbers.pdq());
        }
    }
    for widths in WIDTHS {
        let snapshot = snapshot(&lists, widths);
        for radius in [0, 1, 15, 16, 29, 30, 31, 32, 47, 48, 49, 64, 128, 255, 256, 257, u32::MAX] {
            let found = hits(&snapshot, &queries, radius);
            assert_eq!(found, naive(&lists, &queries, radius), "{widths:?} {radius}");
        }
    }
}

#[test]
fn a_long_list_has_an_index() {
    let mut numbers = Numbers(2);
    // The canary is a row too: the fewest rows for which it pays.
    let list: Vec<Pdq> = (0..262_151).map(|_| numbers.pdq()).collect();
    let snapshot = Snapshot::from_bytes(compiled(std::slice::from_ref(&list), &[])).unwrap();
    assert!(snapshot.near.pdq.as_ref().is_some_and(|table| table.index.is_some()));
    for (i, distance) in [(0, 0), (7, 31), (200_000, 30), (100, 32)] {
        let query = numbers.near(list[i], distance);
        let found = hits(&snapshot, &[query, numbers.pdq()], 31);
        assert_eq!(found.len(), usize::from(distance <= 31), "{distance}");
    }
}

/// Many share keys there; some queries come twice.
#[test]
fn orientations_are_found_together() {
    let mut numbers = Numbers(11);
    let mut lists = [Vec::new(), Vec::new()];
    let mut queries = Vec::new();
    for picture in 0..3 {
        let all = orientations(&mut numbers);
        for (i, pdq) in all.iter().enumerate() {
            let near = numbers.near(*pdq, (i * 4 + picture) as u32);
            lists[i % 2].extend([near, numbers.pdq()]);
        }
        queries.extend(&all);
        queries.extend(&all[..picture]);
    }
    for widths in WIDTHS {
        let snapshot = snapshot(&lists, widths);
        for radius in [0, 31, 48, 128] {
            for queries in [&queries[..8], &queries[..16], &queries] {
                let found = hits(&snapshot, queries, radius);
                assert_eq!(found, naive(&lists, queries, radius), "{widths:?} {radius}");
            }
        }
    }
}

/// Clustered lists make the index lead to so many rows that reading all is cheaper.
#[test]
fn clusters_are_found_whole() {
    let mut numbers = Numbers(3);
    let centre = numbers.pdq();
    let cluster = |numbers: &mut Numbers, count: u32| -> Vec<Pdq> {
        (0..count).map(|i| numbers.near(centre, i % 60)).collect()
    };
    let lists = [cluster(&mut numbers, 1000), vec![centre; 50]];
    let queries = [centre, numbers.near(centre, 20), numbers.pdq(), centre.complement()];
    for widths in WIDTHS {
        let snapshot = snapshot(&lists, widths);
        for radius in [0, 15, 31, 48] {
            assert_eq!(hits(&snapshot, &queries, radius), naive(&lists, &queries, radius));
        }
    }
}

/// What an index gives up, a scan finds.
#[test]
fn a_search_loses_patience() {
    let centre = Numbers(9).pdq();
    let lists = [vec![centre], vec![centre], vec![centre]];
    let snapshot = snapshot(&lists, &[16; 16]);
    // Each of sixteen bands leads to each of three rows.
    for (patience, found) in [(0, None), (47, None), (48, Some(3))] {
        assert_eq!(snapshot.near_by_index(&[centre], 31, patience), found, "{patience}");
    }
    assert_eq!(snapshot.near(&[centre], 31).len(), 3);
}

/// Of queries asked for together, those are given up that lead to too much, and no others.
#[test]
fn a_query_loses_patience_alone() {
    let mut numbers = Numbers(12);
    let (crowded, lonely) = (numbers.pdq(), numbers.pdq());
    // One bit aside, it has the key of the crowd in all bands but one.
    let beside = numbers.near(crowded, 1);
    let mut list: Vec<Pdq> = (0..2000).map(|i| numbers.near(crowded, i % 8)).collect();
    list.extend([lonely, numbers.near(lonely, 9)]);
    let snapshot = snapshot(&[list.clone()], &[16; 16]);
    let table = snapshot.near.pdq.as_ref().unwrap();
    let index = table.index.as_ref().unwrap();
    let (file, hashes) = (&snapshot.bytes[..], table.hashes(&snapshot.bytes));
    let queries = &[lonely, crowded, beside, lonely];
    let plan = &Plan::of(&index.bands, table.rows, queries, 31);
    for (patience, expected) in [(0, &[0, 1, 2, 3][..]), (600, &[1, 2]), (usize::MAX, &[])] {
        let mut found = Vec::new();
        let search = Search { file, hashes, queries, plan, radius: 31, patience };
        assert_eq!(search.follow(index, &mut found), expected);
        found.retain(|found| !expected.contains(&found.query));
        found.sort();
        found.dedup();
        let kept = |query: &usize| !expected.contains(query);
        let all = (0..queries.len()).filter(kept).flat_map(|query| {
            table.hashes(file).iter().map(move |hash| Pdq(*hash).distance(&queries[query]))
        });
        assert_eq!(found.len(), all.filter(|distance| *distance <= 31).count(), "{patience}");
    }
}

/// A list of both kinds, with labels and an index.
fn golden() -> Vec<u8> {
    let mut numbers = Numbers(10);
    let mut compiler = Compiler::default();
    let list = compiler.list("own").unwrap();
    for i in 0..9 {
        let label = (i % 3 == 0).then(|| Label::new(&format!("case {i}"), &[]).unwrap());
        compiler.add(list, &Entry { hash: numbers.pdq().into(), label });
    }
    let own = Hash::from_bytes(HashKind::Perceptual(own_kind(16)), &[0x35; 32]).unwrap();
    compiler.add(list, &Entry { hash: own, label: Some(Label::new("mine", &[]).unwrap()) });
    compiler.convention(list, Convention::Resized512).unwrap();
    compiler.index_by(&[8; 32]);
    let mut file = Vec::new();
    compiler.write(&mut file).unwrap();
    file
}

/// Written once by the first release with near matches; it must stay readable, and the compiler must
/// write the same bytes until the format's version is raised.
const GOLDEN: &[u8] = include_bytes!("../golden/v1-near.s3blist");

#[test]
fn the_golden_file_is_read_and_written() {
    let snapshot = Snapshot::from_bytes(GOLDEN.to_vec()).unwrap();
    snapshot.verify().unwrap();
    let query = Numbers(10).pdq();
    let hits = snapshot.near(&[query], 31);
    assert_eq!((hits.len(), hits[0].entry.as_str(), hits[0].distance), (1, "case 0", 0));
    assert_eq!(snapshot.near_by_index(&[query], 31, usize::MAX), Some(1));
    let own = snapshot.near_perceptual(own_kind(16), &[&[0x35; 32]], 0);
    assert_eq!((own.len(), own[0].entry.as_str()), (1, "mine"));
    assert_eq!(golden(), GOLDEN);
}

fn own_kind(side: u8) -> PerceptualKind {
    PerceptualKind::new(PerceptualAlgorithm::Blockhash, side, false).unwrap()
}

#[test]
fn one_list_holds_all_kinds() {
    let label = Label::new("mine", &[]).unwrap();
    let own = Hash::from_bytes(HashKind::Perceptual(own_kind(8)), &[0x0f; 8]).unwrap();
    let pdq = Numbers(4).pdq();
    let mut compiler = Compiler::default();
    let list = compiler.list("own").unwrap();
    let md5 = Hash::from_bytes(crate::digest::Algorithm::Md5.into(), &[7; 16]).unwrap();
    for hash in [own.clone(), md5, pdq.into(), Hash::Pdq(Pdq([0; 32]))] {
        compiler.add(list, &Entry { hash, label: Some(label.clone()) });
    }
    compiler.convention(list, Convention::Resized512).unwrap();
    let mut file = Vec::new();
    compiler.write(&mut file).unwrap();
    let snapshot = Snapshot::from_bytes(file.clone()).unwrap();
    snapshot.verify().unwrap();
    let [info] = snapshot.lists() else { panic!("one list") };
    assert_eq!((info.entries(), info.convention()), (3, Some(Convention::Resized512)));
    let kinds = [NearKind::Pdq(Convention::Resized512), NearKind::Perceptual(own_kind(8))];
    assert!(snapshot.near_kinds().into_iter().eq(kinds));
    assert!(info.near.iter().all(|near| (near.entries, near.canary) == (1, true)));
    let [hit] = &snapshot.near_perceptual(own_kind(8), &[&[0x0f; 7], &[0x0e; 8]], 8)[..] else {
        panic!("one hit")
    };
    assert_eq!((hit.query, hit.distance, hit.entry.as_str(), hit.canary), (1, 8, "mine", false));
    assert!(snapshot.near_perceptual(own_kind(8), &[&[0x0e; 8]], 7).is_empty());
    assert!(snapshot.near_perceptual(own_kind(16), &[&[0x0e; 32]], 256).is_empty());
    // Merging keeps all of it.
    let mut again = Vec::new();
    merge(&[("own", &snapshot)], &mut again).unwrap();
    assert_eq!(again, file);
}

#[test]
fn the_canary_is_near_itself() {
    let snapshot = snapshot(&[vec![Numbers(5).pdq()], vec![Numbers(6).pdq()]], &[]);
    let Some(Hash::Pdq(canary)) = canary_hash(HashKind::Pdq) else { panic!("there is a canary") };
    let found = snapshot.near(&[canary], 31);
    let told: Vec<_> = found.iter().map(|hit| (hit.list, hit.canary, hit.distance)).collect();
    assert_eq!(told, [(0, true, 0), (1, true, 0)]);
    assert_eq!((snapshot.entries(), snapshot.iter().count()), (2, 2));
    // Listed by somebody, it stays one.
    let mut compiler = Compiler::default();
    let list = compiler.list("a").unwrap();
    compiler.add(list, &entry(canary));
    let mut file = Vec::new();
    compiler.write(&mut file).unwrap();
    let snapshot = Snapshot::from_bytes(file).unwrap();
    snapshot.verify().unwrap();
    assert_eq!((snapshot.entries(), snapshot.near(&[canary], 0).len()), (0, 1));
}

#[test]
fn conventions_do_not_mix() {
    let mut compiler = Compiler::default();
    let list = compiler.list("a").unwrap();
    compiler.convention(list, Convention::Full).unwrap();
    compiler.convention(list, Convention::Full).unwrap();
    let mixed = compiler.convention(list, Convention::Resized512);
    assert!(matches!(mixed, Err(CompileError::Conventions(name)) if name == "a"));
    let of = |conventions: &[Convention]| {
        let mut compiler = Compiler::default();
        for (i, convention) in conventions.iter().enumerate() {
            let list = compiler.list(&i.to_string()).unwrap();
            compiler.add(list, &entry(Numbers(7).pdq()));
            compiler.convention(list, *convention).unwrap();
        }
        let mut file = Vec::new();
        compiler.write(&mut file).unwrap();
        Snapshot::from_bytes(file).unwrap()
    };
    let merged = |snapshot: &Snapshot| merge(&[("x", snapshot)], &mut Vec::new());
    merged(&of(&[Convention::Resized512; 2])).unwrap();
    let mixed = merged(&of(&Convention::ALL));
    assert!(matches!(mixed, Err(CompileError::Conventions(name)) if name == "x"));
}

/// Makes one change in a section of a file with an index, behind the checksums.
fn changed(kind: SectionKind, change: impl FnOnce(&mut [u8])) -> Result<(), String> {
    let mut numbers = Numbers(8);
    let list: Vec<Pdq> = (0..50).map(|_| numbers.pdq()).collect();
    let mut compiler = Compiler::default();
    let key = compiler.list("a").unwrap();
    list.iter().for_each(|pdq| compiler.add(key, &entry(*pdq)));
    let own = Hash::from_bytes(HashKind::Perceptual(own_kind(8)), &[0x0f; 8]).unwrap();
    compiler.add(key, &Entry { hash: own, label: None });
    compiler.index_by(&[8; 32]);
    let mut file = Vec::new();
    compiler.write(&mut file).unwrap();
    let head = Head::parse(&file[..10_000], file.len() as u64).unwrap();
    change(&mut file[head.range(kind).unwrap()]);
    reseal(&mut file);
    let told = |error: SnapshotError| error.to_string();
    let snapshot = Snapshot::from_bytes(file).map_err(told)?;
    // Whatever it says, it is searched without a panic.
    for radius in [0, 31, 48, 256] {
        snapshot.near(&list, radius);
        snapshot.near_by_index(&list[..3], radius.min(48), usize::MAX);
        snapshot.near_perceptual(own_kind(8), &[&[0; 8]], radius);
    }
    assert!(snapshot.rows().count() <= 60);
    snapshot.verify().map_err(told)
}

#[test]
fn verify_finds_what_checksums_do_not() {
    let is = |found: Result<(), String>, expected: &str| {
        assert_eq!(found, Err(format!("the snapshot is corrupt: {expected}")));
    };
    let number = |at: usize, number: u32| {
        move |bytes: &mut [u8]| bytes[at..at + 4].copy_from_slice(&number.to_le_bytes())
    };
    assert_eq!(changed(SectionKind::PdqHashes, |_| {}), Ok(()));
    is(changed(SectionKind::PdqHashes, |b| b[..64].rotate_left(32)), "a table is not in order");
    is(
        changed(SectionKind::PdqHashes, |b| b[..32].fill(0)),
        "a row is listed that can't be an entry",
    );
    is(changed(SectionKind::PdqHashes, |b| b[31] ^= 1), "the pdq index misleads");
    is(changed(SectionKind::PdqReferences, |b| b.fill(0)), "a table is not in order");
    is(changed(SectionKind::PdqReferences, |b| b[6] = 9), "a table is not in order");
    is(changed(SectionKind::PdqReferences, |b| b[0] = 1), "a label is wrong");
    is(
        changed(SectionKind::PdqReferences, |b| b[7] ^= 0x80),
        "a row is listed that can't be an entry",
    );
    // The first band: offsets from byte 64 on, then row numbers, of five bytes each: with fewer than 64
    // rows, six bits and the tag's sixteen.
    let rows = 64 + 4 * 129;
    is(changed(SectionKind::PdqIndex, number(64, 1)), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, number(64 + 4 * 100, u32::MAX)), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, number(rows - 4, 50)), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, number(rows, 1)), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, number(rows, u32::MAX)), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, |b| b[rows] ^= 0x40), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, |b| b[rows] ^= 0x80), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, |b| b[rows + 4] ^= 0x80), "the pdq index misleads");
    is(changed(SectionKind::PdqIndex, |b| b[64..].fill(0xff)), "the pdq index misleads");
    for (at, byte) in
        [(0, 0), (0, 15), (0, 17), (0, 255), (1, 15), (1, 0), (1, 200), (17, 1), (62, 1)]
    {
        is(changed(SectionKind::PdqIndex, |b| b[at] = byte), "the pdq index can't be read");
    }
    for version in [0, 1, 3] {
        let told = format!(
            "its pdq index has version {version}, this release reads version 2; build the list anew"
        );
        assert_eq!(changed(SectionKind::PdqIndex, |b| b[63] = version), Err(told));
    }
    let own = SectionKind::Perceptual(own_kind(8));
    is(changed(own, |b| b[..8].fill(0)), "a row is listed that can't be an entry");
    is(changed(own, |b| b[15] = 0), "a table is not in order");
    let lists = |at: usize, byte: u8| changed(SectionKind::NearLists, move |b| b[at] = byte);
    // Version, kinds, then a row of PDQ: code, convention, canary, entries.
    is(lists(8, 49), "a table has more or fewer rows than its lists");
    is(lists(7, 0), "a table has more or fewer rows than its lists");
    is(lists(12, 1), "a list has more perceptual hashes than fit");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn near_search_equals_a_linear_scan(
        seed in any::<u64>(),
        distances in prop::collection::vec(0u32..70, 0..60),
        strangers in 0usize..40,
        twice in 0usize..10,
        radius in 0u32..=64,
        widths in 0usize..WIDTHS.len(),
    ) {
        let mut numbers = Numbers(seed);
        let mut queries: Vec<Pdq> = (0..3).map(|_| numbers.pdq()).collect();
        queries.extend(orientations(&mut numbers));
        queries.extend(queries[..twice].to_vec());
        let mut lists = [vec![numbers.pdq()], vec![numbers.pdq()]];
        for distance in distances {
            let query = queries[numbers.below(queries.len())];
            let near = numbers.near(query, distance);
            lists[numbers.below(2)].push(near);
        }
        lists[0].extend((0..strangers).map(|_| numbers.pdq()));
        lists.iter_mut().for_each(|list| list.retain(|pdq| Hash::Pdq(*pdq).unfit().is_none()));
        let snapshot = snapshot(&lists, WIDTHS[widths]);
        prop_assert_eq!(hits(&snapshot, &queries, radius), naive(&lists, &queries, radius));
    }
}
