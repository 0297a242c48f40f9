use super::*;

use proptest::prelude::*;

use crate::image::hostile::hostile;

fn of(bytes: &[u8]) -> Result<Header, ImageFault> {
    header(bytes, &Limits::DEFAULT)
}

fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    of(bytes).ok().map(|header| (header.width, header.height))
}

/// A JPEG of segments: marker and body each, then scans' data and the end.
fn jpeg_of(segments: &[(u8, &[u8])], tail: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    for (marker, body) in segments {
        file.extend([0xff, *marker]);
        file.extend((body.len() as u16 + 2).to_be_bytes());
        file.extend(*body);
    }
    file.extend(tail);
    file
}

const FRAME: &[u8] = &[8, 0, 20, 0, 30, 1, 1, 0x11, 0];
const SCAN: &[u8] = &[1, 1, 0, 0, 63, 0];

#[test]
fn jpeg_scans_are_counted_up_to_the_limit() {
    let scan = (0xda, SCAN);
    let of_scans = |count: usize| {
        let segments: Vec<_> = [(0xc2, FRAME)].into_iter().chain(vec![scan; count]).collect();
        jpeg_of(&segments, &[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd9])
    };
    let limit = Limits::DEFAULT.scans as usize;
    for (count, expected) in [(1, Some(1)), (5, Some(5)), (limit, Some(100)), (limit + 1, None)] {
        let found = of(&of_scans(count));
        assert_eq!(found.ok().map(|header| header.scans), expected);
    }
    assert_eq!(of(&of_scans(limit + 1)), Err(ImageFault::Scans));
}

#[test]
fn jpeg_ends_with_its_marker() {
    let cases: [(&[u8], bool); 5] = [
        (&[7, 7, 0xff, 0xd9], true),
        (&[7, 7], false),
        (&[7, 7, 0xff], false),
        (&[7, 0xff, 0, 0xff, 0xd7, 0xff, 0xff, 0xd9, 1, 2, 3], true),
        (&[], false),
    ];
    for (tail, complete) in cases {
        let found = of(&jpeg_of(&[(0xc0, FRAME), (0xda, SCAN)], tail)).unwrap();
        assert_eq!((found.width, found.height, found.complete), (30, 20, complete), "{tail:?}");
    }
}

#[test]
fn jpeg_orientation_is_in_its_exif() {
    let exif = |tag_value: u8| {
        let mut data = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        data.extend([tag_value, 0, 0, 0, 0, 0, 0]);
        data
    };
    for (value, expected) in [(1, Orientation::Upright), (6, Orientation::QuarterTurn)] {
        let file = jpeg_of(&[(0xe1, &exif(value)), (0xc0, FRAME)], &[0xff, 0xd9]);
        assert_eq!(of(&file).unwrap().orientation, expected);
    }
    for value in [0, 9, 255] {
        let file = jpeg_of(&[(0xe1, &exif(value)), (0xc0, FRAME)], &[0xff, 0xd9]);
        assert_eq!(of(&file).unwrap().orientation, Orientation::Upright);
    }
}

#[test]
fn webp_sides_are_in_any_of_three_chunks() {
    let file = |kind: &[u8; 4], data: &[u8]| {
        let length = (data.len() as u32).to_le_bytes();
        [b"RIFF\0\0\0\0WEBP", &kind[..], &length, data].concat()
    };
    let cases = [
        (file(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 0x2c, 0x41, 0xc8, 0x80]), Some((300, 200))),
        (file(b"VP8L", &[0x2f, 0x2b, 0xc1, 0x31, 0, 0]), Some((300, 200))),
        (file(b"VP8X", &[0, 0, 0, 0, 0x2b, 1, 0, 0xc7, 0, 0]), Some((300, 200))),
        (file(b"ALPH", &[0; 20]), None),
        (file(b"VP8 ", &[0; 4]), None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(size(&bytes), expected, "{bytes:?}");
    }
}

#[test]
fn jxl_sides_are_packed_in_bits() {
    // Bits from the lowest on: small, height / 8 - 1 in five, ratio in three, width likewise.
    let small = |height: u64, ratio: u64, width: u64| 1 | height << 1 | ratio << 6 | width << 9;
    // Not small: a selector of the width of the field, then the field.
    let large = |height: u64, width: u64| 1 << 1 | height << 3 | 1 << 19 | width << 21;
    let cases = [
        (small(24, 1, 0), (200, 200)),
        (small(24, 4, 0), (300, 200)),
        (small(1, 0, 31), (256, 16)),
        (large(1079, 1919), (1920, 1080)),
    ];
    for (bits, expected) in cases {
        let bare = [&[0xff, 0x0a][..], &bits.to_le_bytes()].concat();
        assert_eq!(size(&bare), Some(expected));
        let signature = b"\0\0\0\x0cJXL \r\n\x87\n";
        let boxed = [&signature[..], b"\0\0\0\x0cftypjxl ", b"\0\0\0\0jxlc", &bare].concat();
        assert_eq!(size(&boxed), Some(expected));
        let parts = [&signature[..], b"\0\0\0\x20jxlp\0\0\0\0", &bare].concat();
        assert_eq!(size(&parts), Some(expected));
    }
}

#[test]
fn pixels_are_bounded_to_the_last() {
    let png = |width: u32, height: u32| {
        let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", &sides[..], &[8, 2, 0, 0, 0]].concat()
    };
    let limits = Limits { pixels: 10_000, ..Limits::DEFAULT };
    assert!(header(&png(100, 100), &limits).is_ok());
    for (width, height) in [(101, 100), (10_001, 1), (u32::MAX, u32::MAX)] {
        assert_eq!(header(&png(width, height), &limits), Err(ImageFault::Pixels));
    }
    assert_eq!(header(&png(0, 100), &limits), Err(ImageFault::Format));
}

#[test]
fn heif_turns_come_before_mirrors() {
    let cases: [(&[Property<'_>], Orientation); 7] = [
        (&[], Orientation::Upright),
        (&[(b"irot", &[1])], Orientation::QuarterTurnBack),
        (&[(b"irot", &[2])], Orientation::HalfTurn),
        (&[(b"irot", &[3])], Orientation::QuarterTurn),
        (&[(b"imir", &[0])], Orientation::MirroredTopBottom),
        (&[(b"irot", &[1]), (b"imir", &[0])], Orientation::Transposed),
        (&[(b"irot", &[1]), (b"imir", &[1])], Orientation::Transversed),
    ];
    for (properties, expected) in cases {
        assert_eq!(of(&heif_of(properties)).unwrap().orientation, expected, "{properties:?}");
    }
}

/// Name and body of an item's property.
type Property<'a> = (&'a [u8; 4], &'a [u8]);

/// An AVIF of one item with these properties behind its size.
fn heif_of(properties: &[Property<'_>]) -> Vec<u8> {
    let media_box = |kind: &[u8; 4], body: &[u8]| {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    };
    let mut list = media_box(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 30]);
    let mut associations = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 1, properties.len() as u8 + 1, 1];
    for (place, (kind, body)) in (2..).zip(properties) {
        list.extend(media_box(kind, body));
        associations.push(place);
    }
    let body = [media_box(b"ipco", &list), media_box(b"ipma", &associations)].concat();
    let info = media_box(b"infe", b"\x02\0\0\0\0\x01\0\0av01\0");
    let meta = [
        vec![0; 4],
        media_box(b"pitm", &[0, 0, 0, 0, 0, 1]),
        media_box(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &info].concat()),
        media_box(b"iprp", &body),
    ];
    [media_box(b"ftyp", b"avif\0\0\0\0"), media_box(b"meta", &meta.concat())].concat()
}

#[test]
fn a_ring_of_pages_ends_at_the_limit() {
    let ring = hostile().into_iter().find(|image| image.name.contains("ring")).unwrap();
    let found = header(&ring.bytes, &Limits { frames: 7, ..Limits::DEFAULT }).unwrap();
    assert_eq!(found.frames, 8);
}

#[test]
fn behind_the_last_page_of_a_tiff_there_is_none() {
    // Read as a page, the header would have an entry at 14, which says that there are more below.
    let mut file = b"II*\0\x1a\0\0\0".to_vec();
    file.resize(14, 0);
    file.extend([0x4a, 1, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(file.len(), 0x1a);
    let width = [0, 1, 4, 0, 1, 0, 0, 0, 9, 0, 0, 0];
    file.extend([&[1, 0][..], &width, &[0; 4]].concat());
    // As many entries as would be read.
    file.resize(16 << 10, 0);
    assert!(!has_sub_directories(&file));
    // The same entry in its page.
    file[0x1c..0x1e].copy_from_slice(&[0x4a, 1]);
    assert!(has_sub_directories(&file));
}

proptest! {
    /// Whatever follows a signature, reading ends, and in an answer.
    #[test]
    fn no_bytes_panic(start in 0_usize..64, noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let images = hostile();
        let image = &images[start % images.len()].bytes;
        let kept = image.len().min(start + 12);
        let bytes = [&image[..kept], &noise].concat();
        if let Ok(found) = of(&bytes) {
            prop_assert!(found.pixels() > 0 && found.pixels() <= Limits::DEFAULT.pixels);
        }
    }
}
