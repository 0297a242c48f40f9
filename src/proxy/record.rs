//! The audit record: what is kept about one upload.
//!
//! Pure data. The proxy fills it while a request lives; the audit writer turns it into one line.
//! [`AuditPort`] is the way to that writer: a place is reserved before the request is served.

mod json;
mod port;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::Passes;
use crate::digest::Digests;
use crate::policy::Mode;

pub use json::{keyed_hash, rfc3339_millis};
pub use port::{AuditFault, AuditFeed, AuditPort, AuditSlot, Filed};

/// Whether the store accepted the head of a request that was about to be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auth {
    /// It asked for the body. Only this counts against a principal.
    Accepted,
    /// It refused; its answer went to the client instead of the denial.
    Rejected,
    /// It could not tell, or was not asked.
    Unverified,
}

impl Auth {
    /// The word in audit records.
    pub const fn name(self) -> &'static str {
        match self {
            Auth::Accepted => "accepted",
            Auth::Rejected => "rejected",
            Auth::Unverified => "unverified",
        }
    }
}

/// The verdict as records and metrics tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerdictWord {
    /// Passed: nothing on the lists.
    Allow,
    /// Refused: a hit that was enforced.
    Deny,
    /// Passed: a hit that was not enforced.
    WouldDeny,
    /// Not judged; policy decided.
    Unjudged,
}

impl VerdictWord {
    /// Every verdict.
    pub const ALL: [VerdictWord; 4] =
        [VerdictWord::Allow, VerdictWord::Deny, VerdictWord::WouldDeny, VerdictWord::Unjudged];

    /// The word in audit records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            VerdictWord::Allow => "allow",
            VerdictWord::Deny => "deny",
            VerdictWord::WouldDeny => "would-deny",
            VerdictWord::Unjudged => "unjudged",
        }
    }
}

/// Who ended the exchange, and in which phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Termination {
    /// Nobody: the store's answer went to the client whole.
    Complete,
    /// The client, or its malformed head, before the request was understood.
    ClientHead,
    /// The client, while it sent the body: gone, too slow, malformed, too short or too long.
    ClientBody,
    /// The client, while it was sent the answer.
    ClientAnswer,
    /// The store: no connection could be had.
    StoreConnect,
    /// The store, while it was sent the request: gone, stalled, or it answered before the end.
    StoreBody,
    /// The store, after the whole request: no answer, or one that broke off.
    StoreAnswer,
    /// The gate, on purpose: a denial, or a refusal by policy.
    GateRefused,
    /// The gate, for want of something: budget, list, audit.
    GateFault,
    /// The gate, because it was shutting down.
    Drained,
    /// The gate, by a bug.
    Panic,
    /// The body was committed, and what the store made of it never became known.
    Unknown,
}

impl Termination {
    /// Every way to end.
    pub const ALL: [Termination; 12] = [
        Termination::Complete,
        Termination::ClientHead,
        Termination::ClientBody,
        Termination::ClientAnswer,
        Termination::StoreConnect,
        Termination::StoreBody,
        Termination::StoreAnswer,
        Termination::GateRefused,
        Termination::GateFault,
        Termination::Drained,
        Termination::Panic,
        Termination::Unknown,
    ];

    /// The word in audit records: who, then in which phase.
    pub const fn name(self) -> &'static str {
        match self {
            Termination::Complete => "complete",
            Termination::ClientHead => "client-head",
            Termination::ClientBody => "client-body",
            Termination::ClientAnswer => "client-answer",
            Termination::StoreConnect => "store-connect",
            Termination::StoreBody => "store-body",
            Termination::StoreAnswer => "store-answer",
            Termination::GateRefused => "gate-refused",
            Termination::GateFault => "gate-fault",
            Termination::Drained => "drained",
            Termination::Panic => "panic",
            Termination::Unknown => "unknown",
        }
    }
}

/// How much of a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Every field, null where unknown.
    Full,
    /// What says nothing about who uploaded what.
    Minimal,
    /// Minimal and keyed hashes.
    Keyed,
}

/// What is the same in every record of one configuration of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The node's name.
    pub node: String,
    /// Version of the program.
    pub build: String,
    /// Hash of the configuration that was in force.
    pub config_hash: String,
}

/// The secret of keyed hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub [u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What is known about one PUT or POST request. Every field but the first two starts unknown.
#[derive(Clone, Debug)]
pub struct Record {
    /// The gate's own id, which the client is told too.
    pub request_id: String,
    /// When the head was complete.
    pub started: SystemTime,
    /// From [`Record::started`] to the end of the exchange.
    pub duration: Duration,
    /// The id in the store's answer.
    pub store_request_id: Option<String>,
    /// The peer's address, or the one that a trusted proxy tells.
    pub client: Option<IpAddr>,
    /// The access key id that the request names; not proven to be the sender's.
    pub access_key: Option<String>,
    /// What the store said about the head, where it was asked.
    pub auth: Option<Auth>,
    /// Name of the S3 operation.
    pub operation: Option<&'static str>,
    /// Bucket name.
    pub bucket: Option<String>,
    /// Object key, percent-decoded where that gives UTF-8.
    pub key: Option<String>,
    /// Id of the multipart upload that the request belongs to.
    pub upload_id: Option<String>,
    /// Payload bytes that were seen, without framing.
    pub bytes: u64,
    /// Digests of the payload, those that were computed to its end.
    pub digests: Digests,
    /// PDQ hash in hex, where an image was hashed.
    pub pdq: Option<String>,
    /// The verdict; `None` where the exchange ended before there was one.
    pub verdict: Option<VerdictWord>,
    /// Why it was not judged, or why it was refused without a hit.
    pub reason: Option<&'static str>,
    /// Name of the list that was hit.
    pub list: Option<Arc<str>>,
    /// Label of the entry that was hit.
    pub entry: Option<String>,
    /// Bits between the body's perceptual hash and the entry's; 0 for an exact hit.
    pub distance: Option<u32>,
    /// The mode that applied.
    pub mode: Option<Mode>,
    /// Version of the list set that judged.
    pub snapshot: Option<Arc<str>>,
    /// HTTP status of the final answer.
    pub status: Option<u16>,
    /// ETag in the store's answer.
    pub etag: Option<String>,
    /// Object version in the store's answer.
    pub version_id: Option<String>,
    /// How the exchange ended.
    pub termination: Termination,
}

impl Record {
    /// A record of a request of which nothing else is known yet.
    pub fn new(request_id: impl Into<String>, started: SystemTime) -> Self {
        Record {
            request_id: request_id.into(),
            started,
            duration: Duration::ZERO,
            store_request_id: None,
            client: None,
            access_key: None,
            auth: None,
            operation: None,
            bucket: None,
            key: None,
            upload_id: None,
            bytes: 0,
            digests: Digests::default(),
            pdq: None,
            verdict: None,
            reason: None,
            list: None,
            entry: None,
            distance: None,
            mode: None,
            snapshot: None,
            status: None,
            etag: None,
            version_id: None,
            termination: Termination::Unknown,
        }
    }

    /// How much is written: everything about a denial, a would-be denial and an unjudged upload;
    /// about the rest, and about what ended without a verdict, what `passes` says.
    pub fn shape(&self, passes: Passes) -> Shape {
        match self.verdict {
            Some(VerdictWord::Deny | VerdictWord::WouldDeny | VerdictWord::Unjudged) => Shape::Full,
            Some(VerdictWord::Allow) | None => match passes {
                Passes::Minimal => Shape::Minimal,
                Passes::Keyed => Shape::Keyed,
                Passes::Full => Shape::Full,
            },
        }
    }

    /// Whether it belongs into the file of denials too.
    pub fn is_denial(&self) -> bool {
        matches!(self.verdict, Some(VerdictWord::Deny | VerdictWord::WouldDeny))
    }
}

#[cfg(test)]
mod tests;
