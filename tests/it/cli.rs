//! The commands, as their contract has them (§6 of the design).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Ran, s3bouncer};
use crate::support::{List, Request, Setup, Store, sample, setup::Addresses};

use sample::{CACTUS, FLOWER, PHOTO};

/// A directory with files in it.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Files(tempfile::tempdir().expect("a directory can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path as an argument.
    fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).expect("a file can be written");
        self.name(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path that is text").to_owned()
    }
}

/// Runs a command given as words; `{}` stands for the next of `names`.
#[track_caller]
fn run(line: &str, names: &[&str]) -> Ran {
    let mut names = names.iter();
    let word = |word| match word {
        "{}" => names.next().expect("a name for each gap").to_string(),
        word => word.to_owned(),
    };
    s3bouncer(line.split(' ').map(word).collect::<Vec<_>>())
}

/// A snapshot of these bodies' digests.
#[track_caller]
fn snapshot(files: &Files, name: &str, bodies: &[&[u8]]) -> String {
    let text: String = bodies.iter().map(|body| sample::sha256(body) + "\n").collect();
    let source = files.with("source.txt", text);
    let output = files.name(name);
    let line = "list build --name police --format plain --hash sha256 --output {} {}";
    run(line, &[&output, &source]).expect(0);
    output
}

#[test]
fn check_finds_nothing_wrong_with_what_runs() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[CACTUS]);
    let config = setup.write(&Addresses::free());
    run("check --config {}", &[config.to_str().expect("text")]).expect(0);
}

#[test]
fn check_reports_every_error_at_once_with_its_line_and_key() {
    let files = Files::new();
    files.with("short.txt", format!("{}\n", sample::md5(CACTUS)));
    files.with("empty.txt", "# nothing\n");
    let config = files.with(
        "bad.toml",
        "[listener]\nadress = \"127.0.0.1:0\"\nheader_timeout = 10\n\
         [limits]\ncapture_max = \"32MB\"\n\
         [[list]]\nname = \"one\"\nsource = \"missing.txt\"\nhash = \"sha256\"\n\
         polarity = \"block\"\nmode = \"enforce\"\n\
         [[list]]\nname = \"two\"\nsource = \"short.txt\"\nhash = \"sha256\"\n\
         polarity = \"block\"\nmode = \"enforce\"\n\
         [[list]]\nname = \"two\"\nsource = \"empty.txt\"\nhash = \"sha256\"\npolarity = \"block\"\n",
    );
    let ran = run("check --config {}", &[&config]).expect(64);
    let all = ran.out + &ran.err;
    for (line, what) in [
        (2, "adress"),
        (3, "header_timeout"),
        (5, "capture_max"),
        (8, "missing.txt"),
        (14, "short.txt"),
        (19, "name"),
        (20, "empty.txt"),
    ] {
        let found = all.lines().any(|text| {
            text.contains(what)
                && text.split(|c: char| !c.is_ascii_digit()).any(|n| n == line.to_string())
        });
        assert!(found, "line {line}, {what}:\n{all}");
    }
    assert!(all.lines().any(|text| text.contains("mode")), "a missing mode:\n{all}");
    let run = s3bouncer(["run", "--config", config.as_str()]);
    assert_eq!(run.status, 64, "what check refuses does not run: {run:?}");
}

#[test]
fn hash_tells_digests_and_image_facts() {
    let files = Files::new();
    let (photo, noise) = (files.with("photo.jpg", CACTUS), files.with("noise", b"no image"));
    let broken = files.with("broken.jpg", &CACTUS[..300]);
    let lines = run("hash --json {} {} {}", &[&photo, &noise, &broken]).json_lines();
    assert_eq!(lines.len(), 3);
    let first = &lines[0];
    assert_eq!(first["file"], photo.as_str());
    assert_eq!(first["bytes"], CACTUS.len());
    assert_eq!(first["md5"], sample::md5(CACTUS).as_str());
    assert_eq!(first["sha1"], sample::sha1(CACTUS).as_str());
    assert_eq!(first["sha256"], sample::sha256(CACTUS).as_str());
    let image = &first["image"];
    assert_eq!((&image["width"], &image["height"]), (&json!(512), &json!(345)));
    assert_eq!((&image["format"], &image["frames"]), (&json!("jpeg"), &json!(1)));
    assert_eq!(image["pdq"].as_str().map(str::len), Some(64), "{image}");
    assert!(image["pdq_quality"].is_u64(), "{image}");
    assert_eq!(lines[1]["image"], Value::Null);
    assert!(lines[2]["image"]["error"].is_string(), "{}", lines[2]);
    assert!(run("hash {}", &[&photo]).expect(0).out.contains(&sample::sha256(CACTUS)));
    assert_ne!(run("hash --json {}", &[&files.name("missing")]).status, 0);
}

#[test]
fn match_gives_the_verdict_of_the_gate() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[CACTUS])
        .list(List::blocking(&[FLOWER]).named("watched").shadow());
    let config = setup.write(&Addresses::free());
    let config = config.to_str().expect("text");
    let files = Files::new();
    let listed = files.with("listed.jpg", CACTUS);
    let watched = files.with("watched.jpg", FLOWER);
    let innocent = files.with("innocent.jpg", PHOTO);
    let missing = files.name("missing.jpg");
    let status = |names: &[&str]| {
        let gaps = " {}".repeat(names.len());
        run(&format!("match --json --config {{}}{gaps}"), &[&[config], names].concat())
    };
    let passes = status(&[&innocent, &watched]).expect(0).json_lines();
    assert_eq!(
        (&passes[0]["verdict"], &passes[1]["verdict"]),
        (&json!("allow"), &json!("would-deny"))
    );
    let denied = status(&[&missing, &innocent, &listed]).expect(1);
    let record = denied.json_lines().pop().expect("a line");
    assert_eq!((&record["file"], &record["verdict"]), (&json!(listed), &json!("deny")));
    assert_eq!((&record["list"], &record["hash"]), (&json!("police"), &json!("sha256")));
    assert!(record["snapshot"].is_string() && !denied.out.contains(&sample::sha256(CACTUS)));
    for key in ["file", "verdict", "reason", "list", "hash", "distance", "snapshot"] {
        assert!(record.get(key).is_some(), "{key}");
    }
    status(&[&missing, &innocent]).expect(2);
}

#[test]
fn a_snapshot_is_built_shown_verified_and_queried() {
    let files = Files::new();
    let snap = snapshot(&files, "police.snapshot", &[CACTUS, FLOWER]);
    assert!(run("list info {}", &[&snap]).expect(0).out.contains("police"));
    run("list verify {}", &[&snap]).expect(0);
    run("list query {} {}", &[&snap, &sample::sha256(CACTUS)]).expect(0);
    run("list query {} {}", &[&snap, &sample::sha256(CACTUS).to_uppercase()]).expect(0);
    assert_ne!(run("list query {} {}", &[&snap, &sample::sha256(PHOTO)]).status, 0);
    let listed = files.with("listed.jpg", CACTUS);
    run("match --list {} {}", &[&snap, &listed]).expect(1);
    let bytes = |path: &str| fs::read(path).expect("it is there");
    let again = snapshot(&files, "again.snapshot", &[FLOWER, CACTUS, CACTUS]);
    assert!(bytes(&snap) == bytes(&again), "the same entries make the same bytes");
    let other = snapshot(&files, "other.snapshot", &[CACTUS, PHOTO]);
    let diff = run("list diff {} {}", &[&snap, &other]);
    assert!(diff.status != 64 && diff.out.contains('+') && diff.out.contains('-'), "{diff:?}");
}

#[test]
fn a_corrupt_short_or_foreign_snapshot_is_refused() {
    let files = Files::new();
    let snap = snapshot(&files, "police.snapshot", &[CACTUS, FLOWER]);
    let good = fs::read(&snap).expect("it is there");
    let mut broken = Vec::new();
    for at in (0..good.len()).step_by(good.len() / 60 + 1).chain([good.len() - 1]) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        broken.push((format!("a flipped bit at {at}"), bytes));
        broken.push((format!("cut off at {at}"), good[..at].to_vec()));
    }
    broken.push(("a photo".to_owned(), CACTUS.to_vec()));
    broken.push(("text".to_owned(), sample::sha256(CACTUS).into_bytes()));
    for (what, bytes) in broken {
        let bad = files.with("bad.snapshot", bytes);
        let ran = run("list verify {}", &[&bad]);
        assert!(ran.status != 0 && !ran.err.contains("panicked"), "{what}: {ran:?}");
        assert!(!ran.err.trim().is_empty(), "{what}: it says why");
    }
}

#[test]
fn a_wrong_line_of_a_source_is_named() {
    let files = Files::new();
    let text = format!("{}\nnot a digest\n{}\n", sample::sha256(CACTUS), sample::md5(CACTUS));
    let source = files.with("source.txt", text);
    let output = files.name("out.snapshot");
    let line = "list build --name police --format plain --hash sha256 --output {} {}";
    let ran = run(line, &[&output, &source]);
    assert_ne!(ran.status, 0);
    for part in ["source.txt", "2", "3"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(!Path::new(&output).exists(), "nothing half-made is left");
}

#[test]
fn a_gate_serves_from_a_snapshot_and_a_canary_proves_it() {
    let files = Files::new();
    let store = Store::ok();
    let setup = Setup::before(&store);
    let snap = snapshot(&files, "police.snapshot", &[CACTUS]);
    fs::copy(snap, setup.directory().join("police.snapshot")).expect("a file can be copied");
    let gate = setup
        .tables(
            "[[list]]\nname = \"police\"\nsource = \"police.snapshot\"\nformat = \"snapshot\"\n\
             polarity = \"block\"\nmode = \"enforce\"",
        )
        .start();
    let output = files.name("canary");
    run("canary --output {}", &[&output]).expect(0);
    let canary = fs::read(&output).expect("it was written");
    gate.exchange(&Request::put("/b/canary", &canary)).expect_error(403, "AccessDenied");
    gate.exchange(&Request::put("/b/cactus", CACTUS)).expect_error(403, "AccessDenied");
    assert_eq!(gate.exchange(&Request::put("/b/flower", FLOWER)).status(), 200);
    assert_eq!(store.objects().len(), 1);
    // Overwriting the source can't crash the gate: it serves from a copy of its own.
    fs::write(gate.directory().join("police.snapshot"), b"overwritten").expect("written");
    gate.exchange(&Request::put("/b/cactus", CACTUS)).expect_error(403, "AccessDenied");
}

#[test]
fn every_source_list_carries_the_canary_too() {
    let store = Store::ok();
    let gate = Setup::before(&store).list(List::blocking_md5("by-md5", &[CACTUS])).start();
    let output = Files::new();
    let name = output.name("canary");
    run("canary --output {}", &[&name]).expect(0);
    let canary = fs::read(&name).expect("it was written");
    gate.exchange(&Request::put("/b/canary", &canary)).expect_error(403, "AccessDenied");
}

#[test]
fn explain_tells_what_was_decided_and_never_a_hash() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let answer = gate.exchange(&Request::put("/b/k.jpg", CACTUS));
    let id = answer.element("RequestId").expect("an id");
    let record = gate.record();
    let config = gate.config().to_str().expect("text");
    let told = run("explain --config {} {}", &[config, &id]).expect(0).out;
    let entry = record["entry"].as_str().expect("an entry");
    let snapshot = record["snapshot"].as_str().expect("a snapshot");
    for part in ["police", entry, snapshot, "enforce", "hotline@example.org"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for secret in [sample::sha256(CACTUS), sample::sha1(CACTUS), sample::md5(CACTUS)] {
        assert!(!told.contains(&secret), "{told}");
    }
    assert_ne!(run("explain --config {} {}", &[config, "NOSUCHID"]).status, 0);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for line in ["", "no-such-command", "run", "run --config", "match --json", "list build"] {
        let ran = s3bouncer(line.split_whitespace());
        assert_eq!(ran.status, 64, "{line:?}: {ran:?}");
    }
    let missing = run("run --config {}", &["no/such/file.toml"]);
    assert_eq!(missing.status, 64, "{missing:?}");
}
