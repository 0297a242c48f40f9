//! The verdict's algebra: what one body's evidence means under the rules.

use std::sync::Arc;

use super::court::Court;
use super::{BucketRule, Exceptions, Mode, OnFault, OnUnjudged, Resemblance, Rulebook, Unjudged};
use crate::digest::Algorithm;
use crate::image::ImageFault;
use crate::inspect::{Evidence, Gap, Origin};
use crate::list::HashKind;

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
    /// How the body is like it.
    pub basis: Basis,
    /// How the bytes that are on the list lie in the body; `None` where they are the body.
    pub within: Option<Origin>,
}

/// What a hit rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The bytes are the listed ones, by this kind of digest.
    Same(Algorithm),
    /// A picture looks like the listed one.
    Near(Resemblance),
}

impl Match {
    /// The kind of hash that led to it.
    pub fn hash(&self) -> HashKind {
        match &self.basis {
            Basis::Same(algorithm) => HashKind::Exact(*algorithm),
            Basis::Near(near) => near.kind,
        }
    }

    /// Bits in which the hashes differ: 0 for bytes that are the listed ones.
    pub fn distance(&self) -> u32 {
        match &self.basis {
            Basis::Same(_) => 0,
            Basis::Near(near) => near.distance,
        }
    }

    /// The word in audit records: in what way the body is like the entry.
    pub fn reason(&self) -> &'static str {
        match (&self.basis, self.within) {
            (Basis::Same(_), None) => "exact",
            (Basis::Same(_), Some(origin)) => origin.name(),
            (Basis::Near(near), _) => near.name(),
        }
    }
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
/// for the body or for something in it, a picture like an entry whose likeness is enforced,
/// `unjudged` (what is known beforehand about the kind of upload), a gap in the evidence or an image
/// that could not be looked at, as far as that is refused, a hit that is observed, what could not be
/// judged and passes, allow. An allow entry for something in the body acquits that alone. Zero bytes
/// are never denied.
pub fn judge(
    rules: &Rulebook,
    bucket: &BucketRule,
    bucket_name: &str,
    evidence: &Evidence,
    unjudged: Option<Unjudged>,
    exceptions: &dyn Exceptions,
) -> Verdict {
    let court = Court { rules, bucket, bucket_name, exceptions };
    let unseen = evidence.unseen.filter(|_| rules.compares_pictures(bucket)).map(Unjudged::from);
    let reason = unjudged.or(evidence.gap.map(Unjudged::from)).or(unseen);
    let unjudged = reason.map(|reason| {
        Verdict::unjudged(reason, bucket, rules.enforces(bucket, bucket_name, exceptions))
    });
    let hit = court.strongest(evidence);
    match (hit, unjudged) {
        (Some(hit), Some(unjudged)) if hit.is_observed() && !unjudged.passes() => unjudged,
        (Some(hit), _) => hit.into_verdict(bucket.mode),
        (None, Some(unjudged)) => unjudged,
        (None, None) => Verdict { outcome: Outcome::Allow, matched: None, mode: bucket.mode },
    }
}

impl From<ImageFault> for Unjudged {
    fn from(fault: ImageFault) -> Unjudged {
        match fault {
            ImageFault::Format => Unjudged::Format,
            ImageFault::Truncated => Unjudged::Truncated,
            ImageFault::Pixels => Unjudged::Pixels,
            ImageFault::Frames => Unjudged::Frames,
            ImageFault::Scans => Unjudged::Scans,
            ImageFault::Memory => Unjudged::Memory,
            ImageFault::Time => Unjudged::Time,
            ImageFault::Decoder => Unjudged::DecoderFault,
        }
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
