//! The harness itself, client and store without a gate: the control for all other tests.

use crate::support::http::{Decoder, Framing as Delimited};
use crate::support::request::{aws_chunked, http_chunked};
use crate::support::script::{answer, refusal};
use crate::support::{Client, End, Ending, Framing, Latch, Request, Script, Step, Store, sample};

#[test]
fn the_store_keeps_every_framing_byte_for_byte() {
    let payload = sample::noise(1, 150_000);
    for framing in Framing::ALL {
        let store = Store::ok();
        let request = Request::framed("/b/k", framing, &payload);
        let answer = Client::connect(store.address()).exchange(&request);
        assert_eq!(answer.status(), 200);
        let seen = store.complete(0);
        assert_eq!(seen.head.raw, request.head(), "{framing:?}");
        assert!(seen.body == framing.body(&payload), "{framing:?}");
    }
}

#[test]
fn how_a_body_is_cut_changes_nothing() {
    let body = sample::noise(2, 25_000);
    let wire = http_chunked(&body);
    for cut in (0..wire.len()).step_by(97) {
        let mut decoder = Decoder::new(Delimited::Chunked);
        let mut payload = Vec::new();
        let mut sink = |piece: &[u8]| payload.extend_from_slice(piece);
        assert_eq!(decoder.feed(&wire[..cut], &mut sink), cut);
        assert!(!decoder.is_done(), "not before the last chunk: {cut}");
        assert_eq!(decoder.feed(&wire[cut..], &mut sink), wire.len() - cut);
        assert!(decoder.is_done() && payload == body);
    }
}

#[test]
fn a_short_body_is_never_an_object() {
    let body = http_chunked(&sample::noise(3, 1000));
    let chunked = Request::framed("/b/k", Framing::PlainChunks, &[]).head();
    let plain = Request::put("/b/k", &sample::noise(3, 1000)).head();
    for (head, body) in [(chunked, body), (plain, sample::noise(3, 1000))] {
        for missing in 1..6 {
            let store = Store::ok();
            let mut client = Client::connect(store.address());
            client.send(&head);
            client.send(&body[..body.len() - missing]);
            drop(client);
            assert_eq!(store.end_of(0), End::By(Ending::Fin));
            assert!(store.objects().is_empty(), "{missing} bytes are missing");
        }
    }
}

#[test]
fn fin_and_rst_are_told_apart_on_both_sides() {
    let store = Store::ok();
    let mut client = Client::connect(store.address());
    client.send(&Request::put("/b/k", b"four").head());
    store.request(0);
    client.reset();
    assert_eq!(store.end_of(0), End::By(Ending::Rst));

    let ends = |step: Step| {
        let store = Store::always(Script::steps([step]));
        let mut client = Client::connect(store.address());
        client.send(&Request::get("/").on_wire());
        client.rest().1
    };
    assert_eq!(ends(Step::Close), Ending::Fin);
    assert_eq!(ends(Step::Reset), Ending::Rst);
}

#[test]
fn scripts_answer_before_during_and_after_the_body() {
    let early = Store::always(Script::refuses());
    let mut client = Client::connect(early.address());
    client.send(&Request::put("/b/k", &[0; 100]).head());
    assert_eq!(client.answer().status(), 403);
    assert_eq!(early.body_bytes(), 0);

    let steps = [Step::ReadBytes(50), Step::Send(refusal()), Step::Reset];
    let during = Store::always(Script::steps(steps));
    let mut client = Client::connect(during.address());
    client.send(&Request::put("/b/k", &[0; 100]).head());
    client.send(&[0; 50]);
    assert_eq!(client.answer().status(), 403);
    assert!(during.objects().is_empty());

    let latch = Latch::new();
    let held = Store::always(Script::ok().after(&latch));
    let mut client = Client::connect(held.address());
    client.send(&Request::put("/b/k", &[0; 100]).on_wire());
    client.expect_silence(std::time::Duration::from_millis(50));
    latch.open();
    assert_eq!(client.answer().status(), 200);
    assert_eq!(held.objects().len(), 1);
}

#[test]
fn a_continue_is_said_only_to_who_asked() {
    let store = Store::ok();
    let mut client = Client::connect(store.address());
    assert!(client.exchange(&Request::put("/b/k", b"1")).interim.is_empty());
    let asked = client.exchange(&Request::put("/b/k", b"2").expecting());
    assert_eq!(asked.interim, [100]);
    assert_eq!((store.objects().len(), store.connections()), (2, 1));
}

#[test]
fn answers_are_read_in_every_form() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let closing = b"HTTP/1.1 200 OK\r\n\r\nabc";
    for (step, bytes) in [
        (Step::Send(answer("200 OK", &[], b"abc")), "with a length"),
        (Step::Trickle(chunked.to_vec()), "in chunks"),
        (Step::Send(closing.to_vec()), "until the end"),
    ] {
        let store = Store::always(Script::steps([step, Step::Close]));
        let answer = Client::connect(store.address()).exchange(&Request::get("/b/k"));
        assert_eq!(answer.body, b"abc", "{bytes}");
        assert!(answer.complete, "{bytes}");
    }
}

#[test]
fn framings_are_written_as_s3_writes_them() {
    let signed = String::from_utf8(aws_chunked(b"abc", true, true)).unwrap();
    let (c, d) = ("c".repeat(64), "d".repeat(64));
    let expected = format!(
        "3;chunk-signature={c}\r\nabc\r\n0;chunk-signature={c}\r\n\
         x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:{d}\r\n\r\n"
    );
    assert_eq!(signed, expected);
    assert_eq!(aws_chunked(b"abc", false, false), b"3\r\nabc\r\n0\r\n\r\n");
}
