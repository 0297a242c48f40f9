//! Certificates that a listener shows, and which of them a client gets.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::net::pem::{self, named};

/// One certificate with its chain and key.
#[derive(Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    /// The DNS names that it is for, in lower case, `*.` as their first label where it has that.
    pub names: Vec<String>,
    /// What operators know it by: its first name, or where it has none its file's.
    pub label: String,
    /// When it stops being valid, in seconds since 1970.
    pub expires: i64,
}

/// The certificates of a listener.
#[derive(Debug)]
pub struct Certificates {
    all: Vec<Certificate>,
    /// Places in `all`, by the names there.
    by_name: HashMap<String, Vec<usize>>,
}

impl Certificate {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// A file can't be read, holds no certificate or key, or the two don't belong together.
    pub(super) fn read(
        certificate: &Path,
        key: &Path,
        provider: &CryptoProvider,
    ) -> io::Result<Self> {
        let chain = pem::certificates(certificate)?;
        let secret = pem::key(key)?;
        let Some(own) = chain.first() else { unreachable!("a chain has a certificate") };
        let (_, own) = X509Certificate::from_der(own).map_err(|error| named(certificate, error))?;
        let names = names(&own).map_err(|error| named(certificate, error))?;
        let file = || certificate.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let label = names.first().cloned().unwrap_or_else(file);
        let expires = own.validity().not_after.timestamp();
        let key = CertifiedKey::from_der(chain, secret, provider)
            .map_err(|error| named(key, format!("{error} (with {})", certificate.display())))?;
        Ok(Certificate { key: Arc::new(key), names, label, expires })
    }
}

/// The names that a certificate is for. Those in its subject count for no client any more.
fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, impl std::fmt::Display + use<>> {
    let names = |general: &[GeneralName<'_>]| {
        let dns = general.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        dns.collect()
    };
    let extension = certificate.subject_alternative_name();
    extension.map(|found| found.map(|found| names(&found.value.general_names)).unwrap_or_default())
}

impl Certificates {
    /// These, the first of them for clients that ask for none of their names.
    pub(super) fn new(all: Vec<Certificate>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, certificate) in all.iter().enumerate() {
            for name in &certificate.names {
                by_name.entry(name.clone()).or_default().push(place);
            }
        }
        Certificates { all, by_name }
    }

    /// All of them, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Certificate> {
        self.all.iter()
    }

    /// Those that will do for a client, the best first: with the very name, with a wildcard for its
    /// first label, any.
    fn candidates(&self, name: Option<&str>) -> impl Iterator<Item = &Certificate> {
        let name = name.map(str::to_ascii_lowercase);
        let wildcard = name.as_deref().and_then(|name| name.split_once('.'));
        let wildcard = wildcard.map(|(_, parent)| format!("*.{parent}"));
        let called = [name, wildcard].into_iter().flatten();
        let places = called.filter_map(|name| self.by_name.get(&name)).flatten().copied();
        places.filter_map(|place| self.all.get(place)).chain(&self.all)
    }

    /// What a client is shown that asks for `name` and can verify these signatures: a name may have
    /// two certificates, with different kinds of keys.
    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<&Certificate> {
        self.candidates(name).find(|each| each.key.key.choose_scheme(schemes).is_some())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chosen = self.choose(client.server_name(), client.signature_schemes());
        chosen.map(|certificate| certificate.key.clone())
    }
}

#[cfg(test)]
mod tests;
