//! The records of a zip file (APPNOTE 6.3), each read from wherever it may stand.

use memchr::memmem;

pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_LOCATOR: &[u8; 4] = b"PK\x06\x07";

const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
const END64_LOCATOR_BYTES: usize = 20;
/// A comment of up to 64 KiB may follow the end record.
const END_SEARCH_BYTES: usize = END_BYTES + 0xffff;
/// End records that are tried, from the last: a comment may hold some that aren't meant.
const ENDS_MAX: usize = 4;

const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_DIRECTORY_ENCRYPTED: u16 = 1 << 13;
const METHOD_AES: u16 = 99;

/// What one of a member's two headers says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    flags: u16,
    pub(super) method: u16,
    /// Length in bytes as it is stored, and of what it unpacks to.
    pub(super) stored: u64,
    pub(super) unpacked: u64,
    /// Where the local header stands, by the central one's word; by its own, where it is.
    pub(super) local: u64,
}

impl Entry<'_> {
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & (FLAG_ENCRYPTED | FLAG_DIRECTORY_ENCRYPTED) != 0 || self.method == METHOD_AES
    }

    /// Whether a local header leaves the lengths to a descriptor behind the data.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }
}

/// The local header at an offset, and where the member's data begin.
pub(super) fn local(bytes: &[u8], at: usize) -> Option<(Entry<'_>, usize)> {
    let header = bytes.get(at..)?;
    if !header.starts_with(LOCAL) {
        return None;
    }
    let name_length = usize::from(u16_le(header, 26)?);
    let extra_length = usize::from(u16_le(header, 28)?);
    let name = header.get(LOCAL_BYTES..LOCAL_BYTES + name_length)?;
    let extra = header.get(LOCAL_BYTES + name_length..)?.get(..extra_length)?;
    let mut entry = Entry {
        name,
        flags: u16_le(header, 6)?,
        method: u16_le(header, 8)?,
        stored: u32_le(header, 18)?.into(),
        unpacked: u32_le(header, 22)?.into(),
        local: at as u64,
    };
    widen(&mut entry, extra);
    Some((entry, at + LOCAL_BYTES + name_length + extra_length))
}

/// The central header at an offset, and where the next one begins.
fn central(bytes: &[u8], at: usize) -> Option<(Entry<'_>, usize)> {
    let header = bytes.get(at..)?;
    if !header.starts_with(CENTRAL) {
        return None;
    }
    let name_length = usize::from(u16_le(header, 28)?);
    let extra_length = usize::from(u16_le(header, 30)?);
    let comment_length = usize::from(u16_le(header, 32)?);
    let name = header.get(CENTRAL_BYTES..CENTRAL_BYTES + name_length)?;
    let extra = header.get(CENTRAL_BYTES + name_length..)?.get(..extra_length)?;
    let mut entry = Entry {
        name,
        flags: u16_le(header, 8)?,
        method: u16_le(header, 10)?,
        stored: u32_le(header, 20)?.into(),
        unpacked: u32_le(header, 24)?.into(),
        local: u32_le(header, 42)?.into(),
    };
    widen(&mut entry, extra);
    Some((entry, at + CENTRAL_BYTES + name_length + extra_length + comment_length))
}

/// Takes the 64-bit values of the extra field with id 1, which stand there in this order, each only
/// if the 32-bit one is all ones.
fn widen(entry: &mut Entry<'_>, mut extra: &[u8]) {
    const ZIP64: u16 = 1;
    while let (Some(id), Some(length)) = (u16_le(extra, 0), u16_le(extra, 2)) {
        let Some(mut field) = extra.get(4..4 + usize::from(length)) else { return };
        if id == ZIP64 {
            for value in [&mut entry.unpacked, &mut entry.stored, &mut entry.local] {
                if *value == u64::from(u32::MAX) {
                    let Some((wide, rest)) = field.split_first_chunk() else { return };
                    *value = u64::from_le_bytes(*wide);
                    field = rest;
                }
            }
            return;
        }
        extra = &extra[4 + usize::from(length)..];
    }
}

/// The beginnings of central directories that end records point to, each with what has to be added
/// to the offsets in it.
///
/// Readers disagree about archives with bytes before them: some count offsets from the beginning of
/// the file, others take the directory to stand right before the end record.
pub(super) fn directories(bytes: &[u8]) -> Vec<(usize, u64)> {
    let from = bytes.len().saturating_sub(END_SEARCH_BYTES);
    let mut found = Vec::new();
    for at in memmem::rfind_iter(&bytes[from..], END).take(ENDS_MAX) {
        let Some((offset, size, behind)) = end(bytes, from + at) else { continue };
        let adjacent = (behind as u64).checked_sub(size);
        let shift = adjacent.and_then(|start| start.checked_sub(offset)).unwrap_or(0);
        for (start, shift) in [(Some(offset), 0), (adjacent, shift)] {
            let start = start.and_then(|start| usize::try_from(start).ok());
            let is_directory = |start: &usize| central(bytes, *start).is_some();
            if let Some(start) = start.filter(is_directory)
                && !found.contains(&(start, shift))
            {
                found.push((start, shift));
            }
        }
    }
    found
}

/// Offset and size of the directory that the end record says, and where that ends.
fn end(bytes: &[u8], at: usize) -> Option<(u64, u64, usize)> {
    let record = &bytes[at..];
    let (size, offset) = (u32_le(record, 12)?, u32_le(record, 16)?);
    u16_le(record, 20)?;
    if let Some((offset, size, behind)) = end64(bytes, at) {
        return Some((offset, size, behind));
    }
    Some((offset.into(), size.into(), at))
}

/// The same by the 64-bit end record, if the locator before the end record leads to one.
fn end64(bytes: &[u8], end: usize) -> Option<(u64, u64, usize)> {
    let locator_at = end.checked_sub(END64_LOCATOR_BYTES)?;
    let locator = bytes.get(locator_at..end)?;
    if !locator.starts_with(END64_LOCATOR) {
        return None;
    }
    let stated = usize::try_from(u64_le(locator, 8)?).ok();
    // With bytes before the archive, the record stands further on: then right before the locator.
    const END64_BYTES: usize = 56;
    let at = [stated, locator_at.checked_sub(END64_BYTES)]
        .into_iter()
        .flatten()
        .find(|at| bytes.get(*at..).is_some_and(|record| record.starts_with(END64)))?;
    let record = &bytes[at..];
    Some((u64_le(record, 48)?, u64_le(record, 40)?, at))
}

/// The central headers from an offset on.
pub(super) fn entries(bytes: &[u8], start: usize) -> impl Iterator<Item = Entry<'_>> {
    let mut at = start;
    std::iter::from_fn(move || {
        let (entry, next) = central(bytes, at)?;
        at = next;
        Some(entry)
    })
}

/// Where a stored member of unknown length ends: before a descriptor that states this length, else
/// before the next header, else with the bytes. Also gives how many bytes were searched.
pub(super) fn end_of_stored(bytes: &[u8], start: usize) -> (usize, usize) {
    const DESCRIPTOR_BYTES: usize = 16;
    let data = &bytes[start..];
    let states_length =
        |at: &usize| u32_le(data, at + 8).is_some_and(|length| length as usize == *at);
    if let Some(length) = memmem::find_iter(data, DESCRIPTOR).find(states_length) {
        return (start + length, length + DESCRIPTOR_BYTES);
    }
    let header =
        [LOCAL, CENTRAL].map(|magic| memmem::find(data, magic)).into_iter().flatten().min();
    (start + header.unwrap_or(data.len()), data.len())
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}
