use super::*;

use std::os::unix::fs::PermissionsExt as _;

use clap::Parser;

use crate::cli::streams::captured;
use crate::digest::Algorithm;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Builds `out`; names in upper case are files of this place.
    fn build(&self, arguments: &str) -> (ExitCode, String, String) {
        let line = format!("build --name police --output OUT {arguments}");
        let is_file = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase());
        let words = line.split(' ').map(|word| match is_file(word) {
            true => self.path(word).into_os_string(),
            false => OsString::from(word),
        });
        let args = Line::try_parse_from(words).unwrap().args;
        let (code, out, err) = captured(b"", |streams| run(&args, streams));
        let place = format!("{}/", self.0.path().display());
        (code, out.replace(&place, ""), err.replace(&place, ""))
    }
}

fn hex(algorithm: Algorithm, byte: u8) -> String {
    super::super::testing::digest(algorithm, byte).to_string()
}

#[test]
fn several_sources_make_one_list() {
    let place = Place::new();
    let [a, b] = [1, 2].map(|byte| hex(Algorithm::Md5, byte));
    place.file("A", &format!("md5 {a} case 1\nsha256 {}\n", hex(Algorithm::Sha256, 9)));
    let nothing = Algorithm::Md5.of_nothing();
    place.file("B", &format!("md5 {b}\r\nmd5 {}\nmd5 {nothing}\n", a.to_uppercase()));
    let (code, out, err) = place.build("--format tagged A B");
    assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
    let snapshot = Snapshot::open(place.path("OUT")).unwrap();
    snapshot.verify().unwrap();
    assert_eq!(snapshot.lists()[0].counts, [2, 0, 1]);
    let expected = format!(
        "OUT: snapshot {}, 3 entries\n  police: md5 2, sha256 1\n\
         held back: 1 of the empty body\nleft out: 1 that came twice, or are the canary's\n",
        snapshot.id()
    );
    assert_eq!(out, expected);
    assert_eq!(fs::metadata(place.path("OUT")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!place.path("OUT.new").exists());
}

#[test]
fn every_wrong_line_is_told_and_nothing_is_written() {
    let place = Place::new();
    place.file("OUT", "what was there");
    place.file("A", "xyz\n\nabc\n");
    place.file("B", "# nothing\n");
    let (code, out, err) = place.build("--format plain --hash md5 A MISSING B");
    assert_eq!((code, out.as_str()), (ExitCode::Usage, ""));
    let lines: Vec<_> = err.lines().collect();
    let expected = [
        "s3bouncer: A:1: md5 is 32 hex digits, not 3",
        "s3bouncer: A:3: md5 is 32 hex digits, not 3",
        "s3bouncer: MISSING: No such file or directory (os error 2)",
        "s3bouncer: B:1: the list has no entry",
    ];
    assert_eq!(lines, expected);
    assert_eq!(fs::read(place.path("OUT")).unwrap(), b"what was there");
}

#[test]
fn more_errors_than_are_kept_are_counted() {
    let place = Place::new();
    place.file("A", &"x\n".repeat(103));
    let (_, _, err) = place.build("--format plain --hash md5 A");
    assert_eq!((err.lines().count(), err.lines().last()), (101, Some("s3bouncer: A: and 3 more")));
}

#[test]
fn exit_codes_tell_input_from_disk() {
    let place = Place::new();
    place.file("GOOD", &hex(Algorithm::Md5, 7));
    fs::create_dir(place.path("DIRECTORY")).unwrap();
    for (arguments, code) in [
        ("--format plain --hash md5 GOOD", ExitCode::Success),
        ("--format plain GOOD", ExitCode::Usage),
        ("GOOD", ExitCode::Usage),
        ("--from-images MISSING", ExitCode::Io),
        ("--from-images DIRECTORY", ExitCode::Usage),
        ("--from-images DIRECTORY --hash md5", ExitCode::Usage),
        ("--from-images DIRECTORY --format tagged", ExitCode::Usage),
        ("--format tagged GOOD", ExitCode::Usage),
        ("--format plain --hash md5 MISSING", ExitCode::Io),
        ("--format plain --hash md5 DIRECTORY", ExitCode::Io),
    ] {
        assert_eq!(place.build(arguments).0, code, "{arguments}");
    }
    fs::remove_file(place.path("OUT")).unwrap();
    fs::create_dir(place.path("OUT")).unwrap();
    assert_eq!(place.build("--format plain --hash md5 GOOD").0, ExitCode::Io);
    assert!(!place.path("OUT.new").exists());
}

#[test]
fn a_name_that_is_none_is_refused() {
    let place = Place::new();
    place.file("GOOD", &hex(Algorithm::Md5, 7));
    let words = ["build", "--name", "a/b", "--output", "x", "--format", "tagged", "y"];
    let args = Line::try_parse_from(words).unwrap().args;
    let (code, _, err) = captured(b"", |streams| run(&args, streams));
    assert_eq!(
        (code, err.as_str()),
        (ExitCode::Usage, "s3bouncer: \"a/b\" can't be the name of a list\n")
    );
}

#[test]
fn pdq_hashes_make_a_list() {
    let place = Place::new();
    let good = "0123456789abcdef".repeat(4);
    place.file("A", &format!("{good}\n{}\n", "0".repeat(64)));
    let (code, out, err) = place.build("--format plain --hash pdq --pdq 512 A");
    assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
    let snapshot = Snapshot::open(place.path("OUT")).unwrap();
    snapshot.verify().unwrap();
    let expected = format!(
        "OUT: snapshot {}, 1 entry\n  police: pdq (512) 1\nheld back: 1 that flat pictures have\n",
        snapshot.id()
    );
    assert_eq!(out, expected);
    place.file("B", &format!("h,q\n{good},50\n{},49\n", good.replace('0', "1")));
    let (_, out, _) = place.build("--format csv --column pdq=h --quality-column q B");
    assert!(out.ends_with("  police: pdq 1\nleft out: 1 of quality below 50\n"), "{out}");
}

#[test]
fn own_pictures_make_a_list() {
    let place = Place::new();
    let below = place.path("PICTURES").join("below");
    fs::create_dir_all(&below).unwrap();
    // A picture with something on it, one without, and what is none.
    let at = |x: u32, y: u32| ((x * x / 40 + y * 3) as u8, (x * 2 + y * y / 50) as u8);
    let busy =
        image::RgbImage::from_fn(200, 160, |x, y| image::Rgb([at(x, y).0, at(x, y).1, x as u8]));
    busy.save_with_format(below.join("busy.png"), image::ImageFormat::Png).unwrap();
    let flat = image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9]));
    flat.save_with_format(place.path("PICTURES").join("flat.png"), image::ImageFormat::Png)
        .unwrap();
    fs::write(place.path("PICTURES").join("note.txt"), "no picture").unwrap();
    let (code, out, err) = place.build("--from-images PICTURES");
    assert_eq!(code, ExitCode::Success, "{err}");
    let told: Vec<&str> = err.lines().collect();
    let [flat, note] = told[..] else { panic!("{err}") };
    assert_eq!(flat, "s3bouncer: PICTURES/flat.png: too little to see on it");
    assert!(
        note.starts_with("s3bouncer: PICTURES/note.txt: no picture that can be read"),
        "{note}"
    );
    assert!(out.contains("  police: pdq 6\n"), "the whole, three crops and two turns: {out}");
    let snapshot = Snapshot::open(place.path("OUT")).unwrap();
    snapshot.verify().unwrap();
    let whole = crate::image::Fingerprint::of_rgb(200, 160, &busy, Convention::Full).unwrap();
    let hits = snapshot.near(&[whole.pdq()], 0);
    assert_eq!(hits[0].entry.as_str(), "busy.png");
    assert!(
        snapshot.has_entry(0, "busy.png cropped 50")
            && snapshot.has_entry(0, "busy.png turned -20")
    );
    let (code, out, _) = place.build("--from-images PICTURES --hash median-16-dct");
    assert_eq!(code, ExitCode::Success);
    assert!(out.contains("  police: median-16-dct 1\n"), "{out}");
}
