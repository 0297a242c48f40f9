//! The table of options: what the configuration can say, and what holds where it says nothing.

mod rows;

use super::kind::Kind;
use rows::{
    ADMIN, AUDIT, BUCKET, DECODE, INSPECT, LIMITS, LIST, LISTENER, LOG, REFUSAL, RUNTIME, STATE,
    UPSTREAM,
};

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `[listener]`
    Listener,
    /// `[upstream]`
    Upstream,
    /// `[[list]]`
    List,
    /// `[[bucket]]`
    Bucket,
    /// `[limits]`
    Limits,
    /// `[inspect]`
    Inspect,
    /// `[decode]`
    Decode,
    /// `[audit]`
    Audit,
    /// `[refusal]`
    Refusal,
    /// `[admin]`
    Admin,
    /// `[state]`
    State,
    /// `[log]`
    Log,
    /// `[runtime]`
    Runtime,
}

/// How often a section may stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a table.
    Once,
    /// As a table, or as an array of so many tables at most. With none there is one of defaults.
    OnceOrMore(usize),
    /// As an array of so many tables at most.
    Any(usize),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The key within its section.
    pub key: &'static str,
    /// What its value can be.
    pub kind: Kind,
    /// What holds where the key is absent.
    pub fallback: Fallback,
    /// Whether a reload (SIGHUP, `ctl reload`) changes it; otherwise a restart does.
    pub reload: bool,
    /// What it does, in a sentence.
    pub what: &'static str,
}

/// What holds where a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing: its absence is an error.
    Required,
    /// This value, in TOML.
    Toml(&'static str),
    /// What the sentence says; it depends on other options.
    Derived(&'static str),
}

impl Section {
    /// Every section, in the order of the sample file.
    pub const ALL: [Section; 13] = [
        Section::Listener,
        Section::Upstream,
        Section::List,
        Section::Bucket,
        Section::Limits,
        Section::Inspect,
        Section::Decode,
        Section::Audit,
        Section::Refusal,
        Section::Admin,
        Section::State,
        Section::Log,
        Section::Runtime,
    ];

    /// The table's name.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Listener => "listener",
            Section::Upstream => "upstream",
            Section::List => "list",
            Section::Bucket => "bucket",
            Section::Limits => "limits",
            Section::Inspect => "inspect",
            Section::Decode => "decode",
            Section::Audit => "audit",
            Section::Refusal => "refusal",
            Section::Admin => "admin",
            Section::State => "state",
            Section::Log => "log",
            Section::Runtime => "runtime",
        }
    }

    /// How often it may stand in the file. Each bucket rule is compared with all before it, each
    /// list has an index of 16 bits, and every request asks the upstreams in turn.
    pub const fn shape(self) -> Shape {
        match self {
            Section::Listener | Section::Upstream => Shape::OnceOrMore(64),
            Section::List => Shape::Any(256),
            Section::Bucket => Shape::Any(1000),
            Section::Limits
            | Section::Inspect
            | Section::Decode
            | Section::Audit
            | Section::Refusal
            | Section::Admin
            | Section::State
            | Section::Log
            | Section::Runtime => Shape::Once,
        }
    }

    /// The table's header in TOML; of a table that may stand once or more often, the former.
    pub fn header(self) -> String {
        match self.shape() {
            Shape::Once | Shape::OnceOrMore(_) => format!("[{}]", self.name()),
            Shape::Any(_) => self.repeated_header(),
        }
    }

    /// The table's header in TOML where it is one of several.
    pub(super) fn repeated_header(self) -> String {
        format!("[[{}]]", self.name())
    }

    /// Its options, in the order of the sample file.
    pub const fn rows(self) -> &'static [Row] {
        match self {
            Section::Listener => LISTENER,
            Section::Upstream => UPSTREAM,
            Section::List => LIST,
            Section::Bucket => BUCKET,
            Section::Limits => LIMITS,
            Section::Inspect => INSPECT,
            Section::Decode => DECODE,
            Section::Audit => AUDIT,
            Section::Refusal => REFUSAL,
            Section::Admin => ADMIN,
            Section::State => STATE,
            Section::Log => LOG,
            Section::Runtime => RUNTIME,
        }
    }

    /// The section of that name.
    pub(super) fn named(name: &str) -> Option<Section> {
        Section::ALL.into_iter().find(|section| section.name() == name)
    }

    /// The option of that key.
    pub(super) fn row(self, key: &str) -> Option<&'static Row> {
        self.rows().iter().find(|row| row.key == key)
    }
}

impl Fallback {
    /// The value in TOML, or in words; empty where there is none.
    pub const fn text(self) -> &'static str {
        match self {
            Fallback::Required => "",
            Fallback::Toml(text) | Fallback::Derived(text) => text,
        }
    }
}

impl Row {
    /// An option that a reload changes.
    const fn live(key: &'static str, kind: Kind, toml: &'static str, what: &'static str) -> Row {
        Row { key, kind, fallback: Fallback::Toml(toml), reload: true, what }
    }

    /// An option that only a restart changes.
    const fn fixed(key: &'static str, kind: Kind, toml: &'static str, what: &'static str) -> Row {
        Row { key, kind, fallback: Fallback::Toml(toml), reload: false, what }
    }

    /// An option without a default.
    const fn required(key: &'static str, kind: Kind, what: &'static str) -> Row {
        Row { key, kind, fallback: Fallback::Required, reload: true, what }
    }

    /// An option whose default depends on others.
    const fn derived(key: &'static str, kind: Kind, from: &'static str, what: &'static str) -> Row {
        Row { key, kind, fallback: Fallback::Derived(from), reload: true, what }
    }
}
