//! TLS towards clients, by rustls.

mod certificate;
mod session;
mod stream;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;

use super::pem;
use super::stamp::Stamp;
use crate::config::{self, ClientAuth, TlsVersion};
pub use certificate::{Certificate, Certificates};
pub use stream::Stream;

/// A listener's TLS, which can be replaced while it serves.
pub struct Tls {
    serving: ArcSwap<Serving>,
    source: Mutex<Source>,
}

/// What serves.
struct Serving {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

/// Where it was read from, and how that was then.
struct Source {
    settings: config::Tls,
    stamps: Vec<Option<Stamp>>,
    /// Whether it could not be taken: then it is tried again, changed or not.
    failed: bool,
}

impl Tls {
    /// Reads certificates, keys and authorities.
    ///
    /// # Errors
    /// A file can't be read or holds nothing of its kind, or a certificate and its key don't belong
    /// together.
    pub fn read(settings: &config::Tls) -> io::Result<Self> {
        // Before what they are stamps of: what changes in between is noticed later.
        let stamps = stamps(settings);
        let serving = ArcSwap::from_pointee(serving(settings)?);
        let source = Source { settings: settings.clone(), stamps, failed: false };
        Ok(Tls { serving, source: Mutex::new(source) })
    }

    /// Reads all of it anew, for connections from now on.
    ///
    /// # Errors
    /// As [`Tls::read`]; what was there before goes on serving, and [`Tls::refresh`] tries again.
    pub fn reload(&self, settings: &config::Tls) -> io::Result<()> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.settings = settings.clone();
        source.stamps = stamps(settings);
        self.take(&mut source)
    }

    /// Looks whether a file has changed, and if so reads all of it anew. None where there is nothing
    /// to tell: nothing has changed, or what failed before fails again.
    pub fn refresh(&self) -> Option<io::Result<()>> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&source.settings);
        let changed = source.stamps != now;
        if !changed && !source.failed {
            return None;
        }
        source.stamps = now;
        match self.take(&mut source) {
            Err(_) if !changed => None,
            taken => Some(taken),
        }
    }

    /// Begins a handshake.
    pub fn accept(
        &self,
        stream: TcpStream,
    ) -> impl Future<Output = io::Result<Stream>> + Send + use<> {
        Stream::accept(stream, self.serving.load().config.clone())
    }

    /// What clients are shown now.
    pub fn certificates(&self) -> Arc<Certificates> {
        self.serving.load().certificates.clone()
    }

    fn take(&self, source: &mut Source) -> io::Result<()> {
        let read = serving(&source.settings);
        source.failed = read.is_err();
        self.serving.store(Arc::new(read?));
        Ok(())
    }
}

fn stamps(settings: &config::Tls) -> Vec<Option<Stamp>> {
    let pairs = settings.certificates.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
    pairs.chain(&settings.client_ca).map(|path: &PathBuf| Stamp::of(path)).collect()
}

fn serving(settings: &config::Tls) -> io::Result<Serving> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pairs = settings.certificates.iter();
    let all = pairs.map(|pair| Certificate::read(&pair.certificate, &pair.key, &provider));
    let certificates = Arc::new(Certificates::new(all.collect::<io::Result<_>>()?));
    let versions: &[&SupportedProtocolVersion] = match settings.min_version {
        TlsVersion::V12 => &[&TLS12, &TLS13],
        TlsVersion::V13 => &[&TLS13],
    };
    let clients = clients(settings, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificates.clone());
    // S3 itself speaks HTTP/1.1 only.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A client that comes again shows its ticket: the sessions themselves take no memory here. Each
    // reading has keys of its own, so that no session outlives the authorities that it was let in by.
    config.ticketer = Ticketer::new().map_err(io::Error::other)?;
    Ok(Serving { config: Arc::new(config), certificates })
}

/// Who looks at clients' certificates.
fn clients(
    settings: &config::Tls,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let Some(path) = &settings.client_ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(path)? {
        roots.add(authority).map_err(|error| pem::named(path, error))?;
    }
    let asking = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let asking = match settings.client_auth {
        ClientAuth::Off => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Optional => asking.allow_unauthenticated(),
        ClientAuth::Required => asking,
    };
    asking.build().map_err(|error| pem::named(path, error))
}

#[cfg(test)]
mod tests;
