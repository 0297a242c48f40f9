//! Clients that vanish: after the head, in mid-body, with the last byte missing, with all bytes sent.

use super::case::{Case, Guard, HOLD_BACK};
use super::oracle::{Sin, check_cut, ensure};
use super::trial::{Fault, Gone, Seen, run, trial};

/// Where a client vanishes: in the head, behind it, in the body, at each of the last bytes, at the
/// end.
fn places(case: &Case) -> Vec<usize> {
    let (head, body) = (case.head().len(), case.body().len());
    let held = body - HOLD_BACK;
    let inside = [0, 1, body / 4, body / 2, held - 1, held, held + 1];
    let near_the_end = (body - 9)..=body;
    let in_body = inside.into_iter().chain(near_the_end).map(|at| head + at);
    [0, head / 2, head - 1].into_iter().chain(in_body).collect()
}

fn vanishes(guard: Guard) {
    run(async {
        for case in Case::all(guard) {
            for after in places(&case) {
                for (reset, half_close) in
                    [(false, true), (true, true), (false, false), (true, false)]
                {
                    let gone = Some(Gone { after, reset, half_close });
                    let seen = trial(case, Fault { gone, ..Fault::default() }).await;
                    assert_eq!(check(&seen, after, half_close), Ok(()), "{seen:#?}");
                }
            }
        }
    });
}

fn check(seen: &Seen, after: usize, half_close: bool) -> Result<(), Sin> {
    let (head, body) = (seen.case.head().len(), seen.case.body().len());
    check_cut(seen)?;
    // hyper may see the end before it has called the service; with half-closes it looks later.
    let called = after >= head && (half_close || seen.begun);
    ensure(seen.begun == called, Sin::Records)?;
    if !seen.begun {
        return Ok(());
    }
    if after < head + body {
        // Whatever is missing, be it the last byte of HTTP's own framing: there is no verdict.
        ensure(!seen.committed(), Sin::Committed)?;
        return ensure(seen.records.iter().all(|r| r.verdict.is_none()), Sin::WrongRecord);
    }
    // Who may close its half has sent a whole request.
    let judged = seen.records[0].verdict.is_some();
    ensure(judged || !half_close, Sin::WrongRecord)?;
    ensure(!half_close || seen.complete() == usize::from(!seen.case.listed), Sin::Lost)
}

#[test]
fn a_client_that_vanishes_commits_nothing_held_whole() {
    vanishes(Guard::Whole);
}

#[test]
fn a_client_that_vanishes_commits_nothing_streamed() {
    vanishes(Guard::Tail);
}
