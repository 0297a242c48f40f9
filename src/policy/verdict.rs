//! The verdict's algebra: what one body's evidence means under the rules.

use std::sync::Arc;

use super::{BucketRule, Exceptions, Mode, OnFault, OnUnjudged, Polarity, Rulebook, Unjudged};
use crate::digest::{Algorithm, Digest, Digests};
use crate::inspect::{Evidence, Gap, Origin};
use crate::list::Hit;

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
    /// How the bytes that are on the list lie in the body; `None` where they are the body.
    pub within: Option<Origin>,
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

    /// More of an upload that was refused already: nothing of it may become an object.
    pub fn poisoned() -> Verdict {
        Verdict { outcome: Outcome::Deny, matched: None, mode: Mode::Enforce }
    }

    /// A body that can't be judged, and whose kind must not pass unjudged.
    pub fn refused(reason: Unjudged) -> Verdict {
        let outcome = Outcome::Unjudged { reason, refused: true };
        Verdict { outcome, matched: None, mode: Mode::Enforce }
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
/// Strongest first: an allow entry for the body (by SHA-256 only), a block entry that is enforced,
/// for the body or for something in it, one that is observed, `unjudged` (what is known beforehand
/// about the kind of upload) or a gap in the evidence, allow. An allow entry for something in the
/// body acquits that alone. Zero bytes are never denied.
pub fn judge(
    rules: &Rulebook,
    bucket: &BucketRule,
    bucket_name: &str,
    evidence: &Evidence,
    unjudged: Option<Unjudged>,
    exceptions: &dyn Exceptions,
) -> Verdict {
    let court = Court { rules, bucket, bucket_name, exceptions };
    if let Some(hit) = court.strongest(evidence) {
        return hit.into_verdict(bucket.mode);
    }
    match unjudged.or(evidence.gap.map(Unjudged::from)) {
        Some(reason) => {
            Verdict::unjudged(reason, bucket, rules.enforces(bucket, bucket_name, exceptions))
        }
        None => Verdict { outcome: Outcome::Allow, matched: None, mode: bucket.mode },
    }
}

impl From<Gap> for Unjudged {
    fn from(gap: Gap) -> Unjudged {
        match gap {
            Gap::Encoding => Unjudged::Encoding,
            Gap::Encrypted => Unjudged::Encrypted,
            Gap::Archive => Unjudged::Archive,
            Gap::TooLarge => Unjudged::TooLarge,
        }
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

/// What one body is judged by.
struct Court<'a> {
    rules: &'a Rulebook,
    bucket: &'a BucketRule,
    bucket_name: &'a str,
    exceptions: &'a dyn Exceptions,
}

impl Court<'_> {
    /// The hit that decides about a body and all that is in it.
    fn strongest(&self, evidence: &Evidence) -> Option<Weighed> {
        if self.bucket.mode == Mode::Off {
            return None;
        }
        let body = self.strongest_of(evidence.payload, &evidence.digests, None);
        let within = evidence.within.iter().filter_map(|part| {
            let hit = self.strongest_of(part.bytes, &part.digests, Some(part.origin))?;
            (hit.strength != Strength::Acquitted).then_some(hit)
        });
        // Of equal hits the first counts: the body's own before that of something in it.
        body.into_iter().chain(within).reduce(
            |best, hit| {
                if hit.strength > best.strength { hit } else { best }
            },
        )
    }

    /// The strongest hit of one byte string.
    fn strongest_of(
        &self,
        bytes: u64,
        digests: &Digests,
        within: Option<Origin>,
    ) -> Option<Weighed> {
        if bytes == 0 {
            return None;
        }
        let snapshot = self.rules.snapshot.as_ref()?;
        let digests = Algorithm::ALL.into_iter().filter_map(|algorithm| digests.of(algorithm));
        let hits = digests.flat_map(|digest| {
            snapshot.lookup(&digest).filter_map(move |hit| self.weigh_hit(&digest, &hit, within))
        });
        hits.max_by_key(|hit| hit.strength)
    }

    fn weigh_hit(&self, digest: &Digest, hit: &Hit, within: Option<Origin>) -> Option<Weighed> {
        let index = *self.rules.of_snapshot.get(usize::from(hit.list))?;
        let list = self.rules.lists.get(usize::from(index))?;
        let entry = hit.entry.as_str().to_owned();
        if !self.bucket.lists.contains(&index) || self.exceptions.is_disabled(&list.name, &entry) {
            return None;
        }
        let observed = self.exceptions.observes(&list.name, self.bucket_name);
        let (list_mode, mode) = (list.mode, self.bucket.mode);
        let strength = weigh(list.polarity, digest, hit.canary, list_mode, mode, observed)?;
        let (list, algorithm) = (list.name.clone(), digest.algorithm());
        Some(Weighed { strength, matched: Match { list, entry, algorithm, within } })
    }
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
