//! `[[list]]`: what each format needs, and what an allow list must have.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use crate::config::kind::{Column, Item, Value};
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::words::{FormatWord, Word};
use crate::config::{Columns, Format, List};
use crate::digest::Algorithm;
use crate::policy::Polarity;

pub(super) fn lists(raw: &Raw, context: &mut Context<'_>) -> Vec<List> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lists = Vec::new();
    for table in raw.all(Section::List) {
        let name = table.text("name");
        if table.is_sound("name") {
            if let Some(earlier) = seen.get(name) {
                let message = format!("{name:?} is the name of the list on line {earlier} too");
                context.fault(table, "name", message);
            }
            seen.entry(name).or_insert(table.line);
        }
        lists.push(list(table, context));
    }
    lists
}

fn list(table: &Table, context: &mut Context<'_>) -> List {
    let format = format(table, context);
    let polarity = table.word("polarity");
    if polarity == Polarity::Allow
        && ["polarity", "format", "hash", "columns"].iter().all(|key| table.is_sound(key))
        && lacks_sha256(&format)
    {
        context.fault(table, "polarity", "an allow list acquits by sha256, and this one has none");
    }
    let max_age = table.duration("max_age");
    List {
        name: table.text("name").to_owned(),
        source: context.readable_path(table, "source"),
        format,
        polarity,
        mode: table.word("mode"),
        contact: table.text("contact").to_owned(),
        max_age: (max_age > Duration::ZERO).then_some(max_age),
    }
}

fn format(table: &Table, context: &mut Context<'_>) -> Format {
    let word: FormatWord = table.word("format");
    if table.is_sound("format") {
        refuse_idle_keys(word, table, context);
    }
    match word {
        FormatWord::Snapshot => Format::Snapshot,
        FormatWord::Plain => Format::Plain(needed_hash(word, table, context)),
        FormatWord::Tagged => Format::Tagged,
        FormatWord::Csv => {
            Format::Csv { columns: needed_columns(table, context), delimiter: delimiter(table) }
        }
        FormatWord::Hashdeep => Format::Hashdeep,
        FormatWord::Md5sum => Format::Md5sum(needed_hash(word, table, context)),
    }
}

/// Keys that the format does not look at would promise what they don't do.
fn refuse_idle_keys(word: FormatWord, table: &Table, context: &mut Context<'_>) {
    let format = word.word();
    let says_itself = !matches!(word, FormatWord::Plain | FormatWord::Md5sum);
    if says_itself && !table.text("hash").is_empty() && table.is_sound("hash") {
        let message = format!("is not for format {format:?}, which says it itself");
        context.fault(table, "hash", message);
    }
    if word == FormatWord::Csv {
        return;
    }
    let message = format!("is for format \"csv\", not {format:?}");
    if delimiter(table) != b',' {
        context.fault(table, "delimiter", message.clone());
    }
    if !columns(table).is_empty() {
        context.fault(table, "columns", message);
    }
}

fn needed_hash(word: FormatWord, table: &Table, context: &mut Context<'_>) -> Algorithm {
    let name = table.text("hash");
    if name.is_empty() && table.is_sound("hash") && table.is_sound("format") {
        let message = format!("format {:?} needs one of md5, sha1, sha256", word.word());
        context.fault(table, "hash", message);
    }
    let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
    found.unwrap_or(Algorithm::Sha256)
}

fn needed_columns(table: &Table, context: &mut Context<'_>) -> Columns {
    let mut found = Columns { digests: BTreeMap::new(), label: None };
    for (column, item) in columns(table) {
        match column {
            Column::Digest(algorithm) => {
                found.digests.insert(*algorithm, item.text.clone());
            }
            Column::Label => found.label = Some(item.text.clone()),
        }
    }
    if found.digests.is_empty() && table.is_sound("columns") {
        let message = "format \"csv\" needs the column of md5, sha1 or sha256";
        context.fault(table, "columns", message);
    }
    found
}

/// Whether the format as configured can not hold a SHA-256 digest at all.
fn lacks_sha256(format: &Format) -> bool {
    match format {
        Format::Plain(algorithm) | Format::Md5sum(algorithm) => *algorithm != Algorithm::Sha256,
        Format::Csv { columns, .. } => {
            !columns.digests.is_empty() && !columns.digests.contains_key(&Algorithm::Sha256)
        }
        Format::Snapshot | Format::Tagged | Format::Hashdeep => false,
    }
}

fn columns(table: &Table) -> &[(Column, Item)] {
    match table.value("columns") {
        Value::Columns(columns) => columns,
        other => table.mistaken("columns", other),
    }
}

fn delimiter(table: &Table) -> u8 {
    match table.value("delimiter") {
        Value::Delimiter(byte) => *byte,
        other => table.mistaken("delimiter", other),
    }
}
