//! What is refused follows from lists, buckets and modes, and only from bytes that were hashed
//! (invariants 5, 6, 7 and 12).

use crate::support::{Gate, List, Request, Setup, Store, sample};

use sample::{CACTUS, FLOWER, PHOTO};

/// Fails unless the gate says this to an upload of `body` to `bucket`, and records it so.
#[track_caller]
fn expect(gate: &Gate, bucket: &str, body: &[u8], status: u16, verdict: &str) {
    let before = gate.records(0).len();
    let answer = gate.exchange(&Request::put(&format!("/{bucket}/k"), body));
    assert_eq!(answer.status(), status, "{bucket}: {}", answer.text());
    let records = gate.records(before + 1);
    assert_eq!(records[before]["verdict"], verdict, "{bucket}: {}", records[before]);
}

#[test]
fn every_kind_of_digest_convicts_and_the_record_says_which_list() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS])
        .list(List::blocking_md5("by-md5", &[FLOWER]))
        .list(List::blocking_sha1("by-sha1", &[PHOTO]))
        .start();
    for (body, list) in [(CACTUS, "police"), (FLOWER, "by-md5"), (PHOTO, "by-sha1")] {
        expect(&gate, "b", body, 403, "deny");
        let record = gate.denials(1).pop().expect("a denial");
        assert_eq!(record["list"], list);
        assert_eq!(record["sha256"], sample::sha256(body).as_str());
        assert_eq!(record["md5"], sample::md5(body).as_str());
        assert_eq!(record["sha1"], sample::sha1(body).as_str());
        assert_eq!(record["bytes"], body.len());
    }
    expect(&gate, "b", b"innocent", 200, "allow");
    assert_eq!(store.objects().len(), 1);
}

#[test]
fn an_allow_entry_beats_every_block_entry() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS, FLOWER])
        .list(List::blocking_md5("by-md5", &[FLOWER, CACTUS]))
        .list(List::allowing(&[FLOWER]))
        .start();
    expect(&gate, "b", FLOWER, 200, "allow");
    expect(&gate, "b", CACTUS, 403, "deny");
}

#[test]
fn the_weaker_of_list_and_bucket_wins() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS])
        .list(List::blocking(&[FLOWER]).named("watched").shadow())
        .tables("[[bucket]]\nmatch = \"enforced-*\"\nmode = \"enforce\"")
        .tables("[[bucket]]\nmatch = \"watched\"\nmode = \"shadow\"")
        .tables("[[bucket]]\nmatch = \"off\"\nmode = \"off\"")
        .start();
    expect(&gate, "enforced-1", CACTUS, 403, "deny");
    expect(&gate, "enforced-1", FLOWER, 200, "would-deny");
    expect(&gate, "watched", CACTUS, 200, "would-deny");
    expect(&gate, "watched", FLOWER, 200, "would-deny");
    expect(&gate, "another", CACTUS, 403, "deny");
    let answer = gate.exchange(&Request::put("/off/k", CACTUS));
    assert_eq!(answer.status(), 200, "nobody looks");
    let ended = gate.stop();
    assert_ne!(ended.records.last().map(|r| &r["verdict"]), Some(&"deny".into()));
    assert_eq!(ended.denials.len(), 5, "denials and would-be denials, no others");
    let modes: Vec<_> = ended.denials.iter().map(|r| r["mode"].clone()).collect();
    assert_eq!(modes, ["enforce", "shadow", "shadow", "shadow", "enforce"]);
}

#[test]
fn a_stronger_hit_counts_more_than_a_watched_one() {
    let store = Store::ok();
    let gate = Setup::before(&store)
        .list(List::blocking(&[CACTUS]).named("watched").shadow())
        .list(List::blocking_md5("enforced", &[CACTUS]))
        .start();
    expect(&gate, "b", CACTUS, 403, "deny");
    assert_eq!(gate.denials(1)[0]["list"], "enforced");
}

#[test]
fn the_first_rule_that_matches_decides_alone() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS])
        .list(List::blocking(&[FLOWER]).named("other"))
        .tables("[[bucket]]\nmatch = \"a?c\"\nmode = \"enforce\"\nlists = [\"other\"]")
        .tables("[[bucket]]\nmatch = \"a*\"\nmode = \"shadow\"")
        .start();
    expect(&gate, "abc", FLOWER, 403, "deny");
    expect(&gate, "abc", CACTUS, 200, "allow");
    expect(&gate, "abbc", FLOWER, 200, "would-deny");
    expect(&gate, "b", CACTUS, 403, "deny");
}

#[test]
fn a_policy_cannot_be_dodged_by_spelling_the_bucket_otherwise() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS])
        .tables("[[bucket]]\nmatch = \"open\"\nmode = \"off\"")
        .start();
    for target in [
        "/%6fpen2/k",
        "/%62/k",
        "/b/%2e%2e/open/k",
        "/open/../b/k",
        "/open/x/../../b/k",
        "//open/k",
        "/open%2fk",
        "/b%2f..%2fopen/k",
    ] {
        let answer = gate.exchange(&Request::put(target, CACTUS));
        assert!(matches!(answer.status(), 400 | 403), "{target}: {}", answer.status());
    }
    assert_eq!(gate.exchange(&Request::put("/%6fpen/k", CACTUS)).status(), 200, "that is `open`");
    assert_eq!(store.objects().len(), 1);
}

#[test]
fn routing_never_decides_whether_a_body_is_looked_at() {
    // Stores differ in which of these they take for an upload (invariant 4).
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS]).start();
    for target in [
        "/b/k?acl",
        "/b/k?tagging",
        "/b/k?anything-else",
        "/b/k?renameObject",
        "/b/k?annotation&annotationName=a",
        "/b?policy",
        "/b",
    ] {
        gate.exchange(&Request::put(target, CACTUS)).expect_error(403, "AccessDenied");
    }
    for target in ["/b/k?uploads", "/b/k?select&select-type=2", "/b/k?restore", "/b/k"] {
        gate.exchange(&Request::post(target, CACTUS)).expect_error(403, "AccessDenied");
    }
    assert!(store.objects().is_empty());
}

#[test]
fn without_any_list_everything_passes() {
    let store = Store::ok();
    let gate = Setup::before(&store).start();
    expect(&gate, "b", CACTUS, 200, "allow");
    assert_eq!(gate.metric("s3bouncer_enforcing"), Some(0.0));
    assert_eq!(gate.record()["snapshot"], serde_json::Value::Null);
}

#[test]
fn a_list_that_was_never_there_stops_uploads_and_nothing_else() {
    for text in ["", "what is this?\n", "abcdef\n"] {
        let store = Store::ok();
        let list = List::blocking(&[]).text(text);
        let gate = Setup::before(&store).list(list).start_unready();
        assert_eq!((gate.page_status("/livez"), gate.page_status("/readyz")), (200, 503));
        let answer = gate.exchange(&Request::put("/b/k", b"body"));
        answer.expect_error(503, "SlowDown");
        assert!(answer.head.get("retry-after").is_some());
        for method in ["GET", "HEAD", "DELETE"] {
            assert_eq!(gate.exchange(&Request::new(method, "/b/k")).status(), 200, "{method}");
        }
        let delete = Request::post("/b?delete", b"<Delete/>");
        assert_eq!(gate.exchange(&delete).status(), 200, "many deletions are a POST");
        let record = &gate.stop().records[0];
        assert_eq!(
            (&record["verdict"], &record["reason"]),
            (&"unjudged".into(), &"no-list".into())
        );
    }
}

#[test]
fn in_shadow_or_forwarding_a_list_that_was_never_there_stops_nothing() {
    for rule in ["mode = \"shadow\"", "mode = \"enforce\"\nfaults = \"forward\""] {
        let store = Store::ok();
        let gate = Setup::before(&store)
            .list(List::blocking(&[]).text("what is this?\n"))
            .tables(&format!("[[bucket]]\nmatch = \"*\"\n{rule}"))
            .start_unready();
        expect(&gate, "b", CACTUS, 200, "unjudged");
        assert_eq!(gate.record()["reason"], "no-list");
    }
}

#[test]
fn one_broken_list_takes_nothing_from_another() {
    let store = Store::ok();
    let gate = Setup::refusing(&store, &[CACTUS])
        .list(List::blocking(&[]).named("broken").text("what is this?\n"))
        .start_unready();
    assert_eq!(gate.page_status("/readyz"), 503);
    assert_ne!(gate.exchange(&Request::put("/b/k", CACTUS)).status(), 200);
    assert!(store.objects().is_empty());
}

/// A gate whose only list is this text in this format.
fn reads(format: &str, text: &str) -> Gate {
    let store = Store::ok();
    let setup = Setup::before(&store);
    std::fs::write(setup.directory().join("odd.txt"), text).expect("a file can be written");
    let gate = setup
        .tables(&format!(
            "[[list]]\nname = \"odd\"\nsource = \"odd.txt\"\npolarity = \"block\"\n\
             mode = \"enforce\"\n{format}"
        ))
        .start();
    gate.exchange(&Request::put("/b/k", CACTUS)).expect_error(403, "AccessDenied");
    gate.exchange(&Request::put("/b/k", FLOWER)).expect_error(403, "AccessDenied");
    assert_eq!(gate.exchange(&Request::put("/b/k", PHOTO)).status(), 200);
    gate
}

#[test]
fn sources_are_read_in_their_formats() {
    let (cactus, flower) = (sample::sha256(CACTUS), sample::sha256(FLOWER));
    let plain = "format = \"plain\"\nhash = \"sha256\"";
    reads(plain, &format!("{cactus}\n{flower}\n"));
    let odd = format!("\u{feff}# two flowers\r\n\r\n{}\r\n{flower}", cactus.to_uppercase());
    reads(plain, &odd);
    reads("format = \"tagged\"", &format!("sha256 {cactus}\nmd5 {}\n", sample::md5(FLOWER)));
    let columns = "columns = { sha256 = \"Digest\", label = \"Name\" }";
    let csv = format!("Name,Size,Digest\ncactus,1,{cactus}\n\"a, flower\",2,{flower}\n");
    reads(&format!("format = \"csv\"\n{columns}"), &csv);
    let hashdeep = format!(
        "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## comment\n{},{},{cactus},/a/cactus\n\
         {},{},{flower},/a/flower, with comma\n",
        CACTUS.len(),
        sample::md5(CACTUS),
        FLOWER.len(),
        sample::md5(FLOWER),
    );
    reads("format = \"hashdeep\"", &hashdeep);
    let md5sum =
        format!("{}  cactus.jpg\n{} *flower.jpg\n", sample::md5(CACTUS), sample::md5(FLOWER));
    reads("format = \"md5sum\"\nhash = \"md5\"", &md5sum);
}
