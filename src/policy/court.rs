//! Which of all hits on a body decides.

use super::near::Likeness;
use super::{
    Basis, BucketRule, Exceptions, ListRule, Match, Mode, Outcome, Polarity, Rulebook, Verdict,
};
use crate::digest::{Algorithm, Digest, Digests};
use crate::inspect::{Evidence, Origin, Pictured};
use crate::list::{EntryId, Hit};

/// The order of the algebra, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    NearObserved,
    Observed,
    NearBlock,
    Block,
    Acquitted,
}

/// A hit that counts.
pub(super) struct Weighed {
    strength: Strength,
    matched: Match,
}

impl Weighed {
    pub(super) fn into_verdict(self, bucket_mode: Mode) -> Verdict {
        let (outcome, mode) = match self.strength {
            Strength::Acquitted => (Outcome::Allow, bucket_mode),
            Strength::Block | Strength::NearBlock => (Outcome::Deny, Mode::Enforce),
            Strength::Observed | Strength::NearObserved => (Outcome::WouldDeny, Mode::Shadow),
        };
        Verdict { outcome, matched: Some(self.matched), mode }
    }

    /// Whether the body passes though it is like something listed.
    pub(super) fn is_observed(&self) -> bool {
        matches!(self.strength, Strength::Observed | Strength::NearObserved)
    }

    /// What of two counts more: the stronger, the first of equals, of pictures the nearer.
    fn stronger(self, other: Weighed) -> Weighed {
        let nearness = |hit: &Weighed| match &hit.matched.basis {
            Basis::Same(_) => 0,
            Basis::Near(near) => near.distance,
        };
        let rank = |hit: &Weighed| (hit.strength, std::cmp::Reverse(nearness(hit)));
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// What one body is judged by.
pub(super) struct Court<'a> {
    pub(super) rules: &'a Rulebook,
    pub(super) bucket: &'a BucketRule,
    pub(super) bucket_name: &'a str,
    pub(super) exceptions: &'a dyn Exceptions,
}

impl Court<'_> {
    /// The hit that decides about a body and all that is in it.
    pub(super) fn strongest(&self, evidence: &Evidence) -> Option<Weighed> {
        if self.bucket.mode == Mode::Off {
            return None;
        }
        let body = self.strongest_of(evidence.payload, &evidence.digests, None);
        let within = evidence.within.iter().filter_map(|part| {
            let hit = self.strongest_of(part.bytes, &part.digests, Some(part.origin))?;
            (hit.strength != Strength::Acquitted).then_some(hit)
        });
        let pictures = evidence.pictures.iter().filter_map(|picture| self.nearest(picture));
        // The body's own hit comes before that of something in it.
        body.into_iter().chain(within).chain(pictures).reduce(Weighed::stronger)
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
        let list = self.list_of(hit.list, &hit.entry)?;
        let strength = match list.polarity {
            // The canary proves that a bucket enforces: no allow list may acquit it.
            Polarity::Allow => (digest.algorithm() == Algorithm::Sha256 && !hit.canary)
                .then_some(Strength::Acquitted),
            Polarity::Block => match self.mode_of(list, list.mode) {
                Mode::Enforce => Some(Strength::Block),
                Mode::Shadow => Some(Strength::Observed),
                Mode::Off => None,
            },
        }?;
        let basis = Basis::Same(digest.algorithm());
        Some(Weighed { strength, matched: matched(list, &hit.entry, basis, within) })
    }

    /// The strongest of the hits near one picture.
    fn nearest(&self, picture: &Pictured) -> Option<Weighed> {
        let hits = picture.hits.iter().filter_map(|hit| {
            let list = self.list_of(hit.list, &hit.entry)?;
            let (look, attitude) = picture.look_of(hit)?;
            let like = list.near.as_ref()?.weigh(look, attitude, hit.distance)?;
            self.weigh_near(list, &hit.entry, like, picture.within)
        });
        let own = picture.own_hits.iter().filter_map(|hit| {
            let list = self.list_of(hit.list, &hit.entry)?;
            let look = picture.own_look_of(hit)?;
            let like = list.near.as_ref()?.weigh_own(look, hit.distance)?;
            self.weigh_near(list, &hit.entry, like, picture.within)
        });
        hits.chain(own).reduce(Weighed::stronger)
    }

    fn weigh_near(
        &self,
        list: &ListRule,
        entry: &EntryId,
        like: Likeness,
        within: Option<Origin>,
    ) -> Option<Weighed> {
        // Likeness acquits nobody.
        let near = list.near.as_ref().filter(|_| list.polarity == Polarity::Block)?;
        let strength = match self.mode_of(list, near.mode) {
            Mode::Enforce if !like.flags => Strength::NearBlock,
            Mode::Enforce | Mode::Shadow => Strength::NearObserved,
            Mode::Off => return None,
        };
        let basis = Basis::Near(like.resemblance);
        Some(Weighed { strength, matched: matched(list, entry, basis, within) })
    }

    /// The list of a hit, if it and the entry count in this bucket.
    fn list_of(&self, list: u16, entry: &EntryId) -> Option<&ListRule> {
        let index = *self.rules.of_snapshot.get(usize::from(list))?;
        let list = self.rules.lists.get(usize::from(index))?;
        let counts = self.bucket.lists.contains(&index)
            && !self.exceptions.is_disabled(&list.name, entry.as_str());
        counts.then_some(list)
    }

    /// How strictly a list is taken here that says `mode` of itself.
    fn mode_of(&self, list: &ListRule, mode: Mode) -> Mode {
        let observed = self.exceptions.observes(&list.name, self.bucket_name);
        let mode = mode.weaker(self.bucket.mode);
        if observed { mode.weaker(Mode::Shadow) } else { mode }
    }
}

fn matched(list: &ListRule, entry: &EntryId, basis: Basis, within: Option<Origin>) -> Match {
    Match { list: list.name.clone(), entry: entry.as_str().to_owned(), basis, within }
}
