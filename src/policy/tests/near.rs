//! Likeness in the algebra: what a picture near an entry comes to.

use super::*;
use crate::image::{Convention, ImageFault, Limits, Looks, Variant, Wanted, look};
use crate::inspect::Pictured;
use crate::list::{EntryId, NearHit};

/// Queries that are made of one look.
const PER_LOOK: usize = 16;

/// The canary, whole under both conventions and with margins: three looks, all of quality 80.
fn looks() -> Looks {
    let wanted = Wanted {
        conventions: Convention::ALL.to_vec(),
        variants: vec![Variant::Padded(50)],
        ..Wanted::default()
    };
    let mut looks = look(&canary_image(), &Limits::DEFAULT, &wanted, &|| false).unwrap();
    assert_eq!(looks.pdq.len(), 3);
    looks.pdq.iter_mut().for_each(|look| look.fingerprint.quality = 80);
    looks
}

const FULL: usize = 0;
const RESIZED: usize = 1;
const PADDED: usize = 2;

/// A picture that is `distance` bits from an entry of list 0 of the snapshot, by one of its looks.
fn picture(look: usize, distance: u32) -> Pictured {
    let hit = NearHit {
        list: 0,
        entry: EntryId::new(&digests(b"x").of(Algorithm::Sha256).unwrap().into(), Some("listed")),
        canary: false,
        distance,
        query: look * PER_LOOK,
    };
    Pictured { hits: vec![hit], ..Pictured::new(None, looks()) }
}

fn rule(mode: Mode) -> NearRule {
    NearRule { mode, ..NearRule::default() }
}

fn of(near: NearRule, list: List, picture: Pictured) -> Verdict {
    let mut rules = rulebook(&[list]);
    rules.lists[0].near = Some(near);
    let seen = Evidence { pictures: vec![picture], ..evidence(b"some picture") };
    judge(&rules, &bucket(Mode::Enforce, 1), BUCKET, &seen, None, &NO_ACTS)
}

fn list() -> List {
    block("pictures", Mode::Enforce, &[SHA256])
}

fn outcome(near: NearRule, picture: Pictured) -> (Outcome, Option<&'static str>) {
    let verdict = of(near, list(), picture);
    (verdict.outcome, verdict.matched.map(|hit| hit.reason()))
}

const ALLOW: (Outcome, Option<&str>) = (Outcome::Allow, None);

#[test]
fn distance_decides_and_the_wide_band_only_flags() {
    for (distance, expected) in [
        (0, (Outcome::Deny, Some("near"))),
        (31, (Outcome::Deny, Some("near"))),
        (32, (Outcome::WouldDeny, Some("near-wide"))),
        (48, (Outcome::WouldDeny, Some("near-wide"))),
        (49, ALLOW),
    ] {
        assert_eq!(outcome(rule(Mode::Enforce), picture(FULL, distance)), expected, "{distance}");
    }
    let denying = NearRule { wide_denies: true, ..rule(Mode::Enforce) };
    assert_eq!(outcome(denying, picture(FULL, 48)).0, Outcome::Deny);
    let none = NearRule { wide: Some(0), ..rule(Mode::Enforce) };
    assert_eq!(outcome(none.clone(), picture(FULL, 31)).0, Outcome::Deny);
    assert_eq!(outcome(none, picture(FULL, 32)), ALLOW);
    let strict = NearRule { distance: Some(10), wide: Some(12), ..rule(Mode::Enforce) };
    let told = [10, 12, 14].map(|distance| outcome(strict.clone(), picture(FULL, distance)).0);
    assert_eq!(told, [Outcome::Deny, Outcome::WouldDeny, Outcome::Allow]);
}

#[test]
fn only_looks_that_the_list_compares_count() {
    for (look, convention) in [(FULL, Convention::Full), (RESIZED, Convention::Resized512)] {
        let near = NearRule { convention, ..rule(Mode::Enforce) };
        assert_eq!(outcome(near.clone(), picture(look, 0)).0, Outcome::Deny);
        assert_eq!(outcome(near, picture(1 - look, 0)), ALLOW);
    }
    assert_eq!(outcome(rule(Mode::Enforce), picture(PADDED, 0)), ALLOW);
    let padding = NearRule { variants: Variant::PADS.to_vec(), ..rule(Mode::Enforce) };
    let flagged = (Outcome::WouldDeny, Some("near-padded"));
    assert_eq!(outcome(padding.clone(), picture(PADDED, 0)), flagged);
    let denying = NearRule { variants_deny: true, ..padding };
    assert_eq!(outcome(denying.clone(), picture(PADDED, 0)).0, Outcome::Deny);
    let wide = (Outcome::WouldDeny, Some("near-padded-wide"));
    assert_eq!(outcome(denying, picture(PADDED, 40)), wide);
}

#[test]
fn pictures_of_low_quality_are_not_compared() {
    for (quality, expected) in [(50, Outcome::Deny), (49, Outcome::Allow)] {
        let mut picture = picture(FULL, 0);
        picture.looks.pdq[FULL].fingerprint.quality = quality;
        assert_eq!(outcome(rule(Mode::Enforce), picture).0, expected);
    }
}

#[test]
fn the_mode_of_likeness_is_its_own() {
    let told =
        |mode, near| of(rule(near), block("pictures", mode, &[SHA256]), picture(FULL, 0)).outcome;
    assert_eq!(told(Mode::Enforce, Mode::Shadow), Outcome::WouldDeny);
    assert_eq!(told(Mode::Shadow, Mode::Enforce), Outcome::Deny);
    let observed = Acts { observed_list: Some("pictures"), ..NO_ACTS };
    let disabled = Acts { disabled: Some("pictures/listed"), ..NO_ACTS };
    for (acts, expected) in [(observed, Outcome::WouldDeny), (disabled, Outcome::Allow)] {
        let mut rules = rulebook(&[list()]);
        rules.lists[0].near = Some(rule(Mode::Enforce));
        let seen = Evidence { pictures: vec![picture(FULL, 0)], ..evidence(b"some picture") };
        let verdict = judge(&rules, &bucket(Mode::Enforce, 1), BUCKET, &seen, None, &acts);
        assert_eq!(verdict.outcome, expected);
    }
}

#[test]
fn likeness_acquits_nobody() {
    let allow = allow("known", &[SHA256]);
    assert_eq!(of(rule(Mode::Enforce), allow, picture(FULL, 0)).outcome, Outcome::Allow);
    // Nor does an allow list's picture stand against a block list's: it counts for nothing.
    let mut rules = rulebook(&[list(), super::allow("known", &[OTHER])]);
    rules.lists.iter_mut().for_each(|list| list.near = Some(rule(Mode::Enforce)));
    let both = [0, 1].map(|of| {
        let mut picture = picture(FULL, 0);
        picture.hits[0].list = of;
        picture
    });
    let seen = Evidence { pictures: both.into(), ..evidence(b"some picture") };
    let verdict = judge(&rules, &bucket(Mode::Enforce, 2), BUCKET, &seen, None, &NO_ACTS);
    assert_eq!(verdict.outcome, Outcome::Deny);
}

#[test]
fn an_exact_acquittal_beats_likeness_and_likeness_beats_what_is_observed() {
    let mut rules = rulebook(&[list(), super::allow("known", &[OTHER])]);
    rules.lists[0].near = Some(rule(Mode::Enforce));
    rules.lists[0].mode = Mode::Shadow;
    // The snapshot holds the lists the other way round.
    let mut like = picture(FULL, 0);
    like.hits[0].list = 1;
    let told = |body: &[u8]| {
        let seen = Evidence { pictures: vec![like.clone()], ..evidence(body) };
        let verdict = judge(&rules, &bucket(Mode::Enforce, 2), BUCKET, &seen, None, &NO_ACTS);
        (verdict.outcome, verdict.matched.map(|hit| hit.reason()))
    };
    assert_eq!(told(b"other"), (Outcome::Allow, Some("exact")));
    assert_eq!(told(b"x"), (Outcome::Deny, Some("near")));
}

#[test]
fn the_nearest_of_equal_hits_is_told() {
    let mut found = picture(FULL, 20);
    let nearer = NearHit { distance: 4, query: FULL * PER_LOOK + 7, ..found.hits[0].clone() };
    found.hits.push(nearer);
    let matched = of(rule(Mode::Enforce), list(), found).matched.unwrap();
    let Basis::Near(near) = matched.basis else { panic!() };
    assert_eq!((near.distance, matched.distance()), (4, 4));
    assert_eq!((near.attitude.orientation, near.attitude.negative), (3, true));
}

#[test]
fn what_could_not_be_looked_at_matters_where_pictures_are_compared() {
    for (fault, reason) in [
        (ImageFault::Format, Unjudged::Format),
        (ImageFault::Truncated, Unjudged::Truncated),
        (ImageFault::Pixels, Unjudged::Pixels),
        (ImageFault::Frames, Unjudged::Frames),
        (ImageFault::Scans, Unjudged::Scans),
        (ImageFault::Memory, Unjudged::Memory),
        (ImageFault::Time, Unjudged::Time),
        (ImageFault::Decoder, Unjudged::DecoderFault),
    ] {
        let seen = Evidence { unseen: Some(fault), ..evidence(b"some picture") };
        let mut rules = rulebook(&[list()]);
        let told = |rules: &Rulebook| {
            judge(rules, &bucket(Mode::Enforce, 1), BUCKET, &seen, None, &NO_ACTS).outcome
        };
        assert_eq!(told(&rules), Outcome::Allow);
        rules.lists[0].near = Some(rule(Mode::Shadow));
        let refused = reason.is_fault();
        assert_eq!(told(&rules), Outcome::Unjudged { reason, refused }, "{fault}");
    }
}

/// Who asks for what can't be judged to be refused does not want it to pass for a mere suspicion.
#[test]
fn what_is_refused_unjudged_is_not_saved_by_a_hit_that_is_observed() {
    let mut rules = rulebook(&[list()]);
    rules.lists[0].near = Some(rule(Mode::Enforce));
    let mut bucket = bucket(Mode::Enforce, 1);
    let seen = Evidence {
        pictures: vec![picture(FULL, 40)],
        unseen: Some(ImageFault::Truncated),
        ..evidence(b"some picture")
    };
    let told = |bucket: &BucketRule| judge(&rules, bucket, BUCKET, &seen, None, &NO_ACTS).outcome;
    assert_eq!(told(&bucket), Outcome::WouldDeny);
    bucket.unjudged = OnUnjudged::Refuse;
    assert_eq!(told(&bucket), Outcome::Unjudged { reason: Unjudged::Truncated, refused: true });
}

#[test]
fn what_lies_near_a_threshold_is_looked_at_in_colour() {
    let mut rules = rulebook(&[list()]);
    rules.lists[0].near = Some(rule(Mode::Enforce));
    let bucket = bucket(Mode::Enforce, 1);
    for (distance, doubtful) in
        [(0, false), (20, false), (21, true), (31, true), (40, true), (58, true), (59, false)]
    {
        let picture = picture(FULL, distance);
        assert_eq!(rules.is_in_doubt(&bucket, &picture), doubtful, "{distance}");
    }
    for (quality, distance, doubtful) in
        [(53, 0, false), (52, 0, true), (48, 0, true), (47, 0, false), (47, 31, false)]
    {
        let mut picture = picture(FULL, distance);
        picture.looks.pdq[FULL].fingerprint.quality = quality;
        assert_eq!(rules.is_in_doubt(&bucket, &picture), doubtful, "{quality} {distance}");
    }
    assert!(!rules.is_in_doubt(&bucket, &picture(RESIZED, 31)));
}

/// What is asked of the snapshot, and which look each answer belongs to.
#[test]
fn each_query_leads_back_to_its_look() {
    let mut looks = looks();
    looks.pdq[FULL].fingerprint.quality = 40;
    let picture = Pictured::new(None, looks);
    let (queries, places) = picture.queries(50);
    assert_eq!((queries.len(), places.len()), (2 * PER_LOOK, 2 * PER_LOOK));
    for (query, place) in queries.iter().zip(places) {
        let hit = NearHit { query: place, ..super::near::picture(FULL, 0).hits[0].clone() };
        let (look, attitude) = picture.look_of(&hit).unwrap();
        let turned = look.fingerprint.orientations[usize::from(attitude.orientation)];
        assert_eq!(*query, if attitude.negative { turned.complement() } else { turned });
        assert_eq!(look.fingerprint.quality, 80);
    }
    assert_eq!(picture.queries(40).0.len(), 3 * PER_LOOK);
}

#[test]
fn pictures_are_hashed_for_the_lists_that_compare_them() {
    let mut rules = rulebook(&[list(), block("others", Mode::Enforce, &[OTHER])]);
    assert!(super::super::near::wanted(&rules.lists, vec![]).is_none());
    assert!(!rules.compares_pictures(&bucket(Mode::Enforce, 2)));
    rules.lists[1].near = Some(NearRule {
        convention: Convention::Resized512,
        variants: Variant::TRIMS.to_vec(),
        ..rule(Mode::Shadow)
    });
    let wanted = super::super::near::wanted(&rules.lists, vec![]).unwrap();
    assert_eq!(wanted.conventions, [Convention::Resized512]);
    assert_eq!(wanted.variants, Variant::TRIMS);
    assert!(!wanted.colour);
    assert!(rules.compares_pictures(&bucket(Mode::Shadow, 2)));
    // Not where the list does not apply, nor where nothing is looked at.
    assert!(!rules.compares_pictures(&bucket(Mode::Enforce, 1)));
    assert!(!rules.compares_pictures(&bucket(Mode::Off, 2)));
}
