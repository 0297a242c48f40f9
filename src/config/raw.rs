//! TOML text to raw values: every option of every table, given or by default, each in its bounds.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::TEXT_MAX;
use super::error::Report;
use super::kind::Value;
use super::nearest::nearest;
use super::options::{Fallback, Row, Section, Shape};
use super::words::Word;
use crate::list::HashKind;

/// How the parser calls a key that stands twice. A test notices if it is called otherwise.
const DUPLICATE: &str = "duplicate key";

/// The tables of a text, as often as given; each section whose shape asks for one at least once.
pub(super) struct Raw {
    tables: Vec<Table>,
}

/// The options of one table.
pub(super) struct Table {
    section: Section,
    /// Where it begins; 1 where it is absent.
    pub(super) line: usize,
    /// One for each row of the section.
    fields: BTreeMap<&'static str, Field>,
}

struct Field {
    value: Value,
    line: usize,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Given,
    Default,
    /// An error was reported; the value is a stand-in.
    Wrong,
}

/// Reads a text. `None` where it is no TOML: what it means would be a guess, so it is not checked
/// any further.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Raw> {
    if text.len() > TEXT_MAX {
        report.add(1, "", format!("is larger than {} MiB", TEXT_MAX >> 20));
        return None;
    }
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let offset = fault.span().map_or(0, |span| span.start);
        let key = key_near(text, offset);
        let message = second_table(&key, fault.message())
            .unwrap_or_else(|| format!("not TOML: {}", fault.message()));
        report.add_syntax(report.line_of(offset), key, message);
    }
    let is_toml = report.is_clean();
    let raw = tables(document.get_ref(), report, is_toml);
    is_toml.then_some(raw)
}

/// The key on a line that is no TOML, as far as it can be told.
fn key_near(text: &str, offset: usize) -> String {
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or_default().trim_start_matches(['[', ' ', '\t']);
    line.chars().take_while(|&c| is_key(c)).take(64).collect()
}

/// What to say of a table that stands once more, where it may as an array of tables: as such all of
/// them have to be written.
fn second_table(key: &str, message: &str) -> Option<String> {
    let section = Section::named(key).filter(|_| message == DUPLICATE)?;
    let Shape::OnceOrMore(_) = section.shape() else { return None };
    let header = section.repeated_header();
    Some(format!("stands here once more; where there are several, each has to be {header}"))
}

fn tables(document: &DeTable<'_>, report: &mut Report, is_toml: bool) -> Raw {
    let mut tables = Vec::new();
    for (name, value) in document {
        let line = report.line_of(name.span().start);
        let Some(section) = Section::named(name.get_ref()) else {
            report.add(line, name.get_ref().as_ref(), unknown_table(name.get_ref()));
            continue;
        };
        for (table, line) in instances(section, value, line, report) {
            tables.push(Table::read(section, table, line, report, is_toml));
        }
    }
    let is_needed = |section: &Section| !matches!(section.shape(), Shape::Any(_));
    for section in Section::ALL.into_iter().filter(is_needed) {
        if !tables.iter().any(|table: &Table| table.section == section) {
            tables.push(Table::read(section, &DeTable::new(), 1, report, is_toml));
        }
    }
    Raw { tables }
}

/// The tables that a section's value consists of, each with its line.
fn instances<'a, 'i>(
    section: Section,
    value: &'a Spanned<DeValue<'i>>,
    line: usize,
    report: &mut Report,
) -> Vec<(&'a DeTable<'i>, usize)> {
    let wrong = |found: &DeValue<'_>| {
        format!("must be a table, {}, not {}", section.header(), found.type_str())
    };
    use Shape::{Any, Once, OnceOrMore};
    match (section.shape(), value.get_ref()) {
        (Once | OnceOrMore(_), DeValue::Table(table)) => return vec![(table, line)],
        (Any(max) | OnceOrMore(max), DeValue::Array(array)) if array.len() <= max => {
            let mut tables = Vec::new();
            for element in array {
                let line = report.line_of(element.span().start);
                match element.get_ref().as_table() {
                    Some(table) => tables.push((table, line)),
                    None => report.add(line, section.name(), wrong(element.get_ref())),
                }
            }
            return tables;
        }
        (Any(max) | OnceOrMore(max), DeValue::Array(array)) => {
            let message = format!("stands here {} times, at most {max} are allowed", array.len());
            report.add(line, section.name(), message);
        }
        (_, found) => report.add(line, section.name(), wrong(found)),
    }
    Vec::new()
}

impl Raw {
    /// The table of a section that stands once.
    pub(super) fn one(&self, section: Section) -> &Table {
        self.all(section)
            .next()
            .unwrap_or_else(|| unreachable!("reading makes each table that stands once"))
    }

    /// The tables of a section, in order.
    pub(super) fn all(&self, section: Section) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| table.section == section)
    }
}

impl Table {
    fn read(
        section: Section,
        table: &DeTable<'_>,
        line: usize,
        report: &mut Report,
        is_toml: bool,
    ) -> Table {
        for key in table.keys().filter(|key| section.row(key.get_ref()).is_none()) {
            let line = report.line_of(key.span().start);
            let message = unknown_key(section, key.get_ref());
            report.add(line, format!("{}.{}", section.name(), key.get_ref()), message);
        }
        let given = |row: &Row| table.iter().find(|(key, _)| key.get_ref() == row.key);
        let mut fields = BTreeMap::new();
        for row in section.rows() {
            let full = format!("{}.{}", section.name(), row.key);
            let field = match given(row) {
                Some((key, value)) => {
                    let line = report.line_of(key.span().start);
                    let read = row.kind.read(value, &full, report);
                    let origin = if read.is_some() { Origin::Given } else { Origin::Wrong };
                    Field { value: read.unwrap_or_else(|| row.kind.stand_in()), line, origin }
                }
                None => {
                    if row.fallback == Fallback::Required && is_toml {
                        report.add(line, full, "is missing: it has no default");
                    }
                    default_of(row, line)
                }
            };
            fields.insert(row.key, field);
        }
        Table { section, line, fields }
    }

    /// The option's full key.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.section.name())
    }

    /// The line where an option stands, or else its table.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.field(key).line
    }

    /// Whether the text gives the option, without an error.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.field(key).origin == Origin::Given
    }

    /// Whether the option's value can be relied upon, given or by default.
    pub(super) fn is_sound(&self, key: &str) -> bool {
        self.field(key).origin != Origin::Wrong
    }

    /// Whether the option's value is the default, given or not.
    pub(super) fn is_default(&self, key: &str) -> bool {
        let row = self.section.row(key);
        let default = row.and_then(|row| match row.fallback {
            Fallback::Toml(toml) => read_default(row, toml),
            Fallback::Required | Fallback::Derived(_) => None,
        });
        default.as_ref() == Some(self.value(key))
    }

    pub(super) fn value(&self, key: &str) -> &Value {
        &self.field(key).value
    }

    pub(super) fn size(&self, key: &str) -> u64 {
        match self.value(key) {
            Value::Size(bytes) => *bytes,
            other => self.mistaken(key, other),
        }
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        match self.value(key) {
            Value::Duration(duration) => *duration,
            other => self.mistaken(key, other),
        }
    }

    /// A count. The bounds of every row fit into `usize`.
    pub(super) fn count(&self, key: &str) -> usize {
        match self.value(key) {
            Value::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            other => self.mistaken(key, other),
        }
    }

    pub(super) fn text(&self, key: &str) -> &str {
        match self.value(key) {
            Value::Text(text) => text,
            Value::Word(word) => word,
            other => self.mistaken(key, other),
        }
    }

    pub(super) fn hash(&self, key: &str) -> Option<HashKind> {
        match self.value(key) {
            Value::Hash(kind) => *kind,
            other => self.mistaken(key, other),
        }
    }

    pub(super) fn word<T: Word>(&self, key: &str) -> T {
        T::from_word(self.text(key)).unwrap_or_else(|| self.mistaken(key, self.value(key)))
    }

    /// A mistake of ours, not of the text: the table of options and its reader disagree. Any
    /// configuration at all shows it, so the first test does.
    pub(super) fn mistaken(&self, key: &str, found: &Value) -> ! {
        unreachable!("the table of options has another kind for {}: {found}", self.name(key))
    }

    fn field(&self, key: &str) -> &Field {
        match self.fields.get(key) {
            Some(field) => field,
            None => unreachable!("the table of options lacks {}", self.name(key)),
        }
    }
}

fn default_of(row: &Row, line: usize) -> Field {
    let (value, origin) = match row.fallback {
        Fallback::Required => (None, Origin::Wrong),
        Fallback::Derived(_) => (None, Origin::Default),
        Fallback::Toml(toml) => (read_default(row, toml), Origin::Default),
    };
    Field { value: value.unwrap_or_else(|| row.kind.stand_in()), line, origin }
}

/// A row's own default. A test shows that each can be read.
pub(super) fn read_default(row: &Row, toml: &str) -> Option<Value> {
    let mut report = Report::new(toml);
    let value = DeValue::parse(toml).ok()?;
    row.kind.read(&value, row.key, &mut report).filter(|_| report.is_clean())
}

fn unknown_table(name: &str) -> String {
    if let Some(near) = nearest(name, Section::ALL.into_iter().map(Section::name)) {
        return format!("unknown table; did you mean {near:?}?");
    }
    match section_with(name) {
        Some(section) => format!("unknown here; it belongs to {}", section.header()),
        None => "unknown table".to_owned(),
    }
}

fn unknown_key(section: Section, key: &str) -> String {
    if let Some(near) = nearest(key, section.rows().iter().map(|row| row.key)) {
        return format!("unknown key; did you mean {near:?}?");
    }
    match section_with(key) {
        Some(other) => format!("unknown key here; it belongs to {}", other.header()),
        None => "unknown key".to_owned(),
    }
}

/// The only section with such a key.
fn section_with(key: &str) -> Option<Section> {
    let mut sections = Section::ALL.into_iter().filter(|section| section.row(key).is_some());
    sections.next().filter(|_| sections.next().is_none())
}
