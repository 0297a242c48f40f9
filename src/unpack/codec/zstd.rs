//! Zstandard (RFC 8878), one frame or several, and skippable ones between them. What follows the
//! last frame and is none itself is ignored.
//!
//! Memory: half again the window that a frame asks for, up to the bound, and 1 MiB for blocks and
//! tables.

use std::io::Read;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::gather::{Gather, skip, u32_le};
use super::{CodingError, Emit, OUTPUT_BYTES, Piece};

/// The largest window a zstd-coded HTTP body may ask for, in bytes (RFC 9659); the default bound.
pub const ZSTD_WINDOW_MAX_BYTES: u64 = 8 << 20;
/// No bound below this makes sense: frames of 1 KiB windows always decode.
const ZSTD_WINDOW_MIN_BYTES: u64 = 1 << 10;

const MAGIC: u32 = 0xfd2f_b528;
/// The low half byte of a skippable frame's magic number is free.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
const SKIPPABLE_MASK: u32 = 0xffff_fff0;

const MAGIC_BYTES: usize = 4;
const BLOCK_HEADER_BYTES: usize = 3;
const CHECKSUM_BYTES: usize = 4;
/// Largest content of a block, coded or not, in bytes.
const BLOCK_MAX_BYTES: usize = 128 * 1024;
const BLOCK_RLE: u8 = 1;
const BLOCK_RESERVED: u8 = 3;

/// The last block of a frame, raw and empty, and any checksum: ends a frame that was cut off, so that
/// the decoder gives away what it has.
const LAST_WORD: [u8; BLOCK_HEADER_BYTES + CHECKSUM_BYTES] = [1, 0, 0, 0, 0, 0, 0];

/// A decoder of Zstandard.
pub(in crate::unpack) struct Zstd {
    frame: FrameDecoder,
    place: Place,
    gather: Gather,
    checksum: bool,
    /// Frames that have begun.
    frames: u64,
    output: Box<[u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Magic,
    SkippableSize,
    Skip(usize),
    /// In a frame header of this many bytes; 0 as long as that is not known.
    FrameHeader(usize),
    BlockHeader,
    /// In a block of this many bytes, its header and, in the last, the checksum among them.
    Block {
        bytes: usize,
        last: bool,
    },
    Junk,
}

impl Zstd {
    pub(super) fn new(window_bytes_max: u64) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(window_bytes_max.max(ZSTD_WINDOW_MIN_BYTES));
        Zstd {
            frame,
            place: Place::Magic,
            gather: Gather::default(),
            checksum: false,
            frames: 0,
            output: vec![0; OUTPUT_BYTES].into_boxed_slice(),
        }
    }

    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<(), CodingError> {
        // Not "while there is input": a piece without content is complete where the one before ends.
        while let Some(next) = self.step(&mut input, emit)? {
            self.place = next;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        match self.place {
            Place::Junk => Ok(()),
            Place::Magic if self.frames > 0 || self.gather.is_empty() => Ok(()),
            Place::Magic | Place::SkippableSize | Place::Skip(_) | Place::FrameHeader(_) => {
                Err(CodingError::Truncated)
            }
            Place::BlockHeader | Place::Block { .. } => {
                self.give_away(emit)?;
                Err(CodingError::Truncated)
            }
        }
    }

    /// The place behind the piece that `input` completes; `None` if it completes none.
    fn step(
        &mut self,
        input: &mut &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<Option<Place>, CodingError> {
        let wanted = match self.place {
            Place::Magic | Place::SkippableSize => MAGIC_BYTES,
            Place::FrameHeader(0) => MAGIC_BYTES + 1,
            Place::FrameHeader(bytes) | Place::Block { bytes, .. } => bytes,
            Place::BlockHeader => BLOCK_HEADER_BYTES,
            Place::Skip(left) => return Ok(self.skip(left, input)),
            Place::Junk => {
                *input = &[];
                return Ok(None);
            }
        };
        if !self.gather.fill(input, wanted) {
            return Ok(None);
        }
        match self.place {
            Place::Magic => self.magic().map(Some),
            Place::SkippableSize => Ok(Some(Place::Skip(u32_le(self.gather.take()) as usize))),
            Place::FrameHeader(0) => Ok(Some(self.descriptor())),
            Place::FrameHeader(_) => self.frame_header().map(Some),
            Place::BlockHeader => self.block_header(emit).map(Some),
            Place::Block { last, .. } => self.block(last, emit).map(Some),
            Place::Skip(_) | Place::Junk => Ok(None),
        }
    }

    fn skip(&mut self, left: usize, input: &mut &[u8]) -> Option<Place> {
        let left = skip(left, input);
        self.place = Place::Skip(left);
        (left == 0).then_some(Place::Magic)
    }

    fn magic(&mut self) -> Result<Place, CodingError> {
        match u32_le(self.gather.peek()) {
            MAGIC => Ok(Place::FrameHeader(0)),
            word if word & SKIPPABLE_MASK == SKIPPABLE_MAGIC => {
                self.gather.take();
                Ok(Place::SkippableSize)
            }
            _ if self.frames > 0 => Ok(Place::Junk),
            _ => Err(CodingError::Malformed),
        }
    }

    /// The descriptor has come, and with it the length of the header (RFC 8878 §3.1.1.1).
    fn descriptor(&mut self) -> Place {
        let descriptor = self.gather.peek()[MAGIC_BYTES];
        let single_segment = descriptor >> 5 & 1;
        self.checksum = descriptor >> 2 & 1 == 1;
        let window = 1 - usize::from(single_segment);
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content_size = match descriptor >> 6 {
            0 => usize::from(single_segment),
            flag => 1 << flag,
        };
        Place::FrameHeader(MAGIC_BYTES + 1 + window + dictionary + content_size)
    }

    fn frame_header(&mut self) -> Result<Place, CodingError> {
        self.frames += 1;
        match self.frame.reset(self.gather.take()) {
            Ok(()) => Ok(Place::BlockHeader),
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => Err(CodingError::Memory),
            Err(FrameDecoderError::DictNotProvided { .. }) => Err(CodingError::Unsupported),
            Err(_) => Err(CodingError::Malformed),
        }
    }

    fn block_header(&mut self, emit: &mut Emit<'_>) -> Result<Place, CodingError> {
        let header = self.gather.peek();
        let word = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let last = word & 1 == 1;
        let kind = (word >> 1 & 3) as u8;
        let size = (word >> 3) as usize;
        if kind == BLOCK_RESERVED || size > BLOCK_MAX_BYTES {
            self.give_away(emit)?;
            return Err(CodingError::Malformed);
        }
        let content = if kind == BLOCK_RLE { 1 } else { size };
        let checksum = if last && self.checksum { CHECKSUM_BYTES } else { 0 };
        Ok(Place::Block { bytes: BLOCK_HEADER_BYTES + content + checksum, last })
    }

    fn block(&mut self, last: bool, emit: &mut Emit<'_>) -> Result<Place, CodingError> {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        if self.frame.decode_blocks(self.gather.take(), one).is_err() {
            self.give_away(emit)?;
            return Err(CodingError::Malformed);
        }
        self.drain(emit)?;
        Ok(if last { Place::Magic } else { Place::BlockHeader })
    }

    /// Hands out the decoded bytes that no later block can refer to.
    fn drain(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        loop {
            match self.frame.read(&mut self.output) {
                Ok(0) => return Ok(()),
                Ok(read) => emit(Piece::Bytes(&self.output[..read]))?,
                Err(_) => return Err(CodingError::Malformed),
            }
        }
    }

    /// Hands out all that is left of a frame which will not be decoded further.
    fn give_away(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        match self.frame.decode_blocks(&LAST_WORD[..], BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(_) => self.drain(emit),
            Err(_) => Ok(()),
        }
    }
}
