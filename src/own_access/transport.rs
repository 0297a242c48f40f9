//! HTTP/1.1 as object_store wants it, over hyper and rustls, which are here anyway. Its own choice,
//! reqwest, would bring twenty crates, HTTP/2 among them.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as ConnectorFactory, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::account::{Account, AccountError};

/// How long an unused connection is kept: below the idle timeout of every store that we know.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Unused connections kept at most.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// A pool of connections to one account's endpoint. Clones share it.
#[derive(Clone)]
pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, HttpRequestBody>,
}

impl Transport {
    /// A pool without connections yet. `connect_timeout` is for each attempt.
    ///
    /// # Errors
    /// The account is not usable, or names authorities that can't be read.
    pub fn new(account: &Account, connect_timeout: Duration) -> Result<Self, AccountError> {
        let endpoint = account.checked()?;
        let roots = match endpoint.scheme() {
            "https" => roots(account.authorities.as_deref()).map_err(AccountError::Authorities)?,
            // Nothing is trusted, since nothing is asked.
            _ => RootCertStore::empty(),
        };
        Transport::with_tls(account, connect_timeout, tls(roots)?)
    }

    /// As [`Transport::new`], with TLS that was made elsewhere; the account's authorities don't count.
    ///
    /// # Errors
    /// The account is not usable.
    pub fn with_tls(
        account: &Account,
        connect_timeout: Duration,
        mut tls: ClientConfig,
    ) -> Result<Self, AccountError> {
        account.checked()?;
        // The connector says itself what it speaks.
        tls.alpn_protocols.clear();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Ok(Transport { client })
    }
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, AccountError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| AccountError::Authorities(io::Error::other(error)))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities of a PEM file, or else the system's.
fn roots(authorities: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(io::Error::other)? {
                roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => {
            // A system may have a certificate that rustls can't read among hundreds that it can.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    match roots.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "no certificate authority to trust")),
        false => Ok(roots),
    }
}

#[async_trait::async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.client.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { kind(&error) };
            HttpError::new(kind, error)
        })?;
        let (parts, body) = response.into_parts();
        let body = body.map_err(|error| HttpError::new(kind(&error), error));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

/// What object_store decides by whether to try again.
fn kind(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_timeout() {
                return HttpErrorKind::Timeout;
            }
            if error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted() {
                return HttpErrorKind::Interrupted;
            }
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::TimedOut => HttpErrorKind::Timeout,
                _ => HttpErrorKind::Interrupted,
            };
        }
        cause = error.source();
    }
    HttpErrorKind::Unknown
}

impl ConnectorFactory for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
