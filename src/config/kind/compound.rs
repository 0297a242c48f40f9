//! Values that are a TOML array or table.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::scalar::{name, network, path, text, word, wrong_type};
use super::{Answers, Column, Item, PatternsOf, Value};
use crate::config::Glob;
use crate::config::error::Report;
use crate::config::nearest::nearest;
use crate::config::words::Word;
use crate::policy::{OnUnjudged, Unjudged};

/// Most patterns of one array: each request may be compared with all of them.
const PATTERNS_MAX: usize = 256;
/// Longest name of a CSV column, in bytes.
const COLUMN_MAX: usize = 256;

/// An array of list names: at least one, none twice.
pub(super) fn names(value: &Spanned<DeValue<'_>>, key: &str, report: &mut Report) -> Option<Value> {
    let line = report.line_of(value.span().start);
    let Some(array) = value.get_ref().as_array() else {
        report.add(line, key, wrong_type(value.get_ref(), "an array of list names"));
        return None;
    };
    if array.is_empty() {
        report.add(line, key, "names no list; to switch a bucket off, write mode = \"off\"");
        return None;
    }
    let mut items: Vec<Item> = Vec::new();
    for element in array {
        let line = report.line_of(element.span().start);
        match text(element.get_ref(), "the name of a list").and_then(name) {
            Ok(text) if items.iter().any(|item| item.text == text) => {
                report.add(line, key, format!("names {text:?} twice"));
            }
            Ok(text) => items.push(Item { text, line }),
            Err(message) => report.add(line, key, message),
        }
    }
    Some(Value::Names(items))
}

/// One path, or an array of them; "" is none.
pub(super) fn paths(
    value: &Spanned<DeValue<'_>>,
    max: usize,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    if value.get_ref().as_str() == Some("") {
        return Some(Value::Paths(Vec::new()));
    }
    let one = std::slice::from_ref(value);
    let elements = match value.get_ref() {
        DeValue::Array(array) => within(array, value, max, key, report)?,
        _ => one,
    };
    let wanted = "a path or an array of paths";
    let read = |element: &DeValue<'_>| text(element, wanted).and_then(|text| path(text, false));
    let items = each(elements, read, key, report);
    Some(Value::Paths(items.into_iter().map(|(text, line)| Item { text, line }).collect()))
}

/// An array of networks.
pub(super) fn networks(
    value: &Spanned<DeValue<'_>>,
    max: usize,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    let wanted = "an array of networks, such as [\"10.0.0.0/8\"]";
    let DeValue::Array(array) = value.get_ref() else {
        let line = report.line_of(value.span().start);
        report.add(line, key, wrong_type(value.get_ref(), wanted));
        return None;
    };
    let elements = within(array, value, max, key, report)?;
    let networks = each(elements, |e| text(e, "a network").and_then(network), key, report);
    Some(Value::Networks(networks.into_iter().map(|(network, _)| network).collect()))
}

/// The elements of an array, if they are not too many.
fn within<'a, 'i>(
    array: &'a [Spanned<DeValue<'i>>],
    value: &Spanned<DeValue<'_>>,
    max: usize,
    key: &str,
    report: &mut Report,
) -> Option<&'a [Spanned<DeValue<'i>>]> {
    if array.len() > max {
        let line = report.line_of(value.span().start);
        report.add(line, key, format!("has {} elements, at most {max} are allowed", array.len()));
        return None;
    }
    Some(array)
}

/// Reads each element, with its line; reports those that can't be read.
fn each<T>(
    elements: &[Spanned<DeValue<'_>>],
    read: impl Fn(&DeValue<'_>) -> Result<T, String>,
    key: &str,
    report: &mut Report,
) -> Vec<(T, usize)> {
    let mut values = Vec::new();
    for element in elements {
        let line = report.line_of(element.span().start);
        match read(element.get_ref()) {
            Ok(value) => values.push((value, line)),
            Err(message) => report.add(line, key, message),
        }
    }
    values
}

/// An array of patterns, none twice.
pub(super) fn patterns(
    of: PatternsOf,
    value: &Spanned<DeValue<'_>>,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    let line = report.line_of(value.span().start);
    let Some(array) = value.get_ref().as_array() else {
        report.add(line, key, wrong_type(value.get_ref(), "an array of patterns"));
        return None;
    };
    if array.len() > PATTERNS_MAX {
        let message = format!("has {} patterns, at most {PATTERNS_MAX} are allowed", array.len());
        report.add(line, key, message);
        return None;
    }
    let mut patterns: Vec<Glob> = Vec::new();
    let mut is_sound = true;
    for element in array {
        let line = report.line_of(element.span().start);
        let read = text(element.get_ref(), "a pattern").and_then(|text| pattern(of, text));
        let fault = match read {
            Ok(pattern) if patterns.contains(&pattern) => format!("names \"{pattern}\" twice"),
            Ok(pattern) => {
                patterns.push(pattern);
                continue;
            }
            Err(message) => message,
        };
        report.add(line, key, fault);
        is_sound = false;
    }
    is_sound.then_some(Value::Patterns(patterns))
}

/// A pattern that what it is compared with can match.
fn pattern(of: PatternsOf, text: &str) -> Result<Glob, String> {
    match of {
        PatternsOf::Buckets => {}
        PatternsOf::Hosts if text.contains(|c: char| c.is_ascii_uppercase()) => {
            let lower = text.to_ascii_lowercase();
            return Err(format!("hosts are compared in lower case: write {lower:?}"));
        }
        // An IPv6 address has more of them.
        PatternsOf::Hosts if text.matches(':').count() == 1 => {
            return Err(format!("{text:?} can never match: hosts are compared without their port"));
        }
        PatternsOf::Hosts => {}
    }
    Glob::parse(text)
}

/// A table from what a column holds to the column's name in the file.
pub(super) fn columns(
    value: &Spanned<DeValue<'_>>,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    let table = table_of(value, "a table of column names", key, report)?;
    let mut columns: Vec<(Column, Item)> = Vec::new();
    for (entry, value) in table {
        let line = report.line_of(entry.span().start);
        let inner = format!("{key}.{}", entry.get_ref());
        match column(entry.get_ref(), value.get_ref(), &columns) {
            Ok((column, text)) => columns.push((column, Item { text, line })),
            Err(message) => report.add(line, inner, message),
        }
    }
    columns.sort_by_key(|(column, _)| *column);
    Some(Value::Columns(columns))
}

fn column(
    entry: &str,
    value: &DeValue<'_>,
    earlier: &[(Column, Item)],
) -> Result<(Column, String), String> {
    let column = Column::from_name(entry).ok_or_else(|| unknown(entry, Column::COMMON))?;
    let text = text(value, "the name of a column")?;
    if text.is_empty() || text.len() > COLUMN_MAX || text.contains(char::is_control) {
        return Err(format!("a column's name has 1 to {COLUMN_MAX} bytes on one line"));
    }
    match earlier.iter().find(|(_, item)| item.text == text) {
        Some((other, _)) => Err(format!("column {text:?} is {} already", other.name())),
        None => Ok((column, text.to_owned())),
    }
}

/// A word for all reasons of the body, or a table of words by reason.
pub(super) fn unjudged(
    value: &Spanned<DeValue<'_>>,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    if value.get_ref().is_str() {
        return match answer(value.get_ref()) {
            Ok(answer) => Some(Value::Unjudged(Answers::All(answer))),
            Err(message) => {
                report.add(report.line_of(value.span().start), key, message);
                None
            }
        };
    }
    let wanted = "\"forward\", \"refuse\" or a table of these by reason";
    let table = table_of(value, wanted, key, report)?;
    let mut answers = Vec::new();
    for (entry, value) in table {
        let line = report.line_of(entry.span().start);
        let answer = reason(entry.get_ref()).and_then(|r| Ok((r, answer(value.get_ref())?)));
        match answer {
            Ok(answer) => answers.push(answer),
            Err(message) => report.add(line, format!("{key}.{}", entry.get_ref()), message),
        }
    }
    answers.sort_by_key(|&(reason, _)| reason);
    Some(Value::Unjudged(Answers::ByReason(answers)))
}

fn answer(value: &DeValue<'_>) -> Result<OnUnjudged, String> {
    let word = word(value, &["forward", "refuse"], &[])?;
    OnUnjudged::from_word(word).ok_or_else(|| format!("{word:?} is unknown"))
}

fn reason(word: &str) -> Result<Unjudged, String> {
    match word.parse::<Unjudged>() {
        Ok(reason) if reason.is_fault() => Err("is a fault of the gate: see `faults`".to_owned()),
        Ok(reason) => Ok(reason),
        Err(()) => {
            let of_the_body = Unjudged::ALL.into_iter().filter(|reason| !reason.is_fault());
            Err(unknown(word, of_the_body.map(Unjudged::name)))
        }
    }
}

fn unknown(key: &str, known: impl IntoIterator<Item = &'static str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key; did you mean {near:?}?"),
        None => format!("unknown key; known are {}", known.join(", ")),
    }
}

fn table_of<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
    wanted: &str,
    key: &str,
    report: &mut Report,
) -> Option<&'a DeTable<'i>> {
    let table = value.get_ref().as_table();
    if table.is_none() {
        let line = report.line_of(value.span().start);
        report.add(line, key, wrong_type(value.get_ref(), wanted));
    }
    table
}
