//! HTTPS, over which SDKs frame their uploads otherwise.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::wire::Socket;
use crate::support::{Client, Framing, Gate, Request, Setup, Store, sample};

impl Socket for StreamOwned<ClientConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// A gate that speaks HTTPS, and the certificate by which it is known.
fn gate(store: &Store) -> (Gate, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let setup = Setup::refusing(store, &[sample::CACTUS])
        .small_limits()
        .set("listener", "tls_certificate = \"certificate.pem\"")
        .set("listener", "tls_key = \"key.pem\"");
    let write = |file: &str, text: String| std::fs::write(setup.directory().join(file), text);
    write("certificate.pem", made.cert.pem()).expect("a file can be written");
    write("key.pem", made.signing_key.serialize_pem()).expect("a file can be written");
    (setup.start(), made.cert.der().clone())
}

fn connect(gate: &Gate, certificate: &CertificateDer<'static>) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let stream = TcpStream::connect(gate.address()).expect("the gate listens");
    Client::on(StreamOwned::new(session, stream))
}

#[test]
fn uploads_over_https_are_judged_as_others_are() {
    let store = Store::ok();
    let (gate, certificate) = gate(&store);
    let mut client = connect(&gate, &certificate);
    for framing in Framing::ALL {
        for size in [0, 1, 4000, 300_000] {
            let request = Request::framed("/b/k", framing, &sample::noise(1, size));
            assert_eq!(client.exchange(&request).status(), 200, "{framing:?} {size}");
            assert!(store.objects().last().is_some_and(|seen| seen.body == request.body));
        }
        let listed = Request::framed("/b/k", framing, sample::CACTUS);
        client.exchange(&listed).expect_error(403, "AccessDenied");
    }
    assert_eq!(store.objects().len(), Framing::ALL.len() * 4);
}

#[test]
fn what_boto3_sends_over_https_passes() {
    let store = Store::ok();
    let (gate, certificate) = gate(&store);
    for size in [0, 5, 300_000] {
        let mut client = connect(&gate, &certificate);
        let payload = sample::noise(1, size);
        let request = Request::framed("/b/k", Framing::UnsignedTrailerChunks, &payload).expecting();
        client.send(&request.head());
        assert_eq!(client.head().word(1), "100");
        client.send(&request.body_on_wire());
        assert_eq!(client.answer().status(), 200);
        let seen = store.objects().pop().expect("an object");
        assert!(seen.body == request.body && seen.head.get("transfer-encoding") == Some("chunked"));
        assert_eq!(seen.head.get("content-length"), None);
    }
}

#[test]
fn plain_http_on_the_https_port_harms_nobody() {
    let store = Store::ok();
    let (gate, certificate) = gate(&store);
    let mut plain = gate.client();
    let _ = plain.try_send(&Request::get("/b/k").on_wire());
    let _ = plain.rest();
    assert_eq!(connect(&gate, &certificate).exchange(&Request::get("/b/k")).status(), 200);
    assert_eq!(store.requests().len(), 1);
}

#[test]
fn a_certificate_is_read_again_on_reload() {
    let store = Store::ok();
    let (gate, _) = gate(&store);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |file: &str, text: String| std::fs::write(gate.directory().join(file), text);
    write("certificate.pem", made.cert.pem()).expect("a file can be written");
    write("key.pem", made.signing_key.serialize_pem()).expect("a file can be written");
    gate.signal("HUP");
    crate::support::until("the new certificate", || {
        let mut client = connect(&gate, made.cert.der());
        client.try_send(&Request::get("/b/k").on_wire()).ok()?;
        client.try_answer().ok().map(|answer| assert_eq!(answer.status(), 200))
    });
}
