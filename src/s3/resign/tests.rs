use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::digest::Sha256;
use crate::s3::Surface;
use crate::s3::auth::{Claims, Secret};

const CLIENT: &str = "CLIENT";
const NOW: Duration = Duration::from_secs(1_369_353_600);

fn credentials(access_key: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key: access_key.to_owned(),
        secret: Secret::new(format!("{access_key}'s secret")),
        session_token: token.map(str::to_owned),
    }
}

/// Where a request came in, and what became of it.
struct Trial {
    addressing: Addressing,
    identity: Credentials,
    payload: Option<Payload>,
}

impl Default for Trial {
    fn default() -> Self {
        let identity = credentials("GATE", None);
        Trial { addressing: Addressing::Path, identity, payload: None }
    }
}

impl Trial {
    /// Signs `METHOD target` with these headers as a client does, and then anew.
    fn resigned(&self, line: &str, headers: &[&str], presigned: bool) -> Resigned {
        self.try_resign(line, headers, presigned).unwrap()
    }

    fn try_resign(
        &self,
        line: &str,
        headers: &[&str],
        presigned: bool,
    ) -> Result<Resigned, ResignError> {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let mut map = HeaderMap::new();
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let stamp = Stamp::of(UNIX_EPOCH + NOW);
        let scope = Scope { stamp: stamp.clone(), region: "here".to_owned() };
        let client = credentials(CLIENT, None);
        let signer = Signer::new(CLIENT, client.secret.expose(), scope);
        let mut signed_query = query.map(str::to_owned);
        if presigned {
            let head = Head { method, path, query, headers: &map, origin_form: true };
            signed_query = Some(signer.presign(&head, &signed_names(&map), 60));
        } else {
            map.insert(AMZ_DATE, stamp.as_str().parse().unwrap());
            let token = map.entry(CONTENT_SHA256);
            let token = token.or_insert_with(|| "UNSIGNED-PAYLOAD".parse().unwrap()).clone();
            let head = Head { method, path, query, headers: &map, origin_form: true };
            let authorization =
                signer.authorize(&head, &signed_names(&map), token.to_str().unwrap());
            map.insert(AUTHORIZATION, authorization.value.parse().unwrap());
        }
        let query = signed_query.as_deref();
        let head = Head { method, path, query, headers: &map, origin_form: true };
        let surface = Surface::default().with_domains(["gate.test"]).unwrap();
        let request = surface.classify(&head).unwrap();
        let ring = KeyRing::new(2);
        let now = UNIX_EPOCH + NOW;
        let claims = Claims::of(&head, &request).unwrap().unwrap();
        let proof = claims.verify(&head, &client, None, now, &ring).unwrap();
        let upstream = Upstream {
            authority: "store.test:9000",
            addressing: self.addressing,
            region: "there",
            credentials: &self.identity,
        };
        let payload = self.payload.unwrap_or(proof.payload);
        resign(&head, &request, &proof, &upstream, payload, now, &ring)
    }
}

#[test]
fn the_bucket_goes_where_the_store_wants_it() {
    for (host, path, addressing, to_host, to_path) in [
        ("gate.test", "/b1/k", Addressing::Path, "store.test:9000", "/b1/k"),
        ("gate.test", "/b1/k", Addressing::Virtual, "b1.store.test:9000", "/k"),
        ("b1.gate.test", "/k", Addressing::Path, "store.test:9000", "/b1/k"),
        ("b1.gate.test", "/k", Addressing::Virtual, "b1.store.test:9000", "/k"),
        ("gate.test", "/b1", Addressing::Virtual, "b1.store.test:9000", "/"),
        ("gate.test", "/b1/", Addressing::Virtual, "b1.store.test:9000", "/"),
        (
            "gate.test",
            "/%621//k%2F=%c3%A9+%zz/",
            Addressing::Virtual,
            "b1.store.test:9000",
            "//k/%3D%C3%A9%2B%25zz/",
        ),
        (
            "gate.test",
            "/%621//k%2F=%c3%A9/",
            Addressing::Path,
            "store.test:9000",
            "/b1//k/%3D%C3%A9/",
        ),
        ("gate.test", "/b1%2Fk/l", Addressing::Virtual, "store.test:9000", "/b1%2Fk/l"),
        ("gate.test", "/%2F", Addressing::Path, "store.test:9000", "/%2F"),
        ("b1.gate.test", "/%2Fk", Addressing::Path, "store.test:9000", "/b1//k"),
        ("b1.gate.test", "/", Addressing::Path, "store.test:9000", "/b1/"),
        ("b1.gate.test", "//k", Addressing::Path, "store.test:9000", "/b1//k"),
        ("gate.test", "/", Addressing::Virtual, "store.test:9000", "/"),
        ("gate.test", "/dotted.name/k", Addressing::Virtual, "store.test:9000", "/dotted.name/k"),
        ("dotted.name.gate.test", "/k", Addressing::Virtual, "store.test:9000", "/dotted.name/k"),
        ("gate.test", "/Upper/k", Addressing::Virtual, "store.test:9000", "/Upper/k"),
        ("gate.test", "/under_score/k", Addressing::Virtual, "store.test:9000", "/under_score/k"),
    ] {
        let trial = Trial { addressing, ..Trial::default() };
        let resigned = trial.resigned(&format!("GET {path}"), &[&format!("host: {host}")], false);
        assert_eq!(resigned.headers[HOST], to_host, "{host}{path}");
        assert_eq!(resigned.target, to_path, "{host}{path}");
    }
}

#[test]
fn a_bucket_too_long_for_a_host_stays_in_the_path() {
    let trial = Trial { addressing: Addressing::Virtual, ..Trial::default() };
    for (length, in_host) in [(MAX_LABEL, true), (MAX_LABEL + 1, false)] {
        let bucket = "b".repeat(length);
        let resigned = trial.resigned(&format!("GET /{bucket}/k"), &["host: gate.test"], false);
        assert_eq!(resigned.target == *"/k", in_host);
    }
}

#[test]
fn only_the_signature_is_exchanged() {
    let headers = [
        "host: gate.test",
        "date: Fri, 24 May 2013 00:00:00 GMT",
        "content-length: 5",
        "content-type: image/jpeg",
        "expect: 100-continue",
        "user-agent: a/1",
        "x-amz-meta-a: 1",
        "x-amz-meta-a: 2",
        "x-amz-acl: private",
    ];
    let resigned = Trial::default().resigned("PUT /b/k?versionId=%37&x=+", &headers, false);
    assert_eq!(resigned.target, "/b/k?versionId=%37&x=%2B");
    for header in &headers[2..] {
        let (name, value) = header.split_once(": ").unwrap();
        assert!(resigned.headers.get_all(name).iter().any(|kept| kept == value), "{header}");
    }
    assert!(!resigned.headers.contains_key(DATE));
    let authorization = resigned.headers[AUTHORIZATION].to_str().unwrap();
    let start = "AWS4-HMAC-SHA256 Credential=GATE/20130524/there/s3/aws4_request,SignedHeaders=\
        content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-meta-a,Signature=";
    assert!(authorization.starts_with(start), "{authorization}");
    assert!(authorization.ends_with(&resigned.seed.signature.to_string()));
    assert_eq!(resigned.headers[CONTENT_SHA256], "UNSIGNED-PAYLOAD");
    assert_eq!(resigned.headers[AMZ_DATE], "20130524T000000Z");
}

#[test]
fn a_presigned_query_stays_one() {
    let line = "GET /b/k?response-expires=0&x-amz-checksum-mode=ENABLED";
    let identity = credentials("GATE", Some("to/ken"));
    let trial = Trial { identity, ..Trial::default() };
    let resigned = trial.resigned(line, &["host: gate.test", "range: bytes=0-9"], true);
    let expected = "/b/k?response-expires=0&x-amz-checksum-mode=ENABLED\
        &X-Amz-Security-Token=to%2Fken&X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=GATE%2F20130524%2Fthere%2Fs3%2Faws4%5Frequest&X-Amz-Date=20130524T000000Z\
        &X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=";
    let target = resigned.target.to_string();
    assert_eq!(target.strip_prefix(expected), Some(&*resigned.seed.signature.to_string()));
    assert_eq!(resigned.headers.len(), 2);
}

#[test]
fn another_payload_may_be_signed_than_came() {
    let digest = Payload::Sha256(Sha256([7; 32]));
    for payload in [digest, Payload::UnsignedTrailer, Payload::SignedChunks { trailer: true }] {
        for presigned in [false, true] {
            let trial = Trial { payload: Some(payload), ..Trial::default() };
            let resigned = trial.resigned("PUT /b/k", &["host: gate.test"], presigned);
            assert_eq!(resigned.headers[CONTENT_SHA256], *payload.token());
            let signed = match presigned {
                true => resigned.target.query().unwrap().replace("%2D", "-"),
                false => resigned.headers[AUTHORIZATION].to_str().unwrap().to_owned(),
            };
            assert!(signed.contains("x-amz-content-sha256"), "{signed}");
        }
    }
}

#[test]
fn what_fits_into_no_header_is_told() {
    let told = |access_key, token| {
        let identity = credentials(access_key, token);
        let trial = Trial { identity, ..Trial::default() };
        trial.try_resign("GET /b/k", &["host: gate.test"], false).unwrap_err()
    };
    assert_eq!(told("G\nATE", None), ResignError::Header("authorization"));
    assert_eq!(told("GATE", Some("to\nken")), ResignError::Header("x-amz-security-token"));
}

#[test]
fn nothing_secret_is_shown() {
    let identity = credentials("GATE", Some("quiet"));
    let trial = Trial { identity, ..Trial::default() };
    let resigned = trial.resigned("GET /b/k", &["host: gate.test"], false);
    let shown = format!("{resigned:?}");
    for secret in ["GATE's secret", "CLIENT's secret", "quiet", "Credential="] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
