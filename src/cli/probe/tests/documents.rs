//! Documents, and how two of them differ.

use super::*;

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
    type Change = fn(&mut Outcome);
    let changes: [(Change, &str); 8] = [
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
