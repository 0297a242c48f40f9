use super::*;

use std::fs;

use serde_json::Value;

use crate::cli::streams::captured;
use crate::digest::{AlgorithmSet, Digest};
use crate::list::{Entry, Label, Part, canary_image, compile};

const LISTED: &[u8] = b"this body is listed\n";
const OTHER: &[u8] = b"this body is not\n";

fn digest(body: &[u8], algorithm: crate::digest::Algorithm) -> Digest {
    let digests = Body::read(body, AlgorithmSet::ALL, 0).unwrap().digests;
    digests.of(algorithm).unwrap()
}

/// A directory with a list by each of the three digests, and a snapshot with all of them.
fn directory() -> tempfile::TempDir {
    use crate::digest::Algorithm;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for algorithm in Algorithm::ALL {
        let text = format!("{}\n", digest(LISTED, algorithm));
        fs::write(at(&format!("{algorithm}.txt")), text).unwrap();
    }
    let label = Label::new("case 7", &[]).unwrap();
    let entries = [Algorithm::Md5, Algorithm::Sha256]
        .map(|a| Entry { hash: digest(LISTED, a).into(), label: Some(label.clone()) });
    let parts = [Part { name: "police", entries: &entries }];
    compile(&parts, &mut fs::File::create(at("police.snapshot")).unwrap()).unwrap();
    fs::write(at("listed"), LISTED).unwrap();
    fs::write(at("other"), OTHER).unwrap();
    directory
}

fn list(name: &str, hash: &str, polarity: &str, mode: &str) -> String {
    format!(
        "[[list]]\nname = \"{name}\"\nsource = \"{hash}.txt\"\nhash = \"{hash}\"\npolarity = \"{polarity}\"\nmode = \"{mode}\"\n"
    )
}

fn judged(law: Law, bucket: Option<&str>, file: &Path, input: &[u8]) -> (ExitCode, Value, String) {
    let (bucket, files) = (bucket.map(str::to_owned), vec![file.to_owned()]);
    let args = Args { json: true, law, bucket, files };
    let (code, out, err) = captured(input, |streams| run(&args, streams));
    (code, serde_json::from_str(&out).unwrap_or_default(), err)
}

fn by_config(text: &str, bucket: Option<&str>, input: &[u8]) -> (ExitCode, Value) {
    let directory = directory();
    let config = directory.path().join("gate.toml");
    fs::write(&config, text).unwrap();
    let law = Law { config: Some(config), list: None };
    let (code, report, _) = judged(law, bucket, Path::new("-"), input);
    assert!(!directory.path().join("state").exists());
    (code, report)
}

fn snapshot(directory: &tempfile::TempDir) -> Law {
    Law { config: None, list: Some(directory.path().join("police.snapshot")) }
}

#[test]
fn json_is_of_known_shape() {
    let directory = directory();
    let args =
        Args { json: true, law: snapshot(&directory), bucket: None, files: vec!["-".into()] };
    let id = crate::list::Snapshot::open(directory.path().join("police.snapshot")).unwrap();
    let id = id.id();
    let (code, out, _) = captured(LISTED, |streams| run(&args, streams));
    let expected = format!(
        r#"{{"file":"-","verdict":"deny","reason":null,"list":"police","hash":"sha256","distance":0,"snapshot":"{id}"}}"#
    );
    assert_eq!((code, out), (ExitCode::Denied, expected + "\n"));
    let (code, out, _) = captured(OTHER, |streams| run(&args, streams));
    let expected = format!(
        r#"{{"file":"-","verdict":"allow","reason":null,"list":null,"hash":null,"distance":null,"snapshot":"{id}"}}"#
    );
    assert_eq!((code, out), (ExitCode::Success, expected + "\n"));
}

#[test]
fn modes_and_polarities_are_the_gates() {
    let block = |mode| list("police", "md5", "block", mode);
    let allow = list("ours", "sha256", "allow", "enforce");
    let shadow_bucket = "[[bucket]]\nmatch = \"test-*\"\nmode = \"shadow\"\n";
    for (text, bucket, code, verdict, of, hash) in [
        (block("enforce"), None, ExitCode::Denied, "deny", "police", "md5"),
        (block("shadow"), None, ExitCode::Success, "would-deny", "police", "md5"),
        (block("enforce") + &allow, None, ExitCode::Success, "allow", "ours", "sha256"),
        (block("enforce") + shadow_bucket, Some("prod"), ExitCode::Denied, "deny", "police", "md5"),
        (
            block("enforce") + shadow_bucket,
            Some("test-1"),
            ExitCode::Success,
            "would-deny",
            "police",
            "md5",
        ),
    ] {
        let (found, report) = by_config(&text, bucket, LISTED);
        assert_eq!((found, &report["verdict"]), (code, &verdict.into()), "{text}");
        assert_eq!((&report["list"], &report["hash"]), (&of.into(), &hash.into()), "{text}");
        let (found, report) = by_config(&text, bucket, OTHER);
        assert_eq!((found, &report["verdict"]), (ExitCode::Success, &"allow".into()), "{text}");
    }
}

#[test]
fn the_canary_is_denied_and_nothing_is_not() {
    let text = list("police", "sha1", "block", "enforce");
    assert_eq!(by_config(&text, None, &canary_image()).0, ExitCode::Denied);
    assert_eq!(by_config(&text, None, b"").0, ExitCode::Success);
    assert_eq!(by_config("", None, LISTED).0, ExitCode::Success);
}

#[test]
fn without_its_list_nothing_is_judged() {
    let text = list("police", "sha256", "block", "enforce").replace("sha256.txt", "none.txt");
    let (code, report) = by_config(&text, None, LISTED);
    assert_eq!(code, ExitCode::Unjudged);
    assert_eq!((&report["verdict"], &report["reason"]), (&"unjudged".into(), &"no-list".into()));
    assert!(report["snapshot"].is_null());
}

#[test]
fn a_stale_list_is_told() {
    let text = list("police", "sha256", "block", "enforce") + "max_age = \"1ms\"\n";
    let (code, report) = by_config(&text, None, OTHER);
    assert_eq!((code, &report["reason"]), (ExitCode::Unjudged, &"stale-list".into()));
}

#[test]
fn a_denial_counts_more_than_a_file_that_is_not_there() {
    let directory = directory();
    let [listed, other, missing] =
        ["listed", "other", "missing"].map(|name| directory.path().join(name));
    for (files, code, errors) in [
        (vec![&listed, &missing], ExitCode::Denied, 1),
        (vec![&missing, &listed], ExitCode::Denied, 1),
        (vec![&missing, &other], ExitCode::Unjudged, 1),
        (vec![&other], ExitCode::Success, 0),
    ] {
        let files = files.into_iter().cloned().collect();
        let args = Args { json: false, law: snapshot(&directory), bucket: None, files };
        let (found, _, err) = captured(b"", |streams| run(&args, streams));
        assert_eq!((found, err.lines().count()), (code, errors));
    }
}

#[test]
fn humans_read_a_line() {
    let directory = directory();
    let args =
        Args { json: false, law: snapshot(&directory), bucket: None, files: vec!["-".into()] };
    let (_, out, _) = captured(LISTED, |streams| run(&args, streams));
    assert_eq!(out, "-: deny (list police, by sha256)\n");
}

#[test]
fn wrong_laws_are_no_verdicts() {
    let directory = directory();
    let wrong = directory.path().join("other");
    for (law, code) in [
        (Law { config: None, list: Some(wrong.clone()) }, ExitCode::Usage),
        (Law { config: None, list: Some("none/x".into()) }, ExitCode::Io),
        (Law { config: Some(wrong), list: None }, ExitCode::Usage),
    ] {
        let (found, report, err) = judged(law, None, Path::new("-"), LISTED);
        assert_eq!((found, report), (code, Value::Null));
        assert!(!err.is_empty());
    }
}

const PHOTO: &[u8] = include_bytes!("../../../tests/data/polemonium-reptans.jpg");
const STRANGER: &[u8] = include_bytes!("../../../tests/data/notocactus-minimus.jpg");

/// `hash = "pdq"` with the photo on it.
fn pictures(mode: &str, more: &str) -> String {
    list("pictures", "pdq", "block", mode) + more
}

/// What is said of files by a configuration whose list holds the photo's PDQ hash.
fn by_looks(text: &str, files: Vec<PathBuf>, input: &[u8]) -> Vec<Value> {
    let directory = directory();
    let looks = look(PHOTO, &Limits::DEFAULT, &Wanted::default(), &|| false).unwrap();
    let pdq = looks.pdq[0].fingerprint.pdq();
    fs::write(directory.path().join("pdq.txt"), format!("{pdq}\n")).unwrap();
    let config = directory.path().join("gate.toml");
    fs::write(&config, text).unwrap();
    let law = Law { config: Some(config), list: None };
    let args = Args { json: true, law, bucket: None, files };
    let (_, out, err) = captured(input, |streams| run(&args, streams));
    assert_eq!(err, "");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn one_by_looks(text: &str, input: &[u8]) -> Value {
    by_looks(text, vec!["-".into()], input).remove(0)
}

/// The photo in every format that is decoded: each is found, by one hash.
#[test]
fn a_picture_is_found_in_every_format() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let reports = by_looks(&pictures("enforce", ""), files.collect(), b"");
    assert!(reports.len() > 40);
    for report in reports {
        // Two colours are left of these, and of this nothing behind its transparency.
        let few = ["bilevel.png", "fax.tiff", "alpha.webp"];
        let coarse = few.iter().any(|name| report["file"].as_str().unwrap().ends_with(name));
        let verdict = if coarse { "would-deny" } else { "deny" };
        assert_eq!(
            (&report["verdict"], &report["hash"]),
            (&verdict.into(), &"pdq".into()),
            "{report}"
        );
        assert_eq!(report["likeness"]["wide"], coarse, "{report}");
    }
}

#[test]
fn a_stranger_is_seen_and_not_found() {
    let report = one_by_looks(&pictures("enforce", ""), STRANGER);
    assert_eq!((&report["verdict"], &report["likeness"]), (&"allow".into(), &Value::Null));
    assert_eq!(
        (&report["image"]["format"], &report["image"]["pdq_quality"]),
        (&"jpeg".into(), &100.into())
    );
}

#[test]
fn likeness_has_a_mode_of_its_own() {
    for (mode, more, expected) in [
        ("enforce", "", "deny"),
        ("shadow", "", "would-deny"),
        ("enforce", "near_mode = \"shadow\"\n", "would-deny"),
        ("shadow", "near_mode = \"enforce\"\n", "deny"),
        ("enforce", "near_quality = 100\n", "deny"),
    ] {
        let report = one_by_looks(&pictures(mode, more), PHOTO);
        assert_eq!(report["verdict"], expected, "{mode} {more}");
        assert_eq!((&report["distance"], &report["list"]), (&0.into(), &"pictures".into()));
    }
}

#[test]
fn humans_read_how_a_picture_was_found() {
    use image::codecs::png::PngEncoder;
    let photo = image::load_from_memory(PHOTO).unwrap();
    let mut turned = photo.rotate90();
    turned.invert();
    let mut png = Vec::new();
    turned.write_with_encoder(PngEncoder::new(&mut png)).unwrap();
    let report = one_by_looks(&pictures("enforce", ""), &png);
    assert_eq!(
        (&report["verdict"], &report["likeness"]["negative"]),
        (&"deny".into(), &true.into())
    );
    assert_ne!(report["likeness"]["orientation"], 0);
    let report = Report {
        file: "a".to_owned(),
        verdict: "deny",
        reason: None,
        list: Some("pictures".to_owned()),
        hash: Some("pdq".to_owned()),
        distance: Some(12),
        snapshot: None,
        image: None,
        likeness: Some(Likeness {
            frame: 1,
            variant: "trimmed".to_owned(),
            orientation: 2,
            negative: true,
            wide: true,
        }),
        code: ExitCode::Denied,
    };
    assert_eq!(
        report.to_string(),
        "a: deny (list pictures, by pdq, 12 bits apart, frame 2, trimmed, turned or mirrored, as a negative, in the wide band)"
    );
}
