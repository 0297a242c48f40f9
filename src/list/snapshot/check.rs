//! The properties of snapshots that fuzzing asserts, and their tests.

use std::collections::BTreeMap;

use super::format::reseal;
use super::{Compiler, Hit, NearHit, Snapshot, merge};
use crate::digest::Algorithm;
use crate::image::{PerceptualAlgorithm, PerceptualKind};
use crate::list::{Entry, EntryId, Hash, HashKind, Label};

/// Treats `data` as a snapshot file, as changes to a good one whose checksums are then set right,
/// or as entries to compile; its first byte chooses.
///
/// # Panics
/// A file is read wrongly, `verify` passes one that contradicts itself, or a compiled snapshot
/// differs from a map of the same entries.
pub fn check(data: &[u8]) {
    match data {
        [] => {}
        [choice, rest @ ..] => match choice % 3 {
            0 => check_file(rest.to_vec()),
            1 => check_file(changed(rest)),
            _ => check_compiled(rest),
        },
    }
}

/// No file makes the reader panic, and one that passes `verify` answers for all of its rows.
fn check_file(bytes: Vec<u8>) {
    let Ok(snapshot) = Snapshot::from_bytes(bytes) else { return };
    let is_good = snapshot.verify().is_ok();
    for row in snapshot.rows() {
        let id = EntryId::new(&row.hash, row.label);
        let is_it =
            |hit: Hit| (hit.list, hit.entry, hit.canary) == (row.list, id.clone(), row.canary);
        assert!(!is_good || hits(&snapshot, &row.hash).into_iter().any(is_it));
        if let Hash::Pdq(pdq) = row.hash {
            let by_index = snapshot.near_by_index(&[pdq], 31, usize::MAX);
            let is_same = by_index.is_none_or(|found| found == snapshot.near(&[pdq], 31).len());
            assert!(!is_good || is_same);
        }
    }
    for algorithm in Algorithm::ALL {
        assert!(!is_good || snapshot.lookup(&algorithm.of_nothing()).is_empty());
    }
}

/// A good snapshot with some bytes changed: each change is a position of two bytes and a mask.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut file = compiled(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).0;
    for change in changes.as_chunks::<3>().0 {
        let position = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[position] ^= change[2];
    }
    reseal(&mut file);
    file
}

/// Where a hash itself is listed.
fn hits(snapshot: &Snapshot, hash: &Hash) -> Vec<Hit> {
    let near = match hash {
        Hash::Exact(digest) => return snapshot.lookup(digest).collect(),
        Hash::Pdq(pdq) => snapshot.near(&[*pdq], 0),
        Hash::Perceptual(kind, hash) => snapshot.near_perceptual(*kind, &[hash], 0),
    };
    let hit = |NearHit { list, entry, canary, .. }| Hit { list, entry, canary };
    near.into_iter().map(hit).collect()
}

type Naive = BTreeMap<(Hash, u16), Option<Label>>;

/// Compiles entries made up from `data`, and keeps them in a map too.
fn compiled(data: &[u8]) -> (Vec<u8>, Naive) {
    let mut compiler = Compiler::default();
    let mut naive = Naive::new();
    let lists = ["one", "two"].map(|name| compiler.list(name).expect("the name is good"));
    let always = [(0, made_up(0, 7, false)), (1, made_up(1, 7, false))];
    let entries =
        data.as_chunks::<3>().0.iter().map(|&[kind, byte, label]| {
            (u16::from(kind >> 7), made_up(kind, byte, label & 1 == 0))
        });
    for (list, entry) in always.into_iter().chain(entries) {
        compiler.add(lists[usize::from(list)], &entry);
        // The least label, and any rather than none.
        let label = naive.entry((entry.hash, list)).or_insert_with(|| entry.label.clone());
        if label.is_none() || entry.label.as_ref().is_some_and(|new| Some(new) < label.as_ref()) {
            *label = entry.label;
        }
    }
    // So few hashes would have no index.
    compiler.index_by(&[8; 32]);
    let mut file = Vec::new();
    compiler.write(&mut file).expect("a Vec takes everything");
    (file, naive)
}

/// The kinds that are compiled.
fn kinds() -> [HashKind; 5] {
    let own = PerceptualKind::new(PerceptualAlgorithm::Gradient, 8, false);
    let own = HashKind::Perceptual(own.expect("there is this kind"));
    let [md5, sha1, sha256] = Algorithm::ALL.map(HashKind::Exact);
    [md5, sha1, sha256, HashKind::Pdq, own]
}

/// An entry whose hash differs from others in its first or in its last byte.
fn made_up(kind: u8, byte: u8, has_label: bool) -> Entry {
    let of = kinds()[usize::from(kind) % kinds().len()];
    let mut bytes = vec![0x5a; of.len()];
    bytes[if byte & 1 == 0 { 0 } else { of.len() - 1 }] = byte;
    let hash = Hash::from_bytes(of, &bytes).expect("the length is the kind's");
    let label = format!("{}-{}", kind % 8, byte % 8);
    Entry { hash, label: has_label.then(|| Label::new(&label, &[]).expect("it is printable")) }
}

fn check_compiled(data: &[u8]) {
    let (file, naive) = compiled(data);
    let snapshot = Snapshot::from_bytes(file.clone()).expect("the compiler's file opens");
    snapshot.verify().expect("the compiler's file is right");
    let expected: Naive = snapshot
        .iter()
        .map(|row| {
            let label = row.label.map(|text| Label::new(text, &[]).expect("it came from one"));
            ((row.hash, row.list), label)
        })
        .collect();
    assert_eq!(naive, expected);
    // A search for what is near takes longer than a lookup.
    let step = |kind: u8| if kind < 3 { 1 } else { 16 };
    let bytes = |kind: u8| (kind..=255).step_by(step(kind)).map(move |byte| (kind, byte));
    for (kind, byte) in (0..5).flat_map(bytes) {
        let hash = made_up(kind, byte, false).hash;
        let lists: Vec<u16> = hits(&snapshot, &hash).iter().map(|hit| hit.list).collect();
        let listed = naive.range((hash.clone(), 0)..=(hash, u16::MAX));
        assert_eq!(lists, listed.map(|((_, list), _)| *list).collect::<Vec<_>>());
    }
    let mut merged = Vec::new();
    merge(&[("all", &snapshot)], &mut merged).expect("a Vec takes everything");
    let merged = Snapshot::from_bytes(merged).expect("the compiler's file opens");
    let distinct = naive.keys().map(|(hash, _)| hash).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(merged.entries(), distinct.len() as u64);
}

#[cfg(test)]
mod tests;
