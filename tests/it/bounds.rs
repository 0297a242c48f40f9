//! Memory and time are bounded, and what is beyond the bounds is said in a way that SDKs retry
//! (invariant 8).

use std::time::Duration;

use crate::support::{Client, Framing, Gate, Latch, Request, Script, Setup, Step, Store, sample};

/// A gate that may hold one MiB at a time.
fn small_budget(store: &Store) -> Setup {
    Setup::refusing(store, &[sample::CACTUS])
        .set("limits", "capture_max = \"1MiB\"")
        .set("limits", "small_body_max = \"1MiB\"")
        .set("limits", "capture_budget = \"1MiB\"")
}

/// An upload that holds nearly all of that budget: its client was told to go on, and waits.
fn hog(gate: &Gate) -> (Client, Request) {
    let request = Request::put("/b/hog", &sample::noise(1, 1_000_000)).expecting();
    let mut client = gate.client();
    client.send(&request.head());
    assert_eq!(client.head().word(1), "100", "what was asked for is reserved");
    client.send(&request.body[..900_000]);
    (client, request)
}

#[test]
fn beyond_the_budget_clients_are_asked_to_slow_down() {
    let store = Store::ok();
    let gate = small_budget(&store).start();
    let (mut hog, request) = hog(&gate);
    for framing in Framing::ALL {
        let upload = Request::framed("/b/k", framing, &sample::noise(2, 500_000));
        let answer = gate.exchange(&upload);
        answer.expect_error(503, "SlowDown");
        assert!(answer.head.get("retry-after").is_some(), "{framing:?}");
    }
    assert_eq!(gate.exchange(&Request::get("/b/k")).status(), 200, "reads need no budget");
    assert_eq!(gate.exchange(&Request::put("/b/k", b"tiny")).status(), 200, "there is room for it");
    hog.send(&request.body[900_000..]);
    assert_eq!(hog.answer().status(), 200, "what was admitted is served");
    let again = gate.exchange(&Request::put("/b/k", &sample::noise(2, 500_000)));
    assert_eq!(again.status(), 200, "and makes room");
    let records = gate.stop().records;
    let short: Vec<_> = records.iter().filter(|r| r["reason"] == "budget").collect();
    assert_eq!(short.len(), Framing::ALL.len());
    assert!(short.iter().all(|record| record["verdict"] == "unjudged" && record["status"] == 503));
}

/// What has gone out to the store takes no memory while its answer is waited for.
#[test]
fn a_store_may_take_its_time_to_answer() {
    let latch = Latch::new();
    let late = latch.clone();
    let store = Store::scripted(move |seen| match seen.target() {
        "/b/late" => {
            let wait = [Step::ContinueIfAsked, Step::ReadBody, Step::Wait(late.clone())];
            Script::steps(wait.into_iter().chain(Script::ok().0).collect::<Vec<_>>())
        }
        _ => Script::ok(),
    });
    let gate = small_budget(&store).start();
    let mut first = gate.client();
    first.send(&Request::put("/b/late", &sample::noise(1, 900_000)).on_wire());
    store.await_body(0, 900_000);
    gate.await_metric("s3bouncer_capture_in_use_bytes", 0.0);
    let second = gate.exchange(&Request::put("/b/k", &sample::noise(2, 900_000)));
    assert_eq!(second.status(), 200, "there is room for it");
    latch.open();
    assert_eq!(first.answer().status(), 200);
}

/// What undoes a coding takes more memory than a body: it counts like one.
#[test]
fn decoders_count_too() {
    const BROTLI: &[u8] = include_bytes!("../data/coded/numbers.br");
    let start = |budget: &str, watching: bool| {
        let store = Store::ok();
        let setup = Setup::refusing(&store, &[sample::CACTUS])
            .set("limits", "capture_max = \"1MiB\"")
            .set("limits", "small_body_max = \"1MiB\"")
            .set("limits", budget);
        let gate = if watching { setup.watching().start() } else { setup.start() };
        (store, gate)
    };
    let coded = |key: &str| Request::put(key, BROTLI).with("Content-Encoding", "br");
    // Room for one decoder of Brotli and no second one.
    for watching in [false, true] {
        let (_store, gate) = start("capture_budget = \"80MiB\"", watching);
        let mut first = gate.client();
        first.send(&coded("/b/first").expecting().head());
        assert_eq!(first.head().word(1), "100", "its room is taken");
        let second = gate.exchange(&coded("/b/second"));
        let mut more = gate.client();
        more.send(&coded("/b/third").expecting().head());
        match watching {
            false => {
                assert_eq!(second.status(), 200);
                assert_eq!(more.head().word(1), "100");
                gate.exchange(&coded("/b/fourth")).expect_error(503, "SlowDown");
                assert_eq!(gate.exchange(&Request::put("/b/plain", b"plain")).status(), 200);
            }
            true => {
                assert_eq!(more.head().word(1), "100");
                assert_eq!(gate.exchange(&coded("/b/fourth")).status(), 200);
                assert_eq!(gate.records(2)[1]["reason"], "budget");
            }
        }
        first.send(BROTLI);
        assert_eq!(first.answer().status(), 200);
        more.send(BROTLI);
        assert_eq!(more.answer().status(), 200);
    }
    // Where there can never be room, asking to try again would be for nothing.
    let (_store, gate) = start("capture_budget = \"16MiB\"", false);
    assert_eq!(gate.exchange(&coded("/b/k")).status(), 200);
    assert_eq!(gate.record()["reason"], "encoding");
}

#[test]
fn in_shadow_nobody_is_asked_to_slow_down() {
    let store = Store::ok();
    let gate = small_budget(&store).watching().start();
    let (_hog, _) = hog(&gate);
    for framing in Framing::ALL {
        for size in [500_000, 3_000_000] {
            let upload = Request::framed("/b/k", framing, &sample::noise(2, size));
            let answer = gate.exchange(&upload);
            assert_eq!(answer.status(), 200, "{framing:?} {size}: {}", answer.text());
        }
    }
    assert_eq!(store.objects().len(), 2 * Framing::ALL.len());
}

#[test]
fn faults_can_be_set_to_forward() {
    let store = Store::ok();
    let rule = "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\nfaults = \"forward\"";
    let gate = small_budget(&store).tables(rule).start();
    let (_hog, _) = hog(&gate);
    let answer = gate.exchange(&Request::put("/b/k", &sample::noise(2, 500_000)));
    assert_eq!(answer.status(), 200);
    let record = gate.record();
    assert_eq!((&record["verdict"], &record["reason"]), (&"unjudged".into(), &"budget".into()));
}

#[test]
fn a_client_that_stops_in_its_body_is_given_up() {
    for size in [4000, 300_000] {
        let store = Store::ok();
        let gate = Setup::refusing(&store, &[sample::CACTUS])
            .small_limits()
            .set("listener", "body_idle_timeout = \"300ms\"")
            .start();
        let request = Request::put("/b/k", &sample::noise(1, size));
        let mut client = gate.client();
        client.send(&request.head());
        client.send(&request.body[..size - 1]);
        client.answer().expect_error(400, "RequestTimeout");
        client.expect_end();
        assert!(store.objects().is_empty());
        assert_eq!(gate.stop().record()["status"], 400);
    }
}

#[test]
fn a_client_that_trickles_its_body_is_given_up() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS])
        .small_limits()
        .set("listener", "body_idle_timeout = \"1s\"")
        .set("listener", "body_min_rate = \"1KiB\"")
        .start();
    let mut client = gate.client();
    client.send(&Request::put("/b/k", &sample::noise(1, 300_000)).head());
    // Never silent for a second, and far below a kibibyte in each.
    crate::support::until("the end of its patience", || {
        std::thread::sleep(std::time::Duration::from_millis(45));
        (client.try_send(b"x").is_err() || client.has_come()).then_some(())
    });
    client.answer().expect_error(400, "RequestTimeout");
    assert!(store.objects().is_empty());
    assert_eq!(gate.stop().record()["status"], 400);
}

#[test]
fn a_head_may_not_take_for_ever() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[sample::CACTUS]);
    let gate = setup.set("listener", "header_timeout = \"300ms\"").start();
    let mut client = gate.client();
    client.send(b"PUT /b/k HTTP/1.1\r\nHost: s3.exa");
    let (rest, _) = client.rest();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"));
    assert_eq!(gate.exchange(&Request::get("/b/k")).status(), 200);
}

#[test]
fn a_connection_may_not_idle_for_ever() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[sample::CACTUS]);
    let gate = setup
        .set("listener", "idle_timeout = \"300ms\"")
        .set("listener", "header_timeout = \"300ms\"")
        .start();
    let mut client = gate.client();
    assert_eq!(client.exchange(&Request::get("/b/k")).status(), 200);
    client.expect_end();
}

#[test]
fn a_head_may_not_be_of_any_size() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[sample::CACTUS]);
    let gate = setup.set("listener", "max_header_size = \"8KiB\"").start();
    let padded = |length: usize| Request::get("/b/k").with("x-amz-meta-pad", &"p".repeat(length));
    assert_eq!(gate.exchange(&padded(7000)).status(), 200);
    let mut client = gate.client();
    let _ = client.try_send(&padded(100_000).on_wire());
    if let Ok(answer) = client.try_answer() {
        assert!((400..500).contains(&answer.status()), "{}", answer.status());
    }
    assert_eq!(store.requests().len(), 1);
}

#[test]
fn connections_beyond_the_limit_are_told_so_and_get_their_turn_later() {
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[sample::CACTUS]);
    let gate = setup.set("listener", "max_connections = 2").start();
    let mut clients = [gate.client(), gate.client()];
    for client in &mut clients {
        assert_eq!(client.exchange(&Request::get("/b/k")).status(), 200);
    }
    let mut third = gate.client();
    let told = third.exchange(&Request::get("/b/k"));
    assert_eq!((told.status(), told.element("Code").as_deref()), (503, Some("SlowDown")));
    assert!(told.head.get("retry-after").is_some());
    drop((clients, third));
    crate::support::until("a turn", || {
        let answer = gate.exchange(&Request::get("/b/k"));
        (answer.status() == 200).then_some(())
    });
}

#[test]
fn a_refused_body_is_read_on_to_a_bound_only() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS])
        .set("limits", "drain_bytes = \"64KiB\"")
        .set("limits", "drain_time = \"300ms\"")
        .start();
    let request = Request::framed("/b/k", Framing::Signed, &sample::noise(1, 64 << 20));
    let mut client = gate.client();
    client.send(&request.head());
    client.send(b"not a chunk size\r\n");
    client.answer().expect_error(400, "InvalidRequest");
    // It ends although the client neither sends on nor goes away.
    client.expect_end();
    client.try_send(&[0; 1 << 20]).and_then(|()| client.try_send(&[0; 1 << 20])).ok();
    assert!(store.objects().is_empty());
    assert_eq!(gate.record()["status"], 400);
}

/// A look at the clock where nothing is expected to happen.
#[test]
fn a_store_may_take_its_time_within_the_limit() {
    let latch = crate::support::Latch::new();
    let store = Store::always(crate::support::Script::ok().after(&latch));
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let mut client = gate.client();
    client.send(&Request::put("/b/k", b"body").on_wire());
    store.request(0);
    client.expect_silence(Duration::from_millis(300));
    latch.open();
    assert_eq!(client.answer().status(), 200);
}
