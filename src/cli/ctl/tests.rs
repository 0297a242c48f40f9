use super::*;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use clap::Parser;
use http::Method;
use serde_json::json;

use super::order::Order;
use crate::cli::streams::captured;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn parse(words: &[&str]) -> Result<Args, clap::Error> {
    Line::try_parse_from([&["ctl"], words].concat()).map(|line| line.args)
}

fn order(words: &[&str]) -> Order {
    parse(words).unwrap().act.order()
}

#[test]
fn acts_become_the_orders_of_the_contract() {
    let status = Order { method: Method::GET, path: "/status", body: None };
    assert_eq!(order(&["status"]), status);
    for (words, path, body) in [
        (&["reload"][..], "/reload", json!({ "accept": [] })),
        (&["reload", "--accept", "a", "--accept", "b"], "/reload", json!({ "accept": ["a", "b"] })),
        (&["drain"], "/drain", json!({})),
        (
            &["observe", "--for", "30m", "--reason", "false alarm"],
            "/observe",
            json!({ "for_seconds": 1800, "reason": "false alarm", "list": null, "bucket": null }),
        ),
        (
            &["observe", "--for", "2d", "--reason", "r", "--list", "a"],
            "/observe",
            json!({ "for_seconds": 172_800, "reason": "r", "list": "a", "bucket": null }),
        ),
        (
            &["observe", "--for", "1s", "--reason", "r", "--bucket", "b"],
            "/observe",
            json!({ "for_seconds": 1, "reason": "r", "list": null, "bucket": "b" }),
        ),
        (
            &["disable", "a/case 1/2", "--reason", "r", "--expires", "2027-01-31"],
            "/disable",
            json!({ "list": "a", "entry": "case 1/2", "reason": "r", "expires": "2027-01-31" }),
        ),
    ] {
        assert_eq!(order(words), Order { method: Method::POST, path, body: Some(body) });
    }
}

#[test]
fn what_is_incomplete_is_not_sent() {
    for words in [
        &[][..],
        &["restart"],
        &["observe", "--reason", "r"],
        &["observe", "--for", "30m"],
        &["observe", "--for", "30m", "--reason", "r", "--list", "a", "--bucket", "b"],
        &["disable", "a/b", "--reason", "r"],
        &["disable", "a/b", "--expires", "2027-01-31"],
        &["disable", "a/b", "--reason", "r", "--expires", "tomorrow"],
        &["disable", "ab", "--reason", "r", "--expires", "2027-01-31"],
        &["disable", "/b", "--reason", "r", "--expires", "2027-01-31"],
        &["disable", "a/", "--reason", "r", "--expires", "2027-01-31"],
        &["--socket", "a", "--config", "b", "status"],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}

#[test]
fn durations_are_a_number_and_a_unit() {
    for (text, seconds) in [
        ("1s", Some(1)),
        ("90s", Some(90)),
        ("30m", Some(1800)),
        ("12h", Some(43_200)),
        ("7d", Some(604_800)),
        ("0s", None),
        ("", None),
        ("s", None),
        ("30", None),
        ("+30m", None),
        ("-30m", None),
        ("1.5h", None),
        ("30 m", None),
        ("1h30m", None),
        ("213503982334601d", Some(213_503_982_334_601 * 86_400)),
        ("213503982334602d", None),
    ] {
        assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
    }
}

#[test]
fn the_socket_is_named_or_found() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("gate.toml");
    fs::write(&config, "[state]\ndirectory = \"here\"\n").unwrap();
    let config = config.to_str().unwrap();
    for (words, socket) in [
        (vec!["status"], PathBuf::from(SOCKET)),
        (vec!["--socket", "a", "status"], "a".into()),
        (vec!["status", "--socket", "a"], "a".into()),
        (vec!["--config", config, "status"], directory.path().join("here/admin.sock")),
    ] {
        assert_eq!(parse(&words).unwrap().socket().unwrap(), socket, "{words:?}");
    }
    let missing = parse(&["--config", "none/gate.toml", "status"]).unwrap();
    assert_eq!(missing.socket().unwrap_err().code, ExitCode::Usage);
}

/// Serves one request with a fixed answer, and gives what was asked.
fn gate(socket: &Path, answer: &str) -> thread::JoinHandle<String> {
    let (listener, answer) = (UnixListener::bind(socket).unwrap(), answer.to_owned());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            assert_ne!(input.read_line(&mut asked).unwrap(), 0);
        }
        let head = asked.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        input.read_exact(&mut body).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        asked + std::str::from_utf8(&body).unwrap()
    })
}

/// The ending of `ctl`, its output, and what the gate was asked, where it answers so.
fn ctl(words: &[&str], status: &str, body: &str) -> (ExitCode, String, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
    let gate = gate(&socket, &answer);
    let words = [&["--socket", socket.to_str().unwrap()], words].concat();
    let args = parse(&words).unwrap();
    let (code, out, err) = captured(b"", |streams| run(&args, streams));
    (code, out, err, gate.join().unwrap())
}

#[test]
fn status_is_printed_as_json() {
    let (code, out, err, asked) = ctl(&["status"], "200 OK", r#"{"ready":true,"lists":[]}"#);
    assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), json!({"ready": true, "lists": []}));
    assert!(out.lines().count() > 1, "{out}");
    assert!(asked.starts_with("GET /status HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{asked}");
}

#[test]
fn acts_are_answered_in_a_line() {
    let until = "2027-01-31T00:00:00Z";
    let observe = format!(r#"{{"observe":{{"until":"{until}"}}}}"#);
    let disabled = format!(r#"{{"disabled":{{"until":"{until}"}}}}"#);
    for (words, body, line) in [
        (&["reload"][..], r#"{"errors":[]}"#, "reloaded\n".to_owned()),
        (&["drain"], r#"{"draining":true}"#, "draining\n".to_owned()),
        (
            &["observe", "--for", "1h", "--reason", "r"],
            &observe,
            format!("only observing until {until}\n"),
        ),
        (
            &["disable", "a/b", "--reason", "r", "--expires", "2027-01-31"],
            &disabled,
            format!("a/b disabled until {until}\n"),
        ),
    ] {
        let (code, out, err, asked) = ctl(words, "200 OK", body);
        assert_eq!((code, out, err.as_str()), (ExitCode::Success, line, ""));
        let (_, sent) = asked.split_once("\r\n\r\n").unwrap();
        assert_eq!(serde_json::from_str::<Value>(sent).ok(), order(words).body);
    }
}

#[test]
fn what_the_gate_refuses_is_told() {
    for (status, body, lines) in [
        (
            "409 Conflict",
            r#"{"errors":["list a: gone","x:\nline 1: y"]}"#,
            &["list a: gone", "x:", "line 1: y"][..],
        ),
        ("404 Not Found", r#"{"error":"no such page"}"#, &["no such page"]),
        ("500 Internal Server Error", "{}", &["the gate answered 500 Internal Server Error"]),
        ("200 OK", "fine", &["the gate answered 200 OK, and no JSON"]),
    ] {
        let (code, out, err, _) = ctl(&["reload"], status, body);
        assert_eq!((code, out.as_str()), (ExitCode::Failure, ""));
        let told: Vec<_> =
            err.lines().map(|line| line.strip_prefix("s3bouncer: ").unwrap()).collect();
        assert_eq!(told, lines);
    }
}

#[test]
fn a_gate_that_is_not_there_is_told() {
    let args = parse(&["--socket", "none/s", "status"]).unwrap();
    let (code, out, err) = captured(b"", |streams| run(&args, streams));
    assert_eq!((code, out.as_str()), (ExitCode::Failure, ""));
    assert!(err.contains("none/s: ") && err.contains("does the gate run"), "{err}");
}

#[test]
fn a_gate_that_breaks_off_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    let gate = gate(&socket, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}");
    let args = parse(&["--socket", socket.to_str().unwrap(), "drain"]).unwrap();
    let (code, out, _) = captured(b"", |streams| run(&args, streams));
    assert_eq!((code, out.as_str()), (ExitCode::Failure, ""));
    gate.join().unwrap();
}
