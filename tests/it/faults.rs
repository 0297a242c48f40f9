//! Who vanishes, breaks off, resets or stalls, and when: a defined answer or a closed connection, no
//! object that is not whole, exactly one record (invariants 2 and 9).

use serde_json::Value;

use crate::support::script::{REFUSAL, answer, refusal};
use crate::support::{
    Client, Framing, Gate, Latch, Request, Script, Setup, Step, Store, sample, setup,
};

/// A body that is held whole and one that streams, with small limits.
const SIZES: [usize; 2] = [4000, 400_000];

fn gate(store: &Store) -> Gate {
    Setup::refusing(store, &[sample::CACTUS]).small_limits().start()
}

/// Fails unless there is exactly one record, of an upload that did not pass.
#[track_caller]
fn expect_one_fault(gate: Gate, what: &str) -> Value {
    // It is written once the upload is over, which nobody else may be told.
    gate.records(1);
    let record = gate.stop().record().clone();
    assert_ne!(record["termination"], "complete", "{what}: {record}");
    assert_ne!(record["verdict"], "deny", "{what}: {record}");
    record
}

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Going {
    Closes,
    Resets,
}

impl Going {
    fn away(self, client: Client) {
        match self {
            Going::Closes => drop(client),
            Going::Resets => client.reset(),
        }
    }
}

#[test]
fn a_client_that_vanishes_before_its_last_byte_leaves_no_object() {
    for framing in Framing::ALL {
        for (size, going) in SIZES.into_iter().zip([Going::Closes, Going::Resets]) {
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            let body = request.body_on_wire();
            for sent in [0, body.len() / 2, body.len() - 1] {
                let store = Store::ok();
                let gate = gate(&store);
                let mut client = gate.client();
                client.send(&request.head());
                client.send(&body[..sent]);
                going.away(client);
                let what = format!("{framing:?}, {sent} of {}, {going:?}", body.len());
                let record = expect_one_fault(gate, &what);
                assert_ne!(record["verdict"], "allow", "{what}");
                assert!(store.objects().is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn a_client_that_vanishes_once_its_body_was_committed_changes_nothing() {
    for size in SIZES {
        for going in [Going::Closes, Going::Resets] {
            let latch = Latch::new();
            let store = Store::always(Script::steps([
                Step::ReadBody,
                Step::Wait(latch.clone()),
                Step::Send(answer("200 OK", &[("x-amz-request-id", "STORE7")], b"")),
            ]));
            let gate = gate(&store);
            let mut client = gate.client();
            client.send(&Request::put("/b/k", &sample::noise(1, size)).on_wire());
            store.complete(0);
            going.away(client);
            latch.open();
            let record = gate.records(1)[0].clone();
            assert_eq!(record["verdict"], "allow", "{size} {going:?}");
            let known = record["status"] == 200 && record["store_request_id"] == "STORE7";
            assert!(known, "the store's answer is in the record: {record}");
            assert_eq!(gate.stop().records.len(), 1);
        }
    }
}

#[test]
fn a_client_that_vanishes_in_its_head_leaves_nothing() {
    let store = Store::ok();
    let gate = gate(&store);
    let head = Request::put("/b/k", b"body").head();
    for sent in [1, 10, head.len() - 1] {
        for going in [Going::Closes, Going::Resets] {
            let mut client = gate.client();
            client.send(&head[..sent]);
            going.away(client);
        }
    }
    assert_eq!(gate.exchange(&Request::put("/b/k", b"body")).status(), 200);
    assert_eq!(gate.stop().records.len(), 1, "only a request has a record");
    assert_eq!(store.requests().len(), 1);
}

#[test]
fn a_client_that_vanishes_after_100_leaves_no_object() {
    for size in SIZES {
        let store = Store::ok();
        let gate = gate(&store);
        let mut client = gate.client();
        client.send(&Request::put("/b/k", &sample::noise(1, size)).expecting().head());
        assert_eq!(client.head().word(1), "100");
        drop(client);
        expect_one_fault(gate, "after 100");
        assert!(store.objects().is_empty());
    }
}

#[test]
fn a_client_that_vanishes_while_it_is_refused_is_in_the_records_all_the_same() {
    let latch = Latch::new();
    let store = Store::always(Script::ok().after(&latch));
    let gate = gate(&store);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", sample::CACTUS).on_wire());
    // The store is being asked about the head.
    store.request(0);
    drop(client);
    latch.open();
    gate.records(1);
    let ended = gate.stop();
    assert_eq!(ended.record()["verdict"], "deny");
    assert_eq!(ended.denials.len(), 1);
    assert!(store.objects().is_empty());
}

#[test]
fn a_store_that_is_down_is_service_unavailable() {
    let setup = Setup::before_address(setup::free_address()).small_limits();
    let gate = setup.start();
    for size in SIZES {
        for framing in Framing::ALL {
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            gate.exchange(&request).expect_error(503, "ServiceUnavailable");
        }
        let request = Request::put("/b/k", &sample::noise(1, size)).expecting();
        let mut client = gate.client();
        client.send(&request.head());
        client.answer().expect_error(503, "ServiceUnavailable");
    }
    gate.exchange(&Request::get("/b/k")).expect_error(503, "ServiceUnavailable");
    let records = gate.stop().records;
    assert_eq!(records.len(), SIZES.len() * (Framing::ALL.len() + 1));
    assert!(records.iter().all(|r| r["status"] == 503 && r["termination"] != "complete"));
}

/// Uploads to a store that does this; fails unless the client gets 503 or a closed connection, and
/// there is one record.
#[track_caller]
fn expect_unavailable(what: &str, script: &Script) {
    for size in SIZES {
        for framing in [Framing::Plain, Framing::PlainChunks, Framing::SignedTrailerChunks] {
            let store = Store::always(script.clone());
            let gate = gate(&store);
            let mut client = gate.client();
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            let _ = client.try_send(&request.on_wire());
            if let Ok(answer) = client.try_answer() {
                answer.expect_error(503, "ServiceUnavailable");
            }
            expect_one_fault(gate, what);
        }
    }
}

#[test]
fn a_store_that_breaks_off_is_service_unavailable() {
    expect_unavailable("closes at the head", &Script::steps([Step::Close]));
    expect_unavailable("resets at the head", &Script::steps([Step::Reset]));
    for bytes in [1, 1000] {
        let script = |last| Script::steps([Step::ReadBytes(bytes), last]);
        expect_unavailable("closes in the body", &script(Step::Close));
        expect_unavailable("resets in the body", &script(Step::Reset));
    }
    expect_unavailable("closes after it", &Script::steps([Step::ReadBody, Step::Close]));
    expect_unavailable("resets after it", &Script::steps([Step::ReadBody, Step::Reset]));
    let garbage = Step::Send(b"what?\r\n\r\n".to_vec());
    expect_unavailable("no HTTP", &Script::steps([Step::ReadBody, garbage, Step::Close]));
}

#[test]
fn what_the_store_made_of_a_committed_body_is_unknown_if_it_does_not_say() {
    for size in SIZES {
        let store = Store::always(Script::steps([Step::ReadBody, Step::Close]));
        let gate = gate(&store);
        let answer = gate.exchange(&Request::put("/b/k", &sample::noise(1, size)));
        answer.expect_error(503, "ServiceUnavailable");
        assert_eq!(store.objects().len(), 1, "it is not sent twice");
        assert_eq!(gate.stop().record()["termination"], "unknown");
    }
}

#[test]
fn a_store_that_stalls_is_given_up_after_the_response_timeout() {
    for size in SIZES {
        let store = Store::always(Script::steps([Step::ReadBody]));
        let setup = Setup::refusing(&store, &[sample::CACTUS]).small_limits();
        let gate = setup.set("upstream", "response_timeout = \"300ms\"").start();
        let answer = gate.exchange(&Request::put("/b/k", &sample::noise(1, size)));
        answer.expect_error(503, "ServiceUnavailable");
        assert_eq!(gate.stop().record()["termination"], "unknown");
    }
}

#[test]
fn an_early_answer_is_relayed_and_ends_the_connection() {
    for framing in Framing::ALL {
        for bytes in [0, 1000] {
            let steps = [Step::ReadBytes(bytes), Step::Send(refusal())];
            let store = Store::always(Script::steps(steps));
            let gate = gate(&store);
            let request = Request::framed("/b/k", framing, &sample::noise(1, 400_000));
            let wire = request.on_wire();
            let mut client = gate.client();
            // The end is not sent before the answer has come.
            client.send(&wire[..wire.len() - 1000]);
            let answer = client.answer();
            assert!(answer.status() == 403 && answer.body == REFUSAL, "{framing:?} {bytes}");
            assert!(answer.closes(), "{framing:?} {bytes}");
            let _ = client.try_send(&wire[wire.len() - 1000..]);
            let (rest, _) = client.rest();
            assert!(rest.is_empty());
            let record = gate.stop().record().clone();
            assert_eq!(record["status"], 403, "{framing:?} {bytes}");
            assert!(store.objects().is_empty(), "{framing:?} {bytes}");
        }
    }
}

#[test]
fn an_early_yes_is_no_object_either() {
    // A store may say 200 before it has read the body: whether the rest follows is not up to it.
    let listed = sample::noise(3, 400_000);
    let steps = [Step::ReadBytes(1000), Step::Send(answer("200 OK", &[], b""))];
    let store = Store::always(Script::steps(steps));
    let gate = Setup::refusing(&store, &[&listed]).small_limits().start();
    let mut client = gate.client();
    let _ = client.try_send(&Request::put("/b/k", &listed).on_wire());
    let _ = client.try_answer();
    gate.records(1);
    assert_eq!(gate.stop().records.len(), 1);
    assert!(store.objects().is_empty());
}

#[test]
fn a_slow_store_slows_its_client_down() {
    let latch = Latch::new();
    let steps = [
        Step::ReadBytes(1),
        Step::Wait(latch.clone()),
        Step::ReadBody,
        Step::Send(answer("200 OK", &[], b"")),
    ];
    let store = Store::always(Script::steps(steps));
    let gate = gate(&store);
    let before = gate.memory().0;
    let body = sample::noise(1, 40 << 20);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", &body).head());
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| client.send(&body));
        store.await_body(0, 1);
        // Nothing is waited for: this is how long a gate that does not mind has for its mistake.
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(!sending.is_finished(), "40 MiB do not fit between a client and a store");
        latch.open();
    });
    assert_eq!(client.answer().status(), 200);
    assert!(store.complete(0).body == body);
    assert!(gate.memory().1 < before + (32 << 20), "nor are they kept in memory");
}
