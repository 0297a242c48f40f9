use super::*;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::digest::{Md5, Sha256};
use crate::state::record::{CLOCKS_APART, Flight, SpoolId, SpoolRef};

/// Few numbers, tags and digests, so that they meet.
fn records() -> impl Strategy<Value = PartRecord> {
    // Close together, and so far apart that clocks don't matter.
    let began = prop_oneof![0..4_u64, CLOCKS_APART..CLOCKS_APART + 4];
    let flight = (0..2_u64, began, 0..3_u64);
    (1..4_u16, 0..2_u8, 0..2_u8, 0..3_u8, 0..3_u64, 0..3_u64, flight).prop_map(
        |(number, tag, md5, sha256, size, spool, (process, began, took))| PartRecord {
            number,
            tag: PartTag([tag; 16]),
            size,
            digests: Digests {
                md5: Some(Md5([md5; 16])),
                sha1: None,
                sha256: (sha256 > 0).then_some(Sha256([sha256; 32])),
            },
            format: None,
            spool: (spool > 0).then_some(SpoolRef {
                id: SpoolId { nonce: process, serial: spool },
                chunks: 1,
                checksum: 0,
                bytes: size,
            }),
            flight: Flight { process, began, answered: began + took },
        },
    )
}

/// Whether the store had answered the one before the other began, for certain.
fn is_before(one: &PartRecord, other: &PartRecord) -> bool {
    let together = one.flight.process == other.flight.process && !one.is_unanswered();
    let apart = if together { 0 } else { CLOCKS_APART };
    one.flight.answered + apart < other.flight.began
}

fn view(records: &[PartRecord]) -> UploadView {
    let names: BTreeSet<String> = records.iter().map(|record| record.name().unwrap()).collect();
    UploadView::of(names.iter().map(String::as_str))
}

proptest! {
    #[test]
    fn lookups_are_those_of_the_naive_twin(records in prop::collection::vec(records(), 0..12)) {
        let mut twin: BTreeMap<(u16, PartTag), BTreeSet<String>> = BTreeMap::new();
        for record in &records {
            twin.entry((record.number, record.tag)).or_default().insert(record.name().unwrap());
        }
        let view = view(&records);
        for key in (0..5).flat_map(|n| (0..3).map(move |t| (n, PartTag([t; 16])))) {
            let known: Vec<PartRecord> = twin.get(&key).into_iter().flatten()
                .map(|name| PartRecord::parse(name).unwrap()).collect();
            let may_be_replaced = |known: &[PartRecord]| records.iter().any(|other| {
                let other_part = other.number == key.0 && other.tag != key.1;
                other_part
                    && !other.is_same_as(&known[0])
                    && !known.iter().any(|ours| is_before(other, ours))
            });
            let agree = known.iter().all(|a| known.iter().all(|b| a.agrees(b)));
            match view.find(key.0, key.1) {
                Found::Nothing => prop_assert!(known.is_empty()),
                Found::Conflict => prop_assert!(!agree),
                Found::Records(found) => {
                    prop_assert!(agree && found.len() == known.len());
                    prop_assert!(found.iter().all(|record| known.contains(record)));
                    prop_assert!(found[0].spool.is_some() == known.iter().any(|r| r.spool.is_some()));
                }
            }
            match view.resolve(&[key]) {
                Err(Unresolved::Unseen { number }) => prop_assert!(known.is_empty() && number == key.0),
                Err(Unresolved::Conflict { number }) => prop_assert!(!agree && number == key.0),
                Err(Unresolved::Superseded { number }) => {
                    prop_assert!(agree && may_be_replaced(&known) && number == key.0);
                }
                Ok(parts) => {
                    prop_assert!(!may_be_replaced(&known));
                    prop_assert!(known.iter().all(|record| parts[0].agrees(record)));
                }
            }
        }
    }
}

#[test]
fn many_records_of_one_part_are_told_apart_too() {
    let spooled = |serial: u64, digest: u8| PartRecord {
        number: 1,
        tag: PartTag([0; 16]),
        size: 0,
        digests: Digests { md5: None, sha1: None, sha256: Some(Sha256([digest; 32])) },
        format: None,
        spool: Some(SpoolRef {
            id: SpoolId { nonce: 0, serial },
            chunks: 0,
            checksum: 0,
            bytes: 0,
        }),
        flight: Flight::default(),
    };
    let mut records: Vec<_> = (0..2 * PAIRS_MAX as u64).map(|serial| spooled(serial, 1)).collect();
    assert!(matches!(view(&records).find(1, PartTag([0; 16])), Found::Records(_)));
    records.push(spooled(7777, 2));
    assert_eq!(view(&records).find(1, PartTag([0; 16])), Found::Conflict);
}

#[test]
fn marks_are_read_and_foreign_names_counted() {
    let listed = [(1, PartTag([1; 16])), (2, PartTag([2; 16]))];
    let marks =
        [Mark::Created(1_800_000_000), Mark::Created(1_700_000_000), Mark::Completed(&listed)];
    let mut names: Vec<String> = marks.iter().map(Mark::name).collect();
    names.extend(["p2.x", "m1.created.12", "m1.poison", ".DS_Store"].map(String::from));
    let view = UploadView::of(names.iter().map(String::as_str));
    assert_eq!((view.created(), view.is_poisoned()), (Some(1_700_000_000), false));
    assert_eq!((view.foreign(), view.records().len()), (4, 0));
    assert!(view.is_completed(&listed));
    let other = [(1, PartTag([1; 16])), (3, PartTag([2; 16]))];
    for other in [&listed[..1], &listed[1..], &other, &[]] {
        assert!(!view.is_completed(other), "{other:?}");
    }
    assert!(UploadView::of([Mark::Poisoned.name().as_str()]).is_poisoned());
    assert_eq!(UploadView::of([Mark::Coded("br").name().as_str()]).coded(), Some("br"));
    assert_eq!(view.coded(), None);
}

/// A part of number 1 that one process sent.
fn sent(tag: u8, began: u64, nonce: u64) -> PartRecord {
    PartRecord {
        number: 1,
        tag: PartTag([tag; 16]),
        size: 0,
        digests: Digests { md5: None, sha1: None, sha256: Some(Sha256([tag; 32])) },
        format: None,
        spool: Some(SpoolRef {
            id: SpoolId { nonce, serial: began },
            chunks: 0,
            checksum: 0,
            bytes: 0,
        }),
        flight: Flight { process: nonce, began, answered: began + 5 },
    }
}

#[test]
fn only_the_last_part_of_a_number_can_be_listed() {
    let listed = |tag: u8, records: &[PartRecord]| {
        view(records).resolve(&[(1, PartTag([tag; 16]))]).map(|parts| parts.len())
    };
    let superseded = Err(Unresolved::Superseded { number: 1 });
    // One after the other, through one process.
    let [old, new] = [sent(1, 100, 7), sent(2, 106, 7)];
    assert_eq!((listed(1, &[old, new]), listed(2, &[old, new])), (superseded, Ok(1)));
    // At the same time: nobody knows.
    for meanwhile in [sent(2, 105, 7), sent(2, 95, 7)] {
        assert_eq!(listed(1, &[old, meanwhile]), superseded);
        assert_eq!(listed(2, &[old, meanwhile]), superseded);
    }
    // Sent once more, the old one is the last.
    let again = PartRecord { flight: sent(1, 120, 7).flight, ..old };
    assert_eq!((listed(1, &[old, new, again]), listed(2, &[old, new, again])), (Ok(1), superseded));
    // Through two processes only what is far apart has an order.
    for (began, expected) in [(105 + CLOCKS_APART, superseded), (106 + CLOCKS_APART, Ok(1))] {
        assert_eq!(listed(2, &[old, sent(2, began, 8)]), expected, "{began}");
    }
    // The same bytes under another ETag, as stores that encrypt give them, are no matter.
    let same = PartRecord { digests: old.digests, ..new };
    assert_eq!((listed(1, &[old, same]), listed(2, &[old, same])), (Ok(1), Ok(1)));
    // What the store had and did not answer may have replaced what came before it only.
    let lost = PartRecord { tag: PartTag::none(), spool: None, ..sent(3, 110, 7) };
    assert_eq!(listed(1, &[old, lost]), superseded);
    assert_eq!(listed(3, &[sent(3, 120, 7), lost]), Ok(1), "sent again");
    // A copy that nobody read back, which has no bytes here, has its order too.
    let copy = |part: PartRecord| PartRecord { digests: Digests::default(), spool: None, ..part };
    let copied = copy(old);
    assert_eq!((listed(1, &[copied, new]), listed(2, &[copied, new])), (superseded, Ok(1)));
    assert_eq!((listed(2, &[copied, copy(new)]), listed(2, &[old, copy(new)])), (Ok(1), Ok(1)));
    for other in [sent(2, 105, 7), sent(2, 106, 8)] {
        assert_eq!(listed(2, &[copied, copy(other)]), superseded, "{other:?}");
    }
    // Not if its answer never came: the store may still be at it.
    let lost = PartRecord { tag: PartTag::none(), ..copied };
    assert_eq!(listed(2, &[lost, copy(new)]), superseded);
    assert_eq!(listed(2, &[lost, copy(sent(2, 106 + CLOCKS_APART, 7))]), Ok(1));
}

#[test]
fn what_was_sent_since_is_no_repetition() {
    let [old, new] = [sent(1, 100, 7), sent(2, 106, 7)];
    let listed = [(1, old.tag)];
    let done = Mark::Completed(&listed).name();
    let is_done = |records: &[PartRecord]| {
        let names: Vec<String> = records.iter().map(|r| r.name().unwrap()).collect();
        UploadView::of(names.iter().chain([&done]).map(String::as_str)).is_completed(&listed)
    };
    let elsewhere = PartRecord { number: 2, ..new };
    assert!(is_done(&[]) && is_done(&[old]) && is_done(&[old, elsewhere]));
    assert!(!is_done(&[new]) && !is_done(&[old, new]));
}
