//! What the client receives is what the store answered (invariant 12).

use crate::support::script::{answer, head};
use crate::support::{Answer, Gate, Latch, Request, Script, Setup, Step, Store, sample};

fn gate(store: &Store) -> Gate {
    Setup::refusing(store, &[sample::PHOTO]).start()
}

/// The answer to `request` of a store that sends these bytes.
fn through(bytes: &[u8], request: &Request) -> Answer {
    let store = Store::always(Script::replies(bytes.to_vec()));
    gate(&store).exchange(request)
}

/// Fails unless the client gets this answer as it is, to each kind of request.
#[track_caller]
fn expect_verbatim(status: &str, fields: &[(&str, &str)], body: &[u8]) {
    let bytes = answer(status, fields, body);
    let sent = crate::support::http::Head::parse(&bytes).expect("a head");
    for request in [Request::get("/b/k"), Request::put("/b/k", b"body")] {
        let answer = through(&bytes, &request);
        assert_eq!(answer.head.start, format!("HTTP/1.1 {status}"), "status and reason");
        assert_eq!(answer.head.end_to_end(), sent.end_to_end(), "{status}");
        assert!(answer.body == body && answer.complete, "{status}");
    }
}

#[test]
fn answers_come_back_verbatim() {
    expect_verbatim("200 OK", &[("ETag", "\"x\""), ("X-AMZ-Request-Id", "R")], b"body");
    expect_verbatim("200 Very Fine Indeed", &[("x-Odd-CASE", "1"), ("X-Odd-Case", "2")], b"");
    expect_verbatim("206 Partial Content", &[("Content-Range", "bytes 1-3/9")], b"abc");
    expect_verbatim("307 Temporary Redirect", &[("Location", "http://else.example.org/")], b"<x/>");
    let xml = b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code></Error>";
    let fields = [("Content-Type", "application/xml"), ("Server", "store"), ("Date", "today")];
    expect_verbatim("404 Not Found", &fields, xml);
    expect_verbatim("500 Internal Server Error", &fields, xml);
    expect_verbatim("503 Slow Down", &[("Retry-After", "7")], xml);
    expect_verbatim("200 OK", &[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"two of one name");
}

#[test]
fn answers_without_a_body_stay_without() {
    let bytes = head("200 OK", [("Content-Length", "12345"), ("ETag", "\"x\"")]);
    let store = Store::always(Script::replies(bytes));
    let gate = gate(&store);
    let mut client = gate.client();
    let answer = client.exchange(&Request::new("HEAD", "/b/k"));
    assert_eq!(answer.head.get("content-length"), Some("12345"));
    assert_eq!(client.exchange(&Request::new("HEAD", "/b/k")).status(), 200, "still in step");

    for status in ["204 No Content", "304 Not Modified"] {
        let store = Store::always(Script::replies(head(status, [("ETag", "\"x\"")])));
        let gate = self::gate(&store);
        let mut client = gate.client();
        for _ in 0..2 {
            let answer = client.exchange(&Request::get("/b/k"));
            assert_eq!(answer.head.start, format!("HTTP/1.1 {status}"));
            assert_eq!(answer.head.get("etag"), Some("\"x\""));
        }
    }
}

#[test]
fn chunked_and_closing_answers_come_whole() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nabcde\r\n1\r\nf\r\n0\r\n\r\n";
    for bytes in [chunked.as_slice(), b"HTTP/1.1 200 OK\r\n\r\nabcdef"] {
        for last in [Step::Send(bytes.to_vec()), Step::Trickle(bytes.to_vec())] {
            let store = Store::always(Script::steps([last, Step::Close]));
            let answer = gate(&store).exchange(&Request::get("/b/k"));
            assert_eq!(answer.body, b"abcdef");
            assert!(answer.complete);
        }
    }
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let declared = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".to_vec();
    for bytes in [declared, chunked] {
        for end in [Step::Close, Step::Reset] {
            let store = Store::always(Script::steps([Step::Send(bytes.clone()), end]));
            let gate = gate(&store);
            let mut client = gate.client();
            client.send(&Request::get("/b/k").on_wire());
            // It may also never begin.
            if let Ok(answer) = client.try_answer() {
                assert!(!answer.complete || answer.status() == 503, "{:?}", answer.head.start);
            }
        }
    }
}

#[test]
fn a_download_streams_while_the_store_sends_it() {
    let latch = Latch::new();
    let body = sample::noise(1, 300_000);
    let bytes = answer("200 OK", &[], &body);
    let (first, rest) = bytes.split_at(bytes.len() - 100_000);
    let store = Store::always(Script::steps([
        Step::Send(first.to_vec()),
        Step::Wait(latch.clone()),
        Step::Send(rest.to_vec()),
    ]));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::get("/b/k").on_wire());
    assert_eq!(client.head().word(1), "200");
    let mut came = client.read(200_000);
    latch.open();
    came.extend(client.read(100_000));
    assert!(came == body);
}

#[test]
fn ranges_and_large_downloads_come_whole() {
    let body = sample::noise(3, 20_000_000);
    let bytes = answer("206 Partial Content", &[("Content-Range", "bytes 0-*/*")], &body);
    let store = Store::always(Script::replies(bytes));
    let gate = gate(&store);
    let answer = gate.exchange(&Request::get("/b/k").with("Range", "bytes=0-19999999"));
    assert_eq!(answer.status(), 206);
    assert_eq!(store.request(0).head.get("range"), Some("bytes=0-19999999"));
    assert!(answer.body == body);
}

/// The length of a body is no number that anything here reserves, or counts in 32 bits.
#[test]
fn a_download_of_a_hundred_gigabytes_begins_like_any_other() {
    let (length, beginning) = (100_u64 << 30, sample::noise(5, 3 << 20));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let steps = [Step::Send(head.into_bytes()), Step::Send(beginning.clone())];
    let store = Store::always(Script::steps(steps));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::get("/b/k").on_wire());
    assert_eq!(client.head().get("content-length"), Some(&*length.to_string()));
    assert!(client.read(beginning.len()) == beginning);
}

#[test]
fn interim_answers_nobody_asked_for_are_not_taken_for_the_answer() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for request in [Request::get("/b/k"), Request::put("/b/k", b"body")] {
        let answer = through(bytes, &request);
        assert_eq!((answer.status(), answer.text()), (200, "ok".to_owned()));
    }
}

#[test]
fn a_completion_that_keeps_its_client_waiting_with_blanks_passes() {
    let latch = Latch::new();
    let first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n".to_vec();
    let rest = b"4\r\n<ok>\r\n0\r\n\r\n".to_vec();
    let steps = [Step::ReadBody, Step::Send(first), Step::Wait(latch.clone()), Step::Send(rest)];
    let store = Store::always(Script::steps(steps));
    let gate = gate(&store);
    let mut client = gate.client();
    let parts = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>\
        </CompleteMultipartUpload>";
    client.send(&Request::post("/b/k?uploadId=u", parts).on_wire());
    assert_eq!(client.head().word(1), "200");
    assert_eq!(client.read(6), b"1\r\n \r\n");
    latch.open();
    assert_eq!(client.read(14), b"4\r\n<ok>\r\n0\r\n\r\n");
}
