//! Headers that a few fields suffice for: PNG, GIF, WebP, BMP, ICO, PSD, JPEG XL.

use super::exif;
use super::read::{array, be16, be32, le16, le24, le32};
use crate::image::Orientation;

/// Width, height and bits a channel.
pub(super) type Size = (u32, u32, u8);

/// The header chunk, which comes first (PNG third edition §11.2.1).
pub(super) fn png(bytes: &[u8]) -> Option<Size> {
    Some((be32(bytes, 16)?, be32(bytes, 20)?, *bytes.get(24)?))
}

/// The EXIF chunk before or behind the image data.
pub(super) fn png_orientation(bytes: &[u8]) -> Option<Orientation> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = be32(rest, 0)? as usize;
        let data = rest.get(8..)?;
        if array(rest, 4)? == *b"eXIf" {
            return exif::orientation(data.get(..length)?);
        }
        rest = data.get(length.checked_add(4)?..)?;
    }
}

/// The logical screen (GIF89a §18).
pub(super) fn gif(bytes: &[u8]) -> Option<Size> {
    Some((u32::from(le16(bytes, 6)?), u32::from(le16(bytes, 8)?), 8))
}

/// The canvas of an extended file, or the picture of a simple one (RFC 9649 §2.5 to 2.7).
pub(super) fn webp(bytes: &[u8]) -> Option<Size> {
    let side = |at: usize| le16(bytes, at).map(|side| u32::from(side & 0x3fff));
    let (width, height) = match &array(bytes, 12)? {
        b"VP8X" => (le24(bytes, 24)? + 1, le24(bytes, 27)? + 1),
        b"VP8L" => {
            let sides = le32(bytes, 21)?;
            ((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1)
        }
        b"VP8 " => (side(26)?, side(28)?),
        _ => return None,
    };
    Some((width, height, 8))
}

/// The EXIF chunk, which comes last.
pub(super) fn webp_orientation(bytes: &[u8]) -> Option<Orientation> {
    let mut rest = bytes.get(12..)?;
    loop {
        let length = le32(rest, 4)? as usize;
        let data = rest.get(8..)?;
        if array(rest, 0)? == *b"EXIF" {
            let exif = data.get(..length)?;
            // Some writers keep the prefix that JPEG has.
            return exif::orientation(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
        }
        rest = data.get(length.checked_add(length % 2)?..)?;
    }
}

/// The info header, whose height is negative if rows run downwards; OS/2's has 16-bit sides.
pub(super) fn bmp(bytes: &[u8]) -> Option<Size> {
    dib(bytes.get(14..)?)
}

fn dib(header: &[u8]) -> Option<Size> {
    if le32(header, 0)? == 12 {
        return Some((u32::from(le16(header, 4)?), u32::from(le16(header, 6)?), 8));
    }
    let side = |at: usize| le32(header, at).map(|side| (side as i32).unsigned_abs());
    Some((side(4)?, side(8)?, 8))
}

/// An icon or cursor: its pictures, of which each is a PNG or a BMP without its file header.
pub(crate) fn ico_entries(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let count = le16(bytes, 4).map_or(0, usize::from);
    (0..count).filter_map(|i| {
        let entry = 6 + 16 * i;
        let (length, offset) =
            (le32(bytes, entry + 8)? as usize, le32(bytes, entry + 12)? as usize);
        let data = bytes.get(offset..)?;
        Some((entry, &data[..length.min(data.len())]))
    })
}

/// The size of one picture of an icon. A bitmap's height there includes its mask.
pub(crate) fn ico_size(data: &[u8]) -> Option<Size> {
    if data.starts_with(b"\x89PNG") {
        return png(data);
    }
    dib(data).map(|(width, height, depth)| (width, height / 2, depth))
}

/// The file header (Adobe's file format specification, "File Header Section").
pub(super) fn psd(bytes: &[u8]) -> Option<Size> {
    let depth = u8::try_from(be16(bytes, 22)?).ok()?;
    Some((be32(bytes, 18)?, be32(bytes, 14)?, depth))
}

/// The size header of the codestream, bare or in the boxes around it (ISO 18181-1 §A.3).
pub(super) fn jxl(bytes: &[u8]) -> Option<Size> {
    let (width, height) = jxl_size(jxl_codestream(bytes)?)?;
    Some((width, height, 8))
}

fn jxl_codestream(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    if rest.starts_with(&[0xff, 0x0a]) {
        return Some(rest);
    }
    loop {
        let (header, size) = match be32(rest, 0)? {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(array(rest, 8)?)).ok()?),
            size => (8, size as usize),
        };
        match &array(rest, 4)? {
            b"jxlc" => return rest.get(header..),
            // The first part, behind its number.
            b"jxlp" => return rest.get(header + 4..),
            _ => rest = rest.get(size.max(header)..)?,
        }
    }
}

fn jxl_size(codestream: &[u8]) -> Option<(u32, u32)> {
    let head = codestream.get(2..)?;
    let mut bits = [0; 16];
    let length = head.len().min(bits.len());
    bits[..length].copy_from_slice(&head[..length]);
    let (bits, mut at) = (u128::from_le_bytes(bits), 0);
    let mut take = |count: u32| {
        let value = (bits >> at) as u32 & ((1_u64 << count) - 1) as u32;
        at += count;
        value
    };
    let small = take(1) == 1;
    let side = |take: &mut dyn FnMut(u32) -> u32| {
        if small {
            return (take(5) + 1) * 8;
        }
        let widths = [9, 13, 18, 30];
        let selector = take(2) as usize;
        take(widths[selector]) + 1
    };
    let height = side(&mut take);
    let wide = |over: u64, under: u64| (u64::from(height) * over / under) as u32;
    let width = match take(3) {
        0 => side(&mut take),
        1 => height,
        2 => wide(12, 10),
        3 => wide(4, 3),
        4 => wide(3, 2),
        5 => wide(16, 9),
        6 => wide(5, 4),
        _ => wide(2, 1),
    };
    Some((width, height))
}
