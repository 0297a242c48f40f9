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
/// begins like a picture. A picture without the bytes behind its end is left out: it shows what the
/// picture with them shows.
///
/// Of one that has to be unpacked no more than `most` bytes are given, and `room` is asked for that
/// memory first. If there is none, nothing more is given, and the answer is false.
pub fn pictures_within(
    payload: &Bytes,
    how: &Within,
    most: usize,
    room: &mut dyn FnMut() -> bool,
    each: &mut dyn FnMut(Picture) -> ControlFlow<()>,
) -> bool {
    let open = None;
    let mut sink = Album { payload, most, room, each, open, has_enough: false, has_room: true };
    unpack::views(payload, &how.codings, how.options, how.limits, &mut sink);
    sink.has_room
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
    room: &'a mut dyn FnMut() -> bool,
    each: &'a mut dyn FnMut(Picture) -> ControlFlow<()>,
    open: Option<Open>,
    has_enough: bool,
    has_room: bool,
}

/// A view whose bytes come.
struct Open {
    origin: Origin,
    kept: Vec<u8>,
    /// Whether there were more.
    over: bool,
    /// Whether it is known to be a picture, and there is room for it.
    is_known: bool,
}

impl Open {
    fn keep(&mut self, bytes: &[u8], most: usize) {
        let left = most.saturating_sub(self.kept.len());
        self.over |= bytes.len() > left;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(left)]);
    }
}

impl Album<'_> {
    fn makes_room(&mut self) -> bool {
        self.has_room = (self.room)();
        self.has_enough |= !self.has_room;
        self.has_room
    }

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
        let origin_here = origin_of(origin.kind);
        let open = || Open { origin: origin_here, kept: vec![], over: false, is_known: false };
        self.open = self.wants(origin.kind).then(open);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        let missing = SNIFF_MAX_BYTES.saturating_sub(open.kept.len());
        let (head, rest) = bytes.split_at(missing.min(bytes.len()));
        open.keep(head, self.most);
        if rest.is_empty() {
            return;
        }
        // More than tells what it is: from here on it takes memory worth speaking of.
        if !std::mem::replace(&mut open.is_known, true) {
            let is_picture = sniff(&open.kept).is_some();
            if !is_picture || !self.makes_room() {
                self.open = None;
            }
        }
        if let Some(open) = &mut self.open {
            open.keep(rest, self.most);
        }
    }

    fn end(&mut self, whole: bool) {
        if let Some(Open { origin, kept, over, .. }) = self.open.take() {
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const PHOTO: &[u8] = include_bytes!("../../tests/data/notocactus-minimus.jpg");

    /// The pictures in a payload, and whether there was room for them.
    fn pictures(
        payload: &[u8],
        codings: Vec<Coding>,
        most: usize,
        has_room: bool,
        enough: usize,
    ) -> (Vec<Picture>, bool) {
        let how = Within {
            wanted: AlgorithmSet::NONE,
            kernel: Kernel::default(),
            codings,
            options: Options::ALL,
            limits: Limits::default(),
        };
        let mut found = Vec::new();
        let payload = Bytes::copy_from_slice(payload);
        let all = pictures_within(&payload, &how, most, &mut || has_room, &mut |picture| {
            found.push(picture);
            if found.len() < enough { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        (found, all)
    }

    fn picture(origin: Origin, bytes: &[u8], whole: bool) -> Picture {
        Picture { origin, bytes: Bytes::copy_from_slice(bytes), whole }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_lies_in_the_body_needs_no_room() {
        let payload = [b"one: ", PHOTO, b" two: ", PHOTO].concat();
        let embedded = picture(Origin::Embedded, PHOTO, true);
        let both = vec![embedded.clone(), embedded.clone()];
        assert_eq!(pictures(&payload, vec![], 10, false, 9), (both, true));
        assert_eq!(pictures(&payload, vec![], 10, false, 1), (vec![embedded], true));
        assert_eq!(pictures(b"text", vec![], 10, false, 1), (vec![], true));
    }

    #[test]
    fn what_is_unpacked_needs_room_and_is_cut() {
        let coded = gzip(PHOTO);
        let length = PHOTO.len();
        for (most, kept) in [(length + 1, length), (length, length), (length - 1, length - 1)] {
            let expected = picture(Origin::Decoded, &PHOTO[..kept], kept == length);
            let (found, all) = pictures(&coded, vec![Coding::Gzip], most, true, 1);
            assert_eq!((found, all), (vec![expected], true));
        }
        assert_eq!(pictures(&coded, vec![Coding::Gzip], length, false, 1), (vec![], false));
        let text = gzip(&[b'x'; 9000]);
        assert_eq!(pictures(&text, vec![Coding::Gzip], length, false, 1), (vec![], true));
        // One that is told whole from its first bytes takes next to none.
        let small = [&PHOTO[..1000], &[0; 500]].concat();
        let expected = picture(Origin::Decoded, &small, true);
        let (found, all) = pictures(&gzip(&small), vec![Coding::Gzip], length, false, 1);
        assert_eq!((found, all), (vec![expected], true));
    }
}
