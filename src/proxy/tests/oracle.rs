//! What must hold for every upload and every fault, judged from outside: by what the store has got
//! and what the records say.

use super::case::Case;
use super::store::{End, Message, Wire};
use super::trial::Seen;
use crate::proxy::record::{Record, Termination, VerdictWord};

/// The sin of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sin {
    /// The store took a body for whole that no verdict had let pass.
    Committed,
    /// It took a body for whole that is not what the client sent.
    Changed,
    /// A body that was given up ended in a FIN: some stores make an object of what came before it.
    NotReset,
    /// More of a body went out than may before its verdict.
    Leaked,
    /// None, or several, were whole where exactly one had to be.
    Lost,
    /// There are no, or several, records of one request.
    Records,
    /// The record tells something else than what happened.
    WrongRecord,
    /// The client was told something else than what happened.
    WrongAnswer,
    /// Memory stays reserved.
    Reserved,
    /// A bug was counted that was none, or one was not.
    Panics,
}

/// Checks what the store has got. `permitted` says whether the token was spent.
pub fn check_store(case: &Case, store: &[Wire], permitted: bool) -> Result<(), Sin> {
    for wire in store {
        for (at, message) in wire.messages.iter().enumerate() {
            check_message(case, message, permitted)?;
            // Behind a message that was given up, nothing can follow.
            let last = at + 1 == wire.messages.len();
            ensure(message.complete || (last && wire.end == End::Rst), Sin::NotReset)?;
        }
    }
    Ok(())
}

fn check_message(case: &Case, message: &Message, permitted: bool) -> Result<(), Sin> {
    let sent = case.message();
    if message.complete {
        ensure(permitted && !case.listed, Sin::Committed)?;
        return ensure(message.body == sent, Sin::Changed);
    }
    ensure(sent.starts_with(&message.body), Sin::Changed)?;
    let leaked = case.payload_in(message.body.len()) > case.payload_before_verdict();
    ensure(permitted || !leaked, Sin::Leaked)
}

/// Checks what holds whatever has struck.
pub fn check(seen: &Seen) -> Result<(), Sin> {
    check_store(&seen.case, &seen.store, seen.committed())?;
    ensure(seen.complete() <= 1, Sin::Lost)?;
    // A request whose head never became whole is none.
    ensure(seen.records.len() == usize::from(seen.begun), Sin::Records)?;
    ensure(seen.reserved == 0, Sin::Reserved)?;
    for record in &seen.records {
        check_record(seen, record)?;
    }
    Ok(())
}

fn check_record(seen: &Seen, record: &Record) -> Result<(), Sin> {
    let verdict = record.verdict;
    let expected = if seen.case.listed { VerdictWord::Deny } else { VerdictWord::Allow };
    ensure(verdict.is_none_or(|verdict| verdict == expected), Sin::WrongRecord)?;
    ensure(!seen.committed() || verdict == Some(VerdictWord::Allow), Sin::WrongRecord)?;
    ensure(record.bucket.as_deref() == Some("photos"), Sin::WrongRecord)
}

/// Checks what must have come of an upload that nothing disturbed.
pub fn check_undisturbed(seen: &Seen) -> Result<(), Sin> {
    check(seen)?;
    let (status, termination) = match seen.case.listed {
        true => (403, Termination::GateRefused),
        false => (200, Termination::Complete),
    };
    ensure(seen.complete() == usize::from(!seen.case.listed), Sin::Lost)?;
    let (told, body) = seen.told.as_ref().ok_or(Sin::WrongAnswer)?;
    ensure(*told == status, Sin::WrongAnswer)?;
    ensure(body.contains("<Code>AccessDenied</Code>") == seen.case.listed, Sin::WrongAnswer)?;
    let record = &seen.records[0];
    ensure(record.termination == termination && record.status == Some(status), Sin::WrongRecord)?;
    ensure(seen.panics == 0, Sin::Panics)
}

/// Checks the record of an upload whose service, or whose client, was suddenly gone.
pub fn check_cut(seen: &Seen) -> Result<(), Sin> {
    check(seen)?;
    ensure(seen.panics == 0, Sin::Panics)?;
    ensure(seen.complete() == usize::from(seen.committed()), Sin::Lost)?;
    let Some(record) = seen.records.first() else { return Ok(()) };
    let (status, termination) = (record.status, record.termination);
    if seen.committed() {
        // The exchange went on to the store's answer, client or no client.
        let answered = [Termination::Complete, Termination::ClientAnswer].contains(&termination);
        let told = record.etag.as_deref() == Some("\"made-up\"");
        return ensure(answered && told && status == Some(200), Sin::WrongRecord);
    }
    match termination {
        Termination::ClientHead => ensure(status.is_none(), Sin::WrongRecord),
        // The client's fault may have been answered, whoever reads it.
        Termination::ClientBody => {
            ensure(status.is_none() || status == Some(400), Sin::WrongRecord)
        }
        Termination::GateRefused => {
            ensure(seen.case.listed && status == Some(403), Sin::WrongRecord)
        }
        _ => Err(Sin::WrongRecord),
    }
}

/// Checks an upload that a panic struck: the client is told so, and its record says so.
pub fn check_panic(seen: &Seen) -> Result<(), Sin> {
    check(seen)?;
    ensure(seen.panics == 1, Sin::Panics)?;
    let (status, body) = seen.told.as_ref().ok_or(Sin::WrongAnswer)?;
    let internal = body.contains("<Code>InternalError</Code>");
    ensure(*status == 500 && internal, Sin::WrongAnswer)?;
    let record = &seen.records[0];
    ensure(record.termination == Termination::Panic, Sin::WrongRecord)?;
    // A wait for the store's answer that has begun goes on.
    let passed = |place| seen.passed.contains(&place);
    let awaited = passed("await answer");
    ensure(!awaited || seen.complete() == 1, Sin::Lost)?;
    ensure(!awaited || passed("relay") || record.status == Some(200), Sin::WrongRecord)
}

pub fn ensure(holds: bool, sin: Sin) -> Result<(), Sin> {
    if holds { Ok(()) } else { Err(sin) }
}
