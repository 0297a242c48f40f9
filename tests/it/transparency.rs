//! What the store receives is what the client sent (invariants 1 and 12).

use crate::support::script::answer;
use crate::support::{
    Client, Framing, Gate, Latch, Request, Script, Seen, Setup, Step, Store, sample,
};

/// Fails unless the store received exactly this request.
#[track_caller]
fn expect_same(seen: &Seen, sent: &Request) {
    let what = format!("{} {}", sent.method, sent.target);
    let line = seen.head.raw.split(|&byte| byte == b'\r').next().unwrap_or_default();
    assert_eq!(line, format!("{what} HTTP/1.1").as_bytes(), "{:?}", seen.head.start);
    let sent_head = crate::support::http::Head::parse(&sent.head()).expect("a head");
    assert_eq!(seen.head.end_to_end(), sent_head.end_to_end(), "{what}");
    assert!(seen.complete, "{what}");
    assert!(seen.body == sent.body, "the body of {what}");
}

/// Sends requests through one connection of `gate` and compares what arrives, from number `first`.
#[track_caller]
fn expect_through(gate: &Gate, store: &Store, requests: &[Request]) {
    let mut client = gate.client();
    for request in requests {
        let number = store.requests().len();
        let answer = client.exchange(request);
        let what = format!("{} {}", request.method, request.target);
        let coding = request.fields.last();
        assert_eq!(answer.status(), 200, "{what} {coding:?}: {}", answer.text());
        assert!(answer.interim.is_empty(), "nobody asked for 100: {what}");
        expect_same(&store.complete(number), request);
    }
}

/// Targets that every method must pass on untouched.
const ODD_TARGETS: [&str; 25] = [
    "/b//k",
    "/b/k//",
    "/b/./k",
    "/b/k/.",
    "/b/a/../k",
    "/b/../../../k",
    "/b/a%2Fb",
    "/b/a%2fb",
    "/b/a+b",
    "/b/a%20b",
    "/b/a%2Bb",
    "/b/%7Ek",
    "/b/~k",
    "/b/k%00",
    "/b/%C3%A9%F0%9F%8C%B5",
    "/b/é🌵",
    "/b/a:b@c;d=e,f!g$h&i'j(k)*l",
    "/b/[x]{y}|z^\\",
    "/b/k?",
    "/b/k?x-id=PutObject",
    "/b/k?a&b=&=c&&d",
    "/b/k?a=1%2B2+3%20x",
    "/b/k?tagging",
    "/b/k?a?b=c/d",
    "/b/%2e%2E",
];

/// Targets that only reads may have: a store could read a write with one in two ways.
const READ_TARGETS: [&str; 8] = [
    "/",
    "/b",
    "/b/",
    "//b/k",
    "/b/k%zz",
    "/b/k%",
    "/b?list-type=2&prefix=a&prefix=b",
    "/b/k?partNumber=1&PARTNUMBER=2",
];

#[test]
fn odd_targets_reach_the_store_byte_for_byte() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let targets = ODD_TARGETS.iter().chain(&READ_TARGETS);
        let requests: Vec<_> = targets.map(|target| Request::new(method, target)).collect();
        expect_through(&gate, &store, &requests);
    }
    let requests = ODD_TARGETS.map(|target| Request::put(target, b"body"));
    expect_through(&gate, &store, &requests);
    assert_eq!(gate.stop().records.len(), requests.len(), "one record for each write, none else");
}

#[test]
fn header_names_values_and_their_order_within_a_name_are_kept() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    let fields = |request: Request| {
        request
            .replacing("Host", "Bucket.S3.Example.ORG:8443")
            .with("X-AMZ-Meta-Upper", "Value")
            .with("x-amz-meta-Mixed", "two  spaces, \"quoted\"")
            .with("X-Amz-meta-under_score", "kept")
            .with("x-amz-meta-empty", "")
            .with("x-amz-meta-utf8", "é🌵")
            .with("Cache-Control", "no-cache")
            .with("cache-control", "no-transform")
            .with("CACHE-CONTROL", "max-age=0")
            .with("User-Agent", "raw/1")
            .with("TE", "trailers")
            .with("Content-Type", "image/jpeg")
            .with("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")
            .with("amz-sdk-request", "attempt=1; max=3")
    };
    let requests = [
        fields(Request::get("/b/k")).with("Range", "bytes=0-9").with("If-None-Match", "\"x\""),
        fields(Request::put("/b/k", b"body")),
        fields(Request::post("/b?delete", b"<Delete/>")),
        fields(Request::new("DELETE", "/b/k")),
    ];
    expect_through(&gate, &store, &requests);
}

#[test]
fn every_framing_and_size_arrives_as_it_was_sent() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).small_limits().start();
    let sizes = [0, 1, 4095, 4096, 8192, 8193, 65_535, 65_536, 65_537, 200_000, 1_200_000];
    for framing in Framing::ALL {
        let upload = |&size: &usize| {
            let payload = sample::noise(size as u64, size);
            Request::framed(&format!("/b/{framing:?}-{size}"), framing, &payload)
        };
        expect_through(&gate, &store, &sizes.iter().map(upload).collect::<Vec<_>>());
    }
    let records = gate.stop().records;
    assert_eq!(records.len(), Framing::ALL.len() * sizes.len());
    assert!(records.iter().all(|record| record["verdict"] == "allow"), "{records:?}");
}

#[test]
fn photos_arrive_as_they_were_sent() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::FLOWER]).small_limits().start();
    // Held whole; held whole at the limit; longer than what is held.
    let photos = [sample::CACTUS.to_vec(), sample::padded_photo(256 * 1024), {
        sample::padded_photo(600_000)
    }];
    for framing in Framing::ALL {
        let uploads = photos.iter().map(|photo| Request::framed("/b/k.jpg", framing, photo));
        expect_through(&gate, &store, &uploads.collect::<Vec<_>>());
    }
}

#[test]
fn operations_on_buckets_and_objects_pass() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    let xml = b"<x xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>";
    let reads = ["/", "/b?location", "/b?versions", "/b?uploads", "/b/k?acl", "/b/k?uploadId=u"];
    let writes = ["/b?policy", "/b?versioning", "/b/k?acl", "/b/k?tagging", "/b/k?retention"];
    let posts = ["/b?delete", "/b/k?uploads", "/b/k?select&select-type=2"];
    let requests: Vec<_> = reads
        .map(Request::get)
        .into_iter()
        .chain(writes.map(|target| Request::put(target, xml)))
        .chain(posts.map(|target| Request::post(target, xml)))
        .chain([Request::put("/b", b""), Request::new("DELETE", "/b/k?uploadId=u")])
        .collect();
    expect_through(&gate, &store, &requests);
}

#[test]
fn how_a_client_cuts_its_bytes_changes_nothing() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).small_limits().start();
    for framing in Framing::ALL {
        for length in [300, 20_000] {
            let request = Request::framed("/b/k", framing, &sample::noise(7, length));
            let wire = request.on_wire();
            let mut client = gate.client();
            let number = store.requests().len();
            // A byte at a time through the head and the first chunk, then in odd pieces.
            let (first, rest) = wire.split_at(wire.len().min(900));
            first.chunks(1).for_each(|byte| client.send(byte));
            rest.chunks(1021).for_each(|piece| client.send(piece));
            assert_eq!(client.answer().status(), 200, "{framing:?}");
            expect_same(&store.complete(number), &request);
        }
    }
}

#[test]
fn a_connection_carries_a_thousand_requests() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    let mut client = gate.client();
    for number in 0..1000 {
        let target = format!("/b/{number}");
        let request = match number % 4 {
            0 => Request::put(&target, b"body"),
            1 => Request::new("HEAD", &target),
            2 => Request::framed(&target, Framing::SignedTrailerChunks, b"body"),
            _ => Request::get(&target),
        };
        let answer = client.exchange(&request);
        assert!(answer.status() == 200 && !answer.closes(), "{number}");
    }
    let seen = store.requests();
    assert_eq!(seen.len(), 1000);
    let in_order = |(number, seen): (usize, &Seen)| seen.target() == format!("/b/{number}");
    assert!(seen.iter().enumerate().all(in_order));
    assert!(store.connections() < 20, "the store's connections are kept: {}", store.connections());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let store =
        Store::scripted(|seen| Script::replies(answer("200 OK", &[], seen.target().as_bytes())));
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    let requests = [
        Request::get("/b/1"),
        Request::put("/b/2", &sample::noise(1, 5000)),
        Request::framed("/b/3", Framing::UnsignedTrailerChunks, &sample::noise(2, 5000)),
        Request::get("/b/4"),
    ];
    let mut client = gate.client();
    let wire: Vec<u8> = requests.iter().flat_map(Request::on_wire).collect();
    client.send(&wire);
    for request in &requests {
        assert_eq!(client.answer().text(), request.target);
    }
}

#[test]
fn an_upload_streams_while_it_is_sent() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).small_limits().start();
    let request = Request::put("/b/k", &sample::noise(1, 4_000_000));
    let mut client = gate.client();
    client.send(&request.head());
    client.send(&request.body[..3_000_000]);
    // All but what is held back, and what a read may bring at once, arrives although the rest has
    // not been sent.
    store.await_body(0, 2_500_000);
    client.send(&request.body[3_000_000..]);
    assert_eq!(client.answer().status(), 200);
    expect_same(&store.complete(0), &request);
}

#[test]
fn an_http_1_0_client_is_served() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
    let mut client = gate.client();
    client.send(b"GET /b/k HTTP/1.0\r\nHost: s3.example.org\r\n\r\n");
    assert_eq!(client.answer().status(), 200);
    client.expect_end();
    assert_eq!(store.request(0).target(), "/b/k");
}

#[test]
fn an_idle_connection_that_the_store_has_closed_costs_nothing() {
    let closed = Latch::new();
    let first = closed.clone();
    let store = Store::scripted(move |seen| match seen.connection {
        0 => Script::steps([
            Step::ReadBody,
            Step::Send(answer("200 OK", &[], b"")),
            Step::Wait(first.clone()),
            Step::Close,
        ]),
        _ => Script::ok(),
    });
    for request in [Request::get("/b/k"), Request::put("/b/k", b"body")] {
        let gate = Setup::refusing(&store, &[sample::PHOTO]).start();
        let mut client: Client = gate.client();
        assert_eq!(client.exchange(&Request::get("/b/first")).status(), 200);
        closed.open();
        store.end_of(0);
        assert_eq!(client.exchange(&request).status(), 200, "{}", request.method);
    }
    assert_eq!(store.objects().len(), 1);
}
