//! The configuration in effect, defaults and all: as TOML, as a table of settings, as a hash.

mod upstream;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::kind::{Answers, Column, Item, Value};
use super::options::Section;
use super::words::{FormatWord, Switch, Word};
use super::{
    BucketRule, CertificateFiles, Config, Credentials, Format, List, Listener, Near, SharedState,
    Tls,
};
use crate::list::HashKind;

use upstream::upstream_values;

/// An option and its value in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The option as `table.key`. Those of tables that stand more than once come once for each.
    pub key: String,
    /// The value in TOML; in words where TOML has none for it.
    pub value: String,
    /// The default in TOML, or in words; empty where there is none.
    pub default: &'static str,
    /// Whether a reload can change it.
    pub reload: bool,
}

/// One table: a value for each option that TOML can express.
type Values = Vec<(&'static str, Value)>;

impl Config {
    /// The configuration in effect as TOML that [`Config::parse`] reads to an equal one. Paths
    /// stand as they were resolved, so that text is read with an empty base directory.
    pub fn to_toml(&self) -> String {
        let mut toml = String::new();
        let tables = self.tables();
        for (section, values) in &tables {
            let is_alone = tables.iter().filter(|(other, _)| other == section).count() == 1;
            let header = if is_alone { section.header() } else { section.repeated_header() };
            let _ = writeln!(toml, "{header}");
            for (key, value) in values {
                let _ = writeln!(toml, "{key} = {value}");
            }
            toml.push('\n');
        }
        toml
    }

    /// Every option with its value in effect, in the order of the sample file.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (section, values) in self.tables() {
            for row in section.rows() {
                let value = values.iter().find(|(key, _)| *key == row.key);
                let default = row.fallback.text();
                settings.push(Setting {
                    key: format!("{}.{}", section.name(), row.key),
                    value: value.map_or_else(|| default.to_owned(), |(_, v)| v.to_string()),
                    default,
                    reload: row.reload,
                });
            }
        }
        settings
    }

    /// The options that differ from `new` and that a reload can't change: they stay as they are
    /// until a restart.
    pub fn needs_restart(&self, new: &Config) -> Vec<String> {
        let fixed = |config: &Config| {
            let mut fixed: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for setting in config.settings().into_iter().filter(|setting| !setting.reload) {
                fixed.entry(setting.key).or_default().push(setting.value);
            }
            fixed
        };
        let (old, new) = (fixed(self), fixed(new));
        old.into_iter().filter(|(key, value)| new.get(key) != Some(value)).map(|(k, _)| k).collect()
    }

    /// 16 hex digits that tell configurations in effect apart: equal settings have equal hashes,
    /// however they are written.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_toml().as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn tables(&self) -> Vec<(Section, Values)> {
        let mut tables = Vec::new();
        for section in Section::ALL {
            match section {
                Section::Listener => {
                    let listeners = self.listeners.iter();
                    tables.extend(listeners.map(|each| (section, listener_values(each))));
                }
                Section::Upstream => {
                    let upstreams = self.upstreams.iter();
                    tables.extend(upstreams.map(|each| (section, upstream_values(each))));
                }
                Section::List => {
                    tables.extend(self.lists.iter().map(|list| (section, list_values(list))));
                }
                Section::Bucket => {
                    let rules = self.buckets.iter();
                    tables.extend(rules.map(|rule| (section, bucket_values(rule, &self.lists))));
                }
                Section::Limits => tables.push((section, self.limits_values())),
                Section::Inspect => tables.push((section, self.inspect_values())),
                Section::Decode => tables.push((section, self.decode_values())),
                Section::Audit => tables.push((section, self.audit_values())),
                Section::Refusal => {
                    let contact = Value::Text(self.refusal.contact.clone());
                    tables.push((section, vec![("contact", contact)]));
                }
                Section::Admin => tables.push((section, self.admin_values())),
                Section::State => {
                    tables.push((section, self.state_values()));
                }
                Section::Log => tables.push((section, self.log_values())),
                Section::Runtime => tables.push((section, self.runtime_values())),
            }
        }
        tables
    }

    fn state_values(&self) -> Values {
        let state = &self.state;
        let shared = state.shared.as_ref();
        let text = |of: fn(&SharedState) -> &String, default: &str| {
            Value::Text(shared.map_or_else(|| default.to_owned(), |shared| of(shared).clone()))
        };
        let credentials = shared.map(|shared| &shared.credentials);
        vec![
            ("directory", path(&state.directory)),
            ("parts_directory", path(&state.parts_directory)),
            ("bucket", text(|shared| &shared.bucket, "")),
            ("endpoint", text(|shared| &shared.endpoint, "")),
            ("region", text(|shared| &shared.region, "us-east-1")),
            ("access_key", Value::Text(own_key(credentials))),
            ("secret_key_file", secret_path(credentials)),
            ("spool_max", Value::Size(state.spool_max)),
            ("ttl", Value::Duration(state.ttl)),
            ("timeout", Value::Duration(state.timeout)),
            ("multipart_grace", Value::Duration(state.multipart_grace)),
            ("sync", switch(state.sync.into())),
        ]
    }

    fn inspect_values(&self) -> Values {
        let inspect = &self.inspect;
        vec![
            ("decoded_max", Value::Size(inspect.decoded_max)),
            ("decoded_ratio", Value::Count(inspect.decoded_ratio)),
            ("magic_prefix", Value::Size(inspect.magic_prefix)),
            ("archives", switch(inspect.archives)),
            ("documents", switch(inspect.documents)),
            ("archive_max", Value::Size(inspect.archive_max)),
            ("unpacked_max", Value::Size(inspect.unpacked_max)),
            ("members_max", count(inspect.members_max)),
            ("swift_prefix", Value::Text(inspect.swift_prefix.clone())),
            ("domains", Value::Text(inspect.domains.clone())),
            ("host_buckets", Value::Text(inspect.host_buckets.clone())),
            ("bucket_aliases", Value::Text(inspect.bucket_aliases.clone())),
        ]
    }

    fn decode_values(&self) -> Values {
        let decode = &self.decode;
        vec![
            ("workers", count(decode.workers.map_or(0, std::num::NonZeroUsize::get))),
            ("memory_limit", Value::Size(decode.memory_limit)),
            ("time_limit", Value::Duration(decode.time_limit)),
            ("upload_time_limit", Value::Duration(decode.upload_time_limit)),
            ("wait", Value::Duration(decode.wait)),
            ("queue", count(decode.queue)),
            ("max_pictures", count(decode.max_pictures)),
            ("max_pixels", Value::Count(decode.max_pixels)),
            ("max_frames", Value::Count(decode.max_frames.into())),
            ("max_scans", Value::Count(decode.max_scans.into())),
        ]
    }

    fn limits_values(&self) -> Values {
        let limits = &self.limits;
        vec![
            ("capture_max", Value::Size(limits.capture_max)),
            ("small_body_max", Value::Size(limits.small_body_max)),
            ("capture_budget", Value::Size(limits.capture_budget)),
            ("hold_back", Value::Size(limits.hold_back)),
            ("drain_bytes", Value::Size(limits.drain_bytes)),
            ("drain_time", Value::Duration(limits.drain_time)),
        ]
    }

    fn audit_values(&self) -> Values {
        let audit = &self.audit;
        vec![
            ("path", path(&audit.path)),
            ("denials_path", path(&audit.denials_path)),
            ("passes", Value::Word(audit.passes.word())),
            ("retention", Value::Duration(audit.retention)),
            ("denials_retention", Value::Duration(audit.denials_retention)),
            ("rotate_size", Value::Size(audit.rotate_size)),
            ("rotate_age", Value::Duration(audit.rotate_age)),
            ("queue", count(audit.queue)),
        ]
    }

    fn admin_values(&self) -> Values {
        vec![("socket", path(&self.admin.socket)), ("address", Value::Address(self.admin.address))]
    }

    fn log_values(&self) -> Values {
        vec![
            ("format", Value::Word(self.log.format.word())),
            ("level", Value::Word(self.log.level.word())),
        ]
    }

    fn runtime_values(&self) -> Values {
        vec![
            ("workers", count(self.runtime.workers.map_or(0, std::num::NonZeroUsize::get))),
            ("digests", Value::Word(self.runtime.digests.word())),
        ]
    }
}

fn listener_values(listener: &Listener) -> Values {
    let mut values = vec![("address", Value::Address(Some(listener.address)))];
    values.extend(listener.name.iter().map(|name| ("name", Value::Text(name.clone()))));
    values.extend(tls_values(listener.tls.as_ref()));
    values.extend([
        ("proxy_protocol", switch(listener.proxy_protocol)),
        ("trusted_proxies", Value::Networks(listener.trusted_proxies.clone())),
        ("header_timeout", Value::Duration(listener.header_timeout)),
        ("idle_timeout", Value::Duration(listener.idle_timeout)),
        ("body_idle_timeout", Value::Duration(listener.body_idle_timeout)),
        ("body_min_rate", Value::Size(listener.body_min_rate)),
        ("max_connections", count(listener.max_connections)),
        ("max_header_size", Value::Size(wide(listener.max_header_size))),
        ("drain_grace", Value::Duration(listener.drain_grace)),
        ("drain_deadline", Value::Duration(listener.drain_deadline)),
    ]);
    values
}

/// How a listener speaks TLS. Where it does not, the defaults stand.
fn tls_values(tls: Option<&Tls>) -> Values {
    let Some(tls) = tls else { return Vec::new() };
    let paths = |of: fn(&CertificateFiles) -> &Path| {
        Value::Paths(
            tls.certificates.iter().map(|pair| item(&of(pair).display().to_string())).collect(),
        )
    };
    let ca = tls.client_ca.as_deref().map_or(Value::Text(String::new()), path);
    vec![
        ("tls_certificate", paths(|pair| &pair.certificate)),
        ("tls_key", paths(|pair| &pair.key)),
        ("tls_min_version", Value::Word(tls.min_version.word())),
        ("tls_client_ca", ca),
        ("tls_client_auth", Value::Word(tls.client_auth.word())),
    ]
}

fn list_values(list: &List) -> Values {
    let mut values = vec![
        ("name", Value::Text(list.name.clone())),
        ("source", path(&list.source)),
        ("format", Value::Word(format_word(&list.format).word())),
        ("hash", Value::Hash(hash(&list.format))),
        ("polarity", Value::Word(list.polarity.word())),
        ("mode", Value::Word(list.mode.word())),
        ("contact", Value::Text(list.contact.clone())),
        ("max_age", Value::Duration(list.max_age.unwrap_or_default())),
    ];
    let (columns, delimiter) = match &list.format {
        Format::Csv { columns, delimiter } => (column_values(columns), *delimiter),
        Format::Snapshot
        | Format::Plain(_)
        | Format::Tagged
        | Format::Hashdeep
        | Format::Md5sum(_) => (Vec::new(), b','),
    };
    values.push(("delimiter", Value::Delimiter(delimiter)));
    values.push(("columns", Value::Columns(columns)));
    values.extend(near_values(&list.near));
    values
}

fn near_values(near: &Near) -> Values {
    let bits = |key, bits: Option<u32>| bits.map(|bits| (key, Value::Count(bits.into())));
    let switch = |key, on: bool| Some((key, Value::Word(Switch::from(on).word())));
    let values = [
        near.mode.map(|mode| ("near_mode", Value::Word(mode.word()))),
        bits("near_distance", near.distance),
        bits("near_wide", near.wide),
        switch("near_wide_denies", near.wide_denies),
        Some(("near_quality", Value::Count(near.quality.into()))),
        Some(("near_variants", Value::Word(near.variants.word()))),
        switch("near_variants_deny", near.variants_deny),
        Some(("near_convention", Value::Word(near.convention.word()))),
        switch("short_hashes", near.short_hashes),
    ];
    values.into_iter().flatten().collect()
}

const fn format_word(format: &Format) -> FormatWord {
    match format {
        Format::Snapshot => FormatWord::Snapshot,
        Format::Plain(_) => FormatWord::Plain,
        Format::Tagged => FormatWord::Tagged,
        Format::Csv { .. } => FormatWord::Csv,
        Format::Hashdeep => FormatWord::Hashdeep,
        Format::Md5sum(_) => FormatWord::Md5sum,
    }
}

const fn hash(format: &Format) -> Option<HashKind> {
    match format {
        Format::Plain(kind) => Some(*kind),
        Format::Md5sum(algorithm) => Some(HashKind::Exact(*algorithm)),
        Format::Snapshot | Format::Tagged | Format::Csv { .. } | Format::Hashdeep => None,
    }
}

fn column_values(columns: &super::Columns) -> Vec<(Column, Item)> {
    let hashes = columns.hashes.iter().map(|(&kind, name)| (Column::Hash(kind), item(name)));
    let quality = columns.quality.iter().map(|name| (Column::Quality, item(name)));
    let label = columns.label.iter().map(|name| (Column::Label, item(name)));
    hashes.chain(quality).chain(label).collect()
}

/// A rule. `lists` is left out where all apply: TOML has no word for that.
fn bucket_values(bucket: &BucketRule, lists: &[List]) -> Values {
    let BucketRule { pattern, rule } = bucket;
    let mut values =
        vec![("match", Value::Pattern(pattern.clone())), ("mode", Value::Word(rule.mode.word()))];
    if rule.lists.len() < lists.len() {
        let applying = rule.lists.iter().filter_map(|&index| lists.get(usize::from(index)));
        let names = applying.map(|list| item(&list.name)).collect();
        values.push(("lists", Value::Names(names)));
    }
    let answers = if rule.by_reason.is_empty() {
        Answers::All(rule.unjudged)
    } else {
        Answers::ByReason(rule.by_reason.iter().map(|(&r, &a)| (r, a)).collect())
    };
    values.push(("unjudged", Value::Unjudged(answers)));
    values.push(("faults", Value::Word(rule.faults.word())));
    let surface = &rule.surface;
    values.extend([
        ("copies", Value::Word(surface.copies.word())),
        ("appends", Value::Word(surface.appends.word())),
        ("archives", Value::Word(surface.archives.word())),
        ("swift", Value::Word(surface.swift.word())),
        ("google", Value::Word(surface.google.word())),
        ("methods", Value::Word(surface.methods.word())),
        ("store_jobs", Value::Word(surface.store_jobs.word())),
    ]);
    values
}

fn own_key(credentials: Option<&Credentials>) -> String {
    credentials.map_or_else(String::new, |own| own.access_key.clone())
}

fn secret_path(credentials: Option<&Credentials>) -> Value {
    path_or_none(credentials.map(|own| own.secret_key_file.as_path()))
}

fn switch(switch: Switch) -> Value {
    Value::Word(switch.word())
}

fn path(path: &Path) -> Value {
    Value::Text(path.display().to_string())
}

fn path_or_none(given: Option<&Path>) -> Value {
    given.map_or(Value::Text(String::new()), path)
}

fn item(text: &str) -> Item {
    Item { text: text.to_owned(), line: 0 }
}

fn count(count: usize) -> Value {
    Value::Count(wide(count))
}

/// `usize` has at most 64 bits on every platform that Rust knows.
const fn wide(number: usize) -> u64 {
    number as u64
}
