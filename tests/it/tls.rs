//! HTTPS, over which SDKs frame their uploads otherwise; certificates, versions and clients.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion, version,
};

use crate::support::wire::Socket;
use crate::support::{Client, Framing, Gate, Request, Setup, Store, sample, until};

impl Socket for StreamOwned<ClientConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// Versions that a client speaks.
type Versions = &'static [&'static SupportedProtocolVersion];

const OLD: Versions = &[&version::TLS12];
const NEW: Versions = &[&version::TLS13];
const BOTH: Versions = &[&version::TLS12, &version::TLS13];

/// A certificate and its key.
pub struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Made {
    /// One that vouches for itself.
    pub fn named(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let made = CertificateParams::new(names).and_then(|params| params.self_signed(&key));
        let made = made.expect("a certificate");
        Made { der: made.der().clone(), pem: made.pem(), key }
    }

    /// Writes both beside the gate's configuration.
    pub fn write(&self, directory: &Path, certificate: &str, key: &str) {
        write(directory, certificate, &self.pem);
        write(directory, key, &self.key.serialize_pem());
    }
}

/// Renames a whole file into its place, as tools do that renew certificates.
fn write(directory: &Path, file: &str, text: &str) {
    let staged = directory.join("staged");
    std::fs::write(&staged, text).expect("a file can be written");
    std::fs::rename(&staged, directory.join(file)).expect("a file can be renamed");
}

/// An authority for clients, and its PEM file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A client's certificate.
    fn client(&self) -> Made {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["client".to_owned()]).expect("parameters");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let made = params.signed_by(&key, &self.issuer).expect("a certificate");
        Made { der: made.der().clone(), pem: made.pem(), key }
    }
}

/// What a client believes and says of itself.
pub struct Caller<'a> {
    /// The only certificate that it trusts.
    pub trusts: &'a Made,
    /// Whom it asks for.
    pub name: &'a str,
    /// Whether it says so in the handshake.
    pub asks: bool,
    versions: Versions,
    shows: Option<&'a Made>,
}

impl<'a> Caller<'a> {
    /// One that trusts this certificate for this name.
    pub fn of(trusts: &'a Made, name: &'a str) -> Self {
        Caller { trusts, name, asks: true, versions: BOTH, shows: None }
    }

    fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.der.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match self.shows {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let key = PrivatePkcs8KeyDer::from(shown.key.serialize_der());
                let chain = vec![shown.der.clone()];
                builder.with_client_auth_cert(chain, key.into()).expect("a certificate")
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.enable_sni = self.asks;
        Arc::new(config)
    }

    fn session(&self, config: Arc<ClientConfig>) -> ClientConnection {
        let name = ServerName::try_from(self.name.to_owned()).expect("a name");
        ClientConnection::new(config, name).expect("a session")
    }

    /// A client on a connection that is there.
    pub fn on(&self, stream: TcpStream) -> Client {
        Client::on(StreamOwned::new(self.session(self.config()), stream))
    }

    /// A client on a new connection.
    pub fn connect(&self, address: SocketAddr) -> Client {
        self.on(TcpStream::connect(address).expect("somebody listens"))
    }

    /// The status of an answer, if there can be one.
    pub fn status(&self, address: SocketAddr) -> Option<u16> {
        let mut client = self.connect(address);
        client.try_send(&Request::get("/b/k").on_wire()).ok()?;
        client.try_answer().ok().map(|answer| answer.status())
    }
}

/// What is asked for over HTTPS, with one certificate.
fn setup(store: &Store, made: &Made) -> Setup {
    let setup = Setup::refusing(store, &[sample::CACTUS])
        .small_limits()
        .set("listener", "tls_certificate = \"certificate.pem\"")
        .set("listener", "tls_key = \"key.pem\"");
    made.write(&setup.directory(), "certificate.pem", "key.pem");
    setup
}

/// A gate that speaks HTTPS, and the certificate by which it is known.
fn gate(store: &Store) -> (Gate, Made) {
    let made = Made::named(&["localhost"]);
    (setup(store, &made).start(), made)
}

fn connect(gate: &Gate, made: &Made) -> Client {
    Caller::of(made, "localhost").connect(gate.address())
}

#[test]
fn uploads_over_https_are_judged_as_others_are() {
    let store = Store::ok();
    let (gate, made) = gate(&store);
    let mut client = connect(&gate, &made);
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
    let (gate, made) = gate(&store);
    for size in [0, 5, 300_000] {
        let mut client = connect(&gate, &made);
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
fn plain_http_on_the_https_port_harms_nobody_and_makes_no_noise() {
    let store = Store::ok();
    let (gate, made) = gate(&store);
    let before = until("the log's last line of the start", || {
        Some(gate.log()).filter(|log| log.contains("serving"))
    });
    for _ in 0..20 {
        let mut plain = gate.client();
        let _ = plain.try_send(&Request::get("/b/k").on_wire());
        let _ = plain.rest();
    }
    // A client that does not know the certificate says so by an alert.
    assert_eq!(Caller::of(&Made::named(&["localhost"]), "localhost").status(gate.address()), None);
    assert_eq!(connect(&gate, &made).exchange(&Request::get("/b/k")).status(), 200);
    assert_eq!(store.requests().len(), 1);
    let refused = format!("listener=\"{}\",reason=\"tls-handshake\"", gate.address());
    gate.await_metric(&format!("s3bouncer_connections_refused_total{{{refused}}}"), 21.0);
    assert_eq!(gate.log(), before);
}

#[test]
fn each_name_has_its_certificate() {
    let store = Store::ok();
    let setup = Setup::before(&store)
        .set("listener", "tls_certificate = [\"a.pem\", \"b.pem\", \"c.pem\"]")
        .set("listener", "tls_key = [\"a.key\", \"b.key\", \"c.key\"]");
    let [a, b, c] = [&["a.example"][..], &["b.example"], &["*.b.example"]].map(Made::named);
    a.write(&setup.directory(), "a.pem", "a.key");
    b.write(&setup.directory(), "b.pem", "b.key");
    c.write(&setup.directory(), "c.pem", "c.key");
    let gate = setup.start();
    for (made, name) in [(&a, "a.example"), (&b, "b.example"), (&c, "bucket.b.example")] {
        assert_eq!(Caller::of(made, name).status(gate.address()), Some(200), "{name}");
    }
    // Who does not say whom they ask for gets the first.
    let silent = |made, name| Caller { asks: false, ..Caller::of(made, name) };
    assert_eq!(silent(&a, "a.example").status(gate.address()), Some(200));
    assert_eq!(silent(&b, "b.example").status(gate.address()), None);
}

#[test]
fn a_certificate_is_read_again_on_reload() {
    let store = Store::ok();
    let (gate, _) = gate(&store);
    let made = Made::named(&["localhost"]);
    made.write(gate.directory(), "certificate.pem", "key.pem");
    gate.signal("HUP");
    until("the new certificate", || {
        Caller::of(&made, "localhost").status(gate.address()).filter(|status| *status == 200)
    });
}

#[test]
fn a_certificate_that_changes_is_taken_by_itself_and_half_a_change_is_not() {
    let store = Store::ok();
    let (gate, first) = gate(&store);
    let mut open = connect(&gate, &first);
    assert_eq!(open.exchange(&Request::get("/b/k")).status(), 200);
    let second = Made::named(&["localhost"]);
    write(gate.directory(), "certificate.pem", &second.pem);
    let complaints = || gate.log().matches("not taken").count();
    until("a complaint", || (complaints() > 0).then_some(()));
    assert_eq!(Caller::of(&first, "localhost").status(gate.address()), Some(200));
    write(gate.directory(), "key.pem", &second.key.serialize_pem());
    until("the new certificate", || {
        Caller::of(&second, "localhost").status(gate.address()).filter(|status| *status == 200)
    });
    assert_eq!(complaints(), 1, "{}", gate.log());
    assert_eq!(open.exchange(&Request::get("/b/k")).status(), 200, "who is there stays");
}

#[test]
fn how_long_a_certificate_lasts_is_told() {
    let store = Store::ok();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    params.not_after = rcgen::date_time_ymd(2031, 2, 3);
    let key = KeyPair::generate().expect("a key");
    let signed = params.self_signed(&key).expect("a certificate");
    let made = Made { der: signed.der().clone(), pem: signed.pem(), key };
    let gate = setup(&store, &made).set("listener", "name = \"public\"").start();
    let labels = "listener=\"public\",name=\"localhost\"";
    let metric = format!("s3bouncer_tls_certificate_expiry_timestamp_seconds{{{labels}}}");
    gate.await_metric(&metric, 1_927_843_200.0);
    let status = gate.admin(&Request::get("/status")).text();
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let certificate = &status["listeners"][0]["certificates"][0];
    assert_eq!(certificate["names"][0], "localhost");
    assert_eq!(certificate["expires"], "2031-02-03T00:00:00Z");
}

#[test]
fn old_versions_are_refused_where_the_configuration_says_so() {
    let store = Store::ok();
    let made = Made::named(&["localhost"]);
    for (least, speaks_old) in [("1.2", true), ("1.3", false)] {
        let least = format!("tls_min_version = \"{least}\"");
        let gate = setup(&store, &made).set("listener", &least).start();
        let with = |versions| Caller { versions, ..Caller::of(&made, "localhost") };
        assert_eq!(with(OLD).status(gate.address()).is_some(), speaks_old, "{least}");
        assert_eq!(with(NEW).status(gate.address()), Some(200), "{least}");
    }
}

#[test]
fn clients_show_certificates_where_they_have_to() {
    let store = Store::ok();
    let made = Made::named(&["localhost"]);
    let authority = Authority::new();
    let (good, bad) = (authority.client(), Authority::new().client());
    for (word, without) in [("required", None), ("optional", Some(200))] {
        let setup = setup(&store, &made)
            .set("listener", "tls_client_ca = \"ca.pem\"")
            .set("listener", &format!("tls_client_auth = \"{word}\""));
        write(&setup.directory(), "ca.pem", &authority.pem);
        let gate = setup.start();
        for versions in [OLD, NEW] {
            let with = |shows| Caller { shows, versions, ..Caller::of(&made, "localhost") };
            assert_eq!(with(Some(&good)).status(gate.address()), Some(200), "{word}");
            assert_eq!(with(Some(&bad)).status(gate.address()), None, "{word}");
            assert_eq!(with(None).status(gate.address()), without, "{word}");
        }
    }
}

#[test]
fn a_client_that_comes_again_takes_up_its_session() {
    let store = Store::ok();
    let (gate, made) = gate(&store);
    for versions in [OLD, NEW] {
        let caller = Caller { versions, ..Caller::of(&made, "localhost") };
        let config = caller.config();
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut session = caller.session(config.clone());
            let mut stream = TcpStream::connect(gate.address()).expect("the gate listens");
            let mut client = rustls::Stream::new(&mut session, &mut stream);
            let request = Request::get("/b/k").with("connection", "close").on_wire();
            std::io::Write::write_all(&mut client, &request).expect("the gate reads");
            let mut answer = Vec::new();
            std::io::Read::read_to_end(&mut client, &mut answer).expect("an answer");
            assert!(answer.starts_with(b"HTTP/1.1 200"));
            assert_eq!(session.handshake_kind(), Some(expected), "{versions:?}");
        }
    }
}

#[test]
fn a_gate_does_not_wait_for_handshakes_to_end() {
    let store = Store::ok();
    let made = Made::named(&["localhost"]);
    let gate = setup(&store, &made)
        .set("listener", "header_timeout = \"1h\"")
        .set("listener", "drain_deadline = \"300ms\"")
        .start();
    let mut client = gate.client();
    client.send(&[0x16, 3, 1]);
    gate.await_metric("s3bouncer_connections", 1.0);
    let ended = gate.stop();
    assert!(!ended.log.contains("ERROR"), "{}", ended.log);
    client.expect_end();
}

#[test]
fn a_handshake_may_not_take_for_ever() {
    let store = Store::ok();
    let made = Made::named(&["localhost"]);
    let gate = setup(&store, &made).set("listener", "header_timeout = \"300ms\"").start();
    // Nothing, and the beginning of a handshake.
    for begun in [&b""[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]] {
        let mut client = gate.client();
        client.send(begun);
        client.expect_end();
    }
    assert_eq!(Caller::of(&made, "localhost").status(gate.address()), Some(200));
}
