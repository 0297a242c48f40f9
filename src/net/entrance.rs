//! What of a listener a reload changes, and what is counted there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::downstream::Pace;
use super::listener::Connections;
use super::proxies::Proxies;
use super::tls::Tls;
use crate::config;

/// One listener, as its node knows it.
pub struct Entrance {
    /// What the log and metrics call it.
    pub name: String,
    /// Where it was configured to listen.
    pub address: SocketAddr,
    /// Client connections.
    pub connections: Arc<Connections>,
    /// Connections that did not become one of HTTP.
    pub refused: Tallies,
    tls: ArcSwapOption<Tls>,
    terms: ArcSwap<Terms>,
}

/// What holds for a listener's clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who is believed when naming a client.
    pub proxies: Proxies,
    /// Whether each connection begins with a PROXY header.
    pub announced: bool,
    /// How fast a body has to come.
    pub pace: Pace,
}

/// Why a connection was closed before its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There were as many as may be.
    Full,
    /// A PROXY header was due, and whoever connected is no trusted proxy.
    Stranger,
    /// What came, or did not come in time, is no PROXY header.
    Header,
    /// There was no TLS handshake: plain HTTP, no version or certificate in common, silence.
    Handshake,
}

/// Numbers of refusals.
#[derive(Debug, Default)]
pub struct Tallies([AtomicU64; Refusal::ALL.len()]);

impl Entrance {
    /// An entrance as configured.
    ///
    /// # Errors
    /// Its certificates can't be used.
    pub fn new(settings: &config::Listener) -> io::Result<Arc<Self>> {
        let tls = settings.tls.as_ref().map(Tls::read).transpose()?;
        Ok(Arc::new(Entrance {
            name: settings.name(),
            address: settings.address,
            connections: Connections::new(settings.max_connections as i64),
            refused: Tallies::default(),
            tls: ArcSwapOption::new(tls.map(Arc::new)),
            terms: ArcSwap::from_pointee(Terms::of(settings)),
        }))
    }

    /// Takes what a reload can change, for connections and requests from now on.
    ///
    /// # Errors
    /// The certificates can't be used: those before go on serving. All else is taken.
    pub fn reload(&self, settings: &config::Listener) -> io::Result<()> {
        self.terms.store(Arc::new(Terms::of(settings)));
        match (self.tls(), &settings.tls) {
            (Some(tls), Some(settings)) => tls.reload(settings)?,
            (None, Some(settings)) => self.tls.store(Some(Arc::new(Tls::read(settings)?))),
            (_, None) => self.tls.store(None),
        }
        Ok(())
    }

    /// Its TLS, if it speaks that.
    pub fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.load_full()
    }

    /// What holds now.
    pub fn terms(&self) -> arc_swap::Guard<Arc<Terms>> {
        self.terms.load()
    }
}

impl Terms {
    fn of(settings: &config::Listener) -> Self {
        Terms {
            proxies: Proxies::new(settings.trusted_proxies.clone()),
            announced: settings.proxy_protocol.is_on(),
            pace: Pace { idle: settings.body_idle_timeout, min_rate: settings.body_min_rate },
        }
    }
}

impl Refusal {
    /// Each of them.
    pub const ALL: [Refusal; 4] =
        [Refusal::Full, Refusal::Stranger, Refusal::Header, Refusal::Handshake];

    /// Its word in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Refusal::Full => "full",
            Refusal::Stranger => "not-a-trusted-proxy",
            Refusal::Header => "proxy-header",
            Refusal::Handshake => "tls-handshake",
        }
    }
}

impl Tallies {
    /// Counts one.
    pub fn count(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were since the last call.
    pub fn take(&self, refusal: Refusal) -> u64 {
        self.0[refusal as usize].swap(0, Ordering::Relaxed)
    }
}
