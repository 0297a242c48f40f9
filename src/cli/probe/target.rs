//! Where the probe works, and as whom.

use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use http::HeaderValue;

use super::super::Fault;
use super::Args;
use super::wire::Wire;
use crate::config::Endpoint;
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
        let endpoint = endpoint(args)?;
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
        let addresses = resolve(&endpoint)?;
        let (bucket, region, timeout) = (args.bucket.clone(), args.region.clone(), args.timeout);
        Ok(Target { endpoint, addresses, bucket, timeout, region, access_key, secret_key })
    }

    /// A new connection for requests that are complete. Its waits end when `stop` is set.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn connect<'a>(&self, stop: Option<&'a AtomicBool>) -> io::Result<Wire<'a>> {
        Wire::connect(&self.addresses, self.timeout.max(PATIENCE), stop)
    }

    /// A new connection for what may never be answered. Its waits end when `stop` is set.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn connect_briefly<'a>(&self, stop: &'a AtomicBool) -> io::Result<Wire<'a>> {
        Wire::connect(&self.addresses, self.timeout, Some(stop))
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

fn endpoint(args: &Args) -> Result<Endpoint, Fault> {
    match (&args.endpoint, &args.config) {
        (Some(endpoint), _) => Ok(endpoint.clone()),
        (None, Some(path)) => match read_config(path) {
            Ok(config) => Ok(config.upstreams[0].endpoint.clone()),
            Err(error) => Err(Fault::usage(error.to_string())),
        },
        (None, None) => Err(Fault::usage("no store: write --config or --endpoint")),
    }
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
