use super::*;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::digest::{Md5, Sha256};
use crate::state::record::{SpoolId, SpoolRef};

/// Few numbers, tags and digests, so that they meet.
fn records() -> impl Strategy<Value = PartRecord> {
    (1..4_u16, 0..2_u8, 0..2_u8, 0..3_u8, 0..3_u64, 0..3_u64).prop_map(
        |(number, tag, md5, sha256, size, spool)| PartRecord {
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
                id: SpoolId { nonce: 0, serial: spool },
                chunks: 1,
                checksum: 0,
                bytes: size,
            }),
        },
    )
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
                Ok(parts) => prop_assert!(known.iter().all(|record| parts[0].agrees(record))),
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
}
