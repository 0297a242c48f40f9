use super::*;

use std::fs;

use serde_json::Value;

use crate::cli::streams::captured;
use crate::list::canary_image;

const NOTHING: &str = r#"{"file":"-","bytes":0,"md5":"d41d8cd98f00b204e9800998ecf8427e","sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","image":null}"#;

fn hash(json: bool, files: &[&Path], input: &[u8]) -> (ExitCode, String, String) {
    let files = files.iter().map(|path| path.to_path_buf()).collect();
    captured(input, |streams| run(&Args { json, files }, streams))
}

fn of_input(input: &[u8]) -> Value {
    let (code, out, err) = hash(true, &[Path::new("-")], input);
    assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn json_is_one_line_of_known_shape() {
    assert_eq!(hash(true, &[Path::new("-")], b"").1, format!("{NOTHING}\n"));
    let (_, out, _) = hash(true, &[Path::new("-")], &canary_image());
    let image = out.split_once("\"image\":").unwrap().1;
    let start = r#"{"format":"bmp","width":64,"height":64,"frames":1,"pdq":""#;
    assert!(image.starts_with(start), "{image}");
    let end = &image[start.len() + 64..];
    assert!(end.starts_with("\",\"pdq_quality\":") && end.ends_with("}}\n"), "{end}");
    assert!(!image.contains("error"));
}

#[test]
fn an_image_that_can_not_be_decoded_says_why() {
    let image = canary_image();
    let found = of_input(&image[..image.len() - 100]);
    assert_eq!(found["image"]["format"], "bmp");
    assert!(found["image"]["error"].is_string() && found["image"]["width"].is_null(), "{found}");
    let found = of_input(b"\0\0\0\x14ftypheic\0\0\0\0mif1");
    assert_eq!(found["image"]["error"], "broken, or of a kind that is not decoded");
}

/// A photo as a GIF of three frames, each seen from another side.
const ANIMATION: &[u8] = include_bytes!("../../../tests/data/images/animated.gif");

#[test]
fn humans_see_every_frame_and_machines_the_first() {
    let out = hash(false, &[Path::new("-")], ANIMATION).1;
    assert!(out.contains("  image   gif 160x120, 3 frames\n"), "{out}");
    let hashes: Vec<_> = out.lines().filter(|line| line.starts_with("  pdq ")).collect();
    assert_eq!(hashes.len(), 3);
    assert!(hashes[2].ends_with(", frame 3)"), "{out}");
    let pdq = of_input(ANIMATION)["image"]["pdq"].as_str().unwrap().to_owned();
    assert!(hashes[0].contains(&pdq), "{out}");
}

#[test]
fn of_a_cut_animation_what_was_seen_is_told() {
    let found = of_input(&ANIMATION[..ANIMATION.len() / 2]);
    assert_eq!(found["image"]["error"], "truncated");
    assert!(found["image"]["pdq"].is_string() && found["image"]["width"] == 160, "{found}");
    let out = hash(false, &[Path::new("-")], &ANIMATION[..ANIMATION.len() / 2]).1;
    assert!(out.contains("gif: truncated\n") && out.contains("  pdq "), "{out}");
}

#[test]
fn too_large_an_image_has_digests_but_no_facts() {
    let image = Image::new(Format::Png, None).unwrap();
    assert_eq!((image.format, image.error.as_deref()), ("png", Some("larger than 256 MiB")));
}

#[test]
fn a_missing_file_does_not_stop_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let (there, missing) = (directory.path().join("a.txt"), directory.path().join("b.txt"));
    fs::write(&there, "hello\n").unwrap();
    let (code, out, err) = hash(true, &[&missing, directory.path(), &there], b"");
    assert_eq!(code, ExitCode::Failure);
    assert!(err.contains("b.txt") && err.lines().count() == 2, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["md5"], "b1946ac92492d2347c6235b4d2611184");
    assert_eq!(found["bytes"], 6);
}

#[test]
fn humans_read_columns() {
    let (_, out, _) = hash(false, &[Path::new("-")], &canary_image());
    let names: Vec<_> = out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["-", "bytes", "md5", "sha1", "sha256", "image", "pdq"]);
    assert!(out.contains("  image   bmp 64x64, 1 frame\n"), "{out}");
    assert!(hash(false, &[Path::new("-")], b"x").1.ends_with("  image   none\n"));
}
