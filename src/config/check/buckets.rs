//! `[[bucket]]`: rules that name lists, and rules that can never match.

use std::collections::BTreeMap;

use super::Context;
use crate::config::kind::{Answers, Value};
use crate::config::nearest::nearest;
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::{BucketRule, Glob, List, Upstream};
use crate::policy::{self, Copies, Mode, OnFault, OnUnjudged, Surface, Unjudged};

/// The rules of the text, and behind them the one for everything unless the text has its own.
pub(super) fn buckets(
    raw: &Raw,
    lists: &[List],
    upstreams: &[Upstream],
    context: &mut Context<'_>,
) -> Vec<BucketRule> {
    let mut rules: Vec<BucketRule> = Vec::new();
    let mut lines: Vec<usize> = Vec::new();
    for table in raw.all(Section::Bucket) {
        let rule = rule(table, lists, context);
        let can_read = upstreams.iter().all(|upstream| upstream.own.is_some());
        if rule.rule.surface.copies == Copies::ReadBack && !can_read {
            context.fault(table, "copies", "\"read-back\" needs upstream.access_key");
        }
        if table.is_sound("match") {
            if let Some(earlier) = rules.iter().position(|r| r.pattern.covers(&rule.pattern)) {
                let (pattern, line) = (&rules[earlier].pattern, lines[earlier]);
                let message = format!("can never match: \"{pattern}\" on line {line} comes first");
                context.fault(table, "match", message);
            }
            rules.push(rule);
            lines.push(table.line_of("match"));
        }
    }
    if !rules.iter().any(|rule| rule.pattern.is_everything()) {
        rules.push(implied(lists));
    }
    rules
}

/// What holds for buckets that no rule of the text matches.
fn implied(lists: &[List]) -> BucketRule {
    BucketRule {
        pattern: Glob::everything(),
        rule: policy::BucketRule {
            mode: Mode::Enforce,
            lists: indices(lists),
            unjudged: OnUnjudged::Forward,
            by_reason: BTreeMap::new(),
            faults: OnFault::Retry,
            surface: Surface::default(),
        },
    }
}

fn rule(table: &Table, lists: &[List], context: &mut Context<'_>) -> BucketRule {
    let mode = table.word("mode");
    let (unjudged, by_reason) = answers(table);
    let lists = applying(table, lists, context);
    let faults = faults(table, mode);
    BucketRule {
        pattern: pattern(table),
        rule: policy::BucketRule {
            mode,
            lists,
            unjudged,
            by_reason,
            faults,
            surface: surface(table),
        },
    }
}

fn surface(table: &Table) -> Surface {
    Surface {
        copies: table.word("copies"),
        appends: table.word("appends"),
        archives: table.word("archives"),
        swift: table.word("swift"),
        google: table.word("google"),
        methods: table.word("methods"),
        store_jobs: table.word("store_jobs"),
    }
}

fn pattern(table: &Table) -> Glob {
    match table.value("match") {
        Value::Pattern(pattern) => pattern.clone(),
        other => table.mistaken("match", other),
    }
}

fn applying(table: &Table, lists: &[List], context: &mut Context<'_>) -> Vec<u16> {
    if !table.is_given("lists") {
        return indices(lists);
    }
    let names = match table.value("lists") {
        Value::Names(names) => names,
        other => table.mistaken("lists", other),
    };
    let mut applying = Vec::new();
    for item in names {
        match lists.iter().zip(0_u16..).find(|(list, _)| list.name == item.text) {
            Some((_, index)) => applying.push(index),
            None => {
                let message = unknown_list(&item.text, lists);
                context.report.add(item.line, table.name("lists"), message);
            }
        }
    }
    applying.sort_unstable();
    applying
}

fn unknown_list(name: &str, lists: &[List]) -> String {
    match nearest(name, lists.iter().map(|list| list.name.as_str())) {
        Some(near) => format!("no list is named {name:?}; did you mean {near:?}?"),
        None => format!("no list is named {name:?}"),
    }
}

fn answers(table: &Table) -> (OnUnjudged, BTreeMap<Unjudged, OnUnjudged>) {
    match table.value("unjudged") {
        Value::Unjudged(Answers::All(answer)) => (*answer, BTreeMap::new()),
        Value::Unjudged(Answers::ByReason(answers)) => {
            let fallback = OnUnjudged::Forward;
            let different = answers.iter().copied().filter(|(_, answer)| *answer != fallback);
            (fallback, different.collect())
        }
        other => table.mistaken("unjudged", other),
    }
}

/// In shadow the gate adds no errors, whatever the file says, so that a rule can be switched
/// between shadow and enforce by one word.
fn faults(table: &Table, mode: Mode) -> OnFault {
    match mode {
        Mode::Enforce if table.is_given("faults") => table.word("faults"),
        Mode::Enforce => OnFault::Retry,
        Mode::Shadow | Mode::Off => OnFault::Forward,
    }
}

/// All lists. There are at most 256.
fn indices(lists: &[List]) -> Vec<u16> {
    (0_u16..).take(lists.len()).collect()
}
