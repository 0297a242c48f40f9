//! The verdict's algebra as tables. Lists, digests and names are made up.

mod near;
mod rules;
mod unjudged;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::digest::{Algorithm, AlgorithmSet, Digest, Digests, Kernel, MultiHasher};
use crate::inspect::{Evidence, Gap, Origin, Sighting};
use crate::list::{Entry, Label, Part, Snapshot, canary_image, compile};

const BUCKET: &str = "photos";

/// One configured list: its entries are (algorithm, body) pairs, and its name is all lower case.
#[derive(Clone)]
struct List {
    name: &'static str,
    polarity: Polarity,
    mode: Mode,
    entries: Vec<(Algorithm, &'static [u8])>,
}

fn block(name: &'static str, mode: Mode, entries: &[(Algorithm, &'static [u8])]) -> List {
    List { name, polarity: Polarity::Block, mode, entries: entries.to_vec() }
}

fn allow(name: &'static str, entries: &[(Algorithm, &'static [u8])]) -> List {
    List { polarity: Polarity::Allow, ..block(name, Mode::Enforce, entries) }
}

/// A rulebook whose snapshot holds the lists in reverse order, so that an index into the one taken
/// for an index into the other shows.
fn rulebook(lists: &[List]) -> Rulebook {
    let compiled: Vec<(&str, Vec<Entry>)> =
        lists.iter().rev().map(|list| (list.name, entries(list))).collect();
    let parts: Vec<Part> = compiled.iter().map(|(name, entries)| Part { name, entries }).collect();
    let mut bytes = Vec::new();
    compile(&parts, &mut bytes).unwrap();
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    let of_snapshot = (0..lists.len() as u16).rev().collect();
    Rulebook::new(Some(Arc::new(snapshot)), of_snapshot, lists.iter().map(rule_of).collect())
}

fn rule_of(list: &List) -> ListRule {
    let List { name, polarity, mode, .. } = *list;
    ListRule { name: name.into(), polarity, mode, loaded: true, stale: false, near: None }
}

/// Each entry is labelled with its list and its place there: `police-0`.
fn entries(list: &List) -> Vec<Entry> {
    let entry = |(at, (algorithm, body)): (usize, &(Algorithm, &'static [u8]))| {
        let digest = digests(body).of(*algorithm).unwrap();
        let label = Label::new(&format!("{}-{at}", list.name), &[digest.into()]).unwrap();
        Entry { hash: digest.into(), label: Some(label) }
    };
    list.entries.iter().enumerate().map(entry).collect()
}

fn digests(body: &[u8]) -> Digests {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::default());
    hasher.update(body);
    hasher.finish()
}

fn evidence(body: &[u8]) -> Evidence {
    Evidence { digests: digests(body), payload: body.len() as u64, ..Evidence::default() }
}

/// A bucket for which all of `lists` lists count.
fn bucket(mode: Mode, lists: usize) -> BucketRule {
    BucketRule {
        mode,
        lists: (0..lists as u16).collect(),
        unjudged: OnUnjudged::Forward,
        by_reason: BTreeMap::new(),
        faults: OnFault::Retry,
        surface: Surface::default(),
    }
}

/// Operators' acts: what is observed, and which `list/entry` is disabled.
#[derive(Clone, Copy, Default)]
struct Acts {
    observed_list: Option<&'static str>,
    observed_bucket: Option<&'static str>,
    disabled: Option<&'static str>,
}

const NO_ACTS: Acts = Acts { observed_list: None, observed_bucket: None, disabled: None };

impl Exceptions for Acts {
    fn observes(&self, list: &str, bucket: &str) -> bool {
        self.observed_list == Some(list) || self.observed_bucket == Some(bucket)
    }

    fn is_disabled(&self, list: &str, entry: &str) -> bool {
        self.disabled.is_some_and(|disabled| disabled == format!("{list}/{entry}"))
    }
}

fn judged(lists: &[List], rule: &BucketRule, body: &[u8], acts: Acts) -> Verdict {
    judge(&rulebook(lists), rule, BUCKET, &evidence(body), None, &acts)
}

/// The outcome, and the entry that it rests on, for a body `x` in a bucket where every list counts.
fn told(lists: &[List], bucket_mode: Mode, acts: Acts) -> (Outcome, Option<String>, Mode) {
    let verdict = judged(lists, &bucket(bucket_mode, lists.len()), b"x", acts);
    let matched = verdict.matched.map(|m| format!("{}/{}", m.list, m.entry));
    (verdict.outcome, matched, verdict.mode)
}

const MD5: (Algorithm, &[u8]) = (Algorithm::Md5, b"x");
const SHA1: (Algorithm, &[u8]) = (Algorithm::Sha1, b"x");
const SHA256: (Algorithm, &[u8]) = (Algorithm::Sha256, b"x");
const OTHER: (Algorithm, &[u8]) = (Algorithm::Sha256, b"other");

#[test]
fn each_kind_of_digest_convicts_and_others_do_not() {
    for kind in [MD5, SHA1, SHA256] {
        let (outcome, matched, mode) =
            told(&[block("police", Mode::Enforce, &[OTHER, kind])], Mode::Enforce, NO_ACTS);
        assert_eq!(outcome, Outcome::Deny, "{kind:?}");
        assert_eq!(matched.as_deref(), Some("police/police-1"));
        assert_eq!(mode, Mode::Enforce);
    }
    let clean = told(&[block("police", Mode::Enforce, &[OTHER])], Mode::Enforce, NO_ACTS);
    assert_eq!(clean, (Outcome::Allow, None, Mode::Enforce));
}

/// Invariant 5: what was not computed by us is not looked up, whatever else is known.
#[test]
fn a_digest_that_was_not_computed_convicts_nobody() {
    let rules = rulebook(&[block("police", Mode::Enforce, &[MD5])]);
    let mut seen = evidence(b"x");
    seen.digests.md5 = None;
    let verdict = judge(&rules, &bucket(Mode::Enforce, 1), BUCKET, &seen, None, &NO_ACTS);
    assert_eq!(verdict.outcome, Outcome::Allow);
}

#[test]
fn sha256_acquits_and_broken_digests_do_not() {
    let police = block("police", Mode::Enforce, &[MD5, SHA1, SHA256]);
    for (kind, acquits) in [(MD5, false), (SHA1, false), (SHA256, true)] {
        let known = allow("known", &[kind]);
        for lists in [[police.clone(), known.clone()], [known.clone(), police.clone()]] {
            let (outcome, matched, _) = told(&lists, Mode::Enforce, NO_ACTS);
            let expected = if acquits { Outcome::Allow } else { Outcome::Deny };
            assert_eq!(outcome, expected, "{kind:?}");
            let by = matched.unwrap();
            assert!(by.starts_with(if acquits { "known/" } else { "police/" }), "{by}");
        }
    }
}

/// The weaker of list and bucket wins, and the record is told the mode that applied.
#[test]
fn the_weaker_mode_wins() {
    use Mode::{Enforce, Off, Shadow};
    let table = [
        (Enforce, Enforce, Outcome::Deny, Enforce),
        (Enforce, Shadow, Outcome::WouldDeny, Shadow),
        (Shadow, Enforce, Outcome::WouldDeny, Shadow),
        (Shadow, Shadow, Outcome::WouldDeny, Shadow),
        (Enforce, Off, Outcome::Allow, Off),
        (Shadow, Off, Outcome::Allow, Off),
    ];
    for (list, of_bucket, outcome, mode) in table {
        let (told, matched, told_mode) =
            told(&[block("police", list, &[SHA256])], of_bucket, NO_ACTS);
        assert_eq!((&told, told_mode), (&outcome, mode), "list {list}, bucket {of_bucket}");
        assert_eq!(matched.is_some(), of_bucket != Off);
    }
}

#[test]
fn the_strongest_of_several_lists_decides() {
    let watched = block("watched", Mode::Shadow, &[SHA256]);
    let police = block("police", Mode::Enforce, &[MD5]);
    let known = allow("known", &[SHA256]);
    let quiet = block("quiet", Mode::Enforce, &[OTHER]);
    let table: [(&[List], Outcome, &str); 4] = [
        (&[watched.clone(), quiet.clone()], Outcome::WouldDeny, "watched/"),
        (&[watched.clone(), quiet.clone(), police.clone()], Outcome::Deny, "police/"),
        (&[police.clone(), watched.clone()], Outcome::Deny, "police/"),
        (&[police, watched, known, quiet], Outcome::Allow, "known/"),
    ];
    for (lists, outcome, by) in table {
        let (told, matched, _) = told(lists, Mode::Enforce, NO_ACTS);
        assert_eq!(told, outcome);
        assert!(matched.unwrap().starts_with(by));
    }
}

/// A list counts only where the bucket names it, allow lists too.
#[test]
fn lists_of_other_buckets_do_not_count() {
    let lists = [
        block("police", Mode::Enforce, &[SHA256]),
        block("watched", Mode::Shadow, &[SHA256]),
        allow("known", &[SHA256]),
    ];
    let table: [(&[u16], Outcome); 5] = [
        (&[], Outcome::Allow),
        (&[0], Outcome::Deny),
        (&[1], Outcome::WouldDeny),
        (&[0, 1], Outcome::Deny),
        (&[0, 1, 2], Outcome::Allow),
    ];
    for (named, outcome) in table {
        let rule = BucketRule { lists: named.to_vec(), ..bucket(Mode::Enforce, 0) };
        let verdict = judged(&lists, &rule, b"x", NO_ACTS);
        assert_eq!(verdict.outcome, outcome, "{named:?}");
        assert_eq!(verdict.matched.is_some(), !named.is_empty());
    }
}

#[test]
fn a_disabled_entry_is_as_if_it_were_not_there() {
    let lists = [block("police", Mode::Enforce, &[SHA256, OTHER]), allow("known", &[SHA256])];
    let disabled = |entry| Acts { disabled: Some(entry), ..NO_ACTS };
    let told = |lists: &[List], acts| told(lists, Mode::Enforce, acts).0;
    assert_eq!(told(&lists[..1], disabled("police/police-0")), Outcome::Allow);
    assert_eq!(told(&lists[..1], disabled("police/police-1")), Outcome::Deny, "another entry");
    assert_eq!(told(&lists[..1], disabled("known/police-0")), Outcome::Deny, "another list");
    assert_eq!(told(&lists, disabled("known/known-0")), Outcome::Deny, "it acquits no more");
    let twice = [block("police", Mode::Enforce, &[MD5, SHA256])];
    assert_eq!(told(&twice, disabled("police/police-0")), Outcome::Deny, "the other kind stays");
}

#[test]
fn what_is_observed_is_recorded_and_not_refused() {
    let police = block("police", Mode::Enforce, &[SHA256]);
    let second = block("second", Mode::Enforce, &[SHA256]);
    let list = |list| Acts { observed_list: Some(list), ..NO_ACTS };
    let of_bucket = |bucket| Acts { observed_bucket: Some(bucket), ..NO_ACTS };
    let both = [police.clone(), second];
    let table: [(&[List], Acts, Outcome); 6] = [
        (&both[..1], list("police"), Outcome::WouldDeny),
        (&both[..1], list("second"), Outcome::Deny),
        (&both, list("police"), Outcome::Deny),
        (&both, of_bucket(BUCKET), Outcome::WouldDeny),
        (&both, of_bucket("others"), Outcome::Deny),
        (&[police, allow("known", &[SHA256])], of_bucket(BUCKET), Outcome::Allow),
    ];
    for (at, (lists, acts, outcome)) in table.into_iter().enumerate() {
        let (told, _, mode) = told(lists, Mode::Enforce, acts);
        assert_eq!(told, outcome, "row {at}");
        assert_eq!(mode == Mode::Shadow, outcome == Outcome::WouldDeny, "row {at}");
    }
}

/// Every compiled list holds the canary; on an allow list it must not acquit what proves that the
/// bucket enforces.
#[test]
fn no_allow_list_acquits_the_canary() {
    let canary = canary_image();
    let police = block("police", Mode::Enforce, &[OTHER]);
    let known = allow("known", &[OTHER]);
    for lists in [vec![police.clone(), known.clone()], vec![known.clone(), police.clone()]] {
        let verdict = judged(&lists, &bucket(Mode::Enforce, 2), &canary, NO_ACTS);
        assert_eq!(verdict.outcome, Outcome::Deny);
        assert_eq!(&*verdict.matched.unwrap().list, "police");
    }
    let alone = judged(&[known], &bucket(Mode::Enforce, 1), &canary, NO_ACTS);
    assert_eq!((alone.outcome, alone.matched), (Outcome::Allow, None));
    let shadow = judged(&[police], &bucket(Mode::Shadow, 1), &canary, NO_ACTS);
    assert_eq!(shadow.outcome, Outcome::WouldDeny);
}

/// Invariant 5: an empty body is never denied, even where a list held its digest.
#[test]
fn nothing_convicts_an_empty_body() {
    let lists = [block("police", Mode::Enforce, &[SHA256])];
    let seen = Evidence { payload: 0, ..evidence(b"x") };
    let rules = rulebook(&lists);
    let rule = bucket(Mode::Enforce, 1);
    assert_eq!(judge(&rules, &rule, BUCKET, &seen, None, &NO_ACTS).outcome, Outcome::Allow);
    let beforehand = Some(Unjudged::Form);
    let verdict = judge(&rules, &rule, BUCKET, &seen, beforehand, &NO_ACTS);
    assert!(matches!(verdict.outcome, Outcome::Unjudged { reason: Unjudged::Form, .. }));
    let one_byte = judge(&rules, &rule, BUCKET, &evidence(b"x"), None, &NO_ACTS);
    assert_eq!(one_byte.outcome, Outcome::Deny, "one byte is enough");
}

/// A hit is stronger than the reason for which a body cannot be judged; that is stronger than no
/// hit at all.
#[test]
fn a_hit_beats_unjudged_and_unjudged_beats_none() {
    let reason = Some(Unjudged::MultipartOrder);
    let judged = |lists: &[List]| {
        let rules = rulebook(lists);
        let rule = bucket(Mode::Enforce, lists.len());
        judge(&rules, &rule, BUCKET, &evidence(b"x"), reason, &NO_ACTS).outcome
    };
    assert_eq!(judged(&[block("police", Mode::Enforce, &[SHA256])]), Outcome::Deny);
    assert_eq!(judged(&[block("police", Mode::Shadow, &[SHA256])]), Outcome::WouldDeny);
    assert_eq!(judged(&[allow("known", &[SHA256])]), Outcome::Allow);
    assert!(matches!(
        judged(&[block("police", Mode::Enforce, &[OTHER])]),
        Outcome::Unjudged { reason: Unjudged::MultipartOrder, refused: false }
    ));
}

/// The algebra does not depend on which way round two lists stand, nor on a digest's kind: all
/// pairs of what an entry can be, against the rule spelled out once more.
#[test]
fn every_pair_of_lists_obeys_the_order_of_strength() {
    let mut kinds = Vec::new();
    for polarity in [Polarity::Block, Polarity::Allow] {
        for mode in [Mode::Shadow, Mode::Enforce] {
            for entry in [MD5, SHA1, SHA256, OTHER] {
                kinds.push((polarity, mode, entry));
            }
        }
    }
    let strength = |(polarity, mode, entry): (Polarity, Mode, (Algorithm, &[u8]))| match polarity {
        _ if entry == OTHER => 0,
        Polarity::Allow if entry == SHA256 => 3,
        Polarity::Allow => 0,
        Polarity::Block if mode == Mode::Enforce => 2,
        Polarity::Block => 1,
    };
    let outcomes = [Outcome::Allow, Outcome::WouldDeny, Outcome::Deny, Outcome::Allow];
    for &one in &kinds {
        for &two in &kinds {
            let list =
                |name, (polarity, mode, entry)| List { polarity, ..block(name, mode, &[entry]) };
            let lists = [list("one", one), list("two", two)];
            let (outcome, matched, _) = told(&lists, Mode::Enforce, NO_ACTS);
            let strongest = strength(one).max(strength(two));
            assert_eq!(outcome, outcomes[strongest], "{one:?} {two:?}");
            assert_eq!(matched.is_some(), strongest > 0, "{one:?} {two:?}");
        }
    }
}

/// The digest of another body in the same table hits nothing.
#[test]
fn a_near_miss_is_a_miss() {
    let rules = rulebook(&[block("police", Mode::Enforce, &[SHA256])]);
    let mut seen = evidence(b"x");
    for at in 0..32 {
        let mut flipped = digests(b"x").sha256.unwrap();
        flipped.0[at] ^= 1;
        seen.digests = Digests { sha256: Some(flipped), ..Digests::default() };
        let verdict = judge(&rules, &bucket(Mode::Enforce, 1), BUCKET, &seen, None, &NO_ACTS);
        assert_eq!(verdict.outcome, Outcome::Allow, "byte {at}");
    }
    assert!(matches!(digests(b"x").of(Algorithm::Sha256), Some(Digest::Sha256(_))));
}

/// Evidence of a body that holds others.
fn holding(body: &[u8], within: &[(Origin, &[u8])]) -> Evidence {
    let sighting = |&(origin, bytes): &(Origin, &[u8])| Sighting {
        origin,
        digests: digests(bytes),
        bytes: bytes.len() as u64,
    };
    Evidence { within: within.iter().map(sighting).collect(), ..evidence(body) }
}

fn judged_whole(lists: &[List], seen: &Evidence) -> (Outcome, Option<Origin>) {
    let rule = bucket(Mode::Enforce, lists.len());
    let verdict = judge(&rulebook(lists), &rule, BUCKET, seen, None, &NO_ACTS);
    (verdict.outcome, verdict.matched.and_then(|hit| hit.within))
}

#[test]
fn what_lies_within_a_body_convicts_it() {
    let lists = [block("police", Mode::Enforce, &[SHA256])];
    let seen = holding(b"archive", &[(Origin::Member, b"harmless"), (Origin::Member, b"x")]);
    assert_eq!(judged_whole(&lists, &seen), (Outcome::Deny, Some(Origin::Member)));
    let seen = holding(b"x", &[(Origin::Trimmed, b"x")]);
    assert_eq!(judged_whole(&lists, &seen), (Outcome::Deny, None), "the body itself comes first");
    let seen = holding(b"archive", &[(Origin::Decoded, b"harmless")]);
    assert_eq!(judged_whole(&lists, &seen), (Outcome::Allow, None));
}

#[test]
fn an_allow_entry_for_a_member_acquits_no_other() {
    let police = block("police", Mode::Enforce, &[SHA256, OTHER]);
    let good = allow("good", &[SHA256]);
    let lists = [police, good];
    let seen = holding(b"archive", &[(Origin::Member, b"x"), (Origin::Member, b"other")]);
    assert_eq!(judged_whole(&lists, &seen).0, Outcome::Deny);
    let seen = holding(b"archive", &[(Origin::Member, b"x")]);
    assert_eq!(judged_whole(&lists, &seen).0, Outcome::Allow);
    let seen = holding(b"x", &[(Origin::Embedded, b"other")]);
    assert_eq!(judged_whole(&lists, &seen).0, Outcome::Allow, "the operator knows this very body");
}

#[test]
fn of_hits_within_a_body_the_enforced_one_counts() {
    let lists =
        [block("watched", Mode::Shadow, &[SHA256]), block("police", Mode::Enforce, &[OTHER])];
    let seen = holding(b"archive", &[(Origin::Member, b"x"), (Origin::Decoded, b"other")]);
    assert_eq!(judged_whole(&lists, &seen), (Outcome::Deny, Some(Origin::Decoded)));
}

#[test]
fn a_gap_in_the_evidence_is_unjudged_unless_there_is_a_hit() {
    let lists = [block("police", Mode::Enforce, &[SHA256])];
    for (gap, reason) in [
        (Gap::Encoding, Unjudged::Encoding),
        (Gap::Encrypted, Unjudged::Encrypted),
        (Gap::Archive, Unjudged::Archive),
        (Gap::TooLarge, Unjudged::TooLarge),
    ] {
        let seen = Evidence { gap: Some(gap), ..evidence(b"harmless") };
        assert_eq!(judged_whole(&lists, &seen).0, Outcome::Unjudged { reason, refused: false });
        let seen = Evidence { gap: Some(gap), ..evidence(b"x") };
        assert_eq!(judged_whole(&lists, &seen).0, Outcome::Deny);
    }
}
