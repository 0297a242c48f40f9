//! What is decided about a store.

use std::path::PathBuf;
use std::time::Duration;

use super::{CertificateFiles, Credentials};
use crate::config::{Anonymous, Endpoint, Glob, Guard, SignedChunks, TlsVersion};
use crate::s3::resign::Addressing;

/// `[upstream]` or `[[upstream]]`: a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// 1 to 253 characters; unique.
    pub name: String,
    /// The hosts whose requests it serves; all where empty.
    pub hosts: Vec<Glob>,
    /// The buckets whose requests it serves; all where empty.
    pub buckets: Vec<Glob>,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// How it is known, and the gate to it: `Some` where the endpoint speaks HTTPS.
    pub tls: Option<UpstreamTls>,
    /// Age from which the addresses of its name are looked up anew.
    pub resolve_interval: Duration,
    /// Whether it has to accept the head of an upload before the body is taken.
    pub auth_first: bool,
    /// Who signs what it gets.
    pub signing: Signing,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the store may take to answer a complete request.
    pub response_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// Unused connections that are kept.
    pub max_idle: usize,
    /// How uploads are held.
    pub guard: Guard,
    /// The gate's own credentials there, if it has any.
    pub own: Option<Credentials>,
    /// The region that requests are signed for: the gate's own, and those signed anew.
    pub region: String,
}

impl Upstream {
    /// Whether it serves a request for this host (in lower case, without its port) and this bucket.
    /// What a request does not name is matched by `*` alone.
    pub fn serves(&self, host: Option<&str>, bucket: Option<&str>) -> bool {
        takes(&self.hosts, host) && takes(&self.buckets, bucket)
    }
}

fn takes(patterns: &[Glob], name: Option<&str>) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|pattern| match name {
            Some(name) => pattern.matches(name),
            None => pattern.is_everything(),
        })
}

/// How a store that speaks HTTPS is known, and the gate to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM file with the authorities to trust; the system's where `None`.
    pub authorities: Option<PathBuf>,
    /// What the gate shows a store that asks for a certificate.
    pub identity: Option<CertificateFiles>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

/// Who signs the requests that reach a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// The client, for the store.
    Pass,
    /// The client for the gate, and the gate for the store.
    Anew(SignAnew),
}

/// How requests are signed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignAnew {
    /// The file with clients' keys and those that they are exchanged for.
    pub credentials: PathBuf,
    /// Where the bucket stands.
    pub addressing: Addressing,
    /// What becomes of signed chunks.
    pub signed_chunks: SignedChunks,
    /// What becomes of requests without a signature.
    pub anonymous: Anonymous,
}
