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
