//! What the operator decided: the lists in force and a rule for each bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::near::{self, NearRule};
use super::{Mode, Polarity, Unjudged};
use crate::digest::AlgorithmSet;
use crate::image::Wanted;
use crate::list::{NearKind, Snapshot};

/// What to do with a body that could not be judged, for a reason of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnjudged {
    /// It passes, counted and audited.
    Forward,
    /// 403, where the bucket enforces.
    Refuse,
}

/// What to do with a body that could not be judged, for a reason of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// 503, so that the client tries again, where the bucket enforces.
    Retry,
    /// It passes, counted and audited.
    Forward,
}

/// What becomes of requests whose bytes the store takes from objects that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// Copies of whole objects pass; copies of ranges, which could cut a picture out of a carrier,
    /// are refused.
    #[default]
    Whole,
    /// The bytes are read back from the store and judged.
    ReadBack,
    /// None passes.
    Deny,
}

/// What becomes of archives that the store unpacks into objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archives {
    /// None passes.
    #[default]
    Deny,
    /// Each is held, unpacked and judged by its members.
    Inspect,
    /// They pass, unjudged.
    Forward,
}

/// What becomes of a way in that the gate can't judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// Refused with an error of S3's, where the bucket enforces.
    #[default]
    Deny,
    /// It passes; what bytes can be seen are judged.
    Forward,
}

/// The ways in besides PUT of an object, parts and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// CopyObject and UploadPartCopy.
    pub copies: Copies,
    /// Bytes written into an object that is there, in any dialect.
    pub appends: Door,
    /// Archives that the store unpacks.
    pub archives: Archives,
    /// The Swift API.
    pub swift: Door,
    /// Google's resumable uploads, compositions and JSON API.
    pub google: Door,
    /// Methods other than those of S3.
    pub methods: Door,
    /// Settings that make the store itself fetch or copy objects.
    pub store_jobs: Door,
}

impl Default for Surface {
    fn default() -> Self {
        Surface {
            copies: Copies::Whole,
            appends: Door::Deny,
            archives: Archives::Deny,
            swift: Door::Deny,
            google: Door::Deny,
            methods: Door::Deny,
            // An administrator's business, not an upload's: replication stays possible unless told.
            store_jobs: Door::Forward,
        }
    }
}

/// One configured list.
#[derive(Clone, Debug)]
pub struct ListRule {
    /// The name in configuration and audit records.
    pub name: Arc<str>,
    /// Whether its entries refuse or acquit.
    pub polarity: Polarity,
    /// How strictly it is taken.
    pub mode: Mode,
    /// Whether it has ever been loaded on this node.
    pub loaded: bool,
    /// Whether it is older than its maximum age.
    pub stale: bool,
    /// How its perceptual entries are taken, if it has any.
    pub near: Option<NearRule>,
}

/// What holds for the buckets that one pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRule {
    /// How strictly the bucket is taken.
    pub mode: Mode,
    /// Indices into [`Rulebook::lists`] of the lists that apply.
    pub lists: Vec<u16>,
    /// What to do about reasons of the body that [`BucketRule::by_reason`] does not name.
    pub unjudged: OnUnjudged,
    /// What to do about single reasons of the body.
    pub by_reason: BTreeMap<Unjudged, OnUnjudged>,
    /// What to do about reasons of the gate.
    pub faults: OnFault,
    /// Which other ways in are open.
    pub surface: Surface,
}

/// Operators' temporary acts: lists or buckets only observed, entries disabled.
pub trait Exceptions {
    /// Whether hits of `list` in `bucket` are only recorded for now.
    fn observes(&self, list: &str, bucket: &str) -> bool;
    /// Whether the entry is disabled for now.
    fn is_disabled(&self, list: &str, entry: &str) -> bool;
}

/// Everything that a verdict rests on besides the evidence. One request sees one rulebook.
#[derive(Clone, Default)]
pub struct Rulebook {
    /// The compiled set of all lists; `None` where no list is configured or none could be loaded.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The snapshot's id, as records tell it.
    pub version: Option<Arc<str>>,
    /// Every configured list.
    pub lists: Vec<ListRule>,
    /// For each list of the snapshot, its index in `lists`.
    pub of_snapshot: Vec<u16>,
    /// What pictures are hashed for; `None` where no list holds a perceptual kind.
    pub looks: Option<Arc<Wanted>>,
}

impl Rulebook {
    /// What judges by a snapshot: for each of its lists, `of_snapshot` has its index in `lists`.
    pub fn new(
        snapshot: Option<Arc<Snapshot>>,
        of_snapshot: Vec<u16>,
        lists: Vec<ListRule>,
    ) -> Rulebook {
        let kinds = snapshot.iter().flat_map(|snapshot| snapshot.near_kinds());
        let own = kinds.filter_map(|kind| match kind {
            NearKind::Perceptual(kind) => Some(kind),
            NearKind::Pdq(_) => None,
        });
        let looks = near::wanted(&lists, own.collect()).map(Arc::new);
        let version = snapshot.as_ref().map(|snapshot| Arc::from(snapshot.id()));
        Rulebook { snapshot, version, lists, of_snapshot, looks }
    }

    /// The digests that the lists applying to a bucket need.
    pub fn wanted(&self, bucket: &BucketRule) -> AlgorithmSet {
        match &self.snapshot {
            Some(snapshot) if bucket.mode != Mode::Off && !bucket.lists.is_empty() => {
                snapshot.algorithms()
            }
            _ => AlgorithmSet::NONE,
        }
    }

    /// Whether anything may be refused in this bucket: else the gate only watches there.
    pub fn enforces(&self, bucket: &BucketRule, name: &str, exceptions: &dyn Exceptions) -> bool {
        bucket.mode == Mode::Enforce
            && self.applying(bucket).any(|list| {
                let near = list.near.as_ref().map(|near| near.mode);
                list.polarity == Polarity::Block
                    && (list.mode == Mode::Enforce || near == Some(Mode::Enforce))
                    && !exceptions.observes(&list.name, name)
            })
    }

    /// The fault of the gate, if any, that the lists applying to a bucket are in.
    pub fn list_fault(&self, bucket: &BucketRule) -> Option<Unjudged> {
        if bucket.mode == Mode::Off {
            return None;
        }
        if self.applying(bucket).any(|list| !list.loaded) {
            return Some(Unjudged::NoList);
        }
        self.applying(bucket).any(|list| list.stale).then_some(Unjudged::StaleList)
    }

    fn applying<'a>(&'a self, bucket: &'a BucketRule) -> impl Iterator<Item = &'a ListRule> {
        bucket.lists.iter().filter_map(|&index| self.lists.get(usize::from(index)))
    }
}

impl BucketRule {
    /// What to do about one reason of the body.
    pub fn on_unjudged(&self, reason: Unjudged) -> OnUnjudged {
        self.by_reason.get(&reason).copied().unwrap_or(self.unjudged)
    }
}
