//! The checked configuration, table by table.
//!
//! Sizes are in bytes; paths are joined to the configuration's directory.

mod upstream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::words::{ClientAuth, Switch, TlsVersion, Variants};
use super::{DigestCode, Glob, LogFormat, LogLevel, Passes};
use crate::digest::Algorithm;
use crate::image::Convention;
use crate::list::HashKind;
use crate::policy::{self, Mode, Polarity};
use crate::s3;

pub use upstream::{SignAnew, Signing, Upstream, UpstreamTls};

/// `[listener]` or `[[listener]]`: where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where clients connect.
    pub address: SocketAddr,
    /// What it is called, if not by its address; unique.
    pub name: Option<String>,
    /// HTTPS with this certificate; HTTP where `None`.
    pub tls: Option<Tls>,
    /// Whether each connection begins with a PROXY header; `trusted_proxies` has somebody then.
    pub proxy_protocol: Switch,
    /// Who is believed when naming a client.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request's head may take.
    pub header_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// How long a body may stand still.
    pub body_idle_timeout: Duration,
    /// Bytes a second of a body that a client has to send; 0 where nobody asks.
    pub body_min_rate: u64,
    /// Connections at a time, 1 to 1,000,000.
    pub max_connections: usize,
    /// Largest head of a request in bytes, 8 KiB to 1 MiB.
    pub max_header_size: usize,
    /// How long a draining gate still accepts connections.
    pub drain_grace: Duration,
    /// How long a draining gate waits for requests; at least `drain_grace`.
    pub drain_deadline: Duration,
}

impl Listener {
    /// What the log and metrics call it.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address.to_string())
    }
}

/// How a listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What clients are shown, the default first. Never empty.
    pub certificates: Vec<CertificateFiles>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// Whether clients are asked for a certificate.
    pub client_auth: ClientAuth,
    /// PEM file with the authorities that clients' certificates are by; there unless `client_auth`
    /// is off, and only then.
    pub client_ca: Option<PathBuf>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM file with the chain, the server's certificate first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// An access key of the gate's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id, never empty.
    pub access_key: String,
    /// The file that holds the secret.
    pub secret_key_file: PathBuf,
}

/// `[[list]]`: a hash list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// 1 to 64 of `a-z 0-9 _ -`; unique.
    pub name: String,
    /// The file.
    pub source: PathBuf,
    /// How the file is written, with all that reading it needs.
    pub format: Format,
    /// Whether its entries refuse or acquit. Formats that are known to lack SHA-256 can not acquit.
    pub polarity: Polarity,
    /// Enforce or shadow, never off.
    pub mode: Mode,
    /// Whom to ask about an entry; may be empty. One line, at most 200 bytes.
    pub contact: String,
    /// Age from which it is stale; `None` is never.
    pub max_age: Option<Duration>,
    /// How its perceptual hashes are taken, if it holds any.
    pub near: Near,
}

/// How the perceptual hashes of a list are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Enforce or shadow; `None` is as the list's where it holds nothing else, else shadow.
    pub mode: Option<Mode>,
    /// Bits up to which a picture is the listed one, 0 to 256; `None` is the kind's own.
    pub distance: Option<u32>,
    /// Bits up to which it is at least recorded, 0 to 256; `None` is the kind's own.
    pub wide: Option<u32>,
    /// Quality of a PDQ hash, 0 to 100, below which it is not compared.
    pub quality: u8,
    /// How the PDQ hashes of its source were made.
    pub convention: Convention,
    /// The variants of a picture that are compared.
    pub variants: Variants,
    /// Whether the wide band refuses too.
    pub wide_denies: bool,
    /// Whether variants refuse too.
    pub variants_deny: bool,
    /// Whether more than a thousand hashes of 64 bits are wanted indeed.
    pub short_hashes: bool,
}

/// How a list's source is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// A snapshot made by `list build`.
    Snapshot,
    /// A hash a line.
    Plain(HashKind),
    /// A kind and a hash a line.
    Tagged,
    /// Comma-separated values with a header.
    Csv {
        /// Which columns to read.
        columns: Columns,
        /// Between fields: printable ASCII or a tab; no letter, digit or quote.
        delimiter: u8,
    },
    /// The output of hashdeep.
    Hashdeep,
    /// The output of md5sum, sha1sum, sha256sum.
    Md5sum(Algorithm),
}

/// The columns of a CSV source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Where each kind of hash stands. Never empty; each column once.
    pub hashes: BTreeMap<HashKind, String>,
    /// Where the quality of PDQ hashes stands.
    pub quality: Option<String>,
    /// Where the entry's label stands.
    pub label: Option<String>,
}

/// `[[bucket]]`: what holds for the buckets that one pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRule {
    /// The buckets.
    pub pattern: Glob,
    /// What holds for them; its lists are indices into [`super::Config::lists`], ascending.
    pub rule: policy::BucketRule,
}

impl BucketRule {
    /// Whether the rule is for this bucket. A request without a bucket is matched by `*` alone.
    pub fn matches(&self, bucket: Option<&str>) -> bool {
        match bucket {
            Some(name) => self.pattern.matches(name),
            None => self.pattern.is_everything(),
        }
    }
}

/// `[limits]`: bounds on memory and on reading what nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest image held whole, in bytes.
    pub capture_max: u64,
    /// Largest body of any kind held whole, in bytes; at most `capture_max`.
    pub small_body_max: u64,
    /// Bytes for all held bodies; at least `capture_max`.
    pub capture_budget: u64,
    /// Bytes at the end of a streamed body that wait; 4 KiB to `capture_max`.
    pub hold_back: u64,
    /// Bytes of a refused body that are read.
    pub drain_bytes: u64,
    /// How long a refused body is read.
    pub drain_time: Duration,
}

/// `[inspect]`: what of a body is looked at besides the body itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspect {
    /// Bytes to which a content encoding may unfold.
    pub decoded_max: u64,
    /// How many times larger a body may unfold.
    pub decoded_ratio: u64,
    /// Bytes of a body's beginning in which pictures are searched for.
    pub magic_prefix: u64,
    /// Whether zip and tar files are looked into.
    pub archives: Switch,
    /// Whether pictures in documents are looked for.
    pub documents: Switch,
    /// Largest body that is held to be looked into, in bytes; at most the budget.
    pub archive_max: u64,
    /// Bytes to which an archive may unfold.
    pub unpacked_max: u64,
    /// Members of an archive that are looked at.
    pub members_max: usize,
    /// Where the store has its Swift API, if anywhere, and by which hosts clients name buckets.
    pub dialects: s3::Surface,
    /// The former, as it was written.
    pub swift_prefix: String,
    /// The latter, as they were written.
    pub domains: String,
    /// Which hosts stand for buckets, as it was written.
    pub host_buckets: String,
    /// Other names of buckets, as they were written.
    pub bucket_aliases: String,
}

/// `[decode]`: the processes that decode images, where lists hold hashes of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decode {
    /// Processes, 1 to 1024; one for each core where `None`.
    pub workers: Option<NonZeroUsize>,
    /// Memory of a process beside the image and what it takes itself, in bytes.
    pub memory_limit: u64,
    /// How long one image may take; at most `upload_time_limit`.
    pub time_limit: Duration,
    /// How long all images in one upload may take.
    pub upload_time_limit: Duration,
    /// How long an image may wait for a process.
    pub wait: Duration,
    /// Images that may wait.
    pub queue: usize,
    /// Images in one upload that are decoded.
    pub max_pictures: usize,
    /// Pixels of an image.
    pub max_pixels: u64,
    /// Frames or pages of an image.
    pub max_frames: u32,
    /// Scans of a progressive JPEG.
    pub max_scans: u32,
}

/// `[audit]`: the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// One record for each upload.
    pub path: PathBuf,
    /// Denials and would-be denials again; another file than `path`.
    pub denials_path: PathBuf,
    /// What is kept about uploads that pass.
    pub passes: Passes,
    /// How long records are kept.
    pub retention: Duration,
    /// How long records of denials are kept.
    pub denials_retention: Duration,
    /// Bytes from which a new file is begun.
    pub rotate_size: u64,
    /// Age from which a new file is begun; at most either retention.
    pub rotate_age: Duration,
    /// Records that may wait for the disk, 1 to 1,000,000.
    pub queue: usize,
}

/// `[refusal]`: what a refused client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Printable ASCII, at most 200 bytes; may be empty. Not escaped for XML.
    pub contact: String,
}

/// `[admin]`: the operator's own addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The Unix socket for acts; at most 107 bytes.
    pub socket: PathBuf,
    /// The read-only HTTP address, if any.
    pub address: Option<SocketAddr>,
}

/// `[state]`: what outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The gate's own directory.
    pub directory: PathBuf,
    /// Where parts are kept, if in no bucket.
    pub parts_directory: PathBuf,
    /// The bucket that nodes share; the directory where `None`.
    pub shared: Option<SharedState>,
    /// Bytes of parts that are kept here at most.
    pub spool_max: u64,
    /// How long the parts of an unfinished upload are kept.
    pub ttl: Duration,
    /// How long a small operation may take.
    pub timeout: Duration,
    /// How long uploads from before the first start are forwarded.
    pub multipart_grace: Duration,
    /// Whether the disk confirms each record.
    pub sync: bool,
}

/// A bucket that several nodes keep their state in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedState {
    /// Its name.
    pub bucket: String,
    /// The store's URL.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The gate's own credentials for it.
    pub credentials: Credentials,
}

/// `[log]`: the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The shape of a line.
    pub format: LogFormat,
    /// What is important enough.
    pub level: LogLevel,
}

/// `[runtime]`: threads and code paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Threads, 1 to 1024; one for each core where `None`.
    pub workers: Option<NonZeroUsize>,
    /// Which digest code runs.
    pub digests: DigestCode,
}
