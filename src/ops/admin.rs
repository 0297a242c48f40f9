//! The operator's door: figures and states for everybody on the read-only address, acts on the
//! socket that only the owner can open.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use super::bypass::{Scope, parse_date};
use super::entrances;
use super::metrics;
use super::node::Node;
use crate::proxy::stores::Store;

/// An act's text in bytes, at most.
const ACT_BYTES_MAX: usize = 64 * 1024;

/// Connections to either door at a time.
const CONNECTIONS_MAX: usize = 64;

/// How long a head may take here.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the operator's doors show.
pub struct Admin {
    node: Arc<Node>,
    registry: Registry,
    connections: Arc<Semaphore>,
}

/// Who is asking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Anybody who reaches the address: reads only.
    Address,
    /// Who may open the socket: everything.
    Socket,
}

type Page = Response<Full<Bytes>>;

impl Admin {
    /// The doors of `node`.
    pub fn new(node: Arc<Node>) -> Arc<Self> {
        let registry = metrics::registry(&node.gate.meters, env!("CARGO_PKG_VERSION"));
        Arc::new(Admin { node, registry, connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)) })
    }

    /// Serves reads on `listener`, until the process ends.
    pub async fn serve_address(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            self.clone().serve(stream, Door::Address).await;
        }
    }

    /// Serves everything on `listener`, until the process ends.
    pub async fn serve_socket(self: Arc<Self>, listener: UnixListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            self.clone().serve(stream, Door::Socket).await;
        }
    }

    async fn serve<S>(self: Arc<Self>, stream: S, door: Door)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(permit) = self.connections.clone().acquire_owned().await else { return };
        tokio::spawn(async move {
            let _permit = permit;
            let service = service_fn(move |request| {
                let admin = self.clone();
                async move { Ok::<_, Infallible>(admin.answer(request, door).await) }
            });
            // A broken connection is its client's affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }

    async fn answer(&self, request: Request<Incoming>, door: Door) -> Page {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match (method, path.as_str(), door) {
            (Method::GET, "/livez", _) => text(StatusCode::OK, "ok\n"),
            (Method::GET, "/readyz", _) => self.readiness(),
            (Method::GET, "/metrics", _) => self.metrics(),
            (Method::GET, "/status", _) => page(StatusCode::OK, &self.status(door)),
            (Method::POST, "/reload", Door::Socket) => self.act(request, Self::reload).await,
            (Method::POST, "/drain", Door::Socket) => self.drain().await,
            (Method::POST, "/observe", Door::Socket) => self.act(request, Self::observe).await,
            (Method::POST, "/disable", Door::Socket) => self.act(request, Self::disable).await,
            (Method::POST, _, Door::Address) => {
                let error = "this address is read-only: acts go to the admin socket";
                page(StatusCode::FORBIDDEN, &json!({ "error": error }))
            }
            _ => page(StatusCode::NOT_FOUND, &json!({ "error": "no such page" })),
        }
    }

    fn readiness(&self) -> Page {
        match (self.node.is_ready(), self.node.is_draining()) {
            (true, _) => text(StatusCode::OK, "ready\n"),
            (false, true) => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            (false, false) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "a list has never been loaded\n")
            }
        }
    }

    fn metrics(&self) -> Page {
        let mut page = Response::new(Full::from(metrics::encode(&self.registry)));
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        page.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
        page
    }

    fn status(&self, door: Door) -> Value {
        let (node, now) = (&self.node, SystemTime::now());
        let (config, view) = (node.config(), node.gate.view.load_full());
        let lists = node.standings().into_iter().zip(&config.lists).map(|(standing, list)| {
            let age = standing.age(now);
            json!({
                "name": list.name,
                "polarity": list.polarity.name(),
                "mode": list.mode.name(),
                "entries": standing.entries,
                "age_seconds": age.map(|age| age.as_secs()),
                "loaded": standing.made.is_some(),
                "error": standing.error,
            })
        });
        let acts = node.bypasses.current().active(now);
        let bypasses = match door {
            // Whoever reaches the address need not know which entry is off, and why.
            Door::Address => json!(acts.len()),
            Door::Socket => json!(acts),
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "config_hash": config.hash(),
            "last_reload_successful": !node.last_reload_failed(),
            "ready": node.is_ready(),
            "draining": node.is_draining(),
            "enforcing": view.enforces_anywhere(),
            "snapshot": view.rulebook.snapshot.as_ref().map(|s| s.id().to_owned()),
            "upstreams": view.stores.iter().map(|store| upstream(store)).collect::<Vec<_>>(),
            "lists": lists.collect::<Vec<_>>(),
            "bypasses": bypasses,
            "audit_healthy": node.gate.audit.healthy(),
            "listeners": entrances::status(&node.entrances),
            "connections": node.open_connections(),
            "capture": { "used": node.gate.budget.used(), "limit": node.gate.budget.limit() },
        })
    }

    async fn act<T, F>(
        &self,
        request: Request<Incoming>,
        act: impl FnOnce(Arc<Node>, T) -> F,
    ) -> Page
    where
        T: for<'de> Deserialize<'de>,
        F: Future<Output = Page>,
    {
        let Ok(body) = Limited::new(request.into_body(), ACT_BYTES_MAX).collect().await else {
            return failed(StatusCode::BAD_REQUEST, "the act's text can't be read");
        };
        match serde_json::from_slice(&body.to_bytes()) {
            Ok(order) => act(self.node.clone(), order).await,
            Err(error) => failed(StatusCode::BAD_REQUEST, error),
        }
    }

    async fn reload(node: Arc<Node>, order: ReloadOrder) -> Page {
        tracing::info!(accept = ?order.accept, "ctl reload");
        node.audit.note("reload", json!({ "accept": order.accept })).await;
        let reloaded = node.reload(order.accept).await;
        let status = if reloaded.errors.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
        page(status, &json!({ "errors": reloaded.errors }))
    }

    async fn drain(&self) -> Page {
        tracing::warn!("ctl drain");
        self.node.audit.note("drain", Value::Null).await;
        self.node.begin_drain();
        page(StatusCode::OK, &json!({ "draining": true }))
    }

    async fn observe(node: Arc<Node>, order: ObserveOrder) -> Page {
        let known = |list: &String| node.config().lists.iter().any(|l| l.name == *list);
        if order.list.as_ref().is_some_and(|list| !known(list)) {
            return failed(StatusCode::NOT_FOUND, "there is no such list");
        }
        let scope = match (order.list, order.bucket) {
            (None, None) => Scope::All,
            (Some(list), None) => Scope::List(list),
            (None, Some(bucket)) => Scope::Bucket(bucket),
            (Some(_), Some(_)) => {
                return failed(StatusCode::BAD_REQUEST, "either a list or a bucket");
            }
        };
        let lasts = Duration::from_secs(order.for_seconds);
        match node.bypasses.observe(scope, lasts, &order.reason, SystemTime::now()) {
            Ok(act) => {
                tracing::warn!(scope = ?act.scope, until = %act.until, reason = act.reason, "ctl observe");
                node.refresh();
                node.audit.note("observe", &act).await;
                page(StatusCode::OK, &json!({ "observe": act }))
            }
            Err(error) => failed(StatusCode::BAD_REQUEST, error),
        }
    }

    async fn disable(node: Arc<Node>, order: DisableOrder) -> Page {
        let Ok(until) = parse_date(&order.expires) else {
            return failed(StatusCode::BAD_REQUEST, "expires is no RFC 3339 date");
        };
        if !node.has_entry(&order.list, &order.entry).await {
            return failed(StatusCode::NOT_FOUND, "there is no such entry");
        }
        let (now, reason) = (SystemTime::now(), &order.reason);
        match node.bypasses.disable(&order.list, &order.entry, until, reason, now) {
            Ok(act) => {
                tracing::warn!(list = act.list, entry = act.entry, until = %act.until, reason = act.reason, "ctl disable");
                node.refresh();
                node.audit.note("disable", &act).await;
                page(StatusCode::OK, &json!({ "disabled": act }))
            }
            Err(error) => failed(StatusCode::BAD_REQUEST, error),
        }
    }
}

/// A store's part of the status.
fn upstream(store: &Store) -> Value {
    let address = |(address, is_up): (SocketAddr, bool)| json!({ "address": address.to_string(), "state": if is_up { "up" } else { "aside" } });
    let addresses: Vec<Value> = store.upstream.standing().into_iter().map(address).collect();
    json!({
        "name": store.config.name,
        "endpoint": store.config.endpoint.to_string(),
        "addresses": addresses,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReloadOrder {
    #[serde(default)]
    accept: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObserveOrder {
    for_seconds: u64,
    reason: String,
    list: Option<String>,
    bucket: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableOrder {
    list: String,
    entry: String,
    reason: String,
    expires: String,
}

/// Opens the socket for acts, for its owner only. One that an earlier process left behind is
/// replaced; one that is in use is not.
///
/// # Errors
/// The socket can't be made, or another process serves it.
pub fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AddrInUse));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    // Nobody else may get in between bind and chmod: the socket is made under a name of its own.
    let staged = path.with_extension("new");
    let _ = std::fs::remove_file(&staged);
    let listener = UnixListener::bind(&staged)?;
    std::fs::set_permissions(&staged, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&staged, path)?;
    Ok(listener)
}

fn text(status: StatusCode, text: &'static str) -> Page {
    let mut page = Response::new(Full::from(text));
    *page.status_mut() = status;
    page
}

fn failed(status: StatusCode, error: impl std::fmt::Display) -> Page {
    page(status, &json!({ "error": error.to_string() }))
}

fn page(status: StatusCode, value: &Value) -> Page {
    let mut page = Response::new(Full::from(format!("{value:#}\n")));
    *page.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    page.headers_mut().insert(http::header::CONTENT_TYPE, json);
    page
}
