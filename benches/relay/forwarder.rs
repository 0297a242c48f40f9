//! A forwarder that is hyper and nothing else, with the gate's allocator and one worker as well: what
//! the gate takes more than this is its own.
//!
//! This program once more, in a process whose CPU can be told apart.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// The first word of its command line; the addresses to listen on and to forward to follow.
pub const COMMAND: &str = "forward";

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Forwards until the process is ended.
pub fn run(address: SocketAddr, store: SocketAddr) -> std::io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(runtime.spawn(async move {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (client, _) = listener.accept().await?;
            tokio::spawn(forward(client, store));
        }
    }))?
}

/// Serves a client's connection by one of its own to the store.
async fn forward(client: TcpStream, store: SocketAddr) -> Option<()> {
    let store = TcpStream::connect(store).await.ok()?;
    client.set_nodelay(true).and_then(|()| store.set_nodelay(true)).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(store)).await.ok()?;
    tokio::spawn(connection);
    let sender: Arc<Mutex<SendRequest<Incoming>>> = Arc::new(Mutex::new(sender));
    let service = service_fn(|request: Request<Incoming>| {
        let sender = sender.clone();
        async move {
            let mut sender = sender.lock().await;
            sender.ready().await?;
            sender.send_request(request).await
        }
    });
    Builder::new().serve_connection(TokioIo::new(client), service).await.ok()
}
