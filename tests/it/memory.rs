//! Memory does not follow the size of bodies (invariant 8).

use crate::support::{Framing, Request, Setup, Store, sample};

const MIB: u64 = 1 << 20;

/// Sends a head and so much of a body, whose bytes do not matter; not its end.
fn send_noise(client: &mut crate::support::Client, mut bytes: u64) {
    let piece = sample::noise(1, MIB as usize);
    while bytes > 0 {
        let length = bytes.min(MIB);
        client.send(&piece[..length as usize]);
        bytes -= length;
    }
}

/// What stands for a large body: an unoptimized gate takes its time for digests, and what it would
/// keep by mistake shows in less, too.
const LARGE: u64 = if cfg!(debug_assertions) { 40 * MIB } else { 100 * MIB };

#[test]
fn a_large_body_takes_no_more_than_a_small_one() {
    let store = Store::forgetful();
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let upload = |bytes: u64| {
        let length = bytes.to_string();
        let request = Request::put("/b/k", b"").replacing("Content-Length", &length);
        let mut client = gate.client();
        client.send(&request.head());
        send_noise(&mut client, bytes);
        assert_eq!(client.answer().status(), 200);
        gate.memory().1
    };
    let small = upload(4 * MIB);
    let large = upload(LARGE);
    assert!(large < small + 16 * MIB, "{small} bytes, then {large}");
}

#[test]
fn a_download_of_100_mib_takes_next_to_nothing() {
    use crate::support::{Script, Step, script};
    let piece = sample::noise(1, 10 << 20);
    let length = (100 * MIB).to_string();
    let head = script::head("200 OK", [("Content-Length", length.as_str())]);
    let pieces = std::iter::repeat_n(Step::Send(piece), 10);
    let store = Store::always(Script(std::iter::once(Step::Send(head)).chain(pieces).collect()));
    let gate = Setup::refusing(&store, &[sample::CACTUS]).start();
    let before = gate.memory().0;
    assert_eq!(gate.exchange(&Request::get("/b/k")).body.len() as u64, 100 * MIB);
    assert!(gate.memory().1 < before + 16 * MIB);
}

/// How much of its 100 MiB each stalled upload has sent: 90 %, or as much as an unoptimized gate
/// digests in reasonable time, which all together is still more than it may keep.
const STALLED_AT: u64 = if cfg!(debug_assertions) { 4 * MIB } else { 90 * MIB };

#[test]
fn many_stalled_uploads_stay_within_the_budget() {
    const BUDGET: u64 = 64 * MIB;
    let store = Store::forgetful();
    let gate = Setup::refusing(&store, &[sample::CACTUS])
        .set("limits", "capture_max = \"8MiB\"")
        .set("limits", "capture_budget = \"64MiB\"")
        // They stall as long as the others take, on a busy machine too.
        .set("listener", "body_idle_timeout = \"1h\"")
        .set("listener", "body_min_rate = \"0B\"")
        .start();
    let length = (100 * MIB).to_string();
    let mut stalled = Vec::new();
    for number in 0..64 {
        let framing = if number % 2 == 0 { Framing::Plain } else { Framing::PlainChunks };
        let request = Request::framed("/b/k", framing, b"");
        let mut client = gate.client();
        match framing {
            Framing::Plain => {
                client.send(&request.replacing("Content-Length", &length).head());
                send_noise(&mut client, STALLED_AT);
            }
            _ => {
                client.send(&request.head());
                client.send(format!("{:x}\r\n", 100 * MIB).as_bytes());
                send_noise(&mut client, STALLED_AT);
            }
        }
        stalled.push(client);
    }
    let streaming = 64 * (STALLED_AT - 2 * MIB);
    crate::support::until("the streams", || (store.body_bytes() >= streaming).then_some(()));
    let peak = gate.memory().1;
    assert!(peak <= BUDGET + 64 * MIB, "{} MiB", peak / MIB);
    // Images are held whole: as many as the budget has room for.
    let mut held = Vec::new();
    let photo = sample::padded_photo(4 << 20);
    for _ in 0..64 {
        let mut client = gate.client();
        client.send(&Request::put("/b/k", &photo).head());
        let _ = client.try_send(&photo[..photo.len() * 9 / 10]);
        held.push(client);
    }
    let records = gate.records(64 - (BUDGET / photo.len() as u64) as usize);
    let other = records.iter().find(|record| record["status"] != 503);
    assert_eq!(other, None, "the others are turned away");
    let peak = gate.memory().1;
    assert!(peak <= BUDGET + 64 * MIB, "{} MiB", peak / MIB);
    assert!(store.objects().is_empty());
}
