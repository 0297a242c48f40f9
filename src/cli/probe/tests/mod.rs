//! Outcomes made up, and what is said of them: advice, tables, documents, differences.

mod advice;
mod documents;

use std::collections::HashSet;

use super::case::Case;
use super::framing::{Cut, Ending, Framing, Gap};
use super::judge::advise;
use super::outcome::{Connection, Object, Outcome, Timing};
use super::run::Finding;
use super::*;
use crate::cli::streams::captured;
use crate::config::Guard;

/// What a store does that takes everything, and nothing that is cut or wrong.
fn careful(case: Case) -> Outcome {
    let (status, object) = match case {
        Case::Complete(_) | Case::ExpectTaken => (Some(200), Some(Object::Whole)),
        Case::Abort(..) | Case::Part(_) | Case::IdleBody => (None, Some(Object::None)),
        Case::Overwrite(_) => (None, Some(Object::Old)),
        Case::Conditional => (Some(412), Some(Object::Old)),
        Case::OtherHost | Case::IdleConnection => (Some(200), None),
        Case::Gapped(..)
        | Case::Trailing(_)
        | Case::DeclaredSmaller(_)
        | Case::DeclaredLarger(_)
        | Case::ExpectRefused
        | Case::EarlyAnswer => (Some(400), Some(Object::None)),
    };
    Outcome { status, object, ..Outcome::default() }
}

/// The findings about a store that is careful but for these cases.
fn but_for(changes: &[(Case, Object)]) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        Case::all().into_iter().map(|case| Finding { case, outcome: careful(case) }).collect();
    for &(case, object) in changes {
        let finding = findings.iter_mut().find(|finding| finding.case == case).unwrap();
        finding.outcome.object = Some(object);
    }
    findings
}

const FIN: Ending = Ending::Fin;
const RST: Ending = Ending::Rst;
const PLAIN: Framing = Framing::Identity;
const SIGNED: Framing = Framing::SignedChunks;
const TRAILER: Framing = Framing::SignedTrailer;

#[test]
fn names_of_cases_are_for_good() {
    let names: Vec<String> = Case::all().iter().map(Case::to_string).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    for name in [
        "complete/identity",
        "abort/identity/payload-byte/fin",
        "abort/http-chunked/http-last-chunk/rst",
        "abort/signed-chunks/last-byte/half-close",
        "abort/unsigned-trailer-in-http/in-chunk/rst",
        "gap/signed-trailer/no-trailer",
        "gap/signed-chunks/no-last-chunk",
        "gap/unsigned-trailer/only-two-chunks",
        "gap/unsigned-trailer-in-http/no-third-chunk",
        "overwrite/identity",
        "part/signed-chunks",
        "trailing-bytes/unsigned-trailer",
        "declared-smaller/signed-chunks",
        "declared-larger/signed-trailer",
        "if-none-match",
        "other-host",
        "expect/taken",
        "expect/refused",
        "early-answer",
        "idle/connection",
        "idle/body",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn what_is_found_is_the_payload_or_a_part_of_it() {
    for (found, object) in [
        (&b"abc"[..], Object::Whole),
        (b"ab", Object::Short),
        (b"", Object::Short),
        (b"abcd", Object::Other),
        (b"abd", Object::Other),
        (b"b", Object::Other),
    ] {
        assert_eq!(Object::of(found, b"abc"), object, "{found:?}");
    }
}

fn args(line: &str) -> Args {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let words = std::iter::once("probe").chain(line.split_whitespace());
    <Line as clap::Parser>::try_parse_from(words).unwrap().args
}

fn target(line: &str) -> Result<Target, Fault> {
    Target::read(&args(line), |name| match name {
        "S3BOUNCER_PROBE_ACCESS_KEY" => Some("from-environment".to_owned()),
        "S3BOUNCER_PROBE_SECRET_KEY" => Some("secret".to_owned()),
        _ => None,
    })
}

/// The document of a run with these findings.
fn document(findings: Vec<Finding>) -> Document {
    let advice = advise(&findings);
    let found = Found { server: Some("Test/1".to_owned()), findings };
    Document::new(&target("--endpoint http://127.0.0.1:1").ok().unwrap(), &found, &advice)
}

#[test]
fn people_read_a_table() {
    let mut findings = but_for(&[
        (Case::Complete(Framing::HttpChunked), Object::None),
        (Case::Abort(SIGNED, Cut::LastChunk, RST), Object::Whole),
        (Case::Abort(SIGNED, Cut::InChunk, FIN), Object::Short),
    ]);
    for finding in &mut findings {
        let outcome = &mut finding.outcome;
        match finding.case {
            Case::Abort(_, Cut::InChunk, Ending::Fin) => outcome.bytes = Some(98_304),
            Case::Abort(_, _, Ending::HalfClose) => outcome.status = Some(500),
            Case::IdleConnection => outcome.timing.open_after_s = Some(10.0),
            Case::ExpectRefused => outcome.code = Some("A\u{1b}[31mB".to_owned()),
            _ => {}
        }
    }
    let advice = advise(&findings);
    let found = Found { server: None, findings };
    let target = target("--endpoint http://[::1]:9").ok().unwrap();
    let mut out = Vec::new();
    table::write(&mut out, &target, &found, &advice).unwrap();
    let text = String::from_utf8(out).unwrap();
    let squeezed: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "store: http://[::1]:9 (Server: it does not say)",
        "identity WHOLE 200",
        "aborted, http-chunked none of 18 stored; answer to half-close: 500",
        "- last chunk (the empty one) none WHOLE none, 500",
        "- cut inside the third chunk of four SHORT 98304 none none, 500",
        "overwrite/identity old not awaited",
        "expect/refused none 400 A\\u{1b}[31mB",
        "idle/connection - 200, open for longer than 10 s",
        "upstream.guard = \"whole\"",
    ] {
        assert!(squeezed.iter().any(|found| found == line), "{line} in\n{text}");
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(directory.path().join("secret"), "s3cr3t\n").unwrap();
    fs::write(directory.path().join("empty"), "\n").unwrap();
    fs::write(
        directory.path().join("gate.toml"),
        "[upstream]\nendpoint = \"http://127.0.0.1:3\"\n",
    )
    .unwrap();
    for (line, code, error) in [
        (format!("--config {}", path("none.toml")), ExitCode::Usage, "none.toml"),
        ("--endpoint http://127.0.0.1:1 --bucket a/b".to_owned(), ExitCode::Usage, "a/b"),
        ("--endpoint http://127.0.0.1:1 --bucket ab".to_owned(), ExitCode::Usage, "ab"),
        (
            format!("--endpoint http://127.0.0.1:1 --secret-key-file {}", path("none")),
            ExitCode::Io,
            "none",
        ),
        (
            format!("--endpoint http://127.0.0.1:1 --secret-key-file {}", path("empty")),
            ExitCode::Usage,
            "no secret in it",
        ),
    ] {
        let fault = target(&line).err().unwrap();
        assert_eq!(fault.code, code, "{line}");
        assert!(fault.text.contains(error), "{}", fault.text);
    }
    let found = target(&format!("--config {} --access-key k", path("gate.toml"))).ok().unwrap();
    assert_eq!(found.endpoint.port, 3);
    let two = "[[upstream]]\nname = \"a\"\nhosts = [\"a\"]\nendpoint = \"http://127.0.0.1:4\"\n[[upstream]]\n";
    fs::write(directory.path().join("two.toml"), two).unwrap();
    let of_two =
        |name: &str| target(&format!("--config {} --access-key k {name}", path("two.toml")));
    assert_eq!(of_two("--upstream a").ok().unwrap().endpoint.port, 4);
    assert_eq!(of_two("--upstream 127.0.0.1").ok().unwrap().endpoint.port, 3900);
    for name in ["", "--upstream b"] {
        let fault = of_two(name).err().unwrap();
        assert!(fault.text.contains("one of a, 127.0.0.1"), "{}", fault.text);
    }
    for line in ["--access-key a", "--secret-key-file x"] {
        let args = args(&format!("--endpoint http://127.0.0.1:1 {line}"));
        let fault = Target::read(&args, |_| None).err().unwrap();
        assert_eq!(fault.code, ExitCode::Usage);
        assert!(fault.text.contains("S3BOUNCER_PROBE_"), "{}", fault.text);
    }
}

#[test]
fn a_baseline_that_is_none_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("b"), "{}").unwrap();
    for (name, code) in [("b", ExitCode::Usage), ("none", ExitCode::Io)] {
        let baseline = directory.path().join(name).display().to_string();
        let args = args(&format!("--endpoint http://127.0.0.1:1 --baseline {baseline}"));
        let (ended, out, err) = captured(b"", |streams| run(&args, streams));
        assert_eq!((ended, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(&baseline), "{err}");
    }
}
