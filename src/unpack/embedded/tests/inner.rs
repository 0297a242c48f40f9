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
    check(&payload, &[(Kind::Embedded, at, &small)]);
}

#[test]
fn thumbnails_in_other_places_of_exif_are_found() {
    let small = thumbnail(2);
    let length = small.len() as u32;
    let check_tiff = |tiff: &[u8], at: u32| {
        check(tiff, &[(Kind::Embedded, at as usize, &small)]);
    };
    // As the only strip, and by Panasonic's tag.
    check_tiff(&tiff(&[(0x0111, 4, 1, behind(2)), (0x0117, 4, 1, length)], &small), behind(2));
    check_tiff(&tiff(&[(0x002e, 7, length, behind(1))], &small), behind(1));
    // In a directory below, and in the next one.
    let at = behind(1) + 6 + 24;
    let mut below = 2u16.to_le_bytes().to_vec();
    for (tag, value) in [(0x0201u16, at), (0x0202, length)] {
        below.extend(tag.to_le_bytes());
        below.extend(4u16.to_le_bytes());
        below.extend(1u32.to_le_bytes());
        below.extend(value.to_le_bytes());
    }
    below.extend([0; 4]);
    below.extend(&small);
    check_tiff(&tiff(&[(0x014a, 4, 1, behind(1))], &below), at);
    let mut next = tiff(&[(0x0100, 3, 1, 9)], &below);
    next[22..26].copy_from_slice(&behind(1).to_le_bytes());
    check_tiff(&next, at);
    // Big-endian, and the raw formats that are TIFF but for their first word.
    let mut raw = tiff(&[(0x002e, 7, length, behind(1))], &small);
    raw[2] = 0x55;
    check_tiff(&raw, behind(1));
    let mut big = b"MM\0*\0\0\0\x08\0\x01\0\x2e\0\x07".to_vec();
    big.extend(length.to_be_bytes());
    big.extend(behind(1).to_be_bytes());
    big.extend([0; 4]);
    big.extend(&small);
    check_tiff(&big, behind(1));
}

#[test]
fn directories_that_lead_in_circles_end() {
    let mut circle = tiff(&[(0x014a, 4, 64, 8), (0x8769, 4, 1, 8)], &[8, 0, 0, 0].repeat(64));
    circle[34..38].copy_from_slice(&8u32.to_le_bytes());
    check(&circle, &[]);
    let far = tiff(&[(0x0201, 4, 1, u32::MAX), (0x0202, 4, 1, u32::MAX)], b"");
    check(&far, &[]);
    let cut = tiff(&[(0x0201, 4, 1, behind(2)), (0x0202, 4, 1, 9999)], &thumbnail(1));
    check(&cut, &[(Kind::Embedded, behind(2) as usize, &thumbnail(1))]);
}

#[test]
fn further_pictures_of_a_multi_picture_file_are_found() {
    let mut list = vec![0; 16];
    let mpf = |second: u32, size: u32| {
        let mut entry = vec![0; 4];
        entry.extend(size.to_le_bytes());
        entry.extend(second.to_le_bytes());
        entry.extend([0; 4]);
        entry
    };
    // Its offset counts from the TIFF header in the segment.
    let base = 2 + 4 + 4;
    let length = jpeg_with(&segment(0xe2, &[0; 4 + behind(1) as usize + 32])).len();
    let gap = 2 << 20;
    list.extend(mpf((length + gap - base) as u32, FLOWER.len() as u32));
    let content = [b"MPF\0".as_slice(), &tiff(&[(0xb002, 7, 32, behind(1))], &list)].concat();
    let first = jpeg_with(&segment(0xe2, &content));
    assert_eq!(first.len(), length);
    let payload = [first.clone(), vec![0; gap], FLOWER.to_vec()].concat();
    check(&payload, &[(Kind::Trimmed, 0, &first), (Kind::Embedded, length + gap, FLOWER)]);
}

#[test]
fn thumbnails_of_photoshop_are_found() {
    let small = thumbnail(3);
    let mut resource = b"8BIM\x04\x04\x03abc\0\0\0\x01x\0".to_vec();
    resource.extend(b"8BIM\x04\x0c\0\0");
    resource.extend((28 + small.len() as u32).to_be_bytes());
    resource.extend([0; 28]);
    resource.extend(&small);
    let at = resource.len() - small.len();
    let content = [b"Photoshop 3.0\0".as_slice(), &resource].concat();
    let payload = jpeg_with(&segment(0xed, &content));
    check(&payload, &[(Kind::Embedded, 6 + 14 + at, &small)]);
    let mut psd = b"8BPS\0\x01".to_vec();
    psd.resize(26, 0);
    psd.extend(2u32.to_be_bytes());
    psd.extend([0; 2]);
    psd.extend((resource.len() as u32).to_be_bytes());
    psd.extend(&resource);
    check(&psd, &[(Kind::Embedded, 36 + at, &small)]);
}

#[test]
fn pictures_in_icons_png_and_webp_are_found() {
    let png = encoded(image::ImageFormat::Png);
    let mut icon = vec![0, 0, 1, 0, 2, 0];
    for at in [38u32, 38 + 40] {
        icon.extend([16, 16, 0, 0, 1, 0, 32, 0]);
        icon.extend(if at == 38 { 40u32 } else { png.len() as u32 }.to_le_bytes());
        icon.extend(at.to_le_bytes());
    }
    icon.extend([0; 40]);
    icon.extend(&png);
    check(&icon, &[(Kind::Embedded, 78, &png)]);

    let small = thumbnail(4);
    let exif = exif(&small);
    let mut with_exif = png[..33].to_vec();
    with_exif.extend((exif.len() as u32).to_be_bytes());
    with_exif.extend(b"eXIf");
    with_exif.extend(&exif);
    with_exif.extend([0; 4]);
    with_exif.extend(&png[33..]);
    let at = 33 + 8 + behind(2) as usize;
    let found = seen(&with_exif).0;
    assert!(found.iter().any(|seen| seen.offset as usize == at && seen.bytes == small));

    let mut webp = encoded(image::ImageFormat::WebP);
    let at = webp.len() + 8 + behind(2) as usize;
    webp.extend(b"EXIF");
    webp.extend((exif.len() as u32).to_le_bytes());
    webp.extend(&exif);
    let size = (webp.len() as u32 - 8).to_le_bytes();
    webp[4..8].copy_from_slice(&size);
    let found = seen(&webp).0;
    assert!(found.iter().any(|seen| seen.offset as usize == at && seen.bytes == small));
}

#[test]
fn pictures_without_end_are_not_followed_for_ever() {
    let many = b"\xff\xd8\xff\xe0\0\x02".repeat(200_000);
    let (seen, gaps) = seen(&many);
    assert!(gaps.contains(Incomplete::Count));
    assert!(seen.len() <= PICTURES_MAX);
}
