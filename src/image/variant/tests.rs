use super::*;
use crate::image::pdq::{Convention, Row};
use crate::image::reduced::Reducer;

/// Shapes of all sizes: a picture of it has quality.
fn scene(x: f32, y: f32) -> u8 {
    let bumps = (x * 9.0).sin() * (y * 7.0).cos() + (x * 3.1 + y * 5.3).sin();
    let fine = (x * 31.0 + (y * 17.0).sin() * 2.0).sin() * 0.5;
    (120.0 + 45.0 * (bumps + fine)) as u8
}

/// A part of the scene, which spans 0.0..1.0.
fn view(width: usize, height: usize, (x, y, w, h): (f32, f32, f32, f32)) -> Vec<u8> {
    let at = |i: usize| {
        let (u, v) = ((i % width) as f32 + 0.5, (i / width) as f32 + 0.5);
        scene(x + w * u / width as f32, y + h * v / height as f32)
    };
    (0..width * height).map(at).collect()
}

fn reduced(width: usize, luma: &[u8]) -> Reduced {
    let mut reducer = Reducer::new(width, luma.len() / width);
    luma.chunks_exact(width).for_each(|row| reducer.push(Row::Bytes(row)));
    reducer.finish()
}

fn original() -> Fingerprint {
    let luma = view(1600, 1200, (0.0, 0.0, 1.0, 1.0));
    Fingerprint::of_luma(1600, 1200, &luma, Convention::Full).unwrap()
}

fn variant_distance(width: usize, luma: &[u8], variant: Variant) -> u32 {
    let found = fingerprint(&reduced(width, luma), variant, Orientation::Upright);
    found.map_or(999, |found| found.pdq().distance(&original().pdq()))
}

#[test]
fn the_reduced_whole_is_the_whole() {
    let luma = view(1600, 1200, (0.0, 0.0, 1.0, 1.0));
    assert!(variant_distance(1600, &luma, Variant::Whole) <= 2);
    assert!(original().quality >= 50);
}

#[test]
fn a_small_picture_is_reduced_to_itself() {
    let luma = view(500, 380, (0.0, 0.0, 1.0, 1.0));
    let exact = Fingerprint::of_luma(500, 380, &luma, Convention::Full).unwrap();
    let found = fingerprint(&reduced(500, &luma), Variant::Whole, Orientation::Upright);
    assert!(found.unwrap().pdq().distance(&exact.pdq()) <= 2);
}

/// A picture 1600 pixels wide in a frame, and the width of both.
fn framed(picture: &[u8], left: usize, top: usize, shade: u8) -> (usize, Vec<u8>) {
    let (width, height) = (1600 + 2 * left, picture.len() / 1600 + 2 * top);
    let mut framed = vec![shade; width * height];
    for (y, row) in picture.chunks_exact(1600).enumerate() {
        framed[(top + y) * width + left..][..1600].copy_from_slice(row);
    }
    (width, framed)
}

#[test]
fn borders_are_trimmed() {
    for (left, top, shade) in [(80, 60, 0), (200, 0, 255), (0, 160, 17), (33, 47, 128)] {
        let picture = view(1600, 1200, (0.0, 0.0, 1.0, 1.0));
        let (width, framed) = framed(&picture, left, top, shade);
        let distance = variant_distance(width, &framed, Variant::Trimmed);
        assert!(distance <= 16, "{left} {top}: {distance}");
    }
}

/// A plain sky was cut off with the border before it, and the picture no longer found.
#[test]
fn what_is_plain_behind_a_border_stays() {
    let mut picture = vec![200; 1600 * 300];
    picture.extend(view(1600, 900, (0.0, 0.0, 1.0, 0.75)));
    let original = Fingerprint::of_luma(1600, 1200, &picture, Convention::Full).unwrap();
    for (left, top) in [(80, 60), (0, 160)] {
        let (width, framed) = framed(&picture, left, top, 0);
        let reduced = reduced(width, &framed);
        let found = fingerprint(&reduced, Variant::Trimmed, Orientation::Upright).unwrap();
        let distance = found.pdq().distance(&original.pdq());
        assert!(distance <= 16, "{left} {top}: {distance}");
    }
}

#[test]
fn a_caption_is_left_out() {
    let mut captioned = vec![250; 1600 * 300];
    // Lines of "text" with white between them.
    for y in (40..260).filter(|y| y % 60 < 30) {
        (0..1600).filter(|x| x / 11 % 2 == 0).for_each(|x| captioned[y * 1600 + x] = 10);
    }
    captioned.extend(view(1600, 1200, (0.0, 0.0, 1.0, 1.0)));
    let distance = variant_distance(1600, &captioned, Variant::Block);
    assert!(distance <= 16, "{distance}");
}

#[test]
fn what_has_no_border_has_no_trimmed_variant() {
    let plain = reduced(900, &view(900, 700, (0.0, 0.0, 1.0, 1.0)));
    let flat = reduced(900, &vec![7; 900 * 700]);
    for picture in [plain, flat] {
        for variant in Variant::TRIMS {
            assert_eq!(fingerprint(&picture, variant, Orientation::Upright), None);
        }
    }
}

#[test]
fn a_margin_is_the_reflection() {
    let (width, height) = (1520_usize, 1140_usize);
    let cut = view(width, height, (0.025, 0.025, 0.95, 0.95));
    let mirrored = |at: usize, margin: usize, side: usize| match at.checked_sub(margin) {
        None => margin - 1 - at,
        Some(inside) if inside < side => inside,
        Some(inside) => 2 * side - 1 - inside,
    };
    let at = |i: usize| {
        let (x, y) = (mirrored(i % 1600, 40, width), mirrored(i / 1600, 30, height));
        cut[y * width + x]
    };
    let framed: Vec<u8> = (0..1600 * 1200).map(at).collect();
    let framed = Fingerprint::of_luma(1600, 1200, &framed, Convention::Full).unwrap();
    let found = fingerprint(&reduced(width, &cut), Variant::Padded(50), Orientation::Upright);
    assert!(found.unwrap().pdq().distance(&framed.pdq()) <= 4);
}

#[test]
fn enrolled_crops_are_hashes_of_the_crop() {
    let enrolled = reduced(1600, &view(1600, 1200, (0.0, 0.0, 1.0, 1.0)));
    let cut = view(1440, 1080, (0.05, 0.05, 0.9, 0.9));
    let cut = Fingerprint::of_luma(1440, 1080, &cut, Convention::Full).unwrap();
    let found = fingerprint(&enrolled, Variant::Cropped(100), Orientation::Upright).unwrap();
    assert!(found.pdq().distance(&cut.pdq()) <= 8);
}

#[test]
fn enrolled_turns_are_hashes_of_the_turned_centre() {
    let (sin, cos) = 2.0_f32.to_radians().sin_cos();
    let scale = 1.0 / (cos + 4.0 / 3.0 * sin);
    // Turned clockwise: what is seen at (u, v) was at an angle anticlockwise of it.
    let at = |i: usize| {
        let (u, v) = ((i % 1600) as f32 - 799.5, (i / 1600) as f32 - 599.5);
        let (u, v) = (u * scale, v * scale);
        scene((800.0 + u * cos + v * sin) / 1600.0, (600.0 + v * cos - u * sin) / 1200.0)
    };
    let turned: Vec<u8> = (0..1600 * 1200).map(at).collect();
    let turned = Fingerprint::of_luma(1600, 1200, &turned, Convention::Full).unwrap();
    let enrolled = reduced(1600, &view(1600, 1200, (0.0, 0.0, 1.0, 1.0)));
    let found = fingerprint(&enrolled, Variant::Turned(20), Orientation::Upright).unwrap();
    let other = fingerprint(&enrolled, Variant::Turned(-20), Orientation::Upright).unwrap();
    assert!(found.pdq().distance(&turned.pdq()) <= 12);
    assert!(other.pdq().distance(&turned.pdq()) > 31);
}

/// One asks for each column, the other for all at once, and stops early.
#[test]
fn both_ways_to_look_at_columns_agree() {
    let (width, framed) = framed(&view(1600, 1200, (0.0, 0.0, 1.0, 1.0)), 80, 60, 0);
    let reduced = reduced(width, &framed);
    let whole = Part::whole(&reduced);
    for part in [whole, Part { top: 60, ..whole }, Part { left: 9, bottom: 17, ..whole }] {
        let all = part.uniform_columns(&reduced);
        let each = (part.left..part.right).map(|x| part.column(&reduced, x).0);
        assert!(each.eq(all.iter().copied()), "{part:?}");
    }
    assert!(Part { top: 60, ..whole }.uniform_columns(&reduced).contains(&false));
}
