use super::naive::{LumaPlane, Naive};
use super::*;

use proptest::prelude::*;

const VECTORS: &str = include_str!("../../../tests/vectors/pdq.txt");

/// A picture that anybody can make again: red, green and blue at (x, y), all modulo 256,
/// then shifted to be fainter.
fn pattern(width: u32, height: u32, shift: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let red = 3 * x + x * y / 64;
        let green = 5 * y + x * x / 97;
        let blue = 7 * (x + y) + y * y / 51;
        [red as u8 >> shift, green as u8 >> shift, blue as u8 >> shift]
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

/// A line of the vectors: what was hashed, how, and what the reference says.
struct Vector {
    name: &'static str,
    convention: Convention,
    expected: Fingerprint,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let vectors: Vec<Vector> = lines.map(vector).collect();
    assert!(vectors.len() > 20);
    vectors
}

fn vector(line: &'static str) -> Vector {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap();
    let (name, convention, quality) = (word(), word(), word().parse().unwrap());
    let convention = Convention::ALL.into_iter().find(|c| c.name() == convention).unwrap();
    let orientations = std::array::from_fn(|_| word().parse().unwrap());
    Vector { name, convention, expected: Fingerprint { orientations, quality } }
}

/// The picture that a vector names, where it is a pattern: `pattern-640x427-2`.
fn named(name: &str) -> Option<(u32, u32, Vec<u8>)> {
    let numbers = name.strip_prefix("pattern-")?.split(['x', '-']);
    let numbers: Vec<u32> = numbers.map(|number| number.parse().unwrap()).collect();
    let [width, height, shift] = numbers[..] else { panic!("{name}") };
    Some((width, height, pattern(width, height, shift)))
}

#[test]
fn the_naive_twin_says_what_the_reference_says() {
    for Vector { name, convention, expected } in vectors() {
        let Some((width, height, rgb)) = named(name) else { continue };
        let plane = LumaPlane::from_rgb(width, height, &rgb).unwrap();
        let found = Naive::of(plane, convention).unwrap().fingerprint;
        assert_eq!(found, expected, "{name} {convention:?}");
    }
}

#[test]
fn weights_say_what_the_reference_says() {
    for Vector { name, convention, expected } in vectors() {
        let Some((width, height, rgb)) = named(name) else { continue };
        let found = Fingerprint::of_rgb(width, height, &rgb, convention).unwrap();
        for (found, expected) in found.orientations.iter().zip(&expected.orientations) {
            assert!(found.distance(expected) <= 2, "{name} {convention:?}");
        }
        assert_eq!(found.quality, expected.quality, "{name} {convention:?}");
    }
}

fn picture() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
    (5_u32..600, 5_u32..200, 0_u8..=255, 1_u8..=255).prop_flat_map(|(width, height, low, span)| {
        let value = low.saturating_sub(span)..=low;
        let luma = prop::collection::vec(value, (width * height) as usize);
        luma.prop_map(move |luma| (width, height, luma))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn weights_find_what_the_naive_twin_finds((width, height, luma) in picture()) {
        for convention in Convention::ALL {
            let plane = LumaPlane::from_luma(width, height, &luma).unwrap();
            let naive = Naive::of(plane, convention).unwrap();
            let fast = Fingerprint::of_luma(width, height, &luma, convention).unwrap();
            prop_assert!(naive.agrees_with(&fast), "{naive:?} {fast:?}");
        }
    }
}

/// Bands of light and dark of all directions, without edges: a pixel's shift changes few bits.
fn waves(x: u32, y: u32) -> u8 {
    let phase = (x * x + 3 * x * y) / 1500 + 2 * y;
    (phase % 510).min(510 - phase % 510) as u8
}

#[test]
fn orientations_are_those_of_turned_pictures() {
    let (width, height) = (640_u32, 896_u32);
    let (w, h) = (width - 1, height - 1);
    // Where the pixel (x, y) of the turned picture comes from, and whether its sides are swapped.
    type Turn = fn(u32, u32, u32, u32) -> (u32, u32);
    let turns: [(Turn, bool); ORIENTATIONS] = [
        (|x, y, _, _| (x, y), false),
        (|x, y, w, _| (w - y, x), true),
        (|x, y, w, h| (w - x, h - y), false),
        (|x, y, _, h| (y, h - x), true),
        (|x, y, _, h| (x, h - y), false),
        (|x, y, w, _| (w - x, y), false),
        (|x, y, _, _| (y, x), true),
        (|x, y, w, h| (w - y, h - x), true),
    ];
    let hash = |columns: u32, rows: u32, turn: Turn| {
        let pixels = (0..rows).flat_map(|y| (0..columns).map(move |x| turn(x, y, w, h)));
        let luma: Vec<u8> = pixels.map(|(x, y)| waves(x, y)).collect();
        Fingerprint::of_luma(columns, rows, &luma, Convention::Full).unwrap()
    };
    let found = hash(width, height, turns[0].0).orientations;
    for (k, (turn, swapped)) in turns.into_iter().enumerate() {
        let (columns, rows) = if swapped { (height, width) } else { (width, height) };
        let exact = hash(columns, rows, turn).pdq();
        let nearest = (0..ORIENTATIONS).min_by_key(|i| exact.distance(&found[*i]));
        assert_eq!(nearest, Some(k));
        assert!(exact.distance(&found[k]) <= 30, "{k}: {}", exact.distance(&found[k]));
    }
}

/// What [`Fingerprinter`] finds of small pictures is what they have when they are turned first.
#[test]
fn small_pictures_are_mirrored_exactly() {
    let (width, height) = (300_u32, 210_u32);
    let (w, h) = (width - 1, height - 1);
    let luma = |columns: u32, rows: u32, turn: &dyn Fn(u32, u32) -> (u32, u32)| -> Vec<u8> {
        let places = (0..columns * rows).map(|i| turn(i % columns, i / columns));
        places.map(|(x, y)| waves(3 * x, 2 * y)).collect()
    };
    let found = |columns: u32, rows: u32, luma: &[u8], transposed: bool| {
        let (columns, rows) = (Side::whole(columns as usize), Side::whole(rows as usize));
        let mut prints = Fingerprinter::new(Aim { columns, rows, transposed });
        let rows = luma.chunks_exact(columns.stored).enumerate();
        rows.for_each(|(y, row)| prints.push(y, Row::Bytes(row)));
        prints.finish()
    };
    let plain = found(width, height, &luma(width, height, &|x, y| (x, y)), false);
    // Mirrored left to right, and then once more: by which orientation the picture is back.
    let mirrored = luma(width, height, &|x, y| (w - x, y));
    assert!(found(width, height, &mirrored, false).orientations[5].distance(&plain.pdq()) <= 2);
    let turned = luma(width, height, &|x, y| (w - x, h - y));
    assert!(found(width, height, &turned, false).orientations[2].distance(&plain.pdq()) <= 2);
    // Turned clockwise, so that a turn anticlockwise brings it back.
    let clockwise = luma(height, width, &|x, y| (y, h - x));
    assert!(found(height, width, &clockwise, false).orientations[1].distance(&plain.pdq()) <= 2);
    let anticlockwise = luma(height, width, &|x, y| (w - y, x));
    // Transposed after that, it is the mirrored picture.
    let found = found(height, width, &anticlockwise, true);
    assert!(found.orientations[5].distance(&plain.pdq()) <= 2);
}

#[test]
fn the_complement_is_the_hash_of_the_negative() {
    let rgb = pattern(320, 200, 0);
    let negative: Vec<u8> = rgb.iter().map(|value| 255 - value).collect();
    let hash = |rgb| Fingerprint::of_rgb(320, 200, rgb, Convention::Full).unwrap().pdq();
    assert!(hash(&rgb).complement().distance(&hash(&negative)) <= 2);
}

#[test]
fn a_flat_picture_has_no_quality() {
    assert_eq!(Fingerprint::of_luma(80, 80, &[90; 6400], Convention::Full).unwrap().quality, 0);
}

#[test]
fn a_hash_takes_all_its_pixels_and_five_a_side() {
    let hashed = |width, height, bytes: usize| {
        Fingerprint::of_luma(width, height, &vec![7; bytes], Convention::Full).is_some()
    };
    assert!(hashed(5, 5, 25));
    for (width, height, bytes) in [(5, 5, 24), (5, 5, 26), (4, 5, 20), (5, 4, 20), (0, 0, 0)] {
        assert!(!hashed(width, height, bytes), "{width}x{height}");
    }
    assert!(!hashed(u32::MAX, u32::MAX, 1));
}
