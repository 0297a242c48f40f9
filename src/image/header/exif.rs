//! Directories of TIFF, which EXIF is written in as well (TIFF 6.0 §2; BigTIFF).

use super::read::{array, be16, be32, be64};
use crate::image::Orientation;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const ORIENTATION: u16 = 274;
const SUB_DIRECTORIES: u16 = 330;
/// Meanings of the photometric tag.
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u32 = 3;
/// Entries of one directory that are read; cameras write some forty.
const ENTRIES_MAX: u64 = 1024;

/// A TIFF file, of either byte order and either size of offsets.
#[derive(Clone, Copy)]
pub(super) struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
    big: bool,
}

/// What one directory says of its picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bit_depth: u8,
    pub(super) orientation: Option<Orientation>,
    /// Where the photometric tag has its value, if that is a palette.
    palette_at: Option<usize>,
    /// Whether there are pictures below it, as in camera raw.
    has_children: bool,
    /// Where the next directory is; 0 behind the last.
    pub(super) next: u64,
}

impl<'a> Tiff<'a> {
    /// The file and the place of its first directory.
    pub(super) fn open(bytes: &'a [u8]) -> Option<(Self, u64)> {
        let little = match array(bytes, 0)? {
            [b'I', b'I'] => true,
            [b'M', b'M'] => false,
            _ => return None,
        };
        let tiff = Tiff { bytes, little, big: false };
        match tiff.u16(2)? {
            43 => Some((Tiff { big: true, ..tiff }, tiff.u64(8)?)),
            _ => Some((tiff, u64::from(tiff.u32(4)?))),
        }
    }

    /// Reads the directory at `at`; `None` if it is cut.
    pub(super) fn directory(&self, at: u64) -> Option<Directory> {
        let at = usize::try_from(at).ok()?;
        let (count, entries, size) = if self.big {
            (self.u64(at)?, at.checked_add(8)?, 20)
        } else {
            (u64::from(self.u16(at)?), at.checked_add(2)?, 12)
        };
        let mut found = Directory::default();
        for i in 0..count.min(ENTRIES_MAX) as usize {
            self.entry(entries.checked_add(i * size)?, &mut found)?;
        }
        let end = entries.checked_add(usize::try_from(count).ok()?.checked_mul(size)?)?;
        let next = if self.big { self.u64(end) } else { self.u32(end).map(u64::from) };
        Some(Directory { next: next.unwrap_or(0), ..found })
    }

    fn entry(&self, at: usize, found: &mut Directory) -> Option<()> {
        /// The type of 16-bit numbers; those of 32 and 64 bits count as one here.
        const SHORT: u16 = 3;
        let (tag, kind) = (self.u16(at)?, self.u16(at + 2)?);
        let value_at = at + if self.big { 12 } else { 8 };
        let value =
            if kind == SHORT { u32::from(self.u16(value_at)?) } else { self.u32(value_at)? };
        match tag {
            WIDTH => found.width = value,
            HEIGHT => found.height = value,
            // Several channels have their depths elsewhere; all are alike, and rarely not 8.
            BITS => found.bit_depth = u8::try_from(value).unwrap_or(0),
            PHOTOMETRIC if value == PALETTE => found.palette_at = Some(value_at),
            ORIENTATION => found.orientation = u16::try_from(value).ok().map(Orientation::of_tag),
            SUB_DIRECTORIES => found.has_children = true,
            _ => {}
        }
        Some(())
    }

    /// The pages one after the other; a ring of them ends, too.
    fn pages(self, first: u64) -> impl Iterator<Item = Directory> {
        /// Pages behind these are not decoded either.
        const PAGES_MAX: usize = 1000;
        // At 0 is the header, which must not be read as one more page.
        let page = move |at: u64| if at == 0 { None } else { self.directory(at) };
        std::iter::successors(page(first), move |last| page(last.next)).take(PAGES_MAX)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let number = be16(self.bytes, at)?;
        Some(if self.little { number.swap_bytes() } else { number })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let number = be32(self.bytes, at)?;
        Some(if self.little { number.swap_bytes() } else { number })
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let number = be64(self.bytes, at)?;
        Some(if self.little { number.swap_bytes() } else { number })
    }
}

/// The orientation that EXIF data name, from their TIFF header on; `None` if they name none.
pub(crate) fn orientation(exif: &[u8]) -> Option<Orientation> {
    let (tiff, first) = Tiff::open(exif)?;
    tiff.directory(first)?.orientation
}

/// Whether a page has pictures below it.
pub(crate) fn has_sub_directories(bytes: &[u8]) -> bool {
    Tiff::open(bytes).is_some_and(|(tiff, first)| tiff.pages(first).any(|page| page.has_children))
}

/// A copy whose pages that have a palette say that they are grey; `None` if there are none. The
/// palettes stay.
pub(crate) fn as_gray_tiff(bytes: &[u8]) -> Option<Vec<u8>> {
    let (tiff, first) = Tiff::open(bytes)?;
    let places: Vec<usize> = tiff.pages(first).filter_map(|page| page.palette_at).collect();
    if places.is_empty() {
        return None;
    }
    let mut copy = bytes.to_vec();
    let little = tiff.little;
    let value = if little { BLACK_IS_ZERO.to_le_bytes() } else { BLACK_IS_ZERO.to_be_bytes() };
    for at in places {
        copy.get_mut(at..)?.first_chunk_mut().map(|place: &mut [u8; 2]| *place = value)?;
    }
    Some(copy)
}
