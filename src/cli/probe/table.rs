//! What a run found out, for people.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::super::Shown;
use super::case::Case;
use super::document::word;
use super::framing::{Cut, Ending, Framing};
use super::judge::{self, Advice};
use super::outcome::{Object, Outcome};
use super::run::{Finding, Found};
use super::target::Target;

/// Width of the first column in characters: the longest name of a case and its margins.
const NAME: usize = 48;
/// Width of the columns behind it.
const CELL: usize = 17;

/// Writes all tables and the advice.
///
/// # Errors
/// The stream fails.
pub(super) fn write(
    out: &mut dyn Write,
    target: &Target,
    found: &Found,
    advice: &Advice,
) -> io::Result<()> {
    let server = found.server.as_deref().unwrap_or("it does not say");
    writeln!(out, "store: {} (Server: {})", target.endpoint, Shown(server))?;
    complete(out, &found.findings)?;
    for framing in Framing::ALL {
        aborted(out, &found.findings, framing)?;
    }
    others(out, &found.findings)?;
    writeln!(out, "\nupstream.guard = \"{}\"", word(advice.guard))?;
    for reason in &advice.reasons {
        writeln!(out, "  since {}", Shown(reason))?;
    }
    for note in &advice.notes {
        writeln!(out, "note: {}", Shown(note))?;
    }
    Ok(())
}

fn complete(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    writeln!(out, "\n{:NAME$}{:CELL$}answer", "complete uploads", "stored")?;
    for framing in Framing::ALL {
        if let Some(outcome) = judge::of(findings, Case::Complete(framing)) {
            row(out, framing.word(), &[stored(outcome), answer(outcome)])?;
        }
    }
    Ok(())
}

/// A line for each cut, or one for all where nothing was stored.
fn aborted(out: &mut dyn Write, findings: &[Finding], framing: Framing) -> io::Result<()> {
    let title = format!("aborted, {}", framing.word());
    let outcome = |cut, ending| judge::of(findings, Case::Abort(framing, cut, ending));
    let cuts: Vec<Cut> = framing.cuts().collect();
    let all: Vec<&Outcome> = cuts
        .iter()
        .flat_map(|&cut| Ending::ALL.map(|ending| outcome(cut, ending)))
        .flatten()
        .collect();
    if all.iter().all(|outcome| outcome.object == Some(Object::None)) {
        let ends = cuts.iter().filter_map(|&cut| outcome(cut, Ending::HalfClose));
        let answers: BTreeSet<String> = ends.map(answer).collect();
        let answers = answers.into_iter().collect::<Vec<_>>().join("; ");
        let line = format!("none of {} stored; answer to half-close: {answers}", all.len());
        return writeln!(out, "\n{title:NAME$}{}", Shown(line));
    }
    writeln!(out, "\n{title:NAME$}{:CELL$}{:CELL$}half-close, answer", "FIN", "RST")?;
    for cut in cuts {
        let cell = |ending| outcome(cut, ending).map(stored).unwrap_or_default();
        let half = outcome(cut, Ending::HalfClose).map(answer).unwrap_or_default();
        let half = format!("{}, {half}", cell(Ending::HalfClose));
        row(out, &format!("- {}", cut.text()), &[cell(Ending::Fin), cell(Ending::Rst), half])?;
    }
    Ok(())
}

/// All that is neither complete nor aborted, or that is aborted over something. What a store does
/// not take at all is not told again.
fn others(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    writeln!(out, "\n{:NAME$}{:CELL$}answer", "other cases", "stored")?;
    for Finding { case, outcome } in findings {
        match *case {
            Case::Complete(_) | Case::Abort(..) => {}
            Case::Gapped(framing, _)
            | Case::Trailing(framing)
            | Case::DeclaredSmaller(framing)
            | Case::DeclaredLarger(framing)
                if outcome.object == Some(Object::None) && !judge::is_taken(findings, framing) => {}
            Case::Gapped(..)
            | Case::Overwrite(_)
            | Case::Part(_)
            | Case::Trailing(_)
            | Case::DeclaredSmaller(_)
            | Case::DeclaredLarger(_)
            | Case::Conditional
            | Case::OtherHost
            | Case::ExpectTaken
            | Case::ExpectRefused
            | Case::EarlyAnswer
            | Case::IdleConnection
            | Case::IdleBody => {
                row(out, &case.to_string(), &[stored(outcome), told(outcome)])?;
            }
        }
    }
    Ok(())
}

fn row(out: &mut dyn Write, name: &str, cells: &[String]) -> io::Result<()> {
    let mut line = format!("  {name:width$} ", width = NAME - 3);
    for cell in cells {
        // A cell that is too long keeps a space behind it.
        line.push_str(&format!("{cell:width$} ", width = CELL - 1));
    }
    writeln!(out, "{}", Shown(line.trim_end()))
}

/// What was stored. What is there stands out.
fn stored(outcome: &Outcome) -> String {
    match (outcome.object, outcome.bytes) {
        (None, _) => "-".to_owned(),
        (Some(object @ (Object::None | Object::Old)), _) => object.word().to_owned(),
        (Some(object @ (Object::Whole | Object::Unknown)), _) => object.word().to_uppercase(),
        (Some(object @ (Object::Short | Object::Other)), bytes) => {
            format!("{} {}", object.word().to_uppercase(), bytes.unwrap_or_default())
        }
    }
}

/// The final answer, or how the connection stood without one.
fn answer(outcome: &Outcome) -> String {
    match (outcome.status, &outcome.code, outcome.connection) {
        (Some(status), Some(code), _) => format!("{status} {code}"),
        (Some(status), None, _) => status.to_string(),
        (None, _, Some(connection)) => format!("none, {}", connection.word()),
        (None, _, None) => "not awaited".to_owned(),
    }
}

/// Everything that came of a case.
fn told(outcome: &Outcome) -> String {
    let mut parts = vec![answer(outcome)];
    if let Some(continued) = outcome.continued {
        parts.push(if continued { "100 first" } else { "no 100" }.to_owned());
    }
    if outcome.announced_close == Some(true) {
        parts.push("says close".to_owned());
    }
    if let (Some(_), Some(connection)) = (outcome.status, outcome.connection) {
        parts.push(format!("connection {}", connection.word()));
    }
    if let Some(status) = outcome.next_status {
        parts.push(format!("next request {status}"));
    }
    let timing = &outcome.timing;
    if let Some(bytes) = timing.sent_bytes {
        parts.push(format!("after {} KiB", bytes / 1024));
    }
    if let Some(status) = timing.status_before_end {
        parts.push(format!("answered {status} before the end"));
    }
    if let Some(seconds) = timing.closed_after_s {
        parts.push(format!("closed after {seconds} s"));
    }
    if let Some(seconds) = timing.open_after_s {
        parts.push(format!("open for longer than {seconds} s"));
    }
    parts.join(", ")
}
