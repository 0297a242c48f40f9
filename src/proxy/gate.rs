//! What all requests share, and the view of it that one request sees.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use http::HeaderMap;

use super::journal::Journal;
use super::meters::Meters;
use super::parts::Parts;
use super::record::{AuditPort, Record};
use super::stores::Stores;
use crate::config::{self, Clients};
use crate::decode::{Pool, Terms};
use crate::digest::Kernel;
use crate::net::budget::Budget;
use crate::policy::{BucketRule, Door, Exceptions, Rulebook};
use crate::s3;
use crate::s3::auth::KeyRing;
use crate::unpack;

/// Derived keys that are kept: one for each client, day and region.
const KEYS_MAX: usize = 1024;

/// The gate: one for the process.
pub struct Gate {
    /// Swapped whole on reload; a request loads it once.
    pub view: ArcSwap<View>,
    /// Bytes that captured bodies may occupy.
    pub budget: Arc<Budget>,
    /// Counters.
    pub meters: Arc<Meters>,
    /// Where records go.
    pub audit: AuditPort,
    /// The parts of multipart uploads.
    pub parts: Arc<Parts>,
    /// The processes that decode images.
    pub pool: Pool,
    /// Keys that were derived to verify clients' signatures, and to sign anew.
    pub ring: KeyRing,
    ids: RequestIds,
    ending: Arc<AtomicBool>,
}

/// Configuration, rules and lists as one request sees them.
#[derive(Clone)]
pub struct View {
    /// The stores.
    pub stores: Stores,
    /// The lists in force.
    pub rulebook: Rulebook,
    /// Operators' temporary acts.
    pub exceptions: Arc<dyn Exceptions + Send + Sync>,
    /// Limits and texts.
    pub settings: Settings,
    /// What the store answers to besides S3 in path style.
    pub dialects: s3::Surface,
    /// The last one matches everything.
    buckets: Vec<config::BucketRule>,
}

/// Limits and texts of the data path. Sizes in bytes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Larger bodies are never captured whole.
    pub capture_max: u64,
    /// Smaller bodies are always captured whole.
    pub small_body_max: u64,
    /// Payload that waits for the verdict at the end of a streamed body, at least.
    pub hold_back: u64,
    /// How much of a body is read after its fate is known.
    pub drain_bytes: u64,
    /// And for how long.
    pub drain_time: Duration,
    /// How digests are computed.
    pub kernel: Kernel,
    /// The text of a denial.
    pub denial: String,
    /// What of a body is looked at besides the body itself.
    pub inspect: Inspect,
    /// What looking at its pictures may cost.
    pub decode: Decode,
}

/// What looking at the pictures of an upload may cost.
#[derive(Clone, Copy, Debug)]
pub struct Decode {
    /// Each of them.
    pub terms: Terms,
    /// As many are decoded.
    pub pictures_max: usize,
    /// All of them together, waiting for a process included.
    pub time: Duration,
}

/// What of a body is looked at besides the body itself.
#[derive(Clone, Copy, Debug)]
pub struct Inspect {
    /// Whether zip and tar files are held, and looked into.
    pub archives: bool,
    /// Whether documents are.
    pub documents: bool,
    /// How far looking goes.
    pub limits: unpack::Limits,
    /// Largest body that is held for that, in bytes.
    pub archive_max: u64,
}

impl Gate {
    /// A gate with the given first view.
    pub fn new(
        view: View,
        budget: Arc<Budget>,
        meters: Arc<Meters>,
        audit: AuditPort,
        parts: Arc<Parts>,
        pool: Pool,
    ) -> Arc<Self> {
        let view = ArcSwap::from_pointee(view);
        let (ids, ending) = (RequestIds::new(), Arc::default());
        let ring = KeyRing::new(KEYS_MAX);
        Arc::new(Gate { view, budget, meters, audit, parts, pool, ring, ids, ending })
    }

    /// An id for a request that has no record.
    pub fn request_id(&self) -> String {
        self.ids.next()
    }

    /// The journal of an upload that has just come.
    pub fn journal(&self, client: SocketAddr) -> Journal {
        let mut record = Box::new(Record::new(self.ids.next(), SystemTime::now()));
        record.client = Some(client.ip());
        let slot = self.audit.try_reserve().ok();
        Journal::new(record, slot, self.meters.clone(), self.ending.clone())
    }

    /// Uploads that break off from here on do so because the gate ends.
    pub fn begin_ending(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

impl View {
    /// A view. `buckets` must not be empty; where none matches, the last is taken.
    pub fn new(
        stores: Stores,
        rulebook: Rulebook,
        buckets: Vec<config::BucketRule>,
        exceptions: Arc<dyn Exceptions + Send + Sync>,
        settings: Settings,
        dialects: s3::Surface,
    ) -> Self {
        assert!(!buckets.is_empty(), "a checked configuration has a rule for every bucket");
        // Whether another method passes, its bucket's rule says.
        let open = buckets.iter().any(|each| each.rule.surface.methods == Door::Forward);
        let dialects = dialects.with_other_methods(open);
        View { stores, rulebook, exceptions, settings, dialects, buckets }
    }

    /// The rule for a bucket.
    pub fn rule(&self, bucket: Option<&str>) -> &BucketRule {
        // Asked several times a request: whether the last one matches makes no difference.
        let last = self.buckets.len() - 1;
        let matching = self.buckets[..last].iter().find(|rule| rule.matches(bucket));
        &matching.unwrap_or(&self.buckets[last]).rule
    }

    /// Tells a journal what its request is about.
    pub fn address(&self, journal: &mut Journal, request: &s3::Request) {
        let mode = self.rule(request.bucket.as_deref()).mode;
        journal.addressed(request, mode, self.rulebook.version.as_ref());
    }

    /// Why a write must not pass whatever its bytes are, if it comes by a way that is shut.
    pub fn shuts(&self, request: &s3::Request, headers: &HeaderMap) -> Option<s3::Refusal> {
        if !request.operation.names_bucket() {
            return self.shuts_unnamed(request, headers);
        }
        let bucket = request.bucket.as_deref();
        self.rule(bucket).surface.shuts(request, headers).filter(|_| self.enforces(bucket))
    }

    /// Which bucket another protocol means, nobody here can tell: the strictest rule holds.
    fn shuts_unnamed(&self, request: &s3::Request, headers: &HeaderMap) -> Option<s3::Refusal> {
        let enforces = |each: &&config::BucketRule| {
            self.rulebook.enforces(&each.rule, each.pattern.as_str(), &*self.exceptions)
        };
        let mut rules = self.buckets.iter().filter(enforces);
        rules.find_map(|each| each.rule.surface.shuts(request, headers))
    }

    /// Whether anything in this bucket may be refused now.
    pub fn enforces(&self, bucket: Option<&str>) -> bool {
        let name = bucket.unwrap_or_default();
        self.rulebook.enforces(self.rule(bucket), name, &*self.exceptions)
    }

    /// Whether anything may be refused anywhere.
    pub fn enforces_anywhere(&self) -> bool {
        self.buckets.iter().any(|each| {
            self.rulebook.enforces(&each.rule, each.pattern.as_str(), &*self.exceptions)
        })
    }

    /// Whether it matters which of two buckets a path means.
    pub fn tells_buckets_apart(&self) -> bool {
        self.buckets.len() > 1 || self.stores.tell_buckets_apart()
    }

    /// The same view with other clients, of the stores that have theirs from this file.
    #[must_use]
    pub fn with_clients(&self, file: &Path, clients: &Arc<Clients>) -> View {
        View { stores: self.stores.with_clients(file, clients), ..self.clone() }
    }

    /// The same view with lists newly stale or fresh, in the order of the rulebook.
    #[must_use]
    pub fn with_stale(&self, stale: &[bool]) -> View {
        let mut view = self.clone();
        for (list, &stale) in view.rulebook.lists.iter_mut().zip(stale) {
            list.stale = stale;
        }
        view
    }
}

/// Ids that are unique in a fleet with overwhelming likelihood: random start, full-period walk.
struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        let seed = RandomState::new().build_hasher().finish();
        RequestIds { next: AtomicU64::new(seed) }
    }

    fn next(&self) -> String {
        // An odd step visits every number, and keeps neighbours from looking alike.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let id = self.next.fetch_add(STEP, Ordering::Relaxed);
        let mut text = String::with_capacity(16);
        for place in (0..16).rev() {
            text.push(char::from(b"0123456789ABCDEF"[(id >> (4 * place)) as usize & 15]));
        }
        text
    }
}
