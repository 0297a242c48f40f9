//! `s3bouncer demo`: a store, the gate in front of it and a list of one photo, in one process.

mod sign;
pub mod store;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::ExitCode;
use super::run;
use crate::config::Config;
use crate::digest::{Algorithm, AlgorithmSet, Kernel, MultiHasher};
use crate::net::listener::Stage;
use crate::ops::node::Node;

const ACCESS_KEY: &str = "demo";
const SECRET_KEY: &str = "demo-secret-key";

/// The photo on the demo's list, and one that is not. Both public domain; see tests/data.
const LISTED: (&str, &[u8]) =
    ("listed.jpg", include_bytes!("../../../tests/data/notocactus-minimus.jpg"));
const OTHER: (&str, &[u8]) =
    ("other.jpg", include_bytes!("../../../tests/data/polemonium-reptans.jpg"));

/// Runs the demo until Ctrl-C.
pub fn demo(listen: SocketAddr) -> ExitCode {
    let outcome = tokio::runtime::Runtime::new()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(run_in_folder(listen)));
    match outcome {
        Ok(()) => ExitCode::Success,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::Failure
        }
    }
}

/// The demo's own folder: gone when the demo is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("s3bouncer-demo-{}", std::process::id()));
        for part in ["store/photos", "state"] {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))?;
        }
        Ok(Folder(path))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn run_in_folder(listen: SocketAddr) -> Result<(), String> {
    // Installed before anything is made, so that an early Ctrl-C cleans up too.
    let mut signals = run::Signals::new().map_err(|error| error.to_string())?;
    let folder = Folder::new()?;
    tokio::select! {
        ended = play(listen, &folder) => ended,
        () = signals.stop() => {
            println!("\nStopping; {} is removed.", folder.0.display());
            Ok(())
        }
    }
}

async fn play(listen: SocketAddr, folder: &Folder) -> Result<(), String> {
    let store = start_store(folder).await?;
    let (node, address) = start_gate(folder, listen, store).await?;
    let listed = folder.write(LISTED.0, LISTED.1)?;
    let other = folder.write(OTHER.0, OTHER.1)?;
    println!("{}", introduction(address, store, &listed, &other));
    for (name, photo) in [OTHER, LISTED] {
        let status = upload(address, name, photo).await?;
        let stored = folder.0.join("store/photos").join(name).exists();
        println!("{}", verdict(name, status, stored));
    }
    println!("\nAudit records: {}", node.config().audit.path.display());
    println!("Ctrl-C stops the demo and removes its folder.");
    std::future::pending::<()>().await;
    Ok(())
}

async fn start_store(folder: &Folder) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let directory = folder.0.join("store");
    tokio::spawn(async move {
        if let Err(error) = store::serve(listener, &directory, ACCESS_KEY, SECRET_KEY, None).await {
            eprintln!("demo store: {error}");
        }
    });
    Ok(address)
}

async fn start_gate(
    folder: &Folder,
    listen: SocketAddr,
    store: SocketAddr,
) -> Result<(Arc<Node>, SocketAddr), String> {
    let mut hasher = MultiHasher::new(AlgorithmSet::NONE.with(Algorithm::Sha256), Kernel::Auto);
    hasher.update(LISTED.1);
    let digest = hasher.finish().sha256.map(|digest| digest.to_string()).unwrap_or_default();
    folder.write("list.txt", format!("# the photo {}\n{digest}\n", LISTED.0).as_bytes())?;
    let text = configuration(listen, store);
    let path = folder.write("s3bouncer.toml", text.as_bytes())?;
    let config = Config::parse(&text, &folder.0).map_err(|errors| errors.to_string())?;
    let listener = run::open(&config)
        .map(|listeners| listeners.into_iter().next())
        .map_err(|error| format!("{error} (another address: s3bouncer demo --listen ADDR)"))?
        .ok_or("no listener")?;
    let address = listener.socket.local_addr().map_err(|error| error.to_string())?;
    let doors = run::Doors::open(&config)?;
    let node = Node::start(config, path, vec![listener.entrance.clone()])
        .await
        .map_err(|error| error.to_string())?;
    doors.serve(&node);
    // Dropped with the process: the demo drains nothing.
    let (stage, staged) = watch::channel(Stage::Serving);
    let serving = node.clone();
    tokio::spawn(async move {
        run::accept(listener, serving, staged).await;
        drop(stage);
    });
    Ok((node, address))
}

fn configuration(listen: SocketAddr, store: SocketAddr) -> String {
    format!(
        r#"[listener]
address = "{listen}"

[upstream]
endpoint = "http://{store}"

[[list]]
name     = "sample"
source   = "list.txt"
format   = "plain"
hash     = "sha256"
polarity = "block"
mode     = "enforce"

[[bucket]]
match = "*"
mode  = "enforce"

[refusal]
contact = "abuse@example.org"

[admin]
address = ""
"#
    )
}

fn introduction(gate: SocketAddr, store: SocketAddr, listed: &Path, other: &Path) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "s3bouncer demo

  gate        http://{gate}   (bucket \"photos\")
  store       http://{store}   (behind the gate)
  access key  {ACCESS_KEY}
  secret key  {SECRET_KEY}

Try it. This passes:

  {pass}

and this is refused:

  {refused}

The same with the aws cli:

  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION=us-east-1
  aws --endpoint-url http://{gate} s3 cp {other} s3://photos/
  aws --endpoint-url http://{gate} s3 cp {listed} s3://photos/

The demo tries both itself:
",
        pass = curl(gate, other),
        refused = curl(gate, listed),
        other = other.display(),
        listed = listed.display(),
    );
    text
}

fn curl(gate: SocketAddr, photo: &Path) -> String {
    format!(
        "curl -i --aws-sigv4 aws:amz:us-east-1:s3 --user {ACCESS_KEY}:{SECRET_KEY} \
         -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -T {} http://{gate}/photos/",
        photo.display()
    )
}

fn verdict(name: &str, status: StatusCode, stored: bool) -> String {
    let object = if stored { "the store has it" } else { "the store has no such object" };
    format!("  {name:<11} -> {status}, {object}")
}

async fn upload(gate: SocketAddr, name: &str, photo: &'static [u8]) -> Result<StatusCode, String> {
    let failed = |error: &dyn std::fmt::Display| format!("uploading {name}: {error}");
    let stream = TcpStream::connect(gate).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(Method::PUT)
        .uri(format!("/photos/{name}"))
        .header(HOST, gate.to_string())
        .header(CONTENT_LENGTH, photo.len())
        .body(Full::new(Bytes::from_static(photo)))
        .map_err(|error| failed(&error))?;
    sign::sign(&mut request, ACCESS_KEY, SECRET_KEY, SystemTime::now())
        .map_err(|error| failed(&error))?;
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    Ok(response.status())
}
