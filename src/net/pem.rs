//! Certificates and keys in PEM files, for either side of the gate.

use std::fmt::Display;
use std::io;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a file, at least one.
///
/// # Errors
/// It can't be read, or holds none.
pub(super) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| named(path, error))?;
    match certificates.is_empty() {
        true => Err(named(path, "no certificate in it")),
        false => Ok(certificates),
    }
}

/// The private key in a file.
///
/// # Errors
/// It can't be read, or holds none.
pub(super) fn key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| named(path, error))
}

/// An error that says which file it is about.
pub(super) fn named(path: &Path, error: impl Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
