//! What an option's value can be: read from TOML, written as TOML, told to the operator.

mod compound;
mod scalar;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::DeValue;

pub(super) use scalar::name as list_name;

use super::Glob;
use super::error::Report;
use super::units::{show_duration, show_millis, show_size};
use crate::list::HashKind;
use crate::policy::{OnUnjudged, Unjudged};

/// The kind of an option's value, with its bounds (both inclusive).
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Bytes, "64MiB".
    Size {
        /// Smallest, in bytes.
        min: u64,
        /// Largest, in bytes.
        max: u64,
    },
    /// Time, "10s".
    Duration {
        /// Shortest, in milliseconds.
        min: u64,
        /// Longest, in milliseconds.
        max: u64,
    },
    /// A number of things.
    Count {
        /// Fewest.
        min: u64,
        /// Most.
        max: u64,
    },
    /// One of some words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// Words that a later release may know; they get an error of their own.
        later: &'static [&'static str],
    },
    /// A kind of hash, or "" for none.
    Hash,
    /// A name that audit records and metrics can carry.
    Name,
    /// One line of text.
    Text {
        /// Most bytes.
        max: usize,
        /// Whether it goes into HTTP answers, so must be printable ASCII.
        ascii: bool,
    },
    /// A file or directory, relative to the configuration's directory.
    Path {
        /// Whether "" is allowed.
        optional: bool,
    },
    /// A path as above, an array of them, or "" for none.
    Paths {
        /// Most paths.
        max: usize,
    },
    /// Networks, and addresses that stand for themselves.
    Networks {
        /// Most of them.
        max: usize,
    },
    /// An IP address and a port to listen on.
    Address {
        /// Whether "" is allowed.
        optional: bool,
    },
    /// The URL of a store.
    Endpoint,
    /// A pattern for bucket names.
    Pattern,
    /// An array of patterns; none is as good as all.
    Patterns(PatternsOf),
    /// A character between the fields of a CSV line.
    Delimiter,
    /// Names of lists.
    Names,
    /// Names of a CSV file's columns.
    Columns,
    /// A word, or a table of words by unjudged reason.
    Unjudged,
}

/// What patterns are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternsOf {
    /// Hosts, in lower case and without their port.
    Hosts,
    /// Buckets.
    Buckets,
}

/// A value of some [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Size(u64),
    Duration(Duration),
    Count(u64),
    Word(&'static str),
    Hash(Option<HashKind>),
    Text(String),
    Address(Option<SocketAddr>),
    Endpoint(Endpoint),
    Pattern(Glob),
    Patterns(Vec<Glob>),
    Delimiter(u8),
    Paths(Vec<Item>),
    Networks(Vec<IpNet>),
    Names(Vec<Item>),
    Columns(Vec<(Column, Item)>),
    Unjudged(Answers),
}

/// A text inside a compound value, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) line: usize,
}

/// What a CSV column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Hash(HashKind),
    Quality,
    Label,
}

impl Column {
    /// Those that operators are told of; each kind of `image_hasher`'s is one too.
    const COMMON: [&'static str; 6] = ["md5", "sha1", "sha256", "pdq", "quality", "label"];

    fn from_name(name: &str) -> Option<Column> {
        match name {
            "quality" => Some(Column::Quality),
            "label" => Some(Column::Label),
            kind => hash_kind(kind).map(Column::Hash),
        }
    }

    fn name(self) -> String {
        match self {
            Column::Hash(kind) => kind.to_string(),
            Column::Quality => "quality".to_owned(),
            Column::Label => "label".to_owned(),
        }
    }
}

/// The kind of hash that a word names, as it is written here: in lower case.
fn hash_kind(word: &str) -> Option<HashKind> {
    word.parse::<HashKind>().ok().filter(|kind| kind.to_string() == word)
}

/// What to do about reasons of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    All(OnUnjudged),
    ByReason(Vec<(Unjudged, OnUnjudged)>),
}

/// What is spoken with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The beginning of a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that a `Host` header leaves out.
    const fn usual_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Where a store listens, and what it speaks there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken.
    pub scheme: Scheme,
    /// A DNS name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

impl Endpoint {
    /// `host:port`, an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        let port = self.port;
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }

    /// What clients of the store write into `Host`: the port only where it is not the usual one.
    pub fn host_header(&self) -> String {
        let mut header = self.authority();
        if self.port == self.scheme.usual_port() {
            header.truncate(header.rfind(':').unwrap_or(header.len()));
        }
        header
    }

    /// Whether the host is an address, not a name.
    pub fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }
}

impl std::str::FromStr for Endpoint {
    type Err = String;

    /// Reads `http://host:port` or `https://host:port`.
    fn from_str(text: &str) -> Result<Self, String> {
        scalar::endpoint(text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority())
    }
}

impl Kind {
    /// Reads a value; reports what is wrong with it under `key`.
    pub(super) fn read(
        self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        report: &mut Report,
    ) -> Option<Value> {
        match self {
            Kind::Paths { max } => compound::paths(value, max, key, report),
            Kind::Networks { max } => compound::networks(value, max, key, report),
            Kind::Names => compound::names(value, key, report),
            Kind::Patterns(of) => compound::patterns(of, value, key, report),
            Kind::Columns => compound::columns(value, key, report),
            Kind::Unjudged => compound::unjudged(value, key, report),
            simple => match scalar::read(simple, value.get_ref()) {
                Ok(value) => Some(value),
                Err(message) => {
                    let line = report.line_of(value.span().start);
                    report.add(line, key, message);
                    None
                }
            },
        }
    }

    /// A value of this kind to go on with after an error was reported, so that the rest of the
    /// text is still checked. Never served.
    pub(super) fn stand_in(self) -> Value {
        match self {
            Kind::Size { min, .. } => Value::Size(min),
            Kind::Duration { min, .. } => Value::Duration(Duration::from_millis(min)),
            Kind::Count { min, .. } => Value::Count(min),
            Kind::Word { words, .. } => Value::Word(words.first().copied().unwrap_or("")),
            Kind::Hash => Value::Hash(None),
            Kind::Name | Kind::Text { .. } | Kind::Path { .. } => Value::Text(String::new()),
            Kind::Address { .. } => Value::Address(None),
            Kind::Endpoint => Value::Endpoint(Endpoint {
                scheme: Scheme::Http,
                host: "127.0.0.1".to_owned(),
                port: 1,
            }),
            Kind::Patterns(_) => Value::Patterns(Vec::new()),
            Kind::Pattern => Value::Pattern(Glob::everything()),
            Kind::Delimiter => Value::Delimiter(b','),
            Kind::Paths { .. } => Value::Paths(Vec::new()),
            Kind::Networks { .. } => Value::Networks(Vec::new()),
            Kind::Names => Value::Names(Vec::new()),
            Kind::Columns => Value::Columns(Vec::new()),
            Kind::Unjudged => Value::Unjudged(Answers::All(OnUnjudged::Forward)),
        }
    }
}

/// The kind and its bounds, as docs/config.md has them.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::Size { min, max } => {
                write!(f, "size, {} to {}", show_size(min), show_size(max))
            }
            Kind::Duration { min, max } => {
                write!(f, "duration, {} to {}", show_millis(min), show_millis(max))
            }
            Kind::Count { min, max } => write!(f, "number, {min} to {max}"),
            Kind::Word { words, .. } => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word:?}`")).collect();
                f.write_str(&words.join(" "))
            }
            Kind::Hash => f.write_str(
                "`\"\"` `\"md5\"` `\"sha1\"` `\"sha256\"` `\"pdq\"`, or a kind as `\"median-16-dct\"`",
            ),
            Kind::Name => f.write_str("name, 1 to 64 of `a-z 0-9 _ -`"),
            Kind::Text { max, ascii: true } => write!(f, "printable ASCII, at most {max} bytes"),
            Kind::Text { max, ascii: false } => write!(f, "text, at most {max} bytes"),
            Kind::Path { optional: false } => f.write_str("path"),
            Kind::Path { optional: true } => f.write_str("path or `\"\"`"),
            Kind::Paths { max } => write!(f, "path, array of at most {max} paths, or `\"\"`"),
            Kind::Networks { max } => {
                write!(f, "array of at most {max} networks or addresses, as `\"10.0.0.0/8\"`")
            }
            Kind::Address { optional: false } => f.write_str("IP address and port"),
            Kind::Address { optional: true } => f.write_str("IP address and port, or `\"\"`"),
            Kind::Endpoint => f.write_str("`\"http://host:port\"` or `\"https://host:port\"`"),
            Kind::Pattern => f.write_str("pattern with `*` and `?`"),
            Kind::Patterns(_) => f.write_str("array of patterns with `*` and `?`"),
            Kind::Delimiter => f.write_str("one ASCII character"),
            Kind::Names => f.write_str("array of list names"),
            Kind::Columns => f.write_str("table of column names"),
            Kind::Unjudged => {
                f.write_str("`\"forward\"` `\"refuse\"`, or a table of these by reason")
            }
        }
    }
}

/// The value as TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Size(bytes) => write!(f, "\"{}\"", show_size(*bytes)),
            Value::Duration(duration) => write!(f, "\"{}\"", show_duration(*duration)),
            Value::Count(count) => write!(f, "{count}"),
            Value::Word(word) => write!(f, "\"{word}\""),
            Value::Hash(kind) => {
                write!(f, "\"{}\"", kind.map(|kind| kind.to_string()).unwrap_or_default())
            }
            Value::Text(text) => f.write_str(&quoted(text)),
            Value::Address(None) => f.write_str("\"\""),
            Value::Address(Some(address)) => write!(f, "\"{address}\""),
            Value::Endpoint(endpoint) => write!(f, "\"{endpoint}\""),
            Value::Pattern(pattern) => write!(f, "\"{pattern}\""),
            Value::Patterns(patterns) => {
                let patterns: Vec<String> = patterns.iter().map(|p| format!("\"{p}\"")).collect();
                write!(f, "[{}]", patterns.join(", "))
            }
            Value::Delimiter(byte) => f.write_str(&quoted(&char::from(*byte).to_string())),
            Value::Paths(paths) => match paths.as_slice() {
                [] => f.write_str("\"\""),
                [path] => f.write_str(&quoted(&path.text)),
                paths => array(f, paths.iter().map(|path| quoted(&path.text))),
            },
            Value::Networks(networks) => {
                array(f, networks.iter().map(|network| format!("\"{network}\"")))
            }
            Value::Names(items) => array(f, items.iter().map(|item| quoted(&item.text))),
            Value::Columns(columns) => table(f, columns.iter(), |(column, item)| {
                format!("{} = {}", column.name(), quoted(&item.text))
            }),
            Value::Unjudged(Answers::All(answer)) => write!(f, "\"{}\"", answer_word(*answer)),
            Value::Unjudged(Answers::ByReason(answers)) => {
                table(f, answers.iter(), |(reason, answer)| {
                    format!("{reason} = \"{}\"", answer_word(*answer))
                })
            }
        }
    }
}

fn array(f: &mut fmt::Formatter<'_>, elements: impl Iterator<Item = String>) -> fmt::Result {
    write!(f, "[{}]", elements.collect::<Vec<_>>().join(", "))
}

fn table<T>(
    f: &mut fmt::Formatter<'_>,
    entries: impl Iterator<Item = T>,
    entry: impl Fn(T) -> String,
) -> fmt::Result {
    let entries: Vec<String> = entries.map(entry).collect();
    if entries.is_empty() { f.write_str("{}") } else { write!(f, "{{ {} }}", entries.join(", ")) }
}

fn answer_word(answer: OnUnjudged) -> &'static str {
    super::words::Word::word(answer)
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
