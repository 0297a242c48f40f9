//! Raw values to a checked configuration: what has to hold between options.

mod buckets;
mod listeners;
mod lists;
mod sections;
mod upstreams;

use std::io;
use std::path::{Path, PathBuf};

use super::Config;
use super::error::Report;
use super::kind::Value;
use super::options::Section;
use super::raw::{Raw, Table};

/// What checking needs besides the values, and where it reports.
pub(super) struct Context<'a> {
    base: &'a Path,
    readable: &'a dyn Fn(&Path) -> io::Result<()>,
    report: &'a mut Report,
}

/// Checks everything. The result counts only if nothing was reported.
pub(super) fn config(raw: &Raw, context: &mut Context<'_>) -> Config {
    let listeners = listeners::listeners(raw, context);
    let upstreams = upstreams::upstreams(raw, context);
    let state = sections::state(raw.one(Section::State), &upstreams, context);
    let lists = lists::lists(raw, context);
    let config = Config {
        listeners,
        buckets: buckets::buckets(raw, &lists, &upstreams, context),
        upstreams,
        lists,
        limits: sections::limits(raw.one(Section::Limits), context),
        inspect: sections::inspect(raw.one(Section::Inspect), raw.one(Section::Limits), context),
        decode: sections::decode(raw.one(Section::Decode), context),
        audit: sections::audit(raw.one(Section::Audit), context),
        refusal: sections::refusal(raw.one(Section::Refusal)),
        admin: sections::admin(raw.one(Section::Admin), &state, context),
        state,
        log: sections::log(raw.one(Section::Log)),
        runtime: sections::runtime(raw.one(Section::Runtime)),
    };
    sections::addresses(raw, &config, context);
    config
}

impl<'a> Context<'a> {
    pub(super) fn new(
        base: &'a Path,
        readable: &'a dyn Fn(&Path) -> io::Result<()>,
        report: &'a mut Report,
    ) -> Self {
        Context { base, readable, report }
    }

    /// Reports a fault of one option.
    fn fault(&mut self, table: &Table, key: &str, message: impl Into<String>) {
        self.report.add(table.line_of(key), table.name(key), message);
    }

    /// Reports that two options contradict each other: under the one that the text gives, the
    /// first if both. Silent where one of them is wrong already.
    fn contradiction(&mut self, table: &Table, keys: [&str; 2], message: &str) {
        if keys.iter().all(|key| table.is_sound(key)) {
            let [first, second] = keys;
            let blamed = if table.is_given(first) { first } else { second };
            self.fault(table, blamed, message);
        }
    }

    /// Reports where `smaller` is above `larger`.
    fn ordered<T: PartialOrd>(
        &mut self,
        table: &Table,
        [smaller, larger]: [&str; 2],
        value: impl Fn(&str) -> T,
    ) {
        if value(smaller) > value(larger) {
            let (low, high) = (table.value(smaller), table.value(larger));
            let message = format!("{smaller} ({low}) must be at most {larger} ({high})");
            self.contradiction(table, [smaller, larger], &message);
        }
    }

    /// A path that the gate writes.
    fn path(&self, table: &Table, key: &str) -> PathBuf {
        self.base.join(table.text(key))
    }

    /// The paths of files that the gate reads; reports those that can't be read.
    fn readable_paths(&mut self, table: &Table, key: &str) -> Vec<PathBuf> {
        let Value::Paths(items) = table.value(key) else {
            table.mistaken(key, table.value(key));
        };
        let mut paths = Vec::new();
        for item in items {
            let path = self.base.join(&item.text);
            if let Err(error) = (self.readable)(&path) {
                let message = format!("{}: {error}", path.display());
                self.report.add(item.line, table.name(key), message);
            }
            paths.push(path);
        }
        paths
    }

    /// A path of a file that the gate reads; reports where it can't be read.
    fn readable_path(&mut self, table: &Table, key: &str) -> PathBuf {
        let path = self.path(table, key);
        if table.is_given(key)
            && let Err(error) = (self.readable)(&path)
        {
            self.fault(table, key, format!("{}: {error}", path.display()));
        }
        path
    }
}
