//! Made-up lists for the tests of these commands.

use std::fs::File;
use std::path::Path;

use crate::digest::{Algorithm, Digest};
use crate::list::{Entry, Label, Part, compile};

/// A digest that consists of one byte.
pub(super) fn digest(algorithm: Algorithm, byte: u8) -> Digest {
    Digest::from_bytes(algorithm, &vec![byte; algorithm.len()]).unwrap()
}

/// Writes a snapshot of lists of such digests; an odd byte gets a label.
pub(super) fn snapshot(path: &Path, lists: &[(&str, &[(Algorithm, u8)])]) {
    let entry = |&(algorithm, byte): &(Algorithm, u8)| {
        let label = (byte % 2 == 1).then(|| Label::new(&format!("case {byte}"), &[]).unwrap());
        Entry { hash: digest(algorithm, byte).into(), label }
    };
    let entries: Vec<Vec<Entry>> =
        lists.iter().map(|(_, digests)| digests.iter().map(entry).collect()).collect();
    let parts: Vec<Part<'_>> =
        lists.iter().zip(&entries).map(|((name, _), entries)| Part { name, entries }).collect();
    compile(&parts, &mut File::create(path).unwrap()).unwrap();
}
