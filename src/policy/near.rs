//! When a picture counts as the one that is listed.

use super::{BucketRule, ListRule, Mode, Polarity, Rulebook};
use crate::image::{Convention, Look, PerceptualKind, PerceptualLook, Variant, Wanted};
use crate::inspect::{Attitude, Pictured};
use crate::list::{HashKind, NearHit};

/// Bits by which a hash of the luma plane may differ from one of red, green and blue
/// (docs/images.md): so much nearer or farther, and colour decides.
const LUMA_BITS: u32 = 10;

/// By how much its quality may.
const LUMA_QUALITY: u8 = 2;

/// How the perceptual entries of one list are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearRule {
    /// How strictly.
    pub mode: Mode,
    /// Bits up to which a picture is the listed one; `None` for the kind's own.
    pub distance: Option<u32>,
    /// Bits up to which it is at least recorded, no more than `distance` for none; `None` for the
    /// kind's own.
    pub wide: Option<u32>,
    /// Quality of a PDQ hash, 0 to 100, below which it is not compared.
    pub quality: u8,
    /// How the list's PDQ hashes were made.
    pub convention: Convention,
    /// The variants of a picture that are compared beside the whole of it.
    pub variants: Vec<Variant>,
    /// Whether the wide band refuses like the near one.
    pub wide_denies: bool,
    /// Whether variants refuse like the whole picture.
    pub variants_deny: bool,
}

impl Default for NearRule {
    /// Observed only, each kind by its own distances, quality as industry has it (Meta, "PDQ": 50).
    fn default() -> Self {
        NearRule {
            mode: Mode::Shadow,
            distance: None,
            wide: None,
            quality: 50,
            convention: Convention::Full,
            variants: Vec::new(),
            wide_denies: false,
            variants_deny: false,
        }
    }
}

/// How a picture is like a listed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resemblance {
    /// The hash that is near.
    pub kind: HashKind,
    /// Bits that differ.
    pub distance: u32,
    /// The frame or page, from 0 on.
    pub frame: u32,
    /// What of the picture is like it.
    pub variant: Variant,
    /// How the picture was turned for that.
    pub attitude: Attitude,
    /// Whether it is only in the wide band.
    pub wide: bool,
}

impl Resemblance {
    /// The word in audit records: what of the picture was how near.
    pub const fn name(&self) -> &'static str {
        match (self.variant, self.wide) {
            (Variant::Whole, false) => "near",
            (Variant::Whole, true) => "near-wide",
            (Variant::Trimmed, false) => "near-trimmed",
            (Variant::Trimmed, true) => "near-trimmed-wide",
            (Variant::Block, false) => "near-block",
            (Variant::Block, true) => "near-block-wide",
            (Variant::Padded(_), false) => "near-padded",
            (Variant::Padded(_), true) => "near-padded-wide",
            (Variant::Cropped(_), false) => "near-cropped",
            (Variant::Cropped(_), true) => "near-cropped-wide",
            (Variant::Turned(_), false) => "near-turned",
            (Variant::Turned(_), true) => "near-turned-wide",
        }
    }
}

/// What a rule makes of something near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) resemblance: Resemblance,
    /// Whether it is recorded only, whatever the mode.
    pub(super) flags: bool,
}

/// Up to how many bits two hashes are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    near: u32,
    wide: u32,
}

impl Reach {
    /// Of PDQ what industry takes, 31, and the band where near duplicates still outnumber chance; of
    /// an operator's own kinds an eighth of the bits, and three sixteenths (docs/accuracy.md).
    fn of(kind: HashKind) -> Reach {
        match kind {
            HashKind::Exact(_) => Reach { near: 0, wide: 0 },
            HashKind::Pdq => Reach { near: 31, wide: 48 },
            HashKind::Perceptual(kind) => {
                let bits = 8 * kind.hash_bytes() as u32;
                Reach { near: bits / 8, wide: bits * 3 / 16 }
            }
        }
    }
}

impl NearRule {
    fn reach(&self, kind: HashKind) -> Reach {
        let own = Reach::of(kind);
        let near = self.distance.unwrap_or(own.near);
        Reach { near, wide: self.wide.unwrap_or(own.wide).max(near) }
    }

    /// What comes of a hit near a PDQ hash.
    pub(super) fn weigh(&self, look: &Look, at: Attitude, distance: u32) -> Option<Likeness> {
        let counts = look.fingerprint.quality >= self.quality && self.compares(look);
        let reach = self.reach(HashKind::Pdq);
        let resemblance = Resemblance {
            kind: HashKind::Pdq,
            distance,
            frame: look.source.frame,
            variant: look.source.variant,
            attitude: at,
            wide: distance > reach.near,
        };
        (counts && distance <= reach.wide).then(|| self.likeness(resemblance))
    }

    /// What comes of a hit near a hash of an operator's own kind.
    pub(super) fn weigh_own(&self, look: &PerceptualLook, distance: u32) -> Option<Likeness> {
        let reach = self.reach(HashKind::Perceptual(look.kind));
        let resemblance = Resemblance {
            kind: HashKind::Perceptual(look.kind),
            distance,
            frame: look.frame,
            variant: Variant::Whole,
            attitude: Attitude { orientation: 0, negative: false },
            wide: distance > reach.near,
        };
        (distance <= reach.wide).then(|| self.likeness(resemblance))
    }

    fn likeness(&self, resemblance: Resemblance) -> Likeness {
        let by_variant = resemblance.variant != Variant::Whole && !self.variants_deny;
        Likeness { resemblance, flags: by_variant || (resemblance.wide && !self.wide_denies) }
    }

    fn compares(&self, look: &Look) -> bool {
        match look.source.variant {
            Variant::Whole => look.source.convention == self.convention,
            variant => self.variants.contains(&variant),
        }
    }

    /// Whether a hash of the luma plane is too near a threshold to be taken for one in colour.
    fn is_in_doubt(&self, look: &Look, distance: u32) -> bool {
        let reach = self.reach(HashKind::Pdq);
        let near = |threshold: u32| distance.abs_diff(threshold) <= LUMA_BITS;
        let doubtful_quality = look.fingerprint.quality.abs_diff(self.quality) <= LUMA_QUALITY;
        let by_distance = near(reach.near) || near(reach.wide);
        let could_count = look.fingerprint.quality.saturating_add(LUMA_QUALITY) >= self.quality;
        self.compares(look)
            && could_count
            && (by_distance || (doubtful_quality && distance <= reach.wide + LUMA_BITS))
    }
}

/// Frames of an animation, or pages, that are looked at.
const FRAMES: u32 = 8;

/// What pictures are hashed for, by the lists in force and the kinds in them beside PDQ; `None` where
/// none holds a perceptual hash.
///
/// Of the luma plane, which is less than half the work: see [`Rulebook::is_in_doubt`].
pub(super) fn wanted(lists: &[ListRule], kinds: Vec<PerceptualKind>) -> Option<Wanted> {
    let rules: Vec<&NearRule> = lists.iter().filter_map(|list| list.near.as_ref()).collect();
    let is_used = |convention: &Convention| rules.iter().any(|rule| rule.convention == *convention);
    let mut variants: Vec<Variant> = rules.iter().flat_map(|rule| rule.variants.clone()).collect();
    variants.sort_unstable();
    variants.dedup();
    (!rules.is_empty()).then(|| Wanted {
        colour: false,
        conventions: Convention::ALL.into_iter().filter(is_used).collect(),
        variants,
        frames: FRAMES,
        kinds,
    })
}

impl Rulebook {
    /// Looks for listed pictures that are like this one, as far as any list that applies to the
    /// bucket cares. Milliseconds where lists are long: not for the async threads.
    pub fn compare(&self, bucket: &BucketRule, picture: &mut Pictured) {
        let Some(snapshot) = &self.snapshot else { return };
        let reach = |kind| self.near_rules(bucket).map(|(_, rule)| rule.reach(kind).wide).max();
        let Some(pdq) = reach(HashKind::Pdq) else { return };
        let quality = self.near_rules(bucket).map(|(_, rule)| rule.quality).min().unwrap_or(0);
        let (queries, places) = picture.queries(quality.saturating_sub(LUMA_QUALITY));
        let hits = snapshot.near(&queries, pdq + LUMA_BITS);
        picture.hits =
            hits.into_iter().map(|hit| NearHit { query: places[hit.query], ..hit }).collect();
        let looks = picture.looks.perceptual.iter().enumerate();
        picture.own_hits = looks
            .flat_map(|(query, look)| {
                let reach = reach(HashKind::Perceptual(look.kind)).unwrap_or(0);
                let hits = snapshot.near_perceptual(look.kind, &[&look.hash], reach);
                hits.into_iter().map(move |hit| NearHit { query, ..hit })
            })
            .collect();
    }

    /// Whether a picture that was hashed by its luma plane has to be hashed in colour before it is
    /// judged: something listed lies so near a threshold that the difference could decide.
    pub fn is_in_doubt(&self, bucket: &BucketRule, picture: &Pictured) -> bool {
        let in_doubt = |hit: &NearHit| {
            let Some((look, _)) = picture.look_of(hit) else { return false };
            let of_list = |(index, _): &(u16, &super::NearRule)| {
                self.of_snapshot.get(usize::from(hit.list)) == Some(index)
            };
            let mut rules = self.near_rules(bucket).filter(of_list);
            rules.any(|(_, rule)| rule.is_in_doubt(look, hit.distance))
        };
        picture.hits.iter().any(in_doubt)
    }

    /// Whether pictures in this bucket's uploads are compared with anything.
    pub fn compares_pictures(&self, bucket: &BucketRule) -> bool {
        bucket.mode != Mode::Off && self.near_rules(bucket).next().is_some()
    }

    /// The lists that apply to a bucket and hold pictures, by their index.
    fn near_rules<'a>(
        &'a self,
        bucket: &'a BucketRule,
    ) -> impl Iterator<Item = (u16, &'a NearRule)> {
        bucket.lists.iter().filter_map(|&index| {
            let list = self.lists.get(usize::from(index))?;
            // An allow list acquits by digests alone.
            let rule = list.near.as_ref().filter(|_| list.polarity == Polarity::Block)?;
            Some((index, rule))
        })
    }
}
