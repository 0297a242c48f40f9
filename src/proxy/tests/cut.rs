//! Drop, cancel and panic at every await.

use std::collections::BTreeSet;

use super::case::{Case, Guard};
use super::oracle::{Sin, check_cut, check_panic, check_undisturbed};
use super::trial::{Fault, Seen, run, trial};

/// More polls, or places, than any of these uploads takes.
const MANY: usize = 5000;

/// Tries `fault` with every number from `first` until it comes too late to strike.
fn every(case: Case, first: usize, fault: impl Fn(usize) -> Fault, judge: Judge) -> Vec<Seen> {
    run(async {
        let mut all = Vec::new();
        for number in first..MANY {
            let seen = trial(case, fault(number)).await;
            let struck = seen.cut || seen.panics > 0;
            let judged = if struck { judge(&seen) } else { check_undisturbed(&seen) };
            assert_eq!(judged, Ok(()), "fault {number}: {seen:#?}");
            if !struck {
                return all;
            }
            all.push(seen);
        }
        panic!("{case:?} does not end");
    })
}

type Judge = fn(&Seen) -> Result<(), Sin>;

/// How far a store can have come with an upload. That each stage was met shows that the faults were
/// where they had to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    Head,
    SomeBody,
    Whole,
}

fn stage(seen: &Seen) -> Stage {
    let messages = || seen.store.iter().flat_map(|wire| &wire.messages);
    if messages().any(|message| message.complete) {
        Stage::Whole
    } else if messages().any(|message| !message.body.is_empty()) {
        Stage::SomeBody
    } else if messages().next().is_some() {
        Stage::Head
    } else {
        Stage::Nothing
    }
}

fn stages(trials: &[Seen]) -> BTreeSet<Stage> {
    trials.iter().map(stage).collect()
}

fn check_stages(case: &Case, trials: &[Seen]) {
    let met = stages(trials);
    assert!(met.contains(&Stage::Nothing), "{case:?}: {met:?}");
    assert_eq!(met.contains(&Stage::Whole), !case.listed, "{case:?}: {met:?}");
    assert_eq!(met.contains(&Stage::SomeBody), case.guard == Guard::Tail, "{case:?}: {met:?}");
    // Without Expect, and with nothing to be asked before, the head goes out with some body.
    if case.expect || (case.listed && case.guard == Guard::Whole) {
        assert!(met.contains(&Stage::Head), "{case:?}: {met:?}");
    }
}

fn drops(guard: Guard) {
    for case in Case::all(guard) {
        let fault = |number| Fault { drop_after: Some(number), ..Fault::default() };
        check_stages(&case, &every(case, 1, fault, check_cut));
    }
}

fn cancels(guard: Guard) {
    for case in Case::all(guard) {
        let fault = |number| Fault { cancel_after: Some(number), ..Fault::default() };
        check_stages(&case, &every(case, 0, fault, check_cut));
    }
}

/// The places that uploads of both guards pass.
const PLACES: [&str; 15] = [
    "asked",
    "asked about head",
    "await answer",
    "committed",
    "deny",
    "drive",
    "fed",
    "finish",
    "judged",
    "pump",
    "read",
    "refuse",
    "relay",
    "start",
    "take in",
];

/// A panic strikes every time that these uploads pass a place, and at each place that there is.
fn panics(guard: Guard, more_places: &[&'static str]) {
    let mut struck = BTreeSet::new();
    for case in Case::all(guard) {
        let fault = |number| Fault { panic_at: Some(number), ..Fault::default() };
        for (at, seen) in every(case, 0, fault, check_panic).iter().enumerate() {
            struck.insert(seen.passed[at]);
        }
    }
    let places: BTreeSet<_> = PLACES.iter().chain(more_places).copied().collect();
    assert_eq!(struck, places);
}

#[test]
fn a_dropped_service_commits_nothing_held_whole() {
    drops(Guard::Whole);
}

#[test]
fn a_dropped_service_commits_nothing_streamed() {
    drops(Guard::Tail);
}

#[test]
fn a_cancelled_connection_commits_nothing_held_whole() {
    cancels(Guard::Whole);
}

#[test]
fn a_cancelled_connection_commits_nothing_streamed() {
    cancels(Guard::Tail);
}

#[test]
fn a_panic_commits_nothing_held_whole() {
    panics(Guard::Whole, &["hold whole", "opened", "upload"]);
}

#[test]
fn a_panic_commits_nothing_streamed() {
    panics(Guard::Tail, &["release", "stream", "upload"]);
}
