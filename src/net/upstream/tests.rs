use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use http::Request;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::coop;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::{self, TlsVersion, UpstreamTls};
use crate::net::body::UpstreamBody;

/// Long enough for whatever succeeds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name of every store here.
const NAME: &str = "store.test";

fn options(host: &str, port: u16) -> Options {
    Options {
        host: host.to_owned(),
        port,
        tls: None,
        connect_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        max_idle: 8,
        resolve_interval: PATIENCE,
    }
}

/// A store by a name, of which the resolver says this.
fn named(options: Options, answer: Option<&[SocketAddr]>) -> Arc<Upstream> {
    let mut upstream = Upstream::new(options, Meters::default());
    let scripted = Resolver::Scripted(Mutex::new(answer.map(<[SocketAddr]>::to_vec)));
    Arc::get_mut(&mut upstream).unwrap().resolver = scripted;
    upstream
}

impl Upstream {
    /// What the resolver says.
    fn scripted(&self) -> std::sync::MutexGuard<'_, Option<Vec<SocketAddr>>> {
        let Resolver::Scripted(script) = &self.resolver else { panic!("no script") };
        script.lock().unwrap()
    }
}

/// From now on the resolver says this; it is asked at once.
async fn look_up(upstream: &Upstream, answer: Option<&[SocketAddr]>) -> io::Result<()> {
    *upstream.scripted() = answer.map(<[SocketAddr]>::to_vec);
    upstream.look_up(&mut *upstream.lookup.lock().await).await
}

/// Sockets that accept, in the kernel at least.
async fn listening(count: usize) -> (Vec<TcpListener>, Vec<SocketAddr>) {
    let mut listeners = Vec::new();
    for _ in 0..count {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses = listeners.iter().map(|each| each.local_addr().unwrap()).collect();
    (listeners, addresses)
}

async fn reached(upstream: &Arc<Upstream>, connections: usize) -> Vec<SocketAddr> {
    let mut reached = Vec::new();
    for _ in 0..connections {
        reached.push(upstream.connect().await.unwrap().address());
    }
    reached
}

#[tokio::test]
async fn connections_go_to_all_addresses_in_turn() {
    let (_listeners, addresses) = listening(3).await;
    let upstream = named(options(NAME, 1), Some(&addresses));
    let mut links = Vec::new();
    for turn in 0..6 {
        let link = upstream.connect().await.unwrap();
        assert_eq!(link.address(), addresses[turn % 3]);
        assert!(!link.is_reused());
        links.push(link);
    }
    assert_eq!(upstream.meters.connections.get(), 6);
    links.into_iter().for_each(|link| upstream.give_back(link));
    let reused: Vec<Link> = std::iter::from_fn(|| upstream.reuse()).collect();
    let turns: Vec<_> = reused.iter().map(Link::address).collect();
    assert_eq!(turns, [&addresses[..], &addresses].concat());
    assert!(reused.iter().all(Link::is_reused));
    drop(reused);
    assert_eq!(upstream.meters.connections.get(), 0);
}

#[tokio::test]
async fn an_address_that_is_down_is_tried_once_and_used_again_when_it_is_back() {
    let (mut listeners, addresses) = listening(3).await;
    let upstream = named(options(NAME, 1), Some(&addresses));
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(upstream.connect().await.unwrap());
    }
    idle.into_iter().for_each(|link| upstream.give_back(link));
    drop(listeners.remove(1));
    let mut found = reached(&upstream, 4).await;
    found.sort();
    let mut expected = [0, 0, 2, 2].map(|index: usize| addresses[index]);
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(upstream.meters.connect_failures.get(), 1);
    let well = upstream.standing().into_iter().map(|(_, is_up)| is_up);
    assert_eq!(well.collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(upstream.meters.connections.get(), 2, "what leads nowhere is closed");
    listeners.push(TcpListener::bind(addresses[1]).await.unwrap());
    upstream.reach(addresses[1], PATIENCE).await.unwrap();
    let mut again = reached(&upstream, 3).await;
    again.sort();
    let mut all = addresses.clone();
    all.sort();
    assert_eq!(again, all);
}

#[tokio::test]
async fn a_store_that_was_down_is_tried_by_the_next_request() {
    let (listeners, addresses) = listening(2).await;
    let upstream = named(options(NAME, 1), Some(&addresses));
    drop(listeners);
    for failures in [2, 4] {
        assert!(upstream.connect().await.is_err());
        assert_eq!(upstream.meters.connect_failures.get(), failures, "all are tried");
    }
    let _listener = TcpListener::bind(addresses[1]).await.unwrap();
    assert_eq!(reached(&upstream, 1).await, [addresses[1]]);
}

#[tokio::test]
async fn what_the_resolver_says_later_counts() {
    let (_listeners, addresses) = listening(3).await;
    let upstream = named(options(NAME, 1), Some(&addresses[..2]));
    for _ in 0..2 {
        let link = upstream.connect().await.unwrap();
        upstream.give_back(link);
    }
    assert_eq!(upstream.meters.connections.get(), 2);
    look_up(&upstream, Some(&addresses[1..])).await.unwrap();
    assert_eq!(upstream.meters.connections.get(), 1, "nothing leads to what is gone");
    assert_eq!(upstream.standing(), [(addresses[1], true), (addresses[2], true)]);
    // Without an answer, the last one serves.
    for nothing in [None, Some(&[][..])] {
        assert!(look_up(&upstream, nothing).await.is_err());
        let mut found = reached(&upstream, 2).await;
        found.sort();
        let mut expected = addresses[1..].to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }
    // A connection under way comes back to an address that is gone: it is not kept.
    let link = upstream.connect().await.unwrap();
    look_up(&upstream, Some(&addresses[..1])).await.unwrap();
    upstream.give_back(link);
    assert_eq!(upstream.meters.connections.get(), 0);
}

#[tokio::test]
async fn a_name_without_an_answer_is_asked_again() {
    let (_listeners, addresses) = listening(1).await;
    let upstream = named(options(NAME, 1), None);
    assert!(upstream.reuse().is_none());
    assert!(upstream.connect().await.is_err());
    assert!(upstream.standing().is_empty());
    look_up(&upstream, Some(&addresses)).await.unwrap();
    assert_eq!(reached(&upstream, 1).await, addresses);
}

/// Waits until the addresses are these.
async fn await_addresses(upstream: &Upstream, expected: &[SocketAddr]) {
    let known = || -> Vec<SocketAddr> {
        upstream.standing().into_iter().map(|(address, _)| address).collect()
    };
    let waiting = async {
        while known() != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_name_is_looked_up_in_the_background() {
    let (mut listeners, addresses) = listening(2).await;
    let upstream = named(options(NAME, 1), Some(&addresses[..1]));
    // Before the first request.
    upstream.tend();
    await_addresses(&upstream, &addresses[..1]).await;
    // When an address can't be reached; not again and again, though.
    drop(listeners.remove(0));
    *upstream.scripted() = Some(addresses[1..].to_vec());
    assert!(upstream.connect().await.is_err());
    assert!(upstream.lookup.try_lock().is_ok(), "it was asked just now");
    upstream.lookup.lock().await.asked = None;
    assert!(upstream.connect().await.is_err());
    await_addresses(&upstream, &addresses[1..]).await;
    assert_eq!(reached(&upstream, 1).await, addresses[1..]);
    // And when the answer has aged.
    *upstream.scripted() = Some(addresses.clone());
    upstream.tend();
    assert!(upstream.lookup.try_lock().is_ok(), "it is young");
    let mut lookup = upstream.lookup.lock().await;
    lookup.asked = lookup.asked.and_then(|asked| asked.checked_sub(PATIENCE));
    drop(lookup);
    upstream.tend();
    await_addresses(&upstream, &addresses).await;
}

#[tokio::test]
async fn the_systems_resolver_knows_this_machine() {
    let (_listeners, addresses) = listening(1).await;
    let upstream = Upstream::new(options("localhost", addresses[0].port()), Meters::default());
    assert_eq!(reached(&upstream, 1).await, addresses);
    let upstream = Upstream::new(options("127.0.0.1", addresses[0].port()), Meters::default());
    assert_eq!(
        (upstream.standing(), reached(&upstream, 1).await),
        (vec![(addresses[0], true)], addresses)
    );
}

/// A certificate that vouches for itself, as a file for whoever is to trust it or to show it.
struct Paper {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    files: config::CertificateFiles,
}

fn paper(folder: &Path, name: &str) -> Paper {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let file = |end: &str, text: String| -> PathBuf {
        let path = folder.join(format!("{name}.{end}"));
        std::fs::write(&path, text).unwrap();
        path
    };
    Paper {
        certificate: made.cert.der().clone(),
        key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap(),
        files: config::CertificateFiles {
            certificate: file("pem", made.cert.pem()),
            key: file("key", made.signing_key.serialize_pem()),
        },
    }
}

/// What a store over TLS sees of its connections.
struct Told {
    /// What each read brought; at the end nothing, or an error.
    read: mpsc::UnboundedReceiver<Result<Vec<u8>, io::ErrorKind>>,
    /// How often a session was resumed.
    resumed: Arc<AtomicUsize>,
}

/// A store over TLS; `clients` are the ones that it trusts.
async fn over_tls(paper: &Paper, clients: Option<&Paper>) -> (SocketAddr, Told) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(paper) => {
            let mut roots = RootCertStore::empty();
            roots.add(paper.certificate.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![paper.certificate.clone()];
    let mut config = builder.with_single_cert(chain, paper.key.clone_key()).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, read) = mpsc::unbounded_channel();
    let resumed = Arc::new(AtomicUsize::new(0));
    let resuming = resumed.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                resuming.fetch_add(1, Ordering::Relaxed);
            }
            let mut piece = [0; 1024];
            loop {
                let read = stream.read(&mut piece).await;
                let met = read.map(|length| piece[..length].to_vec()).map_err(|e| e.kind());
                let is_over = met.as_ref().map_or(true, Vec::is_empty);
                let _ = tell.send(met);
                if is_over {
                    break;
                }
            }
        }
    });
    (address, Told { read, resumed })
}

/// How a store is trusted that shows this paper, by a gate that shows another.
fn trusting(paper: &Paper, identity: Option<&Paper>) -> Tls {
    Tls::read(&UpstreamTls {
        authorities: Some(paper.files.certificate.clone()),
        identity: identity.map(|paper| paper.files.clone()),
        min_version: TlsVersion::V13,
    })
    .unwrap()
}

#[tokio::test]
async fn a_store_proves_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (paper(folder.path(), NAME), paper(folder.path(), "other.test"));
    let (address, _told) = over_tls(&ours, None).await;
    let connect = async |tls: Tls, host: &str| {
        let options = Options { tls: Some(tls), ..options(host, address.port()) };
        named(options, Some(&[address])).connect().await.map(drop)
    };
    connect(trusting(&ours, None), NAME).await.unwrap();
    for (trusted, host) in [(&other, NAME), (&ours, "other.test"), (&ours, "127.0.0.1")] {
        let error = connect(trusting(trusted, None), host).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    // An address can be in a certificate too.
    let ours = paper(folder.path(), "127.0.0.1");
    let (address, _told) = over_tls(&ours, None).await;
    let tls = Some(trusting(&ours, None));
    let options = Options { tls, ..options("127.0.0.1", address.port()) };
    Upstream::new(options, Meters::default()).connect().await.unwrap();
}

#[tokio::test]
async fn the_gate_proves_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, gate) = (paper(folder.path(), NAME), paper(folder.path(), "gate.test"));
    let (address, mut told) = over_tls(&ours, Some(&gate)).await;
    let mut ask = async |identity: Option<&Paper>| {
        let options = Options { tls: Some(trusting(&ours, identity)), ..options(NAME, 1) };
        let upstream = named(options, Some(&[address]));
        // In TLS 1.3 a client hears only afterwards that its certificate was missed.
        let Ok(mut link) = upstream.connect().await else { return false };
        let reply = link.send(Request::new(UpstreamBody::none()));
        let mut reply = Box::pin(reply);
        std::future::poll_fn(|cx| {
            if link.poll(cx).is_ready() || reply.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            told.read.poll_recv(cx).map(|met| matches!(met, Some(Ok(bytes)) if !bytes.is_empty()))
        })
        .await
    };
    assert!(ask(Some(&gate)).await);
    assert!(!ask(None).await);
    assert!(!ask(Some(&ours)).await);
}

/// Only its connection brings a reply: nobody is woken for it, so that it must be seen at once, however
/// much the task has done in that turn.
#[tokio::test]
async fn a_reply_is_there_for_a_task_that_has_spent_its_budget() {
    let (mut listeners, addresses) = listening(1).await;
    tokio::spawn(async move {
        let (mut stream, _) = listeners.remove(0).accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let upstream = named(options(NAME, 1), Some(&addresses));
    let mut link = upstream.connect().await.unwrap();
    let mut reply = Box::pin(link.send(Request::new(UpstreamBody::none())));
    let asking = std::future::poll_fn(|cx| {
        assert!(link.poll(cx).is_pending());
        while coop::has_budget_remaining() {
            assert!(pin!(coop::consume_budget()).poll(cx).is_ready());
        }
        reply.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    });
    let reply = tokio::time::timeout(PATIENCE, asking).await.expect("it is seen");
    assert_eq!(reply.unwrap().status(), 204);
}

/// One request that is not waited for, so that what the store has sent is read.
async fn exchange(link: &mut Link, told: &mut Told) {
    let mut reply = Box::pin(link.send(Request::new(UpstreamBody::none())));
    std::future::poll_fn(|cx| {
        assert!(link.poll(cx).is_pending() && reply.as_mut().poll(cx).is_pending());
        told.read.poll_recv(cx)
    })
    .await
    .unwrap()
    .unwrap();
}

#[tokio::test]
async fn a_later_connection_resumes_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let ours = paper(folder.path(), NAME);
    let (address, mut told) = over_tls(&ours, None).await;
    let options = Options { tls: Some(trusting(&ours, None)), ..options(NAME, 1) };
    let upstream = named(options, Some(&[address]));
    // The ticket comes behind the handshake, at some time.
    let resuming = async {
        while told.resumed.load(Ordering::Relaxed) == 0 {
            let mut link = upstream.connect().await.unwrap();
            exchange(&mut link, &mut told).await;
            drop(link);
            while told.read.recv().await.unwrap().is_ok_and(|bytes| !bytes.is_empty()) {}
        }
    };
    tokio::time::timeout(PATIENCE, resuming).await.unwrap();
}

/// A body that is given up must not look ended in any layer: no `close_notify`, no FIN.
#[tokio::test]
async fn a_body_under_way_ends_in_a_reset_through_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let ours = paper(folder.path(), NAME);
    let (address, mut told) = over_tls(&ours, None).await;
    let options = Options { tls: Some(trusting(&ours, None)), ..options(NAME, 1) };
    let upstream = named(options, Some(&[address]));
    let mut link = upstream.connect().await.unwrap();
    link.fuse().arm();
    let (body, mut feed) = UpstreamBody::fed(Some(10));
    feed.push("torso".into());
    let mut reply = Box::pin(link.send(Request::put("/b/k").body(body).unwrap()));
    let mut seen = Vec::new();
    while !seen.ends_with(b"torso") {
        let more = std::future::poll_fn(|cx| {
            let _ = link.poll(cx);
            assert!(reply.as_mut().poll(cx).is_pending());
            told.read.poll_recv(cx)
        });
        seen.extend(more.await.unwrap().unwrap());
    }
    // The body's end becomes an error, of which hyper makes the connection's end.
    drop(feed);
    link.stir();
    std::future::poll_fn(|cx| link.poll(cx)).await;
    drop(link);
    assert_eq!(told.read.recv().await.unwrap(), Err(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_silent_address_takes_no_more_than_its_share_of_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let ours = paper(folder.path(), NAME);
    let (_silent, silent) = listening(1).await;
    let (address, _told) = over_tls(&ours, None).await;
    let options = Options {
        tls: Some(trusting(&ours, None)),
        connect_timeout: Duration::from_secs(3),
        ..options(NAME, 1)
    };
    let upstream = named(options, Some(&[silent[0], address]));
    assert_eq!(reached(&upstream, 1).await, [address]);
    assert_eq!(upstream.standing(), [(silent[0], false), (address, true)]);
}

#[test]
fn what_tls_needs_is_read_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.test", "other.test"].map(|name| paper(folder.path(), name));
    assert_eq!(trusting(&one, Some(&other)), trusting(&one, Some(&other)));
    assert_ne!(trusting(&one, None), trusting(&other, None));
    assert_ne!(trusting(&one, None), trusting(&one, Some(&other)));
    let before = trusting(&one, Some(&other));
    let renewed = paper(folder.path(), "other.test");
    assert_ne!(trusting(&one, Some(&renewed)), before, "the same names, other contents");
    assert!(!format!("{before:?}").contains("PRIVATE"));
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let wrong = |authorities: &Path, identity: Option<(&Path, &Path)>| {
        let tls = identity.map(|(certificate, key)| config::CertificateFiles {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        });
        let authorities = Some(authorities.to_owned());
        let settings = UpstreamTls { authorities, identity: tls, min_version: TlsVersion::V12 };
        Tls::read(&settings).unwrap_err().to_string()
    };
    let good = &one.files;
    assert!(wrong(&empty, None).contains("empty.pem: no certificate in it"));
    assert!(wrong(&good.key, None).contains("one.test.key"));
    assert!(wrong(&folder.path().join("none"), None).contains("none"));
    assert!(wrong(&good.certificate, Some((&good.certificate, &empty))).contains("empty.pem"));
    let mixed = Some((&*good.certificate, &*renewed.files.key));
    assert!(wrong(&good.certificate, mixed).contains("other.test.key"));
}
