//! What becomes of a body that could not be judged.

use super::*;

/// Every reason under every rule: reasons of the body follow `unjudged` and its table, those of the
/// gate follow `faults`, and neither refuses anything where the gate only watches.
#[test]
fn each_reason_follows_its_own_rule() {
    let forward_refuse = [OnUnjudged::Forward, OnUnjudged::Refuse];
    for reason in Unjudged::ALL {
        for unjudged in forward_refuse {
            for named in [None, Some(OnUnjudged::Forward), Some(OnUnjudged::Refuse)] {
                for faults in [OnFault::Retry, OnFault::Forward] {
                    let by_reason = named.map(|on| (reason, on)).into_iter().collect();
                    let plain = bucket(Mode::Enforce, 1);
                    let rule = BucketRule { unjudged, by_reason, faults, ..plain };
                    let strict = match reason.is_fault() {
                        true => faults == OnFault::Retry,
                        false => named.unwrap_or(unjudged) == OnUnjudged::Refuse,
                    };
                    check_unjudged(reason, &rule, strict);
                }
            }
        }
    }
}

fn check_unjudged(reason: Unjudged, rule: &BucketRule, strict: bool) {
    for enforces in [true, false] {
        let verdict = Verdict::unjudged(reason, rule, enforces);
        let refused = strict && enforces;
        assert_eq!(verdict.outcome, Outcome::Unjudged { reason, refused }, "{rule:?}");
        assert_eq!(verdict.passes(), !refused);
        assert_eq!(verdict.token().is_some(), !refused, "the token is had by passing");
        assert_eq!(verdict.mode, if enforces { Mode::Enforce } else { Mode::Shadow });
        assert_eq!(verdict.matched, None);
    }
}

/// One reason's rule is not another's.
#[test]
fn a_table_by_reason_names_single_reasons() {
    let by_reason = BTreeMap::from([
        (Unjudged::Archive, OnUnjudged::Refuse),
        (Unjudged::Budget, OnUnjudged::Refuse),
    ]);
    let rule = BucketRule { by_reason, faults: OnFault::Forward, ..bucket(Mode::Enforce, 1) };
    let refused = |reason| !Verdict::unjudged(reason, &rule, true).passes();
    assert!(refused(Unjudged::Archive));
    assert!(!refused(Unjudged::Form));
    assert!(!refused(Unjudged::Budget), "a fault of the gate does not ask the body's table");
}

#[test]
fn only_verdicts_that_pass_give_a_token() {
    let verdict = |outcome| Verdict { outcome, matched: None, mode: Mode::Enforce };
    let reason = Unjudged::Form;
    let table = [
        (Outcome::Allow, true),
        (Outcome::WouldDeny, true),
        (Outcome::Deny, false),
        (Outcome::Unjudged { reason, refused: false }, true),
        (Outcome::Unjudged { reason, refused: true }, false),
    ];
    for (outcome, passes) in table {
        let verdict = verdict(outcome);
        assert_eq!(verdict.passes(), passes, "{verdict:?}");
        assert_eq!(verdict.token().is_some(), passes, "{verdict:?}");
    }
}

#[test]
fn reasons_are_known_by_their_words() {
    let faults: Vec<_> = Unjudged::ALL.into_iter().filter(|r| r.is_fault()).collect();
    let of_the_gate = "no-list stale-list decoder-fault budget part-unseen spool audit".split(' ');
    assert!(faults.iter().map(|r| r.name()).eq(of_the_gate));
    for reason in Unjudged::ALL {
        assert_eq!(reason.name().parse(), Ok(reason));
        assert_eq!(reason.to_string(), reason.name());
    }
    assert_eq!("no list".parse::<Unjudged>(), Err(()));
    assert_eq!("".parse::<Unjudged>(), Err(()));
}
