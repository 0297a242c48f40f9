//! The configuration: one table of options, read to raw values, checked into typed ones.
//!
//! [`Config::parse`] takes TOML text and the directory that its paths are relative to. It opens no
//! file and asks no clock. Every error is reported at once, each with its key and its line, so
//! that an operator repairs a file in one go:
//!
//! ```text
//! text --toml--> tables --options table--> raw values --check--> Config
//!                  |            |                         |
//!           syntax errors   unknown keys,          missing keys, relations,
//!                           types, units, bounds   references, unreachable rules
//! ```
//!
//! A new option is a row in [`options`], a field in `settings.rs`, a line in `check/`, a line in
//! `effective.rs`, a line in config/s3bouncer.toml and a row in docs/config.md. Tests hold the
//! table, the sample and the document together.

mod check;
mod credentials;
mod effective;
mod error;
mod glob;
mod kind;
mod nearest;
pub mod options;
mod raw;
mod settings;
mod units;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::time::Duration;

pub use credentials::{Client, Clients, Sources};
pub use effective::Setting;
pub use error::{ConfigError, ConfigErrors};
pub use glob::Glob;
pub use kind::{Endpoint, Kind, PatternsOf, Scheme};
pub use settings::{
    Admin, Audit, BucketRule, CertificateFiles, Columns, Credentials, Decode, Format, Inspect,
    Limits, List, Listener, Log, Near, Refusal, Runtime, SharedState, SignAnew, Signing, State,
    Tls, Upstream, UpstreamTls,
};
pub use words::{
    Anonymous, ClientAuth, DigestCode, Guard, LogFormat, LogLevel, Passes, SignedChunks, Switch,
    TlsVersion, Variants,
};

/// Longest configuration that is read, in bytes. Longer ones are mistakes (a list, a core dump).
pub const TEXT_MAX: usize = 1 << 20;

/// Everything that the operator decided, checked: each value is within its bounds and the values
/// agree with one another. Paths are joined to the directory of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where clients connect, in the order of the file. Never empty; at most 64.
    pub listeners: Vec<Listener>,
    /// The stores, in the order of the file. Never empty; at most 64.
    pub upstreams: Vec<Upstream>,
    /// The hash lists, in the order of the file. At most 256, each name once.
    pub lists: Vec<List>,
    /// The rules for buckets, in order. Never empty: the last one that can match takes everything.
    pub buckets: Vec<BucketRule>,
    /// Bounds on memory and on reading what nobody needs.
    pub limits: Limits,
    /// What of a body is looked at besides the body itself.
    pub inspect: Inspect,
    /// The processes that decode images.
    pub decode: Decode,
    /// Where the audit records go.
    pub audit: Audit,
    /// What a refused client is told.
    pub refusal: Refusal,
    /// The operator's own addresses.
    pub admin: Admin,
    /// What outlives a restart.
    pub state: State,
    /// The log for humans and machines.
    pub log: Log,
    /// Threads and code paths.
    pub runtime: Runtime,
}

impl Config {
    /// Reads a configuration. `base` is the directory that relative paths start from.
    ///
    /// # Errors
    /// Every fault that the text shows by itself, sorted by line.
    pub fn parse(text: &str, base: &Path) -> Result<Config, ConfigErrors> {
        Config::parse_with_files(text, base, |_| Ok(()))
    }

    /// As [`Config::parse`], and asks `readable` about every file that the configuration has the
    /// gate read (list sources, certificate, key). For `check`: its answers are reported among all
    /// other errors. `run` uses [`Config::parse`], since a list may be served from the state
    /// directory while its source is away.
    ///
    /// # Errors
    /// As [`Config::parse`], and one for each file that is not readable.
    pub fn parse_with_files(
        text: &str,
        base: &Path,
        readable: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<Config, ConfigErrors> {
        let mut report = error::Report::new(text);
        let config = raw::read(text, &mut report)
            .map(|raw| check::config(&raw, &mut check::Context::new(base, &readable, &mut report)));
        match (config, report.finish()) {
            (Some(config), None) => Ok(config),
            (_, Some(errors)) => Err(errors),
            (None, None) => {
                unreachable!("only a reported error keeps a configuration from being read")
            }
        }
    }

    /// How long a draining gate goes on accepting, and how long it waits for requests under way: the
    /// longest of what the listeners say, since the process ends for all of them at once.
    pub fn drain(&self) -> (Duration, Duration) {
        let longest =
            |of: fn(&Listener) -> Duration| self.listeners.iter().map(of).max().unwrap_or_default();
        (longest(|each| each.drain_grace), longest(|each| each.drain_deadline))
    }

    /// The rule for a bucket: the first whose pattern matches. A request that names no bucket
    /// (`None`) is matched by `*` alone.
    pub fn rule_for(&self, bucket: Option<&str>) -> &BucketRule {
        self.buckets
            .iter()
            .find(|rule| rule.matches(bucket))
            .unwrap_or_else(|| unreachable!("a checked configuration has a rule for every bucket"))
    }
}
