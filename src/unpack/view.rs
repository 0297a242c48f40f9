//! What unpacking finds: views of a body, and the reasons why there may be more of them.

use std::fmt;
use std::ops::Range;

use crate::image::Format;

/// Where a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What a content coding or a compressed file holds.
    Decoded,
    /// A member of an archive.
    Member,
    /// A picture within other bytes.
    Embedded,
    /// A picture without the bytes behind its end.
    Trimmed,
    /// A picture in a document.
    Document,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Kind; 5] =
        [Kind::Decoded, Kind::Member, Kind::Embedded, Kind::Trimmed, Kind::Document];

    /// The word in output and records.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Decoded => "decoded",
            Kind::Member => "member",
            Kind::Embedded => "embedded",
            Kind::Trimmed => "trimmed",
            Kind::Document => "document",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where one view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// How it was found.
    pub kind: Kind,
    /// How many archives it lies in.
    pub depth: u8,
    /// The name of the member that it is or lies in, as the innermost archive has it; empty outside
    /// of archives. Hostile bytes in no certain encoding.
    pub name: &'a [u8],
    /// The length in bytes that the archive declares for a member.
    pub declared: Option<u64>,
    /// Where a picture begins in the byte string that it lies in; else 0.
    pub offset: u64,
    /// The format that a picture's first bytes show; for other views `None` (they are sniffed as
    /// their bytes come).
    pub format: Option<Format>,
}

/// Takes the views of one body. They come one after another.
pub trait Sink {
    /// A view that is a run of the payload's own bytes, all of it; never empty, and always within the
    /// payload.
    /// Only [`views`](super::views) gives such: what streams has no payload to point into.
    fn range(&mut self, origin: &Origin<'_>, range: Range<usize>);

    /// A view begins whose bytes come next.
    fn begin(&mut self, origin: &Origin<'_>);

    /// The next bytes of the view; never none.
    fn bytes(&mut self, bytes: &[u8]);

    /// The view ends; `whole` unless damage or a limit cut it short.
    fn end(&mut self, whole: bool);
}

/// Why there may be views that were not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Incomplete {
    /// More views, candidates or streams than a limit.
    Count,
    /// More bytes than a limit.
    Bytes,
    /// More expansion than the limit.
    Ratio,
    /// Archives deeper within one another than the limit.
    Depth,
    /// A decoder wanted more memory than the limit.
    Memory,
    /// A member or document is encrypted.
    Encrypted,
    /// An archive or coded body is damaged, or not what it says.
    Malformed,
    /// An archive or coded body ends too early.
    Truncated,
    /// An archive that two readers would unpack differently. What either sees was given where that
    /// could be told.
    Ambiguous,
    /// A kind of archive, compression or document feature that is not undone here.
    Unsupported,
}

impl Incomplete {
    /// Every reason, in order.
    pub const ALL: [Incomplete; 10] = [
        Incomplete::Count,
        Incomplete::Bytes,
        Incomplete::Ratio,
        Incomplete::Depth,
        Incomplete::Memory,
        Incomplete::Encrypted,
        Incomplete::Malformed,
        Incomplete::Truncated,
        Incomplete::Ambiguous,
        Incomplete::Unsupported,
    ];

    /// The word in output and records.
    pub const fn name(self) -> &'static str {
        match self {
            Incomplete::Count => "count",
            Incomplete::Bytes => "bytes",
            Incomplete::Ratio => "ratio",
            Incomplete::Depth => "depth",
            Incomplete::Memory => "memory",
            Incomplete::Encrypted => "encrypted",
            Incomplete::Malformed => "malformed",
            Incomplete::Truncated => "truncated",
            Incomplete::Ambiguous => "ambiguous",
            Incomplete::Unsupported => "unsupported",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reasons why the views of one body may not be all; none if they are.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps(u16);

impl Gaps {
    /// No reason: everything was seen.
    pub const NONE: Gaps = Gaps(0);

    /// Whether everything was seen.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is one of the reasons.
    pub const fn contains(self, reason: Incomplete) -> bool {
        self.0 & reason.bit() != 0
    }

    /// The reasons, in order, each once.
    pub fn iter(self) -> impl Iterator<Item = Incomplete> {
        Incomplete::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    /// Adds a reason.
    pub const fn add(&mut self, reason: Incomplete) {
        self.0 |= reason.bit();
    }
}

impl fmt::Debug for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
