//! The figures that the gate counts while it works.
//!
//! Handles only: cheap to clone, shared by everything that counts. Their names stand where they
//! are registered, in `ops::metrics`. No label takes a value from a request, so that their number
//! is bounded; labels of lists come from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::record::VerdictWord;
use crate::decode;
use crate::net::upstream;
use crate::policy::Unjudged;

/// Upper bounds of the added-latency buckets in seconds: fine around a millisecond, where an
/// ordinary upload lies, and up to the time a large image takes.
pub const ADDED_LATENCY_BUCKETS_S: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Labels of a finished request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    operation: &'static str,
    verdict: &'static str,
    status: u16,
}

/// The label of a closed set of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The reason's word.
    pub reason: &'static str,
}

/// The label of one configured list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListLabel {
    /// The list's name.
    pub list: Arc<str>,
}

/// The labels of connections that were closed at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    /// The listener's name.
    pub listener: String,
    /// Why.
    pub reason: &'static str,
}

/// The labels of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CertificateLabels {
    /// The listener's name.
    pub listener: String,
    /// The certificate's first name.
    pub name: String,
}

/// The label of one configured store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UpstreamLabel {
    /// The store's name.
    pub upstream: String,
}

/// The labels of a store's addresses that are well, or are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AddressesLabels {
    /// The store's name.
    pub upstream: String,
    /// `up` or `aside`.
    pub state: &'static str,
}

/// A gauge of seconds.
pub type SecondsGauge = Gauge<f64, AtomicU64>;

/// Handles of every metric.
#[derive(Clone, Debug)]
pub struct Meters {
    /// Finished requests of every kind.
    pub requests: Family<RequestLabels, Counter>,
    /// Payload bytes of uploads that were inspected.
    pub body_bytes: Counter,
    /// What the gate alone added to an upload.
    pub added_latency: Histogram,
    /// Uploads without a verdict. See [`Meters::count_unjudged`].
    pub unjudged: Family<ReasonLabel, Counter>,
    /// 1 while a list is enforced, else 0.
    pub enforcing: Gauge,
    /// Operator's acts in force that weaken the gate.
    pub bypass_active: Gauge,
    /// Entries of each serving list.
    pub list_entries: Family<ListLabel, Gauge>,
    /// Seconds since each serving list was made.
    pub list_age: Family<ListLabel, SecondsGauge>,
    /// Lists that could not be loaded.
    pub list_load_failures: Counter,
    /// 1 if the configuration on disk is the one in force as far as the gate has looked.
    pub config_last_reload_successful: Gauge,
    /// Bugs: must stay 0.
    pub panics: Counter,
    /// Requests refused as broken HTTP or broken framing.
    pub protocol_rejects: Family<ReasonLabel, Counter>,
    /// Audit records that could not be kept.
    pub audit_lost: Counter,
    /// 1 while audit records reach the disk, else 0.
    pub audit_healthy: Gauge,
    /// Client connections that are open.
    pub connections: Gauge,
    /// As many as may be open.
    pub connections_limit: Gauge,
    /// Connections that were closed before their first request.
    pub connections_refused: Family<RefusedLabels, Counter>,
    /// When each certificate stops being valid, in seconds since 1970.
    pub certificate_expiry: Family<CertificateLabels, Gauge>,
    /// Store connections that were reset to abort an upload.
    pub upstream_aborts: Counter,
    /// Connections to each store that are open.
    pub upstream_connections: Family<UpstreamLabel, Gauge>,
    /// Addresses of each store that could not be reached, each time.
    pub upstream_connect_failures: Family<UpstreamLabel, Counter>,
    /// Addresses that each store has.
    pub upstream_addresses: Family<AddressesLabels, Gauge>,
    /// Bytes that captured bodies may take together.
    pub capture_budget: Gauge,
    /// Bytes of it that are reserved.
    pub capture_in_use: Gauge,
    /// Bytes of parts that may be kept.
    pub spool_max: Gauge,
    /// Bytes of it that are kept.
    pub spool_in_use: Gauge,
    /// The processes that decode images.
    pub decode: decode::Meters,
    unjudged_by_reason: [Counter; Unjudged::ALL.len()],
}

impl Meters {
    /// Everything at zero, but what is well until it fails.
    pub fn new() -> Self {
        let unjudged = Family::<ReasonLabel, Counter>::default();
        let unjudged_by_reason = Unjudged::ALL
            .map(|reason| unjudged.get_or_create_owned(&ReasonLabel { reason: reason.name() }));
        let meters = Meters {
            requests: Family::default(),
            body_bytes: Counter::default(),
            added_latency: Histogram::new(ADDED_LATENCY_BUCKETS_S),
            unjudged,
            enforcing: Gauge::default(),
            bypass_active: Gauge::default(),
            list_entries: Family::default(),
            list_age: Family::default(),
            list_load_failures: Counter::default(),
            config_last_reload_successful: Gauge::default(),
            panics: Counter::default(),
            protocol_rejects: Family::default(),
            audit_lost: Counter::default(),
            audit_healthy: Gauge::default(),
            connections: Gauge::default(),
            connections_limit: Gauge::default(),
            connections_refused: Family::default(),
            certificate_expiry: Family::default(),
            upstream_aborts: Counter::default(),
            upstream_connections: Family::default(),
            upstream_connect_failures: Family::default(),
            upstream_addresses: Family::default(),
            capture_budget: Gauge::default(),
            capture_in_use: Gauge::default(),
            spool_max: Gauge::default(),
            spool_in_use: Gauge::default(),
            decode: decode::Meters::default(),
            unjudged_by_reason,
        };
        meters.audit_healthy.set(1);
        meters.config_last_reload_successful.set(1);
        meters
    }

    /// The handles of one store.
    pub fn of_upstream(&self, name: &str) -> upstream::Meters {
        let label = UpstreamLabel { upstream: name.to_owned() };
        upstream::Meters {
            connections: self.upstream_connections.get_or_create_owned(&label),
            connect_failures: self.upstream_connect_failures.get_or_create_owned(&label),
        }
    }

    /// Sets how many addresses of each store are well, and are left aside.
    pub fn set_addresses<'a>(&self, stores: impl IntoIterator<Item = (&'a str, usize, usize)>) {
        self.upstream_addresses.clear();
        for (name, up, aside) in stores {
            for (state, count) in [("up", up), ("aside", aside)] {
                let labels = AddressesLabels { upstream: name.to_owned(), state };
                self.upstream_addresses.get_or_create(&labels).set(count as i64);
            }
        }
    }

    /// Counts a finished request. `operation` is a name of the S3 operation table; what is not
    /// judged, such as a read, has the verdict `none`.
    pub fn count_request(
        &self,
        operation: &'static str,
        verdict: Option<VerdictWord>,
        status: u16,
    ) {
        let verdict = verdict.map_or("none", VerdictWord::name);
        self.requests.get_or_create(&RequestLabels { operation, verdict, status }).inc();
    }

    /// Counts an upload without a verdict; no label is looked up.
    pub fn count_unjudged(&self, reason: Unjudged) {
        let mut known = Unjudged::ALL.iter().zip(&self.unjudged_by_reason);
        if let Some((_, counter)) = known.find(|(each, _)| **each == reason) {
            counter.inc();
        }
    }

    /// Counts a request that was refused as broken; `reason` is a word of a closed set.
    pub fn count_protocol_reject(&self, reason: &'static str) {
        self.protocol_rejects.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Takes note of what the gate added to one upload.
    pub fn observe_added_latency(&self, added: Duration) {
        self.added_latency.observe(added.as_secs_f64());
    }

    /// Tells when certificates stop being valid, and forgets all others. Of several with the same
    /// labels the first to stop counts.
    pub fn set_certificates(&self, expiries: impl IntoIterator<Item = (CertificateLabels, i64)>) {
        let mut first: BTreeMap<_, (CertificateLabels, i64)> = BTreeMap::new();
        for (labels, expires) in expiries {
            let key = (labels.listener.clone(), labels.name.clone());
            let soonest = first.entry(key).or_insert((labels, expires));
            soonest.1 = soonest.1.min(expires);
        }
        self.certificate_expiry.clear();
        for (labels, expires) in first.into_values() {
            self.certificate_expiry.get_or_create(&labels).set(expires);
        }
    }

    /// Tells size and age of the serving lists, and forgets all others.
    pub fn set_lists<'a>(&self, lists: impl IntoIterator<Item = (&'a Arc<str>, u64, Duration)>) {
        self.list_entries.clear();
        self.list_age.clear();
        for (name, entries, age) in lists {
            let label = ListLabel { list: name.clone() };
            let entries = i64::try_from(entries).unwrap_or(i64::MAX);
            self.list_entries.get_or_create(&label).set(entries);
            self.list_age.get_or_create(&label).set(age.as_secs_f64());
        }
    }
}

impl Default for Meters {
    fn default() -> Self {
        Meters::new()
    }
}
