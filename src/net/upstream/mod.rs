//! Connections to a store.
//!
//! A connection is driven by the task of the request that uses it, so that a request costs no
//! wake-up of another task, and whatever becomes of that task becomes of the connection: it goes
//! back to the pool only when an exchange has ended cleanly, else it is closed, and reset while a
//! body is under way.
//!
//! A store's name may have several addresses. [`places`] says which of them is used; here they are
//! looked up, reached, and reached again.

mod link;
mod places;
mod stream;
mod tls;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpStream;
use tokio::sync::Mutex as AsyncMutex;

pub use link::{Failed, Link, Reply};
use places::{Places, Unreached};
pub use stream::Fuse;
use stream::Stream;
pub use tls::Tls;

use super::clock::{coarse_elapsed, coarse_now};

/// Bytes that a connection may buffer in each direction before it takes no more of a body. hyper's
/// default is 408 KiB, which a few thousand active uploads would turn into gigabytes.
pub const BUFFER_BYTES: usize = 128 * 1024;

/// Headers that a message may have. SDKs with much metadata send more than hyper's default of 100.
pub const HEADERS_MAX: usize = 256;

/// Addresses among which the time for one connection is shared. Those that say no at once take none
/// of it, so that more may be tried.
const SHARES_MAX: usize = 4;

/// How long the resolver is left alone after a question, however many connections fail.
const LOOK_UP_PAUSE: Duration = Duration::from_secs(1);

/// How a store is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How it is known, where TLS is spoken with it.
    pub tls: Option<Tls>,
    /// How long a connection may take to be established, at whichever address.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept; below the store's own idle timeout.
    pub idle_timeout: Duration,
    /// Unused connections kept at most.
    pub max_idle: usize,
    /// Age from which the addresses of a name are looked up anew.
    pub resolve_interval: Duration,
}

/// What is counted of a store. Handles: clones count together.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// Connections that are open.
    pub connections: Gauge,
    /// Addresses that could not be reached, each time.
    pub connect_failures: Counter,
}

/// A store, its addresses, and the idle connections to them.
#[derive(Debug)]
pub struct Upstream {
    options: Options,
    meters: Meters,
    places: Mutex<Places<Idle>>,
    /// Held while the name is looked up: one question at a time.
    lookup: Arc<AsyncMutex<Lookup>>,
    resolver: Resolver,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    /// By the coarse clock.
    since: Duration,
}

/// The last question to the resolver.
#[derive(Debug, Default)]
struct Lookup {
    asked: Option<Instant>,
    failed: bool,
}

/// Who knows the addresses of a name.
#[derive(Debug)]
enum Resolver {
    /// The host is an address.
    Nobody,
    /// The system: what getaddrinfo says. It does not tell how long that holds.
    System,
    /// A test.
    #[cfg(test)]
    Scripted(Mutex<Option<Vec<SocketAddr>>>),
}

impl Upstream {
    /// A store without connections yet.
    pub fn new(options: Options, meters: Meters) -> Arc<Self> {
        let (mut places, mut resolver) = (Places::new(), Resolver::System);
        if let Ok(address) = options.host.parse::<IpAddr>() {
            places.set(&[SocketAddr::new(address, options.port)]);
            resolver = Resolver::Nobody;
        }
        let (places, lookup) = (Mutex::new(places), Arc::default());
        Arc::new(Upstream { options, meters, places, lookup, resolver })
    }

    /// How it is reached.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Its addresses as far as they are known, and whether each could be reached when it was last
    /// tried.
    pub fn standing(&self) -> Vec<(SocketAddr, bool)> {
        self.lock().standing()
    }

    /// A connection that was used before and still stands, if there is one at the address whose
    /// turn it is.
    pub fn reuse(&self) -> Option<Link> {
        loop {
            let Idle { mut link, since } = self.lock().take_next()?;
            if coarse_elapsed(since) < self.options.idle_timeout && link.is_ready() {
                link.set_reused();
                return Some(link);
            }
        }
    }

    /// A connection: one that was used before, unless it has to be `fresh`, or else a new one.
    ///
    /// # Errors
    /// As for [`Upstream::connect`].
    pub async fn link(self: &Arc<Self>, fresh: bool) -> io::Result<Link> {
        let kept = if fresh { None } else { self.reuse() };
        match kept {
            Some(link) => Ok(link),
            // In a box: most requests need no room for it.
            None => Box::pin(self.connect()).await,
        }
    }

    /// A new connection, at the address whose turn it is or else at another.
    ///
    /// # Errors
    /// The name does not resolve, or nobody accepts within the connect timeout.
    pub async fn connect(self: &Arc<Self>) -> io::Result<Link> {
        let deadline = Instant::now() + self.options.connect_timeout;
        if self.lock().is_empty() {
            within(deadline, self.first_look_up()).await?;
        }
        let candidates = self.lock().candidates();
        let mut error = io::Error::from(io::ErrorKind::TimedOut);
        for (tried, &address) in candidates.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let shares = SHARES_MAX.min(candidates.len() - tried);
            match self.reach(address, left / shares as u32).await {
                Ok(link) => return Ok(link),
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// Takes back a connection whose exchange has ended cleanly; closes it where it has not.
    pub fn give_back(&self, mut link: Link) {
        // Where it says so already, nothing has to be looked at.
        if !link.takes_another() {
            link.stir();
        }
        if link.is_ready() {
            self.keep(link);
        }
    }

    /// What is to be done every second, within a runtime: closes connections that have been idle for
    /// too long, looks the name up anew when its answer has aged, and tries the addresses that have
    /// been aside for long enough, so that no request has to.
    pub fn tend(self: &Arc<Self>) {
        self.reap();
        let interval = self.options.resolve_interval;
        let is_old = |lookup: &Lookup| lookup.asked.is_none_or(|asked| asked.elapsed() >= interval);
        if self.lookup.try_lock().is_ok_and(|lookup| is_old(&lookup)) {
            self.look_up_later();
        }
        let due = self.lock().due(Instant::now());
        for address in due {
            let upstream = self.clone();
            tokio::spawn(async move {
                let patience = upstream.options.connect_timeout;
                if let Ok(link) = upstream.reach(address, patience).await {
                    upstream.keep(link);
                }
            });
        }
    }

    fn keep(&self, link: Link) {
        let mut places = self.lock();
        if places.kept_count() < self.options.max_idle
            && let Some(idle) = places.kept(link.address())
        {
            idle.push(Idle { link, since: coarse_now() });
        }
    }

    fn reap(&self) {
        let mut expired: Vec<Idle> = Vec::new();
        for idle in self.lock().all_kept() {
            let fresh =
                idle.partition_point(|i| coarse_elapsed(i.since) >= self.options.idle_timeout);
            expired.extend(idle.drain(..fresh));
        }
        drop(expired); // closes sockets: not under the lock
    }

    /// Connects to one address, and notes what comes of it.
    async fn reach(self: &Arc<Self>, address: SocketAddr, patience: Duration) -> io::Result<Link> {
        // In a box of its own: room for a TLS handshake would stay in every request's task.
        let greeting = Box::pin(self.greet(address));
        let reached = match tokio::time::timeout(patience, greeting).await {
            Ok(reached) => reached,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        };
        let host = &self.options.host;
        match &reached {
            Ok(_) => {
                if self.lock().reached(address) {
                    tracing::info!(host, %address, "the store is back");
                }
            }
            Err(error) => {
                self.meters.connect_failures.inc();
                let Unreached { is_new, kept } = self.lock().failed(address, Instant::now());
                drop(kept); // closes sockets: not under the lock
                if is_new {
                    tracing::warn!(host, %address, %error, "the store can't be reached");
                }
                // It may be gone for good, and others have come.
                self.look_up_later();
            }
        }
        reached
    }

    async fn greet(&self, address: SocketAddr) -> io::Result<Link> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let stream = match &self.options.tls {
            None => Stream::Plain(socket),
            Some(tls) => Stream::Tls(Box::new(tls.connect(&self.options.host, socket).await?)),
        };
        Link::new(stream, address, self.meters.connections.clone()).await
    }

    /// Waits for the first answer to who has this name.
    async fn first_look_up(&self) -> io::Result<()> {
        let mut lookup = self.lookup.lock().await;
        // Others have waited for the same.
        if self.lock().is_empty() {
            self.look_up(&mut lookup).await?;
        }
        Ok(())
    }

    /// Looks the name up in the background, unless that is being done, or was just now.
    fn look_up_later(self: &Arc<Self>) {
        let Ok(mut lookup) = self.lookup.clone().try_lock_owned() else { return };
        let just_now = lookup.asked.is_some_and(|asked| asked.elapsed() < LOOK_UP_PAUSE);
        if just_now || matches!(self.resolver, Resolver::Nobody) {
            return;
        }
        let upstream = self.clone();
        tokio::spawn(async move {
            // What was known goes on serving.
            let _ = upstream.look_up(&mut lookup).await;
        });
    }

    async fn look_up(&self, lookup: &mut Lookup) -> io::Result<()> {
        lookup.asked = Some(Instant::now());
        let deadline = Instant::now() + self.options.connect_timeout;
        let answer = within(deadline, self.addresses()).await;
        let found = answer.and_then(|addresses| match addresses.is_empty() {
            true => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
            false => Ok(addresses),
        });
        let host = &self.options.host;
        match found {
            Ok(addresses) => {
                let gone = self.lock().set(&addresses);
                drop(gone); // closes sockets: not under the lock
                lookup.failed = false;
                Ok(())
            }
            Err(error) => {
                if !std::mem::replace(&mut lookup.failed, true) {
                    tracing::warn!(host, %error, "the store's name can't be looked up");
                }
                Err(error)
            }
        }
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.resolver {
            Resolver::Nobody => {
                Ok(self.standing().into_iter().map(|(address, _)| address).collect())
            }
            Resolver::System => {
                let Options { host, port, .. } = &self.options;
                Ok(tokio::net::lookup_host((host.as_str(), *port)).await?.collect())
            }
            #[cfg(test)]
            Resolver::Scripted(answer) => {
                let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
                answer.ok_or_else(|| io::Error::other("no answer"))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places<Idle>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn within<T>(deadline: Instant, doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout_at(deadline.into(), doing).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
    }
}

#[cfg(test)]
mod tests;
