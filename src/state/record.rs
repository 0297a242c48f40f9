//! What is known of a part that the store has taken, in the name of an object without bytes.
//!
//! ```text
//! p3.00017.<size>.<tag>.<sha256>.<sha1>.<md5>.<format>.<spool>.<process>.<began>.<answered>
//!          10 hex  22    43       27     22    word     |       16 hex    13 hex: microseconds
//!                                                       |                         since 1970
//!                                                       32 + 4 + 16 hex: id, chunks, checksum
//! ```
//!
//! Digests and the tag are base64url; what is not known is empty. So one listing tells of all parts
//! what else would take as many reads. A name is a record only if writing the record gives the name.

use std::collections::BTreeMap;

use crate::digest::{Digests, Md5, Sha1, Sha256};
use crate::image::Format;

use super::check::CLOCK_OFF_MAX;
use super::error::StateError;
use super::upload::{PartTag, hex, text, undecimal, unhex, untext};

/// Version of the name. Another one is another format, which this release doesn't read.
const VERSION: &str = "p3";

/// Parts have numbers from 1 to this (AWS, "Amazon S3 multipart upload limits").
pub const PART_NUMBER_MAX: u16 = 10_000;

const NUMBER_DIGITS: usize = 5;
const SIZE_DIGITS: usize = 10;
const PROCESS_DIGITS: usize = 16;
const TIME_DIGITS: usize = 13;

/// The last microsecond that a name can tell, in the year 2112.
const TIME_MAX: u64 = (1 << (4 * TIME_DIGITS)) - 1;

/// How far the clocks of two gates may be apart, in microseconds: neither starts with one that is
/// further from the backend's than [`CLOCK_OFF_MAX`].
pub(super) const CLOCKS_APART: u64 = 2 * CLOCK_OFF_MAX.as_micros() as u64;

/// Bytes of a part that a name can tell; stores take 5 GiB.
pub const PART_BYTES_MAX: u64 = (1 << (4 * SIZE_DIGITS)) - 1;

/// Where a part's bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolRef {
    pub(super) id: SpoolId,
    /// In how many objects: none of no bytes, one in a directory, one for each chunk in a bucket.
    pub(super) chunks: u16,
    /// CRC-64/NVME of all bytes.
    pub(super) checksum: u64,
    pub(super) bytes: u64,
}

impl SpoolRef {
    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Names the objects of one spooled part within its upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SpoolId {
    /// Of the process.
    pub(super) nonce: u64,
    /// Of the part in it.
    pub(super) serial: u64,
}

impl SpoolId {
    /// The name of one of its objects.
    pub(super) fn chunk(&self, index: u16) -> String {
        format!("{:016x}{:016x}.{index:04x}", self.nonce, self.serial)
    }
}

/// When a part was on its way, by the clock of the gate that it went through, in microseconds since
/// 1970. See [`State::stamp`](super::State::stamp).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flight {
    /// Whose clock: [`State::process`](super::State::process).
    pub process: u64,
    /// Before any of it went to the store.
    pub began: u64,
    /// After the store's answer, and before the client heard it.
    pub answered: u64,
}

/// A part as the store has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRecord {
    /// 1 to [`PART_NUMBER_MAX`].
    pub number: u16,
    /// Of the ETag that the store answered.
    pub tag: PartTag,
    /// Bytes of the part.
    pub size: u64,
    /// What was computed. SHA-256 should be among it: only that tells colliding parts apart.
    pub digests: Digests,
    /// What its first bytes announce.
    pub format: Option<Format>,
    /// Its bytes, if they were kept.
    pub spool: Option<SpoolRef>,
    /// When it was on its way.
    pub flight: Flight,
}

impl PartRecord {
    /// Whether the store never said what became of it.
    pub fn is_unanswered(&self) -> bool {
        self.tag == PartTag::none()
    }

    /// The name that tells it.
    ///
    /// # Errors
    /// [`StateError::Invalid`]: a number or a size that no part has, or a spool of another size.
    pub(super) fn name(&self) -> Result<String, StateError> {
        if self.number == 0 || self.number > PART_NUMBER_MAX {
            return Err(StateError::Invalid("a part has a number from 1 to 10000"));
        }
        if self.size > PART_BYTES_MAX {
            return Err(StateError::Invalid("a part has less than 1 TiB"));
        }
        if self.spool.is_some_and(|spool| spool.bytes != self.size) {
            return Err(StateError::Invalid("a part's spool has the part's size"));
        }
        let Flight { process, began, answered } = self.flight;
        if began > answered || answered > TIME_MAX {
            return Err(StateError::Invalid("a part is answered after it began, and before 2112"));
        }
        let digest = |bytes: Option<&[u8]>| bytes.map(text).unwrap_or_default();
        let Digests { md5, sha1, sha256 } = &self.digests;
        Ok(format!(
            "{VERSION}.{:0NUMBER_DIGITS$}.{:0SIZE_DIGITS$x}.{}.{}.{}.{}.{}.{}.\
             {process:0PROCESS_DIGITS$x}.{began:0TIME_DIGITS$x}.{answered:0TIME_DIGITS$x}",
            self.number,
            self.size,
            text(&self.tag.0),
            digest(sha256.as_ref().map(Sha256::as_bytes)),
            digest(sha1.as_ref().map(Sha1::as_bytes)),
            digest(md5.as_ref().map(Md5::as_bytes)),
            self.format.map_or("", Format::name),
            self.spool.map(spool_text).unwrap_or_default(),
        ))
    }

    /// The record that a name tells; `None` for every other name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut fields = name.split('.');
        let mut field = || fields.next();
        if field()? != VERSION {
            return None;
        }
        let number = u16::try_from(undecimal(field()?, NUMBER_DIGITS)?).ok()?;
        let size = unhex(field()?, SIZE_DIGITS)?;
        let tag = PartTag(untext(field()?)?);
        let sha256 = optional(field()?, |text| untext(text).map(Sha256))?;
        let sha1 = optional(field()?, |text| untext(text).map(Sha1))?;
        let md5 = optional(field()?, |text| untext(text).map(Md5))?;
        let format = optional(field()?, format_of)?;
        let spool = optional(field()?, |text| spool_of(text, size))?;
        let process = unhex(field()?, PROCESS_DIGITS)?;
        let began = unhex(field()?, TIME_DIGITS)?;
        let answered = unhex(field()?, TIME_DIGITS)?;
        let in_range = (1..=PART_NUMBER_MAX).contains(&number) && began <= answered;
        let sound = in_range && fields.next().is_none();
        let (digests, flight) =
            (Digests { md5, sha1, sha256 }, Flight { process, began, answered });
        sound.then_some(PartRecord { number, tag, size, digests, format, spool, flight })
    }

    /// Whether both are the same bytes for sure.
    pub fn is_same_as(&self, other: &PartRecord) -> bool {
        let known = self.digests.sha256.is_some() && other.digests.sha256.is_some();
        known && self.agrees(other)
    }

    /// Whether both can be the same bytes, and nothing but a collision would make them others.
    ///
    /// With SHA-256 on both sides that decides. Without, what one knows the other must know too.
    pub fn agrees(&self, other: &PartRecord) -> bool {
        let (ours, theirs) = (&self.digests, &other.digests);
        let no_contradiction = ours
            .iter()
            .all(|digest| theirs.of(digest.algorithm()).is_none_or(|other| other == digest));
        let decided = ours.sha256.is_some() && theirs.sha256.is_some();
        self.size == other.size
            && self.format == other.format
            && no_contradiction
            && (decided || ours == theirs)
    }
}

/// The sends of one part of an upload, as far as they tell whether another one came before.
///
/// Two gates may have sent at the same time and their clocks differ, so that only what is far apart
/// has an order; what one process sent has one to the microsecond.
#[derive(Debug, Default)]
pub(super) struct Sends {
    /// When the last one began.
    began: u64,
    /// The same for each process.
    by_process: BTreeMap<u64, u64>,
}

impl Sends {
    pub(super) fn add(&mut self, part: &PartRecord) {
        let latest = |began: &mut u64| *began = part.flight.began.max(*began);
        latest(&mut self.began);
        latest(self.by_process.entry(part.flight.process).or_default());
    }

    /// Whether the store had answered this part for certain before the last of these began: then it
    /// was replaced by that one.
    pub(super) fn replaced(&self, part: &PartRecord) -> bool {
        let Flight { process, answered, .. } = part.flight;
        let began_there = self.by_process.get(&process);
        // One that was given up may still be on its way in the store.
        let is_settled = !part.is_unanswered();
        (is_settled && began_there.is_some_and(|began| answered < *began))
            || answered.saturating_add(CLOCKS_APART) < self.began
    }
}

/// Nothing, or something that can be read; `None` for what can't.
fn optional<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

fn format_of(word: &str) -> Option<Format> {
    Format::ALL.into_iter().find(|format| format.name() == word)
}

fn spool_text(spool: SpoolRef) -> String {
    let SpoolRef { id, chunks, checksum, bytes: _ } = spool;
    let words = [id.nonce.to_be_bytes(), id.serial.to_be_bytes()];
    format!("{}{chunks:04x}{checksum:016x}", hex(words.as_flattened()))
}

fn spool_of(text: &str, bytes: u64) -> Option<SpoolRef> {
    let id = SpoolId { nonce: unhex(text.get(..16)?, 16)?, serial: unhex(text.get(16..32)?, 16)? };
    let chunks = u16::try_from(unhex(text.get(32..36)?, 4)?).ok()?;
    Some(SpoolRef { id, chunks, checksum: unhex(text.get(36..)?, 16)?, bytes })
}

#[cfg(test)]
pub(super) mod tests;
