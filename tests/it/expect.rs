//! `Expect: 100-continue` belongs to the store (§2): its answer decides whether the body is asked
//! for, and nothing on a connection can be taken for a body that never came.

use std::time::Duration;

use crate::support::script::{REFUSAL, answer};
use crate::support::{
    Client, End, Ending, Framing, Gate, Latch, Request, Script, Setup, Step, Store, sample,
};

/// A body that is held whole and one that streams, with small limits.
const SIZES: [usize; 2] = [4000, 300_000];

fn gate(store: &Store) -> Gate {
    Setup::refusing(store, &[sample::CACTUS]).small_limits().start()
}

/// How long a client looks whether anything comes: well below the second after which the gate goes
/// on without the store.
const A_LOOK: Duration = Duration::from_millis(200);

#[test]
fn the_head_goes_to_the_store_unchanged_and_its_continue_comes_back() {
    let store = Store::ok();
    let gate = gate(&store);
    for framing in Framing::ALL {
        for size in SIZES {
            let number = store.requests().len();
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            let request = request.with("Expect", "100-Continue");
            let mut client = gate.client();
            client.send(&request.head());
            assert_eq!(client.head().word(1), "100", "{framing:?}");
            client.send(&request.body_on_wire());
            assert_eq!(client.answer().status(), 200, "{framing:?}");
            let seen = store.complete(number);
            assert_eq!(seen.head.get("expect"), Some("100-Continue"));
            assert!(seen.body == request.body, "{framing:?}");
        }
    }
    assert_eq!(gate.stop().records.len(), store.requests().len());
}

#[test]
fn nothing_is_said_before_the_store_has_said_it() {
    for size in SIZES {
        let latch = Latch::new();
        let store = Store::always(Script::ok().after(&latch));
        let gate = gate(&store);
        let request = Request::put("/b/k", &sample::noise(1, size)).expecting();
        let mut client = gate.client();
        client.send(&request.head());
        store.request(0);
        client.expect_silence(A_LOOK);
        latch.open();
        assert_eq!(client.head().word(1), "100");
        client.send(&request.body);
        assert_eq!(client.answer().status(), 200);
    }
}

#[test]
fn a_store_that_says_nothing_is_sent_the_body_all_the_same() {
    for size in SIZES {
        let store =
            Store::always(Script::steps([Step::ReadBody, Step::Send(answer("200 OK", &[], b""))]));
        let gate = gate(&store);
        let request = Request::put("/b/k", &sample::noise(1, size)).expecting();
        let mut client = gate.client();
        client.send(&request.head());
        assert_eq!(client.head().word(1), "100");
        client.send(&request.body);
        assert_eq!(client.answer().status(), 200);
        assert!(store.complete(0).body == request.body);
    }
}

#[test]
fn who_does_not_wait_is_served_too() {
    let store = Store::ok();
    let gate = gate(&store);
    for size in SIZES {
        let request = Request::put("/b/k", &sample::noise(1, size)).expecting();
        let answer = gate.exchange(&request);
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(store.objects().len(), 2);
}

/// A request that could be taken for the body of the one before it.
fn next() -> Request {
    Request::get("/b/next")
}

/// An upload whose refused body is as long as the request behind it.
fn refused_upload(framing: Framing) -> Request {
    let length = next().on_wire().len();
    Request::framed("/b/k", framing, &vec![b'x'; length]).expecting()
}

/// Reads what comes to the end: the store's refusal, complete, and nothing behind it.
#[track_caller]
fn expect_only_the_refusal(client: &mut Client) {
    let answer = client.answer();
    assert_eq!(answer.status(), 403);
    assert!(answer.interim.is_empty(), "no 100 before a refusal");
    assert!(answer.body == REFUSAL && answer.closes());
}

#[test]
fn after_a_refused_expect_nothing_is_answered_out_of_order_or_sent_on() {
    let store = Store::scripted(|seen| match seen.method() {
        "PUT" => Script::refuses(),
        _ => Script::ok(),
    });
    let gate = gate(&store);
    for framing in [Framing::Plain, Framing::Presigned, Framing::PlainChunks, Framing::Signed] {
        for round in 0..10 {
            let before = store.requests().len();
            let mut client = gate.client();
            let (upload, next) = (refused_upload(framing).head(), next().on_wire());
            if round % 2 == 0 {
                client.send(&[upload, next].concat());
                expect_only_the_refusal(&mut client);
            } else {
                client.send(&upload);
                expect_only_the_refusal(&mut client);
                // The gate may have closed already.
                let _ = client.try_send(&next);
            }
            let (rest, _) = client.rest();
            assert!(rest.is_empty(), "{framing:?} {round}");
            let seen = &store.requests()[before..];
            assert_eq!(seen.len(), 1, "{framing:?}: the next request goes nowhere");
            assert_eq!(seen[0].bytes, 0, "{framing:?}: nor is it taken for the body");
        }
    }
    assert_eq!(gate.exchange(&next()).status(), 200);
    let requests = store.requests();
    let (last, refused) = requests.split_last().expect("requests");
    assert!(refused.iter().all(|seen| seen.connection != last.connection), "none is used again");
}

#[test]
fn a_refused_expect_does_not_wait_for_the_body() {
    for size in SIZES {
        let store = Store::always(Script::refuses());
        let gate = gate(&store);
        let request = Request::put("/b/k", &sample::noise(1, size)).expecting();
        let mut client = gate.client();
        client.send(&request.head());
        expect_only_the_refusal(&mut client);
        client.expect_end();
        let record = gate.stop().record().clone();
        assert_eq!(record["status"], 403);
        assert_ne!(record["verdict"], "allow", "nobody has seen the body");
    }
}

#[test]
fn redirects_come_before_the_body_too() {
    let fields = [("Location", "http://else.example.org/b/k")];
    let redirect = answer("307 Temporary Redirect", &fields, b"");
    let store = Store::always(Script::steps([Step::Send(redirect)]));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", &[0; 4000]).expecting().head());
    let answer = client.answer();
    assert_eq!((answer.status(), answer.head.get("location")), (307, Some(fields[0].1)));
}

#[test]
fn a_listed_body_that_was_asked_for_is_refused_without_another_question() {
    let listed = [sample::noise(2, 4000), sample::noise(2, 300_000)];
    for body in &listed {
        let store = Store::ok();
        let gate = Setup::refusing(&store, &[body]).small_limits().start();
        let request = Request::put("/b/k", body).expecting();
        let mut client = gate.client();
        client.send(&request.head());
        assert_eq!(client.head().word(1), "100");
        client.send(body);
        client.answer().expect_error(403, "AccessDenied");
        assert_eq!(client.exchange(&next()).status(), 200, "the connection serves on");
        let seen = store.request(0);
        assert_eq!(store.end_of(seen.connection), End::By(Ending::Rst));
        assert_eq!(store.requests().len(), 2, "the upload and the next request");
        assert!(store.objects().is_empty());
        let held_whole = body.len() < 8192;
        assert_eq!(store.request(0).bytes == 0, held_whole);
        assert_eq!(gate.stop().record()["auth"], "accepted");
    }
}

#[test]
fn a_store_that_says_nothing_leaves_a_denial_unverified() {
    let store = Store::always(Script::steps([Step::ReadBody]));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", sample::CACTUS).expecting().head());
    assert_eq!(client.head().word(1), "100");
    client.send(sample::CACTUS);
    client.answer().expect_error(403, "AccessDenied");
    assert_eq!(gate.stop().record()["auth"], "unverified");
}

#[test]
fn a_store_that_loses_patience_is_sent_the_head_again() {
    let latch = Latch::new();
    let closing = latch.clone();
    let store = Store::scripted(move |seen| match seen.connection {
        0 => Script::steps([Step::ContinueIfAsked, Step::Wait(closing.clone()), Step::Close]),
        _ => Script::ok(),
    });
    let gate = gate(&store);
    let request = Request::put("/b/k", &sample::noise(1, 4000)).expecting();
    let mut client = gate.client();
    client.send(&request.head());
    assert_eq!(client.head().word(1), "100");
    client.send(&request.body[..2000]);
    latch.open();
    store.end_of(0);
    // What goes out before the gate has seen the end might have been taken, for all that it knows.
    gate.await_metric("s3bouncer_upstream_connections{upstream=\"127.0.0.1\"}", 0.0);
    client.send(&request.body[2000..]);
    assert_eq!(client.answer().status(), 200);
    let objects = store.objects();
    assert_eq!(objects.len(), 1);
    assert!(objects[0].body == request.body);
    assert_eq!(gate.stop().record()["verdict"], "allow");
}

#[test]
fn other_expectations_are_refused() {
    let store = Store::ok();
    let gate = gate(&store);
    for value in ["200-ok", "100-continue, 200-ok", ""] {
        let answer = gate.exchange(&Request::put("/b/k", b"x").with("Expect", value));
        assert!((400..500).contains(&answer.status()), "{value}: {}", answer.status());
    }
    assert!(store.requests().is_empty());
}

/// With `auth_first`: who does not wait for the store is not read before the store has accepted the head
/// either.
fn asking_gate(store: &Store) -> Gate {
    let setup = Setup::refusing(store, &[sample::CACTUS]).small_limits();
    setup.set("upstream", "auth_first = \"on\"").start()
}

#[test]
fn nothing_of_a_stranger_is_read_where_the_store_is_asked_first() {
    let store = Store::always(Script::refuses());
    let gate = asking_gate(&store);
    for framing in Framing::ALL {
        for size in SIZES {
            let number = store.requests().len();
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            let mut client = gate.client();
            client.send(&request.head());
            // The answer comes though no byte of the body has.
            let answer = client.answer();
            assert_eq!((answer.status(), answer.closes()), (403, true), "{framing:?}");
            let seen = store.request(number);
            assert_eq!(seen.head.get("expect"), Some("100-continue"));
            assert_eq!(seen.bytes, 0);
        }
    }
    // And if its body is under way, it is let in to a bound, so that it hears the answer.
    let request = Request::put("/b/k", &sample::noise(1, 300_000));
    assert_eq!(gate.exchange(&request).status(), 403);
    assert_eq!(store.body_bytes(), 0);
    assert!(gate.stop().records.iter().all(|record| record["bytes"] == 0));
}

#[test]
fn who_is_accepted_first_is_served_and_judged_as_ever() {
    let store = Store::ok();
    let gate = asking_gate(&store);
    for framing in Framing::ALL {
        for size in [0, SIZES[0], SIZES[1]] {
            let payload = sample::noise(1, size);
            let request = Request::framed("/b/k", framing, &payload);
            let number = store.requests().len();
            assert_eq!(gate.exchange(&request).status(), 200, "{framing:?} {size}");
            let seen = store.complete(number);
            assert!(seen.body == request.body, "{framing:?} {size}");
            let has_body = !request.body_on_wire().is_empty();
            assert_eq!(seen.head.get("expect").is_some(), has_body, "{framing:?}");
        }
    }
    let objects = store.objects().len();
    gate.exchange(&Request::put("/b/k", sample::CACTUS)).expect_error(403, "AccessDenied");
    assert_eq!(store.objects().len(), objects);
    let denials = gate.stop().denials;
    assert_eq!((denials.len(), &denials[0]["auth"]), (1, &"accepted".into()));
}

#[test]
fn a_store_that_never_says_it_accepts_gets_nothing_where_it_is_asked_first() {
    let store =
        Store::always(Script::steps([Step::ReadBody, Step::Send(answer("200 OK", &[], b""))]));
    let gate = asking_gate(&store);
    let request = Request::put("/b/k", &sample::noise(1, SIZES[0]));
    gate.exchange(&request).expect_error(503, "ServiceUnavailable");
    assert!(store.objects().is_empty());
    // Where the gate only watches, it never is what an upload fails by.
    let watching = Setup::refusing(&store, &[sample::CACTUS]).watching();
    let watching = watching.set("upstream", "auth_first = \"on\"").start();
    assert_eq!(watching.exchange(&request).status(), 200);
    assert_eq!(store.objects().len(), 1);
}
