//! What a store gets to see of a body before its verdict, and of a refused one at all (invariants 2
//! and 3; the two guards of the design, §2).

use std::time::Duration;

use crate::support::request::AWS_CHUNK;
use crate::support::{End, Ending, Framing, Gate, Request, Seen, Setup, Store, sample};

/// At least so much payload is held back.
const HOLD_BACK: usize = 64 * 1024;

/// A store and a gate with small limits that refuses these bodies.
fn refusing(bodies: &[&[u8]]) -> (Store, Gate) {
    let store = Store::ok();
    let gate = Setup::refusing(&store, bodies).small_limits().start();
    (store, gate)
}

/// Fails unless `seen` is a body cut off inside a data chunk, whose connection was reset.
#[track_caller]
fn expect_cut(store: &Store, seen: &Seen, framing: Framing, payload: &[u8]) {
    assert!(!seen.complete, "{framing:?}");
    assert_eq!(store.end_of(seen.connection), End::By(Ending::Rst), "{framing:?}");
    let sent = framing.body(payload);
    assert!(sent.starts_with(&seen.body), "{framing:?}: only what was sent");
    let missing = sent.len() - seen.body.len();
    assert!(missing >= HOLD_BACK.min(payload.len()), "{framing:?}: {missing} bytes are held");
    if framing.is_aws_chunked() {
        assert!(ends_inside_data(&seen.body), "{framing:?}: the cut lies inside a chunk's data");
    }
}

/// Whether an aws-chunked body ends with some, but not all, of a chunk's data.
fn ends_inside_data(mut body: &[u8]) -> bool {
    while let Some(line) = crate::support::http::find(body, b"\r\n") {
        let text = String::from_utf8_lossy(&body[..line]);
        let size = text.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        body = &body[line + 2..];
        if body.len() < size {
            return !body.is_empty();
        }
        body = body.get(size + 2..).unwrap_or_default();
    }
    false
}

#[test]
fn of_a_small_listed_body_the_store_sees_nothing() {
    let listed = sample::noise(1, 8000);
    let (store, gate) = refusing(&[&listed]);
    for framing in Framing::ALL {
        let answer = gate.exchange(&Request::framed("/b/k", framing, &listed));
        answer.expect_error(403, "AccessDenied");
    }
    assert_eq!(store.body_bytes(), 0);
    assert!(store.objects().is_empty());
    assert_eq!(gate.stop().records.len(), Framing::ALL.len());
}

#[test]
fn of_a_listed_photo_the_store_sees_nothing() {
    // As long as what is held of an image, and far more than a small body or the tail.
    let padded = sample::padded_photo(256 * 1024);
    let (store, gate) = refusing(&[&padded, sample::CACTUS]);
    for framing in Framing::ALL {
        for photo in [sample::CACTUS, &padded] {
            let answer = gate.exchange(&Request::framed("/b/k", framing, photo));
            answer.expect_error(403, "AccessDenied");
        }
    }
    assert_eq!(store.body_bytes(), 0);
}

#[test]
fn of_a_large_listed_body_the_store_sees_a_torso() {
    let listed = sample::noise(2, 900_000);
    for framing in Framing::ALL {
        let (store, gate) = refusing(&[&listed]);
        let answer = gate.exchange(&Request::framed("/b/k", framing, &listed));
        answer.expect_error(403, "AccessDenied");
        expect_cut(&store, &store.torso(), framing, &listed);
        let uploads = store.requests().iter().filter(|seen| seen.bytes > 0).count();
        assert_eq!(uploads, 1, "{framing:?}: it streamed, once");
        assert!(store.objects().is_empty());
        assert_eq!(gate.stop().record()["verdict"], "deny");
    }
}

#[test]
fn a_photo_longer_than_what_is_held_is_cut_off_too() {
    let listed = sample::padded_photo(700_000);
    for framing in Framing::ALL {
        let (store, gate) = refusing(&[&listed]);
        let answer = gate.exchange(&Request::framed("/b/k", framing, &listed));
        assert_eq!(answer.status(), 403, "{framing:?}: {}", answer.text());
        assert!(store.objects().is_empty(), "{framing:?}");
    }
}

#[test]
fn the_bound_of_small_bodies_is_exact() {
    let (at, past) = (sample::noise(3, 8192), sample::noise(4, 8193 + HOLD_BACK * 4));
    let (store, gate) = refusing(&[sample::CACTUS]);
    let send_all_but_one = |payload: &[u8]| {
        let request = Request::put("/b/k", payload);
        let mut client = gate.client();
        client.send(&request.head());
        client.send(&payload[..payload.len() - 1]);
        client
    };
    let mut client = send_all_but_one(&at);
    client.expect_silence(Duration::from_millis(200));
    assert_eq!(store.connections(), 0, "held whole");
    client.send(&at[at.len() - 1..]);
    assert_eq!(client.answer().status(), 200);

    let mut client = send_all_but_one(&past);
    store.await_body(1, 1);
    assert!(!store.request(1).complete, "streamed, its end held");
    client.send(&past[past.len() - 1..]);
    assert_eq!(client.answer().status(), 200);
    assert_eq!(store.objects().len(), 2);
}

#[test]
fn by_default_a_two_mebibyte_photo_is_held_whole_and_noise_is_not() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let length = 2 << 20;
    let photo = sample::padded_photo(length);
    let mut client = gate.client();
    client.send(&Request::put("/b/photo", &photo).head());
    client.send(&photo[..length - 1]);
    client.expect_silence(Duration::from_millis(200));
    assert_eq!(store.connections(), 0, "the photo waits for its verdict");

    let noise = sample::noise(5, length);
    let mut other = gate.client();
    other.send(&Request::put("/b/noise", &noise).head());
    other.send(&noise[..length - 1]);
    store.await_body(0, length as u64 - 8 * HOLD_BACK as u64);
    assert!(store.request(0).bytes <= (length - HOLD_BACK) as u64, "the end is held");

    client.send(&photo[length - 1..]);
    other.send(&noise[length - 1..]);
    assert_eq!((client.answer().status(), other.answer().status()), (200, 200));
    assert_eq!(store.objects().len(), 2);
}

#[test]
fn the_guard_can_be_set_to_whole() {
    let listed = sample::noise(6, 200_000);
    let store = Store::ok();
    let setup = Setup::refusing(&store, &[&listed]).small_limits();
    let gate = setup.set("upstream", "guard = \"whole\"").start();
    for framing in Framing::ALL {
        let answer = gate.exchange(&Request::framed("/b/k", framing, &listed));
        answer.expect_error(403, "AccessDenied");
    }
    assert_eq!(store.body_bytes(), 0);
}

#[test]
fn what_is_held_back_can_be_set() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[sample::PHOTO])
        .small_limits()
        .set("limits", "hold_back = \"200KiB\"")
        .start();
    let body = sample::noise(7, 600_000);
    let mut client = gate.client();
    client.send(&Request::put("/b/k", &body).head());
    client.send(&body[..599_999]);
    store.await_body(0, 1);
    client.expect_silence(Duration::from_millis(100));
    assert!(store.request(0).bytes <= 600_000 - 200 * 1024);
    client.send(&body[599_999..]);
    assert_eq!(client.answer().status(), 200);
}

#[test]
fn a_framed_body_of_unknown_length_is_never_streamed() {
    let listed = sample::noise(8, 40_000);
    let (store, gate) = refusing(&[&listed]);
    for framing in [Framing::SignedChunks, Framing::UnsignedTrailerChunks] {
        let upload = |payload: &[u8]| {
            let request = Request::framed("/b/k", framing, payload);
            gate.exchange(&request.without("x-amz-decoded-content-length"))
        };
        let before = store.body_bytes();
        upload(&listed).expect_error(403, "AccessDenied");
        assert_eq!(store.body_bytes(), before, "{framing:?}");
        assert_eq!(upload(&sample::noise(9, 40_000)).status(), 200);
        let objects = store.objects().len();
        let long = upload(&sample::noise(10, 3_000_000));
        assert_eq!(long.status(), 400, "{framing:?}: {}", long.text());
        assert_eq!(store.objects().len(), objects);
    }
}

#[test]
fn tiny_chunks_change_nothing_about_the_cut() {
    assert_eq!(AWS_CHUNK, HOLD_BACK, "one chunk of the others is as long as what is held");
    let listed = sample::noise(11, 300_000);
    let (store, gate) = refusing(&[&listed]);
    let signature = "c".repeat(64);
    let mut body = Vec::new();
    for chunk in listed.chunks(700) {
        let line = format!("{:x};chunk-signature={signature}\r\n", chunk.len());
        body.extend_from_slice(&[line.as_bytes(), chunk, b"\r\n"].concat());
    }
    body.extend_from_slice(format!("0;chunk-signature={signature}\r\n\r\n").as_bytes());
    let request = Request::framed("/b/k", Framing::Signed, &listed).carrying(body.clone());
    gate.exchange(&request).expect_error(403, "AccessDenied");
    let upload = store.torso();
    assert!(!upload.complete && body.starts_with(&upload.body));
    assert!(ends_inside_data(&upload.body));
}
