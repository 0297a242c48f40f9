//! What lies within a body convicts it: the file of a form, what a content coding hides, a picture
//! behind other bytes, the members of an archive (invariants 4 and 6).

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::support::{Framing, Gate, List, Request, Setup, Store, sample};

use sample::{CACTUS, FLOWER};

const BOUNDARY: &str = "----made-up-boundary";

/// A form with these parts: name, file name, payload.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Request {
    let mut body = Vec::new();
    for (name, filename, payload) in parts {
        let filename = filename.map_or(String::new(), |name| format!("; filename=\"{name}\""));
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n"
        );
        body.extend([head.as_bytes(), payload, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    Request::post("/b", &body).with("Content-Type", &kind)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn refusing(listed: &[&[u8]]) -> (Store, Gate) {
    let store = Store::ok();
    let gate = Setup::refusing(&store, listed).small_limits().start();
    (store, gate)
}

#[track_caller]
fn expect_refused(gate: &Gate, request: &Request, reason: &str) {
    let before = gate.denials(0).len();
    gate.exchange(request).expect_error(403, "AccessDenied");
    let denials = gate.denials(before + 1);
    assert_eq!(denials[before]["reason"], reason, "{}", denials[before]);
}

#[test]
fn the_file_of_a_form_is_judged_wherever_it_stands() {
    let (store, gate) = refusing(&[CACTUS]);
    let photo: (&str, Option<&str>, &[u8]) = ("file", Some("holiday.jpg"), CACTUS);
    let fields: [(&str, Option<&str>, &[u8]); 2] =
        [("key", None, b"photos/${filename}"), ("policy", None, b"e30=")];
    for parts in [
        vec![fields[0], fields[1], photo],
        vec![photo, fields[0]],
        vec![fields[0], photo, fields[1]],
    ] {
        gate.exchange(&form(&parts)).expect_error(403, "AccessDenied");
    }
    assert!(store.objects().is_empty());
    let record = gate.records(3)[0].clone();
    assert_eq!(record["sha256"], sample::sha256(CACTUS).as_str());
    assert_eq!(record["key"], "photos/holiday.jpg");
    assert_eq!(record["auth"], "unverified", "a form is signed inside its body");
}

#[test]
fn every_part_of_a_form_is_judged() {
    let (_store, gate) = refusing(&[b"listed text"]);
    let parts: [(&str, Option<&str>, &[u8]); 3] =
        [("key", None, b"k"), ("x-amz-meta-note", None, b"listed text"), ("file", None, b"x")];
    expect_refused(&gate, &form(&parts), "exact-form-part");
}

#[test]
fn an_innocent_form_passes_as_it_came() {
    let (store, gate) = refusing(&[CACTUS]);
    let large = sample::noise(3, 700_000);
    for file in [FLOWER, b"", &large] {
        let request = form(&[("key", None, b"k"), ("file", Some("f"), file)]);
        assert_eq!(gate.exchange(&request).status(), 200);
        let seen = store.objects();
        assert!(seen.last().expect("an object").body == request.body);
    }
    let records = gate.records(3);
    assert!(records.iter().all(|record| record["verdict"] == "allow"), "{records:?}");
}

#[test]
fn of_a_large_listed_form_the_store_never_sees_the_delimiter() {
    let listed = sample::noise(4, 900_000);
    let tail = vec![b'x'; 100_000];
    for parts in [
        vec![("key", None, b"k".as_slice()), ("file", None, &listed)],
        vec![("key", None, b"k".as_slice()), ("file", None, &listed), ("x-ignore-a", None, &tail)],
    ] {
        let (store, gate) = refusing(&[&listed]);
        let request = form(&parts);
        gate.exchange(&request).expect_error(403, "AccessDenied");
        let seen = store.torso();
        assert!(!seen.complete);
        let file_ends = request.body.len() - tail.len() - 1000;
        assert!(seen.body.len() < file_ends.min(900_000 - 60_000), "{}", seen.body.len());
    }
}

#[test]
fn malformed_forms_are_refused_and_pass_in_shadow() {
    let text = "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nbytes\r\n--x";
    let request = Request::post("/b", text.as_bytes())
        .with("Content-Type", "multipart/form-data; boundary=x");
    let untyped = Request::post("/b", b"x").with("Content-Type", "multipart/form-data");
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    gate.exchange(&request).expect_error(400, "MalformedPOSTRequest");
    gate.exchange(&untyped).expect_error(400, "MalformedPOSTRequest");
    assert!(store.objects().is_empty());
    let watching = Setup::refusing(&store, &[CACTUS]).watching().start();
    for (number, request) in [request, untyped].iter().enumerate() {
        assert_eq!(watching.exchange(request).status(), 200);
        let record = &watching.records(number + 1)[number];
        assert_eq!((&record["verdict"], &record["reason"]), (&"unjudged".into(), &"form".into()));
    }
}

#[test]
fn what_a_content_coding_hides_is_judged() {
    let text = sample::noise(7, 300_000);
    for listed in [CACTUS, &text] {
        let (store, gate) = refusing(&[listed]);
        for (coding, body) in [
            ("gzip", gzip(listed)),
            ("x-gzip", gzip(listed)),
            ("deflate", zlib(listed)),
            ("gzip, gzip", gzip(&gzip(listed))),
            ("gzip", [gzip(listed), gzip(b"a second member")].concat()),
        ] {
            for framing in [Framing::ALL[0], Framing::ALL[1]] {
                let request =
                    Request::framed("/b/k", framing, &body).with("Content-Encoding", coding);
                expect_refused(&gate, &request, "exact-decoded");
            }
        }
        // The coded bytes themselves are no entry, and innocent ones pass.
        let innocent = Request::put("/b/k", &gzip(FLOWER)).with("Content-Encoding", "gzip");
        assert_eq!(gate.exchange(&innocent).status(), 200);
        assert_eq!(store.objects().len(), 1);
    }
}

#[test]
fn a_coding_that_cannot_be_undone_is_unjudged() {
    let (_store, gate) = refusing(&[CACTUS]);
    // A thousand times its size.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 64 << 20]).expect("memory takes it");
    let bomb = bomb.finish().expect("memory takes it");
    for (number, (coding, body)) in
        [("made-up", b"x".as_slice()), ("gzip", b"no gzip"), ("gzip", &bomb)].iter().enumerate()
    {
        let request = Request::put("/b/k", body).with("Content-Encoding", coding);
        assert_eq!(gate.exchange(&request).status(), 200);
        let record = &gate.records(number + 1)[number];
        assert_eq!(
            (&record["verdict"], &record["reason"]),
            (&"unjudged".into(), &"encoding".into()),
            "{coding}"
        );
    }
}

#[test]
fn a_listed_picture_is_found_behind_and_before_other_bytes() {
    let (_store, gate) = refusing(&[CACTUS]);
    for before in [1, 63, 64, 65, 5000, 30_000] {
        let body = [vec![b'%'; before], CACTUS.to_vec()].concat();
        expect_refused(&gate, &Request::put("/b/k", &body), "exact-embedded");
    }
    let junk = [CACTUS, &sample::noise(8, 4000)].concat();
    expect_refused(&gate, &Request::put("/b/k", &junk), "exact-trimmed");
    let both = [b"%PDF-1.4 made up ".as_slice(), CACTUS, b" endobj"].concat();
    expect_refused(&gate, &Request::put("/b/k", &both), "exact-embedded");
}

#[test]
fn archives_are_looked_into_where_that_is_asked_for() {
    // Behind more than what is searched of any body.
    let first = sample::noise(9, 100_000);
    let tar = sample::tar(&[("readme.txt", &first), ("photos/a.jpg", CACTUS)]);
    let store = Store::ok();
    let closed = Setup::refusing(&store, &[CACTUS]).start();
    assert_eq!(closed.exchange(&Request::put("/b/a.tar", &tar)).status(), 200, "off by default");
    let gate = Setup::refusing(&store, &[CACTUS]).set("inspect", "archives = \"on\"").start();
    expect_refused(&gate, &Request::put("/b/a.tar", &tar), "exact-member");
    expect_refused(&gate, &Request::put("/b/a.tgz", &gzip(&tar)), "exact-member");
    let innocent = sample::tar(&[("photos/a.jpg", FLOWER)]);
    assert_eq!(gate.exchange(&Request::put("/b/a.tar", &innocent)).status(), 200);
}

#[test]
fn an_allow_entry_for_the_body_itself_acquits_it() {
    let store = Store::ok();
    let body = [vec![b'%'; 100], CACTUS.to_vec()].concat();
    let gate = Setup::refusing(&store, &[CACTUS]).list(List::allowing(&[&body])).start();
    assert_eq!(gate.exchange(&Request::put("/b/k", &body)).status(), 200);
}
