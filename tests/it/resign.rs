//! A gate that knows its clients' secrets: it verifies who sends a request, signs it anew for the store,
//! and turns away what proves nothing, before anything of it reaches the store whole.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::SystemTime;

use base64::Engine as _;
use http::HeaderMap;
use s3bouncer::framing::ChunkedPlan;
use s3bouncer::s3::auth::{Claims, Credentials, KeyRing, Payload, Proof, Secret};
use s3bouncer::s3::sealed::{Outgoing, SEALED_CHUNK_MAX, Sealed};
use s3bouncer::s3::sigv4::{Scope, SigningKey, Stamp};
use s3bouncer::s3::{self, BodyPlan};

use crate::support::signer::{Keys, header_map, minutes_ago};
use crate::support::{Answer, Framing, Gate, Request, Script, Seen, Setup, Step, Store, sample};

const CLIENT: Keys = Keys { access: "CLIENTKEY", secret: "a-made-up-client-secret" };
const OTHER: Keys = Keys { access: "OTHERKEY", secret: "another-made-up-secret" };
const STORE: Keys = Keys { access: "STOREKEY", secret: "a-made-up-store-secret" };
const STRANGER: Keys = Keys { access: "STRANGER", secret: "nobody-knows-it" };

/// What the gate is told of its clients. `OTHER` may go to one bucket, and has a session token.
fn credentials() -> String {
    format!(
        "[[client]]\naccess_key = {:?}\nsecret = {:?}\nidentity = \"store\"\n\
         [[client]]\naccess_key = {:?}\nsecret = {:?}\nsession_token = \"a-token\"\n\
         identity = \"store\"\nbuckets = [\"mine\"]\n\
         [[identity]]\nname = \"store\"\naccess_key = {:?}\nsecret = {:?}\n\
         session_token = \"the-stores-token\"\n",
        CLIENT.access, CLIENT.secret, OTHER.access, OTHER.secret, STORE.access, STORE.secret
    )
}

fn setup(store: &Store) -> Setup {
    let setup = Setup::refusing(store, &[sample::CACTUS]).small_limits();
    let path = setup.directory().join("credentials.toml");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().expect("the file can be made");
    file.write_all(credentials().as_bytes()).expect("it can be written");
    setup
        .set("upstream", "signing = \"resign\"")
        .set("upstream", "credentials = \"credentials.toml\"")
        .set("upstream", "region = \"eu-west-9\"")
}

fn gate(store: &Store) -> Gate {
    setup(store).start()
}

/// Verifies what the store saw with the keys that the store has, and takes its chunks apart.
#[track_caller]
fn as_the_store_reads_it(seen: &Seen) -> (Proof, Vec<u8>) {
    let fields = seen.head.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: HeaderMap = header_map(fields);
    let (path, query) = match seen.target().split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (seen.target(), None),
    };
    let method = seen.method();
    let head = s3::Head { method, path, query, headers: &headers, origin_form: true };
    let request = s3::classify(&head).expect("a request that is clear");
    let claims = Claims::of(&head, &request).expect("a signature").expect("it is signed");
    let credentials = Credentials {
        access_key: STORE.access.to_owned(),
        secret: Secret::new(STORE.secret),
        session_token: Some("the-stores-token".to_owned()),
    };
    let ring = KeyRing::new(1);
    let now = SystemTime::now();
    let proof = claims.verify(&head, &credentials, Some("eu-west-9"), now, &ring).expect("proof");
    let mut body = Vec::new();
    match (&proof.chunks, request.body) {
        (Some(seed), BodyPlan::AwsChunked { plan, .. }) => {
            let mut sealed = Sealed::new(plan, seed.chain(), Outgoing::Decoded, SEALED_CHUNK_MAX);
            let mut take = |piece: bytes::Bytes| body.extend_from_slice(&piece);
            sealed.push(seen.body.clone().into(), &mut take).expect("chunks that are signed");
            sealed.finish(&mut take).expect("a whole body");
        }
        (None, BodyPlan::AwsChunked { plan, .. }) => {
            body = payload_of(plan, &seen.body);
        }
        (_, BodyPlan::Identity { .. }) => body.clone_from(&seen.body),
    }
    (proof, body)
}

fn payload_of(plan: ChunkedPlan, framed: &[u8]) -> Vec<u8> {
    let (mut decoder, mut payload, mut at) =
        (s3bouncer::framing::AwsChunked::new(plan), Vec::new(), 0);
    let decoded = decoder.push(framed, &mut |span| {
        if let s3bouncer::framing::Span::Payload { len, .. } = span {
            payload.extend_from_slice(&framed[at..at + len]);
        }
        at += span.len();
    });
    decoded.and_then(|()| decoder.finish()).expect("a framed body");
    payload
}

#[test]
fn what_a_client_signs_reaches_the_store_signed_by_the_gate() {
    let store = Store::ok();
    let gate = gate(&store);
    for framing in Framing::ALL {
        for size in [0, 4000, 300_000] {
            for expects in [false, true] {
                let payload = sample::noise(1, size);
                let request = CLIENT.put("/b/a%20key//%2F", framing, &payload);
                let request = if expects { request.expecting() } else { request };
                let number = store.requests().len();
                assert_eq!(gate.exchange(&request).status(), 200, "{framing:?} {size}");
                let seen = store.complete(number);
                assert_eq!(seen.head.get("host"), Some(&*store.address().to_string()));
                // The same key in the one spelling that every store verifies alike.
                assert_eq!(seen.target().split('?').next(), Some("/b/a%20key///"));
                let (proof, body) = as_the_store_reads_it(&seen);
                assert!(body == payload, "{framing:?} {size}");
                let signed = matches!(proof.payload, Payload::SignedChunks { .. });
                assert_eq!(signed, framing.token().contains("HMAC"), "{framing:?}");
                assert_eq!(seen.body.len(), request.body.len(), "framing keeps its length");
            }
        }
    }
    let ended = gate.stop();
    assert_eq!(ended.records.len(), store.requests().len());
    assert!(ended.records.iter().all(|record| record["verdict"] == "allow"));
}

#[test]
fn reads_are_signed_anew_too() {
    let store = Store::ok();
    let gate = gate(&store);
    for (method, target) in
        [("GET", "/b/k?versionId=1"), ("HEAD", "/b/k"), ("GET", "/?x-id=List"), ("DELETE", "/b/k")]
    {
        let empty = sample::sha256(b"");
        let (request, _) = CLIENT.sign(Request::new(method, target), &empty);
        let number = store.requests().len();
        gate.exchange(&request);
        let seen = store.request(number);
        assert_eq!((seen.method(), seen.target()), (method, target));
        as_the_store_reads_it(&seen);
    }
    let request = CLIENT.presigned(Request::get("/b/k?response-content-type=text%2Fplain"), 60);
    assert_eq!(gate.exchange(&request).status(), 200);
    let seen = store.request(4);
    assert!(seen.target().starts_with("/b/k?response-content-type=text%2Fplain&"));
    as_the_store_reads_it(&seen);
}

/// Nothing of the request makes an object, its answer is S3's, and the record blames the signature.
#[track_caller]
fn expect_turned_away(
    gate: &Gate,
    store: &Store,
    what: &str,
    request: &Request,
    (status, code): (u16, &str),
) -> Answer {
    let objects = store.objects().len();
    let answer = gate.exchange(request);
    assert_eq!(
        (answer.status(), answer.element("Code").as_deref()),
        (status, Some(code)),
        "{what}"
    );
    assert_eq!(store.objects().len(), objects, "{what}");
    for secret in [CLIENT.secret, STORE.secret, "the-stores-token", STORE.access] {
        assert!(!answer.text().contains(secret), "{what}");
    }
    answer
}

#[test]
fn whatever_is_changed_behind_a_signature_is_noticed() {
    const MISMATCH: (u16, &str) = (403, "SignatureDoesNotMatch");
    let store = Store::ok();
    let gate = setup(&store).set("audit", "passes = \"full\"").start();
    let payload = sample::noise(1, 200_000);
    let put = |framing| CLIENT.put("/b/k", framing, &payload);
    let flipped = |request: Request, at: usize| {
        let mut body = request.body.clone();
        // Another digit: a signature stays one.
        body[at] = if body[at] == b'0' { b'1' } else { b'0' };
        request.with_body(body)
    };
    let plain = || put(Framing::Plain);
    let target = |target: &str| plain().to(target);
    for (what, request, expected) in [
        ("another key", target("/b/other"), MISMATCH),
        ("a query", target("/b/k?tagging"), MISMATCH),
        ("another method", plain().by("POST"), MISMATCH),
        (
            "another payload",
            plain().replacing("x-amz-content-sha256", &sample::sha256(b"")),
            MISMATCH,
        ),
        ("another host", plain().replacing("Host", "elsewhere.example.org"), MISMATCH),
        ("one more header", plain().with("x-amz-acl", "public-read"), (403, "AccessDenied")),
        ("one header less", plain().without("x-amz-content-sha256"), (400, "InvalidRequest")),
        ("another body", flipped(plain(), 100_000), (400, "XAmzContentSHA256Mismatch")),
        (
            "another body, small",
            { flipped(CLIENT.put("/b/k", Framing::Plain, b"small"), 2) },
            (400, "XAmzContentSHA256Mismatch"),
        ),
        (
            "a body where none was signed",
            {
                let (request, _) = CLIENT.sign(Request::put("/b/k", b""), &sample::sha256(b""));
                request.carrying(b"x".to_vec())
            },
            (400, "XAmzContentSHA256Mismatch"),
        ),
        (
            "no body where one was signed",
            plain().carrying(vec![]),
            (400, "XAmzContentSHA256Mismatch"),
        ),
        ("a chunk's data", flipped(put(Framing::Signed), 100_000), MISMATCH),
        ("the first chunk's signature", flipped(put(Framing::Signed), 30), MISMATCH),
        (
            "the last chunk's signature",
            {
                let request = put(Framing::Signed);
                let end = request.body.len();
                flipped(request, end - 6)
            },
            MISMATCH,
        ),
        (
            "a trailer",
            {
                let request = put(Framing::SignedTrailer);
                let at =
                    request.body.windows(6).rposition(|six| six == b"crc32:").expect("a trailer");
                flipped(request, at + 8)
            },
            MISMATCH,
        ),
        (
            "the trailer's signature",
            {
                let request = put(Framing::SignedTrailer);
                let end = request.body.len();
                flipped(request, end - 10)
            },
            MISMATCH,
        ),
        (
            "a presigned query",
            {
                let request = put(Framing::Presigned);
                request.clone().to(&request.target.replace("/b/k?", "/b/k?acl&"))
            },
            MISMATCH,
        ),
    ] {
        expect_turned_away(&gate, &store, what, &request, expected);
    }
    let records = gate.stop().records;
    assert!(records.iter().all(|record| record["verdict"] != "deny"));
    let noticed = records.iter().filter(|record| record["auth"] == "rejected").count();
    assert!(noticed >= 12, "{noticed}");
}

#[test]
fn who_is_unknown_late_or_unsigned_is_turned_away() {
    let store = Store::ok();
    let gate = gate(&store);
    let empty = sample::sha256(b"");
    let get = || Request::get("/b/k");
    let anonymous = || get().without("Authorization");
    for (what, request, expected) in [
        ("a stranger", STRANGER.sign(get(), &empty).0, (403, "InvalidAccessKeyId")),
        (
            "another secret",
            { Keys { secret: "wrong", ..CLIENT }.sign(get(), &empty).0 },
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "a slow clock",
            { CLIENT.sign_at(minutes_ago(16), get(), &empty).0 },
            (403, "RequestTimeTooSkewed"),
        ),
        ("an old query", { CLIENT.presigned_at(minutes_ago(2), get(), 60) }, (403, "AccessDenied")),
        ("nobody", anonymous(), (403, "AccessDenied")),
        (
            "nobody with a body",
            { Request::put("/b/k", b"x").without("Authorization") },
            (403, "AccessDenied"),
        ),
        ("no token", OTHER.sign(Request::get("/mine/k"), &empty).0, (400, "InvalidToken")),
        (
            "SigV4A",
            {
                anonymous().with(
                    "Authorization",
                    "AWS4-ECDSA-P256-SHA256 Credential=A/20260101/s3/aws4_request, \
                SignedHeaders=host, Signature=00",
                )
            },
            (501, "NotImplemented"),
        ),
    ] {
        let answer = expect_turned_away(&gate, &store, what, &request, expected);
        assert!(answer.head.get("date").is_some_and(|date| date.ends_with(" GMT")), "{what}");
    }
    assert!(store.requests().is_empty(), "nothing reaches the store");
    // A clock that is off by less is taken, and a body that nobody wants any more is not waited for.
    let (request, _) = CLIENT.sign_at(minutes_ago(14), get(), &empty);
    assert_eq!(gate.exchange(&request).status(), 200);
    let (preflight, _) = (anonymous().by("OPTIONS").with("Origin", "https://example.org"), ());
    assert_eq!(gate.exchange(&preflight).status(), 200, "browsers ask without credentials");
    assert_eq!(store.request(1).head.get("authorization"), None);
}

#[test]
fn a_client_goes_where_it_may() {
    let store = Store::ok();
    let gate = gate(&store);
    let ask = |method: &str, target: &str, copies: Option<&str>| {
        let request = Request::new(method, target).with("x-amz-security-token", "a-token");
        let request = copies.into_iter().fold(request, |request, source| {
            request.with("x-amz-copy-source", source).carrying(vec![])
        });
        let (request, _) = OTHER.sign(request, &sample::sha256(b""));
        gate.exchange(&request).status()
    };
    assert_eq!(ask("GET", "/mine/k", None), 200);
    assert_eq!(ask("PUT", "/mine/k", Some("/mine/other")), 200);
    for (method, target, copies) in [
        ("GET", "/b/k", None),
        ("GET", "/", None),
        ("GET", "//mine/k", None),
        ("DELETE", "/b/k", None),
        ("DELETE", "/b%2Fmine/k", None),
        ("GET", "/mine/../b/k", None),
        ("PUT", "/b/k", Some("/mine/k")),
        ("PUT", "/mine/k", Some("/b/k")),
        ("PUT", "/mine/../b/k", Some("/mine/k")),
    ] {
        assert!(matches!(ask(method, target, copies), 400 | 403), "{method} {target} {copies:?}");
    }
    let dialect = Request::new("PUT", "/mine/k").with("x-oss-copy-source", "/b/k");
    let dialect = dialect.with("x-amz-security-token", "a-token").carrying(vec![]);
    let (dialect, _) = OTHER.sign(dialect, &sample::sha256(b""));
    assert!(matches!(gate.exchange(&dialect).status(), 400 | 403), "a copy in another dialect");
    assert_eq!(store.requests().len(), 2);
    for seen in store.requests() {
        assert_eq!(seen.head.get("x-amz-security-token"), Some("the-stores-token"));
    }
}

#[test]
fn a_listed_body_is_denied_whoever_signs_it_and_the_store_need_not_be_asked() {
    let store = Store::ok();
    let gate = gate(&store);
    for framing in Framing::ALL {
        let request = CLIENT.put("/b/k", framing, sample::CACTUS);
        gate.exchange(&request).expect_error(403, "AccessDenied");
    }
    assert!(store.requests().is_empty());
    let ended = gate.stop();
    assert_eq!(ended.denials.len(), Framing::ALL.len());
    for record in &ended.denials {
        assert_eq!(
            (&record["auth"], &record["access_key"]),
            (&"accepted".into(), &CLIENT.access.into())
        );
    }
}

/// What the gate has verified, no silence of the store makes unverified.
#[test]
fn a_store_that_says_nothing_leaves_a_client_known() {
    let store = Store::always(Script::steps([Step::ReadBody]));
    let gate = gate(&store);
    let request = CLIENT.put("/b/k", Framing::Plain, sample::CACTUS).expecting();
    gate.exchange(&request).expect_error(403, "AccessDenied");
    assert_eq!(gate.stop().denials[0]["auth"], "accepted");
}

/// For stores that take no signed chunks.
#[test]
fn signed_chunks_can_be_sent_as_what_they_hold() {
    let store = Store::ok();
    let gate = setup(&store).set("upstream", "signed_chunks = \"decode\"").start();
    for framing in [
        Framing::Signed,
        Framing::SignedChunks,
        Framing::SignedTrailer,
        Framing::SignedTrailerChunks,
    ] {
        for size in [0, 4000, 300_000] {
            let payload = sample::noise(2, size);
            let number = store.requests().len();
            let request = CLIENT.put("/b/k", framing, &payload);
            assert_eq!(gate.exchange(&request).status(), 200, "{framing:?} {size}");
            let seen = store.complete(number);
            assert!(seen.body == payload, "{framing:?} {size}");
            assert_eq!(seen.head.get("content-length"), Some(&*size.to_string()));
            for gone in [
                "content-encoding",
                "x-amz-decoded-content-length",
                "x-amz-trailer",
                "transfer-encoding",
            ] {
                assert_eq!(seen.head.get(gone), None, "{framing:?}");
            }
            assert_eq!(as_the_store_reads_it(&seen).0.payload, Payload::Unsigned);
        }
    }
}

/// A form with a policy that the client has signed, and fields behind its file.
fn form(file: &[u8], behind: &[(&str, &str)], change: impl Fn(&str) -> String) -> Request {
    let stamp = Stamp::of(SystemTime::now());
    let scope = Scope { stamp: stamp.clone(), region: "us-east-1".to_owned() };
    let credential = format!("{}/{scope}", CLIENT.access);
    let policy = format!(
        "{{\"expiration\":\"2099-01-01T00:00:00Z\",\"conditions\":[{{\"bucket\":\"b\"}},\
         [\"starts-with\",\"$key\",\"photos/\"],[\"content-length-range\",1,400000],\
         {{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"}},{{\"x-amz-credential\":\"{credential}\"}},\
         {{\"x-amz-date\":\"{}\"}}]}}",
        stamp.as_str()
    );
    let policy = base64::engine::general_purpose::STANDARD.encode(policy);
    let signature = SigningKey::derive(CLIENT.secret, scope).sign_policy(policy.as_bytes());
    let before = [
        ("key", "photos/k"),
        ("policy", &policy),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", stamp.as_str()),
        ("x-amz-signature", &signature.to_string()),
    ];
    let field = |(name, value): &(&str, &str)| {
        format!("--made-up\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let head: String = before.iter().map(field).collect();
    let head = change(&head)
        + "--made-up\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let tail =
        "\r\n".to_owned() + &behind.iter().map(field).collect::<String>() + "--made-up--\r\n";
    let body = [head.as_bytes(), file, tail.as_bytes()].concat();
    let request = Request::post("/b", &body).without("Authorization");
    request.with("Content-Type", "multipart/form-data; boundary=made-up")
}

#[test]
fn a_browsers_form_is_signed_anew_with_the_same_conditions() {
    let store = Store::ok();
    let gate = gate(&store);
    let submit = [("submit", "Upload")];
    for (size, expects) in [(100, false), (100, true), (300_000, false), (300_000, true)] {
        let file = sample::noise(3, size);
        let request = form(&file, &submit, str::to_owned);
        let request = if expects { request.expecting() } else { request };
        let number = store.requests().len();
        assert_eq!(gate.exchange(&request).status(), 200, "{size} {expects}");
        let seen = store.complete(number);
        assert_eq!(seen.head.get("content-length"), Some(&*seen.body.len().to_string()));
        let text = String::from_utf8_lossy(&seen.body);
        assert!(text.contains(STORE.access) && !text.contains(CLIENT.access));
        assert!(text.contains("the-stores-token") && text.contains("photos/k"));
        assert!(seen.body.windows(file.len()).any(|window| window == file));
    }
}

#[test]
fn a_form_is_refused_by_its_policy_and_a_listed_file_is_denied() {
    let store = Store::ok();
    let gate = gate(&store);
    let keep = |head: &str| head.to_owned();
    let file = sample::noise(3, 1000);
    for (what, request, expected) in [
        (
            "another key",
            form(&file, &[], |head| head.replace("photos/k", "other/k")),
            (403, "AccessDenied"),
        ),
        (
            "another policy",
            form(&file, &[], |head| head.replace("eyJle", "eyJlf")),
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "one more field",
            form(&file, &[], |head| {
                head.replace("--made-up\r\nContent-Disposition: form-data; name=\"policy\"",
                "--made-up\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\npublic-read\r\n\
                 --made-up\r\nContent-Disposition: form-data; name=\"policy\"")
            }),
            (403, "AccessDenied"),
        ),
        (
            "a field behind the file",
            form(&file, &[("Acl", "public-read")], keep),
            (403, "AccessDenied"),
        ),
        (
            "nobody's",
            form(&file, &[], |head| {
                head.replace("x-amz-", "x-not-").replace("\"policy\"", "\"other\"")
            }),
            (403, "AccessDenied"),
        ),
        (
            "a stranger's",
            form(&file, &[], |head| head.replace(CLIENT.access, "STRANGER")),
            (403, "InvalidAccessKeyId"),
        ),
        ("too large", form(&sample::noise(3, 400_001), &[], keep), (400, "EntityTooLarge")),
        ("empty", form(b"", &[], keep), (400, "EntityTooSmall")),
        ("listed", form(sample::CACTUS, &[], keep), (403, "AccessDenied")),
    ] {
        expect_turned_away(&gate, &store, what, &request, expected);
    }
    let denials = gate.stop().denials;
    assert_eq!((denials.len(), &denials[0]["auth"]), (1, &"accepted".into()));
}

/// Where the store wants the bucket, and where the client has it.
#[test]
fn buckets_stand_where_the_store_wants_them() {
    let store = Store::ok();
    let port = store.address().port();
    let in_path = setup(&store).set("inspect", "domains = \"s3.example.org\"").start();
    let (get, _) = CLIENT.sign(
        Request::get("/a/k").replacing("Host", "photos.s3.example.org"),
        &sample::sha256(b""),
    );
    assert_eq!(in_path.exchange(&get).status(), 200);
    let seen = store.request(0);
    assert_eq!(seen.target(), "/photos/a/k");
    assert_eq!(seen.head.get("host"), Some(&*format!("127.0.0.1:{port}")));
    as_the_store_reads_it(&seen);
}

#[test]
fn no_secret_is_logged_or_shown() {
    let store = Store::ok();
    let gate = setup(&store).set("log", "level = \"trace\"").start();
    let request = CLIENT.put("/b/k", Framing::Signed, b"payload");
    assert_eq!(gate.exchange(&request).status(), 200);
    let wrong = Keys { secret: "wrong", ..CLIENT }.put("/b/k", Framing::Signed, b"payload");
    gate.exchange(&wrong).expect_error(403, "SignatureDoesNotMatch");
    let told = [gate.log(), gate.admin(&Request::get("/status")).text()].concat();
    for secret in [CLIENT.secret, OTHER.secret, STORE.secret, "a-token", "the-stores-token"] {
        assert!(!told.contains(secret), "{secret}");
    }
}
