//! What lies within a body that is there as a whole, or in an archive as it streams.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;

use super::{Gap, Origin, Sighting};
use crate::digest::{AlgorithmSet, Kernel, MultiHasher};
use crate::image::{SNIFF_MAX_BYTES, sniff};
use crate::unpack::{self, Coding, Gaps, Incomplete, Kind, Limits, Options, Sink};

/// How a body is looked into.
#[derive(Clone, Debug)]
pub struct Within {
    /// The digests that the lists need.
    pub wanted: AlgorithmSet,
    /// How they are computed.
    pub kernel: Kernel,
    /// What was done to the body, where that has to be undone first.
    pub codings: Vec<Coding>,
    /// What is looked for.
    pub options: Options,
    /// How far looking goes.
    pub limits: Limits,
}

impl Within {
    /// The same, and archives are unpacked if `archives` says so.
    #[must_use]
    pub fn unpacking(mut self, archives: bool) -> Self {
        self.options.archives |= archives;
        self
    }
}

/// A picture within a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How it lies there.
    pub origin: Origin,
    /// Its bytes.
    pub bytes: Bytes,
    /// Whether they are all there are.
    pub whole: bool,
}

/// Gives the pictures that [`look_within`] has hashed, one after another, until `each` has enough: what
/// begins like a picture. Of those that don't lie in the body as they are, no more than `most` bytes.
/// A picture without the bytes behind its end is left out: it shows what the picture with them shows.
pub fn pictures_within(
    payload: &Bytes,
    how: &Within,
    most: usize,
    each: &mut dyn FnMut(Picture) -> ControlFlow<()>,
) {
    let mut sink = Album { payload, most, each, open: None, has_enough: false };
    unpack::views(payload, &how.codings, how.options, how.limits, &mut sink);
}

/// Looks into a body, and tells what lies in it, and whether that is all.
pub fn look_within(payload: &[u8], how: &Within) -> (Vec<Sighting>, Option<Gap>) {
    let members = Members::new(how.wanted, how.kernel);
    let mut sink = Whole { payload, members };
    let gaps = unpack::views(payload, &how.codings, how.options, how.limits, &mut sink);
    // Where only pictures are searched for, a search that stops at its limit hides nothing that
    // anybody was promised.
    let is_thorough = how.options.archives || how.options.documents;
    (sink.members.found(), gap_of(gaps).filter(|_| is_thorough))
}

/// The weightiest of the reasons why there may be more.
pub(super) fn gap_of(gaps: Gaps) -> Option<Gap> {
    let of = |reason| match reason {
        Incomplete::Encrypted => Gap::Encrypted,
        Incomplete::Count
        | Incomplete::Bytes
        | Incomplete::Ratio
        | Incomplete::Depth
        | Incomplete::Memory
        | Incomplete::Malformed
        | Incomplete::Truncated
        | Incomplete::Ambiguous
        | Incomplete::Unsupported => Gap::Archive,
    };
    let found: Vec<Gap> = gaps.iter().map(of).collect();
    let weighty = found.iter().find(|gap| **gap == Gap::Encrypted);
    weighty.or(found.first()).copied()
}

/// Hashes what is found, one after another.
#[derive(Debug)]
pub(super) struct Members {
    wanted: AlgorithmSet,
    kernel: Kernel,
    open: Option<(Origin, MultiHasher)>,
    found: Vec<Sighting>,
}

impl Members {
    pub fn new(wanted: AlgorithmSet, kernel: Kernel) -> Self {
        Members { wanted, kernel, open: None, found: Vec::new() }
    }

    pub fn found(self) -> Vec<Sighting> {
        self.found
    }

    fn hasher(&self) -> MultiHasher {
        MultiHasher::new(self.wanted, self.kernel)
    }

    fn add(&mut self, origin: Origin, hasher: MultiHasher) {
        let bytes = hasher.len();
        self.found.push(Sighting { origin, bytes, digests: hasher.finish() });
    }
}

impl Sink for Members {
    /// What streams has no payload to point into.
    fn range(&mut self, _: &unpack::Origin<'_>, _: Range<usize>) {}

    fn begin(&mut self, origin: &unpack::Origin<'_>) {
        self.open = Some((origin_of(origin.kind), self.hasher()));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some((_, hasher)) = &mut self.open {
            hasher.update(bytes);
        }
    }

    fn end(&mut self, _whole: bool) {
        if let Some((origin, hasher)) = self.open.take() {
            self.add(origin, hasher);
        }
    }
}

/// The same for a payload that is there.
struct Whole<'a> {
    payload: &'a [u8],
    members: Members,
}

impl Sink for Whole<'_> {
    fn range(&mut self, origin: &unpack::Origin<'_>, range: Range<usize>) {
        let mut hasher = self.members.hasher();
        hasher.update(self.payload.get(range).unwrap_or_default());
        self.members.add(origin_of(origin.kind), hasher);
    }

    fn begin(&mut self, origin: &unpack::Origin<'_>) {
        self.members.begin(origin);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.members.bytes(bytes);
    }

    fn end(&mut self, whole: bool) {
        self.members.end(whole);
    }
}

/// Keeps what begins like a picture.
struct Album<'a> {
    payload: &'a Bytes,
    most: usize,
    each: &'a mut dyn FnMut(Picture) -> ControlFlow<()>,
    open: Option<Open>,
    has_enough: bool,
}

/// A view whose bytes come.
struct Open {
    origin: Origin,
    kept: Vec<u8>,
    /// Whether there were more.
    over: bool,
}

impl Album<'_> {
    fn wants(&self, kind: Kind) -> bool {
        !self.has_enough && kind != Kind::Trimmed
    }

    fn give(&mut self, origin: Origin, bytes: Bytes, whole: bool) {
        if sniff(&bytes).is_some() {
            self.has_enough = (self.each)(Picture { origin, bytes, whole }).is_break();
        }
    }
}

impl Sink for Album<'_> {
    fn range(&mut self, origin: &unpack::Origin<'_>, range: Range<usize>) {
        if self.wants(origin.kind) && range.end <= self.payload.len() {
            self.give(origin_of(origin.kind), self.payload.slice(range), true);
        }
    }

    fn begin(&mut self, origin: &unpack::Origin<'_>) {
        let open = || Open { origin: origin_of(origin.kind), kept: Vec::new(), over: false };
        self.open = self.wants(origin.kind).then(open);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        let sniffed = open.kept.len() >= SNIFF_MAX_BYTES;
        let room = self.most.saturating_sub(open.kept.len());
        open.over |= bytes.len() > room;
        open.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let is_known = !sniffed && open.kept.len() >= SNIFF_MAX_BYTES;
        if is_known && sniff(&open.kept).is_none() {
            self.open = None;
        }
    }

    fn end(&mut self, whole: bool) {
        if let Some(Open { origin, kept, over }) = self.open.take() {
            self.give(origin, kept.into(), whole && !over);
        }
    }
}

fn origin_of(kind: Kind) -> Origin {
    match kind {
        Kind::Decoded => Origin::Decoded,
        Kind::Member => Origin::Member,
        Kind::Embedded => Origin::Embedded,
        Kind::Trimmed => Origin::Trimmed,
        Kind::Document => Origin::Document,
    }
}
