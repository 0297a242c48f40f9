//! Where a picture ends, as its own format has it and viewers obey.

use std::ops::Range;

use super::bytes::Endian::{Big, Little};
use super::jpeg;
use crate::image::Format;

/// The length in bytes of the picture that `bytes` begin with; never more than there are.
///
/// `None` where the format doesn't say (TIFF, icons, bare JPEG XL), where the picture is damaged or
/// where it ends only behind the bytes: then it has to be taken to go to their end. Takes one pass.
pub fn extent(format: Format, bytes: &[u8]) -> Option<usize> {
    measure(format, bytes).0
}

/// The same, and how many bytes it took to find out.
pub(super) fn measure(format: Format, bytes: &[u8]) -> (Option<usize>, usize) {
    let mut at = 0;
    let end = match format {
        Format::Jpeg => jpeg::walk(bytes, &mut at, |_| {}),
        Format::Png => png(bytes, &mut at),
        Format::Gif => gif(bytes, &mut at),
        Format::WebP => riff(bytes),
        Format::Bmp => bmp(bytes),
        Format::Avif | Format::Heic | Format::Jxl => boxes(bytes, &mut at),
        Format::Tiff | Format::Ico | Format::Psd | Format::Raw => None,
    };
    (end.filter(|end| (1..=bytes.len()).contains(end)), at.min(bytes.len()))
}

/// Behind the IEND chunk.
fn png(bytes: &[u8], at: &mut usize) -> Option<usize> {
    const SIGNATURE_BYTES: usize = 8;
    *at = SIGNATURE_BYTES;
    loop {
        let (kind, _, next) = png_chunk(bytes, *at)?;
        if kind == *b"IEND" {
            return Some(next);
        }
        *at = next;
    }
}

/// The chunk at an offset: its type, where its content lies, and where the next begins.
pub(super) fn png_chunk(bytes: &[u8], at: usize) -> Option<([u8; 4], Range<usize>, usize)> {
    const HEADER_BYTES: usize = 8;
    const CRC_BYTES: usize = 4;
    let length = Big.size(bytes, at)?;
    let kind: [u8; 4] = bytes.get(at + 4..)?.first_chunk().copied()?;
    if !kind.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let content = at + HEADER_BYTES..(at + HEADER_BYTES).checked_add(length)?;
    let next = content.end.checked_add(CRC_BYTES)?;
    Some((kind, content, next))
}

/// Behind the trailer.
fn gif(bytes: &[u8], at: &mut usize) -> Option<usize> {
    const SCREEN_BYTES: usize = 13;
    const IMAGE_BYTES: usize = 10;
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    *at = SCREEN_BYTES + table(*bytes.get(10)?);
    loop {
        match bytes.get(*at)? {
            // An extension: its label, then blocks.
            0x21 => *at += 2,
            // An image: its colours and the code size, then blocks.
            0x2c => *at += IMAGE_BYTES + table(*bytes.get(*at + 9)?) + 1,
            0x3b => return Some(*at + 1),
            _ => return None,
        }
        gif_blocks(bytes, at)?;
    }
}

/// Passes over blocks that each say their length, up to an empty one.
fn gif_blocks(bytes: &[u8], at: &mut usize) -> Option<()> {
    loop {
        let length = usize::from(*bytes.get(*at)?);
        *at += 1 + length;
        if length == 0 {
            return Some(());
        }
    }
}

/// Behind the RIFF chunk, and the padding of an odd one if it is there.
fn riff(bytes: &[u8]) -> Option<usize> {
    const HEADER_BYTES: usize = 8;
    let length = Little.size(bytes, 4)?;
    let end = HEADER_BYTES.checked_add(length)?;
    Some(if length % 2 == 1 && bytes.get(end) == Some(&0) { end + 1 } else { end })
}

/// Behind the pixels, where their number follows from the header; else where the header says.
fn bmp(bytes: &[u8]) -> Option<usize> {
    const OLD_HEADER_BYTES: u32 = 12;
    const RGB: u32 = 0;
    const BITFIELDS: u32 = 3;
    let pixels = Little.size(bytes, 10)?;
    let (width, height, depth, packed) = match Little.u32(bytes, 14)? {
        OLD_HEADER_BYTES => (
            u32::from(Little.u16(bytes, 18)?),
            u32::from(Little.u16(bytes, 20)?),
            Little.u16(bytes, 24)?,
            RGB,
        ),
        _ => (
            Little.u32(bytes, 18)?,
            // A negative height says that the rows come from the top.
            (Little.u32(bytes, 22)? as i32).unsigned_abs(),
            Little.u16(bytes, 28)?,
            Little.u32(bytes, 30)?,
        ),
    };
    if !matches!(packed, RGB | BITFIELDS) {
        return Little.size(bytes, 2);
    }
    let row = (u64::from(width) * u64::from(depth)).div_ceil(32).checked_mul(4)?;
    let size = usize::try_from(row.checked_mul(height.into())?).ok()?;
    pixels.checked_add(size)
}

/// Behind the last box that belongs to a file of boxes (ISO 14496-12 §4.2).
fn boxes(bytes: &[u8], at: &mut usize) -> Option<usize> {
    while *at < bytes.len() && is_top_level(bytes, *at) {
        *at = box_end(bytes, *at)?;
    }
    Some(*at)
}

fn is_top_level(bytes: &[u8], at: usize) -> bool {
    const TYPES: [&[u8; 4]; 25] = [
        b"ftyp", b"meta", b"mdat", b"moov", b"moof", b"mfra", b"free", b"skip", b"uuid", b"pdin",
        b"idat", b"wide", b"sidx", b"styp", b"emsg", b"prft", b"jxlc", b"jxlp", b"jxll", b"jxli",
        b"jbrd", b"jumb", b"brob", b"Exif", b"JXL ",
    ];
    bytes
        .get(at + 4..at + 8)
        .is_some_and(|kind| TYPES.iter().any(|known| kind == *known) || kind == b"xml ")
}

/// Where the box at an offset ends; `None` if that is not said, or makes no sense.
fn box_end(bytes: &[u8], at: usize) -> Option<usize> {
    const SIZE_FOLLOWS: u64 = 1;
    let (size, header) = match u64::from(Big.u32(bytes, at)?) {
        SIZE_FOLLOWS => {
            let wide = bytes.get(at + 8..)?.first_chunk().copied()?;
            (u64::from_be_bytes(wide), 16)
        }
        size => (size, 8),
    };
    // A size of 0 stands for the end of the file.
    (size >= header).then_some(())?;
    at.checked_add(usize::try_from(size).ok()?)
}
