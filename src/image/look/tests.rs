use super::*;

use std::path::Path;

use crate::image::hostile::hostile;
use crate::image::{Format, Orientation, Pdq, PerceptualAlgorithm};

const VECTORS: &str = include_str!("../../../tests/vectors/images.txt");

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    std::fs::read(folder.join(name)).unwrap()
}

/// Photos of tests/data, hashed by Meta's own implementation.
#[test]
fn photos_have_the_hashes_of_the_reference() {
    let vectors = include_str!("../../../tests/vectors/pdq.txt");
    let photos = vectors.lines().filter_map(|line| line.split_once(".jpg "));
    let mut seen = 0;
    for (name, rest) in photos {
        let mut words = rest.split_whitespace();
        let convention = words.next().unwrap();
        let convention = Convention::ALL.into_iter().find(|c| c.name() == convention).unwrap();
        let quality: u8 = words.next().unwrap().parse().unwrap();
        let expected: Pdq = words.next().unwrap().parse().unwrap();
        for (colour, bits) in [(true, 2), (false, 4)] {
            let wanted = Wanted { colour, conventions: vec![convention], ..Wanted::default() };
            let found = looked(&file(&format!("../{name}.jpg")), &wanted).unwrap().pdq[0];
            let distance = found.fingerprint.pdq().distance(&expected);
            assert!(distance <= bits, "{name} {convention:?} {colour} {distance}");
            assert_eq!(found.fingerprint.quality, quality, "{name} {convention:?} {colour}");
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

fn looked(bytes: &[u8], wanted: &Wanted) -> Result<Looks, ImageFault> {
    look(bytes, &Limits::DEFAULT, wanted, &|| false)
}

struct Vector {
    name: &'static str,
    format: Format,
    size: (u32, u32),
    frames: u32,
    quality: u8,
    pdq: Pdq,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let vector = |line: &'static str| {
        let mut words = line.split_whitespace();
        let (name, format) = (words.next().unwrap(), words.next().unwrap());
        let format = Format::ALL.into_iter().find(|known| known.name() == format).unwrap();
        let mut number = || words.next().unwrap().parse().unwrap();
        let (size, frames, quality) = ((number(), number()), number(), number() as u8);
        Vector { name, format, size, frames, quality, pdq: words.next().unwrap().parse().unwrap() }
    };
    lines.map(vector).collect()
}

/// What our decoders and Pillow's may differ by, in bits.
fn bits_allowed(vector: &Vector, colour: bool) -> u32 {
    match vector.format {
        // Chroma is interpolated differently, and the files are small.
        Format::Avif | Format::Heic | Format::WebP => 8,
        _ if colour => 4,
        _ => 6,
    }
}

#[test]
fn every_kind_of_image_is_seen_as_others_see_it() {
    for colour in [true, false] {
        let mut wrong = Vec::new();
        for vector in vectors() {
            let found = looked(&file(vector.name), &Wanted { colour, ..Wanted::default() });
            let Ok(found) = found else {
                wrong.push(format!("{} {found:?}", vector.name));
                continue;
            };
            let size = (found.header.width, found.header.height);
            let facts = (found.header.format, size, found.frames);
            if facts != (vector.format, vector.size, vector.frames) {
                wrong.push(format!("{} {facts:?}", vector.name));
            }
            let Some(look) = found.pdq.first() else {
                wrong.push(format!("{} {found:?}", vector.name));
                continue;
            };
            let distance = look.fingerprint.pdq().distance(&vector.pdq);
            let quality = look.fingerprint.quality.abs_diff(vector.quality);
            if distance > bits_allowed(&vector, colour) || quality > 2 {
                wrong.push(format!("{} distance {distance} quality {quality}", vector.name));
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "colour {colour}");
    }
}

#[test]
fn hostile_images_end_in_the_fault_that_they_provoke() {
    let mut wrong = Vec::new();
    for image in hostile() {
        let found = match looked(&image.bytes, &Wanted::default()) {
            Ok(looks) => looks.fault,
            Err(fault) => Some(fault),
        };
        if found != Some(image.fault) {
            wrong.push(format!("{}: {found:?}", image.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_cut_jpeg_is_looked_at_and_not_acquitted() {
    for name in ["baseline.jpg", "progressive.jpg", "rgb.png", "interlaced.png", "animated.gif"] {
        let whole = file(name);
        let found = looked(&whole[..whole.len() * 4 / 5], &Wanted::default()).unwrap();
        assert_eq!(found.fault, Some(ImageFault::Truncated), "{name}");
        assert!(!found.pdq.is_empty(), "{name}");
        assert_eq!(looked(&whole, &Wanted::default()).unwrap().fault, None, "{name}");
    }
}

#[test]
fn no_cut_of_an_image_passes_for_whole_or_panics() {
    for vector in vectors() {
        let whole = file(vector.name);
        for tenth in 0..10 {
            let found = looked(&whole[..whole.len() * tenth / 10], &Wanted::default());
            let fault = found.as_ref().map_or_else(|fault| Some(*fault), |looks| looks.fault);
            assert_ne!(fault, Some(ImageFault::Decoder), "{} at {tenth}", vector.name);
            assert!(fault.is_some(), "{} at {tenth}", vector.name);
        }
    }
}

#[test]
fn transparency_is_shown_on_both_and_dropped() {
    for name in ["alpha.png", "alpha.webp", "alpha.avif", "alpha.heic", "alpha.jxl"] {
        let found = looked(&file(name), &Wanted::default()).unwrap();
        let backgrounds: Vec<_> = found.pdq.iter().map(|look| look.source.background).collect();
        assert_eq!(backgrounds, Background::ALL, "{name}");
    }
    let opaque = looked(&file("lossless.webp"), &Wanted::default()).unwrap();
    assert_eq!(opaque.pdq.len(), 1);
}

#[test]
fn animations_are_composed_and_looked_at_from_end_to_end() {
    // The frames show the photo upright, upside down, and mirrored.
    let upright = looked(&file("rgb.png"), &Wanted::default()).unwrap().pdq[0].fingerprint;
    let expected = [0, 2, 5].map(|orientation| upright.orientations[orientation]);
    for name in ["animated.gif", "animated.png", "animated.webp", "pages.tiff"] {
        let found = looked(&file(name), &Wanted::default()).unwrap();
        let frames: Vec<_> = found.pdq.iter().map(|look| look.source.frame).collect();
        assert_eq!(frames, [0, 1, 2], "{name}");
        for (look, expected) in found.pdq.iter().zip(&expected) {
            assert!(look.fingerprint.pdq().distance(expected) <= 31, "{name} {look:?}");
        }
    }
    // Of an image sequence the picture that stands for it.
    let sequence = looked(&file("animated.avif"), &Wanted::default()).unwrap();
    assert_eq!((sequence.pdq.len(), sequence.fault), (1, Some(ImageFault::Frames)));
}

#[test]
fn a_tiff_with_more_below_its_pages_is_not_acquitted() {
    let mut bytes = file("palette.tiff");
    // Some tag that nothing depends on becomes the one of sub-directories.
    let directory = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let entries = bytes[directory + 2..].chunks_exact(12);
    let at = entries.take(20).position(|entry| entry[..2] == 284_u16.to_le_bytes()).unwrap();
    bytes[directory + 2 + 12 * at..][..2].copy_from_slice(&330_u16.to_le_bytes());
    let found = looked(&bytes, &Wanted::default()).unwrap();
    assert_eq!((found.pdq.len(), found.fault), (1, Some(ImageFault::Format)));
}

#[test]
fn frames_are_chosen_evenly() {
    let chosen = |count: u32, wanted: u32| -> Vec<u32> {
        (0..count).filter(|index| is_chosen(*index, count, wanted)).collect()
    };
    assert_eq!(chosen(1, 8), [0]);
    assert_eq!(chosen(3, 8), [0, 1, 2]);
    assert_eq!(chosen(8, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(chosen(100, 1), [0]);
    assert_eq!(chosen(100, 2), [0, 99]);
    assert_eq!(chosen(101, 5), [0, 25, 50, 75, 100]);
    for (count, wanted) in [(9, 8), (17, 8), (1000, 8), (4_000, 3), (13, 12)] {
        let frames = chosen(count, wanted);
        assert_eq!(frames.len(), wanted as usize, "{count} {wanted} {frames:?}");
        assert_eq!((frames[0], frames[frames.len() - 1]), (0, count - 1));
    }
}

#[test]
fn limits_hold_for_each_kind_of_image() {
    let limited = |name: &str, limits: Limits| {
        let found = look(&file(name), &limits, &Wanted::default(), &|| false);
        found.map_or_else(Some, |looks| looks.fault)
    };
    let few_pixels = Limits { pixels: 1000, ..Limits::DEFAULT };
    let little_memory = Limits { memory: 10_000, ..Limits::DEFAULT };
    for vector in vectors() {
        assert_eq!(limited(vector.name, few_pixels), Some(ImageFault::Pixels), "{}", vector.name);
        assert_eq!(
            limited(vector.name, little_memory),
            Some(ImageFault::Memory),
            "{}",
            vector.name
        );
    }
    let few_frames = Limits { frames: 2, ..Limits::DEFAULT };
    for name in ["animated.gif", "animated.png", "animated.webp", "pages.tiff"] {
        assert_eq!(limited(name, few_frames), Some(ImageFault::Frames), "{name}");
    }
    let few_scans = Limits { scans: 2, ..Limits::DEFAULT };
    assert_eq!(limited("progressive.jpg", few_scans), Some(ImageFault::Scans));
}

#[test]
fn the_time_is_up_when_the_caller_says_so() {
    for vector in vectors() {
        let found = look(&file(vector.name), &Limits::DEFAULT, &Wanted::default(), &|| true);
        assert_eq!(found, Err(ImageFault::Time), "{}", vector.name);
    }
}

#[test]
fn all_that_is_wanted_is_found() {
    let kind = PerceptualKind::new(PerceptualAlgorithm::Median, 16, true).unwrap();
    let wanted = Wanted {
        conventions: Convention::ALL.to_vec(),
        variants: [&Variant::PADS[..], &Variant::CROPS, &Variant::TURNS].concat(),
        kinds: vec![kind],
        ..Wanted::default()
    };
    let found = looked(&file("alpha.png"), &wanted).unwrap();
    let expected = Background::ALL.len() * (wanted.conventions.len() + wanted.variants.len());
    assert_eq!(found.pdq.len(), expected);
    assert_eq!(found.perceptual.len(), Background::ALL.len());
    assert!(found.perceptual.iter().all(|look| look.hash.len() == kind.hash_bytes()));
}

#[test]
fn orientation_tags_are_applied_exactly() {
    let upright = looked(&file("rgb.png"), &Wanted::default()).unwrap();
    let turned = looked(&file("turned.png"), &Wanted::default()).unwrap();
    assert_eq!(turned.header.orientation, Orientation::QuarterTurn);
    let distance =
        |a: &Looks, b: &Looks| a.pdq[0].fingerprint.pdq().distance(&b.pdq[0].fingerprint.pdq());
    assert!(distance(&upright, &turned) <= 2);
}
