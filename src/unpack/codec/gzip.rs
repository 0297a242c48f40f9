//! gzip (RFC 1952), one member or several.
//!
//! What follows the last member and is no member itself is ignored, as browsers and gunzip do.
//! Memory: that of [`Inflate`].

use super::{CodingError, Emit, Inflate, Piece};

const ID: [u8; 2] = [0x1f, 0x8b];
const METHOD_DEFLATE: u8 = 8;
/// The fixed part of a member's header, in bytes, and its end: CRC-32 and length, unchecked.
const HEADER_BYTES: u8 = 10;
const FOOTER_BYTES: u8 = 8;

const FLAG_HEADER_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

/// A decoder of gzip.
#[derive(Default)]
pub(in crate::unpack) struct Gzip {
    inflate: Inflate,
    place: Place,
    flags: u8,
    /// Members that have ended.
    members: u64,
    /// Whether it has been told that the first member ended.
    told: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At this offset of the fixed header.
    Header(u8),
    /// In the length of the extra field, at this offset.
    ExtraLength(u8, u16),
    /// This many bytes before the end of the extra field.
    Extra(u16),
    /// In the name, which a zero ends.
    Name,
    /// In the comment, which a zero ends.
    Comment,
    /// At this offset of the header's checksum.
    HeaderCrc(u8),
    Body,
    /// At this offset of the footer.
    Footer(u8),
    /// Behind the last member.
    Junk,
}

impl Default for Place {
    fn default() -> Self {
        Place::Header(0)
    }
}

impl Gzip {
    pub(super) fn push(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        let mut at = 0;
        while at < input.len() {
            match self.place {
                Place::Junk => return Ok(()),
                Place::Body => at += self.body(&input[at..], emit)?,
                place => {
                    self.place = self.header(place, input[at])?;
                    at += 1;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.place {
            // A member's first byte or two behind another one are junk like any other.
            Place::Header(0) | Place::Junk => Ok(()),
            Place::Header(1 | 2) if self.members > 0 => Ok(()),
            // Whoever lost only checksum and length has lost nothing to see.
            Place::Footer(_) => Ok(()),
            Place::Header(_)
            | Place::ExtraLength(..)
            | Place::Extra(_)
            | Place::Name
            | Place::Comment
            | Place::HeaderCrc(_)
            | Place::Body => Err(CodingError::Truncated),
        }
    }

    fn body(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<usize, CodingError> {
        let Gzip { inflate, members, told, .. } = self;
        let (read, ended) = inflate.push(input, &mut |piece| {
            if *members > 0 && !std::mem::replace(told, true) {
                emit(Piece::FirstEnds)?;
            }
            emit(piece)
        })?;
        if ended {
            self.place = Place::Footer(0);
        }
        Ok(read)
    }

    /// The place after one byte outside of a body.
    fn header(&mut self, place: Place, byte: u8) -> Result<Place, CodingError> {
        let next = match place {
            Place::Header(at) => return self.fixed_header(at, byte),
            Place::ExtraLength(0, _) => Place::ExtraLength(1, u16::from(byte)),
            Place::ExtraLength(_, low) => match u16::from(byte) << 8 | low {
                0 => self.behind(FLAG_EXTRA),
                length => Place::Extra(length),
            },
            Place::Extra(1) => self.behind(FLAG_EXTRA),
            Place::Extra(left) => Place::Extra(left - 1),
            Place::Name if byte == 0 => self.behind(FLAG_NAME),
            Place::Comment if byte == 0 => self.behind(FLAG_COMMENT),
            Place::Name | Place::Comment => place,
            Place::HeaderCrc(0) => Place::HeaderCrc(1),
            Place::HeaderCrc(_) => self.behind(FLAG_HEADER_CRC),
            Place::Footer(at) if at + 1 == FOOTER_BYTES => {
                self.members += 1;
                self.inflate.restart();
                Place::Header(0)
            }
            Place::Footer(at) => Place::Footer(at + 1),
            Place::Body | Place::Junk => place,
        };
        Ok(next)
    }

    fn fixed_header(&mut self, at: u8, byte: u8) -> Result<Place, CodingError> {
        let fits = match at {
            0 | 1 => ID[usize::from(at)] == byte,
            2 => byte == METHOD_DEFLATE,
            3 => {
                self.flags = byte;
                true
            }
            _ => true,
        };
        match (fits, at + 1) {
            (false, _) if self.members > 0 => Ok(Place::Junk),
            (false, _) => Err(CodingError::Malformed),
            (true, HEADER_BYTES) => Ok(self.behind(0)),
            (true, next) => Ok(Place::Header(next)),
        }
    }

    /// The place behind the optional header field with this flag; the fields stand in this order.
    fn behind(&self, flag: u8) -> Place {
        const FIELDS: [(u8, Place); 4] = [
            (FLAG_EXTRA, Place::ExtraLength(0, 0)),
            (FLAG_NAME, Place::Name),
            (FLAG_COMMENT, Place::Comment),
            (FLAG_HEADER_CRC, Place::HeaderCrc(0)),
        ];
        let done = FIELDS.iter().position(|field| field.0 == flag).map_or(0, |index| index + 1);
        let rest = FIELDS[done..].iter();
        rest.copied().find(|field| self.flags & field.0 != 0).map_or(Place::Body, |field| field.1)
    }
}
