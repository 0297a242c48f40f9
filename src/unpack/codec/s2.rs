//! The Snappy framing format, and S2, which MinIO's clients send: the same frames with blocks of up
//! to 4 MiB, whose copies may repeat the last offset. What follows is not decoded: MinLZ blocks,
//! and blocks that refer to a dictionary.
//!
//! Memory: three blocks of up to 4 MiB, two for a coded one as it gathers and one decoded.

use super::gather::{Gather, skip};
use super::{CodingError, Emit, Piece};

const HEADER_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;
/// Largest decoded block in bytes; Snappy itself stops at 64 KiB.
const BLOCK_MAX_BYTES: usize = 4 << 20;
/// Largest coded block with its checksum: one that would not shrink is stored.
const CHUNK_MAX_BYTES: usize = BLOCK_MAX_BYTES + 64 * 1024;

const COMPRESSED: u8 = 0x00;
const STORED: u8 = 0x01;
/// From here to below [`SKIPPABLE`]: chunks that a decoder must not skip.
const RESERVED: u8 = 0x02;
const SKIPPABLE: u8 = 0x80;
const IDENTIFIER: u8 = 0xff;
const IDENTIFIERS: [&[u8]; 2] = [b"sNaPpY", b"S2sTwO"];
const IDENTIFIER_BYTES: usize = 6;

/// A decoder of Snappy frames and S2.
#[derive(Default)]
pub(in crate::unpack) struct S2 {
    place: Place,
    gather: Gather,
    output: Vec<u8>,
    /// Whether the stream has said that it is one.
    identified: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    /// In a chunk of this kind and length in bytes.
    Chunk { kind: u8, bytes: usize },
    /// This many bytes before the end of a chunk that says nothing.
    Skip(usize),
}

impl S2 {
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<(), CodingError> {
        while !input.is_empty() {
            match self.place {
                Place::Header if self.gather.fill(&mut input, HEADER_BYTES) => {
                    self.place = self.header()?;
                }
                Place::Chunk { kind, bytes } if self.gather.fill(&mut input, bytes) => {
                    self.chunk(kind, emit)?;
                    self.place = Place::Header;
                }
                Place::Header | Place::Chunk { .. } => {}
                Place::Skip(left) => {
                    self.place = skipping(skip(left, &mut input));
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.place {
            Place::Header if self.gather.is_empty() => Ok(()),
            Place::Header | Place::Chunk { .. } | Place::Skip(_) => Err(CodingError::Truncated),
        }
    }

    fn header(&mut self) -> Result<Place, CodingError> {
        let header = self.gather.take();
        let kind = header[0];
        let bytes = u32::from_le_bytes([header[1], header[2], header[3], 0]) as usize;
        match kind {
            IDENTIFIER if bytes == IDENTIFIER_BYTES => Ok(Place::Chunk { kind, bytes }),
            _ if !self.identified || kind == IDENTIFIER => Err(CodingError::Malformed),
            COMPRESSED | STORED if (CHECKSUM_BYTES..=CHUNK_MAX_BYTES).contains(&bytes) => {
                Ok(Place::Chunk { kind, bytes })
            }
            COMPRESSED | STORED => Err(CodingError::Malformed),
            RESERVED..SKIPPABLE => Err(CodingError::Unsupported),
            SKIPPABLE.. => Ok(skipping(bytes)),
        }
    }

    fn chunk(&mut self, kind: u8, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        let chunk = self.gather.take();
        if kind == IDENTIFIER {
            self.identified = IDENTIFIERS.contains(&chunk);
            return if self.identified { Ok(()) } else { Err(CodingError::Malformed) };
        }
        let coded = &chunk[CHECKSUM_BYTES..];
        let decoded = match kind {
            STORED => coded,
            _ => decode(coded, &mut self.output)?,
        };
        if decoded.is_empty() { Ok(()) } else { emit(Piece::Bytes(decoded)) }
    }
}

fn decode<'a>(coded: &[u8], output: &'a mut Vec<u8>) -> Result<&'a [u8], CodingError> {
    let (length, _) = minlz::decode_len(coded).map_err(|_| CodingError::Malformed)?;
    if length > BLOCK_MAX_BYTES {
        return Err(CodingError::Malformed);
    }
    output.resize(length, 0);
    let written = minlz::decode_into(output, coded).map_err(|_| CodingError::Malformed)?;
    Ok(&output[..written])
}

fn skipping(left: usize) -> Place {
    if left == 0 { Place::Header } else { Place::Skip(left) }
}
