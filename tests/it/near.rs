//! Pictures are found by their looks, in whatever form they come (invariants 5, 6, 10 and 13).

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, imageops::FilterType};

use crate::support::script::answer;
use crate::support::{Framing, Gate, List, Request, Script, Setup, Store, sample};

use sample::{CACTUS, FLOWER, PHOTO};

fn refusing(list: List) -> (Store, Gate) {
    let store = Store::ok();
    let gate = Setup::before(&store).list(list).start();
    (store, gate)
}

fn flower() -> DynamicImage {
    image::load_from_memory(FLOWER).expect("a JPEG")
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))
        .expect("encodes");
    bytes
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut bytes)).expect("encodes");
    bytes
}

/// Fails unless an upload of this is answered so; its record.
#[track_caller]
fn expect(gate: &Gate, body: &[u8], status: u16, verdict: &str) -> serde_json::Value {
    let before = gate.records(0).len();
    let answer = gate.exchange(&Request::put("/b/k", body));
    assert_eq!(answer.status(), status, "{}", answer.text());
    let record = gate.records(before + 1)[before].clone();
    assert_eq!(record["verdict"], verdict, "{record}");
    record
}

#[test]
fn a_changed_picture_is_the_listed_one() {
    let (store, gate) = refusing(List::of_pictures(&[FLOWER]));
    let flower = flower();
    let mut negative = flower.clone();
    negative.invert();
    for changed in [
        FLOWER.to_vec(),
        jpeg(&flower, 30),
        png(&flower),
        png(&flower.resize(200, 200, FilterType::Triangle)),
        png(&flower.rotate90()),
        png(&flower.fliph()),
        png(&negative),
        png(&flower.grayscale()),
    ] {
        let record = expect(&gate, &changed, 403, "deny");
        assert_eq!((&record["list"], &record["reason"]), (&"pictures".into(), &"near".into()));
        assert!(record["distance"].as_u64().is_some_and(|bits| bits <= 31), "{record}");
        assert_eq!(record["pdq"].as_str().map(str::len), Some(64), "{record}");
    }
    for innocent in [CACTUS, PHOTO, b"no picture at all"] {
        expect(&gate, innocent, 200, "allow");
    }
    assert_eq!(store.objects().len(), 3);
}

/// One fixture for each format that is decoded.
#[test]
fn every_format_is_seen_through_the_gate() {
    let (store, gate) = refusing(List::of_pictures(&[FLOWER]));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    for name in [
        "baseline.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "gray.jpg",
        "restart.jpg",
        "rgb.png",
        "palette.png",
        "alpha.png",
        "16-bit.png",
        "interlaced.png",
        "animated.png",
        "still.gif",
        "animated.gif",
        "lossy.webp",
        "lossless.webp",
        "animated.webp",
        "rgb.bmp",
        "pages.tiff",
        "icon.ico",
        "still.avif",
        "still.heic",
        "lossy.jxl",
        "turned.jpg",
    ] {
        let bytes = std::fs::read(folder.join(name)).expect("a fixture");
        let answer = gate.exchange(&Request::put(&format!("/b/{name}"), &bytes));
        assert_eq!(answer.status(), 403, "{name}: {}", answer.text());
    }
    assert_eq!(store.objects().len(), 0);
}

#[test]
fn the_wide_band_and_a_mode_of_its_own_only_record() {
    let (_store, gate) = refusing(List::of_pictures(&[FLOWER]).with("near_mode = \"shadow\""));
    let record = expect(&gate, &png(&flower()), 200, "would-deny");
    assert_eq!((&record["reason"], &record["mode"]), (&"near".into(), &"shadow".into()));
    let (_store, gate) = refusing(List::of_pictures(&[FLOWER]).with("near_distance = 0"));
    let far = jpeg(&flower().resize(60, 60, FilterType::Triangle), 10);
    let record = expect(&gate, &far, 200, "would-deny");
    assert_eq!(record["reason"], "near-wide", "{record}");
}

#[test]
fn a_border_is_looked_behind_where_that_is_asked_for() {
    let mut framed = DynamicImage::new_rgb8(612, 484);
    image::imageops::overlay(&mut framed, &flower(), 50, 50);
    let framed = png(&framed);
    let list = || List::of_pictures(&[FLOWER]);
    let (_store, gate) = refusing(list());
    expect(&gate, &framed, 200, "allow");
    let (_store, gate) = refusing(list().with("near_variants = \"trim\""));
    let record = expect(&gate, &framed, 200, "would-deny");
    assert_eq!(record["reason"], "near-trimmed", "{record}");
    let (_store, gate) =
        refusing(list().with("near_variants = \"trim\"\nnear_variants_deny = \"on\""));
    expect(&gate, &framed, 403, "deny");
}

/// Behind other bytes, in an archive's stead, in chunks, in parts: a picture is a picture.
#[test]
fn the_way_in_makes_no_difference() {
    let store = Store::scripted(|seen| match seen.method() {
        "POST" => Script::replies(answer("200 OK", &[], b"<CompleteMultipartUploadResult/>")),
        _ => Script::replies(answer("200 OK", &[("ETag", "\"e1\"")], b"")),
    });
    let gate = Setup::before(&store).list(List::of_pictures(&[FLOWER])).start();
    let changed = jpeg(&flower(), 40);
    for framing in [Framing::PlainChunks, Framing::Signed, Framing::UnsignedTrailerChunks] {
        let request = Request::framed("/b/k", framing, &changed);
        gate.exchange(&request).expect_error(403, "AccessDenied");
    }
    let behind = [&sample::noise(3, 5000)[..], &changed].concat();
    gate.exchange(&Request::put("/b/k", &behind)).expect_error(403, "AccessDenied");
    let part = gate.exchange(&Request::put("/b/k?partNumber=1&uploadId=u", &changed));
    assert_eq!(part.status(), 200, "{}", part.text());
    let complete = Request::complete("/b/k?uploadId=u", &[(1, "e1")]);
    gate.exchange(&complete).expect_error(403, "AccessDenied");
    assert!(store.requests().iter().all(|seen| seen.method() != "POST" || !seen.complete));
}

#[test]
fn what_can_not_be_looked_at_is_told_apart() {
    let cut = &FLOWER[..FLOWER.len() / 2];
    let half = image::load_from_memory(CACTUS).expect("a JPEG");
    let (_store, gate) = refusing(List::of_pictures(&[PHOTO]));
    let record = expect(&gate, cut, 200, "unjudged");
    assert_eq!(record["reason"], "truncated", "{record}");
    let record = expect(&gate, b"\x89PNG\r\n\x1a\nno picture", 200, "unjudged");
    assert_eq!(record["reason"], "truncated", "{record}");
    expect(&gate, &png(&half), 200, "allow");
}

/// Without a perceptual list nothing is decoded: a picture that can't be is a body like any other.
#[test]
fn without_a_list_of_pictures_none_is_decoded() {
    let (_store, gate) = refusing(List::blocking(&[CACTUS]));
    let record = expect(&gate, &FLOWER[..FLOWER.len() / 2], 200, "allow");
    assert!(record["pdq"].is_null(), "{record}");
}

/// An exact list with perceptual hashes in it observes these until it is told otherwise.
#[test]
fn likeness_beside_digests_is_observed() {
    let text = format!("sha256 {}\npdq {}\n", sample::sha256(CACTUS), sample::pdq(FLOWER));
    let list = List::blocking(&[]).tagged(&text);
    let (_store, gate) = refusing(list);
    expect(&gate, CACTUS, 403, "deny");
    let record = expect(&gate, &jpeg(&flower(), 50), 200, "would-deny");
    assert_eq!(record["reason"], "near");
}
