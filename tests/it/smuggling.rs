//! Shapes by which two servers could come to disagree about where a request ends or whom it is for:
//! refused, or made canonical (invariant 3).

use crate::support::{Answer, Client, Gate, Seen, Setup, Store, sample};

/// A request that must never be seen: it hides where only a confused reader finds one.
const HIDDEN: &str = "GET /b/hidden HTTP/1.1\r\nHost: s3.example.org\r\n\r\n";

/// What the gate makes of these bytes: its answers until the connection ends or falls silent.
fn answers(gate: &Gate, bytes: &[u8]) -> Vec<Answer> {
    let mut client: Client = gate.client();
    // It may close before it has read all.
    let _ = client.try_send(bytes);
    client.half_close();
    let mut answers = Vec::new();
    while let Ok(answer) = client.try_answer() {
        answers.push(answer);
    }
    answers
}

/// Whether every server reads this request in the same way.
fn is_canonical(seen: &Seen) -> bool {
    let head = &seen.head;
    let lengths = head.all("content-length").len();
    let codings = head.all("transfer-encoding");
    let nominated = head.all("connection").iter().all(|value| *value == "close");
    let twin = head.fields.iter().any(|(name, _)| name.contains('_'));
    head.all("host").len() == 1
        && seen.target().starts_with('/')
        && lengths + codings.len() <= 1
        && codings.iter().all(|coding| *coding == "chunked")
        && head.get("upgrade").is_none()
        && nominated
        && !twin
}

/// Fails unless these bytes are refused, and nothing of them reaches the store.
#[track_caller]
fn expect_refused(gate: &Gate, store: &Store, status: u16, bytes: &[u8]) {
    let before = store.requests().len();
    let answers = answers(gate, bytes);
    let text = String::from_utf8_lossy(bytes);
    let statuses: Vec<_> = answers.iter().map(Answer::status).collect();
    assert_eq!(statuses, [status], "{text}");
    assert_eq!(store.requests().len(), before, "nothing reaches the store: {text}");
}

/// Fails unless these bytes are refused or reach the store in a form that is clear, and the request
/// hidden in them never does.
#[track_caller]
fn expect_clear(gate: &Gate, store: &Store, bytes: &[u8]) {
    let before = store.requests().len();
    let answers = answers(gate, bytes);
    let text = String::from_utf8_lossy(bytes);
    for seen in &store.requests()[before..] {
        assert!(is_canonical(seen), "{text} arrived as {:?}", seen.head);
        assert_ne!(seen.target(), "/b/hidden", "{text}");
    }
    let refused = answers.iter().all(|answer| (400..500).contains(&answer.status()));
    assert!(refused || store.requests().len() > before, "{text}");
}

/// A PUT with these lines and this body.
fn put(lines: &str, body: &str) -> Vec<u8> {
    format!("PUT /b/k HTTP/1.1\r\n{lines}\r\n{body}").into_bytes()
}

fn setting() -> (Store, Gate) {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    (store, gate)
}

const HOST: &str = "Host: s3.example.org\r\n";

#[test]
fn two_ends_of_one_body_are_refused() {
    let (store, gate) = setting();
    let hidden_behind_nothing = format!("0\r\n\r\n{HIDDEN}");
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ] {
        // hyper itself drops the length and closes: then only the chunked reading may arrive.
        expect_clear(&gate, &store, &put(&format!("{HOST}{lengths}"), &hidden_behind_nothing));
    }
    for lengths in [
        "Content-Length: 3\r\nContent-Length: 5\r\n",
        "Content-Length: 3, 5\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 3 3\r\n",
        "Content-Length: 18446744073709551617\r\n",
    ] {
        let body = format!("abc{HIDDEN}");
        expect_refused(&gate, &store, 400, &put(&format!("{HOST}{lengths}"), &body));
    }
    for lengths in ["Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length:\r\n"] {
        expect_clear(&gate, &store, &put(&format!("{HOST}{lengths}"), "abc"));
    }
}

#[test]
fn transfer_encodings_other_than_chunked_are_refused() {
    let (store, gate) = setting();
    let body = format!("0\r\n\r\n{HIDDEN}");
    for coding in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: ,chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
    ] {
        expect_refused(&gate, &store, 400, &put(&format!("{HOST}{coding}"), &body));
    }
    let one = put(&format!("{HOST}Transfer-Encoding: CHUNKED\r\n"), "3\r\nabc\r\n0\r\n\r\n");
    expect_clear(&gate, &store, &one);
    let old = format!("PUT /b/k HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{body}");
    expect_refused(&gate, &store, 400, old.as_bytes());
}

#[test]
fn malformed_chunks_never_become_a_complete_body() {
    let (store, gate) = setting();
    for chunks in [
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nab\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\n",
        "3\r\nabc\r\n",
    ] {
        let request = put(&format!("{HOST}Transfer-Encoding: chunked\r\n"), chunks);
        let answers = answers(&gate, &request);
        assert!(answers.iter().all(|answer| answer.status() == 400), "{chunks:?}");
    }
    assert!(store.objects().is_empty(), "{:?}", store.objects());
    let extended =
        put(&format!("{HOST}Transfer-Encoding: chunked\r\n"), "3;x=y\r\nabc\r\n0\r\n\r\n");
    expect_clear(&gate, &store, &extended);
}

#[test]
fn whom_a_request_is_for_is_said_once() {
    let (store, gate) = setting();
    for head in [
        "GET /b/k HTTP/1.1\r\n\r\n",
        "GET /b/k HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /b/k HTTP/1.1\r\nHost: one.example.org\r\nHost: two.example.org\r\n\r\n",
        "GET http://other.example.org/b/k HTTP/1.1\r\nHost: s3.example.org\r\n\r\n",
        "GET http://s3.example.org HTTP/1.1\r\nHost: s3.example.org\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: s3.example.org\r\n\r\n",
        "GET b/k HTTP/1.1\r\nHost: s3.example.org\r\n\r\n",
    ] {
        expect_refused(&gate, &store, 400, head.as_bytes());
    }
    let put = head_with("PUT http://other.example.org/b/k", "Content-Length: 3\r\n") + "abc";
    expect_refused(&gate, &store, 400, put.as_bytes());
}

#[test]
fn no_tunnels_no_other_protocols_no_unknown_methods() {
    let (store, gate) = setting();
    let connect = "CONNECT s3.example.org:80 HTTP/1.1\r\nHost: s3.example.org:80\r\n\r\n";
    expect_clear(&gate, &store, connect.as_bytes());
    for method in ["TRACE", "MOVE", "COPY", "PATCH", "put", "MKCOL"] {
        let bytes = head_with(&format!("{method} /b/k"), "Content-Length: 3\r\n") + "abc";
        expect_refused(&gate, &store, 405, bytes.as_bytes());
    }
    for upgrade in ["h2c", "websocket"] {
        let lines = format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n");
        let bytes = head_with("GET /b/k", &lines) + HIDDEN;
        let before = store.requests().len();
        let answers = answers(&gate, bytes.as_bytes());
        assert!(answers.iter().all(|answer| answer.status() != 101));
        assert!(store.requests()[before..].iter().all(is_canonical));
    }
}

#[test]
fn a_client_cannot_choose_what_the_next_hop_drops() {
    let (store, gate) = setting();
    for name in ["content-length", "authorization", "host", "x-amz-content-sha256", "Expect"] {
        let lines = format!("Connection: close, {name}\r\nContent-Length: 3\r\n");
        let bytes = head_with("PUT /b/k", &lines) + "abc";
        expect_refused(&gate, &store, 400, bytes.as_bytes());
    }
    let lines = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 3\r\n";
    expect_clear(&gate, &store, (head_with("PUT /b/k", lines) + "abc").as_bytes());
}

#[test]
fn names_that_some_servers_take_for_others_are_refused() {
    let (store, gate) = setting();
    for twin in ["Content_Length: 10", "Transfer_Encoding: chunked", "x_amz_content_sha256: x"] {
        let bytes = head_with("PUT /b/k", &format!("{twin}\r\nContent-Length: 3\r\n")) + "abc";
        expect_refused(&gate, &store, 400, bytes.as_bytes());
    }
    let spaced = head_with("PUT /b/k", "Content-Length : 3\r\n") + "abc";
    expect_refused(&gate, &store, 400, spaced.as_bytes());
    let folded = head_with("PUT /b/k", "X-A: 1\r\n Content-Length: 9\r\nContent-Length: 3\r\n");
    expect_refused(&gate, &store, 400, (folded + "abc").as_bytes());
    let zero = head_with("PUT /b/k", "X-A: a\0b\r\nContent-Length: 3\r\n") + "abc";
    expect_refused(&gate, &store, 400, zero.as_bytes());
    let returned = head_with("PUT /b/k", "X-A: a\rb\r\nContent-Length: 3\r\n") + "abc";
    expect_refused(&gate, &store, 400, returned.as_bytes());
}

#[test]
fn a_body_with_a_read_is_refused() {
    let (store, gate) = setting();
    for method in ["GET", "HEAD", "DELETE"] {
        let lines = format!("Content-Length: {}\r\n", HIDDEN.len());
        let bytes = head_with(&format!("{method} /b/k"), &lines) + HIDDEN;
        let before = store.requests().len();
        let mut client = gate.client();
        let _ = client.try_send(bytes.as_bytes());
        assert_eq!(client.answer_to(method).status(), 400);
        assert_eq!(store.requests().len(), before);
    }
}

#[test]
fn what_stores_read_in_two_ways_is_refused_on_writes() {
    let (store, gate) = setting();
    for (target, lines) in [
        ("/b/k?uploadId=a&uploadId=b&partNumber=1", ""),
        ("/b/k?uploadId=a&UPLOADID=b&partNumber=1", ""),
        ("/b/k?uploadId=a&partNumber=01", ""),
        ("/b/k?uploadId=a&partNumber=x", ""),
        ("/b/k?partNumber=1", ""),
        ("/b/k?a;uploadId=b", ""),
        ("/b/k%zz", ""),
        ("/b/k%", ""),
        ("//b/k", ""),
        ("/b%2Fk", ""),
        ("/b/k", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-content-sha256: STREAMING-X\r\n"),
        ("/b/k", "x-amz-content-sha256: STREAMING-UNKNOWN\r\n"),
        ("/b/k", "Content-Encoding: aws-chunked\r\n"),
        ("/b/k", "x-amz-decoded-content-length: 3\r\n"),
        ("/b/k?X-Amz-Content-Sha256=STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""),
    ] {
        let lines = format!("{lines}Content-Length: 3\r\n");
        let bytes = head_with(&format!("PUT {target}"), &lines) + "abc";
        expect_refused(&gate, &store, 400, bytes.as_bytes());
    }
    assert_eq!(gate.stop().records.len(), 15, "one record for each");
}

fn head_with(start: &str, lines: &str) -> String {
    format!("{start} HTTP/1.1\r\n{HOST}{lines}\r\n")
}
