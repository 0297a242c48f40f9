//! TLS towards clients, by rustls.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A listener's certificate, which can be replaced while it serves.
pub struct Tls(ArcSwap<TlsAcceptor>);

impl Tls {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// A file can't be read, holds no certificate or key, or the two don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Tls(ArcSwap::from_pointee(acceptor(certificate, key)?))))
    }

    /// Reads them anew, for connections from now on.
    ///
    /// # Errors
    /// As [`Tls::read`]; the ones before go on serving.
    pub fn reload(&self, certificate: &Path, key: &Path) -> io::Result<()> {
        self.0.store(Arc::new(acceptor(certificate, key)?));
        Ok(())
    }

    /// What serves now.
    pub fn current(&self) -> Arc<TlsAcceptor> {
        self.0.load_full()
    }
}

/// Reads a certificate chain and its key, both PEM.
///
/// # Errors
/// A file can't be read, holds no certificate or key, or the two don't belong together.
fn acceptor(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let named = |path: &Path, error: &dyn std::fmt::Display| {
        io::Error::other(format!("{}: {error}", path.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| named(certificate, &error))?;
    if chain.is_empty() {
        return Err(named(certificate, &"no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| named(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| named(key, &error))?;
    // S3 itself speaks HTTP/1.1 only.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
