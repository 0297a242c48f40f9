//! TLS towards a store: whom the gate trusts, and what it shows of itself.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::{self, TlsVersion, UpstreamTls};
use crate::net::pem::{self, named};

/// What is spoken from TLS 1.2 on.
static SINCE_1_2: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];
/// What is spoken from TLS 1.3 on.
static SINCE_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// How a store is known, and the gate to it. Equal if the files' contents are.
#[derive(Clone, Debug)]
pub struct Tls {
    material: Arc<Material>,
    config: Arc<ClientConfig>,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
struct Material {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    min_version: TlsVersion,
}

/// A certificate of the gate's own, the chain behind it, and its key, which `Debug` does not show.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    /// Reads the files that are named, and else the system's authorities.
    ///
    /// # Errors
    /// A file can't be read or has nothing of what it should have, a certificate and its key don't
    /// belong together, or nobody is trusted.
    pub fn read(settings: &UpstreamTls) -> io::Result<Tls> {
        let authorities = match &settings.authorities {
            Some(file) => pem::certificates(file)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let identity = settings.identity.as_ref().map(Identity::read).transpose()?;
        let material = Material { authorities, identity, min_version: settings.min_version };
        let config = Arc::new(material.config(settings)?);
        Ok(Tls { material: Arc::new(material), config })
    }

    /// What connections are made with. Sessions are resumed among those of one configuration.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// Greets a store that is to prove that it is `host`, a name or an address.
    ///
    /// # Errors
    /// It can't, or the connection fails.
    pub(super) async fn connect(
        &self,
        host: &str,
        socket: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(self.config.clone()).connect(name, socket).await
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl Eq for Tls {}

impl Identity {
    fn read(files: &config::CertificateFiles) -> io::Result<Identity> {
        Ok(Identity { chain: pem::certificates(&files.certificate)?, key: pem::key(&files.key)? })
    }
}

impl Material {
    fn config(&self, settings: &UpstreamTls) -> io::Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = match self.min_version {
            TlsVersion::V12 => SINCE_1_2,
            TlsVersion::V13 => SINCE_1_3,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots(settings)?);
        let mut config = match (&self.identity, &settings.identity) {
            (Some(Identity { chain, key }), Some(files)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| named(&files.key, error))?,
            (_, _) => builder.with_no_client_auth(),
        };
        // S3 itself speaks HTTP/1.1 only, and so do we.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn roots(&self, settings: &UpstreamTls) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        match &settings.authorities {
            Some(file) => {
                for certificate in &self.authorities {
                    roots.add(certificate.clone()).map_err(|error| named(file, error))?;
                }
            }
            None => {
                // A system may have a certificate that rustls can't read among hundreds that it can.
                roots.add_parsable_certificates(self.authorities.iter().cloned());
            }
        }
        match roots.is_empty() {
            true => Err(io::Error::other("the system trusts no certificate authority")),
            false => Ok(roots),
        }
    }
}
