//! What the rules say before a body is looked at.

use super::*;

/// Whether the gate may refuse anything in a bucket: a block list must be enforced there now.
#[test]
fn a_bucket_enforces_by_a_block_list_that_is_enforced() {
    let police = block("police", Mode::Enforce, &[SHA256]);
    let watched = block("watched", Mode::Shadow, &[SHA256]);
    let known = allow("known", &[SHA256]);
    let observed = |list| Acts { observed_list: Some(list), ..NO_ACTS };
    let of_bucket = Acts { observed_bucket: Some(BUCKET), ..NO_ACTS };
    let table: [(&[List], Mode, Acts, bool); 10] = [
        (std::slice::from_ref(&police), Mode::Enforce, NO_ACTS, true),
        (std::slice::from_ref(&police), Mode::Shadow, NO_ACTS, false),
        (std::slice::from_ref(&police), Mode::Off, NO_ACTS, false),
        (std::slice::from_ref(&watched), Mode::Enforce, NO_ACTS, false),
        (std::slice::from_ref(&known), Mode::Enforce, NO_ACTS, false),
        (&[watched.clone(), police.clone()], Mode::Enforce, NO_ACTS, true),
        (std::slice::from_ref(&police), Mode::Enforce, observed("police"), false),
        (std::slice::from_ref(&police), Mode::Enforce, observed("watched"), true),
        (std::slice::from_ref(&police), Mode::Enforce, of_bucket, false),
        (&[police.clone(), known.clone()], Mode::Enforce, NO_ACTS, true),
    ];
    for (at, (lists, mode, acts, expected)) in table.into_iter().enumerate() {
        let rules = rulebook(lists);
        assert_eq!(rules.enforces(&bucket(mode, lists.len()), BUCKET, &acts), expected, "row {at}");
        assert!(!rules.enforces(&bucket(mode, 0), BUCKET, &acts), "no list counts: row {at}");
    }
    assert!(!Rulebook::default().enforces(&bucket(Mode::Enforce, 3), BUCKET, &NO_ACTS));
}

#[test]
fn a_list_that_was_never_loaded_is_worse_than_a_stale_one() {
    let base = rulebook(&[
        block("police", Mode::Enforce, &[SHA256]),
        block("watched", Mode::Shadow, &[SHA256]),
    ]);
    let fault = |mode, lists: &[u16], loaded: [bool; 2], stale: [bool; 2]| {
        let mut rules = base.clone();
        for (at, list) in rules.lists.iter_mut().enumerate() {
            (list.loaded, list.stale) = (loaded[at], stale[at]);
        }
        rules.list_fault(&BucketRule { lists: lists.to_vec(), ..bucket(mode, 0) })
    };
    let (yes, no) = ([true, true], [false, false]);
    assert_eq!(fault(Mode::Enforce, &[0, 1], yes, no), None);
    assert_eq!(fault(Mode::Enforce, &[0, 1], [true, false], no), Some(Unjudged::NoList));
    assert_eq!(fault(Mode::Enforce, &[0, 1], yes, [false, true]), Some(Unjudged::StaleList));
    let worse = fault(Mode::Enforce, &[0, 1], [true, false], [true, false]);
    assert_eq!(worse, Some(Unjudged::NoList));
    assert_eq!(fault(Mode::Shadow, &[0], no, no), Some(Unjudged::NoList), "shadow records it");
    assert_eq!(fault(Mode::Enforce, &[0], [true, false], [false, true]), None, "another's list");
    assert_eq!(fault(Mode::Off, &[0, 1], no, yes), None);
    assert_eq!(fault(Mode::Enforce, &[], no, yes), None);
}

/// Only what the lists hold is computed, and nothing where nothing is looked at.
#[test]
fn digests_are_wanted_where_a_list_needs_them() {
    let rules = rulebook(&[block("police", Mode::Enforce, &[MD5, SHA256])]);
    let some = AlgorithmSet::NONE.with(Algorithm::Md5).with(Algorithm::Sha256);
    assert_eq!(rules.wanted(&bucket(Mode::Enforce, 1)), some);
    assert_eq!(rules.wanted(&bucket(Mode::Shadow, 1)), some);
    assert_eq!(rules.wanted(&bucket(Mode::Off, 1)), AlgorithmSet::NONE);
    assert_eq!(rules.wanted(&bucket(Mode::Enforce, 0)), AlgorithmSet::NONE);
    assert_eq!(Rulebook::default().wanted(&bucket(Mode::Enforce, 1)), AlgorithmSet::NONE);
}
