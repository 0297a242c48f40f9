//! What a configuration text says about lists, even where it is wrong in other places.
//!
//! All errors are to be reported at once, also those in the sources of lists, when a mistake
//! elsewhere keeps the configuration from being read as a whole. So each `[[list]]` is read by
//! itself then, with stand-ins for what does not matter to its source.

use std::fmt::Write as _;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::{Config, List, TEXT_MAX};

/// The options that say how a source is read.
const READING: [&str; 5] = ["source", "format", "hash", "delimiter", "columns"];

/// The options that must be there, as they matter nothing to reading.
const STAND_INS: &str = "[[list]]\nname = \"list\"\npolarity = \"block\"\nmode = \"shadow\"\n";

/// A configuration text as it stands.
pub(super) struct Stated<'a> {
    text: &'a str,
    document: DeTable<'a>,
}

impl<'a> Stated<'a> {
    /// Reads as much as can be read.
    pub(super) fn read(text: &'a str) -> Stated<'a> {
        let text = if text.len() > TEXT_MAX { "" } else { text };
        let (document, _) = DeTable::parse_recoverable(text);
        Stated { text, document: document.into_inner() }
    }

    /// The lists whose source can be read, each with its number.
    pub(super) fn lists(&self, base: &Path) -> Vec<(usize, List)> {
        let lists = self.tables("list").enumerate();
        lists.filter_map(|(index, table)| Some((index, self.list(table, base)?))).collect()
    }

    /// The line of the source of list number `index`.
    pub(super) fn source_line(&self, index: usize) -> usize {
        self.line_of("list", index, "source")
    }

    /// The line of an option in table number `index` of that name; 1 if it is not there.
    pub(super) fn line_of(&self, name: &str, index: usize, key: &str) -> usize {
        let table = self.tables(name).nth(index);
        table.and_then(|table| self.key_line(table, key)).unwrap_or(1)
    }

    /// The tables of that name, whether it is one or an array of them.
    fn tables(&self, name: &str) -> impl Iterator<Item = &DeTable<'a>> {
        let value = value(&self.document, name);
        let alone = value.and_then(DeValue::as_table);
        let several = value.and_then(DeValue::as_array).into_iter().flatten();
        alone.into_iter().chain(several.filter_map(|element| element.get_ref().as_table()))
    }

    fn key_line(&self, table: &DeTable<'_>, key: &str) -> Option<usize> {
        let key = table.keys().find(|stated| stated.get_ref() == key)?;
        let before = self.text.get(..key.span().start)?;
        Some(before.matches('\n').count() + 1)
    }

    fn list(&self, table: &DeTable<'_>, base: &Path) -> Option<List> {
        let mut alone = STAND_INS.to_owned();
        for (key, value) in table.iter().filter(|(key, _)| READING.contains(&&**key.get_ref())) {
            self.write_option(&mut alone, key.get_ref(), value);
        }
        Config::parse(&alone, base).ok()?.lists.pop()
    }

    /// Writes an option as the text has it; of a table, each option with the table's name.
    fn write_option(&self, out: &mut String, key: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => {
                for (sub, value) in table {
                    self.write_option(out, &format!("{key}.{}", sub.get_ref()), value);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                let value = self.text.get(value.span()).unwrap_or_default();
                let _ = writeln!(out, "{key} = {value}"); // a string takes everything
            }
        }
    }
}

fn value<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeValue<'i>> {
    table.iter().find(|(stated, _)| stated.get_ref() == key).map(|(_, value)| value.get_ref())
}
