//! What the findings mean for a gate in front of the store.

use super::case::Case;
use super::framing::Framing;
use super::outcome::{Object, Outcome};
use super::run::Finding;
use crate::config::Guard;

/// Most cases that a sentence names.
const NAMED: usize = 3;

/// What to configure, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// `upstream.guard`.
    pub(super) guard: Guard,
    /// What it follows from.
    pub(super) reasons: Vec<String>,
    /// What else an operator should know.
    pub(super) notes: Vec<String>,
}

/// Judges the findings of one run.
///
/// A tail is safe as long as an upload that lacks payload leaves nothing, since the gate cuts there:
/// it holds back at least `limits.hold_back` of payload and all framing behind it. What a store
/// makes of an upload that lacks only framing is then of no account.
///
/// One byte of payload is enough to lack, except where a store takes a framing that it does not
/// know for payload and so misjudges where that ends: there the cuts count that the gate could make.
pub(super) fn advise(findings: &[Finding]) -> Advice {
    let taken = Framing::ALL.into_iter().filter(|&framing| is_taken(findings, framing)).count();
    let short =
        named(findings, |case, outcome| lacks_payload(findings, case) && changed(case, outcome));
    let unended = named(findings, |case, outcome| {
        matches!(case, Case::Abort(..)) && !lacks_payload(findings, case) && changed(case, outcome)
    });
    let (guard, mut reasons) = match (taken, short.is_empty()) {
        (0, _) => (Guard::Whole, vec!["no upload was stored, so nothing is known".to_owned()]),
        (_, false) => {
            (Guard::Whole, vec![some(&short, "lacked payload and changed what is stored")])
        }
        (_, true) => {
            (Guard::Auto, vec!["no upload that lacked payload changed what is stored".to_owned()])
        }
    };
    if guard == Guard::Auto && !unended.is_empty() {
        reasons.push(format!(
            "{}: it holds back limits.hold_back (64KiB) of payload and all that follows",
            some(&unended, "left an object, but lacked less than what a gate ever cuts off")
        ));
    }
    Advice { guard, reasons, notes: notes(findings, guard) }
}

/// Whether an upload as it should be is stored.
pub(super) fn is_taken(findings: &[Finding], framing: Framing) -> bool {
    let whole = |outcome: &Outcome| outcome.object == Some(Object::Whole);
    of(findings, Case::Complete(framing)).is_some_and(whole)
}

/// What came of a case.
pub(super) fn of(findings: &[Finding], case: Case) -> Option<&Outcome> {
    findings.iter().find(|finding| finding.case == case).map(|finding| &finding.outcome)
}

fn notes(findings: &[Finding], guard: Guard) -> Vec<String> {
    let is = |case, fits: fn(&Outcome) -> bool| of(findings, case).is_some_and(fits);
    let mut notes = Vec::new();
    if guard == Guard::Whole {
        let note = "bodies above limits.capture_max are streamed under either guard: what this \
                    store makes of a cut one stays in it";
        notes.push(note.to_owned());
    }
    for framing in Framing::ALL.into_iter().filter(|&framing| !is_taken(findings, framing)) {
        let spoilt = is(Case::Complete(framing), |outcome| outcome.object == Some(Object::Other));
        let what = if spoilt { "stored wrong" } else { "not taken" };
        notes.push(format!("{} is {what}, with or without a gate", framing.word()));
    }
    let odd = named(findings, |case, outcome| is_odd(case) && changed(case, outcome));
    if !odd.is_empty() {
        notes.push(format!(
            "{}: the gate refuses such bodies itself",
            some(&odd, "were stored though their framing is wrong")
        ));
    }
    let unknown = named(findings, |case, outcome| {
        matches!(case, Case::Part(_)) && outcome.object.is_none_or(|o| o == Object::Unknown)
    });
    if !unknown.is_empty() {
        notes.push(some(&unknown, "could not be looked at"));
    }
    if is(Case::OtherHost, |outcome| outcome.status != Some(200)) {
        notes.push("another Host is refused: clients must sign the store's own".to_owned());
    }
    if is(Case::Conditional, |outcome| outcome.object != Some(Object::Old)) {
        notes.push("If-None-Match: * is ignored: uploads overwrite all the same".to_owned());
    }
    let closed = of(findings, Case::IdleConnection).and_then(|idle| idle.timing.closed_after_s);
    if let Some(seconds) = closed {
        notes.push(format!(
            "idle connections end after {seconds} s: keep upstream.idle_timeout below"
        ));
    }
    notes
}

/// Whether an upload ended before its payload did.
fn lacks_payload(findings: &[Finding], case: Case) -> bool {
    match case {
        Case::Abort(framing, cut, _) if is_taken(findings, framing) => cut.lacks_payload(),
        Case::Abort(_, cut, _) => cut.lacks_tail(),
        Case::Overwrite(_) | Case::Part(_) | Case::IdleBody => true,
        Case::Complete(_)
        | Case::Gapped(..)
        | Case::Trailing(_)
        | Case::DeclaredSmaller(_)
        | Case::DeclaredLarger(_)
        | Case::Conditional
        | Case::OtherHost
        | Case::ExpectTaken
        | Case::ExpectRefused
        | Case::EarlyAnswer
        | Case::IdleConnection => false,
    }
}

/// Whether an upload that should have left nothing did. A part that can't be looked at is no
/// evidence: not every store lists parts.
fn changed(case: Case, outcome: &Outcome) -> bool {
    let Some(object) = outcome.object else { return false };
    match (case, object) {
        (Case::Overwrite(_), object) => object != Object::Old,
        (Case::Part(_), Object::Unknown) => false,
        (_, Object::None | Object::Old) => false,
        (_, Object::Whole | Object::Short | Object::Other | Object::Unknown) => true,
    }
}

/// Whether a body is complete for HTTP alone: its framing lacks something, goes on behind its end, or
/// has another length than it declares.
fn is_odd(case: Case) -> bool {
    match case {
        Case::Gapped(..)
        | Case::Trailing(_)
        | Case::DeclaredSmaller(_)
        | Case::DeclaredLarger(_) => true,
        Case::Complete(_)
        | Case::Abort(..)
        | Case::Overwrite(_)
        | Case::Part(_)
        | Case::Conditional
        | Case::OtherHost
        | Case::ExpectTaken
        | Case::ExpectRefused
        | Case::EarlyAnswer
        | Case::IdleConnection
        | Case::IdleBody => false,
    }
}

fn named(findings: &[Finding], fits: impl Fn(Case, &Outcome) -> bool) -> Vec<String> {
    let fitting = findings.iter().filter(|finding| fits(finding.case, &finding.outcome));
    fitting.map(|finding| finding.case.to_string()).collect()
}

fn some(cases: &[String], what: &str) -> String {
    let named = cases.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match cases.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{named}{more} {what}")
}
