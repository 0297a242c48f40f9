//! The verdict's algebra: what one body's evidence means under the rules.

use std::sync::Arc;

use super::{BucketRule, Exceptions, Mode, OnFault, OnUnjudged, Polarity, Rulebook, Unjudged};
use crate::digest::{Algorithm, Digest};
use crate::inspect::Evidence;

/// What the gate makes of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing against it, or an allow entry for it.
    Allow,
    /// On a list that is enforced here.
    Deny,
    /// On a list that is only observed here: it passes, and the record says what would have been.
    WouldDeny,
    /// Could not be judged. `refused` says whether policy turns it away for that.
    Unjudged {
        /// Why.
        reason: Unjudged,
        /// Whether it is turned away.
        refused: bool,
    },
}

/// The list entry that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The list's name.
    pub list: Arc<str>,
    /// The entry's id, which never reveals the hash.
    pub entry: String,
    /// The kind of digest that led to it.
    pub algorithm: Algorithm,
}

/// The decision on one body, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub outcome: Outcome,
    /// The entry that decided, if one did.
    pub matched: Option<Match>,
    /// The mode in which the decision was taken.
    pub mode: Mode,
}

/// Permission to end a body towards the store.
///
/// It can only be had from a verdict that lets the body pass ([`Verdict::token`]), cannot be copied,
/// and is used up by ending the body: whatever goes wrong in between ends in an error there.
#[derive(Debug)]
pub struct CommitToken(());

impl Verdict {
    /// A body that could not be judged, and what `bucket` says about that.
    ///
    /// `enforces` is whether anything may be refused here at all: where the gate only watches, it
    /// never turns a body away.
    pub fn unjudged(reason: Unjudged, bucket: &BucketRule, enforces: bool) -> Verdict {
        let refused = enforces
            && if reason.is_fault() {
                bucket.faults == OnFault::Retry
            } else {
                bucket.on_unjudged(reason) == OnUnjudged::Refuse
            };
        Verdict {
            outcome: Outcome::Unjudged { reason, refused },
            matched: None,
            mode: if enforces { Mode::Enforce } else { bucket.mode.weaker(Mode::Shadow) },
        }
    }

    /// Whether the body may become an object.
    pub fn passes(&self) -> bool {
        match self.outcome {
            Outcome::Allow | Outcome::WouldDeny => true,
            Outcome::Deny => false,
            Outcome::Unjudged { refused, .. } => !refused,
        }
    }

    /// The permission to end the body, if the verdict lets it pass.
    pub fn token(&self) -> Option<CommitToken> {
        self.passes().then_some(CommitToken(()))
    }
}

/// Judges a body by its evidence.
///
/// Strongest first: an allow entry (by SHA-256 only), a block entry that is enforced, one that is
/// observed, `unjudged` (what is known beforehand about the kind of upload), allow. A body of zero
/// bytes is never denied.
pub fn judge(
    rules: &Rulebook,
    bucket: &BucketRule,
    bucket_name: &str,
    evidence: &Evidence,
    unjudged: Option<Unjudged>,
    exceptions: &dyn Exceptions,
) -> Verdict {
    let strongest = if evidence.payload == 0 || bucket.mode == Mode::Off {
        None
    } else {
        hits(rules, bucket, bucket_name, evidence, exceptions).max_by_key(|hit| hit.strength)
    };
    match strongest {
        Some(hit) => hit.into_verdict(bucket.mode),
        None => match unjudged {
            Some(reason) => {
                let enforces = rules.enforces(bucket, bucket_name, exceptions);
                Verdict::unjudged(reason, bucket, enforces)
            }
            None => Verdict { outcome: Outcome::Allow, matched: None, mode: bucket.mode },
        },
    }
}

/// The order of the algebra, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Observed,
    Block,
    Acquitted,
}

struct Weighed {
    strength: Strength,
    matched: Match,
}

impl Weighed {
    fn into_verdict(self, bucket_mode: Mode) -> Verdict {
        let (outcome, mode) = match self.strength {
            Strength::Acquitted => (Outcome::Allow, bucket_mode),
            Strength::Block => (Outcome::Deny, Mode::Enforce),
            Strength::Observed => (Outcome::WouldDeny, Mode::Shadow),
        };
        Verdict { outcome, matched: Some(self.matched), mode }
    }
}

fn hits<'a>(
    rules: &'a Rulebook,
    bucket: &'a BucketRule,
    bucket_name: &'a str,
    evidence: &'a Evidence,
    exceptions: &'a dyn Exceptions,
) -> impl Iterator<Item = Weighed> + 'a {
    let digests = evidence.digests;
    rules.snapshot.iter().flat_map(move |snapshot| {
        Algorithm::ALL.into_iter().filter_map(move |a| digests.of(a)).flat_map(move |digest| {
            snapshot.lookup(&digest).filter_map(move |hit| {
                let index = *rules.of_snapshot.get(usize::from(hit.list))?;
                let list = rules.lists.get(usize::from(index))?;
                let entry = hit.entry.as_str().to_owned();
                if !bucket.lists.contains(&index) {
                    return None;
                }
                if exceptions.is_disabled(&list.name, &entry) {
                    return None;
                }
                let observed = exceptions.observes(&list.name, bucket_name);
                let strength =
                    weigh(list.polarity, &digest, hit.canary, list.mode, bucket.mode, observed)?;
                let (list, algorithm) = (list.name.clone(), digest.algorithm());
                Some(Weighed { strength, matched: Match { list, entry, algorithm } })
            })
        })
    })
}

fn weigh(
    polarity: Polarity,
    digest: &Digest,
    canary: bool,
    list: Mode,
    bucket: Mode,
    observed: bool,
) -> Option<Strength> {
    match polarity {
        // The canary proves that a bucket enforces: no allow list may acquit it.
        Polarity::Allow => {
            (digest.algorithm() == Algorithm::Sha256 && !canary).then_some(Strength::Acquitted)
        }
        Polarity::Block if observed => Some(Strength::Observed),
        Polarity::Block => match list.weaker(bucket) {
            Mode::Enforce => Some(Strength::Block),
            Mode::Shadow => Some(Strength::Observed),
            Mode::Off => None,
        },
    }
}
