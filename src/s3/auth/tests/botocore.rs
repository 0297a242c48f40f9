//! What botocore signs, verified, bent, and signed anew.

use http::header::{AUTHORIZATION, HOST};

use super::*;
use crate::s3::resign::{Addressing, Resigned, Upstream, resign};

const VECTORS: &str = include_str!("../../../../tests/vectors/signatures.txt");
const TOKEN: &str = "AQoEXAMPLE//token+with/what=base64==";

/// Each request with its name.
fn vectors() -> Vec<(&'static str, Sample)> {
    let blocks = VECTORS.split("\n\n").filter(|block| block.starts_with('='));
    let read = |block: &'static str| {
        let mut lines = block.lines();
        let name = lines.next().and_then(|line| line.strip_prefix("= ")).unwrap();
        let line = lines.next().unwrap();
        (name, Sample::new(line, &lines.collect::<Vec<_>>()))
    };
    let vectors: Vec<_> = blocks.map(read).collect();
    assert!(vectors.len() > 150);
    vectors
}

fn token(name: &str) -> Option<&str> {
    name.ends_with("token").then_some(TOKEN)
}

fn verify(name: &str, sample: &Sample) -> Result<Proof, AuthError> {
    sample.verify(&credentials(token(name)), Some("eu-west-1"), then())
}

#[test]
fn all_of_it_holds() {
    for (name, sample) in vectors() {
        let proof = verify(name, &sample);
        let proof = proof.unwrap_or_else(|error| panic!("{name}: {sample:?}: {error:?}"));
        assert_eq!(proof.is_v2, name.starts_with("v2"));
        assert_eq!(proof.place == Place::Query, name.contains(" query "));
        let signs_body = name.starts_with("v4 header");
        assert_eq!(matches!(proof.payload, Payload::Sha256(_)), signs_body, "{name}");
    }
}

#[test]
fn a_token_is_its_own() {
    for (name, sample) in vectors() {
        let other = if token(name).is_some() { None } else { Some(TOKEN) };
        for token in [other, Some("another")] {
            let refused = sample.verify(&credentials(token), None, then());
            assert_eq!(refused.unwrap_err(), AuthError::Token, "{name}");
        }
    }
}

/// Every way to make another request of one.
fn bent(name: &str, sample: &Sample) -> Vec<(String, Sample)> {
    let mut all = Vec::new();
    let mut add = |what: &str, bend: &dyn Fn(&mut Sample)| {
        let mut bent = sample.clone();
        bend(&mut bent);
        all.push((format!("{what} of {name}"), bent));
    };
    let method = if sample.method == "GET" { "DELETE" } else { "PUT" };
    let method = if sample.method == "PUT" { "GET" } else { method };
    add("method", &|s| s.method = method.to_owned());
    add("path", &|s| s.path.push('x'));
    add("sub-resource", &|s| {
        s.query = Some(format!("{}&acl", s.query.clone().unwrap_or_default()))
    });
    add("escaped sub-resource", &|s| {
        s.query = Some(format!("{}&%61cl", s.query.clone().unwrap_or_default()));
    });
    add("copy source", &|s| s.set("x-amz-copy-source", "bucket/secret"));
    add("hoisted copy source", &|s| {
        let query = s.query.clone().unwrap_or_default();
        s.query = Some(format!("{query}&x-amz-copy-source=bucket%2Fsecret"));
    });
    for header in sample.headers.keys().filter(|name| **name != HOST && **name != AUTHORIZATION) {
        let longer = [sample.headers[header].as_bytes(), b"x"].concat();
        add(header.as_str(), &|s| {
            s.headers.insert(header, HeaderValue::from_bytes(&longer).unwrap());
        });
        add(&format!("no {header}"), &|s| drop(s.headers.remove(header)));
    }
    if name.starts_with("v4") {
        add("host", &|s| s.set("host", "other.s3.example:9000"));
        add("query", &|s| s.query = Some(format!("{}&x", s.query.clone().unwrap_or_default())));
        add("cut query", &|s| s.query = s.query.as_ref().map(|q| q[..q.len() - 1].to_owned()));
    }
    if name.contains(" query ") && name.starts_with("v4") {
        for (key, other) in [("=600", "=601"), ("Date=2013", "Date=2012"), ("eu-west", "us-west")] {
            add(key, &|s| s.query = s.query.as_ref().map(|q| q.replace(key, other)));
        }
    }
    all
}

#[test]
fn nothing_else_holds() {
    let mut refused_count = 0;
    for (name, sample) in vectors() {
        for (what, bent) in bent(name, &sample) {
            let same = bent.query == sample.query
                && bent.headers == sample.headers
                && bent.path == sample.path
                && bent.method == sample.method;
            // A content type that the URL of SigV2 names as well isn't missed.
            let named_twice = name.starts_with("v2 query") && what.starts_with("no content-type");
            if same || named_twice || bent.classified().is_none() {
                continue;
            }
            assert!(verify(name, &bent).is_err(), "{what}: {bent:?}");
            refused_count += 1;
        }
        let other = Credentials { secret: Secret::new("other"), ..credentials(token(name)) };
        let refused = sample.verify(&other, None, then()).unwrap_err();
        assert!(matches!(refused, AuthError::Mismatch(_)), "{name}");
    }
    assert!(refused_count > 1500, "{refused_count}");
}

/// A request as the store reads it.
fn at_store(method: &str, resigned: &Resigned) -> Sample {
    Sample {
        method: method.to_owned(),
        path: resigned.target.path().to_owned(),
        query: resigned.target.query().map(str::to_owned),
        headers: resigned.headers.clone(),
        domain: "store.test",
    }
}

#[test]
fn all_of_it_is_signed_anew() {
    let identity = Credentials {
        access_key: "GATE".to_owned(),
        secret: Secret::new("gate's own"),
        session_token: Some("gate's+token/".to_owned()),
    };
    let ring = KeyRing::new(16);
    let now = at("20260101T123456Z");
    for (name, sample) in vectors() {
        let proof = verify(name, &sample).unwrap();
        for addressing in [Addressing::Path, Addressing::Virtual] {
            let upstream = Upstream {
                authority: "store.test",
                addressing,
                region: "auto",
                credentials: &identity,
            };
            let request = sample.request();
            let resigned =
                resign(&sample.head(), &request, &proof, &upstream, proof.payload, now, &ring);
            let resigned = resigned.unwrap();
            let there = at_store(&sample.method, &resigned);
            let again = there.verify(&identity, Some("auto"), now);
            let again = again.unwrap_or_else(|error| panic!("{name}: {there:?}: {error:?}"));
            assert!(!again.is_v2 && again.place == proof.place, "{name}");
            assert_eq!(again.payload, proof.payload);
            same_request(name, &sample, &there);
            let host = there.headers[HOST].to_str().unwrap();
            let in_host = addressing == Addressing::Virtual && request.bucket.is_some();
            assert_eq!(host, if in_host { "bucket.store.test" } else { "store.test" }, "{name}");
        }
    }
}

/// That a store does to one what the client wanted of the other, and learns nothing of its keys.
#[track_caller]
fn same_request(name: &str, client: &Sample, store: &Sample) {
    let (one, other) = (client.request(), store.request());
    assert_eq!(one.operation, other.operation, "{name}");
    assert_eq!(one.bucket, other.bucket, "{name}");
    assert_eq!(one.key, other.key, "{name}");
    assert_eq!((one.upload_id, one.part_number), (other.upload_id, other.part_number), "{name}");
    let shown = format!("{:?} {:?} {:?}", store.path, store.query, store.headers);
    for own in [ACCESS_KEY, "AWSAccessKeyId", "AQoEXAMPLE", "s3.example", "20130524", "1369354200"]
    {
        assert!(!shown.contains(own), "{name}: {own} in {shown}");
    }
    let kept = |sample: &Sample| {
        let mut kept: Vec<_> =
            sample.headers.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
        let own = [
            "host",
            "authorization",
            "date",
            "x-amz-date",
            "x-amz-content-sha256",
            "x-amz-security-token",
        ];
        kept.retain(|(name, _)| !own.contains(&name.as_str()));
        kept.sort_by(|(one, _), (other, _)| one.cmp(other));
        kept
    };
    assert_eq!(kept(client), kept(store), "{name}");
    for pair in client.query.iter().flat_map(|query| query.split('&')) {
        let own = ["X-Amz-", "AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"];
        if !own.iter().any(|own| pair.starts_with(own)) {
            assert!(
                store.query.as_ref().is_some_and(|q| q.split('&').any(|p| p == pair)),
                "{pair}"
            );
        }
    }
}
