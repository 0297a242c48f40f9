//! `[[list]]`: what each format needs, and what an allow list must have.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use crate::config::kind::{Column, Item, Value};
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::words::{FormatWord, Switch, Word};
use crate::config::{Columns, Format, List, Near};
use crate::digest::Algorithm;
use crate::list::HashKind;
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
        near: near(table),
    }
}

fn near(table: &Table) -> Near {
    let bits = |key| table.is_given(key).then(|| table.count(key) as u32);
    let switch = |key| table.word::<Switch>(key).is_on();
    Near {
        mode: table.is_given("near_mode").then(|| table.word("near_mode")),
        distance: bits("near_distance"),
        wide: bits("near_wide"),
        quality: table.count("near_quality") as u8,
        convention: table.word("near_convention"),
        variants: table.word("near_variants"),
        wide_denies: switch("near_wide_denies"),
        variants_deny: switch("near_variants_deny"),
        short_hashes: switch("short_hashes"),
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
        FormatWord::Md5sum => Format::Md5sum(needed_digest(table, context)),
    }
}

/// Keys that the format does not look at would promise what they don't do.
fn refuse_idle_keys(word: FormatWord, table: &Table, context: &mut Context<'_>) {
    let format = word.word();
    let says_itself = !matches!(word, FormatWord::Plain | FormatWord::Md5sum);
    if says_itself && table.hash("hash").is_some() && table.is_sound("hash") {
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

fn needed_hash(word: FormatWord, table: &Table, context: &mut Context<'_>) -> HashKind {
    let kind = table.hash("hash");
    if kind.is_none() && table.is_sound("hash") && table.is_sound("format") {
        let message = format!("format {:?} needs one of md5, sha1, sha256, pdq, ...", word.word());
        context.fault(table, "hash", message);
    }
    kind.unwrap_or(SHA256)
}

fn needed_digest(table: &Table, context: &mut Context<'_>) -> Algorithm {
    match table.hash("hash") {
        Some(HashKind::Exact(algorithm)) => algorithm,
        Some(HashKind::Pdq | HashKind::Perceptual(_)) | None => {
            if table.is_sound("hash") && table.is_sound("format") {
                let message = "format \"md5sum\" needs one of md5, sha1, sha256";
                context.fault(table, "hash", message);
            }
            Algorithm::Sha256
        }
    }
}

fn needed_columns(table: &Table, context: &mut Context<'_>) -> Columns {
    let mut found = Columns { hashes: BTreeMap::new(), quality: None, label: None };
    for (column, item) in columns(table) {
        let name = item.text.clone();
        match column {
            Column::Hash(kind) => {
                found.hashes.insert(*kind, name);
            }
            Column::Quality => found.quality = Some(name),
            Column::Label => found.label = Some(name),
        }
    }
    if found.hashes.is_empty() && table.is_sound("columns") {
        let message = "format \"csv\" needs the column of a hash: md5, sha1, sha256, pdq, ...";
        context.fault(table, "columns", message);
    }
    found
}

const SHA256: HashKind = HashKind::Exact(Algorithm::Sha256);

/// Whether the format as configured can not hold a SHA-256 digest at all.
fn lacks_sha256(format: &Format) -> bool {
    match format {
        Format::Plain(kind) => *kind != SHA256,
        Format::Md5sum(algorithm) => *algorithm != Algorithm::Sha256,
        Format::Csv { columns, .. } => {
            !columns.hashes.is_empty() && !columns.hashes.contains_key(&SHA256)
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
