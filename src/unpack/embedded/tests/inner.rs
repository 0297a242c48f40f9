//! Pictures within pictures.

use super::*;

/// A small JPEG by its segments alone.
fn thumbnail(mark: u8) -> Vec<u8> {
    vec![0xff, 0xd8, 0xff, 0xfe, 0, 5, mark, mark, mark, 0xff, 0xd9]
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], length.as_slice(), content].concat()
}

/// A JPEG with a segment right behind its beginning.
fn jpeg_with(segment: &[u8]) -> Vec<u8> {
    [&CACTUS[..2], segment, &CACTUS[2..]].concat()
}

/// A little-endian TIFF of one directory and whatever follows it.
fn tiff(entries: &[(u16, u16, u32, u32)], behind: &[u8]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(count.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend([0; 4]);
    tiff.extend(behind);
    tiff
}

/// Where the bytes behind a directory of so many entries stand.
const fn behind(entries: u32) -> u32 {
    8 + 2 + entries * 12 + 4
}

fn exif(thumbnail: &[u8]) -> Vec<u8> {
    let length = thumbnail.len() as u32;
    tiff(&[(0x0201, 4, 1, behind(2)), (0x0202, 4, 1, length)], thumbnail)
}

#[test]
fn thumbnails_in_exif_are_found() {
    let small = thumbnail(1);
    let content = [b"Exif\0\0".as_slice(), &exif(&small)].concat();
    let payload = jpeg_with(&segment(0xe1, &content));
    let at = 2 + 4 + 6 + behind(2) as usize;
    check(&payload, &[(Kind::Embedded, 12, &payload[12..]), (Kind::Embedded, at, &small)]);
}
