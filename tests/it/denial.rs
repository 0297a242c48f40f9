//! A refusal: what its client is told, what its record says, and what it rests on (invariants 5 and
//! 10; "a denial accuses somebody, so it rests on evidence", §2).

use std::time::{Duration, Instant};

use crate::support::script::REFUSAL;
use crate::support::{
    Client, End, Ending, Framing, Gate, List, Request, Script, Setup, Step, Store, sample,
};

/// The refusal of an upload, without what is different in each: the request's id.
fn refusal(gate: &Gate, request: &Request) -> String {
    let answer = gate.exchange(request);
    answer.expect_error(403, "AccessDenied");
    let id = answer.element("RequestId").expect("an id");
    assert_eq!(answer.head.get("x-amz-request-id"), Some(id.as_str()));
    let all = crate::support::http::latin1(&answer.head.raw) + &answer.text();
    all.replace(&id, "ID")
}

#[test]
fn a_refusal_is_complete_and_names_whom_to_ask() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let answer = gate.exchange(&Request::put("/b/k.jpg", sample::CACTUS));
    answer.expect_error(403, "AccessDenied");
    let id = answer.element("RequestId").expect("an id");
    let message = answer.element("Message").expect("a message");
    assert!(message.contains("abuse@example.org"), "{message}");
    assert_eq!(answer.element("Resource").as_deref(), Some("/b/k.jpg"));
    for secret in ["police", "sha256", "list", "hash", &sample::sha256(sample::CACTUS)] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    let record = gate.record();
    assert_eq!(record["request_id"], id.as_str());
    assert_eq!((&record["verdict"], &record["list"]), (&"deny".into(), &"police".into()));
    assert_eq!((&record["status"], &record["mode"]), (&403.into(), &"enforce".into()));
}

#[test]
fn refusals_look_the_same_whatever_the_reason() {
    let store = Store::ok();
    let long = sample::noise(1, 300_000);
    let gate = Setup::refusing(&store, &[sample::CACTUS, &long])
        .list(List::blocking_md5("by-md5", &[sample::FLOWER]))
        .list(List::blocking_sha1("by-sha1", &[sample::PHOTO]))
        .tables(
            "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\nunjudged = \"refuse\"\n\
            appends = \"forward\"",
        )
        .small_limits()
        .start();
    let put = |body: &[u8]| Request::put("/b/k", body);
    let expected = refusal(&gate, &put(sample::CACTUS));
    for request in [
        put(sample::FLOWER),
        put(sample::PHOTO),
        put(&long),
        Request::framed("/b/k", Framing::SignedTrailerChunks, sample::CACTUS),
        put(b"appended").with("x-amz-write-offset-bytes", "10"),
        put(b"").with("x-amz-copy-source", "/b/other"),
        put(b"x").with("Content-Encoding", "made-up"),
    ] {
        assert_eq!(refusal(&gate, &request), expected, "{:?}", request.head());
    }
}

#[test]
fn the_connection_serves_on_after_a_refusal() {
    let store = Store::ok();
    let long = sample::noise(1, 300_000);
    let gate = Setup::refusing(&store, &[sample::CACTUS, &long]).small_limits().start();
    let mut client = gate.client();
    for _ in 0..3 {
        for framing in Framing::ALL {
            for body in [sample::CACTUS, &long] {
                let answer = client.exchange(&Request::framed("/b/k", framing, body));
                answer.expect_error(403, "AccessDenied");
                assert!(!answer.closes());
            }
        }
        assert_eq!(client.exchange(&Request::put("/b/k", b"innocent")).status(), 200);
    }
    assert_eq!(store.objects().len(), 3);
}

/// The record of an upload of a listed photo to a store that does this with heads, and the
/// client's answer.
fn denied_by(script: Script) -> (crate::support::Answer, serde_json::Value, Store) {
    let store = Store::always(script);
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let answer = gate.exchange(&Request::put("/b/k", sample::CACTUS));
    let record = gate.stop().record().clone();
    (answer, record, store)
}

#[test]
fn the_store_is_asked_whether_it_accepts_the_head_and_never_sent_the_body() {
    let (answer, record, store) = denied_by(Script::ok());
    answer.expect_error(403, "AccessDenied");
    assert_eq!(record["auth"], "accepted");
    let asked = store.requests();
    assert_eq!(asked.len(), 1);
    let sent = Request::put("/b/k", sample::CACTUS);
    let sent = crate::support::http::Head::parse(&sent.head()).expect("a head");
    let mut fields = asked[0].head.end_to_end();
    let expect = fields.remove("expect").expect("the store is asked");
    assert_eq!(expect[0].1, "100-continue");
    assert_eq!((&asked[0].head.start, fields), (&sent.start, sent.end_to_end()), "the same head");
    assert_eq!(asked[0].bytes, 0);
    assert_eq!(store.end_of(asked[0].connection), End::By(Ending::Rst));
}

#[test]
fn if_the_store_rejects_the_head_its_answer_is_relayed() {
    let (answer, record, store) = denied_by(Script::refuses());
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.body, REFUSAL);
    assert_eq!((&record["auth"], &record["verdict"]), (&"rejected".into(), &"deny".into()));
    assert_eq!((store.body_bytes(), store.objects().len()), (0, 0));
}

#[test]
fn a_store_that_does_not_say_leaves_it_unverified() {
    let silent = Script::steps([Step::ReadBody, Step::Send(Vec::new())]);
    for script in [silent, Script::steps([Step::Close]), Script::steps([Step::Reset])] {
        let (answer, record, store) = denied_by(script);
        answer.expect_error(403, "AccessDenied");
        assert_eq!(record["auth"], "unverified");
        assert_eq!(store.body_bytes(), 0);
    }
}

#[test]
fn a_store_that_is_down_does_not_let_a_listed_body_off() {
    let store = Store::ok();
    let nobody = crate::support::setup::free_address();
    drop(store);
    let gate = Setup::before_address(nobody).list(List::blocking(&[sample::CACTUS])).start();
    let answer = gate.exchange(&Request::put("/b/k", sample::CACTUS));
    answer.expect_error(403, "AccessDenied");
    assert_eq!(gate.stop().record()["auth"], "unverified");
}

#[test]
fn a_torso_is_reset_before_the_head_is_asked_about() {
    let listed = sample::noise(1, 300_000);
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[&listed]).small_limits().start();
    let answer = gate.exchange(&Request::put("/b/k", &listed));
    answer.expect_error(403, "AccessDenied");
    let torso = store.torso();
    let asked = store.last(|seen| seen.head.get("expect").map(|_| seen.clone()));
    let asked = asked.expect("a question");
    assert_eq!(store.requests().len(), 2, "the torso and the question");
    assert!(torso.connection < asked.connection);
    assert_eq!((asked.head.get("expect"), asked.bytes), (Some("100-continue"), 0));
    for seen in [torso, asked] {
        assert_eq!(store.end_of(seen.connection), End::By(Ending::Rst));
    }
    assert_eq!(gate.stop().record()["auth"], "accepted");
}

#[test]
fn what_a_client_declares_convicts_nobody_and_acquits_nobody() {
    let store = Store::ok();
    let listed = sample::CACTUS;
    let gate = Setup::refusing(&store, &[listed]).start();
    let declares = |body: &[u8], of: &[u8]| {
        Request::put("/b/k", body)
            .replacing("x-amz-content-sha256", &sample::sha256(of))
            .with("x-amz-checksum-sha256", "AAAA")
    };
    assert_eq!(gate.exchange(&declares(b"innocent", listed)).status(), 200);
    gate.exchange(&declares(listed, b"innocent")).expect_error(403, "AccessDenied");
    assert_eq!(store.objects().len(), 1);
    let verdicts: Vec<_> = gate.stop().records.iter().map(|r| r["verdict"].clone()).collect();
    assert_eq!(verdicts, ["allow", "deny"]);
}

#[test]
fn an_empty_body_is_never_refused() {
    let store = Store::ok();
    let list = sample::sha256(b"") + "\n" + &sample::sha256(sample::CACTUS) + "\n";
    let gate = Setup::before(&store).list(List::blocking(&[]).text(&list)).start();
    for framing in Framing::ALL {
        let answer = gate.exchange(&Request::framed("/b/k", framing, b""));
        assert_eq!(answer.status(), 200, "{framing:?}: {}", answer.text());
    }
    gate.exchange(&Request::put("/b/k", sample::CACTUS)).expect_error(403, "AccessDenied");
}

#[test]
fn a_refused_client_that_sends_on_still_reads_its_answer() {
    // Refused for its framing at once, while megabytes are on their way.
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let request = Request::framed("/b/k", Framing::Signed, &sample::noise(1, 8 << 20));
    let mut body = request.body.clone();
    body[..3].copy_from_slice(b"xyz");
    let mut client: Client = gate.client();
    let started = Instant::now();
    client.send(&request.head());
    client.send(&body);
    client.answer().expect_error(400, "InvalidRequest");
    assert!(started.elapsed() < Duration::from_secs(15), "not by a timeout");
    assert!(store.objects().is_empty());
}
