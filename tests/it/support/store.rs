//! The recording store: it keeps every byte that comes and how each connection ended, and does with
//! a request what its script says.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::PATIENCE;
use super::http::{Decoder, Head};
use super::script::{Script, Step};
use super::wire::{Ending, Fill, Socket, Wire};

/// How often a store that waits looks whether it should stop.
const TICK: Duration = Duration::from_millis(50);

/// A request as the store saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its connection, counted from 0.
    pub connection: usize,
    /// Its head.
    pub head: Head,
    /// Its body without HTTP's framing. A store that is told to forget keeps none of it.
    pub body: Vec<u8>,
    /// How long the body has become.
    pub bytes: u64,
    /// Whether HTTP says that all of it has come: then there is an object.
    pub complete: bool,
}

impl Seen {
    /// The method.
    pub fn method(&self) -> &str {
        self.head.word(0)
    }

    /// The target, each byte as the character of its number.
    pub fn target(&self) -> &str {
        self.head.word(1)
    }

    fn writes(&self) -> bool {
        !matches!(self.method(), "GET" | "HEAD" | "DELETE" | "OPTIONS")
    }
}

/// Who ended a connection, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side.
    By(Ending),
    /// This store, as its script said.
    Script,
}

#[derive(Default)]
struct Log {
    requests: Vec<Seen>,
    connections: Vec<Option<End>>,
}

type Play = dyn Fn(&Seen) -> Script + Send + Sync;

struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
    stopping: AtomicBool,
    forgets: bool,
    tls: Option<Arc<ServerConfig>>,
    play: Box<Play>,
}

/// A store on a port of its own. Dropping it joins its threads, so that their panics are seen.
pub struct Store {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Store {
    /// A store that takes everything.
    pub fn ok() -> Self {
        Self::scripted(|_| Script::ok())
    }

    /// A store that takes everything, at this address.
    pub fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        Self::start(listener, None, Box::new(|_| Script::ok()), false)
    }

    /// A store that is reached over TLS.
    pub fn over_tls(
        config: ServerConfig,
        play: impl Fn(&Seen) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self::start(any_port(), Some(Arc::new(config)), Box::new(play), false)
    }

    /// A store that does the same with each request.
    pub fn always(script: Script) -> Self {
        Self::scripted(move |_| script.clone())
    }

    /// A store that chooses what to do by the request's head.
    pub fn scripted(play: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        Self::start(any_port(), None, Box::new(play), false)
    }

    /// A store that takes everything and keeps no bodies.
    pub fn forgetful() -> Self {
        Self::start(any_port(), None, Box::new(|_| Script::ok()), true)
    }

    fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        play: Box<Play>,
        forgets: bool,
    ) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
            forgets,
            tls,
            play,
        });
        let served = shared.clone();
        let acceptor = Some(std::thread::spawn(move || accept(&listener, &served)));
        Store { address, shared, acceptor }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request whose head has come so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log().requests.clone()
    }

    /// How many connections have been made so far.
    pub fn connections(&self) -> usize {
        self.shared.log().connections.len()
    }

    /// The writes that were complete: what would be objects now.
    pub fn objects(&self) -> Vec<Seen> {
        self.requests().into_iter().filter(|seen| seen.complete && seen.writes()).collect()
    }

    /// What `found` makes of the last request that it makes anything of.
    pub fn last<T>(&self, found: impl Fn(&Seen) -> Option<T>) -> Option<T> {
        self.shared.log().requests.iter().rev().find_map(found)
    }

    /// How many bytes of bodies have come, over all requests.
    pub fn body_bytes(&self) -> u64 {
        self.shared.log().requests.iter().map(|seen| seen.bytes).sum()
    }

    /// The request with this number, once its head has come.
    pub fn request(&self, number: usize) -> Seen {
        self.until("a request", |log| log.requests.get(number).cloned())
    }

    /// The request with this number, once all of it has come.
    pub fn complete(&self, number: usize) -> Seen {
        self.until("a complete request", |log| {
            log.requests.get(number).filter(|seen| seen.complete).cloned()
        })
    }

    /// Waits until so many bytes of a request's body have come.
    pub fn await_body(&self, number: usize, bytes: u64) {
        self.until("the body", |log| {
            log.requests.get(number).filter(|seen| seen.bytes >= bytes).map(|_| ())
        });
    }

    /// What has come of an upload that was cut off, once its connection has ended.
    pub fn torso(&self) -> Seen {
        self.until("a torso", |log| {
            let ended = |seen: &&Seen| log.connections[seen.connection].is_some();
            log.requests.iter().find(|seen| seen.bytes > 0 && ended(seen)).cloned()
        })
    }

    /// How a connection ended, once it has.
    pub fn end_of(&self, connection: usize) -> End {
        self.until("a connection's end", |log| log.connections.get(connection).copied().flatten())
    }

    fn until<T>(&self, what: &str, found: impl Fn(&Log) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut log = self.shared.log();
        loop {
            if let Some(found) = found(&log) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes: Vec<_> = log.requests.iter().map(|seen| seen.bytes).collect();
            assert!(!left.is_zero(), "the store waited in vain for {what}; it has {bytes:?}");
            let waited = self.shared.changed.wait_timeout(log, left);
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Wakes the acceptor, which then sees that it should stop.
        let _ = TcpStream::connect(self.address);
        let joined = self.acceptor.take().map(JoinHandle::join);
        if let Some(Err(panic)) = joined
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let changed = change(&mut self.log());
        self.changed.notify_all();
        changed
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.is_stopping() {
            break;
        }
        let number = shared.change(|log| {
            log.connections.push(None);
            log.connections.len() - 1
        });
        let shared = shared.clone();
        serving.push(std::thread::spawn(move || {
            let end = serve(&shared, wire(stream, shared.tls.as_ref()), number);
            shared.change(|log| log.connections[number] = end);
        }));
    }
    for connection in serving {
        connection.join().expect("a store's connection does not panic");
    }
}

fn any_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port is free")
}

impl Socket for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

fn wire(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> Wire {
    match tls {
        None => Wire::new(stream),
        Some(config) => {
            let session = ServerConnection::new(config.clone()).expect("a session");
            Wire::new(StreamOwned::new(session, stream))
        }
    }
}

/// Serves a connection to its end; none if the store stopped first.
fn serve(shared: &Shared, mut wire: Wire, connection: usize) -> Option<End> {
    loop {
        let head = loop {
            match wire.head(Instant::now() + TICK) {
                Ok(head) => break head,
                Err(Some(ending)) => return Some(End::By(ending)),
                Err(None) if shared.is_stopping() => return None,
                Err(None) => {}
            }
        };
        let mut exchange = Exchange::begin(shared, wire, connection, head);
        if let Err(stop) = exchange.play() {
            return match stop {
                Stop::Ended(end) => Some(end),
                Stop::Reset => {
                    exchange.wire.reset();
                    Some(End::Script)
                }
                Stop::Stopping => None,
            };
        }
        wire = exchange.wire;
    }
}

enum Stop {
    Ended(End),
    Reset,
    Stopping,
}

/// One request under way.
struct Exchange<'a> {
    shared: &'a Shared,
    wire: Wire,
    number: usize,
    decoder: Decoder,
    script: Script,
}

impl<'a> Exchange<'a> {
    fn begin(shared: &'a Shared, wire: Wire, connection: usize, head: Head) -> Self {
        let decoder = Decoder::new(head.request_framing());
        let complete = decoder.is_done();
        let seen = Seen { connection, head, body: Vec::new(), bytes: 0, complete };
        let script = (shared.play)(&seen);
        let number = shared.change(|log| {
            log.requests.push(seen);
            log.requests.len() - 1
        });
        Exchange { shared, wire, number, decoder, script }
    }

    fn play(&mut self) -> Result<(), Stop> {
        for step in std::mem::take(&mut self.script.0) {
            self.take(step)?;
        }
        self.read_until(u64::MAX)
    }

    fn take(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::ContinueIfAsked if !self.expects() => Ok(()),
            Step::ContinueIfAsked => self.send(b"HTTP/1.1 100 Continue\r\n\r\n"),
            Step::ReadBody => self.read_until(u64::MAX),
            Step::ReadBytes(bytes) => self.read_until(bytes),
            Step::Send(bytes) => self.send(&bytes),
            Step::Trickle(bytes) => bytes.chunks(1).try_for_each(|byte| self.send(byte)),
            Step::Wait(latch) => loop {
                match latch.wait(TICK) {
                    true => return Ok(()),
                    false if self.shared.is_stopping() => return Err(Stop::Stopping),
                    false => {}
                }
            },
            Step::Close => Err(Stop::Ended(End::Script)),
            Step::Reset => Err(Stop::Reset),
        }
    }

    fn expects(&self) -> bool {
        self.shared.log().requests[self.number].head.get("expect").is_some()
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.wire.send(bytes).map_err(|_| Stop::Ended(End::By(Ending::Rst)))
    }

    /// Reads on until the body has so many bytes, or ends.
    fn read_until(&mut self, bytes: u64) -> Result<(), Stop> {
        loop {
            let so_far = self.record();
            if self.decoder.is_done() || so_far >= bytes {
                return Ok(());
            }
            match self.wire.fill(TICK) {
                Fill::Ended(ending) => return Err(Stop::Ended(End::By(ending))),
                Fill::Nothing if self.shared.is_stopping() => return Err(Stop::Stopping),
                Fill::Nothing | Fill::More => {}
            }
        }
    }

    /// Moves what has come of the body into the log.
    fn record(&mut self) -> u64 {
        let Exchange { shared, wire, number, decoder, .. } = self;
        shared.change(|log| {
            let seen = &mut log.requests[*number];
            let taken = decoder.feed(&wire.buffer, |payload| {
                seen.bytes += payload.len() as u64;
                if !shared.forgets {
                    seen.body.extend_from_slice(payload);
                }
            });
            wire.buffer.drain(..taken);
            seen.complete = decoder.is_done();
            seen.bytes
        })
    }
}
