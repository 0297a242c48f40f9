//! Where pictures begin behind other bytes.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::memmem;

use crate::image::{Format, sniff};
use crate::unpack::Limits;

/// How many bytes from a beginning on are looked at to believe it. How a body is cut must not
/// change that, so a beginning is judged when so many are there, or the body has ended.
const LOOK_BYTES: usize = 64;

/// Where a picture seems to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// The offset in the body in bytes; more than 0.
    pub offset: u64,
    /// What the bytes there show.
    pub format: Format,
}

/// Searches a body as it streams: its first bytes, as many as the limit says, and not offset 0.
///
/// Found are JPEG, PNG, GIF, WebP, HEIC and AVIF, JPEG XL in its container, TIFF, and BMP with a
/// plausible header; not ICO and bare JPEG XL, whose first bytes are too common. Memory: 64 bytes.
#[derive(Clone, Debug)]
pub struct Search {
    /// Offsets before this one are not searched, nor from `end` on.
    first: u64,
    end: u64,
    candidates_left: usize,
    /// Whether there were more candidates than the limit.
    over: bool,
    /// The last bytes: fewer than [`LOOK_BYTES`].
    held: Vec<u8>,
    /// Offset of `held` in the body.
    at: u64,
}

impl Search {
    /// A search at the start of a body.
    pub fn new(limits: &Limits) -> Self {
        Search::from_offset(limits, 1)
    }

    /// A search that begins at an offset.
    pub(super) fn from_offset(limits: &Limits, first: u64) -> Self {
        Search {
            first,
            end: limits.search_bytes_max as u64,
            candidates_left: limits.candidates_max,
            over: false,
            held: Vec::new(),
            at: 0,
        }
    }

    /// Whether pushing more is of no use.
    pub fn is_done(&self) -> bool {
        self.over || self.at >= self.end
    }

    /// Whether there were more candidates than the limit.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the next bytes of the body and reports where pictures begin, in order. How the body is
    /// cut changes nothing but when they are reported.
    pub fn push(&mut self, bytes: &[u8], found: &mut dyn FnMut(Candidate)) {
        if self.is_done() {
            return;
        }
        let mut rest = bytes;
        if !self.held.is_empty() {
            let held = self.held.len();
            self.held.extend_from_slice(&bytes[..bytes.len().min(LOOK_BYTES - 1)]);
            let joint = std::mem::take(&mut self.held);
            let judged = held.min((joint.len() + 1).saturating_sub(LOOK_BYTES));
            self.judge(&joint, judged, found);
            if judged < held {
                self.held = joint;
                self.held.drain(..judged);
                return;
            }
            rest = bytes;
        }
        let judged = (rest.len() + 1).saturating_sub(LOOK_BYTES);
        self.judge(rest, judged, found);
        self.held.extend_from_slice(&rest[judged..]);
    }

    /// To be called at the end of the body.
    pub fn finish(mut self, found: &mut dyn FnMut(Candidate)) -> bool {
        let held = std::mem::take(&mut self.held);
        self.judge(&held, held.len(), found);
        self.over
    }

    /// Reports the beginnings among the first `judged` offsets of `bytes`, which stand at `self.at`.
    fn judge(&mut self, bytes: &[u8], judged: usize, found: &mut dyn FnMut(Candidate)) {
        let left = self.end.saturating_sub(self.at);
        let skipped = usize::try_from(self.first.saturating_sub(self.at)).unwrap_or(judged);
        let starts = skipped.min(judged)..judged.min(usize::try_from(left).unwrap_or(judged));
        let at = self.at;
        self.at += judged as u64;
        if self.over {
            return;
        }
        scan(bytes, starts, &mut |offset, format| {
            self.over = self.candidates_left == 0;
            if !self.over {
                self.candidates_left -= 1;
                found(Candidate { offset: at + offset as u64, format });
            }
            !self.over
        });
    }
}

/// Finds the next place from an offset on where a picture may begin by its rarest bytes.
type Finder = fn(&[u8], usize) -> Option<usize>;

/// All of them together find every beginning that [`begins`] believes.
const FINDERS: [Finder; 4] = [
    |bytes, from| {
        MARKS.as_ref()?.find(Input::new(bytes).span(from..bytes.len())).map(|m| m.start())
    },
    |bytes, from| find(&BITMAP, bytes, from),
    // These stand behind the length of a box.
    |bytes, from| find(&FTYP, bytes, from + BOX_LENGTH_BYTES).map(|at| at - BOX_LENGTH_BYTES),
    |bytes, from| find(&JXL, bytes, from + BOX_LENGTH_BYTES).map(|at| at - BOX_LENGTH_BYTES),
];

const BOX_LENGTH_BYTES: usize = 4;

static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let marks: [&[u8]; 8] =
        [b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"II+\0", b"MM\0*", b"MM\0+"];
    // Leftmost semantics are what lets it skip ahead with vector instructions: thirty times as fast.
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks).ok()
});
static BITMAP: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"BM"));
static FTYP: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"ftyp"));
static JXL: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"JXL \r\n"));

fn find(finder: &memmem::Finder<'_>, bytes: &[u8], from: usize) -> Option<usize> {
    finder.find(bytes.get(from..)?).map(|at| from + at)
}

/// Reports the beginnings at the offsets `starts` of `bytes`, in order, as long as `found` says so.
fn scan(bytes: &[u8], starts: Range<usize>, found: &mut dyn FnMut(usize, Format) -> bool) {
    let mut next = FINDERS.map(|finder| finder(bytes, starts.start));
    loop {
        let nearest = next.iter().flatten().min().copied();
        let Some(at) = nearest.filter(|at| *at < starts.end) else { return };
        if let Some(format) = begins(&bytes[at..])
            && !found(at, format)
        {
            return;
        }
        for (next, finder) in next.iter_mut().zip(FINDERS) {
            if *next == Some(at) {
                *next = finder(bytes, at + 1);
            }
        }
    }
}

/// The naive twin of [`Search`]: it looks at every offset of a whole body. For tests and fuzz targets.
#[doc(hidden)]
pub fn naive_search(bytes: &[u8], limits: &Limits) -> Vec<Candidate> {
    let offsets = 1..bytes.len().min(limits.search_bytes_max);
    let candidate = |offset: usize| {
        let format = begins(&bytes[offset..])?;
        Some(Candidate { offset: offset as u64, format })
    };
    offsets.filter_map(candidate).take(limits.candidates_max).collect()
}

/// The picture that begins with these bytes, if it is one that is found at any offset; looks at no
/// more than [`LOOK_BYTES`].
pub(in crate::unpack) fn begins(bytes: &[u8]) -> Option<Format> {
    let head = &bytes[..bytes.len().min(LOOK_BYTES)];
    let format = sniff(head)?;
    let plausible = match format {
        Format::Jpeg => {
            matches!(head.get(3)?, 0xc0..=0xcf | 0xdb | 0xdd | 0xe0..=0xef | 0xfe | 0xff)
        }
        // Programs that read pictures have the bare signature in them.
        Format::Png => matches!(head.get(12..16)?, b"IHDR" | b"CgBI"),
        Format::WebP => head.get(12..15)? == b"VP8",
        Format::Gif | Format::Avif | Format::Heic => true,
        Format::Bmp => is_plausible_bmp(head).unwrap_or(false),
        Format::Tiff => is_plausible_tiff(head).unwrap_or(false),
        // Bare JPEG XL has two bytes of signature, ICO four that are common.
        Format::Jxl => head[0] == 0,
        Format::Ico | Format::Psd | Format::Raw => false,
    };
    plausible.then_some(format)
}

/// Whether header size, planes, depth and the offset of the pixels go together.
fn is_plausible_bmp(head: &[u8]) -> Option<bool> {
    const FILE_HEADER_BYTES: u32 = 14;
    let header_size = u32_le(head, 14)?;
    // The oldest header has 16-bit dimensions before planes and depth.
    let planes_at = if header_size == 12 { 22 } else { 26 };
    let (planes, depth) = (u16_le(head, planes_at)?, u16_le(head, planes_at + 2)?);
    let pixels = u32_le(head, 10)?;
    let reserved = u32_le(head, 6)?;
    Some(
        reserved == 0
            && planes == 1
            && matches!(depth, 0 | 1 | 2 | 4 | 8 | 16 | 24 | 32)
            && pixels >= FILE_HEADER_BYTES + header_size,
    )
}

/// Whether the first directory stands behind the header.
fn is_plausible_tiff(head: &[u8]) -> Option<bool> {
    const HEADER_BYTES: u32 = 8;
    let word = u32_le(head, 4)?;
    let big_endian = head[0] == b'M';
    let version = if big_endian { head[3] } else { head[2] };
    Some(match (version, big_endian) {
        // BigTIFF says here that its offsets have eight bytes.
        (43, false) => word == 8,
        (43, true) => word.swap_bytes() == 8 << 16,
        (_, false) => word >= HEADER_BYTES,
        (_, true) => word.swap_bytes() >= HEADER_BYTES,
    })
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}
