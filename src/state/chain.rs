//! The running digests of an object over its first parts, kept so that any gate can go on.

use bytes::{BufMut, Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use sha2::{Digest, Sha256};

use super::record::{PART_NUMBER_MAX, PartRecord};
use super::upload::{TAG_LEN, first, text, undecimal, unhex, untext};

/// Bytes of a midstate. Three digests take 64 of chaining values, 64 of a block and a length.
pub const MIDSTATE_BYTES_MAX: usize = 512;

/// Version of name and bytes.
const VERSION: &str = "c1";
const NUMBER_DIGITS: usize = 5;
const BYTES_DIGITS: usize = 16;
const CHECKSUM_LEN: usize = 8;

/// Bytes of a kept midstate, checksum included.
pub(super) const KEPT_BYTES_MAX: usize = MIDSTATE_BYTES_MAX + CHECKSUM_LEN;

/// The first parts of an object, in order: how many, and which, down to their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// How many parts.
    pub parts: u16,
    /// The number of the last of them; 0 before the first.
    pub last: u16,
    /// Bytes of all of them.
    pub bytes: u64,
    /// A hash of number, tag, size and SHA-256 of each.
    pub(super) print: [u8; TAG_LEN],
}

impl Prefix {
    /// Before the first part.
    pub const EMPTY: Prefix = Prefix { parts: 0, last: 0, bytes: 0, print: [0; TAG_LEN] };

    /// This and the next part.
    #[must_use]
    pub fn then(&self, part: &PartRecord) -> Prefix {
        let sha256 = part.digests.sha256;
        let hasher = Sha256::new_with_prefix(b"s3bouncer prefix 1")
            .chain_update(self.print)
            .chain_update(part.number.to_le_bytes())
            .chain_update(part.tag.0)
            .chain_update(part.size.to_le_bytes())
            .chain_update([u8::from(sha256.is_some())])
            .chain_update(sha256.map_or([0; 32], |sha256| sha256.0));
        Prefix {
            parts: self.parts.saturating_add(1),
            last: part.number,
            bytes: self.bytes.saturating_add(part.size),
            print: first(&hasher.finalize()),
        }
    }

    /// All of the parts.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a PartRecord>) -> Prefix {
        parts.into_iter().fold(Prefix::EMPTY, |prefix, part| prefix.then(part))
    }

    pub(super) fn name(&self) -> String {
        format!(
            "{VERSION}.{:0NUMBER_DIGITS$}.{:0NUMBER_DIGITS$}.{:0BYTES_DIGITS$x}.{}",
            self.parts,
            self.last,
            self.bytes,
            text(&self.print)
        )
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut fields = name.split('.');
        let mut field = || fields.next();
        if field()? != VERSION {
            return None;
        }
        let parts = u16::try_from(undecimal(field()?, NUMBER_DIGITS)?).ok()?;
        let last = u16::try_from(undecimal(field()?, NUMBER_DIGITS)?).ok()?;
        let bytes = unhex(field()?, BYTES_DIGITS)?;
        let print = untext(field()?)?;
        let sound =
            parts > 0 && parts <= last && last <= PART_NUMBER_MAX && fields.next().is_none();
        sound.then_some(Prefix { parts, last, bytes, print })
    }
}

/// Running digests, and over which parts they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Over these.
    pub prefix: Prefix,
    /// What was given to `put_chain`.
    pub midstate: Bytes,
}

/// A midstate as it is kept: its checksum before it.
pub(super) fn seal(midstate: &[u8]) -> Bytes {
    let mut sealed = BytesMut::with_capacity(CHECKSUM_LEN + midstate.len());
    sealed.put_u64_le(checksum(midstate));
    sealed.put_slice(midstate);
    sealed.freeze()
}

/// The midstate, if it is whole.
pub(super) fn unseal(mut sealed: Bytes) -> Option<Bytes> {
    let head = sealed.split_to_checked(CHECKSUM_LEN)?;
    let expected = u64::from_le_bytes(head.as_ref().try_into().ok()?);
    (checksum(&sealed) == expected).then_some(sealed)
}

fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

trait SplitChecked: Sized {
    /// The first bytes, cut off, if there are so many.
    fn split_to_checked(&mut self, len: usize) -> Option<Self>;
}

impl SplitChecked for Bytes {
    fn split_to_checked(&mut self, len: usize) -> Option<Self> {
        (self.len() >= len).then(|| self.split_to(len))
    }
}

#[cfg(test)]
mod tests;
