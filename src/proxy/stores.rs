//! The stores behind the gate, and which of them a request is for.

use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;

use crate::config::{self, Clients, Signing};
use crate::net::upstream::Upstream;
use crate::own_access::OwnAccess;

/// A store as requests see it.
pub struct Store {
    /// What the operator decided about it.
    pub config: config::Upstream,
    /// Connections to it.
    pub upstream: Arc<Upstream>,
    /// The gate's own access to it, if it has any.
    pub own: Option<OwnAccess>,
    /// The clients whose requests are signed anew for it, where that is done.
    pub clients: Option<Arc<Clients>>,
}

/// All stores, in the order in which requests are offered to them. Clones share them.
#[derive(Clone)]
pub struct Stores(Arc<[Arc<Store>]>);

impl Stores {
    /// These stores. There must be one; what none of them serves, the last does.
    pub fn new(stores: Vec<Arc<Store>>) -> Self {
        assert!(!stores.is_empty(), "a checked configuration has a store for every request");
        Stores(stores.into())
    }

    /// Every store.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Store>> {
        self.0.iter()
    }

    /// The store of a request with these headers and this bucket.
    pub fn choose(&self, headers: &HeaderMap, bucket: Option<&str>) -> &Arc<Store> {
        let (last, others) = match &*self.0 {
            [only] => return only,
            [others @ .., last] => (last, others),
            [] => unreachable!("there is a store"),
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(bare_host);
        let serving = others.iter().find(|each| each.config.serves(host.as_deref(), bucket));
        serving.unwrap_or(last)
    }

    /// The same stores, where those that have their clients from this file have these.
    #[must_use]
    pub fn with_clients(&self, file: &Path, clients: &Arc<Clients>) -> Stores {
        let renewed = |store: &Arc<Store>| match &store.config.signing {
            Signing::Anew(anew) if anew.credentials == file => Arc::new(Store {
                config: store.config.clone(),
                upstream: store.upstream.clone(),
                own: store.own.clone(),
                clients: Some(clients.clone()),
            }),
            Signing::Anew(_) | Signing::Pass => store.clone(),
        };
        Stores(self.iter().map(renewed).collect())
    }

    /// Whether it matters which of two buckets a path means.
    pub fn tell_buckets_apart(&self) -> bool {
        self.iter().any(|store| !store.config.buckets.is_empty())
    }
}

impl<'a> IntoIterator for &'a Stores {
    type Item = &'a Arc<Store>;
    type IntoIter = std::slice::Iter<'a, Arc<Store>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What a `Host` header names, in lower case, without a port and the brackets of an address.
fn bare_host(header: &str) -> String {
    let bare = match header.strip_prefix('[') {
        Some(inner) => inner.split(']').next(),
        None => header.split(':').next(),
    };
    bare.unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_its_port() {
        for (header, expected) in [
            ("S3.Example.org", "s3.example.org"),
            ("s3.example.org:9000", "s3.example.org"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:80", "::1"),
            ("[FE80::1]", "fe80::1"),
            ("", ""),
            (":80", ""),
            ("[", ""),
        ] {
            assert_eq!(bare_host(header), expected, "{header}");
        }
    }
}
