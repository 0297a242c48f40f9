//! The credentials file: the clients that the gate knows, and as whom it goes to the store for them.
//!
//! It is read like the configuration, strictly and with all errors at once, by [`Clients::parse`],
//! which opens no file itself. No error says anything of a value: a secret may have been pasted
//! anywhere.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Report;
use super::nearest::nearest;
use super::{ConfigErrors, Glob, TEXT_MAX};
use crate::s3::auth::{Credentials, Secret};
use entry::{Entry, Place};

/// Most clients of a file: what a megabyte of text holds.
const CLIENTS_MAX: usize = 10_000;

/// Most identities of a file.
const IDENTITIES_MAX: usize = 1000;

const CLIENT: &str = "client";
const IDENTITY: &str = "identity";

const CLIENT_KEYS: &[&str] =
    &["access_key", "secret", "secret_file", "secret_env", "session_token", "identity", "buckets"];
const IDENTITY_KEYS: &[&str] = &[
    "name",
    "access_key",
    "secret",
    "secret_file",
    "secret_env",
    "session_token",
    "session_token_file",
];

/// Where a secret may stand; one of these must be given.
const SECRETS: &[(&str, Place)] =
    &[("secret", Place::Text), ("secret_file", Place::File), ("secret_env", Place::Variable)];

/// Where the token of temporary keys may stand.
const CLIENT_TOKENS: &[(&str, Place)] = &[("session_token", Place::Text)];
const IDENTITY_TOKENS: &[(&str, Place)] =
    &[("session_token", Place::Text), ("session_token_file", Place::File)];

/// What secrets are read from besides the file itself.
pub struct Sources<'a> {
    /// The directory that paths are relative to.
    pub base: &'a Path,
    /// The text of a file.
    pub file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// The clients that the gate knows. Made whole, and replaced whole.
#[derive(Default)]
pub struct Clients {
    by_key: HashMap<String, Arc<Client>>,
}

/// A client: its own key, and as whom its requests reach the store.
#[derive(Debug)]
pub struct Client {
    /// The key that it signs with, towards the gate.
    pub credentials: Credentials,
    /// The key that the gate signs with for it, towards the store. Clients may share one.
    pub identity: Arc<Credentials>,
    /// Never empty.
    buckets: Vec<Glob>,
}

impl Client {
    /// Whether its requests for this bucket may pass. Those that name none are for clients of all
    /// buckets only.
    pub fn may(&self, bucket: Option<&str>) -> bool {
        self.buckets.iter().any(|pattern| match bucket {
            Some(name) => pattern.matches(name),
            None => pattern.is_everything(),
        })
    }
}

impl Clients {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Every fault of it, sorted by line; none tells a value.
    pub fn parse(text: &str, sources: &Sources<'_>) -> Result<Clients, ConfigErrors> {
        let mut report = Report::new(text);
        let clients = read(text, sources, &mut report);
        match report.finish() {
            Some(errors) => Err(errors),
            None => Ok(clients),
        }
    }

    /// The client with this access key.
    pub fn find(&self, access_key: &str) -> Option<&Arc<Client>> {
        self.by_key.get(access_key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

/// Their number: who the clients are is nobody's business that looks into a log.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clients({})", self.by_key.len())
    }
}

fn read(text: &str, sources: &Sources<'_>, report: &mut Report) -> Clients {
    if text.len() > TEXT_MAX {
        report.add(1, "", format!("is larger than {} MiB", TEXT_MAX >> 20));
        return Clients::default();
    }
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let line = report.line_of(fault.span().map_or(0, |span| span.start));
        report.add_syntax(line, String::new(), format!("not TOML: {}", fault.message()));
    }
    for key in document.get_ref().keys() {
        if key.get_ref() != CLIENT && key.get_ref() != IDENTITY {
            let line = report.line_of(key.span().start);
            report.add(line, "", unknown("table", key.get_ref(), &[CLIENT, IDENTITY]));
        }
    }
    let identities = tables(document.get_ref(), IDENTITY, IDENTITY_KEYS, IDENTITIES_MAX, report);
    let identities = self::identities(&identities, sources, report);
    let clients = tables(document.get_ref(), CLIENT, CLIENT_KEYS, CLIENTS_MAX, report);
    Clients { by_key: self::clients(&clients, &identities, sources, report) }
}

/// The tables of one name, which are an array.
fn tables<'a, 'i>(
    document: &'a DeTable<'i>,
    name: &'static str,
    keys: &'static [&'static str],
    max: usize,
    report: &mut Report,
) -> Vec<Entry<'a, 'i>> {
    let Some((key, value)) = document.iter().find(|(key, _)| key.get_ref() == name) else {
        return Vec::new();
    };
    let line = report.line_of(key.span().start);
    let mut entries = Vec::new();
    let elements = value.get_ref().as_array().filter(|array| array.len() <= max);
    if elements.is_none() {
        report.add(line, name, format!("must be at most {max} tables, each [[{name}]]"));
    }
    for element in elements.into_iter().flatten() {
        let line = report.line_of(element.span().start);
        match element.get_ref().as_table() {
            Some(table) => {
                let entry = Entry { name, table, line };
                report_unknown(&entry, keys, report);
                entries.push(entry);
            }
            None => report.add(line, name, format!("must be a table, [[{name}]]")),
        }
    }
    entries
}

fn report_unknown(entry: &Entry<'_, '_>, keys: &[&str], report: &mut Report) {
    for key in entry.table.keys().filter(|key| !keys.contains(&&**key.get_ref())) {
        let line = report.line_of(key.span().start);
        report.add(line, entry.name, unknown("key", key.get_ref(), keys));
    }
}

/// The unknown word itself is not told: it may be a secret out of place.
fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("unknown {what}; did you mean {near:?}?"),
        None => format!("unknown {what}; known are {}", known.join(", ")),
    }
}

/// The identities by their names; of several with one name, the first.
fn identities(
    entries: &[Entry<'_, '_>],
    sources: &Sources<'_>,
    report: &mut Report,
) -> HashMap<String, (Option<Arc<Credentials>>, usize)> {
    let mut identities: HashMap<String, (Option<Arc<Credentials>>, usize)> = HashMap::new();
    for entry in entries {
        let name = entry.name_of("name", report);
        let credentials = credentials(entry, IDENTITY_TOKENS, sources, report).map(Arc::new);
        let Some(name) = name else { continue };
        match identities.get(&name) {
            Some((_, line)) => {
                let message = format!("is the name of the identity on line {line} too");
                entry.fault("name", message, report);
            }
            None => drop(identities.insert(name, (credentials, entry.line))),
        }
    }
    identities
}

fn clients(
    entries: &[Entry<'_, '_>],
    identities: &HashMap<String, (Option<Arc<Credentials>>, usize)>,
    sources: &Sources<'_>,
    report: &mut Report,
) -> HashMap<String, Arc<Client>> {
    let mut clients = HashMap::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        let credentials = credentials(entry, CLIENT_TOKENS, sources, report);
        let buckets = buckets(entry, report);
        let identity = entry.name_of("identity", report).and_then(|name| {
            let known = identities.get(&name);
            if known.is_none() {
                let near = nearest(&name, identities.keys().map(String::as_str));
                let hint = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                entry.fault("identity", format!("no [[identity]] has this name{hint}"), report);
            }
            known.and_then(|(credentials, _)| credentials.clone())
        });
        let Some(credentials) = credentials else { continue };
        let access_key = credentials.access_key.clone();
        if let Some(line) = lines.get(&access_key) {
            let message = format!("is the access key of the client on line {line} too");
            entry.fault("access_key", message, report);
            continue;
        }
        lines.insert(access_key.clone(), entry.line);
        if let (Some(identity), Some(buckets)) = (identity, buckets) {
            clients.insert(access_key, Arc::new(Client { credentials, identity, buckets }));
        }
    }
    clients
}

/// The keys that stand in an entry.
fn credentials(
    entry: &Entry<'_, '_>,
    tokens: &[(&'static str, Place)],
    sources: &Sources<'_>,
    report: &mut Report,
) -> Option<Credentials> {
    let access_key = entry.access_key(report);
    let secret = entry.secret(SECRETS, sources, report);
    if secret.is_none() && !SECRETS.iter().any(|(key, _)| entry.value(key).is_some()) {
        let message = "one of secret, secret_file and secret_env is missing".to_owned();
        entry.fault("secret", message, report);
    }
    let has_token = tokens.iter().any(|(key, _)| entry.value(key).is_some());
    let session_token = entry.secret(tokens, sources, report);
    if has_token && session_token.is_none() {
        return None;
    }
    Some(Credentials { access_key: access_key?, secret: Secret::new(secret?), session_token })
}

/// The buckets that a client may name: all, unless some are given.
fn buckets(entry: &Entry<'_, '_>, report: &mut Report) -> Option<Vec<Glob>> {
    let Some(value) = entry.value("buckets") else { return Some(vec![Glob::everything()]) };
    let patterns = patterns(value).ok_or(
        "must be an array of patterns, such as [\"photos-*\"], each with 1 to 255 of the \
         characters of bucket names, * and ?",
    );
    match patterns {
        Ok(patterns) if patterns.is_empty() => {
            entry.fault("buckets", "allows nothing; for all buckets, write [\"*\"]".into(), report);
            None
        }
        Ok(patterns) => Some(patterns),
        Err(message) => {
            entry.fault("buckets", message.to_owned(), report);
            None
        }
    }
}

fn patterns(value: &Spanned<DeValue<'_>>) -> Option<Vec<Glob>> {
    let array = value.get_ref().as_array()?;
    array.iter().map(|element| Glob::parse(element.get_ref().as_str()?).ok()).collect()
}
