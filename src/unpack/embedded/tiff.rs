//! JPEGs in the directories of TIFF, which EXIF, camera raw files and MPF are made of.

use std::collections::VecDeque;
use std::ops::Range;

use super::bytes::Endian;

/// Directories that are read, of those that lead to one another; camera files have about ten.
const DIRECTORIES_MAX: usize = 32;
/// Entries of one directory that are read.
const ENTRIES_MAX: u16 = 512;
/// Values of one entry that are read: strips, or directories below.
const VALUES_MAX: u32 = 64;

const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 12;

const TAG_STRIP_OFFSETS: u16 = 0x0111;
const TAG_STRIP_LENGTHS: u16 = 0x0117;
const TAG_SUB_DIRECTORIES: u16 = 0x014a;
const TAG_JPEG_OFFSET: u16 = 0x0201;
const TAG_JPEG_LENGTH: u16 = 0x0202;
const TAG_EXIF_DIRECTORY: u16 = 0x8769;
/// Panasonic's JPEG in a raw file.
const TAG_JPEG_FROM_RAW: u16 = 0x002e;
/// The index of a multi-picture file (CIPA DC-007 §5.2.3).
const TAG_MP_ENTRIES: u16 = 0xb002;

const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
const TYPE_UNDEFINED: u16 = 7;
const TYPE_DIRECTORY: u16 = 13;

/// A TIFF structure: offsets count from its beginning.
struct Tiff<'a> {
    bytes: &'a [u8],
    endian: Endian,
}

/// One entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// Where its value field stands.
    at: usize,
}

/// Reports the ranges where JPEGs should be, as offsets in `bytes`, which begin with the TIFF
/// header. They need not lie within `bytes`. Without a header, reports none.
pub(super) fn jpegs(bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
    if let Some(tiff) = Tiff::new(bytes) {
        tiff.directories(|entries| tiff.pictures(entries, &mut found));
    }
}

/// Reports the ranges of the pictures that an MPF segment lists but for the first, which is the one
/// that has the segment; as offsets from its TIFF header, with which `bytes` begin.
pub(super) fn multi_pictures(bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
    const MP_ENTRY_BYTES: usize = 16;
    let Some(tiff) = Tiff::new(bytes) else { return };
    tiff.directories(|entries| {
        for entry in entries.iter().filter(|entry| entry.tag == TAG_MP_ENTRIES) {
            let Some(range) = tiff.bytes_of(entry) else { continue };
            let Some(list) = bytes.get(range) else { continue };
            for entry in list.chunks_exact(MP_ENTRY_BYTES).skip(1).take(VALUES_MAX as usize) {
                let (size, offset) = (tiff.endian.size(entry, 4), tiff.endian.size(entry, 8));
                if let Some(range) = size.zip(offset).and_then(|(size, at)| span(at, size)) {
                    found(range);
                }
            }
        }
    });
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let endian = match bytes.get(..4)? {
            // Raw formats of Panasonic and Olympus have numbers of their own.
            [b'I', b'I', 42 | 0x55, 0] | [b'I', b'I', b'R', b'O' | b'S'] => Endian::Little,
            [b'M', b'M', 0, 42] => Endian::Big,
            _ => return None,
        };
        Some(Tiff { bytes, endian })
    }

    /// Reports the entries of each directory that can be reached.
    fn directories(&self, mut directory: impl FnMut(&[Entry])) {
        let mut due: VecDeque<usize> = self.endian.size(self.bytes, 4).into_iter().collect();
        let mut seen = Vec::new();
        while let Some(at) = due.pop_front() {
            if at < HEADER_BYTES || seen.contains(&at) || seen.len() == DIRECTORIES_MAX {
                continue;
            }
            seen.push(at);
            let Some((entries, next)) = self.directory(at) else { continue };
            due.extend(next);
            for entry in &entries {
                if matches!(entry.tag, TAG_SUB_DIRECTORIES | TAG_EXIF_DIRECTORY) {
                    due.extend(self.values(entry));
                }
            }
            due.truncate(DIRECTORIES_MAX);
            directory(&entries);
        }
    }

    /// The entries of the directory at an offset, and where the next one stands.
    fn directory(&self, at: usize) -> Option<(Vec<Entry>, Option<usize>)> {
        let count = self.endian.u16(self.bytes, at)?;
        let first = at.checked_add(2)?;
        let entry = |index: u16| {
            let at = first.checked_add(usize::from(index) * ENTRY_BYTES)?;
            Some(Entry {
                tag: self.endian.u16(self.bytes, at)?,
                kind: self.endian.u16(self.bytes, at + 2)?,
                count: self.endian.u32(self.bytes, at + 4)?,
                at: at + 8,
            })
        };
        let entries = (0..count.min(ENTRIES_MAX)).map_while(entry).collect();
        let next = first.checked_add(usize::from(count) * ENTRY_BYTES);
        Some((entries, next.and_then(|at| self.endian.size(self.bytes, at))))
    }

    /// Reports where the entries of one directory say that JPEGs are.
    fn pictures(&self, entries: &[Entry], found: &mut dyn FnMut(Range<usize>)) {
        let values = |tag: u16| {
            let entry = entries.iter().find(|entry| entry.tag == tag);
            entry.map(|entry| self.values(entry)).unwrap_or_default()
        };
        let pairs = [
            (values(TAG_JPEG_OFFSET), values(TAG_JPEG_LENGTH)),
            (values(TAG_STRIP_OFFSETS), values(TAG_STRIP_LENGTHS)),
        ];
        for (offsets, lengths) in pairs {
            offsets
                .into_iter()
                .zip(lengths)
                .filter_map(|(at, n)| span(at, n))
                .for_each(&mut *found);
        }
        let raw = entries.iter().find(|entry| entry.tag == TAG_JPEG_FROM_RAW);
        if let Some(range) = raw.and_then(|entry| self.bytes_of(entry)) {
            found(range);
        }
    }

    /// The numbers of an entry, which is of a kind that holds some.
    fn values(&self, entry: &Entry) -> Vec<usize> {
        let width = match entry.kind {
            TYPE_SHORT => 2,
            TYPE_LONG | TYPE_DIRECTORY => 4,
            _ => return Vec::new(),
        };
        let count = entry.count.min(VALUES_MAX) as usize;
        // Four bytes fit into the entry itself.
        let inline = entry.count as u64 * width as u64 <= 4;
        let at = if inline { Some(entry.at) } else { self.endian.size(self.bytes, entry.at) };
        let value = |index: usize| {
            let at = at?.checked_add(index * width)?;
            match width {
                2 => self.endian.u16(self.bytes, at).map(usize::from),
                _ => self.endian.size(self.bytes, at),
            }
        };
        (0..count).map_while(value).collect()
    }

    /// Where the bytes of an entry stand that holds some, more than four.
    fn bytes_of(&self, entry: &Entry) -> Option<Range<usize>> {
        let length = usize::try_from(entry.count).ok()?;
        if entry.kind != TYPE_UNDEFINED || length <= 4 {
            return None;
        }
        span(self.endian.size(self.bytes, entry.at)?, length)
    }
}

fn span(at: usize, length: usize) -> Option<Range<usize>> {
    Some(at..at.checked_add(length)?)
}
