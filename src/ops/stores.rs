//! The stores that the configuration names: what is read for them, and what goes on after a reload.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::credentials::{CredentialsFault, Watch};
use crate::config::{self, Config, Credentials};
use crate::net::upstream::{Options, Tls, Upstream};
use crate::own_access::{Account, AccountError, OwnAccess};
use crate::proxy::meters::Meters;
use crate::proxy::stores::{Store, Stores};

/// Why a store can't be used. Each names the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// What TLS with it needs can't be had.
    #[error("upstream {0}: {1}")]
    Tls(String, #[source] io::Error),
    /// The secret of the gate's own key can't be read.
    #[error("upstream {0}: {1}: {2}")]
    Secret(String, PathBuf, #[source] io::Error),
    /// The credentials file can't be used.
    #[error("upstream {0}: {1}")]
    Clients(String, #[source] CredentialsFault),
    /// The gate's own key is none.
    #[error("upstream {0}: {1}")]
    Account(String, #[source] AccountError),
}

/// Opens the stores; `watch` notes how their credentials files look. One of `serving` that is reached
/// as before keeps its connections.
///
/// # Errors
/// See [`StoreFault`]: the first of them.
pub fn open(
    config: &Config,
    meters: &Meters,
    watch: &Watch,
    serving: Option<&Stores>,
) -> Result<Stores, StoreFault> {
    let patience = |upstream: &config::Upstream| upstream.connect_timeout.max(config.state.timeout);
    let store = |upstream: &config::Upstream| {
        let named = |error| StoreFault::Tls(upstream.name.clone(), error);
        let tls = upstream.tls.as_ref().map(Tls::read).transpose().map_err(named)?;
        let own = match &upstream.own {
            Some(own) => Some(own_access(upstream, own, tls.as_ref(), patience(upstream))?),
            None => None,
        };
        let of_clients = |error| StoreFault::Clients(upstream.name.clone(), error);
        let clients = watch.read_for(upstream).map_err(of_clients)?;
        let options = options(upstream, tls);
        let same = serving.and_then(|stores| {
            let is_same = |store: &&Arc<Store>| {
                store.config.name == upstream.name && *store.upstream.options() == options
            };
            stores.iter().find(is_same)
        });
        let connections = match same {
            Some(store) => store.upstream.clone(),
            None => Upstream::new(options, meters.of_upstream(&upstream.name)),
        };
        Ok(Arc::new(Store { config: upstream.clone(), upstream: connections, own, clients }))
    };
    let stores: Result<Vec<_>, StoreFault> = config.upstreams.iter().map(store).collect();
    Ok(Stores::new(stores?))
}

fn options(upstream: &config::Upstream, tls: Option<Tls>) -> Options {
    Options {
        host: upstream.endpoint.host.clone(),
        port: upstream.endpoint.port,
        tls,
        connect_timeout: upstream.connect_timeout,
        idle_timeout: upstream.idle_timeout,
        max_idle: upstream.max_idle,
        resolve_interval: upstream.resolve_interval,
    }
}

fn own_access(
    upstream: &config::Upstream,
    own: &Credentials,
    tls: Option<&Tls>,
    patience: std::time::Duration,
) -> Result<OwnAccess, StoreFault> {
    let name = || upstream.name.clone();
    let account = account(&upstream.endpoint.to_string(), &upstream.region, own)
        .map_err(|(path, error)| StoreFault::Secret(name(), path, error))?;
    let access = match tls {
        Some(tls) => OwnAccess::with_tls(&account, patience, tls.config().as_ref().clone()),
        None => OwnAccess::new(&account, patience),
    };
    access.map_err(|error| StoreFault::Account(name(), error))
}

/// An account of the gate's own, its secret read.
///
/// # Errors
/// The file that can't be read, and why.
pub(super) fn account(
    endpoint: &str,
    region: &str,
    own: &Credentials,
) -> Result<Account, (PathBuf, io::Error)> {
    let file = &own.secret_key_file;
    let text = fs::read_to_string(file).map_err(|error| (file.clone(), error))?;
    Ok(Account {
        endpoint: endpoint.to_owned(),
        region: region.to_owned(),
        access_key: own.access_key.clone(),
        // Without the line's end that editors put there.
        secret_key: text.trim_end_matches(['\r', '\n']).to_owned(),
        authorities: None,
    })
}
