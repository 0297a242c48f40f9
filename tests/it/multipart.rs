//! Multipart uploads: the object is judged before it becomes one, whatever way its parts came
//! (invariants 2, 4, 6).

use std::path::Path;

use crate::support::script::answer;
use crate::support::{Gate, Latch, Request, Script, Seen, Setup, Step, Store, sample, until};

use sample::{CACTUS, FLOWER};

/// The header that tells the store which ETag to give a part. Stores make one of the bytes.
const ETAG: &str = "x-amz-meta-etag";

const RESULT: &[u8] = b"<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult>\
    <ETag>\"whole-1\"</ETag></CompleteMultipartUploadResult>";

/// A store that knows multipart uploads.
fn store() -> Store {
    Store::scripted(|seen| {
        if let Some(etag) = seen.head.get(ETAG) {
            return Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""));
        }
        match seen.method() {
            "POST" => Script::replies(answer("200 OK", &[], RESULT)),
            _ => Script::ok(),
        }
    })
}

fn part(number: u32, etag: &str, bytes: &[u8]) -> Request {
    Request::put(&format!("/b/k?partNumber={number}&uploadId=u"), bytes).with(ETAG, etag)
}

fn complete(parts: &[(u32, &str)]) -> Request {
    Request::complete("/b/k?uploadId=u", parts)
}

/// A body in three uneven parts, by number and ETag.
fn thirds(body: &[u8]) -> [(u32, &'static str, &[u8]); 3] {
    let (first, rest) = body.split_at(body.len() / 5);
    let (second, third) = rest.split_at(rest.len() / 2);
    [(1, "e1", first), (2, "e2", second), (3, "e3", third)]
}

const LISTED: &[(u32, &str)] = &[(1, "e1"), (2, "e2"), (3, "e3")];

#[track_caller]
fn expect_sent(gate: &Gate, number: u32, etag: &str, bytes: &[u8]) {
    let answer = gate.exchange(&part(number, etag, bytes));
    assert_eq!(answer.status(), 200, "part {number}: {}", answer.text());
}

/// The Completes that reached the store whole: about the head of a refused one it is asked.
fn completes(store: &Store) -> Vec<Seen> {
    store.requests().into_iter().filter(|seen| seen.method() == "POST" && seen.complete).collect()
}

#[test]
fn a_listed_photo_in_parts_never_becomes_an_object() {
    for order in [[0, 1, 2], [2, 0, 1], [2, 1, 0]] {
        let store = store();
        let gate = Setup::refusing(&store, &[CACTUS]).start();
        let parts = thirds(CACTUS);
        for at in order {
            let (number, etag, bytes) = parts[at];
            expect_sent(&gate, number, etag, bytes);
        }
        gate.exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
        assert!(completes(&store).is_empty());
        let record = gate.records(4)[3].clone();
        assert_eq!((&record["verdict"], &record["reason"]), (&"deny".into(), &"exact".into()));
        assert_eq!(record["sha256"], sample::sha256(CACTUS).as_str());
        assert_eq!(record["bytes"], CACTUS.len());
        assert_eq!(record["operation"], "CompleteMultipartUpload");
    }
}

#[test]
fn a_refused_upload_is_poisoned() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for (number, etag, bytes) in thirds(CACTUS) {
        expect_sent(&gate, number, etag, bytes);
    }
    gate.exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
    gate.exchange(&part(2, "other", b"harmless")).expect_error(403, "AccessDenied");
    gate.exchange(&complete(&[(1, "e1")])).expect_error(403, "AccessDenied");
    let records = gate.records(6);
    assert!(records[4..].iter().all(|record| record["reason"] == "poisoned"), "{records:?}");
    assert!(completes(&store).is_empty());
    // Another upload of the same key is another upload.
    let other = Request::put("/b/k?partNumber=1&uploadId=v", b"harmless").with(ETAG, "x");
    assert_eq!(gate.exchange(&other).status(), 200);
}

#[test]
fn an_innocent_upload_passes_as_it_came_and_leaves_nothing_behind() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for (number, etag, bytes) in thirds(FLOWER) {
        expect_sent(&gate, number, etag, bytes);
    }
    let request = complete(LISTED);
    let answer = gate.exchange(&request);
    assert_eq!((answer.status(), answer.body.as_slice()), (200, RESULT));
    assert!(completes(&store)[0].body == request.body, "the list of parts passes as it came");
    let records = gate.records(4);
    assert!(records.iter().all(|record| record["verdict"] == "allow"), "{records:?}");
    assert_eq!(records[3]["bytes"], FLOWER.len());
    let parts = gate.directory().join("state/parts");
    until("the spool is empty", || (spooled(&parts) == 0).then_some(()));
    // A client that missed the answer asks again.
    assert_eq!(gate.exchange(&request).status(), 200);
}

/// Bytes of spooled parts.
fn spooled(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => spooled(&entry.path()),
        Ok(_) | Err(_) => entry.metadata().map_or(0, |data| data.len()),
    });
    sizes.sum()
}

#[test]
fn the_parts_that_are_listed_count_and_no_others() {
    let listed = b"one two three".as_slice();
    for (last, refused) in [("good", false), ("bad", true)] {
        let store = store();
        let gate = Setup::refusing(&store, &[listed]).start();
        let mut again = [("good", b"harmless".as_slice()), ("bad", b"two three")];
        again.sort_by_key(|(etag, _)| *etag == last);
        expect_sent(&gate, 1, "e1", b"one ");
        expect_sent(&gate, 7, "unlisted", b"not in the object");
        for (etag, bytes) in again {
            expect_sent(&gate, 9, etag, bytes);
        }
        let answer = gate.exchange(&complete(&[(1, "e1"), (9, last)]));
        assert_eq!(answer.status(), if refused { 403 } else { 200 }, "{last}");
        assert_eq!(completes(&store).len(), usize::from(!refused));
    }
}

/// S3 takes the last part of a number or none; some stores take the last one whatever is listed.
#[test]
fn a_part_that_was_replaced_cannot_be_listed() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let [first, (_, _, bytes), third] = thirds(CACTUS);
    expect_sent(&gate, 1, "e1", first.2);
    expect_sent(&gate, 2, "old", b"harmless");
    expect_sent(&gate, 2, "e2", bytes);
    expect_sent(&gate, 3, "e3", third.2);
    let replaced = complete(&[(1, "e1"), (2, "old"), (3, "e3")]);
    gate.exchange(&replaced).expect_error(400, "InvalidPart");
    gate.exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
    assert!(completes(&store).is_empty());
    let record = &gate.records(6)[4];
    assert_eq!(
        (&record["verdict"], &record["reason"]),
        (&"unjudged".into(), &"multipart-order".into())
    );
    // The same bytes again, under the ETag that a store with keys of its own makes up, are no matter.
    for etag in ["one", "other"] {
        let request = Request::put("/b/k?partNumber=1&uploadId=v", FLOWER).with(ETAG, etag);
        assert_eq!(gate.exchange(&request).status(), 200);
    }
    let list = Request::post("/b/k?uploadId=v", &complete(&[(1, "one")]).body);
    assert_eq!(gate.exchange(&list).status(), 200);

    let watching = Setup::refusing(&store, &[CACTUS]).watching().start();
    for (etag, bytes) in [("old", b"harmless".as_slice()), ("new", CACTUS)] {
        expect_sent(&watching, 1, etag, bytes);
    }
    assert_eq!(watching.exchange(&complete(&[(1, "old")])).status(), 200);
    assert_eq!(watching.records(3)[2]["reason"], "multipart-order");
}

/// Of a copy that nobody read back no bytes are kept; that it came before is known all the same.
#[test]
fn a_part_that_replaces_a_copy_can_be_listed_at_once() {
    let store = Store::scripted(|seen| match (seen.method(), seen.head.get(ETAG)) {
        ("PUT", Some("copied")) => {
            let copied = b"<CopyPartResult><ETag>\"copied\"</ETag></CopyPartResult>";
            Script::replies(answer("200 OK", &[], copied))
        }
        ("PUT", Some(etag)) => {
            Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""))
        }
        _ => Script::replies(answer("200 OK", &[], RESULT)),
    });
    let copy = part(1, "copied", b"").with("x-amz-copy-source", "/b/other");
    let sent = part(1, "sent", b"harmless");
    for (first, last, old, new) in
        [(&copy, &sent, "copied", "sent"), (&sent, &copy, "sent", "copied")]
    {
        let gate = Setup::refusing(&store, &[CACTUS]).start();
        for request in [first, last] {
            assert_eq!(gate.exchange(request).status(), 200);
        }
        gate.exchange(&complete(&[(1, old)])).expect_error(400, "InvalidPart");
        let answer = gate.exchange(&complete(&[(1, new)]));
        assert_eq!(answer.status(), 200, "{new}: {}", answer.text());
    }
}

/// A store that has a part and breaks off may have replaced the one before it.
#[test]
fn a_part_that_was_never_answered_may_have_replaced_another() {
    let store = Store::scripted(|seen| match (seen.method(), seen.head.get(ETAG)) {
        ("PUT", Some("lost")) => Script::steps([Step::ReadBody, Step::Reset]),
        ("PUT", Some(etag)) => {
            Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""))
        }
        _ => Script::replies(answer("200 OK", &[], RESULT)),
    });
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    expect_sent(&gate, 1, "old", b"harmless");
    gate.exchange(&part(1, "lost", FLOWER)).expect_error(503, "ServiceUnavailable");
    gate.exchange(&complete(&[(1, "old")])).expect_error(400, "InvalidPart");
    // The client tries again, as clients do.
    expect_sent(&gate, 1, "new", FLOWER);
    assert_eq!(gate.exchange(&complete(&[(1, "new")])).status(), 200);
}

/// A store that names its uploads: all of them `u`.
fn naming_store() -> Store {
    Store::scripted(|seen| match (seen.method(), seen.head.get(ETAG)) {
        (_, Some(etag)) => {
            Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""))
        }
        ("POST", None) if seen.target().ends_with("?uploads") => {
            let xml = b"<InitiateMultipartUploadResult><UploadId>u</UploadId>\
                </InitiateMultipartUploadResult>";
            Script::replies(answer("200 OK", &[("x-odd", "kept")], xml))
        }
        _ => Script::replies(answer("200 OK", &[], RESULT)),
    })
}

#[test]
fn the_coding_that_an_uploads_start_declares_is_undone_at_its_end() {
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    };
    let cases = [
        ("deflate", packed(CACTUS), 403, "exact-decoded"),
        ("deflate", packed(FLOWER), 200, ""),
        ("made-up", packed(CACTUS), 200, "encoding"),
        ("br", FLOWER.to_vec(), 200, "encoding"),
        // Nobody undoes what nobody declared.
        ("identity", packed(CACTUS), 200, ""),
    ];
    for (coding, body, status, reason) in cases {
        let (store, shared) = (naming_store(), tempfile::tempdir().expect("a directory"));
        let line = format!("parts_directory = {:?}", shared.path().join("parts"));
        let gates = [(); 2].map(|()| {
            Setup::refusing(&store, &[CACTUS]).small_limits().set("state", &line).start()
        });
        let create = Request::post("/b/k?uploads", b"").with("Content-Encoding", coding);
        let created = gates[0].exchange(&create);
        assert_eq!(created.element("UploadId").as_deref(), Some("u"), "{}", created.text());
        assert_eq!(created.head.get("x-odd"), Some("kept"));
        for (number, etag, bytes) in thirds(&body) {
            expect_sent(&gates[number as usize % 2], number, etag, bytes);
        }
        let answer = gates[1].exchange(&complete(LISTED));
        assert_eq!(answer.status(), status, "{coding}: {}", answer.text());
        let records = gates[1].records(3);
        let told = records.last().and_then(|record| record["reason"].as_str()).unwrap_or_default();
        assert_eq!(told, reason, "{coding}");
    }
}

#[test]
fn a_start_that_cannot_be_noted_is_not_heard_of() {
    let store = naming_store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let parts = gate.directory().join("state/parts");
    std::fs::rename(&parts, gate.directory().join("state/moved")).expect("it can be moved");
    std::fs::write(&parts, "no directory").expect("a file can be written");
    let create = Request::post("/b/k?uploads", b"");
    assert_eq!(gate.exchange(&create).status(), 200, "there is nothing to note");
    gate.exchange(&create.with("Content-Encoding", "br")).expect_error(503, "SlowDown");
}

#[test]
fn a_gate_killed_in_the_middle_of_a_part_has_not_seen_it() {
    let latch = Latch::new();
    let door = latch.clone();
    let store = Store::scripted(move |seen| match (seen.method(), seen.head.get(ETAG)) {
        ("PUT", Some("late")) => {
            let taken = answer("200 OK", &[("ETag", "\"e1\"")], b"");
            let wait = Step::Wait(door.clone());
            Script::steps([Step::ReadBody, wait, Step::Send(taken)])
        }
        ("PUT", Some(etag)) => {
            Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""))
        }
        _ => Script::replies(answer("200 OK", &[], RESULT)),
    });
    let gate = Setup::refusing(&store, &[CACTUS])
        .small_limits()
        .set("state", "multipart_grace = \"0s\"")
        .start();
    let body = sample::noise(3, 300_000);
    // Once while its bytes come in, once while its answer is awaited.
    let wire = part(1, "late", &body).on_wire();
    let mut client = gate.client();
    client.send(&wire[..wire.len() / 2]);
    store.await_body(0, 1);
    let gate = gate.crash_and_restart("/readyz");
    let mut client = gate.client();
    client.send(&wire);
    store.complete(1);
    let gate = gate.crash_and_restart("/readyz");
    latch.open();
    gate.exchange(&complete(&[(1, "e1")])).expect_error(503, "SlowDown");
    assert!(completes(&store).is_empty());
    // The client tries again.
    expect_sent(&gate, 1, "e1", &body);
    assert_eq!(gate.exchange(&complete(&[(1, "e1")])).status(), 200);
}

#[test]
fn a_gate_killed_in_the_middle_of_a_complete_judges_it_again() {
    for (body, status) in [(FLOWER, 200), (CACTUS, 403)] {
        let latch = Latch::new();
        let door = latch.clone();
        let store = Store::scripted(move |seen| match (seen.method(), seen.head.get(ETAG)) {
            (_, Some(etag)) => {
                Script::replies(answer("200 OK", &[("ETag", &format!("\"{etag}\""))], b""))
            }
            // Asked about the head of what is refused, it says nothing either.
            _ => Script::replies(answer("200 OK", &[], RESULT)).after(&door),
        });
        let gate = Setup::refusing(&store, &[CACTUS]).start();
        for (number, etag, bytes) in thirds(body) {
            expect_sent(&gate, number, etag, bytes);
        }
        let list = complete(LISTED);
        let mut client = gate.client();
        client.send(&list.on_wire());
        let asked = store.request(3);
        assert_eq!(asked.method(), "POST");
        let gate = gate.crash_and_restart("/readyz");
        latch.open();
        assert_eq!(gate.exchange(&list).status(), status);
        assert!(status == 200 || completes(&store).is_empty());
    }
}

/// Longer than the store keeps unfinished uploads, nobody asks for them any more.
#[test]
fn parts_that_have_expired_were_never_seen() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).set("state", "multipart_grace = \"0s\"").start();
    for (number, etag, bytes) in thirds(CACTUS) {
        expect_sent(&gate, number, etag, bytes);
    }
    let parts = gate.directory().join("state/parts");
    let nine_days_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(9 * 86_400);
    age(&parts.join("mpu"), nine_days_ago);
    // A gate goes round when it starts.
    let gate = gate.crash_and_restart("/readyz");
    // Records go first.
    until("the spool is empty", || (spooled(&parts) == 0).then_some(()));
    until("nobody knows the parts", || {
        let answer = gate.exchange(&complete(LISTED));
        answer.expect_error(503, "SlowDown");
        (gate.records(1).last()?["reason"] == "part-unseen").then_some(())
    });
    assert!(completes(&store).is_empty());
}

/// Makes every file old.
fn age(directory: &Path, modified: std::time::SystemTime) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        match entry.file_type().expect("a kind").is_dir() {
            true => age(&entry.path(), modified),
            false => {
                let file = std::fs::File::open(entry.path()).expect("a file");
                file.set_modified(modified).expect("it can be aged");
            }
        }
    }
}

#[test]
fn parts_and_complete_may_go_through_different_gates() {
    let (store, shared) = (store(), tempfile::tempdir().expect("a directory can be made"));
    let line = format!("parts_directory = {:?}", shared.path().join("parts"));
    let gates: Vec<Gate> =
        (0..2).map(|_| Setup::refusing(&store, &[CACTUS]).set("state", &line).start()).collect();
    for (at, (number, etag, bytes)) in thirds(CACTUS).into_iter().enumerate() {
        expect_sent(&gates[at % 2], number, etag, bytes);
    }
    gates[0].exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
    gates[1].exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
    gates[1].exchange(&part(1, "e1", b"x")).expect_error(403, "AccessDenied");
    assert!(completes(&store).is_empty());
}

#[test]
fn a_crash_loses_no_part() {
    let store = store();
    let mut gate = Setup::refusing(&store, &[CACTUS]).start();
    for (number, etag, bytes) in thirds(CACTUS) {
        expect_sent(&gate, number, etag, bytes);
        gate = gate.crash_and_restart("/readyz");
    }
    gate.exchange(&complete(LISTED)).expect_error(403, "AccessDenied");
    assert!(completes(&store).is_empty());
}

#[test]
fn a_part_that_nobody_saw_is_a_fault_once_the_grace_is_over() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).set("state", "multipart_grace = \"0s\"").start();
    expect_sent(&gate, 1, "e1", b"seen");
    gate.exchange(&complete(&[(1, "e1"), (2, "e2")])).expect_error(503, "SlowDown");
    gate.exchange(&complete(&[(1, "another")])).expect_error(503, "SlowDown");
    assert!(completes(&store).is_empty());
    let record = &gate.records(3)[2];
    assert_eq!(
        (&record["verdict"], &record["reason"]),
        (&"unjudged".into(), &"part-unseen".into())
    );
}

#[test]
fn uploads_from_before_the_gate_pass_for_a_while_and_say_so() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    assert_eq!(gate.exchange(&complete(LISTED)).status(), 200);
    let record = gate.record();
    assert_eq!(
        (&record["verdict"], &record["reason"]),
        (&"unjudged".into(), &"part-unseen".into())
    );
}

#[test]
fn two_bodies_under_one_etag_are_refused() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    expect_sent(&gate, 1, "e1", b"one thing");
    expect_sent(&gate, 1, "e1", b"another");
    gate.exchange(&complete(&[(1, "e1")])).expect_error(403, "AccessDenied");
    assert!(completes(&store).is_empty());
}

#[test]
fn a_part_sent_twice_is_one_part() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for _ in 0..2 {
        for (number, etag, bytes) in thirds(FLOWER) {
            expect_sent(&gate, number, etag, bytes);
        }
    }
    assert_eq!(gate.exchange(&complete(LISTED)).status(), 200);
}

#[test]
fn objects_larger_than_an_image_are_judged_too() {
    let body = sample::noise(5, 900_000);
    for (sent, status) in [(body.clone(), 403), (sample::noise(6, 900_000), 200)] {
        let store = store();
        let gate = Setup::refusing(&store, &[&body]).small_limits().start();
        for (number, etag, bytes) in thirds(&sent).into_iter().rev() {
            expect_sent(&gate, number, etag, bytes);
        }
        assert_eq!(gate.exchange(&complete(LISTED)).status(), status);
    }
}

#[test]
fn what_is_no_list_of_parts_is_refused() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for body in ["<CompleteMultipartUpload/>", "rubbish", "<CompleteMultipartUpload><Part>"] {
        let request = Request::post("/b/k?uploadId=u", body.as_bytes());
        assert_eq!(gate.exchange(&request).status(), 400, "{body}");
    }
    assert!(completes(&store).is_empty());
}

#[test]
fn in_shadow_it_is_recorded_and_passes() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).watching().start();
    for (number, etag, bytes) in thirds(CACTUS) {
        expect_sent(&gate, number, etag, bytes);
    }
    assert_eq!(gate.exchange(&complete(LISTED)).status(), 200);
    assert_eq!(gate.exchange(&part(1, "e1", b"more")).status(), 200);
    assert_eq!(gate.exchange(&Request::post("/b/k?uploadId=u", b"rubbish")).status(), 200);
    assert_eq!(gate.records(6)[3]["verdict"], "would-deny");
}

#[test]
fn a_part_that_the_store_refuses_leaves_nothing() {
    let store = Store::always(Script::replies(answer("400 Bad Request", &[], b"")));
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    assert_eq!(gate.exchange(&part(1, "e1", FLOWER)).status(), 400);
    let parts = gate.directory().join("state/parts");
    until("the spool is empty", || (spooled(&parts) == 0).then_some(()));
}

#[test]
fn a_full_spool_asks_to_slow_down_and_stops_nothing_in_shadow() {
    let store = store();
    let (first, second) = (sample::noise(1, 700_000), sample::noise(2, 700_000));
    let gate = Setup::refusing(&store, &[CACTUS]).set("state", "spool_max = \"1MiB\"").start();
    expect_sent(&gate, 1, "e1", &first);
    gate.exchange(&part(2, "e2", &second)).expect_error(503, "SlowDown");
    assert_eq!(gate.records(2)[1]["reason"], "spool");
    assert_eq!(gate.exchange(&Request::put("/b/other", b"whole")).status(), 200);
    // What is completed makes room again.
    assert_eq!(gate.exchange(&complete(&[(1, "e1")])).status(), 200);
    let parts = gate.directory().join("state/parts");
    until("the spool is empty", || (spooled(&parts) == 0).then_some(()));
    // The room is given back right after the bytes are gone.
    let again = part(2, "e2", &second);
    until("there is room", || (gate.exchange(&again).status() == 200).then_some(()));

    let watching =
        Setup::refusing(&store, &[CACTUS]).set("state", "spool_max = \"1MiB\"").watching().start();
    expect_sent(&watching, 1, "e1", &first);
    expect_sent(&watching, 2, "e2", &second);
    assert_eq!(watching.exchange(&complete(&[(1, "e1"), (2, "e2")])).status(), 200);
    assert_eq!(watching.records(3)[2]["reason"], "multipart-order");
}

#[test]
fn a_part_whose_client_vanished_was_never_seen() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS])
        .small_limits()
        .set("state", "multipart_grace = \"0s\"")
        .start();
    let request = part(1, "e1", &sample::noise(1, 900_000));
    let wire = request.on_wire();
    for sent in [request.head().len(), wire.len() / 2, wire.len() - 1] {
        let mut client = gate.client();
        client.send(&wire[..sent]);
        client.reset();
    }
    gate.records(3);
    gate.exchange(&complete(&[(1, "e1")])).expect_error(503, "SlowDown");
    let parts = gate.directory().join("state/parts");
    until("the spool is empty", || (spooled(&parts) == 0).then_some(()));
}

#[test]
fn a_store_that_breaks_off_has_taken_no_part() {
    let store = Store::scripted(|seen| match seen.method() {
        "PUT" => Script::steps([Step::ReadBody, Step::Reset]),
        _ => Script::ok(),
    });
    let gate = Setup::refusing(&store, &[CACTUS]).set("state", "multipart_grace = \"0s\"").start();
    gate.exchange(&part(1, "e1", FLOWER)).expect_error(503, "ServiceUnavailable");
    gate.exchange(&complete(&[(1, "e1")])).expect_error(503, "SlowDown");
}

#[test]
fn a_state_that_fails_stops_uploads_in_parts_and_nothing_else() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    expect_sent(&gate, 1, "e1", FLOWER);
    // The directory becomes a file: nothing in it can be read or written any more.
    let parts = gate.directory().join("state/parts");
    std::fs::rename(&parts, gate.directory().join("state/moved")).expect("it can be moved");
    std::fs::write(&parts, "no directory").expect("a file can be written");
    gate.exchange(&part(2, "e2", b"x")).expect_error(503, "SlowDown");
    gate.exchange(&complete(&[(1, "e1")])).expect_error(503, "SlowDown");
    assert_eq!(gate.exchange(&Request::put("/b/k", b"whole")).status(), 200);
    assert_eq!(gate.exchange(&Request::get("/b/k")).status(), 200);
    assert_eq!(gate.exchange(&Request::new("DELETE", "/b/k?uploadId=u")).status(), 200);
    std::fs::remove_file(&parts).expect("the file goes");
    std::fs::rename(gate.directory().join("state/moved"), &parts).expect("it comes back");
    assert_eq!(gate.exchange(&complete(&[(1, "e1")])).status(), 200, "it recovers by itself");
}

#[test]
fn parts_of_nothing_are_parts() {
    let store = store();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for (last, status) in [(CACTUS, 403), (FLOWER, 200)] {
        let parts: [(u32, &str, &[u8]); 2] = [(1, "empty", b""), (2, "full", last)];
        let target = |number| format!("/b/{status}?partNumber={number}&uploadId=u");
        for (number, etag, bytes) in parts {
            let request = Request::put(&target(number), bytes).with(ETAG, etag);
            let expected = if bytes == CACTUS { 403 } else { 200 };
            assert_eq!(gate.exchange(&request).status(), expected);
        }
        let list = complete(&[(1, "empty"), (2, "full")]);
        let list = Request::post(&format!("/b/{status}?uploadId=u"), &list.body);
        assert_eq!(gate.exchange(&list).status(), status);
    }
}

#[test]
fn an_object_made_of_copies_that_nobody_read_is_refused() {
    let store = Store::scripted(|seen| match seen.head.get("x-amz-copy-source") {
        Some(_) => {
            let xml = "<CopyPartResult><ETag>\"copied\"</ETag></CopyPartResult>";
            Script::replies(answer("200 OK", &[], xml.as_bytes()))
        }
        None if seen.method() == "POST" => Script::replies(answer("200 OK", &[], RESULT)),
        None => Script::replies(answer("200 OK", &[("ETag", "\"sent\"")], b"")),
    });
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    let copy = |upload: &str| {
        Request::put(&format!("/b/k?partNumber=1&uploadId={upload}"), b"")
            .with("x-amz-copy-source", "/b/half")
    };
    assert_eq!(gate.exchange(&copy("u")).status(), 200);
    // All of one object is a copy like any other.
    assert_eq!(gate.exchange(&complete(&[(1, "copied")])).status(), 200);
    assert_eq!(gate.exchange(&copy("v")).status(), 200);
    let other = Request::put("/b/k?partNumber=2&uploadId=v", b"sent");
    assert_eq!(gate.exchange(&other).status(), 200);
    let list = complete(&[(1, "copied"), (2, "sent")]).body;
    let answer = gate.exchange(&Request::post("/b/k?uploadId=v", &list));
    answer.expect_error(403, "AccessDenied");
    let records = gate.records(5);
    assert_eq!((&records[1]["reason"], &records[4]["reason"]), (&"copy".into(), &"copy".into()));
}
