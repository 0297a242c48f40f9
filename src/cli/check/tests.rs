use super::*;

use crate::cli::streams::captured;

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A directory with good and bad sources.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("good.txt", format!("{SHA256}\n")),
        ("short.txt", format!("{SHA256}\n\n{}\nnothex!\n", &SHA256[1..])),
        ("empty.txt", "# nothing\n".to_owned()),
        ("long.txt", format!("{SHA256}\n") + &"x\n".repeat(12)),
        ("good.csv", format!("title;digest\na;{SHA256}\n")),
        ("no.snapshot", "this is no snapshot".to_owned()),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn list(name: &str, source: &str, rest: &str) -> String {
    format!(
        "[[list]]\nname = \"{name}\"\nsource = \"{source}\"\npolarity = \"block\"\nmode = \"shadow\"\n{rest}\n"
    )
}

fn check(text: &str) -> (ExitCode, String, String) {
    let directory = directory();
    let config = directory.path().join("gate.toml");
    fs::write(&config, text).unwrap();
    let (code, out, err) = captured(b"", |streams| run(&Args { config }, streams));
    let place = format!("{}/", directory.path().display());
    (code, out.replace(&place, ""), err.replace(&place, ""))
}

#[test]
fn a_good_configuration_is_ok() {
    let text = list("a", "good.txt", "hash = \"sha256\"")
        + &list(
            "b",
            "good.csv",
            "format = \"csv\"\ndelimiter = \";\"\n[list.columns]\nsha256 = \"digest\"",
        );
    assert_eq!(check(&text), (ExitCode::Success, "gate.toml: OK\n".into(), String::new()));
    assert_eq!(check("").0, ExitCode::Success);
}

#[test]
fn every_wrong_line_of_a_source_is_told() {
    let (code, out, err) = check(&list("a", "short.txt", "hash = \"sha256\""));
    assert_eq!((code, out.as_str()), (ExitCode::Usage, ""));
    let expected = "line 3: list.source: short.txt: line 3: sha256 is 64 hex digits, not 63\n\
                    line 3: list.source: short.txt: line 4: sha256 is 64 hex digits, not 7\n";
    assert_eq!(err, expected);
}

#[test]
fn wrong_lines_come_in_their_order() {
    let (_, _, err) = check(&list("a", "long.txt", "hash = \"sha256\""));
    let numbers: Vec<u32> = err
        .lines()
        .map(|line| line.split("long.txt: line ").nth(1).unwrap())
        .map(|rest| rest.split(':').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (2..=13).collect::<Vec<_>>());
}

#[test]
fn all_errors_are_told_at_once() {
    let text = format!(
        "[listener]\nadress = \"0.0.0.0:1\"\n{}{}{}{}{}",
        list("a", "short.txt", "hash = \"sha256\"\ncolour = 1"),
        list("a", "empty.txt", "hash = \"sha256\""),
        list("c", "missing.txt", "hash = \"sha256\"").replace("shadow", "sometimes"),
        list("d", "no.snapshot", "format = \"snapshot\""),
        list("e", "good.csv", "format = \"csv\"\ncolumns = { sha256 = \"digest\" }"),
    );
    let (code, out, err) = check(&text);
    assert_eq!((code, out.as_str()), (ExitCode::Usage, ""));
    let expected = [
        ("line 2:", "listener.adress: unknown key"),
        ("line 5:", "list.source: short.txt: line 3: sha256 is 64"),
        ("line 5:", "list.source: short.txt: line 4: sha256 is 64"),
        ("line 9:", "list.colour: unknown key"),
        ("line 11:", "list.name: \"a\" is the name of"),
        ("line 12:", "list.source: empty.txt: line 1: the list has no entry"),
        ("line 18:", "list.source: missing.txt: No such file"),
        ("line 20:", "list.mode:"),
        ("line 24:", "list.source: no.snapshot: the file is not a list snapshot"),
        ("line 30:", "list.source: good.csv: line 1: the header has no column \"digest\""),
    ];
    assert_eq!(err.lines().count(), expected.len(), "{err}");
    for (line, (number, rest)) in err.lines().zip(expected) {
        let found = line.strip_prefix(number).unwrap_or_else(|| panic!("{number} in {err}"));
        assert!(found.trim_start().starts_with(rest), "{rest:?} in {err}");
    }
}

#[test]
fn sources_are_read_where_the_text_is_no_toml() {
    let text = list("a", "empty.txt", "hash = \"sha256\"") + "[log]\nlevel = = 1\n";
    let (code, _, err) = check(&text);
    assert_eq!(code, ExitCode::Usage);
    assert!(err.contains("line 3: list.source: empty.txt:"), "{err}");
    assert!(err.contains("line 8: level: not TOML"), "{err}");
}

#[test]
fn a_directory_is_no_source() {
    let (code, _, err) = check(&list("a", ".", "hash = \"sha256\""));
    assert_eq!((code, err.lines().count()), (ExitCode::Usage, 1), "{err}");
    assert!(err.starts_with("line 3: list.source: ") && err.contains("is a directory"), "{err}");
}

#[test]
fn a_certificate_is_read() {
    let text = "[listener]\ntls_certificate = \"good.txt\"\ntls_key = \"good.txt\"\n";
    let (code, _, err) = check(text);
    assert_eq!(code, ExitCode::Usage);
    assert!(err.starts_with("line 2: listener.tls_certificate: good.txt:"), "{err}");
}

#[test]
fn no_configuration_is_an_error() {
    let config = PathBuf::from("none/gate.toml");
    let (code, out, err) = captured(b"", |streams| run(&Args { config }, streams));
    assert_eq!((code, out.as_str()), (ExitCode::Usage, ""));
    assert!(err.contains("none/gate.toml"), "{err}");
}

#[test]
fn controls_in_a_text_do_not_reach_the_terminal() {
    let (_, _, err) = check("\"a\\u001b[31m\" = 1\n");
    assert!(!err.contains('\u{1b}'), "{err:?}");
}

/// Hashes of 64 bits hit strangers' pictures: more than a thousand have to be asked for.
#[test]
fn many_short_hashes_are_refused_unless_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let kind: crate::list::HashKind = "median-8".parse().unwrap();
    // Half of the bits are set, as a picture's are.
    let hash = |i: u64| format!("{i:08x}{:08x}", !i as u32);
    for (entries, wanted, expected) in [
        (1000, "off", ExitCode::Success),
        (1001, "off", ExitCode::Usage),
        (1001, "on", ExitCode::Success),
    ] {
        let lines: String = (0..entries).map(|i| hash(i) + "\n").collect();
        let mut compiler = Compiler::default();
        let of = compiler.list("own").unwrap();
        for i in 0..entries {
            let hash = crate::list::Hash::from_hex(kind, &hash(i)).unwrap();
            compiler.add(of, &crate::list::Entry { hash, label: None });
        }
        fs::write(folder.path().join("own.txt"), lines).unwrap();
        compiler.write(&mut File::create(folder.path().join("own.snapshot")).unwrap()).unwrap();
        for (source, format) in
            [("own.txt", "hash = \"median-8\""), ("own.snapshot", "format = \"snapshot\"")]
        {
            let config = folder.path().join("gate.toml");
            let rest = format!("{format}\nshort_hashes = \"{wanted}\"");
            fs::write(&config, list("own", source, &rest)).unwrap();
            let (code, _, err) = captured(b"", |streams| run(&Args { config }, streams));
            assert_eq!(code, expected, "{source} {entries} {wanted}: {err}");
            assert_eq!(err.contains("short_hashes"), expected == ExitCode::Usage, "{err}");
        }
    }
}
