mod aws;
mod botocore;
mod errors;
mod habits;
mod malformed;
mod random;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::s3::sigv4::Stamp;
use crate::s3::{Head, Request, Surface};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn credentials(session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key: ACCESS_KEY.to_owned(),
        secret: Secret::new(SECRET),
        session_token: session_token.map(str::to_owned),
    }
}

fn at(stamp: &str) -> SystemTime {
    Stamp::parse(stamp).and_then(|stamp| stamp.moment()).unwrap()
}

/// When the examples of AWS and of botocore are signed.
fn then() -> SystemTime {
    at("20130524T000000Z")
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A request in pieces that a test can change.
#[derive(Clone, Debug)]
struct Sample {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    domain: &'static str,
}

impl Sample {
    /// `METHOD target` with these headers, each `name: value`.
    fn new(line: &str, headers: &[&str]) -> Self {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut sample = Sample {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: HeaderMap::new(),
            domain: "s3.example",
        };
        headers.iter().for_each(|header| sample.append(header));
        sample
    }

    fn append(&mut self, header: &str) {
        let (name, value) = header.split_once(':').unwrap();
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).unwrap();
        self.headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            origin_form: true,
        }
    }

    /// What it is, unless it is refused before anybody asks who signed.
    fn classified(&self) -> Option<Request> {
        let surface = Surface::default().with_domains([self.domain]).unwrap();
        surface.classify(&self.head()).ok()
    }

    fn request(&self) -> Request {
        self.classified().unwrap_or_else(|| panic!("refused: {self:?}"))
    }

    fn claims(&self) -> Result<Option<Claims>, AuthError> {
        Claims::of(&self.head(), &self.request())
    }

    fn verify(
        &self,
        credentials: &Credentials,
        region: Option<&str>,
        now: SystemTime,
    ) -> Result<Proof, AuthError> {
        let claims = self.claims()?.expect("a signature");
        claims.verify(&self.head(), credentials, region, now, &KeyRing::new(1))
    }

    /// Verified by whoever signed the examples, when they were signed.
    fn verify_then(&self) -> Result<Proof, AuthError> {
        self.verify(&credentials(None), None, then())
    }
}
