//! A picture that lies in a body, and what on the lists looks like it.

use super::Origin;
use crate::image::{Look, Looks, ORIENTATIONS, Pdq, PerceptualLook};
use crate::list::NearHit;

/// A picture that was decoded and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictured {
    /// How it lies in the body; `None` where it is the body.
    pub within: Option<Origin>,
    /// What was seen.
    pub looks: Looks,
    /// What is listed near its PDQ hashes; `query` as [`Pictured::look_of`] counts it.
    pub hits: Vec<NearHit>,
    /// What is listed near the hashes of an operator's own kinds, which their `query` counts as
    /// they stand in `looks.perceptual`.
    pub own_hits: Vec<NearHit>,
}

/// How a query was made of a look: each is looked for in all orientations, and each of these as its
/// colour negative too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attitude {
    /// Which of the orientations of [`Fingerprint`](crate::image::Fingerprint), 0 for as it stands.
    pub orientation: u8,
    /// Whether it is the negative.
    pub negative: bool,
}

/// Queries of one look.
const PER_LOOK: usize = 2 * ORIENTATIONS;

impl Pictured {
    /// What was seen, not yet compared with anything.
    pub fn new(within: Option<Origin>, looks: Looks) -> Self {
        Pictured { within, looks, hits: Vec::new(), own_hits: Vec::new() }
    }

    /// The PDQ hashes to be looked for: of each look the orientations, each followed by its negative.
    /// Looks of less than this quality, which nobody compares, have none. Beside them, for each query,
    /// how [`Pictured::look_of`] counts it.
    pub fn queries(&self, quality_min: u8) -> (Vec<Pdq>, Vec<usize>) {
        let good = |(_, look): &(usize, &Look)| look.fingerprint.quality >= quality_min;
        let of_look = |(index, look): (usize, &Look)| {
            let both = look.fingerprint.orientations.map(|pdq| [pdq, pdq.complement()]);
            both.into_iter().flatten().zip(index * PER_LOOK..)
        };
        self.looks.pdq.iter().enumerate().filter(good).flat_map(of_look).unzip()
    }

    /// Which look a hit belongs to, and how it was turned.
    pub fn look_of(&self, hit: &NearHit) -> Option<(&Look, Attitude)> {
        let look = self.looks.pdq.get(hit.query / PER_LOOK)?;
        let (turn, negative) = (hit.query % PER_LOOK / 2, hit.query % 2 == 1);
        Some((look, Attitude { orientation: turn as u8, negative }))
    }

    /// Which hash of an operator's own kind a hit belongs to.
    pub fn own_look_of(&self, hit: &NearHit) -> Option<&PerceptualLook> {
        self.looks.perceptual.get(hit.query)
    }
}
