//! Malformed framing is 400 and never looks complete (invariant 3).

use crate::support::request::aws_chunked;
use crate::support::{Framing, Gate, Request, Setup, Store, sample};

/// A payload that is held whole and one that streams before its fault is met, with small limits.
const SIZES: [usize; 2] = [1000, 300_000];

/// How the framing of a payload is spoilt.
struct Fault {
    what: &'static str,
    framing: Framing,
    code: &'static str,
    spoil: fn(Vec<u8>) -> Vec<u8>,
}

/// The last chunk with its signature, as it ends a signed body without trailers.
fn end() -> Vec<u8> {
    aws_chunked(b"", true, false)
}

fn without_end(body: Vec<u8>) -> Vec<u8> {
    body[..body.len() - end().len()].to_vec()
}

/// The body with `insert` before its last chunk.
fn before_end(body: Vec<u8>, insert: &str) -> Vec<u8> {
    [without_end(body), insert.as_bytes().to_vec(), end()].concat()
}

fn ending(body: Vec<u8>, end: &str) -> Vec<u8> {
    [without_end(body).as_slice(), end.as_bytes()].concat()
}

/// The line of a signed chunk with this size.
fn line(size: &str) -> String {
    format!("{size};chunk-signature={}\r\n", "c".repeat(64))
}

const INVALID: &str = "InvalidRequest";
const INCOMPLETE: &str = "IncompleteBody";

const FAULTS: [Fault; 17] = [
    signed("no hex", INVALID, |body| before_end(body, &line("xyz"))),
    signed("a prefix", INVALID, |body| before_end(body, &line("0x1"))),
    signed("a sign", INVALID, |body| before_end(body, &line("+1"))),
    signed("a blank", INVALID, |body| before_end(body, &line(" 1"))),
    signed("an empty size", INVALID, |body| before_end(body, &line(""))),
    signed("a size that overflows", INVALID, |body| before_end(body, &line("10000000000000000"))),
    signed("no signature", INVALID, |body| before_end(body, "1\r\nx\r\n")),
    signed("a short signature", INVALID, |body| {
        before_end(body, &line("1").replace("cc\r\n", "\r\n"))
    }),
    signed("another extension", INVALID, |body| {
        before_end(body, &line("1").replace("chunk-signature", "checksum"))
    }),
    signed("a bare LF", INVALID, |body| before_end(body, &line("1").replace("\r\n", "\n"))),
    signed("data longer than its size", INVALID, |body| {
        let body = without_end(body);
        [&body[..body.len() - 2], b"x\r\n", &end()].concat()
    }),
    signed("bytes behind the end", INVALID, |body| [body, b"x".to_vec()].concat()),
    signed("a chunk behind the end", INVALID, |body| {
        [body, aws_chunked(b"x", true, false)].concat()
    }),
    signed("trailers nobody announced", INVALID, |body| {
        ending(body, &(line("0") + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
    }),
    signed("more than declared", INCOMPLETE, |body| before_end(body, &(line("1") + "x\r\n"))),
    signed("no last chunk", INCOMPLETE, without_end),
    Fault {
        what: "a trailer cut off",
        framing: Framing::UnsignedTrailer,
        code: INCOMPLETE,
        spoil: |body| body[..body.len() - 6].to_vec(),
    },
];

const fn signed(what: &'static str, code: &'static str, spoil: fn(Vec<u8>) -> Vec<u8>) -> Fault {
    Fault { what, framing: Framing::Signed, code, spoil }
}

/// The same framing inside HTTP chunks.
fn in_http_chunks(framing: Framing) -> Framing {
    match framing {
        Framing::UnsignedTrailer => Framing::UnsignedTrailerChunks,
        _ => Framing::SignedChunks,
    }
}

fn setting() -> (Store, Gate) {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS]).small_limits().start();
    (store, gate)
}

#[test]
fn malformed_aws_chunks_are_refused_and_never_complete() {
    let (store, gate) = setting();
    for Fault { what, framing, code, spoil } in FAULTS {
        for size in SIZES {
            for framing in [framing, in_http_chunks(framing)] {
                let payload = sample::noise(1, size);
                let request = Request::framed("/b/k", framing, &payload);
                let body = spoil(request.body.clone());
                let answer = gate.exchange(&request.carrying(body));
                assert_eq!(answer.status(), 400, "{what}, {framing:?}, {size}");
                let found = answer.element("Code");
                assert_eq!(found.as_deref(), Some(code), "{what}, {framing:?}, {size}");
            }
        }
    }
    assert!(store.objects().is_empty(), "{:?}", store.objects().len());
    let records = gate.stop().records;
    assert_eq!(records.len(), FAULTS.len() * SIZES.len() * 2);
    assert!(records.iter().all(|record| record["verdict"] != "allow" && record["status"] == 400));
}

#[test]
fn the_declared_length_of_the_payload_must_be_met_exactly() {
    let (store, gate) = setting();
    for size in SIZES {
        for framing in Framing::ALL.into_iter().filter(|framing| framing.is_aws_chunked()) {
            for declared in [0, 1, size - 1, size + 1, size * 2] {
                let request = Request::framed("/b/k", framing, &sample::noise(1, size));
                let name = "x-amz-decoded-content-length";
                let answer = gate.exchange(&request.replacing(name, &declared.to_string()));
                assert_eq!(answer.status(), 400, "{framing:?} {size} {declared}");
                assert_eq!(answer.element("Code").as_deref(), Some(INCOMPLETE));
            }
        }
    }
    assert!(store.objects().is_empty());
}

#[test]
fn a_declared_length_that_is_no_number_is_refused() {
    let (store, gate) = setting();
    for declared in ["-1", "+3", "0x3", " 3 3", "", "3.0", "99999999999999999999"] {
        let request = Request::framed("/b/k", Framing::Signed, b"abc");
        let request = request.replacing("x-amz-decoded-content-length", declared);
        gate.exchange(&request).expect_error(400, INVALID);
    }
    assert!(store.requests().is_empty());
}

#[test]
fn a_body_shorter_than_its_content_length_is_incomplete() {
    let (store, gate) = setting();
    for framing in Framing::ALL {
        for size in SIZES {
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            let wire = request.on_wire();
            let mut client = gate.client();
            client.send(&wire[..wire.len() - 1]);
            client.half_close();
            // Who goes away need not be answered, but a half-closed connection can be.
            if let Ok(answer) = client.try_answer() {
                assert_eq!(answer.status(), 400, "{framing:?} {size}");
            }
        }
    }
    let records = gate.stop().records;
    assert_eq!(records.len(), Framing::ALL.len() * SIZES.len());
    assert!(records.iter().all(|record| record["verdict"] != "allow"), "{records:?}");
    assert!(store.objects().is_empty());
}

#[test]
fn the_form_that_some_clients_use_is_read() {
    let (store, gate) = setting();
    let signed = format!("3;chunk-signature={}\r\nabc\r\n", "c".repeat(64));
    for (framing, body) in [
        // A last chunk without an empty line behind it.
        (Framing::Signed, signed.clone() + line("0").as_str()),
        (
            Framing::Signed,
            signed
                .to_uppercase()
                .replace("CHUNK-SIGNATURE", "chunk-signature")
                .replace("ABC", "abc")
                + &line("000")
                + "\r\n",
        ),
        // Java and .NET sign the chunks of the unsigned framing.
        (Framing::UnsignedTrailer, signed + "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"),
    ] {
        let request = Request::framed("/b/k", framing, b"abc").carrying(body.clone().into_bytes());
        let answer = gate.exchange(&request);
        assert_eq!(answer.status(), 200, "{body:?}: {}", answer.text());
        assert!(store.objects().last().is_some_and(|seen| seen.body == body.as_bytes()));
    }
}
