use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::recorder::{Recorder, Seen};
use super::super::view::Gaps;
use super::super::{Options, views};
use super::*;

mod inner;

const CACTUS: &[u8] = include_bytes!("../../../tests/data/notocactus-minimus.jpg");
const FLOWER: &[u8] = include_bytes!("../../../tests/data/polemonium-reptans.jpg");

const PICTURES: Options = Options { embedded: true, trimmed: true, ..Options::NONE };

/// The views of a payload, each with its kind, its offset and its bytes.
fn seen(payload: &[u8]) -> (Vec<Seen>, Gaps) {
    let mut recorder = Recorder::new(payload);
    let gaps = views(payload, &[], PICTURES, Limits::default(), &mut recorder);
    (recorder.into_seen(), gaps)
}

#[track_caller]
fn check(payload: &[u8], expected: &[(Kind, usize, &[u8])]) {
    let (seen, gaps) = seen(payload);
    assert_eq!(gaps, Gaps::NONE);
    let found: Vec<_> =
        seen.iter().map(|seen| (seen.kind, seen.offset as usize, seen.bytes.len())).collect();
    let lengths: Vec<_> =
        expected.iter().map(|(kind, at, bytes)| (*kind, *at, bytes.len())).collect();
    assert_eq!(found, lengths);
    for (seen, expected) in seen.iter().zip(expected) {
        assert!(seen.bytes == expected.2, "{} at {}", seen.kind, seen.offset);
        assert_eq!(seen.format, sniff(expected.2));
    }
}

fn encoded(format: image::ImageFormat) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 99]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::from(picture).write_to(&mut bytes, format).expect("a small picture");
    bytes.into_inner()
}

fn avif() -> Vec<u8> {
    let mut file = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".to_vec();
    file.extend(b"\0\0\0\x0cmeta\0\0\0\0\0\0\0\x10mdat12345678");
    file
}

/// One picture of each format whose end can be told.
fn pictures() -> Vec<(Format, Vec<u8>)> {
    PICTURES_BY_FORMAT.clone()
}

static PICTURES_BY_FORMAT: LazyLock<Vec<(Format, Vec<u8>)>> = LazyLock::new(|| {
    vec![
        (Format::Jpeg, CACTUS.to_vec()),
        (Format::Png, encoded(image::ImageFormat::Png)),
        (Format::Gif, encoded(image::ImageFormat::Gif)),
        (Format::WebP, encoded(image::ImageFormat::WebP)),
        (Format::Bmp, encoded(image::ImageFormat::Bmp)),
        (Format::Avif, avif()),
        (Format::Jxl, b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x0cjxlc\xff\x0a\0\0".to_vec()),
    ]
});

#[test]
fn a_picture_ends_where_its_format_says() {
    for (format, picture) in pictures() {
        assert_eq!(extent(format, &picture), Some(picture.len()), "{format}");
        let longer = [picture.as_slice(), b"and then something else"].concat();
        assert_eq!(extent(format, &longer), Some(picture.len()), "{format}");
        for cut in 0..picture.len().min(3000) {
            let found = extent(format, &picture[..cut]);
            assert!(found.is_none_or(|end| end <= cut), "{format} cut at {cut}: {found:?}");
        }
        let last = picture.len() - 1;
        let found = extent(format, &picture[..last]);
        assert!(found.is_none() || format == Format::Jxl || format == Format::Avif, "{format}");
    }
}

#[test]
fn what_stands_behind_a_picture_is_trimmed_away() {
    for (_, picture) in pictures() {
        check(&picture, &[]);
        let longer = [picture.as_slice(), b" and some junk"].concat();
        check(&longer, &[(Kind::Trimmed, 0, &picture)]);
    }
}

#[test]
fn pictures_behind_other_bytes_are_found() {
    for (_, picture) in pictures() {
        let payload = [b"%junk before it\n".as_slice(), &picture, b" and behind"].concat();
        check(&payload, &[(Kind::Embedded, 16, &picture)]);
    }
    // Without an end of its own it goes on to the end.
    let tiff = encoded(image::ImageFormat::Tiff);
    check(&[b"....".as_slice(), &tiff].concat(), &[(Kind::Embedded, 4, &tiff)]);
}

#[test]
fn a_picture_behind_a_picture_is_found_wherever_that_ends() {
    let both = [CACTUS, FLOWER].concat();
    check(&both, &[(Kind::Trimmed, 0, CACTUS), (Kind::Embedded, CACTUS.len(), FLOWER)]);
    // Further on than is searched from the beginning.
    let mut large = b"\x89PNG\r\n\x1a\n".to_vec();
    large.extend((3u32 << 20).to_be_bytes());
    large.extend(b"IDAT");
    large.resize(large.len() + (3 << 20) + 4, 0);
    large.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    let payload = [large.as_slice(), b"gap", FLOWER].concat();
    check(&payload, &[(Kind::Trimmed, 0, &large), (Kind::Embedded, large.len() + 3, FLOWER)]);
}

#[test]
fn only_the_first_bytes_are_searched() {
    let limits = Limits::default();
    for (at, found) in [(limits.search_bytes_max - 1, 1), (limits.search_bytes_max, 0)] {
        let mut payload = vec![b'.'; at];
        payload.extend(FLOWER);
        assert_eq!(seen(&payload).0.len(), found, "{at}");
    }
}

#[test]
fn candidates_beyond_the_bound_are_told() {
    let one = b"GIF89a and no more. ".to_vec();
    for (count, expected) in [
        (16, Gaps::NONE),
        (17, {
            let mut gaps = Gaps::NONE;
            gaps.add(Incomplete::Count);
            gaps
        }),
    ] {
        let (seen, gaps) = seen(&[b".".to_vec(), one.repeat(count)].concat());
        assert_eq!((seen.len(), gaps), (16, expected), "{count}");
    }
}

#[test]
fn what_only_resembles_a_picture_is_none() {
    for text in [
        b".BMW and other cars, and a long text behind them that goes on and on".as_slice(),
        b".II* is two of a kind",
        b".\xff\xd8\xff\x00",
        b".\xff\x0a and no JPEG XL",
        b".RIFF\x10\0\0\0WAVEfmt ",
        b".\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        b".\0\0\x01\0\x01\0\x10\x10\0\0\0\0\0\0\0\0\0\0\x16\0\0\0",
    ] {
        check(text, &[]);
    }
}

/// Every cut in two, and byte by byte.
fn search_every_way(body: &[u8], limits: &Limits) -> Vec<Candidate> {
    let find = |pieces: &[&[u8]]| {
        let mut found = Vec::new();
        let mut search = Search::new(limits);
        for piece in pieces {
            search.push(piece, &mut |candidate| found.push(candidate));
        }
        search.finish(&mut |candidate| found.push(candidate));
        found
    };
    let whole = find(&[body]);
    for at in 0..=body.len() {
        let (a, b) = body.split_at(at);
        assert_eq!(find(&[a, b]), whole, "cut at {at}");
    }
    assert_eq!(find(&body.chunks(1).collect::<Vec<_>>()), whole);
    assert_eq!(find(&body.chunks(63).collect::<Vec<_>>()), whole);
    assert_eq!(find(&body.chunks(65).collect::<Vec<_>>()), whole);
    assert_eq!(naive_search(body, limits), whole, "the naive twin");
    whole
}

#[test]
fn candidates_are_found_across_every_cut() {
    let heads: Vec<Vec<u8>> = pictures()
        .into_iter()
        .map(|(_, picture)| picture[..picture.len().min(70)].to_vec())
        .collect();
    let limits = Limits::default();
    let formats = |body: &[u8]| {
        search_every_way(body, &limits).into_iter().map(|found| found.format).collect::<Vec<_>>()
    };
    let body = [b"x".to_vec(), heads.concat()].concat();
    assert_eq!(
        formats(&body),
        pictures().into_iter().map(|(format, _)| format).collect::<Vec<_>>()
    );
    // Marks that overlap: the second is no less a beginning.
    assert_eq!(formats(b"xBMM\0*\0\0\0\x08..........................."), [Format::Tiff]);
    assert_eq!(formats(b"xGIGIF89a"), [Format::Gif]);
    let few = Limits { candidates_max: 2, search_bytes_max: 150, ..limits };
    assert_eq!(search_every_way(&body, &few).len(), 2);
    assert_eq!(search_every_way(&body[..1], &few), []);
    assert_eq!(search_every_way(&body, &Limits { search_bytes_max: 0, ..limits }), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Bytes that are made of marks, whole and in part.
    #[test]
    fn the_search_finds_what_the_naive_one_does(
        parts in prop::collection::vec(prop::sample::select(vec![
            b"\xff\xd8\xff".to_vec(), b"\xff".to_vec(), b"\xe0".to_vec(), b"\x89PNG\r\n\x1a\n".to_vec(),
            b"GIF8".to_vec(), b"9a".to_vec(), b"RIFF".to_vec(), b"WEBP".to_vec(), b"\0\0\0\x10".to_vec(),
            b"ftyp".to_vec(), b"avif".to_vec(), b"JXL \r\n\x87\n".to_vec(), b"\0\0\0\x0c".to_vec(),
            b"II*\0".to_vec(), b"MM\0*".to_vec(), b"\x08\0\0\0".to_vec(), b"BM".to_vec(),
            encoded(image::ImageFormat::Bmp)[2..60].to_vec(), vec![0; 50],
        ]), 0..40),
        search_bytes_max in 0usize..600,
        candidates_max in 0usize..6,
    ) {
        let limits = Limits { search_bytes_max, candidates_max, ..Limits::default() };
        search_every_way(&parts.concat(), &limits);
    }

    /// Hostile bytes behind a signature: no panic, and every range lies in the payload.
    #[test]
    fn ranges_lie_in_the_payload(
        format in 0usize..7,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut payload = pictures().swap_remove(format).1;
        payload.truncate(5000);
        payload.extend(b"behind it");
        let length = payload.len().min(300);
        for (at, byte) in damage {
            payload[at.index(length)] = byte;
        }
        seen(&payload);
    }
}
