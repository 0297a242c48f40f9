//! In shadow the gate may add latency, never an error (invariant 13): whatever it would refuse ends
//! as it does directly.

use crate::support::script::{REFUSAL, answer, refusal};
use crate::support::{
    Answer, Client, Ending, Framing, Gate, List, Request, Script, Setup, Step, Store, sample,
};

use sample::CACTUS;

/// What becomes of a request: the answer's status and body, or how the connection ended.
type Outcome = Result<(u16, Vec<u8>), Option<Ending>>;

fn outcome(mut client: Client, request: &Request) -> Outcome {
    let _ = client.try_send(&request.on_wire());
    loop {
        let answer: Answer = client.try_answer()?;
        if answer.status() != 100 {
            return Ok((answer.status(), answer.body));
        }
    }
}

/// A gate that would refuse all that it can, and only watches.
fn watching(store: &Store, listed: &[&[u8]]) -> Gate {
    Setup::refusing(store, listed)
        .small_limits()
        .tables("[[bucket]]\nmatch = \"*\"\nmode = \"shadow\"\nunjudged = \"refuse\"")
        .start()
}

/// Fails unless a request ends through a watching gate as it does directly, with the same bytes at
/// the store.
#[track_caller]
fn expect_same(what: &str, script: &Script, listed: &[&[u8]], request: &Request) {
    let (direct, through) = (Store::always(script.clone()), Store::always(script.clone()));
    let gate = watching(&through, listed);
    let expected = outcome(Client::connect(direct.address()), request);
    assert_eq!(outcome(gate.client(), request), expected, "{what}");
    let bodies = |store: &Store| store.objects().into_iter().map(|o| o.body).collect::<Vec<_>>();
    assert!(bodies(&through) == bodies(&direct), "{what}: the same object");
    let records = gate.stop().records;
    assert_eq!(records.len(), 1, "{what}: {records:?}");
    assert_ne!(records[0]["verdict"], "deny", "{what}");
}

#[test]
fn listed_bodies_pass_in_every_framing_and_are_recorded() {
    let (small, long) = (sample::noise(1, 1000), sample::noise(2, 400_000));
    let store = Store::ok();
    let gate = watching(&store, &[&small, &long, CACTUS]);
    for framing in Framing::ALL {
        for body in [&small, &long, CACTUS] {
            for request in [
                Request::framed("/b/k", framing, body),
                Request::framed("/b/k", framing, body).expecting(),
            ] {
                let number = store.requests().len();
                assert_eq!(gate.exchange(&request).status(), 200, "{framing:?}");
                assert!(store.complete(number).body == request.body, "{framing:?}");
            }
        }
    }
    let ended = gate.stop();
    assert_eq!(ended.records.len(), Framing::ALL.len() * 6);
    assert!(ended.records.iter().all(|record| record["verdict"] == "would-deny"));
    assert_eq!(ended.denials, ended.records);
}

#[test]
fn malformed_framing_is_the_stores_business() {
    for size in [1000, 400_000] {
        for framing in [Framing::Signed, Framing::SignedChunks, Framing::UnsignedTrailer] {
            let good = Request::framed("/b/k", framing, &sample::noise(1, size));
            for at in [0, good.body.len() / 2, good.body.len() - 3] {
                let mut body = good.body.clone();
                body.insert(at, b'!');
                let what = format!("{framing:?} {size} {at}");
                expect_same(&what, &Script::ok(), &[CACTUS], &good.clone().carrying(body));
            }
            let short = good.body[..good.body.len() - 20].to_vec();
            expect_same("cut off", &Script::ok(), &[CACTUS], &good.clone().carrying(short));
        }
    }
}

#[test]
fn what_stores_could_read_in_two_ways_is_the_stores_business() {
    let put = |target: &str| Request::put(target, &sample::noise(1, 1000));
    for request in [
        put("/b/k?uploadId=a&uploadId=b&partNumber=1"),
        put("/b/k?partNumber=1"),
        put("/b/k%zz"),
        put("/b/k").with("x-amz-content-sha256", "STREAMING-UNKNOWN"),
        put("/b/k").replacing("x-amz-content-sha256", "STREAMING-UNKNOWN"),
        put("/b/k").with("Content-Encoding", "aws-chunked"),
        put("/b/k").with("x-amz-decoded-content-length", "5"),
        put("/b/k").with("x-amz-decoded-content-length", "many"),
        put("/b/k").with("x_amz_content_sha256", "x"),
        put("/b/k").by("MOVE"),
    ] {
        let what = String::from_utf8_lossy(&request.head()).into_owned();
        expect_same(&what, &Script::ok(), &[CACTUS], &request);
    }
}

#[test]
fn what_cannot_be_judged_passes_though_it_would_be_refused() {
    for request in [
        Request::put("/b/k?partNumber=1&uploadId=u", b"part"),
        Request::post("/b/k?uploadId=u", b"no list of parts"),
        Request::put("/b/k", b"").with("x-amz-copy-source", "/b/other"),
        Request::put("/b/k?partNumber=1&uploadId=u", b"")
            .with("x-amz-copy-source", "/b/other")
            .with("x-amz-copy-source-range", "bytes=5-9"),
        Request::put("/b/k", b"x").with("Content-Encoding", "gzip"),
        Request::put("/b/k", b"more").with("x-amz-write-offset-bytes", "10"),
        Request::put("/b/k", b"tar").with("X-Amz-Meta-Snowball-Auto-Extract", "true"),
        Request::post("/b", b"--x--").with("Content-Type", "multipart/form-data; boundary=x"),
    ] {
        expect_same(&request.target, &Script::ok(), &[CACTUS], &request);
    }
}

#[test]
fn framed_bodies_of_unknown_length_pass_whatever_they_come_to() {
    for size in [1000, 3_000_000] {
        let request = Request::framed("/b/k", Framing::SignedChunks, &sample::noise(1, size));
        let request = request.without("x-amz-decoded-content-length");
        expect_same("no decoded length", &Script::ok(), &[CACTUS], &request);
    }
    let photo = sample::padded_photo(3_000_000);
    for framing in Framing::ALL {
        let request = Request::framed("/b/k", framing, &photo);
        expect_same(&format!("{framing:?}"), &Script::ok(), &[&photo], &request);
    }
}

#[test]
fn bodies_of_nothing_but_tiny_chunks_pass() {
    let payload = sample::noise(1, 60_000);
    let signature = "c".repeat(64);
    let chunk =
        |byte: &u8| format!("1;chunk-signature={signature}\r\n{}\r\n", char::from(byte & 63 | 64));
    let mut body: Vec<u8> = payload.iter().flat_map(|byte| chunk(byte).into_bytes()).collect();
    body.extend_from_slice(format!("0;chunk-signature={signature}\r\n\r\n").as_bytes());
    for framing in [Framing::Signed, Framing::SignedChunks] {
        let request = Request::framed("/b/k", framing, &payload).carrying(body.clone());
        expect_same(&format!("{framing:?}"), &Script::ok(), &[CACTUS], &request);
    }
}

#[test]
fn the_stores_answers_come_back_whatever_the_gate_thinks() {
    let listed = sample::noise(1, 400_000);
    for script in [
        Script::replies(refusal()),
        Script::replies(answer("500 Internal Server Error", &[], b"<Error/>")),
    ] {
        for framing in [Framing::Plain, Framing::SignedChunks] {
            let request = Request::framed("/b/k", framing, &listed);
            expect_same("an error of the store", &script, &[&listed], &request);
        }
    }
    let early = Script::steps([Step::ReadBytes(1000), Step::Send(refusal())]);
    let store = Store::always(early);
    let gate = watching(&store, &[&listed]);
    let answer = gate.exchange(&Request::put("/b/k", &listed));
    assert_eq!((answer.status(), answer.body), (403, REFUSAL.to_vec()));
}

#[test]
fn a_store_that_breaks_off_is_a_defined_end_in_shadow_too() {
    // Directly the client would see its connection break; 503 is no worse.
    for size in [1000, 400_000] {
        for framing in [Framing::Plain, Framing::PlainChunks, Framing::SignedTrailerChunks] {
            for last in [Step::Close, Step::Reset] {
                for first in [vec![], vec![Step::ReadBytes(500)], vec![Step::ReadBody]] {
                    let steps = [first, vec![last.clone()]].concat();
                    let store = Store::always(Script::steps(steps));
                    let gate = watching(&store, &[CACTUS]);
                    let request = Request::framed("/b/k", framing, &sample::noise(1, size));
                    match outcome(gate.client(), &request) {
                        Ok((status, _)) => assert_eq!(status, 503, "{framing:?} {size}"),
                        Err(ending) => assert!(ending.is_some(), "{framing:?} {size}: it ends"),
                    }
                    assert_eq!(gate.stop().records.len(), 1);
                }
            }
        }
    }
}

#[test]
fn a_watched_list_watches_under_an_enforcing_bucket_too() {
    let store = Store::ok();
    let gate =
        Setup::before(&store).list(List::blocking(&[CACTUS]).shadow()).small_limits().start();
    for framing in Framing::ALL {
        assert_eq!(gate.exchange(&Request::framed("/b/k", framing, CACTUS)).status(), 200);
    }
    assert_eq!(gate.metric("s3bouncer_enforcing"), Some(0.0));
    let records = gate.stop().records;
    assert!(records.iter().all(|record| record["verdict"] == "would-deny"));
}

#[test]
fn broken_http_is_still_refused() {
    let store = Store::ok();
    let gate = watching(&store, &[CACTUS]);
    let both = Request::put("/b/k", b"x").with("Transfer-Encoding", "chunked");
    assert_eq!(gate.exchange(&both).status(), 400);
    let twice = Request::put("/b/k", b"x").with("Host", "other.example.org");
    assert_eq!(gate.exchange(&twice).status(), 400);
    assert!(store.requests().is_empty());
}
