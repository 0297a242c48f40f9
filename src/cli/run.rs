//! `s3bouncer run`: a table of contents of the process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ExitCode;
use crate::config::{self, Config};
use crate::net::downstream::Timeouts;
use crate::net::entrance::Entrance;
use crate::net::listener::{self, Listener, Stage};
use crate::ops::admin::{self, Admin};
use crate::ops::log;
use crate::ops::node::{Node, read_config};
use crate::proxy::service;

/// How long the audit writer may take to write what is left.
const AUDIT_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the gate with a configuration file until it is told to stop.
pub fn run(path: &Path) -> ExitCode {
    let config = match read_config(path) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::Usage;
        }
    };
    if let Err(error) = log::init(config.log.format, config.log.level) {
        eprintln!("log: {error}");
        return ExitCode::Failure;
    }
    let runtime = match runtime(&config) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::Failure;
        }
    };
    match runtime.block_on(serve(config, path)) {
        Ok(()) => ExitCode::Success,
        Err(error) => {
            tracing::error!(error, "cannot run");
            ExitCode::Failure
        }
    }
}

fn runtime(config: &Config) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = config.runtime.workers {
        builder.worker_threads(workers.get());
    }
    builder.enable_all().thread_name("s3bouncer").build()
}

async fn serve(config: Config, path: &Path) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("signals: {error}"))?;
    let listeners = open(&config)?;
    let entrances = listeners.iter().map(|listener| listener.entrance.clone()).collect();
    let doors = Doors::open(&config)?;
    let node =
        Node::start(config, path.to_path_buf(), entrances).await.map_err(|e| e.to_string())?;
    doors.serve(&node);
    let (stage, staged) = watch::channel(Stage::Serving);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, node.clone(), staged.clone()));
    }
    drop(staged);
    announce(&node);
    let mut drain = node.drain_signal();
    loop {
        tokio::select! {
            _ = drain.wait_for(|&drain| drain) => break,
            told = signals.next() => match told {
                Told::Stop => break,
                // A reload takes its time, and a stop must not wait for it.
                Told::Reload => drop(tokio::spawn(reload(node.clone()))),
            },
        }
    }
    node.begin_drain();
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!(connections = node.open_connections(), "draining");
    let (grace, deadline) = node.config().drain();
    tokio::select! {
        () = drained(&node, grace, &stage) => tracing::info!("drained"),
        () = tokio::time::sleep(deadline) => tracing::warn!("the drain deadline has passed"),
        () = signals.stop() => tracing::warn!("told again to stop: now"),
    }
    // What is still under way ends here, and says so in its record.
    node.gate.begin_ending();
    stage.send_replace(Stage::Ending);
    accepting.abort_all();
    let written = async {
        node.connections_ended().await;
        node.audit.settled().await;
    };
    if tokio::time::timeout(AUDIT_PATIENCE, written).await.is_err() {
        tracing::error!("audit records may be missing");
    }
    Ok(())
}

/// Load balancers may send requests for a while after readyz has turned: they are still accepted.
async fn drained(node: &Node, grace: Duration, stage: &watch::Sender<Stage>) {
    tokio::time::sleep(grace).await;
    stage.send_replace(Stage::Draining);
    node.connections_ended().await;
}

/// Serves clients until `stage` says otherwise.
pub(super) async fn accept(listener: Listener, node: Arc<Node>, stage: watch::Receiver<Stage>) {
    let gate = node.gate.clone();
    listener
        .accept(stage, move |client, request, busy| {
            let answering = service::serve(gate.clone(), client, request);
            answering.map(|answer| answer.map(|body| body.guarded(busy)))
        })
        .await;
}

/// Opens the listeners that the configuration names, in its order. All or none.
pub(super) fn open(config: &Config) -> Result<Vec<Listener>, String> {
    let open = |settings: &config::Listener| {
        let address = settings.address;
        Ok(Listener {
            entrance: Entrance::new(settings).map_err(|error| error.to_string())?,
            socket: listener::bind(address).map_err(|error| format!("{address}: {error}"))?,
            timeouts: Timeouts { header: settings.header_timeout, idle: settings.idle_timeout },
            max_header_size: settings.max_header_size,
        })
    };
    config.listeners.iter().map(open).collect()
}

/// The operator's doors.
pub(super) struct Doors {
    address: Option<TcpListener>,
    socket: tokio::net::UnixListener,
}

impl Doors {
    /// Opens both.
    pub(super) fn open(config: &Config) -> Result<Self, String> {
        let bind = |address| listener::bind(address).map_err(|e| format!("{address}: {e}"));
        let path = &config.admin.socket;
        let socket = admin::bind_socket(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Doors { address: config.admin.address.map(bind).transpose()?, socket })
    }

    /// Serves both in the background.
    pub(super) fn serve(self, node: &Arc<Node>) {
        let admin = Admin::new(node.clone());
        if let Some(address) = self.address {
            tokio::spawn(admin.clone().serve_address(address));
        }
        tokio::spawn(admin.serve_socket(self.socket));
    }
}

fn announce(node: &Node) {
    let config = node.config();
    let listeners = config.listeners.iter().map(|listener| {
        let scheme = if listener.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", listener.address)
    });
    let lists = node.standings();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listeners = listeners.collect::<Vec<_>>().join(" "),
        upstreams = %endpoints(&config),
        lists = lists.len(),
        entries = lists.iter().map(|list| list.entries).sum::<u64>(),
        enforcing = node.gate.view.load().enforces_anywhere(),
        "serving"
    );
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

fn endpoints(config: &Config) -> String {
    let endpoints: Vec<String> =
        config.upstreams.iter().map(|upstream| upstream.endpoint.to_string()).collect();
    endpoints.join(" ")
}

/// What the process is told by signals.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Listens for them.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            () = wait_any(&mut self.terminate, &mut self.interrupt) => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    /// Waits until the process is told to stop.
    pub(super) async fn stop(&mut self) {
        wait_any(&mut self.terminate, &mut self.interrupt).await;
    }
}

enum Told {
    Stop,
    Reload,
}

async fn wait_any(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

async fn reload(node: Arc<Node>) {
    node.reload(vec![]).await;
}
