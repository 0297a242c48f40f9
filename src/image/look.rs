//! One look at an image: everything that is to be known of it, within limits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::decode::{Job, Picture, Sink, decode};
use super::header::{Header, header};
use super::kinds::{self, PerceptualKind};
use super::pdq::{Aim, Convention, Fingerprint, Fingerprinter, SIDE_MIN, Side, is_resized};
use super::reduced::Reducer;
use super::variant::{self, Variant};
use super::{Background, ImageFault, Limits};

/// What is to be found out.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whether PDQ is computed of red, green and blue, as the reference does, and not of the luma
    /// that many formats store: within 2 bits of it instead of 4, at more than twice the cost.
    pub colour: bool,
    /// The conventions of the lists in question.
    pub conventions: Vec<Convention>,
    /// Variants beside the whole picture, under [`Convention::Full`].
    pub variants: Vec<Variant>,
    /// Frames or pages that are looked at: the first, the last, and some evenly between. At least 1.
    pub frames: u32,
    /// Hashes of an operator's own lists. Any makes decoding colour necessary, and takes some ten
    /// bytes a pixel beyond what [`Limits::memory`] bounds.
    pub kinds: Vec<PerceptualKind>,
}

impl Default for Wanted {
    /// PDQ of red, green and blue at full resolution, of up to eight frames.
    fn default() -> Self {
        Wanted {
            colour: true,
            conventions: vec![Convention::Full],
            variants: Vec::new(),
            frames: 8,
            kinds: Vec::new(),
        }
    }
}

/// Where a hash comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The frame or page, from 0 on.
    pub frame: u32,
    /// What transparent pixels were shown on.
    pub background: Background,
    /// Which part of the picture.
    pub variant: Variant,
    /// How it was scaled.
    pub convention: Convention,
}

/// A PDQ hash with its orientations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Where it comes from.
    pub source: Source,
    /// The hashes and their quality.
    pub fingerprint: Fingerprint,
}

/// A hash of one of [`Wanted::kinds`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerceptualLook {
    /// The frame or page, from 0 on.
    pub frame: u32,
    /// What transparent pixels were shown on.
    pub background: Background,
    /// Its kind.
    pub kind: PerceptualKind,
    /// Its bytes.
    pub hash: Vec<u8>,
}

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// What its structure announces.
    pub header: Header,
    /// Frames or pages, as far as they were counted.
    pub frames: u32,
    /// PDQ hashes, the whole first picture first; none of pictures below five pixels a side.
    pub pdq: Vec<Look>,
    /// Other hashes.
    pub perceptual: Vec<PerceptualLook>,
    /// Why a part was not looked at, if one was not: what is in the other fields is true all the
    /// same, and may convict, but does not acquit.
    pub fault: Option<ImageFault>,
}

/// Decodes an image and hashes it.
///
/// `stop` is asked now and then whether the time is up, at the least between frames; what a decoder
/// does within one frame is bounded by `limits` alone, so that a hard limit in time takes a process
/// that can be ended.
///
/// # Errors
/// Why there is nothing to tell: not a single picture could be looked at.
pub fn look(
    bytes: &[u8],
    limits: &Limits,
    wanted: &Wanted,
    stop: &dyn Fn() -> bool,
) -> Result<Looks, ImageFault> {
    let header = header(bytes, limits)?;
    let colour = wanted.colour || !wanted.kinds.is_empty();
    let job = Job { bytes, header: &header, limits, colour, stop };
    let mut gallery = Gallery {
        wanted,
        limits,
        taken: 0,
        frames: header.frames,
        pdq: Vec::new(),
        perceptual: Vec::new(),
    };
    // The decoders' own change notes say that some of them may panic on hostile input.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(&job, &mut gallery)));
    let cut = (!header.complete).then_some(ImageFault::Truncated);
    let fault = decoded.unwrap_or(Err(ImageFault::Decoder)).err().or(cut);
    match fault {
        Some(fault) if gallery.taken == 0 => Err(fault),
        _ => Ok(Looks {
            header,
            frames: gallery.frames,
            pdq: gallery.pdq,
            perceptual: gallery.perceptual,
            fault,
        }),
    }
}

/// Hashes pictures as they come.
struct Gallery<'a> {
    wanted: &'a Wanted,
    limits: &'a Limits,
    taken: u32,
    frames: u32,
    pdq: Vec<Look>,
    perceptual: Vec<PerceptualLook>,
}

impl Sink for Gallery<'_> {
    fn wants(&self, index: u32, count: u32) -> bool {
        is_chosen(index, count.min(self.limits.frames), self.wanted.frames)
    }

    fn take(&mut self, index: u32, count: u32, picture: &Picture) {
        self.taken += 1;
        self.frames = self.frames.max(count);
        let transparent = picture.pixels.is_transparent();
        let backgrounds = if transparent { &Background::ALL[..] } else { &[Background::White][..] };
        let before = self.pdq.len();
        for &background in backgrounds {
            let looks = self.pdq_of(picture, index, background);
            // Other backgrounds may make no difference.
            let whole = looks.first().map(|look| look.fingerprint);
            let known = self.pdq[before..].iter().any(|look| Some(look.fingerprint) == whole);
            if !known {
                self.pdq.extend(looks);
            }
            self.hash_kinds(picture, index, background);
        }
    }
}

/// Whether a frame is the first, the last, or one of those that lie evenly between.
fn is_chosen(index: u32, count: u32, chosen: u32) -> bool {
    let (index, last) = (u64::from(index), u64::from(count.saturating_sub(1)));
    let steps = u64::from(chosen.saturating_sub(1));
    match (index, steps) {
        (0, _) => true,
        (_, 0) => false,
        _ if steps >= last => index <= last,
        // Whether a multiple of last / steps, rounded down, is the index.
        _ => index <= last && (index * steps).div_ceil(last) * last / steps == index,
    }
}

impl Gallery<'_> {
    /// All hashes over one background, from one walk over the rows.
    fn pdq_of(&self, picture: &Picture, frame: u32, background: Background) -> Vec<Look> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        if picture.width.min(picture.height) < SIDE_MIN {
            return Vec::new();
        }
        let mut wholes: Vec<(Convention, Fingerprinter)> = self
            .wanted
            .conventions
            .iter()
            .map(|convention| (*convention, Fingerprinter::new(aim(picture, *convention))))
            .collect();
        let mut reducer = (!self.wanted.variants.is_empty()).then(|| Reducer::new(width, height));
        let mut scratch = Vec::new();
        for y in 0..height {
            let row = picture.pixels.row(y, width, background, &mut scratch);
            wholes.iter_mut().for_each(|(_, whole)| whole.push(y, row));
            if let Some(reducer) = &mut reducer {
                reducer.push(row);
            }
        }
        let look = |variant, convention, fingerprint| Look {
            source: Source { frame, background, variant, convention },
            fingerprint,
        };
        let whole = |(convention, whole): (Convention, Fingerprinter)| {
            look(Variant::Whole, convention, whole.finish())
        };
        let mut looks: Vec<Look> = wholes.into_iter().map(whole).collect();
        if let Some(reduced) = reducer.map(Reducer::finish) {
            looks.extend(self.wanted.variants.iter().filter_map(|&kind| {
                let found = variant::fingerprint(&reduced, kind, picture.orientation)?;
                Some(look(kind, Convention::Full, found))
            }));
        }
        looks
    }

    fn hash_kinds(&mut self, picture: &Picture, frame: u32, background: Background) {
        if self.wanted.kinds.is_empty() {
            return;
        }
        let rgb = picture.pixels.to_rgb(background);
        let shown = kinds::shown(picture.width, picture.height, rgb, picture.orientation);
        let Some(shown) = shown else { return };
        let hashed = self.wanted.kinds.iter().map(|&kind| {
            let hash = kind.hash(&shown);
            PerceptualLook { frame, background, kind, hash }
        });
        self.perceptual.extend(hashed);
    }
}

fn aim(picture: &Picture, convention: Convention) -> Aim {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let resized = is_resized(width, height, convention);
    let side = |stored| Side { resized, ..Side::whole(stored) };
    variant::aim(side(width), side(height), picture.orientation)
}

#[cfg(test)]
mod tests;
