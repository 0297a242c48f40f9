//! Stores over HTTPS, several stores, and stores that come and go (invariants 1, 2 and 3 hold there
//! too).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::program::s3bouncer;
use crate::support::script::answer;
use crate::support::{
    End, Ending, Framing, Gate, List, Paper, Request, Script, Seen, Setup, Store, sample, setup,
    until,
};

fn endpoint(store: &Store) -> String {
    format!("endpoint = \"https://localhost:{}\"", store.address().port())
}

/// A gate before a store over TLS, which it trusts by `store.pem`.
fn before(store: &Store, trusted: &Paper) -> Setup {
    let setup = Setup::before_others()
        .small_limits()
        .set("upstream", &endpoint(store))
        .set("upstream", "tls_ca = \"store.pem\"");
    trusted.write(&setup.directory(), "store");
    setup
}

#[test]
fn uploads_reach_a_store_over_https_as_they_were_sent() {
    let paper = Paper::new();
    let store = Store::over_tls(paper.shown(), |_| Script::ok());
    let gate = before(&store, &paper).list(List::blocking(&[sample::CACTUS])).start();
    let mut sent = 0;
    for framing in Framing::ALL {
        for size in [0, 1, 4000, 400_000] {
            let request = Request::framed("/b/k%20%2f", framing, &sample::noise(1, size));
            assert_eq!(gate.exchange(&request).status(), 200, "{framing:?} {size}");
            sent += 1;
            let seen = store.objects();
            assert_eq!(seen.len(), sent);
            let seen = &seen[sent - 1];
            assert_eq!(seen.target(), request.target);
            assert!(seen.body == request.body, "{framing:?} {size}: {} bytes", seen.bytes);
            assert_eq!(seen.head.get("host"), Some("s3.example.org"));
        }
        let listed = Request::framed("/b/k", framing, sample::CACTUS);
        gate.exchange(&listed).expect_error(403, "AccessDenied");
    }
    assert_eq!(gate.exchange(&Request::get("/b/k")).status(), 200);
    assert_eq!(store.objects().len(), sent);
    gate.stop();
}

/// Neither TLS nor TCP may end in order: whatever the store takes for the end, it has not come.
#[test]
fn a_refused_body_ends_in_a_reset_over_https_too() {
    let listed = sample::noise(2, 900_000);
    for framing in Framing::ALL {
        let paper = Paper::new();
        let store = Store::over_tls(paper.shown(), |_| Script::ok());
        let gate = before(&store, &paper).list(List::blocking(&[&listed])).start();
        let answer = gate.exchange(&Request::framed("/b/k", framing, &listed));
        answer.expect_error(403, "AccessDenied");
        let torso = |seen: &Seen| (seen.bytes > 0).then_some((seen.connection, seen.bytes));
        let (connection, bytes) = store.last(torso).expect("it streamed");
        assert_eq!(store.end_of(connection), End::By(Ending::Rst), "{framing:?}");
        assert!(bytes < listed.len() as u64 && store.objects().is_empty(), "{framing:?}");
    }
}

#[test]
fn a_client_that_vanishes_leaves_no_object_over_https_either() {
    for size in [4000, 400_000] {
        let paper = Paper::new();
        let store = Store::over_tls(paper.shown(), |_| Script::ok());
        let gate = before(&store, &paper).start();
        let request = Request::put("/b/k", &sample::noise(1, size));
        let mut client = gate.client();
        client.send(&request.head());
        client.send(&request.body_on_wire()[..size - 1]);
        drop(client);
        gate.records(1);
        if let Some(connection) = store.last(|seen| Some(seen.connection)) {
            assert_eq!(store.end_of(connection), End::By(Ending::Rst));
        }
        assert!(store.objects().is_empty());
    }
}

#[test]
fn a_store_that_can_not_prove_who_it_is_gets_nothing() {
    let paper = Paper::new();
    let store = Store::over_tls(paper.shown(), |_| Script::ok());
    let gate = before(&store, &Paper::new()).start();
    for request in [Request::put("/b/k", b"x"), Request::get("/b/k")] {
        gate.exchange(&request).expect_error(503, "ServiceUnavailable");
    }
    assert!(store.requests().is_empty());
    let failures = "s3bouncer_upstream_connect_failures_total{upstream=\"localhost\"}";
    assert!(gate.metric(failures).is_some_and(|failures| failures >= 2.0));
    // Nor does one whose name is another.
    let elsewhere = format!("https://127.0.0.1:{}", store.address().port());
    let setup = Setup::before_others()
        .set("upstream", &format!("endpoint = \"{elsewhere}\""))
        .set("upstream", "tls_ca = \"store.pem\"");
    paper.write(&setup.directory(), "store");
    setup.start().exchange(&Request::get("/b/k")).expect_error(503, "ServiceUnavailable");
}

#[test]
fn a_store_may_ask_for_a_certificate() {
    let (paper, ours) = (Paper::new(), Paper::new());
    let store = Store::over_tls(paper.shown_to(&ours), |_| Script::ok());
    let gate = before(&store, &paper).start();
    gate.exchange(&Request::put("/b/k", b"x")).expect_error(503, "ServiceUnavailable");
    let setup = before(&store, &paper)
        .set("upstream", "tls_certificate = \"gate.pem\"")
        .set("upstream", "tls_key = \"gate.key\"")
        .set("upstream", "tls_min_version = \"1.3\"");
    ours.write(&setup.directory(), "gate");
    let gate = setup.start();
    assert_eq!(gate.exchange(&Request::put("/b/k", b"x")).status(), 200);
    assert_eq!(store.objects().len(), 1);
}

/// A copy's source is read where the copy goes, with the gate's own key, over the same TLS.
#[test]
fn copies_are_read_back_from_the_store_of_the_request() {
    let (paper, ours) = (Paper::new(), Paper::new());
    let store = Store::over_tls(paper.shown_to(&ours), |seen| match seen.method() {
        "GET" => Script::replies(answer("200 OK", &[("ETag", "\"e\"")], sample::CACTUS)),
        _ => Script::ok(),
    });
    let other = Store::ok();
    let table = |name: &str, more: &str| {
        format!(
            "[[upstream]]\nname = \"{name}\"\n{more}\naccess_key = \"GATE\"\n\
             secret_key_file = \"secret\"\n"
        )
    };
    let tls = "tls_ca = \"store.pem\"\ntls_certificate = \"gate.pem\"\ntls_key = \"gate.key\"";
    let of_tls = format!("hosts = [\"tls.example.org\"]\n{}\n{tls}", endpoint(&store));
    let setup = Setup::before_others()
        .list(List::blocking(&[sample::CACTUS]))
        .tables(&table("tls", &of_tls))
        .tables(&table("plain", &format!("endpoint = \"http://{}\"", other.address())))
        .tables("[[bucket]]\nmode = \"enforce\"\ncopies = \"read-back\"\n");
    paper.write(&setup.directory(), "store");
    ours.write(&setup.directory(), "gate");
    std::fs::write(setup.directory().join("secret"), "made-up").expect("a file can be written");
    let gate = setup.start();
    let copy = Request::new("PUT", "/b/k").with("x-amz-copy-source", "/b/source");
    let copy = copy.with("Content-Length", "0");
    let answer = gate.exchange(&copy.clone().replacing("Host", "tls.example.org"));
    answer.expect_error(403, "AccessDenied");
    let read = store.last(|seen| (seen.method() == "GET").then(|| seen.clone()));
    let read = read.expect("it was read back");
    assert_eq!(read.target(), "/b/source");
    assert!(read.head.get("authorization").is_some_and(|by| by.contains("Credential=GATE/")));
    assert!(store.objects().is_empty() && other.requests().is_empty());
}

fn names(store: &Store) -> Vec<String> {
    store.requests().iter().map(|seen| seen.target().to_owned()).collect()
}

#[test]
fn requests_go_to_the_store_of_their_host_and_bucket() {
    let stores = [Store::ok(), Store::ok(), Store::ok()];
    let table = |name: &str, store: &Store, of: &str| {
        let address = store.address();
        format!("[[upstream]]\nname = \"{name}\"\nendpoint = \"http://{address}\"\n{of}\n")
    };
    let gate = Setup::before_others()
        .list(List::blocking(&[sample::CACTUS]))
        .tables(&table("eu", &stores[0], "hosts = [\"*.eu.example.org\"]"))
        .tables(&table("raw", &stores[1], "buckets = [\"raw-*\"]"))
        .tables(&table("all", &stores[2], ""))
        .start();
    let mut expected = [const { Vec::new() }; 3];
    for (host, target, store) in [
        ("s3.eu.example.org", "/b/1", 0),
        ("S3.EU.example.org:9000", "/raw-1/2", 0),
        ("s3.example.org", "/raw-1/3", 1),
        ("s3.example.org", "/b/4", 2),
        ("eu.example.org", "/b/raw-5", 2),
        ("s3.example.org", "/", 2),
    ] {
        for request in [Request::get(target), Request::put(target, b"x")] {
            if (&*request.method, target) == ("PUT", "/") {
                continue;
            }
            let answer = gate.exchange(&request.replacing("Host", host));
            assert_eq!(answer.status(), 200, "{host} {target}: {}", answer.text());
            expected[store].push(target.to_owned());
        }
        if target != "/" {
            let listed = Request::put(target, sample::CACTUS).replacing("Host", host);
            gate.exchange(&listed).expect_error(403, "AccessDenied");
        }
    }
    for (store, expected) in stores.iter().zip(&expected) {
        let seen: Vec<String> = store
            .requests()
            .iter()
            .filter(|seen| seen.head.get("expect").is_none())
            .map(|seen| seen.target().to_owned())
            .collect();
        assert_eq!(seen, *expected);
    }
    // A path that could name two buckets names no store: nobody gets it.
    let before: Vec<_> = stores.iter().map(names).collect();
    let odd = Request::put("/b/../raw-1/k", b"x");
    assert_eq!(gate.exchange(&odd).status(), 400);
    assert_eq!(stores.iter().map(names).collect::<Vec<_>>(), before);
    let status = gate.admin(&Request::get("/status")).text();
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["upstreams"][1]["name"], "raw");
    assert_eq!(status["upstreams"][1]["addresses"][0]["state"], "up");
    assert_eq!(status["upstreams"][1]["addresses"][0]["address"], stores[1].address().to_string());
}

fn addresses(gate: &Gate, state: &str) -> Option<f64> {
    let labels = format!("upstream=\"127.0.0.1\",state=\"{state}\"");
    gate.metric(&format!("s3bouncer_upstream_addresses{{{labels}}}"))
}

#[test]
fn a_store_that_was_down_is_used_again_when_it_is_back() {
    let address = setup::free_address();
    let gate = Setup::before_address(address).start();
    let put = Request::put("/b/k", b"x");
    gate.exchange(&put).expect_error(503, "ServiceUnavailable");
    until("the address aside", || (addresses(&gate, "aside") == Some(1.0)).then_some(()));
    let store = Store::at(address);
    // It is found without any request.
    until("the address up", || (addresses(&gate, "up") == Some(1.0)).then_some(()));
    assert_eq!(gate.exchange(&put).status(), 200);
    assert_eq!(store.objects().len(), 1);
}

#[test]
fn a_reload_keeps_the_connections_of_a_store_that_is_reached_as_before() {
    let (store, other) = (Store::ok(), Store::ok());
    let gate = Setup::before(&store).start();
    assert_eq!(gate.exchange(&Request::get("/b/1")).status(), 200);
    let rewrite = |change: &dyn Fn(String) -> String| {
        let text = std::fs::read_to_string(gate.config()).expect("a configuration");
        std::fs::write(gate.config(), change(text)).expect("a file can be written");
        gate.ctl(&["reload"]).expect(0);
    };
    let more = |text: String| text.replace("[upstream]", "[upstream]\nresponse_timeout = \"5s\"");
    rewrite(&more);
    assert_eq!(gate.exchange(&Request::get("/b/2")).status(), 200);
    assert_eq!(store.connections(), 1, "the connection was kept");
    let (old, new) = (store.address().to_string(), other.address().to_string());
    rewrite(&|text| text.replace(&old, &new));
    assert_eq!(gate.exchange(&Request::get("/b/3")).status(), 200);
    assert_eq!(
        (names(&store), names(&other)),
        (vec!["/b/1".into(), "/b/2".into()], vec!["/b/3".into()])
    );
}

/// The clients of a gate that signs anew, as the file names them.
const CLIENTS: &str = "[[client]]\naccess_key = \"CLIENT\"\nsecret = \"made-up-1\"\nidentity = \"i\"\n\
                       [[identity]]\nname = \"i\"\naccess_key = \"STORE\"\nsecret = \"made-up-2\"\n";

/// Writes a file under another name and moves it into place.
fn replace(path: &Path, text: &str, mode: u32) {
    let staged = path.with_extension("new");
    std::fs::write(&staged, text).expect("a file can be written");
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&staged, mode).expect("a file has permissions");
    std::fs::rename(&staged, path).expect("a file can be moved");
}

#[test]
fn credentials_are_read_when_they_change_and_a_bad_file_leaves_the_old_ones() {
    let store = Store::ok();
    let setup = Setup::before(&store)
        .set("upstream", "signing = \"resign\"")
        .set("upstream", "credentials = \"clients.toml\"");
    let file = setup.directory().join("clients.toml");
    replace(&file, CLIENTS, 0o600);
    let gate = setup.start();
    let log = || std::fs::read_to_string(gate.directory().join("log.txt")).expect("a log");
    let succeeded = "s3bouncer_config_last_reload_successful";
    let check = |status: i32| {
        let config = gate.config().to_str().expect("a path that is text");
        s3bouncer(["check", "--config", config]).expect(status).err
    };
    check(0);
    assert_eq!(gate.metric(succeeded), Some(1.0));
    replace(&file, &CLIENTS.replace("\"i\"\n[", "\"j\"\n["), 0o600);
    gate.await_metric(succeeded, 0.0);
    assert!(check(64).contains("clients.toml: line 4: client.identity: no [[identity]]"));
    replace(&file, CLIENTS, 0o644);
    until("the other fault", || log().contains("others can read").then_some(()));
    assert_eq!(gate.metric(succeeded), Some(0.0));
    assert!(check(64).contains("upstream.credentials: "));
    replace(&file, CLIENTS, 0o600);
    gate.await_metric(succeeded, 1.0);
    assert_eq!(log().matches("the credentials can't be taken").count(), 2, "once for each change");
    replace(&file, "nonsense", 0o600);
    gate.await_metric(succeeded, 0.0);
    gate.ctl(&["reload"]).expect(1);
    replace(&file, CLIENTS, 0o600);
    gate.await_metric(succeeded, 0.0);
    gate.ctl(&["reload"]).expect(0);
    gate.await_metric(succeeded, 1.0);
    assert!(!log().contains("made-up"));
}

#[test]
fn tls_that_can_not_be_read_is_told_and_the_old_one_serves() {
    let paper = Paper::new();
    let store = Store::over_tls(paper.shown(), |_| Script::ok());
    let gate = before(&store, &paper).start();
    assert_eq!(gate.exchange(&Request::get("/b/1")).status(), 200);
    std::fs::write(gate.directory().join("store.pem"), "nonsense").expect("a file can be written");
    let config = gate.config().to_str().expect("a path that is text");
    let told = s3bouncer(["check", "--config", config]).expect(64);
    assert!(
        told.err.contains("upstream.tls_ca: ") && told.err.contains("store.pem"),
        "{}",
        told.err
    );
    let told = gate.ctl(&["reload"]).expect(1);
    assert!(format!("{}{}", told.out, told.err).contains("store.pem"));
    gate.await_metric("s3bouncer_config_last_reload_successful", 0.0);
    assert_eq!(gate.exchange(&Request::get("/b/2")).status(), 200);
    paper.write(gate.directory(), "store");
    gate.ctl(&["reload"]).expect(0);
    assert_eq!(gate.exchange(&Request::get("/b/3")).status(), 200);
    assert_eq!(store.connections(), 1);
}
