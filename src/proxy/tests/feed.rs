//! A body whose source is lost while its connection is driven on: the case that hyper would end
//! cleanly. And a naive body through the same oracle, which must find it out.

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::case::{Case, Framing, Guard};
use super::oracle::{Sin, check_store};
use super::store::{Reply, Store, Wire};
use super::trial::{PATIENCE, run, upstream};
use crate::net::body::{Feed, UpstreamBody};
use crate::proxy::exchange::Exchange;

/// Bytes that are fed at a time.
const PIECE: usize = 3000;

/// How the source of a body is lost.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Dropped,
    Panicked,
    Aborted,
}

const LOSSES: [Loss; 3] = [Loss::Dropped, Loss::Panicked, Loss::Aborted];

fn case(framing: Framing) -> Case {
    Case { guard: Guard::Tail, framing, expect: false, listed: false }
}

/// The head as the gate would send it.
fn request<B>(case: &Case, body: B) -> Request<B> {
    let text = String::from_utf8(case.head()).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in text.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::PUT;
    *request.uri_mut() = Uri::from_static("/photos/key");
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    request
}

/// How many pieces may be fed: with a declared length the last byte is the end, and is never fed
/// without its token.
fn pieces(case: &Case) -> Vec<Bytes> {
    let message = Bytes::from(case.message());
    let end = message.len() - usize::from(!case.framing.is_http_chunked());
    message.slice(..end).chunks(PIECE).map(Bytes::copy_from_slice).collect()
}

fn length(case: &Case) -> Option<u64> {
    (!case.framing.is_http_chunked()).then(|| case.message().len() as u64)
}

/// Feeds `pieces`, loses the source, and drives the connection on to its end.
async fn ours(case: &Case, pieces: &[Bytes], loss: Loss) -> Vec<Wire> {
    let store = Store::start(Reply::Ok).await;
    let upstream = upstream(store.address);
    let link = upstream.connect().await.unwrap();
    let (body, mut feed) = UpstreamBody::fed(length(case));
    let mut exchange = Exchange::start(&upstream, link, request(case, body));
    for piece in pieces {
        feed.push(piece.clone());
        poll_fn(|cx| {
            assert!(exchange.poll(cx).is_pending(), "there is no answer to half a request");
            if feed.is_drained() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
    lose(feed, loss);
    let answered = exchange.answer(PATIENCE).await;
    drop((exchange, upstream));
    let wires = store.stop().await;
    assert!(answered.is_err(), "{case:?}: a store that answers has taken it for whole: {wires:#?}");
    wires
}

fn lose(mut feed: Feed, loss: Loss) {
    match loss {
        Loss::Dropped => drop(feed),
        Loss::Panicked => {
            let feeding = AssertUnwindSafe(move || {
                feed.push(Bytes::from_static(b"in the middle of this"));
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(catch_unwind(feeding).is_err());
        }
        Loss::Aborted => {
            let mut feeding = Box::pin(async move {
                std::future::pending::<()>().await;
                feed.push(Bytes::new());
            });
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(feeding.as_mut().poll(&mut cx).is_pending());
            drop(feeding);
        }
    }
}

#[test]
fn a_lost_source_never_ends_a_body() {
    run(async {
        for case in Framing::ALL.map(case) {
            let pieces = pieces(&case);
            for fed in 0..=pieces.len() {
                for loss in LOSSES {
                    let wires = ours(&case, &pieces[..fed], loss).await;
                    // Here more is fed than may be in the gate, so that what has leaked is no sin.
                    let judged = check_store(&case, &wires, false);
                    let sound = matches!(judged, Ok(()) | Err(Sin::Leaked));
                    assert!(sound, "{case:?}, {fed} fed, {loss:?}: {judged:?}");
                    assert!(wires[0].messages.iter().all(|message| !message.complete));
                }
            }
        }
    });
}

/// What one would write first: the body ends where its channel does.
struct NaiveBody {
    source: mpsc::Receiver<Bytes>,
    length: Option<u64>,
}

impl Body for NaiveBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.source.poll_recv(cx).map(|piece| piece.map(|wire| Ok(Frame::data(wire))))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// The same with the naive body, on hyper's own client.
async fn naive(case: &Case, pieces: &[Bytes]) -> Vec<Wire> {
    let store = Store::start(Reply::Ok).await;
    let stream = TcpStream::connect(store.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let (feed, source) = mpsc::channel(1);
    let body = NaiveBody { source, length: length(case) };
    let reply = sender.send_request(request(case, body));
    let feeding = async move {
        for piece in pieces {
            feed.send(piece.clone()).await.unwrap();
        }
    };
    let answering = async move {
        let _ = reply.await;
        drop(sender);
    };
    let _ = tokio::join!(connection, feeding, answering);
    store.stop().await
}

/// The oracle must be able to fail: it finds a naive body out in every framing, wherever it is lost.
#[test]
fn the_oracle_finds_a_naive_body_out() {
    run(async {
        for case in Framing::ALL.map(case) {
            let pieces = pieces(&case);
            let harmless = case.payload_before_verdict() / PIECE - 1;
            // hyper keeps the head until the body waits for the first time.
            for fed in 2..harmless {
                let wires = naive(&case, &pieces[..fed]).await;
                let sin = match case.framing.is_http_chunked() {
                    // hyper ends the chunks: an object, cut off.
                    true => Sin::Committed,
                    // hyper closes: an object at stores that take a FIN for the end.
                    false => Sin::NotReset,
                };
                assert_eq!(check_store(&case, &wires, false), Err(sin), "{case:?}, {fed} fed");
            }
        }
    });
}
