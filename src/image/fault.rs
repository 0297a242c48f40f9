//! What an image may cost, and why one could not be looked at.

use std::fmt;

/// What decoding one image may cost at most. Checked from headers before anything is allocated,
/// and again by decoders as they go. What these can't bound, time, is the caller's: see
/// [`look`](super::look()).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of one frame or page.
    pub pixels: u64,
    /// Frames or pages that are decoded; of an image with more, only so many are looked at.
    pub frames: u32,
    /// Scans of a progressive JPEG: each goes over the whole image, however small it is.
    pub scans: u32,
    /// Bytes that decoding may allocate, the input itself not counted.
    pub memory: u64,
}

impl Limits {
    /// What phones and cameras make, with some room.
    pub const DEFAULT: Limits = Limits {
        // The largest sensors in use have 100 megapixels, but for some phones' 200.
        pixels: 100_000_000,
        frames: 1000,
        // Encoders write about ten; libjpeg-turbo's own advice is to refuse more than 500.
        scans: 100,
        memory: 512 << 20,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// Why an image, or a part of it, could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageFault {
    /// No decoder here reads it: of an unknown kind, or broken.
    Format,
    /// It ends before it is complete.
    Truncated,
    /// A frame has more pixels than [`Limits::pixels`].
    Pixels,
    /// It has more frames than [`Limits::frames`].
    Frames,
    /// It has more scans than [`Limits::scans`].
    Scans,
    /// Decoding takes more than [`Limits::memory`].
    Memory,
    /// The caller said that it takes too long.
    Time,
    /// A decoder panicked.
    Decoder,
}

impl ImageFault {
    /// Every fault, in order.
    pub const ALL: [ImageFault; 8] = [
        ImageFault::Format,
        ImageFault::Truncated,
        ImageFault::Pixels,
        ImageFault::Frames,
        ImageFault::Scans,
        ImageFault::Memory,
        ImageFault::Time,
        ImageFault::Decoder,
    ];

    /// What it says to a person.
    pub const fn message(self) -> &'static str {
        match self {
            ImageFault::Format => "broken, or of a kind that is not decoded",
            ImageFault::Truncated => "truncated",
            ImageFault::Pixels => "too many pixels",
            ImageFault::Frames => "too many frames",
            ImageFault::Scans => "too many scans",
            ImageFault::Memory => "takes too much memory",
            ImageFault::Time => "takes too long",
            ImageFault::Decoder => "the decoder failed",
        }
    }
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ImageFault {}
