//! Clients whose signatures hold: for gates that verify them.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use s3bouncer::s3::Head;
use s3bouncer::s3::sigv4::{Chain, Scope, Signer, Stamp, sha256};

use super::request::{AWS_CHUNK, Framing, Request};
use super::sample;

/// Made-up keys.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The access key.
    pub access: &'static str,
    /// Its secret.
    pub secret: &'static str,
}

impl Keys {
    /// The head signed for now, as an SDK does: host and every `x-amz-` header. `token` is what the
    /// head says about its body. Returns the chain for signed chunks too.
    pub fn sign(self, request: Request, token: &str) -> (Request, Chain) {
        self.sign_at(SystemTime::now(), request, token)
    }

    /// The same for another moment.
    pub fn sign_at(self, now: SystemTime, request: Request, token: &str) -> (Request, Chain) {
        let stamp = Stamp::of(now);
        let request = request
            .without("Authorization")
            .replacing("x-amz-content-sha256", token)
            .replacing("x-amz-date", stamp.as_str());
        let headers = headers(&request);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.retain(|name| *name == "host" || name.starts_with("x-amz-"));
        names.sort_unstable();
        let signer = self.signer(stamp);
        let authorization = signer.authorize(&head(&request, &headers), &names, token);
        let chain = signer.key().chain(authorization.seed);
        (request.with("Authorization", &authorization.value), chain)
    }

    /// A PUT in this framing, its head and its chunks signed; payloads that go as they are by their
    /// digest.
    pub fn put(self, target: &str, framing: Framing, payload: &[u8]) -> Request {
        let request = Request::framed(target, framing, payload);
        match framing {
            Framing::Presigned => self.presigned(Request::put(target, payload), 600),
            Framing::Plain | Framing::PlainChunks => self.sign(request, &sample::sha256(payload)).0,
            Framing::UnsignedTrailer | Framing::UnsignedTrailerChunks => {
                self.sign(request, framing.token()).0
            }
            Framing::Signed
            | Framing::SignedChunks
            | Framing::SignedTrailer
            | Framing::SignedTrailerChunks => {
                let (request, mut chain) = self.sign(request, framing.token());
                let body = signed_chunks(&mut chain, payload, framing.token().ends_with("TRAILER"));
                request.with_body(body)
            }
        }
    }

    /// The same with its signature in the query, for so many seconds.
    pub fn presigned(self, request: Request, expires_s: u32) -> Request {
        self.presigned_at(SystemTime::now(), request, expires_s)
    }

    /// The same for another moment.
    pub fn presigned_at(self, now: SystemTime, request: Request, expires_s: u32) -> Request {
        let request = request.without("Authorization").without("x-amz-content-sha256");
        let headers = headers(&request);
        let signer = self.signer(Stamp::of(now));
        let query = signer.presign(&head(&request, &headers), &["host"], expires_s);
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        request.to(&format!("{path}?{query}"))
    }

    fn signer(self, stamp: Stamp) -> Signer {
        let scope = Scope { stamp, region: "us-east-1".to_owned() };
        Signer::new(self.access, self.secret, scope)
    }
}

/// So many minutes ago.
pub fn minutes_ago(minutes: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(60 * minutes)
}

/// The payload in aws-chunks that this chain signs.
pub fn signed_chunks(chain: &mut Chain, payload: &[u8], trailer: bool) -> Vec<u8> {
    let mut body = Vec::new();
    for data in payload.chunks(AWS_CHUNK).chain([&b""[..]]) {
        let signature = chain.chunk(sha256(data));
        body.extend_from_slice(
            format!("{:x};chunk-signature={signature}\r\n", data.len()).as_bytes(),
        );
        body.extend_from_slice(data);
        if !data.is_empty() {
            body.extend_from_slice(b"\r\n");
        }
    }
    if trailer {
        let signature = chain.trailer(b"x-amz-checksum-crc32:AAAAAA==\n");
        body.extend_from_slice(b"x-amz-checksum-crc32:AAAAAA==\r\n");
        body.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// The fields of a request, or of what a store has seen.
pub fn header_map<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let fields = fields.into_iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        (name, HeaderValue::from_str(value).expect("a header's value"))
    });
    let mut map = HeaderMap::new();
    fields.for_each(|(name, value)| {
        map.append(name, value);
    });
    map
}

fn headers(request: &Request) -> HeaderMap {
    header_map(request.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn head<'a>(request: &'a Request, headers: &'a HeaderMap) -> Head<'a> {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target.as_str(), None),
    };
    Head { method: &request.method, path, query, headers, origin_form: true }
}
