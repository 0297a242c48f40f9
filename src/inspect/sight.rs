//! One byte string as it streams by: its digests, what it begins with, and what lies in it.

use bytes::Bytes;

use super::within::{Members, gap_of};
use super::{Gap, Origin, Sighting};
use crate::digest::{AlgorithmSet, Digests, Kernel, MultiHasher};
use crate::image::{self, Format};
use crate::unpack::{
    ArchiveStream, Candidate, Coding, CodingError, Decoder, Limits, Options, Piece, Search,
};

/// How much of a byte string is looked at to tell what it is, in bytes.
pub const SNIFF_BYTES: usize = 4096;

/// Beginnings of pictures are told so many bytes later, at most.
const LOOK_BACK: usize = 64;

/// What is looked for in a body.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The digests that the lists need.
    pub wanted: AlgorithmSet,
    /// How they are computed.
    pub kernel: Kernel,
    /// The codings that the body is said to have been put through.
    pub codings: Codings,
    /// Whether pictures are looked at, so that they have to be found even where no digest is needed.
    pub pictures: bool,
    /// Whether the store unpacks the body: then its members are what counts.
    pub is_archive: bool,
    /// How far looking goes.
    pub limits: Limits,
}

impl Scope {
    /// Whether nothing that could be found would mean anything.
    pub fn finds_nothing(&self) -> bool {
        self.wanted.is_empty() && !self.pictures
    }

    /// The digests of the body itself, and nothing else.
    pub fn bare(wanted: AlgorithmSet, kernel: Kernel) -> Self {
        let limits = Limits { search_bytes_max: 0, ..Limits::default() };
        let codings = Codings::Known(vec![]);
        Scope { wanted, kernel, codings, pictures: false, is_archive: false, limits }
    }

    /// The most memory that undoing the codings takes, in bytes.
    pub fn decoder_bytes_max(&self) -> u64 {
        match &self.codings {
            Codings::Known(codings) if !self.wanted.is_empty() => {
                Decoder::memory_bytes_max(codings, &self.limits)
            }
            // Where nobody asks, or nobody knows how, nothing is undone.
            Codings::Known(_) | Codings::Unknown => 0,
        }
    }
}

/// What `Content-Encoding` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codings {
    /// These, in the order in which they were applied; often none.
    Known(Vec<Coding>),
    /// Something that is not known here.
    Unknown,
}

/// One byte string under inspection.
#[derive(Debug)]
pub(super) struct Sight {
    hasher: MultiHasher,
    head: Head,
    bytes: u64,
    decoding: Option<Box<(Decoding, Scope)>>,
    behind: Option<Box<Behind>>,
    archive: Option<Box<(ArchiveStream, Members)>>,
    /// A coding that can't be undone.
    unknown: bool,
}

/// What a byte string begins with, at most [`SNIFF_BYTES`].
#[derive(Debug)]
enum Head {
    /// A share of the piece that it came in.
    Shared(Bytes),
    Own(Vec<u8>),
}

impl Head {
    fn bytes(&self) -> &[u8] {
        match self {
            Head::Shared(bytes) => bytes,
            Head::Own(bytes) => bytes,
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let missing = SNIFF_BYTES - self.bytes().len();
        if missing > 0 {
            self.owned().extend_from_slice(&bytes[..bytes.len().min(missing)]);
        }
    }

    /// The head without the piece that it is a share of.
    fn owned(&mut self) -> &mut Vec<u8> {
        if let Head::Shared(bytes) = self {
            *self = Head::Own(bytes.to_vec());
        }
        match self {
            Head::Own(bytes) => bytes,
            Head::Shared(_) => unreachable!("it has just been copied"),
        }
    }
}

/// What a byte string came to.
#[derive(Debug)]
pub(super) struct Sighted {
    pub digests: Digests,
    pub bytes: u64,
    pub format: Option<Format>,
    pub within: Vec<Sighting>,
    pub gap: Option<Gap>,
}

impl Sight {
    /// Nothing has been seen yet.
    pub fn new(scope: &Scope) -> Self {
        let hasher = MultiHasher::new(scope.wanted, scope.kernel);
        let mut sight = Sight {
            hasher,
            head: Head::Own(Vec::new()),
            bytes: 0,
            decoding: None,
            behind: None,
            archive: None,
            unknown: false,
        };
        // Without a list there is nothing to find.
        if scope.finds_nothing() {
            return sight;
        }
        match &scope.codings {
            Codings::Unknown => sight.unknown = true,
            Codings::Known(codings) if codings.is_empty() => {}
            Codings::Known(codings) => {
                let decoding = Decoding::new(codings, scope);
                sight.decoding = Some(Box::new((decoding, scope.clone())));
            }
        }
        if scope.limits.search_bytes_max > 0 {
            sight.behind = Some(Box::new(Behind::new(scope)));
        }
        if scope.is_archive {
            let options = Options { archives: true, ..Options::NONE };
            let stream = ArchiveStream::new(options, scope.limits);
            sight.archive = Some(Box::new((stream, Members::new(scope.wanted, scope.kernel))));
        }
        sight
    }

    /// The next bytes, in a piece of which the first is kept as it is until [`Sight::let_go`].
    pub fn see_piece(&mut self, piece: &Bytes) {
        if self.bytes == 0 {
            self.head = Head::Shared(piece.slice(..piece.len().min(SNIFF_BYTES)));
        } else {
            self.head.extend(piece);
        }
        self.look(piece);
    }

    /// The next bytes.
    pub fn see(&mut self, bytes: &[u8]) {
        self.head.extend(bytes);
        self.look(bytes);
    }

    /// Keeps no pieces that it has seen.
    pub fn let_go(&mut self) {
        self.head.owned();
    }

    fn look(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(decoding) = &mut self.decoding {
            let (decoding, scope) = &mut **decoding;
            decoding.push(bytes, scope);
        }
        if let Some(behind) = &mut self.behind {
            behind.push(bytes, self.bytes, self.head.bytes());
        }
        if let Some(archive) = &mut self.archive {
            let (stream, members) = &mut **archive;
            stream.push(bytes, members);
        }
        self.bytes += bytes.len() as u64;
    }

    /// The image format that the first bytes show. Settled once [`Sight::is_sniffable`].
    pub fn format(&self) -> Option<Format> {
        image::sniff(self.head())
    }

    /// Whether a picture begins behind the first byte, as far as has been seen.
    pub fn has_picture_behind(&self) -> bool {
        self.behind.as_ref().is_some_and(|behind| !behind.tails.is_empty())
    }

    /// The first bytes, at most [`SNIFF_BYTES`].
    pub fn head(&self) -> &[u8] {
        self.head.bytes()
    }

    /// Whether enough has been seen to tell what it is.
    pub fn is_sniffable(&self) -> bool {
        self.head().len() >= SNIFF_BYTES
    }

    /// Bytes seen.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it came to.
    ///
    /// It is left where it is: it is large to be moved, and most bodies are small.
    pub fn finish(&mut self) -> Sighted {
        let mut sighted = Sighted {
            digests: self.hasher.clone().finish(),
            bytes: self.bytes,
            format: self.format(),
            within: Vec::new(),
            gap: self.unknown.then_some(Gap::Encoding),
        };
        if let Some(decoding) = self.decoding.take() {
            let (decoding, scope) = *decoding;
            decoding.finish(&scope, &mut sighted);
        }
        if let Some(behind) = self.behind.take() {
            behind.finish(self.bytes, self.head(), &mut sighted.within);
        }
        if let Some(archive) = self.archive.take() {
            let (stream, mut members) = *archive;
            let gaps = stream.finish(&mut members);
            sighted.gap = sighted.gap.or(gap_of(gaps));
            sighted.within.extend(members.found());
        }
        sighted
    }
}

/// A body with its content codings undone.
#[derive(Debug)]
struct Decoding {
    /// `None` once it has failed: then what came so far is all there is.
    decoder: Option<Decoder>,
    out: Decoded,
    failed: bool,
}

/// What came out of a decoder.
#[derive(Debug)]
struct Decoded {
    /// All of it, and what lies in that.
    sight: Sight,
    /// What browsers show that stop behind the first gzip member, and what is behind that.
    first: Option<(MultiHasher, MultiHasher)>,
}

impl Decoded {
    fn take(&mut self, piece: Piece<'_>, scope: &Scope) {
        match piece {
            Piece::Bytes(bytes) => {
                self.sight.see(bytes);
                if let Some((_, rest)) = &mut self.first {
                    rest.update(bytes);
                }
            }
            Piece::FirstEnds => {
                let rest = MultiHasher::new(scope.wanted, scope.kernel);
                self.first = Some((self.sight.hasher.clone(), rest));
            }
        }
    }
}

impl Decoding {
    fn new(codings: &[Coding], scope: &Scope) -> Self {
        let inner = Scope { codings: Codings::Known(vec![]), is_archive: false, ..scope.clone() };
        let decoder = Decoder::new(codings, scope.limits).ok();
        let failed = decoder.is_none();
        let out = Decoded { sight: Sight::new(&inner), first: None };
        Decoding { decoder, out, failed }
    }

    fn push(&mut self, bytes: &[u8], scope: &Scope) {
        let Some(decoder) = &mut self.decoder else { return };
        if decoder.push(bytes, &mut |piece| self.out.take(piece, scope)).is_err() {
            (self.decoder, self.failed) = (None, true);
        }
    }

    fn finish(self, scope: &Scope, sighted: &mut Sighted) {
        let Decoding { decoder, mut out, mut failed } = self;
        if let Some(decoder) = decoder {
            let ended: Result<(), CodingError> =
                decoder.finish(&mut |piece| out.take(piece, scope));
            failed |= ended.is_err();
        }
        if failed {
            sighted.gap = Some(Gap::Encoding);
        }
        let origin = Origin::Decoded;
        for hasher in out.first.into_iter().flat_map(|(first, rest)| [first, rest]) {
            let bytes = hasher.len();
            sighted.within.push(Sighting { origin, bytes, digests: hasher.finish() });
        }
        let Sighted { digests, bytes, within, .. } = out.sight.finish();
        sighted.within.push(Sighting { origin, bytes, digests });
        sighted.within.extend(within);
    }
}

/// Pictures that begin somewhere behind the first byte: each may reach to the end.
#[derive(Debug)]
struct Behind {
    search: Search,
    tails: Vec<MultiHasher>,
    /// The last bytes before those that come next.
    carry: Vec<u8>,
    wanted: AlgorithmSet,
    kernel: Kernel,
}

impl Behind {
    fn new(scope: &Scope) -> Self {
        Behind {
            search: Search::new(&scope.limits),
            tails: Vec::new(),
            carry: Vec::new(),
            wanted: scope.wanted,
            kernel: scope.kernel,
        }
    }

    /// `at` is the offset of `bytes`, `head` what the body begins with.
    fn push(&mut self, bytes: &[u8], at: u64, head: &[u8]) {
        self.tails.iter_mut().for_each(|tail| tail.update(bytes));
        if self.search.is_done() {
            return;
        }
        let mut found = Vec::new();
        self.search.push(bytes, &mut |candidate| found.push(candidate));
        for candidate in found {
            self.begin(candidate, at, bytes, head);
        }
        let keep = self.carry.len() + bytes.len();
        self.carry.extend_from_slice(&bytes[bytes.len().saturating_sub(LOOK_BACK)..]);
        self.carry.drain(..self.carry.len() - keep.min(LOOK_BACK));
    }

    fn begin(&mut self, candidate: Candidate, at: u64, bytes: &[u8], head: &[u8]) {
        // What begins with a picture is shown as that picture.
        if image::sniff(head).is_some() {
            return;
        }
        let mut tail = MultiHasher::new(self.wanted, self.kernel);
        match candidate.offset.checked_sub(at) {
            Some(within) => tail.update(&bytes[within as usize..]),
            None => {
                let back = (at - candidate.offset) as usize;
                tail.update(&self.carry[self.carry.len().saturating_sub(back)..]);
                tail.update(bytes);
            }
        }
        self.tails.push(tail);
    }

    fn finish(mut self, at: u64, head: &[u8], within: &mut Vec<Sighting>) {
        let mut found = Vec::new();
        self.search.clone().finish(&mut |candidate| found.push(candidate));
        for candidate in found {
            self.begin(candidate, at, &[], head);
        }
        within.extend(self.tails.into_iter().map(|tail| Sighting {
            origin: Origin::Embedded,
            bytes: tail.len(),
            digests: tail.finish(),
        }));
    }
}
