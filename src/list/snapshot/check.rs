//! The properties of snapshots that fuzzing asserts, and their tests.

use std::collections::BTreeMap;

use super::format::reseal;
use super::{Compiler, Snapshot, merge};
use crate::digest::{Algorithm, Digest};
use crate::list::{Entry, EntryId, Label};

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
        let id = EntryId::new(&row.digest, row.label);
        let mut hits = snapshot.lookup(&row.digest);
        let found =
            hits.any(|hit| (hit.list, &hit.entry, hit.canary) == (row.list, &id, row.canary));
        assert!(found || !is_good);
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

type Naive = BTreeMap<(Digest, u16), Option<Label>>;

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
        let label = naive.entry((entry.digest, list)).or_insert_with(|| entry.label.clone());
        if label.is_none() || entry.label.as_ref().is_some_and(|new| Some(new) < label.as_ref()) {
            *label = entry.label;
        }
    }
    let mut file = Vec::new();
    compiler.write(&mut file).expect("a Vec takes everything");
    (file, naive)
}

/// An entry whose digest differs from others in its first or in its last byte.
fn made_up(kind: u8, byte: u8, has_label: bool) -> Entry {
    let algorithm = Algorithm::ALL[usize::from(kind) % 3];
    let mut bytes = [0x5a; 32];
    bytes[if byte & 1 == 0 { 0 } else { algorithm.len() - 1 }] = byte;
    let digest = Digest::from_bytes(algorithm, &bytes[..algorithm.len()])
        .expect("the length is the algorithm's");
    let label = format!("{}-{}", kind % 8, byte % 8);
    Entry { digest, label: has_label.then(|| Label::new(&label, &[]).expect("it is printable")) }
}

fn check_compiled(data: &[u8]) {
    let (file, naive) = compiled(data);
    let snapshot = Snapshot::from_bytes(file.clone()).expect("the compiler's file opens");
    snapshot.verify().expect("the compiler's file is right");
    let expected: Naive = snapshot
        .iter()
        .map(|row| {
            let label = row.label.map(|text| Label::new(text, &[]).expect("it came from one"));
            ((row.digest, row.list), label)
        })
        .collect();
    assert_eq!(naive, expected);
    for (kind, byte) in (0..3).flat_map(|kind| (0..=255).map(move |byte| (kind, byte))) {
        let digest = made_up(kind, byte, false).digest;
        let lists: Vec<u16> = snapshot.lookup(&digest).map(|hit| hit.list).collect();
        let listed = naive.range((digest, 0)..=(digest, u16::MAX));
        assert_eq!(lists, listed.map(|((_, list), _)| *list).collect::<Vec<_>>());
    }
    let mut merged = Vec::new();
    merge(&[("all", &snapshot)], &mut merged).expect("a Vec takes everything");
    let merged = Snapshot::from_bytes(merged).expect("the compiler's file opens");
    let distinct =
        naive.keys().map(|(digest, _)| digest).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(merged.entries(), distinct.len() as u64);
}

#[cfg(test)]
mod tests;
