use super::*;

use clap::CommandFactory as _;

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = line.split_whitespace();
    Line::try_parse_from(std::iter::once("s3bouncer").chain(words)).map(|line| line.command)
}

#[test]
fn the_parser_is_sound() {
    Line::command().debug_assert();
}

#[test]
fn the_contract_is_understood() {
    for line in [
        "run --config x",
        "check --config x",
        "hash a",
        "hash --json a - b",
        "match --config x a",
        "match --json --config x --bucket b a b",
        "match --list x -",
        "list build --name n --format plain --hash md5 --output o a b",
        "list build --name n --format csv --delimiter ; --column md5=M --column sha1=S \
         --label-column L --output o a",
        "list info x",
        "list info --json x",
        "list verify x",
        "list diff a b",
        "list diff --hashes a b",
        "list query x d41d8cd98f00b204e9800998ecf8427e",
        "list query x --file f",
        "list query --file - x",
        "canary",
        "canary --output x",
        "explain --config x A1",
        "probe --config x",
        "probe --endpoint http://127.0.0.1:1 --bucket b --access-key a --secret-key-file s --region r",
        "probe --config x --json --baseline b --timeout 30s",
        "ctl status",
        "ctl --socket s reload --accept a",
        "ctl --config c drain",
        "ctl observe --for 30m --reason r --bucket b",
        "ctl disable a/b --reason r --expires 2027-01-31",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn what_is_no_command_is_refused_with_64() {
    for line in [
        "",
        "probe",
        "probe --endpoint https://a",
        "probe --endpoint https://a:1 --upstream a",
        "probe --config x --timeout 10",
        "run",
        "run x",
        "check",
        "hash",
        "hash --json",
        "match a",
        "match --config x",
        "match --config x --list y a",
        "match --list x --bucket b a",
        "list",
        "list build --format plain --hash md5 --output o a",
        "list build --name n --format plain --hash md5 a",
        "list build --name n --format plain --hash md5 --output o",
        "list build --name n --format xml --output o a",
        "list diff a",
        "list query x",
        "list query x abc",
        "list query x d41d8cd98f00b204e9800998ecf8427e --file f",
        "explain --config x",
        "explain A1",
        "ctl",
        "ctl --socket s --config c status",
        "ctl status --socket s --config c",
    ] {
        let error = parse(line).err().unwrap_or_else(|| panic!("{line} is understood"));
        assert!(error.use_stderr(), "{line}");
        assert_eq!(misread(&error), ExitCode::Usage, "{line}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for line in ["--help", "--version", "match --help", "ctl observe --help"] {
        let error = parse(line).unwrap_err();
        assert!(!error.use_stderr(), "{line}");
    }
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_listens_where_it_is_told() {
    for (line, address) in [("demo", "127.0.0.1:9000"), ("demo --listen [::1]:1", "[::1]:1")] {
        match parse(line).unwrap() {
            Command::Demo { listen } => assert_eq!(listen.to_string(), address),
            other => panic!("{other:?}"),
        }
    }
}
