//! The bounds of every unpacker, and which unpackers are on.

use super::codec::ZSTD_WINDOW_MAX_BYTES;

/// Memory of a decoder that depends on no limit, in bytes: lz4's has the most.
const DECODER_BYTES: u64 = 17 << 20;

/// Which unpackers look at a body. All of them read hostile bytes, and all are bounded by [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Members of tar and zip archives, and what lies in a compressed file.
    pub archives: bool,
    /// Pictures behind other bytes, and within pictures: thumbnails, previews, icons.
    pub embedded: bool,
    /// A picture without the bytes behind its end.
    pub trimmed: bool,
    /// Pictures in PDF, and in text as base64.
    pub documents: bool,
}

impl Options {
    /// Every unpacker.
    pub const ALL: Options =
        Options { archives: true, embedded: true, trimmed: true, documents: true };

    /// No unpacker.
    pub const NONE: Options =
        Options { archives: false, embedded: false, trimmed: false, documents: false };
}

/// How far unpacking goes. Beyond a bound the answer is incomplete, and says which bound it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Content codings upon one another.
    pub layers_max: usize,
    /// Bytes that decoding and unpacking may give for one body, over all its views; as many as came
    /// in are always allowed.
    pub output_bytes_max: u64,
    /// How many times as many bytes may come out as went in. Text shrinks to a tenth, a picture
    /// hardly; deflate can promise 1032.
    pub ratio_max: u64,
    /// The ratio counts from this many bytes of output on: small bodies expand much, and harm
    /// nobody.
    pub ratio_grace_bytes: u64,
    /// The window that a zstd frame may ask for, in bytes.
    pub zstd_window_bytes_max: u64,
    /// Archives within one another; more than 32 are as 32. A compressed archive counts once.
    pub depth_max: u8,
    /// Views of one body: members of its archives, pictures in it.
    pub views_max: u32,
    /// Memory for members that are looked into themselves (all that are unpacked at one time,
    /// within one another), in bytes. A larger member is seen, but not what lies in it.
    pub scratch_bytes_max: usize,
    /// How much of a body is searched for the beginnings of pictures, in bytes; as much again
    /// behind the end of a picture that has something behind it.
    pub search_bytes_max: usize,
    /// Beginnings of pictures that are followed up, in each byte string that is searched.
    pub candidates_max: usize,
    /// How much of a text is searched for base64, in bytes.
    pub text_bytes_max: usize,
    /// Streams of a PDF that are looked at.
    pub streams_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            layers_max: 2,
            output_bytes_max: 256 << 20,
            ratio_max: 200,
            ratio_grace_bytes: 1 << 20,
            zstd_window_bytes_max: ZSTD_WINDOW_MAX_BYTES,
            depth_max: 2,
            views_max: 65_536,
            scratch_bytes_max: 32 << 20,
            search_bytes_max: 1 << 20,
            candidates_max: 16,
            text_bytes_max: 8 << 20,
            streams_max: 4096,
        }
    }
}

impl Limits {
    /// Bytes that may come out of `input` bytes.
    pub(super) fn output_bytes(&self, input: u64) -> u64 {
        self.output_bytes_max.max(input)
    }

    /// The most memory that unpacking an archive of so many bytes takes, in bytes: members that are
    /// looked into, which are no larger than what may come out, and a decoder for each archive within
    /// another.
    pub fn archive_bytes_max(&self, input: u64) -> u64 {
        let output = input.saturating_mul(self.ratio_max).max(self.ratio_grace_bytes);
        let members = (self.scratch_bytes_max as u64).min(output);
        let decoder = (self.zstd_window_bytes_max * 3 / 2 + (1 << 20)).max(DECODER_BYTES);
        members + decoder * u64::from(self.depth_max)
    }

    /// Whether `output` bytes are more than `input` bytes may give.
    pub(super) fn ratio_is_over(&self, input: u64, output: u64) -> bool {
        output > self.ratio_grace_bytes && output > input.saturating_mul(self.ratio_max)
    }
}
