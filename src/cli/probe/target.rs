//! Where the probe works, and as whom.

use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use rustls::pki_types::ServerName;

use super::super::Fault;
use super::Args;
use super::wire::{Tls, Wire};
use crate::config::{Endpoint, Scheme, TlsVersion, Upstream, UpstreamTls};
use crate::net::upstream;
use crate::ops::node::read_config;
use crate::s3::sigv4::{Scope, Signer, Stamp};

/// Where the access key may stand instead of on the command line.
const ACCESS_KEY: &str = "S3BOUNCER_PROBE_ACCESS_KEY";
/// Where the secret may stand instead of in a file.
const SECRET_KEY: &str = "S3BOUNCER_PROBE_SECRET_KEY";

/// How long the store may take over a request that is complete.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store, a bucket in it, and credentials.
pub(super) struct Target {
    /// The store.
    pub(super) endpoint: Endpoint,
    /// Its addresses.
    pub(super) addresses: Vec<SocketAddr>,
    /// The bucket.
    pub(super) bucket: String,
    /// How long to wait for what may never come.
    pub(super) timeout: Duration,
    tls: Option<Tls>,
    region: String,
    access_key: String,
    secret_key: String,
}

impl Target {
    /// Finds out where to probe; `variable` reads the environment.
    ///
    /// # Errors
    /// Something is missing or wrong, or the store's name has no address.
    pub(super) fn read(
        args: &Args,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Fault> {
        let (endpoint, tls) = store(args)?;
        if !is_bucket_name(&args.bucket) {
            return Err(Fault::usage(format!("{:?} is no name of a bucket", args.bucket)));
        }
        let missing = |what, flag, name| {
            Fault::usage(format!("no {what}: write {flag}, or set {name} in the environment"))
        };
        let access_key = match &args.access_key {
            Some(key) => key.clone(),
            None => variable(ACCESS_KEY)
                .ok_or_else(|| missing("access key", "--access-key", ACCESS_KEY))?,
        };
        if access_key.is_empty() || HeaderValue::from_str(&access_key).is_err() {
            return Err(Fault::usage("the access key can't stand in a header"));
        }
        let secret_key = match &args.secret_key_file {
            Some(path) => read_secret(path)?,
            None => variable(SECRET_KEY)
                .ok_or_else(|| missing("secret key", "--secret-key-file", SECRET_KEY))?,
        };
        let tls = tls.map(|settings| open_tls(&endpoint, &settings)).transpose()?;
        let addresses = resolve(&endpoint)?;
        let (bucket, region, timeout) = (args.bucket.clone(), args.region.clone(), args.timeout);
        Ok(Target { endpoint, addresses, bucket, timeout, tls, region, access_key, secret_key })
    }

    /// A new connection for requests that are complete. Its waits end when `stop` is set.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn connect<'a>(&self, stop: Option<&'a AtomicBool>) -> io::Result<Wire<'a>> {
        Wire::connect(&self.addresses, self.tls.as_ref(), self.timeout.max(PATIENCE), stop)
    }

    /// A new connection for what may never be answered. Its waits end when `stop` is set.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn connect_briefly<'a>(&self, stop: &'a AtomicBool) -> io::Result<Wire<'a>> {
        Wire::connect(&self.addresses, self.tls.as_ref(), self.timeout, Some(stop))
    }

    /// Signs as the operator, now.
    pub(super) fn signer(&self) -> Signer {
        self.signer_with(&self.secret_key)
    }

    /// Signs with a secret that is not the operator's: the store has to refuse it.
    pub(super) fn wrong_signer(&self) -> Signer {
        self.signer_with(&format!("not-{}", self.secret_key))
    }

    fn signer_with(&self, secret: &str) -> Signer {
        let scope = Scope { stamp: Stamp::of(SystemTime::now()), region: self.region.clone() };
        Signer::new(&self.access_key, secret, scope)
    }
}

/// The store, and how TLS is spoken with it, where it is.
fn store(args: &Args) -> Result<(Endpoint, Option<UpstreamTls>), Fault> {
    match (&args.endpoint, &args.config) {
        (Some(endpoint), _) => {
            let by_system =
                UpstreamTls { authorities: None, identity: None, min_version: TlsVersion::V12 };
            Ok((endpoint.clone(), (endpoint.scheme == Scheme::Https).then_some(by_system)))
        }
        (None, Some(path)) => {
            let config = read_config(path).map_err(|error| Fault::usage(error.to_string()))?;
            let Upstream { endpoint, tls, .. } = named(config.upstreams, args.upstream.as_deref())?;
            Ok((endpoint, tls))
        }
        (None, None) => Err(Fault::usage("no store: write --config or --endpoint")),
    }
}

/// The store of that name, or else the only one.
fn named(mut upstreams: Vec<Upstream>, name: Option<&str>) -> Result<Upstream, Fault> {
    let index = match name {
        Some(name) => upstreams.iter().position(|upstream| upstream.name == name),
        None => (upstreams.len() == 1).then_some(0),
    };
    if let Some(index) = index {
        return Ok(upstreams.swap_remove(index));
    }
    let names: Vec<&str> = upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
    Err(Fault::usage(format!("which store? write --upstream with one of {}", names.join(", "))))
}

fn open_tls(endpoint: &Endpoint, settings: &UpstreamTls) -> Result<Tls, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::usage(format!("{endpoint}: {error}"));
    let tls = upstream::Tls::read(settings).map_err(|error| wrong(&error))?;
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| wrong(&error))?;
    Ok(Tls { config: tls.config().clone(), name })
}

/// What S3 takes for a bucket's name, so that it is the same in a path and in a signature.
fn is_bucket_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (3..=63).contains(&name.len())
        && name.bytes().all(fits)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn read_secret(path: &Path) -> Result<String, Fault> {
    let text = fs::read_to_string(path).map_err(|error| Fault::io(path, &error))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Fault::usage(format!("{}: no secret in it", path.display()))),
        secret => Ok(secret.to_owned()),
    }
}

fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Fault> {
    match (endpoint.host.as_str(), endpoint.port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(Fault::failed(format!("{endpoint}: {error}"))),
    }
}
