//! Pictures that a picture's own format has room for: thumbnails, previews, icons, further images.

use std::ops::Range;

use super::bytes::Endian::{Big, Little};
use super::{extent, jpeg, tiff};
use crate::image::Format;

const EXIF: &[u8] = b"Exif\0\0";
const MPF: &[u8] = b"MPF\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Icons of one file that are looked at.
const ICONS_MAX: u16 = 256;
/// Photoshop resources that are looked at.
const RESOURCES_MAX: usize = 512;

/// Reports where further pictures should be in the one that `bytes` begin with; the ranges are those
/// that its format states, and may lie anywhere. `format` is what the first bytes show.
pub(super) fn pictures(format: Option<Format>, bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    match format {
        Some(Format::Jpeg) => in_jpeg(bytes, found),
        Some(Format::Tiff) => tiff::jpegs(bytes, found),
        Some(Format::Ico) => in_ico(bytes, found),
        Some(Format::Png) => in_png(bytes, found),
        Some(Format::WebP) => in_webp(bytes, found),
        Some(Format::Gif | Format::Bmp | Format::Avif | Format::Heic | Format::Jxl) => {}
        Some(Format::Psd) => in_psd(bytes, found),
        // Raw files, known or not, are TIFF but for the first word.
        Some(Format::Raw) | None => tiff::jpegs(bytes, found),
    }
}

fn in_jpeg(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    jpeg::walk(bytes, &mut 0, |segment| {
        let content = &bytes[segment.content.clone()];
        let behind =
            |prefix: &[u8]| (segment.content.start + prefix.len(), &content[prefix.len()..]);
        match segment.marker - jpeg::APPLICATION.min(segment.marker) {
            1 if content.starts_with(EXIF) => {
                let (base, content) = behind(EXIF);
                tiff::jpegs(content, |range| shifted(base, range, found));
            }
            2 if content.starts_with(MPF) => {
                let (base, content) = behind(MPF);
                tiff::multi_pictures(content, |range| shifted(base, range, found));
            }
            13 if content.starts_with(PHOTOSHOP) => {
                let (base, content) = behind(PHOTOSHOP);
                resources(content, &mut |range| shifted(base, range, found));
            }
            _ => {}
        }
    });
}

fn in_ico(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    const HEADER_BYTES: usize = 6;
    const ENTRY_BYTES: usize = 16;
    let count = Little.u16(bytes, 4).unwrap_or(0).min(ICONS_MAX);
    for index in 0..usize::from(count) {
        let entry = HEADER_BYTES + index * ENTRY_BYTES;
        let (length, at) = (Little.size(bytes, entry + 8), Little.size(bytes, entry + 12));
        if let Some(range) = at.zip(length).and_then(|(at, length)| span(at, length)) {
            found(range);
        }
    }
}

fn in_png(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    let mut at = 8;
    while let Some((kind, content, next)) = extent::png_chunk(bytes, at) {
        if kind == *b"eXIf"
            && let Some(exif) = bytes.get(content.clone())
        {
            tiff::jpegs(exif, |range| shifted(content.start, range, found));
        }
        at = next;
    }
}

fn in_webp(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    const HEADER_BYTES: usize = 8;
    let mut at = 12;
    while let Some(length) = Little.size(bytes, at + 4) {
        let Some(content) = span(at + HEADER_BYTES, length) else { return };
        if bytes[at..].starts_with(b"EXIF")
            && let Some(exif) = bytes.get(content.clone())
        {
            // Some writers keep the prefix that JPEG needs.
            let skipped = if exif.starts_with(EXIF) { EXIF.len() } else { 0 };
            let base = content.start + skipped;
            tiff::jpegs(&exif[skipped..], |range| shifted(base, range, found));
        }
        at = content.end + length % 2;
    }
}

/// A PSD's resources stand behind its header and its colour table.
fn in_psd(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    const HEADER_BYTES: usize = 26;
    const LENGTH_BYTES: usize = 4;
    let section = Big.size(bytes, HEADER_BYTES).and_then(|colours| {
        let at = (HEADER_BYTES + LENGTH_BYTES).checked_add(colours)?;
        let section = span(at + LENGTH_BYTES, Big.size(bytes, at)?)?;
        Some((section.start, bytes.get(section)?))
    });
    if let Some((base, section)) = section {
        resources(section, &mut |range| shifted(base, range, found));
    }
}

/// Reports the thumbnails among Photoshop resources: a header of 28 bytes, then a JPEG.
fn resources(bytes: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    const THUMBNAILS: [u16; 2] = [1033, 1036];
    const THUMBNAIL_HEADER_BYTES: usize = 28;
    let mut at = 0;
    for _ in 0..RESOURCES_MAX {
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(b"8BIM")) {
            return;
        }
        // The name, its length before it, fills an even number of bytes.
        let (Some(id), Some(name)) = (Big.u16(bytes, at + 4), bytes.get(at + 6)) else { return };
        let name_bytes = (1 + usize::from(*name)).next_multiple_of(2);
        let Some(length) = Big.size(bytes, at + 6 + name_bytes) else { return };
        let Some(content) = span(at + 10 + name_bytes, length) else { return };
        if THUMBNAILS.contains(&id) && length > THUMBNAIL_HEADER_BYTES {
            found(content.start + THUMBNAIL_HEADER_BYTES..content.end);
        }
        at = content.end.saturating_add(length % 2);
    }
}

fn shifted(base: usize, range: Range<usize>, found: &mut dyn FnMut(Range<usize>)) {
    if let Some(end) = range.end.checked_add(base) {
        found(range.start + base..end);
    }
}

fn span(at: usize, length: usize) -> Option<Range<usize>> {
    Some(at..at.checked_add(length)?)
}
