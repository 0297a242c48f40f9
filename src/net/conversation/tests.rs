use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::MapErr;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::sync::oneshot;

use super::*;
use crate::config::Config;
use crate::net::downstream::Timeouts;
use crate::net::entrance::Entrance;
use crate::net::listener;

type Answered = Response<MapErr<Full<Bytes>, fn(Infallible) -> hyper::Error>>;
type Answering = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// Says which path was asked for.
fn echo(_: Client, request: Request<Incoming>, busy: Busy) -> Answering {
    Box::pin(async move {
        let _busy = busy;
        let path = Bytes::from(request.uri().path().to_owned());
        Response::new(Full::new(path).map_err((|never| match never {}) as fn(_) -> _))
    })
}

fn listener() -> Listener {
    let config = Config::parse("", Path::new("")).unwrap();
    Listener {
        socket: listener::bind("127.0.0.1:0".parse().unwrap()).unwrap(),
        entrance: Entrance::new(&config.listeners[0]).unwrap(),
        timeouts: Timeouts { header: PATIENCE, idle: PATIENCE },
        max_header_size: 16 * 1024,
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

async fn send(client: &mut DuplexStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

/// Reads one answer: the path that was asked for.
async fn answer(client: &mut DuplexStream) -> String {
    let (mut head, mut body) = (String::new(), vec![0; 2]);
    while !head.ends_with("\r\n\r\n") {
        head.push(client.read_u8().await.unwrap().into());
    }
    client.read_exact(&mut body).await.unwrap();
    String::from_utf8(body).unwrap()
}

/// The server's side of one connection.
struct Server {
    listener: Listener,
    activity: Arc<Activity>,
    stage: watch::Receiver<Stage>,
}

impl Server {
    fn new() -> (Self, watch::Sender<Stage>) {
        let (sender, stage) = watch::channel(Stage::Serving);
        (Server { listener: listener(), activity: Activity::new(), stage }, sender)
    }

    fn watch(&self, stream: DuplexStream) -> Watched<DuplexStream> {
        Watched::new(stream, self.activity.clone())
    }

    async fn talk(&mut self, stream: Watched<DuplexStream>) -> Option<Watched<DuplexStream>> {
        let peer = "127.0.0.1:1".parse().unwrap();
        self.listener.talk(stream, peer, &self.activity, &mut self.stage, &echo).await
    }

    async fn rest(&mut self, stream: &mut Watched<DuplexStream>) -> bool {
        self.listener.rest(stream, &self.activity, &mut self.stage).await
    }
}

/// A connection that has come to rest after one answer, its server and what tells it to end.
async fn at_rest() -> (DuplexStream, Watched<DuplexStream>, Server, watch::Sender<Stage>) {
    let (mut client, stream) = duplex(1024);
    let (mut server, stage) = Server::new();
    let stream = server.watch(stream);
    send(&mut client, &get("/1")).await;
    let quiet = server.talk(stream).await.expect("it comes to rest");
    assert_eq!(answer(&mut client).await, "/1");
    (client, quiet, server, stage)
}

/// However much of the next request has come with the last one, or comes first: no byte is lost,
/// and requests are answered in their order.
#[tokio::test]
async fn a_connection_at_rest_goes_on_where_it_was() {
    let second = get("/2");
    for cut in 0..second.len() {
        let (mut client, stream) = duplex(1024);
        let (mut server, _stage) = Server::new();
        let stream = server.watch(stream);
        let (rested, at_rest) = oneshot::channel();
        let (begun, rest) = second.split_at(cut);
        let asking = async {
            send(&mut client, &(get("/1") + begun)).await;
            assert_eq!(answer(&mut client).await, "/1");
            at_rest.await.unwrap();
            for byte in rest.chars() {
                send(&mut client, &byte.to_string()).await;
            }
            assert_eq!(answer(&mut client).await, "/2");
            drop(client);
        };
        let serving = async {
            let mut quiet = server.talk(stream).await.expect("it comes to rest");
            rested.send(()).unwrap();
            assert!(server.rest(&mut quiet).await, "a request follows");
            if let Some(mut quiet) = server.talk(quiet).await {
                assert!(!server.rest(&mut quiet).await, "nothing follows");
            }
        };
        tokio::join!(asking, serving);
    }
}

#[tokio::test]
async fn a_connection_at_rest_is_closed_at_its_deadline() {
    let (mut client, mut quiet, mut server, _stage) = at_rest().await;
    server.listener.timeouts.idle = REST_AFTER;
    assert!(!server.rest(&mut quiet).await);
    drop(quiet);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_at_rest_ends_when_draining() {
    let (mut client, mut quiet, mut server, stage) = at_rest().await;
    stage.send_replace(Stage::Draining);
    assert!(!server.rest(&mut quiet).await);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "it is told so");
}

#[tokio::test]
async fn a_connection_at_rest_ends_with_its_client() {
    let (client, mut quiet, mut server, _stage) = at_rest().await;
    drop(client);
    assert!(!server.rest(&mut quiet).await);
}
