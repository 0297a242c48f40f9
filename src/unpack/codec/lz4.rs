//! The LZ4 frame format, version 1: one frame or several, and skippable ones between them. What
//! follows the last frame and is none itself is ignored. (The legacy format is not decoded, nor are
//! frames that need a dictionary.)
//!
//! Memory: four blocks of up to 4 MiB, two for a coded one as it gathers and two decoded, and 64 KiB.

use super::gather::{Gather, skip, u32_le};
use super::{CodingError, Emit, Piece};

const MAGIC: u32 = 0x184d_2204;
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
const SKIPPABLE_MASK: u32 = 0xffff_fff0;

const WORD_BYTES: usize = 4;
/// The flags, the block size and the header's checksum.
const DESCRIPTOR_MIN_BYTES: usize = 3;
const CONTENT_SIZE_BYTES: usize = 8;
/// What a linked block may refer back to, in bytes.
const WINDOW_BYTES: usize = 64 * 1024;

const VERSION: u8 = 1;
const FLAG_INDEPENDENT: u8 = 1 << 5;
const FLAG_BLOCK_CHECKSUM: u8 = 1 << 4;
const FLAG_CONTENT_SIZE: u8 = 1 << 3;
const FLAG_CONTENT_CHECKSUM: u8 = 1 << 2;
const FLAG_DICTIONARY: u8 = 1;
/// Marks a block that is stored as it is.
const STORED: u32 = 1 << 31;

/// A decoder of LZ4 frames.
#[derive(Default)]
pub(in crate::unpack) struct Lz4 {
    place: Place,
    gather: Gather,
    flags: u8,
    /// The largest decoded block of this frame, in bytes.
    block_bytes_max: usize,
    /// What was decoded last, up to `filled`, and room for as much as two blocks more.
    output: Vec<u8>,
    filled: usize,
    /// Frames that have begun.
    frames: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Magic,
    SkippableSize,
    Skip(usize),
    /// In a descriptor of this many bytes.
    Descriptor(usize),
    BlockSize,
    /// In a block of this many coded bytes, its checksum not among them.
    Block {
        bytes: usize,
        stored: bool,
    },
    ContentChecksum,
    Junk,
}

impl Lz4 {
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

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.place {
            Place::Junk => Ok(()),
            Place::Magic if self.frames > 0 || self.gather.is_empty() => Ok(()),
            // Whoever lost only the checksum has lost nothing to see.
            Place::ContentChecksum => Ok(()),
            Place::Magic
            | Place::SkippableSize
            | Place::Skip(_)
            | Place::Descriptor(_)
            | Place::BlockSize
            | Place::Block { .. } => Err(CodingError::Truncated),
        }
    }

    /// The place behind the piece that `input` completes; `None` if it completes none.
    fn step(
        &mut self,
        input: &mut &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<Option<Place>, CodingError> {
        let wanted = match self.place {
            Place::Magic | Place::SkippableSize | Place::BlockSize | Place::ContentChecksum => {
                WORD_BYTES
            }
            Place::Descriptor(bytes) => bytes,
            Place::Block { bytes, .. } => bytes + self.block_checksum_bytes(),
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
            Place::Descriptor(bytes) => self.descriptor(bytes).map(Some),
            Place::BlockSize => self.block_size().map(Some),
            Place::Block { bytes, stored } => self.block(bytes, stored, emit).map(Some),
            Place::ContentChecksum => {
                self.gather.take();
                Ok(Some(Place::Magic))
            }
            Place::Skip(_) | Place::Junk => Ok(None),
        }
    }

    fn skip(&mut self, left: usize, input: &mut &[u8]) -> Option<Place> {
        let left = skip(left, input);
        self.place = Place::Skip(left);
        (left == 0).then_some(Place::Magic)
    }

    fn magic(&mut self) -> Result<Place, CodingError> {
        match u32_le(self.gather.take()) {
            MAGIC => Ok(Place::Descriptor(DESCRIPTOR_MIN_BYTES)),
            word if word & SKIPPABLE_MASK == SKIPPABLE_MAGIC => Ok(Place::SkippableSize),
            _ if self.frames > 0 => Ok(Place::Junk),
            _ => Err(CodingError::Malformed),
        }
    }

    fn descriptor(&mut self, bytes: usize) -> Result<Place, CodingError> {
        let descriptor = self.gather.peek();
        let (flags, block) = (descriptor[0], descriptor[1]);
        if flags >> 6 != VERSION {
            return Err(CodingError::Malformed);
        }
        if flags & FLAG_DICTIONARY != 0 {
            return Err(CodingError::Unsupported);
        }
        if flags & FLAG_CONTENT_SIZE != 0 && bytes == DESCRIPTOR_MIN_BYTES {
            return Ok(Place::Descriptor(bytes + CONTENT_SIZE_BYTES));
        }
        self.flags = flags;
        // 4 to 7 stand for 64 KiB, 256 KiB, 1 MiB, 4 MiB.
        self.block_bytes_max = match block >> 4 & 7 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return Err(CodingError::Malformed),
        };
        self.gather.take();
        self.filled = 0;
        self.frames += 1;
        Ok(Place::BlockSize)
    }

    fn block_size(&mut self) -> Result<Place, CodingError> {
        let word = u32_le(self.gather.take());
        match (word & !STORED) as usize {
            0 if self.flags & FLAG_CONTENT_CHECKSUM != 0 => Ok(Place::ContentChecksum),
            0 => Ok(Place::Magic),
            // A block that would not shrink is stored.
            bytes if bytes > self.block_bytes_max => Err(CodingError::Malformed),
            bytes => Ok(Place::Block { bytes, stored: word & STORED != 0 }),
        }
    }

    fn block(
        &mut self,
        bytes: usize,
        stored: bool,
        emit: &mut Emit<'_>,
    ) -> Result<Place, CodingError> {
        self.make_room();
        let coded = &self.gather.take()[..bytes];
        let window = if self.flags & FLAG_INDEPENDENT == 0 { WINDOW_BYTES } else { 0 };
        let (before, room) = self.output.split_at_mut(self.filled);
        let dictionary = &before[before.len().saturating_sub(window)..];
        let room = &mut room[..self.block_bytes_max];
        let written = if stored {
            room[..bytes].copy_from_slice(coded);
            bytes
        } else {
            lz4_flex::block::decompress_into_with_dict(coded, room, dictionary)
                .map_err(|_| CodingError::Malformed)?
        };
        if written > 0 {
            emit(Piece::Bytes(&room[..written]))?;
        }
        self.filled += written;
        Ok(Place::BlockSize)
    }

    /// Makes room for a block. What stands before the window is dropped only where there is none, not
    /// for each block: they may be of a byte each.
    fn make_room(&mut self) {
        let size = WINDOW_BYTES + 2 * self.block_bytes_max;
        if self.output.len() < size {
            self.output.resize(size, 0);
        }
        if self.filled + self.block_bytes_max > self.output.len() {
            self.output.copy_within(self.filled - WINDOW_BYTES..self.filled, 0);
            self.filled = WINDOW_BYTES;
        }
    }

    fn block_checksum_bytes(&self) -> usize {
        if self.flags & FLAG_BLOCK_CHECKSUM != 0 { WORD_BYTES } else { 0 }
    }
}
