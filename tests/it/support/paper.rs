//! Certificates for stores over TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

/// A certificate for localhost that vouches for itself, and its key.
pub struct Paper {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: [String; 2],
}

impl Paper {
    /// A new one.
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let pem = [made.cert.pem(), made.signing_key.serialize_pem()];
        Paper { certificate: made.cert.der().clone(), key, pem }
    }

    /// Writes it as NAME.pem and NAME.key.
    pub fn write(&self, directory: &Path, name: &str) {
        for (text, end) in self.pem.iter().zip(["pem", "key"]) {
            let path = directory.join(format!("{name}.{end}"));
            std::fs::write(path, text).expect("a file can be written");
        }
    }

    /// How a store shows it.
    pub fn shown(&self) -> ServerConfig {
        self.shown_by(None)
    }

    /// How a store shows it to whoever shows this other one.
    pub fn shown_to(&self, client: &Paper) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(client.certificate.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        self.shown_by(Some(verifier.build().expect("a verifier")))
    }

    fn shown_by(&self, clients: Option<Arc<dyn ClientCertVerifier>>) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let chain = vec![self.certificate.clone()];
        builder.with_single_cert(chain, self.key.clone_key()).expect("a key for the certificate")
    }
}
