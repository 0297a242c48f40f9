//! What archives are unpacked in is memory like that of bodies: reserved before it is taken, exact at
//! its bound, and given back however an upload ends (invariant 8).

use s3bouncer::unpack::Limits;
use serde_json::Value;

use crate::support::sample::{self, CACTUS, FLOWER};
use crate::support::script::answer;
use crate::support::{Answer, Client, Framing, Gate, Request, Script, Setup, Step, Store, until};

/// Bytes of the archives in these tests, all alike so that they take the same memory.
const LENGTH: usize = 128 << 10;

/// Largest archive that is held, in bytes: what one is taken for whose length is not declared.
const ARCHIVE_MAX: u64 = 256 << 10;

/// What unpacking an archive of so many bytes may take, by the limits that a configuration leaves as
/// they are.
fn unpacking(archive: u64) -> u64 {
    Limits::default().archive_bytes_max(archive)
}

/// All that an archive may take: its pieces, what lays them side by side, what unpacks them.
fn all() -> u64 {
    2 * LENGTH as u64 + unpacking(LENGTH as u64)
}

fn tar(photo: &[u8]) -> Vec<u8> {
    // More than is searched of any body.
    let noise = sample::noise(5, 80_000);
    let mut tar = sample::tar(&[("readme.txt", &noise), ("photos/a.jpg", photo)]);
    tar.resize(LENGTH, 0);
    tar
}

/// An archive that the store unpacks.
fn snowball(framing: Framing, tar: &[u8]) -> Request {
    Request::framed("/b/a.tar", framing, tar).with("X-Amz-Meta-Snowball-Auto-Extract", "true")
}

/// A gate within so many bytes that unpacks what the store unpacks, and looks into other archives if
/// `archives` says so.
fn gate(store: &Store, budget: u64, archives: &str) -> Setup {
    Setup::refusing(store, &[CACTUS])
        .set("limits", "capture_max = \"256KiB\"")
        .set("limits", "small_body_max = \"8KiB\"")
        .set("limits", &format!("capture_budget = \"{budget}B\""))
        .set("inspect", &format!("archive_max = \"{ARCHIVE_MAX}B\""))
        .set("inspect", &format!("archives = \"{archives}\""))
}

fn unpacking_with_the_store(store: &Store, budget: u64, archives: &str) -> Gate {
    let rule = "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\narchives = \"inspect\"";
    gate(store, budget, archives).tables(rule).start()
}

/// Bytes of the budget that are reserved now.
fn in_use(gate: &Gate) -> u64 {
    let status = gate.admin(&Request::get("/status")).body;
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    status["capture"]["used"].as_u64().expect("a number")
}

#[track_caller]
fn await_in_use(gate: &Gate, bytes: u64) {
    until(&format!("{bytes} bytes in use"), || (in_use(gate) == bytes).then_some(()));
}

/// What becomes of an upload of which a part has come.
type End = fn(Client, &[u8]);

/// The rest is sent, and whatever the answer is, it comes.
fn sent(mut client: Client, rest: &[u8]) {
    client.send(rest);
    client.answer();
}

fn closed(client: Client, _: &[u8]) {
    drop(client);
}

fn reset(client: Client, _: &[u8]) {
    client.reset();
}

fn cut_short(mut client: Client, _: &[u8]) {
    client.half_close();
    client.answer().expect_error(400, "IncompleteBody");
}

#[test]
fn what_unpacking_takes_is_reserved_and_given_back_however_an_upload_ends() {
    // The store goes by the key of what comes.
    let store = Store::scripted(|seen| match seen.target() {
        "/b/refused" => Script::refuses(),
        "/b/lost" => Script::steps([Step::ReadBody, Step::Reset]),
        _ => Script::ok(),
    });
    let ends: [(&str, &[u8], &str, End); 8] = [
        ("taken", FLOWER, "/b/a.tar", sent),
        ("listed", CACTUS, "/b/a.tar", sent),
        ("refused by the store", FLOWER, "/b/refused", sent),
        ("lost by the store", FLOWER, "/b/lost", sent),
        ("listed, and its head refused", CACTUS, "/b/refused", sent),
        ("closed", FLOWER, "/b/a.tar", closed),
        ("reset", FLOWER, "/b/a.tar", reset),
        ("cut short", FLOWER, "/b/a.tar", cut_short),
    ];
    for archives in ["off", "on"] {
        // Each takes all there is, so that nothing may be left of the one before.
        let gate = unpacking_with_the_store(&store, all(), archives);
        for (number, (end, photo, target, act)) in ends.into_iter().enumerate() {
            let request = snowball(Framing::Plain, &tar(photo)).to(target);
            let mut client = gate.client();
            client.send(&request.head());
            let (first, rest) = request.body.split_at(LENGTH / 4 * 3);
            client.send(first);
            await_in_use(&gate, LENGTH as u64 + unpacking(LENGTH as u64));
            act(client, rest);
            let record = gate.records(number + 1)[number].clone();
            assert_ne!(record["reason"], "budget", "{archives} {end}: {record}");
            await_in_use(&gate, 0);
        }
        let statuses: Vec<Value> =
            gate.stop().records.iter().map(|record| record["status"].clone()).collect();
        assert_eq!(statuses[..3], [200, 403, 403], "{archives}");
    }
}

#[test]
fn an_archive_of_unknown_length_takes_what_the_largest_may() {
    let store = Store::ok();
    let budget = 4 * ARCHIVE_MAX + unpacking(ARCHIVE_MAX);
    let gate = unpacking_with_the_store(&store, budget, "off");
    let noise = sample::noise(1, ARCHIVE_MAX as usize + 1);
    for (body, status) in [(&tar(FLOWER), 200), (&tar(CACTUS), 403), (&noise, 400)] {
        let request = snowball(Framing::PlainChunks, body);
        let mut client = gate.client();
        client.send(&request.head());
        await_in_use(&gate, ARCHIVE_MAX + unpacking(ARCHIVE_MAX));
        client.send(&request.body_on_wire());
        assert_eq!(client.answer().status(), status);
        await_in_use(&gate, 0);
    }
    let mut client = gate.client();
    client.send(&snowball(Framing::PlainChunks, b"").head());
    await_in_use(&gate, ARCHIVE_MAX + unpacking(ARCHIVE_MAX));
    client.send(b"no chunk\r\n");
    assert_eq!(client.answer().status(), 400);
    await_in_use(&gate, 0);
}

#[test]
fn without_room_for_unpacking_nothing_is_unpacked() {
    let store = Store::ok();
    // One byte less than all.
    for archives in ["off", "on"] {
        let gate = unpacking_with_the_store(&store, all() - 1, archives);
        let answer = gate.exchange(&snowball(Framing::Plain, &tar(FLOWER)));
        answer.expect_error(503, "SlowDown");
        assert_eq!(gate.record()["reason"], "budget");
        await_in_use(&gate, 0);
    }
    assert!(store.objects().is_empty());
    // Where there can never be room, asking to try again would be for nothing.
    let gate = unpacking_with_the_store(&store, unpacking(LENGTH as u64) - 1, "off");
    assert_eq!(gate.exchange(&snowball(Framing::Plain, &tar(CACTUS))).status(), 200);
    let record = gate.record();
    assert_eq!((&record["verdict"], &record["reason"]), (&"unjudged".into(), &"archive".into()));
}

#[test]
fn an_archive_that_is_looked_into_takes_what_unpacking_takes() {
    let store = Store::ok();
    let listed = Request::put("/b/k", &tar(CACTUS));
    let innocent = Request::put("/b/k", &tar(FLOWER));
    let lost = Request::put("/b/k", &tar(FLOWER)[..LENGTH / 5]);
    let gate = |budget| gate(&store, budget, "on");
    let exact = gate(all()).start();
    for _ in 0..2 {
        assert_eq!(exact.exchange(&innocent).status(), 200);
        exact.exchange(&listed).expect_error(403, "AccessDenied");
        assert_eq!(exact.exchange(&lost).status(), 200, "cut off within a member");
        await_in_use(&exact, 0);
    }
    let reasons: Vec<Value> = exact.stop().records.iter().map(|r| r["reason"].clone()).collect();
    assert_eq!(reasons[..3], reasons[3..], "nothing is left of those before");
    assert!(!reasons.contains(&"budget".into()), "{reasons:?}");
    let short = gate(all() - 1).start();
    for request in [&innocent, &listed] {
        short.exchange(request).expect_error(503, "SlowDown");
        await_in_use(&short, 0);
    }
    assert!(short.stop().records.iter().all(|record| record["reason"] == "budget"));
    // Where the gate only watches, it passes unseen, and says so.
    let watching = gate(all() - 1).watching().start();
    assert_eq!(watching.exchange(&listed).status(), 200);
    assert_eq!(watching.record()["reason"], "budget");
    await_in_use(&watching, 0);
}

/// The end of an upload in two parts.
fn complete(upload: &str) -> Request {
    Request::complete(&format!("/b/k?uploadId={upload}"), &[(1, "e"), (2, "e")])
}

/// Sends an archive in two parts, which are taken, and completes it: what is said of that.
fn in_parts(gate: &Gate, upload: &str, archive: &[u8]) -> Answer {
    let target = format!("/b/k?uploadId={upload}");
    let (first, second) = archive.split_at(LENGTH / 3);
    for (number, bytes) in [(1, first), (2, second)] {
        let part = Request::put(&format!("{target}&partNumber={number}"), bytes);
        assert_eq!(gate.exchange(&part).status(), 200, "part {number} of {upload}");
    }
    await_in_use(gate, 0);
    gate.exchange(&complete(upload))
}

#[test]
fn an_object_of_parts_that_is_an_archive_takes_what_unpacking_takes() {
    let store = Store::scripted(|seen| match seen.method() {
        "PUT" => Script::replies(answer("200 OK", &[("ETag", "\"e\"")], b"")),
        _ => Script::replies(answer("200 OK", &[], b"<CompleteMultipartUploadResult/>")),
    });
    let [innocent, listed] = [FLOWER, CACTUS].map(tar);
    // The list of parts is held as well.
    let exact = all() + complete("any").body.len() as u64;
    let completing = gate(&store, exact, "on").start();
    for round in 0..2 {
        let answer = in_parts(&completing, &format!("innocent{round}"), &innocent);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        await_in_use(&completing, 0);
        let answer = in_parts(&completing, &format!("listed{round}"), &listed);
        answer.expect_error(403, "AccessDenied");
        await_in_use(&completing, 0);
    }
    let short = gate(&store, exact - 1, "on").start();
    for (upload, archive) in [("innocent", &innocent), ("listed", &listed)] {
        in_parts(&short, upload, archive).expect_error(503, "SlowDown");
        await_in_use(&short, 0);
    }
    // Each after its two parts.
    let records = short.stop().records;
    assert_eq!([&records[2]["reason"], &records[5]["reason"]], ["budget", "budget"]);
}

#[test]
fn an_archive_that_the_store_unpacks_is_judged_by_its_members() {
    let store = Store::ok();
    let rule = "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\narchives = \"inspect\"\nunjudged = \"refuse\"";
    let gate = gate(&store, 1 << 30, "off").tables(rule).start();
    let [innocent, listed] = [FLOWER, CACTUS].map(tar);
    let cut_off = &innocent[..LENGTH / 5];
    let bodies: [(&[u8], u16, &str, &str); 5] = [
        (&innocent, 200, "allow", "null"),
        (&listed, 403, "deny", "\"exact-member\""),
        // What can't be walked to its end, what is none, and what has no members.
        (cut_off, 403, "unjudged", "\"archive\""),
        (&sample::noise(1, 2000), 403, "unjudged", "\"archive\""),
        (&sample::tar(&[]), 403, "unjudged", "\"archive\""),
    ];
    for (number, (body, status, verdict, reason)) in bodies.into_iter().enumerate() {
        assert_eq!(gate.exchange(&snowball(Framing::Plain, body)).status(), status, "{number}");
        let record = gate.records(number + 1)[number].clone();
        assert_eq!(record["verdict"], verdict, "{number}: {record}");
        assert_eq!(
            record.get("reason").map_or("null".into(), Value::to_string),
            reason,
            "{number}"
        );
    }
    assert_eq!(store.objects().len(), 1);
}
