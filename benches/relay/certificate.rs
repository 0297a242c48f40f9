//! A certificate for both targets, and clients that trust it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Written once; every target and client of a run uses it.
pub struct Certificate {
    /// PEM file of the chain.
    pub chain: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
    /// For the clients.
    pub trusting: Arc<ClientConfig>,
    folder: PathBuf,
}

impl Certificate {
    /// For 127.0.0.1, by a key on P-256: what most certificates have.
    pub fn made_up() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate can be made");
        let folder = crate::target::folder();
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            fs::write(&path, pem).expect("the folder is writable");
            path
        };
        let chain = write("chain.pem", made.cert.pem());
        let key = write("key.pem", made.signing_key.serialize_pem());
        let trusting = Arc::new(trusting(made.cert.der().clone()));
        Certificate { chain, key, trusting, folder }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn trusting(certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions that the provider has")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
