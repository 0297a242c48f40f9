//! `probe`, against stores whose ways are known: what it sends, how it ends that, and what it makes of
//! what it finds.

use std::collections::HashSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Process, Ran, s3bouncer_within};
use crate::support::{End, Ending, Keeper, Paper, Script, Seen, Store, until, until_within};

/// Bytes of the objects that the probe sends.
const PAYLOAD: usize = 256 * 1024;

/// How long a probe may take: some seconds of its own, and a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Hex digits of a signature.
const SIGNATURE: usize = 64;

/// The payload in an upload's body, and whether its framing has come to its end.
fn payload(seen: &Seen) -> (Vec<u8>, bool) {
    if seen.head.get("x-amz-decoded-content-length").is_none() {
        return (seen.body.clone(), seen.complete);
    }
    let (mut rest, mut payload) = (&seen.body[..], Vec::new());
    while let Some(line) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let digits = rest[..line].split(|&b| b == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(digits).ok().and_then(|d| usize::from_str_radix(d, 16).ok());
        rest = &rest[line + 2..];
        match size {
            Some(0) => return (payload, rest.ends_with(b"\r\n") && seen.complete),
            Some(size) => {
                payload.extend_from_slice(&rest[..size.min(rest.len())]);
                rest = rest.get(size + 2..).unwrap_or_default();
            }
            None => break,
        }
    }
    (payload, false)
}

/// Keeps what is whole.
fn careful(seen: &Seen) -> Option<Vec<u8>> {
    let (payload, ended) = payload(seen);
    let declared = seen.head.get("x-amz-decoded-content-length");
    let fits = declared.is_none_or(|length| length == payload.len().to_string());
    (ended && fits).then_some(payload)
}

/// Keeps what has as much payload as it said, however its framing ends. So does Ceph RGW 16.
fn content_with_payload(seen: &Seen) -> Option<Vec<u8>> {
    let (payload, _) = payload(seen);
    let declared =
        seen.head.get("x-amz-decoded-content-length").or(seen.head.get("content-length"));
    declared.is_some_and(|length| length == payload.len().to_string()).then_some(payload)
}

/// Keeps whatever has come of a plain upload. So did versitygw 1.8.
fn careless(seen: &Seen) -> Option<Vec<u8>> {
    let plain = seen.head.get("x-amz-decoded-content-length").is_none();
    if plain { Some(seen.body.clone()).filter(|b| !b.is_empty()) } else { careful(seen) }
}

/// The operator's files.
struct Operator(TempDir);

impl Operator {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        fs::write(directory.path().join("secret"), "secret\n").expect("a file can be written");
        Operator(directory)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        path.to_str().expect("a path that is text").to_owned()
    }

    fn arguments(&self, endpoint: &str, more: &[&str]) -> Vec<String> {
        let secret = self.0.path().join("secret").display().to_string();
        let fixed = ["probe", "--endpoint", endpoint, "--access-key", "key"];
        let fixed = fixed.into_iter().chain(["--secret-key-file", &secret]);
        fixed.chain(more.iter().copied()).map(str::to_owned).collect()
    }

    fn probe(&self, endpoint: &str, more: &[&str]) -> Ran {
        let arguments = self.arguments(endpoint, &[&["--timeout", "3s"], more].concat());
        s3bouncer_within(PATIENCE, arguments)
    }
}

/// The outcome of a case in a document.
#[track_caller]
fn case<'a>(document: &'a Value, name: &str) -> &'a Value {
    let cases = document["cases"].as_array().expect("cases");
    cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("no case {name}"))
}

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Fails unless these cases came to these objects.
#[track_caller]
fn expect_objects(document: &Value, expected: &[(&str, &str)]) {
    for (name, object) in expected {
        assert_eq!(case(document, name)["object"], *object, "{name}");
    }
}

/// Fails unless uploads were cut and ended as their names say.
#[track_caller]
fn expect_cuts(keeper: &Keeper, document: &Value) {
    for (cut, bytes) in
        [("payload-byte", PAYLOAD - 1), ("in-chunk", 160 * 1024), ("after-chunk", 64 * 1024)]
    {
        for (ending, end) in
            [("fin", Ending::Fin), ("rst", Ending::Rst), ("half-close", Ending::Fin)]
        {
            for framing in ["identity", "http-chunked"] {
                let name = format!("abort/{framing}/{cut}/{ending}");
                let seen = keeper.upload(&name);
                assert_eq!(seen.body.len(), bytes, "{name}");
                assert!(!seen.complete, "{name}");
                assert_eq!(keeper.store().end_of(seen.connection), End::By(end), "{name}");
                assert_eq!(case(document, &name)["object"], "none", "{name}");
            }
        }
    }
    // The bytes that are missing: signatures differ from run to run, their length does not.
    let trailer = "x-amz-checksum-crc32:01234567\r\n".len()
        + "x-amz-trailer-signature:\r\n\r\n".len()
        + SIGNATURE;
    let last_chunk = "0;chunk-signature=\r\n".len() + SIGNATURE + trailer;
    let fourth_chunk = "10000;chunk-signature=\r\n\r\n".len() + SIGNATURE + 64 * 1024;
    let whole = keeper.upload("complete/signed-trailer").body;
    for (cut, missing) in [
        ("last-byte", 1),
        ("last-crlf", 2),
        ("trailer", trailer),
        ("last-chunk", last_chunk),
        ("data-end", last_chunk + 2),
        ("payload-byte", last_chunk + 3),
        ("in-chunk", last_chunk + fourth_chunk + 2 + 32 * 1024),
        ("after-chunk", last_chunk + 3 * fourth_chunk),
    ] {
        let seen = keeper.upload(&format!("abort/signed-trailer/{cut}/rst"));
        assert_eq!(whole.len() - seen.body.len(), missing, "{cut}");
    }
}

#[test]
fn a_careful_store_needs_no_more_than_a_tail() {
    let keeper = Keeper::new(careful);
    let document = document(&Operator::new().probe(&keeper.endpoint(), &["--json"]).expect(0));
    expect_cuts(&keeper, &document);
    expect_removed(&keeper);
    assert_eq!(document["guard"], "auto", "{document:#}");
    let cases = document["cases"].as_array().expect("cases");
    for case in cases {
        let name = case["case"].as_str().expect("a name");
        let expected = match name.split('/').next().expect("a word") {
            "complete" => "whole",
            "abort" | "gap" | "part" | "declared-smaller" | "declared-larger" | "idle" => "none",
            "overwrite" | "if-none-match" => "old",
            _ => continue,
        };
        let expected = if name == "idle/connection" { &Value::Null } else { &json!(expected) };
        assert_eq!(&case["object"], expected, "{name}");
    }
    for (name, facts) in [
        ("complete/identity", json!({"status": 200, "bytes": PAYLOAD})),
        ("abort/identity/in-chunk/half-close", json!({"connection": "closed"})),
        ("if-none-match", json!({"status": 412, "code": "PreconditionFailed"})),
        ("other-host", json!({"status": 200})),
        ("expect/taken", json!({"status": 200, "continued": true, "object": "whole"})),
        // It reads the body that never comes, and so the next request for it.
        (
            "expect/refused",
            json!({"status": 403, "continued": false, "object": "none", "connection": "silent"}),
        ),
        (
            "early-answer",
            json!({"status": 403, "connection": "open", "next_status": 200, "object": "none"}),
        ),
    ] {
        for (fact, value) in facts.as_object().expect("facts") {
            assert_eq!(&case(&document, name)[fact], value, "{name}: {fact}");
        }
    }
    for name in ["idle/connection", "idle/body"] {
        let open = case(&document, name)["timing"]["open_after_s"].as_f64();
        assert!(open.is_some_and(|seconds| seconds >= 3.0), "{name}: {open:?}");
    }
}

#[test]
fn a_store_that_counts_payload_alone_needs_no_more_than_a_tail() {
    let keeper = Keeper::new(content_with_payload);
    let ran = Operator::new().probe(&keeper.endpoint(), &["--json"]).expect(0);
    let document = document(&ran);
    expect_objects(
        &document,
        &[
            ("complete/http-chunked", "none"),
            ("abort/signed-chunks/last-byte/fin", "whole"),
            ("abort/signed-chunks/last-chunk/rst", "whole"),
            ("abort/unsigned-trailer/data-end/half-close", "whole"),
            ("abort/unsigned-trailer-in-http/http-last-chunk/rst", "whole"),
            ("abort/signed-chunks/payload-byte/fin", "none"),
            ("abort/signed-trailer/in-chunk/rst", "none"),
            ("gap/signed-chunks/no-last-chunk", "whole"),
            ("gap/signed-chunks/only-two-chunks", "none"),
        ],
    );
    assert_eq!(document["guard"], "auto", "{document:#}");
    let reasons = document["reasons"].to_string();
    assert!(reasons.contains("holds back limits.hold_back"), "{reasons}");
}

/// A cut is a cut in both layers: no upload ends with TLS's farewell.
#[test]
fn a_store_over_tls_is_probed_as_the_configuration_reaches_it() {
    let operator = Operator::new();
    let paper = Paper::new();
    paper.write(operator.0.path(), "store");
    let keeper = Keeper::over_tls(careful, paper.shown());
    let port = keeper.store().address().port();
    let config = operator.file(
        "gate.toml",
        &format!(
            "[[upstream]]\nname = \"tls\"\nhosts = [\"tls\"]\ntls_ca = \"store.pem\"\n\
             endpoint = \"https://localhost:{port}\"\n[[upstream]]\n"
        ),
    );
    let secret = operator.0.path().join("secret").display().to_string();
    let arguments = ["probe", "--config", &config, "--upstream", "tls", "--access-key", "key"];
    let arguments = arguments.into_iter().chain(["--secret-key-file", &secret]);
    let ran = s3bouncer_within(PATIENCE, arguments.chain(["--timeout", "3s", "--json"])).expect(0);
    let document = document(&ran);
    assert_eq!(document["endpoint"], format!("https://localhost:{port}"));
    expect_objects(
        &document,
        &[
            ("complete/identity", "whole"),
            ("complete/unsigned-trailer-in-http", "whole"),
            ("abort/identity/payload-byte/fin", "none"),
            ("abort/identity/in-chunk/rst", "none"),
            ("abort/signed-chunks/last-byte/half-close", "none"),
        ],
    );
    assert_eq!(document["guard"], "auto", "{document:#}");
    for (case, end) in [("fin", Ending::Fin), ("rst", Ending::Rst)] {
        let upload = keeper.upload(&format!("abort/identity/in-chunk/{case}"));
        assert_eq!(keeper.store().end_of(upload.connection), End::By(end), "{case}");
    }
}

#[test]
fn a_store_that_keeps_what_it_has_needs_the_whole_guard_and_differs_from_a_careful_one() {
    let operator = Operator::new();
    let earlier = operator.probe(&Keeper::new(careful).endpoint(), &["--json"]).expect(0).out;
    let baseline = operator.file("baseline.json", &earlier);
    let keeper = Keeper::new(careless);
    let ran = operator.probe(&keeper.endpoint(), &["--baseline", &baseline]).expect(1);
    assert!(ran.out.contains("upstream.guard = \"whole\""), "{}", ran.out);
    for difference in [
        "differs: abort/identity/payload-byte/fin: object none -> short, bytes - -> 262143\n",
        "differs: abort/identity/in-chunk/rst: object none -> short, bytes - -> 163840\n",
        "differs: overwrite/identity: object old -> short",
        "differs: part/identity: object none -> short, bytes - -> 163840\n",
    ] {
        assert!(ran.err.contains(difference), "{difference} in\n{}", ran.err);
    }
    assert!(!ran.err.contains("signed-chunks"), "{}", ran.err);
}

/// Fails unless each key that was written was removed later, and each multipart upload.
#[track_caller]
fn expect_removed(keeper: &Keeper) {
    let requests = keeper.store().requests();
    let targets = |method: &str| -> HashSet<String> {
        let of = requests.iter().filter(|seen| seen.method() == method);
        of.map(|seen| seen.target().replace("partNumber=1&", "")).collect()
    };
    let (written, removed) = (targets("PUT"), targets("DELETE"));
    // How far the probe got before it was interrupted depends on the machine.
    assert!(!written.is_empty() && written.iter().all(|t| t.contains("/s3bouncer-probe-")));
    let left: Vec<_> = written.difference(&removed).collect();
    assert!(left.is_empty(), "{left:?}");
    let last_write = requests.iter().rposition(|seen| seen.method() == "PUT");
    let first_removal = requests.iter().position(|seen| seen.method() == "DELETE");
    assert!(last_write < first_removal, "{last_write:?} {first_removal:?}");
}

#[test]
fn an_interrupted_probe_removes_what_it_wrote() {
    let keeper = Keeper::new(careful);
    let operator = Operator::new();
    let arguments = operator.arguments(&keeper.endpoint(), &["--timeout", "10m"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3bouncer"));
    command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process(command.spawn().expect("the program runs"));
    until("an upload that stands still", || {
        let still = |seen: &Seen| seen.target().ends_with("-idle-body") && seen.bytes > 0;
        keeper.store().last(|seen| still(seen).then_some(()))
    });
    let pid = process.0.id().to_string();
    let status = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
    assert!(status.success());
    let status =
        until_within(PATIENCE, "the probe's end", || process.0.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(1));
    expect_removed(&keeper);
}

#[test]
fn a_store_that_cannot_be_used_is_told() {
    let operator = Operator::new();
    let refusing = Store::always(Script::refuses());
    let no_uploads = Store::scripted(|seen| match seen.method() {
        "HEAD" => Script::ok(),
        _ => Script::refuses(),
    });
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.local_addr().expect("an address").to_string()
    };
    for (address, error) in [
        (refusing.address().to_string(), "the store refuses to show bucket s3bouncer-probe: 403"),
        (
            no_uploads.address().to_string(),
            "the store takes no plain upload: 403 SignatureDoesNotMatch",
        ),
        (nobody, "refused"),
    ] {
        let ran = operator.probe(&format!("http://{address}"), &[]).expect(1);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains(error), "{error} in {}", ran.err);
    }
}

#[cfg(feature = "demo")]
#[test]
fn the_demos_store_is_probed() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let folder = directory.path().to_owned();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move {
        s3bouncer::cli::demo::store::serve(listener, &folder, "key", "secret", None).await
    });
    let document = document(&Operator::new().probe(&endpoint, &["--json"]).expect(0));
    expect_objects(
        &document,
        &[
            ("complete/identity", "whole"),
            ("complete/http-chunked", "none"),
            ("complete/signed-chunks", "whole"),
            ("complete/signed-trailer", "whole"),
            ("complete/unsigned-trailer-in-http", "whole"),
            ("abort/identity/payload-byte/fin", "none"),
            ("abort/signed-chunks/last-chunk/rst", "none"),
            ("overwrite/signed-chunks", "old"),
            ("part/identity", "none"),
            // Why it is no oracle for odd uploads.
            ("gap/signed-chunks/only-two-chunks", "short"),
        ],
    );
    assert_eq!(document["guard"], "auto", "{document:#}");
    let buckets = fs::read_dir(directory.path()).expect("a directory").flatten();
    let buckets: Vec<_> = buckets.map(|entry| entry.file_name()).collect();
    assert!(!buckets.iter().any(|name| name == "s3bouncer-probe"), "{buckets:?}");
}
