//! From outcomes to advice, tables, documents and differences; and what is said before any of that.

use std::collections::HashSet;

use super::case::Case;
use super::framing::{Cut, Ending, Framing, Gap};
use super::judge::{Advice, advise};
use super::outcome::{Connection, Object, Outcome, Timing};
use super::run::{Finding, Found};
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
fn the_guard_follows_from_what_cut_uploads_left() {
    use Object::{None, Old, Other, Short, Unknown, Whole};
    let not_taken = (Case::Complete(TRAILER), Other);
    for (changes, guard) in [
        (&[][..], Guard::Auto),
        // Payload was missing, and something is there.
        (&[(Case::Abort(PLAIN, Cut::PayloadByte, FIN), Short)][..], Guard::Whole),
        (&[(Case::Abort(PLAIN, Cut::InChunk, RST), Short)], Guard::Whole),
        (&[(Case::Abort(SIGNED, Cut::AfterChunk, Ending::HalfClose), Other)], Guard::Whole),
        (&[(Case::Abort(SIGNED, Cut::PayloadByte, RST), Unknown)], Guard::Whole),
        (&[(Case::Overwrite(PLAIN), Short)], Guard::Whole),
        (&[(Case::Overwrite(PLAIN), None)], Guard::Whole),
        (&[(Case::Overwrite(SIGNED), Unknown)], Guard::Whole),
        (&[(Case::Part(SIGNED), Short)], Guard::Whole),
        (&[(Case::IdleBody, Short)], Guard::Whole),
        // Only framing was missing: the gate never cuts there.
        (&[(Case::Abort(SIGNED, Cut::DataEnd, FIN), Whole)], Guard::Auto),
        (&[(Case::Abort(SIGNED, Cut::LastChunk, RST), Whole)], Guard::Auto),
        (&[(Case::Abort(TRAILER, Cut::Trailer, RST), Other)], Guard::Auto),
        (&[(Case::Abort(Framing::HttpChunked, Cut::HttpLastChunk, FIN), Whole)], Guard::Auto),
        // A framing that is taken for payload ends earlier for the store than for the client.
        (&[not_taken, (Case::Abort(TRAILER, Cut::PayloadByte, RST), Other)], Guard::Auto),
        (&[not_taken, (Case::Abort(TRAILER, Cut::InChunk, RST), Other)], Guard::Whole),
        (&[not_taken, (Case::Abort(TRAILER, Cut::AfterChunk, RST), Other)], Guard::Whole),
        // None of it is an aborted upload.
        (&[(Case::Gapped(SIGNED, Gap::Rest), Short)], Guard::Auto),
        (&[(Case::Trailing(SIGNED), Whole)], Guard::Auto),
        (&[(Case::DeclaredSmaller(SIGNED), Short)], Guard::Auto),
        (&[(Case::Conditional, Whole)], Guard::Auto),
        // Not every store lists parts.
        (&[(Case::Part(PLAIN), Unknown)], Guard::Auto),
        (
            &[(Case::Overwrite(PLAIN), Old), (Case::Complete(Framing::HttpChunked), None)],
            Guard::Auto,
        ),
    ] {
        assert_eq!(advise(&but_for(changes)).guard, guard, "{changes:?}");
    }
}

#[test]
fn a_store_that_takes_nothing_tells_nothing() {
    let refused = Framing::ALL.map(|framing| (Case::Complete(framing), Object::None));
    let advice = advise(&but_for(&refused));
    assert_eq!(advice.guard, Guard::Whole);
    assert_eq!(advice.reasons, ["no upload was stored, so nothing is known"]);
}

#[test]
fn reasons_name_cases_and_notes_what_else_is_odd() {
    let advice = advise(&but_for(&[]));
    assert_eq!(advice.reasons, ["no upload that lacked payload changed what is stored"]);
    assert_eq!(advice.notes, [""; 0]);

    let unended = |ending| (Case::Abort(SIGNED, Cut::LastChunk, ending), Object::Whole);
    let more = (Case::Abort(SIGNED, Cut::DataEnd, FIN), Object::Whole);
    let changes = [&Ending::ALL.map(unended)[..], &[more]].concat();
    let advice = advise(&but_for(&changes));
    let reason = "abort/signed-chunks/last-chunk/fin, abort/signed-chunks/last-chunk/rst, \
                  abort/signed-chunks/last-chunk/half-close and 1 more lacked too little";
    assert!(advice.reasons[1].starts_with(reason), "{:?}", advice.reasons);

    let mut findings = but_for(&[
        (Case::Complete(TRAILER), Object::None),
        (Case::Complete(Framing::UnsignedTrailer), Object::Other),
        (Case::Gapped(SIGNED, Gap::Rest), Object::Short),
        (Case::Part(PLAIN), Object::Unknown),
        (Case::Conditional, Object::Whole),
        (Case::Overwrite(PLAIN), Object::None),
    ]);
    for finding in &mut findings {
        if finding.case == Case::OtherHost {
            finding.outcome.status = Some(403);
        }
        if finding.case == Case::IdleConnection {
            finding.outcome.timing.closed_after_s = Some(60.0);
        }
    }
    let Advice { guard, reasons, notes } = advise(&findings);
    assert_eq!(guard, Guard::Whole);
    assert_eq!(reasons, ["overwrite/identity lacked payload and changed what is stored"]);
    for (note, start) in notes.iter().zip([
        "bodies above limits.capture_max are streamed",
        "signed-trailer is not taken",
        "unsigned-trailer is stored wrong",
        "gap/signed-chunks/only-two-chunks were stored though their framing is wrong",
        "part/identity could not be looked at",
        "another Host is refused",
        "If-None-Match: * is ignored",
        "idle connections end after 60 s",
    ]) {
        assert!(note.starts_with(start), "{note}");
    }
    assert_eq!(notes.len(), 8);
}

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
fn a_document_is_read_as_it_was_written() {
    let mut findings = but_for(&[(Case::Abort(PLAIN, Cut::InChunk, RST), Object::Short)]);
    findings[0].outcome = Outcome {
        status: Some(403),
        code: Some("AccessDenied".to_owned()),
        continued: Some(true),
        object: Some(Object::Other),
        bytes: Some(7),
        connection: Some(Connection::Silent),
        announced_close: Some(false),
        next_status: Some(400),
        timing: Timing {
            status_before_end: Some(200),
            sent_bytes: Some(65_536),
            closed_after_s: Some(1.5),
            open_after_s: Some(10.0),
        },
    };
    let document = document(findings);
    let text = serde_json::to_string_pretty(&document).unwrap();
    assert_eq!(Document::read(&text), Ok(document));
    for part in [
        r#""version": 1,"#,
        r#""endpoint": "http://127.0.0.1:1","#,
        r#""server": "Test/1","#,
        r#""guard": "whole","#,
        r#""case": "complete/identity","#,
        r#""object": "other","#,
        r#""connection": "silent","#,
        r#""closed_after_s": 1.5"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // What did not happen is not there.
    assert!(!text.contains("null"), "{text}");
}

#[test]
fn what_is_no_document_is_refused() {
    let text = serde_json::to_string(&document(but_for(&[]))).unwrap();
    let newer = text.replace(r#""version":1"#, r#""version":2"#);
    for (text, error) in [
        ("", "no output of probe"),
        ("{}", "no output of probe"),
        (&text[..text.len() - 1], "no output of probe"),
        (&newer, "version 2"),
    ] {
        let found = Document::read(text).unwrap_err();
        assert!(found.contains(error), "{found}");
    }
    let longer = text.replace(r#""version":1"#, r#""version":1,"later":true"#);
    assert!(Document::read(&longer).is_ok(), "fields may come");
}

#[test]
fn differences_name_the_case_and_what_changed() {
    let abort = Case::Abort(PLAIN, Cut::InChunk, FIN);
    let before = document(but_for(&[]));
    assert_eq!(before.differences(&before), [""; 0]);

    let now = document(but_for(&[(abort, Object::Short), (Case::Conditional, Object::Whole)]));
    assert_eq!(
        now.differences(&before),
        ["abort/identity/in-chunk/fin: object none -> short", "if-none-match: object old -> whole",]
    );
    assert_eq!(before.differences(&now)[0], "abort/identity/in-chunk/fin: object short -> none",);
}

/// The differences after `change` was made to the outcome of a case.
fn after(case: Case, change: impl FnOnce(&mut Outcome)) -> Vec<String> {
    let mut findings = but_for(&[]);
    let before = document(findings.clone());
    change(&mut findings.iter_mut().find(|finding| finding.case == case).unwrap().outcome);
    document(findings).differences(&before)
}

#[test]
fn every_fact_is_compared() {
    let case = Case::ExpectRefused;
    let changes: [(fn(&mut Outcome), &str); 8] = [
        (|o| o.status = None, "status 400 -> -"),
        (|o| o.code = Some("NoSuchKey".to_owned()), "code - -> NoSuchKey"),
        (|o| o.continued = Some(true), "continued - -> true"),
        (|o| o.object = Some(Object::Unknown), "object none -> unknown"),
        (|o| o.bytes = Some(1), "bytes - -> 1"),
        (|o| o.connection = Some(Connection::Reset), "connection - -> closed"),
        (|o| o.announced_close = Some(false), "announced_close - -> false"),
        (|o| o.next_status = Some(400), "next_status - -> 400"),
    ];
    for (change, difference) in changes {
        assert_eq!(after(case, change), [format!("expect/refused: {difference}")]);
    }
}

#[test]
fn timing_and_what_was_not_tried_is_not_compared() {
    let timing = |outcome: &mut Outcome| {
        outcome.timing = Timing {
            status_before_end: Some(411),
            sent_bytes: Some(1),
            closed_after_s: Some(1.0),
            open_after_s: Some(1.0),
        };
    };
    assert_eq!(after(Case::EarlyAnswer, timing), [""; 0]);
    assert_eq!(after(Case::IdleConnection, timing), [""; 0]);

    let all = document(but_for(&[(Case::OtherHost, Object::Other)]));
    let mut fewer = document(but_for(&[]));
    fewer.cases.retain(|tried| tried.case != "other-host");
    assert_eq!(all.differences(&fewer), [""; 0]);
    assert_eq!(fewer.differences(&all), [""; 0]);
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
