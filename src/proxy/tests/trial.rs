//! One upload through the real service, and one fault.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::case::{Case, Guard, HOLD_BACK, SMALL_BODY_MAX, payload};
use super::client::upload;
use super::store::{Reply, Store, Wire};
use crate::config;
use crate::decode::{Launch, Pool, Terms};
use crate::digest::{Algorithm, AlgorithmSet, Kernel, MultiHasher};
use crate::image;
use crate::list::{Entry, Part, Snapshot, compile};
use crate::net::budget::Budget;
use crate::net::downstream::{Client, Pace};
use crate::net::upstream::{Options, Upstream};
use crate::policy::{
    BucketRule, Exceptions, ListRule, Mode, OnFault, OnUnjudged, Polarity, Rulebook,
};
use crate::proxy::faults;
use crate::proxy::gate::{Decode, Gate, Inspect, Settings, View};
use crate::proxy::meters::Meters;
use crate::proxy::parts::Parts;
use crate::proxy::record::{AuditFeed, AuditPort, NodeFacts, Record};
use crate::proxy::service;
use crate::proxy::stores::{self, Stores};
use crate::state::{Place, State, StateOptions};

/// After so long a trial hangs. Nothing in a trial waits for a time to pass.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes between client and gate: few, so that a body takes many polls.
const LINE_BYTES: usize = 8 * 1024;

/// What strikes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    /// The service is dropped after so many polls; its connection ends in an error.
    pub drop_after: Option<usize>,
    /// The client's connection is dropped, with all in it, after so many polls.
    pub cancel_after: Option<usize>,
    /// A panic at the place with this number.
    pub panic_at: Option<usize>,
    /// The client vanishes.
    pub gone: Option<Gone>,
    /// The client sends no more than so many bytes, and waits.
    pub stalls_after: Option<usize>,
}

/// A client that vanishes.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// After so many bytes of its request.
    pub after: usize,
    /// By a reset, else by a close.
    pub reset: bool,
    /// Whether the gate lets clients close their half, as its listener does; else hyper drops the
    /// service as soon as it sees the end.
    pub half_close: bool,
}

/// All that could be seen of one trial.
#[derive(Debug)]
pub struct Seen {
    pub case: Case,
    #[expect(dead_code, reason = "shown where a trial fails")]
    pub fault: Fault,
    /// The store's connections, in the order in which they were made.
    pub store: Vec<Wire>,
    pub records: Vec<Record>,
    /// Status and body of the final answer, if the client got one.
    pub told: Option<(u16, String)>,
    /// The places that were passed.
    pub passed: Vec<&'static str>,
    /// Whether the service was dropped, or its connection was, before it was through.
    pub cut: bool,
    /// Whether the service was polled at all.
    pub begun: bool,
    pub panics: u64,
    /// Bytes still reserved in the end.
    pub reserved: u64,
}

impl Seen {
    /// Whether the token was spent.
    pub fn committed(&self) -> bool {
        self.passed.contains(&"committed")
    }

    /// The messages with a body that came whole.
    pub fn complete(&self) -> usize {
        self.store.iter().flat_map(|wire| &wire.messages).filter(|message| message.complete).count()
    }
}

/// Runs `trials` on a runtime of its own, all on this thread.
pub fn run<T>(trials: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trials)
}

/// One trial with a store that takes everything.
pub async fn trial(case: Case, fault: Fault) -> Seen {
    trial_with(Reply::Ok, case, fault).await
}

/// One trial.
pub async fn trial_with(reply: Reply, case: Case, fault: Fault) -> Seen {
    let trying = async {
        let store = Store::start(reply).await;
        let bench = Bench::new(store.address);
        faults::arm(fault.panic_at);
        let (client, line) = tokio::io::duplex(LINE_BYTES);
        let serving = converse(bench.gate.clone(), line, fault);
        let (served, told) = tokio::join!(serving, upload(client, &case, fault));
        bench.close(case, fault, store, served, told).await
    };
    match tokio::time::timeout(PATIENCE, trying).await {
        Ok(seen) => seen,
        Err(_) => panic!("{case:?} with {fault:?} hangs; passed {:?}", faults::disarm()),
    }
}

/// A gate of its own for each trial, so that all that belongs to it is over when it is.
pub struct Bench {
    pub gate: Arc<Gate>,
    pub feed: AuditFeed,
    pub meters: Arc<Meters>,
    budget: Arc<Budget>,
    _directory: tempfile::TempDir,
}

/// State in a directory of the trial's own.
fn parts(directory: &tempfile::TempDir) -> Arc<Parts> {
    let place = Place::Directory(directory.path().join("parts"));
    let state = State::open(&StateOptions::new(place)).unwrap();
    Arc::new(Parts::new(Arc::new(state), Duration::ZERO, PATIENCE))
}

impl Bench {
    pub fn new(store: SocketAddr) -> Bench {
        Bench::with_workers(store, Launch::program("/nowhere"))
    }

    /// One whose images are decoded by these.
    pub fn with_workers(store: SocketAddr, launch: Launch) -> Bench {
        let stores = alone(store);
        let exceptions = Arc::new(NoExceptions);
        let view =
            View::new(stores, rulebook(), vec![rule()], exceptions, settings(), Default::default());
        let (meters, budget) = (Arc::new(Meters::new()), Budget::new(256 << 20));
        let (port, feed) = AuditPort::new(8, NodeFacts::default());
        let directory = tempfile::tempdir().unwrap();
        let parts = parts(&directory);
        let pool = Pool::new(launch, NonZeroUsize::MIN, meters.decode.clone()).unwrap();
        let gate = Gate::new(view, budget.clone(), meters.clone(), port, parts, pool);
        Bench { gate, feed, meters, budget, _directory: directory }
    }

    /// Waits until all that the trial began has ended, and tells what is left of it.
    pub async fn close(
        self,
        case: Case,
        fault: Fault,
        store: Store,
        served: Served,
        told: Option<(u16, String)>,
    ) -> Seen {
        let Bench { gate, mut feed, meters, budget, _directory } = self;
        // The queue ends when nobody is left who could write a record.
        drop(gate);
        let mut records = Vec::new();
        while let Some(filed) = feed.queue.recv().await {
            records.push(*filed.record);
        }
        let store = store.stop().await;
        let (panics, reserved) = (meters.panics.get(), budget.used());
        let Served { cut, begun } = served;
        let passed = faults::disarm();
        Seen { case, fault, store, records, told, passed, cut, begun, panics, reserved }
    }
}

pub fn upstream(store: SocketAddr) -> Arc<Upstream> {
    let options = Options {
        host: store.ip().to_string(),
        port: store.port(),
        tls: None,
        connect_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        max_idle: 4,
        resolve_interval: PATIENCE,
    };
    Upstream::new(options, Default::default())
}

/// A store that gets everything.
fn alone(store: SocketAddr) -> Stores {
    let mut config = config::Config::parse("", Path::new("")).unwrap();
    let config = config::Upstream { response_timeout: PATIENCE, ..config.upstreams.remove(0) };
    Stores::new(vec![Arc::new(stores::Store {
        config,
        upstream: upstream(store),
        own: None,
        clients: None,
    })])
}

fn settings() -> Settings {
    Settings {
        capture_max: 1 << 20,
        small_body_max: SMALL_BODY_MAX as u64,
        hold_back: HOLD_BACK as u64,
        drain_bytes: 1 << 20,
        drain_time: PATIENCE,
        kernel: Kernel::default(),
        denial: "made up".to_owned(),
        inspect: Inspect {
            archives: false,
            documents: false,
            limits: Default::default(),
            archive_max: 1 << 20,
        },
        decode: Decode {
            terms: Terms {
                limits: image::Limits::DEFAULT,
                time: PATIENCE,
                wait: PATIENCE,
                queue: 1,
            },
            pictures_max: 2,
            time: PATIENCE,
        },
    }
}

fn rule() -> config::BucketRule {
    let rule = BucketRule {
        mode: Mode::Enforce,
        lists: vec![0],
        unjudged: OnUnjudged::Forward,
        by_reason: Default::default(),
        faults: OnFault::Retry,
        surface: Default::default(),
    };
    config::BucketRule { pattern: config::Glob::everything(), rule }
}

/// One block list with the listed payloads of both guards.
fn rulebook() -> Rulebook {
    static SNAPSHOT: OnceLock<Arc<Snapshot>> = OnceLock::new();
    let snapshot = SNAPSHOT.get_or_init(|| {
        let entries = [Guard::Whole, Guard::Tail].map(|guard| entry(payload(guard, true)));
        let mut bytes = Vec::new();
        compile(&[Part { name: "police", entries: &entries }], &mut bytes).unwrap();
        Arc::new(Snapshot::from_bytes(bytes).unwrap())
    });
    let (polarity, mode) = (Polarity::Block, Mode::Enforce);
    let list =
        ListRule { name: "police".into(), polarity, mode, loaded: true, stale: false, near: None };
    Rulebook::new(Some(snapshot.clone()), vec![0], vec![list])
}

fn entry(body: &[u8]) -> Entry {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::default());
    hasher.update(body);
    Entry { hash: hasher.finish().of(Algorithm::Sha256).unwrap().into(), label: None }
}

struct NoExceptions;

impl Exceptions for NoExceptions {
    fn observes(&self, _: &str, _: &str) -> bool {
        false
    }

    fn is_disabled(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// What became of the gate's side of the conversation.
#[derive(Debug)]
pub struct Served {
    pub cut: bool,
    pub begun: bool,
}

/// Serves the client as the gate's listener does, unless a fault strikes.
pub async fn converse(gate: Arc<Gate>, line: DuplexStream, fault: Fault) -> Served {
    let (cut, begun) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let service = service_fn({
        let (cut, begun) = (cut.clone(), begun.clone());
        move |request| {
            begun.set(true);
            let address = SocketAddr::from(([192, 0, 2, 1], 4711));
            let client = Client { address, pace: Pace::default() };
            let serving = service::serve(gate.clone(), client, request);
            let serving = Dropped::new(serving, fault.drop_after, &cut);
            async move { serving.await.ok_or_else(|| io::Error::other("dropped")) }
        }
    });
    let line = Line { line, resets: fault.gone.is_some_and(|gone| gone.reset) };
    let connection = http1::Builder::new()
        .half_close(fault.gone.is_none_or(|gone| gone.half_close))
        .preserve_header_case(true)
        .auto_date_header(false)
        .header_read_timeout(None)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(line), service);
    // How it ends, its request's record tells.
    let _ = Dropped::new(connection, fault.cancel_after, &cut).await;
    Served { cut: cut.get(), begun: begun.get() }
}

/// A future that is dropped after so many polls, in the middle of what it does.
struct Dropped<F> {
    future: Option<Pin<Box<F>>>,
    left: Option<usize>,
    cut: Rc<Cell<bool>>,
}

impl<F> Dropped<F> {
    fn new(future: F, polls: Option<usize>, cut: &Rc<Cell<bool>>) -> Self {
        Dropped { future: Some(Box::pin(future)), left: polls, cut: cut.clone() }
    }

    fn cut(&mut self) {
        self.future = None;
        self.cut.set(true);
    }
}

impl<F: Future> Future for Dropped<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.get_mut();
        if this.left != Some(0) {
            let future = this.future.as_mut().expect("it is not polled after its end");
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        this.left = this.left.map(|left| left.saturating_sub(1));
        if this.left != Some(0) {
            return Poll::Pending;
        }
        this.cut();
        Poll::Ready(None)
    }
}

/// The gate's end of a client's connection, which may end in a reset.
struct Line {
    line: DuplexStream,
    resets: bool,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.line).poll_read(cx, buffer))?;
        match self.resets && buffer.filled().len() == before {
            true => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}
