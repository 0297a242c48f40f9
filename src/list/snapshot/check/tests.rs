//! The snapshot as a whole: what goes in comes out, and nothing damaged is taken.

use std::io::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::digest::Digest;
use crate::list::canary::canary_digest;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::format::Head;
use crate::list::{CompileError, Part, canary_image, compile, verify_checksums};

fn digest(algorithm: Algorithm, seed: u32) -> Digest {
    let hash: [u8; 32] = Sha256::digest(seed.to_le_bytes()).into();
    Digest::from_bytes(algorithm, &hash[..algorithm.len()]).unwrap()
}

fn entry(algorithm: Algorithm, seed: u32, label: Option<&str>) -> Entry {
    let label = label.map(|text| Label::new(text, &[]).unwrap());
    Entry { hash: digest(algorithm, seed).into(), label }
}

fn build(parts: &[(&str, &[Entry])]) -> Vec<u8> {
    let parts: Vec<_> = parts.iter().map(|(name, entries)| Part { name, entries }).collect();
    let mut file = Vec::new();
    compile(&parts, &mut file).unwrap();
    file
}

fn police() -> Vec<Entry> {
    vec![
        entry(Algorithm::Md5, 1, Some("case 1")),
        entry(Algorithm::Sha1, 1, Some("case 1")),
        entry(Algorithm::Sha256, 1, Some("case 1")),
        entry(Algorithm::Sha256, 2, None),
    ]
}

fn own() -> Vec<Entry> {
    vec![entry(Algorithm::Sha256, 2, Some("logo")), entry(Algorithm::Sha256, 3, None)]
}

fn told(snapshot: &Snapshot, digest: &Digest) -> Vec<(u16, String, bool)> {
    snapshot.lookup(digest).map(|hit| (hit.list, hit.entry.to_string(), hit.canary)).collect()
}

fn file_with(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn a_lookup_tells_every_list_and_entry() {
    let file = file_with(&build(&[("police", &police()), ("own", &own())]));
    let snapshot = Arc::new(Snapshot::open(file.path()).unwrap());
    snapshot.verify().unwrap();
    let e = |seed| EntryId::new(&digest(Algorithm::Sha256, seed).into(), None).to_string();
    let look = |algorithm, seed| told(&snapshot, &digest(algorithm, seed));
    assert_eq!(look(Algorithm::Md5, 1), [(0, "case 1".to_owned(), false)]);
    assert_eq!(look(Algorithm::Sha1, 1), [(0, "case 1".to_owned(), false)]);
    assert_eq!(look(Algorithm::Sha256, 1), [(0, "case 1".to_owned(), false)]);
    assert_eq!(look(Algorithm::Sha256, 2), [(0, e(2), false), (1, "logo".to_owned(), false)]);
    assert_eq!(look(Algorithm::Sha256, 3), [(1, e(3), false)]);
    assert_eq!(look(Algorithm::Md5, 2), []);
    assert_eq!(look(Algorithm::Sha1, 3), []);
    assert!(snapshot.has_entry(1, "logo") && snapshot.has_entry(1, &e(3)));
    assert!(!snapshot.has_entry(0, "logo"));
}

#[test]
fn lists_say_their_entries_without_the_canary() {
    let file = build(&[("police", &police()), ("own", &own())]);
    let snapshot = Snapshot::from_bytes(file).unwrap();
    let [police, own] = snapshot.lists() else { panic!("two lists") };
    assert_eq!((&police.name[..], police.counts, police.entries()), ("police", [1, 1, 2], 4));
    assert_eq!((&own.name[..], own.counts, own.entries()), ("own", [0, 0, 2], 2));
    assert_eq!((snapshot.entries(), snapshot.iter().count()), (6, 6));
    assert_eq!(snapshot.algorithms(), crate::digest::AlgorithmSet::ALL);
    assert_eq!(snapshot.id().len(), 16);
}

#[test]
fn the_canary_is_in_every_kind_of_a_list_and_in_no_other() {
    let file = build(&[("police", &police()), ("own", &own())]);
    let snapshot = Snapshot::from_bytes(file).unwrap();
    let lists = |algorithm| {
        let hits = snapshot.lookup(&canary_digest(algorithm));
        hits.map(|hit| (hit.list, hit.canary)).collect::<Vec<_>>()
    };
    assert_eq!(lists(Algorithm::Md5), [(0, true)]);
    assert_eq!(lists(Algorithm::Sha1), [(0, true)]);
    assert_eq!(lists(Algorithm::Sha256), [(0, true), (1, true)]);
    let sha256: [u8; 32] = Sha256::digest(canary_image()).into();
    let canary = Digest::from_bytes(Algorithm::Sha256, &sha256).unwrap();
    assert_eq!(canary, canary_digest(Algorithm::Sha256));
}

#[test]
fn a_listed_canary_stays_a_canary() {
    let canary = Entry { hash: canary_digest(Algorithm::Md5).into(), label: None };
    let file = build(&[("a", &[canary])]);
    let snapshot = Snapshot::from_bytes(file.clone()).unwrap();
    snapshot.verify().unwrap();
    assert_eq!((snapshot.entries(), snapshot.rows().count()), (0, 1));
    let mut again = Vec::new();
    merge(&[("a", &snapshot)], &mut again).unwrap();
    assert_eq!(again, file);
}

#[test]
fn order_and_duplicates_do_not_change_a_byte() {
    let entries: Vec<_> = (0..300)
        .map(|i| {
            let label = (i % 3 != 0).then(|| format!("label {}", i % 7));
            entry(Algorithm::ALL[i as usize % 3], i / 2, label.as_deref())
        })
        .collect();
    let file = build(&[("a", &entries)]);
    let mut turned = entries.clone();
    turned.reverse();
    turned.extend(entries[50..150].iter().cloned());
    assert_eq!(build(&[("a", &turned)]), file);
    assert_ne!(build(&[("b", &entries)]), file);
    assert_ne!(build(&[("a", &entries[1..])]), file);
}

#[test]
fn of_two_labels_the_least_stays() {
    let labels = [None, Some("b"), Some("a"), None];
    let entries: Vec<_> = labels.iter().map(|label| entry(Algorithm::Sha1, 1, *label)).collect();
    let snapshot = Snapshot::from_bytes(build(&[("l", &entries)])).unwrap();
    let digest = digest(Algorithm::Sha1, 1);
    assert_eq!(told(&snapshot, &digest), [(0, "a".to_owned(), false)]);
}

#[test]
fn merging_is_compiling_all_parts() {
    let [a, b] = [("police", police()), ("own", own())]
        .map(|(name, entries)| Snapshot::from_bytes(build(&[(name, &entries)])).unwrap());
    let mut one = Vec::new();
    merge(&[("police", &a)], &mut one).unwrap();
    assert_eq!(one, build(&[("police", &police())]));
    let mut both = Vec::new();
    merge(&[("police", &a), ("own", &b)], &mut both).unwrap();
    assert_eq!(both, build(&[("police", &police()), ("own", &own())]));
}

#[test]
fn the_digest_of_nothing_is_no_entry() {
    let nothing = Entry { hash: Algorithm::Md5.of_nothing().into(), label: None };
    let file = build(&[("a", &[nothing.clone(), entry(Algorithm::Md5, 1, None)])]);
    let snapshot = Snapshot::from_bytes(file).unwrap();
    assert!(snapshot.lookup(&Algorithm::Md5.of_nothing()).is_empty());
    assert_eq!(snapshot.entries(), 1);
    let empty = compile(&[Part { name: "a", entries: &[nothing] }], &mut Vec::new());
    assert!(matches!(empty, Err(CompileError::Empty(name)) if name == "a"));
}

#[test]
fn the_compiler_refuses_what_can_not_be_told_apart() {
    let one = [entry(Algorithm::Md5, 1, None)];
    let part = |name| Part { name, entries: &one };
    let twice = compile(&[part("a"), part("a")], &mut Vec::new());
    assert!(matches!(twice, Err(CompileError::DuplicateName(_))));
    let slash = compile(&[part("a/b")], &mut Vec::new());
    assert!(matches!(slash, Err(CompileError::Name(_))));
    assert!(matches!(compile(&[], &mut Vec::new()), Err(CompileError::NoList)));
    let full = compile(&[part("a")], &mut &mut [0u8; 100][..]);
    assert!(matches!(full, Err(CompileError::Write(_))));
}

/// Opens and reads a file as the gate does before it serves.
fn accept(bytes: &[u8]) -> Result<(), SnapshotError> {
    let file = file_with(bytes);
    let snapshot = Snapshot::open(file.path())?;
    assert_eq!(verify_checksums(file.path())?, snapshot.id());
    Ok(())
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = build(&[("police", &police()), ("own", &own())]);
    accept(&good).unwrap();
    for position in 0..good.len() {
        for mask in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[position] ^= mask;
            assert!(accept(&bad).is_err(), "byte {position}");
        }
    }
}

#[test]
fn every_missing_or_added_byte_is_noticed_on_opening() {
    let good = build(&[("police", &police()), ("own", &own())]);
    for len in 0..good.len() {
        assert!(Snapshot::from_bytes(good[..len].to_vec()).is_err(), "{len} bytes");
    }
    let longer = [&good[..], &[0]].concat();
    assert!(matches!(Snapshot::from_bytes(longer), Err(SnapshotError::Length { .. })));
}

#[test]
fn errors_say_what_the_file_is() {
    let good = build(&[("police", &police())]);
    let told = |bytes: &[u8]| accept(bytes).unwrap_err().to_string();
    let with = |position: usize, byte: u8| {
        let mut bad = good.clone();
        bad[position] = byte;
        bad
    };
    assert_eq!(told(b""), "the file is not a list snapshot");
    assert_eq!(told(b"PK\x03\x04 no list at all"), "the file is not a list snapshot");
    let version = "the snapshot has format version 2, this release reads version 1";
    assert_eq!(told(&with(8, 2)), version);
    let cut = format!("the snapshot should have {} bytes and has {}", good.len(), good.len() - 1);
    assert_eq!(told(&good[..good.len() - 1]), cut);
    assert_eq!(told(&good[..20]), "the snapshot should have 104 bytes and has 20");
    assert_eq!(told(&with(40, 0)), "the checksum of the header is wrong");
    let last = good.len() - 1;
    assert_eq!(told(&with(last, 0)), "the checksum of the labels is wrong");
    let missing = Snapshot::open("/nonexistent/list").err().map(|error| error.to_string());
    assert!(missing.is_some_and(|text| text.starts_with("the snapshot can't be read")));
    assert!(Snapshot::open("/").is_err());
}

/// The first section of a file gets another kind and flags, and right checksums.
fn with_section(kind: u32, flags: u32) -> Result<Snapshot, SnapshotError> {
    let mut file = build(&[("police", &police())]);
    file[104..108].copy_from_slice(&kind.to_le_bytes());
    file[108..112].copy_from_slice(&flags.to_le_bytes());
    reseal(&mut file);
    Snapshot::from_bytes(file)
}

#[test]
fn an_unknown_section_is_skipped_only_if_it_is_optional() {
    let needed = with_section(0x200, 1).err().map(|error| error.to_string());
    let text = "the snapshot needs a newer release: section kind 0x200";
    assert_eq!(needed.as_deref(), Some(text));
    // Skipped; but then the lists are missing.
    let optional = with_section(0x200, 0).err().map(|error| error.to_string());
    assert_eq!(optional.as_deref(), Some("the snapshot is corrupt: a section is missing"));
    assert!(with_section(1, 0).is_ok());
    let twice = with_section(2, 1).err().map(|error| error.to_string());
    assert_eq!(twice.as_deref(), Some("the snapshot is corrupt: the sections are not in place"));
}

/// Makes one change behind the checksums and asks `verify`.
fn verify_with(change: impl FnOnce(&mut Vec<u8>, &dyn Fn(u32) -> usize)) -> String {
    let mut file = build(&[("police", &police())]);
    let table = file.clone();
    let offset = |kind: u32| {
        let rows = table[104..].chunks(56);
        let row = rows.take(32).find(|row| row[..4] == kind.to_le_bytes()).unwrap();
        u64::from_le_bytes(row[8..16].try_into().unwrap()) as usize
    };
    change(&mut file, &offset);
    reseal(&mut file);
    let snapshot = Snapshot::from_bytes(file).unwrap();
    snapshot.verify().map_or_else(|error| error.to_string(), |()| "good".to_owned())
}

/// Where row number `n` of the SHA-256 table at `table` begins.
fn nth_row(file: &[u8], table: usize, n: usize) -> usize {
    let starts = (table..).step_by(40);
    starts.filter(|start| file[start + 39] & 0x40 != 0).nth(n).unwrap()
}

#[test]
fn verify_finds_what_checksums_do_not() {
    let is = |found: String, expected: &str| {
        assert_eq!(found, format!("the snapshot is corrupt: {expected}"));
    };
    // Changes a byte of a row of the SHA-256 table.
    let with_row = |n: usize, byte: usize, change: fn(u8) -> u8| {
        verify_with(|file, at| {
            let position = nth_row(file, at(0x13), n) + byte;
            file[position] = change(file[position]);
        })
    };
    assert_eq!(verify_with(|_, _| {}), "good");
    is(with_row(0, 32 + 6, |_| 9), "a table is not in order");
    // The second digest comes before the first.
    is(with_row(1, 0, |_| 0), "a table is not in order");
    is(with_row(2, 0, |_| 0xff), "a row is not in its place");
    // A row is taken away, all but its digest.
    is(with_row(1, 32 + 7, |_| 0), "there is something in an empty slot");
    is(verify_with(|file, at| file[at(3) + 45..at(0x11)].fill(0)), "the filter misses an entry");
    is(with_row(0, 32 + 7, |byte| byte ^ 0x80), "a row is listed that can't be an entry");
    is(verify_with(|file, at| file[at(2)] = 0), "a label is wrong");
    is(verify_with(|file, at| file[at(2)] = 255), "a label is wrong");
    is(verify_with(|file, at| file[at(2) + 1] = 7), "a label is wrong");
    let less = |file: &mut Vec<u8>, at: &dyn Fn(u32) -> usize| {
        let row = nth_row(file, at(0x13), 2);
        file[row..row + 40].fill(0);
    };
    is(verify_with(less), "a list has other entries than it states");
}

/// A file whose last table is longer by some slots, with everything behind it in place.
fn with_longer_table(slots: u64) -> Result<Snapshot, SnapshotError> {
    let mut file = build(&[("own", &[entry(Algorithm::Sha256, 3, None)])]);
    let mut head = Head::parse(&file, file.len() as u64).unwrap();
    let [.., table, labels] = &mut head.sections[..] else { panic!("two sections") };
    table.len += slots * 40;
    labels.offset = (table.offset + table.len).next_multiple_of(64);
    file.resize(labels.offset as usize, 0);
    let bytes = head.encode();
    file[..bytes.len()].copy_from_slice(&bytes);
    reseal(&mut file);
    Snapshot::from_bytes(file)
}

#[test]
fn a_table_is_as_long_as_its_rows_need() {
    with_longer_table(0).unwrap().verify().unwrap();
    let told = |result: Result<(), SnapshotError>| result.unwrap_err().to_string();
    // An entry and the canary: at most one row can stand behind the homes.
    let empty = with_longer_table(1).unwrap().verify();
    assert_eq!(told(empty), "the snapshot is corrupt: a table ends in empty slots");
    let long = with_longer_table(2).map(drop);
    let expected = "the snapshot is corrupt: a table has more or fewer rows than its lists";
    assert_eq!(told(long), expected);
}

/// Written once by this release's first version; it must stay readable, and the compiler must
/// write the same bytes until the format's version is raised.
const GOLDEN: &[u8] = include_bytes!("../golden/v1.s3blist");

#[test]
fn the_golden_file_is_read_and_written() {
    let snapshot = Snapshot::from_bytes(GOLDEN.to_vec()).unwrap();
    snapshot.verify().unwrap();
    let digest = digest(Algorithm::Sha256, 2);
    assert_eq!(told(&snapshot, &digest)[1], (1, "logo".to_owned(), false));
    let names: Vec<_> = snapshot.lists().iter().map(|list| &list.name[..]).collect();
    assert_eq!(names, ["police", "own"]);
    assert_eq!(build(&[("police", &police()), ("own", &own())]), GOLDEN);
}

#[test]
fn a_larger_list_answers_as_a_set_does() {
    let entries: Vec<_> = (0..20_000)
        .map(|i| entry(Algorithm::ALL[i as usize % 3], i, (i % 5 == 0).then_some("x")))
        .collect();
    let snapshot = Snapshot::from_bytes(build(&[("a", &entries)])).unwrap();
    snapshot.verify().unwrap();
    for i in 0..30_000 {
        for (kind, algorithm) in (0..).zip(Algorithm::ALL) {
            let listed = i < 20_000 && i % 3 == kind;
            assert_eq!(!snapshot.lookup(&digest(algorithm, i)).is_empty(), listed, "{i}");
        }
    }
}

/// Digests that begin alike have one home: they must be told apart all the same, also where they
/// reach behind the last home, and where the first of them looks like an empty slot.
#[test]
fn digests_that_share_a_home_are_told_apart() {
    for first in [0, 0xab, 0xff] {
        let with = |last: u16| {
            let mut bytes = [first; 32];
            bytes[30..].copy_from_slice(&last.to_be_bytes());
            Digest::from_bytes(Algorithm::Sha256, &bytes).unwrap()
        };
        for count in [1, 2, 5, 6, 7, 8, 500] {
            let entries: Vec<_> =
                (0..count).map(|i| Entry { hash: with(i * 2).into(), label: None }).collect();
            let snapshot =
                Snapshot::from_bytes(build(&[("a", &entries), ("b", &entries)])).unwrap();
            snapshot.verify().unwrap();
            for i in 0..1002 {
                let listed = i < count * 2 && i % 2 == 0;
                assert_eq!(snapshot.lookup(&with(i)).count(), 2 * usize::from(listed), "{i}");
            }
        }
    }
}

#[test]
fn only_what_is_found_makes_pages_of_the_table_resident() {
    let entries: Vec<_> = (0..3000).map(|i| entry(Algorithm::Sha256, i, None)).collect();
    let file = file_with(&build(&[("a", &entries)]));
    let snapshot = Snapshot::open(file.path()).unwrap();
    let table = snapshot.tables[Algorithm::Sha256 as usize].as_ref().unwrap();
    let pages_used = || {
        let places = (0..snapshot.bytes.len()).step_by(4096);
        places.filter(|place| snapshot.bytes.is_used(*place)).count()
    };
    // Behind the filter, which lets too few of them through.
    let find = |i| table.find(&snapshot.bytes, digest(Algorithm::Sha256, i).as_bytes());
    assert!((3000..9000).all(|i| find(i).is_empty()));
    assert_eq!(pages_used(), 0);
    assert!(!find(7).is_empty());
    assert_eq!(pages_used(), 1);
    assert!((0..3000).all(|i| find(i).len() == 1));
    assert!((3000..9000).all(|i| find(i).is_empty()));
    assert!(pages_used() > 30);
}

proptest! {
    #[test]
    fn compiled_entries_equal_a_map(data in prop::collection::vec(any::<u8>(), 0..200)) {
        check_compiled(&data);
    }

    #[test]
    fn a_changed_file_with_right_checksums_never_misleads(
        changes in prop::collection::vec((0u16..4000, any::<u8>()), 1..5)
    ) {
        let flat: Vec<u8> = changes
            .iter()
            .flat_map(|(at, mask)| [at.to_le_bytes()[0], at.to_le_bytes()[1], *mask])
            .collect();
        check_file(changed(&flat));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&data);
        check_file([&GOLDEN[..100], &data].concat());
    }
}
