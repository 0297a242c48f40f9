//! Where the gate goes on its own behalf, and as whom.

use std::fmt;
use std::io;
use std::path::PathBuf;

use object_store::aws::AwsCredential;
use url::Url;

/// An S3 endpoint and the gate's own key there.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// `http://host:port` or `https://host`; requests are in path style.
    pub endpoint: String,
    /// Region that signatures name.
    pub region: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// PEM file with the authorities to trust instead of the system's.
    pub authorities: Option<PathBuf>,
}

/// Why an account is none.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The endpoint is no bare `http` or `https` URL.
    #[error("an endpoint is http://host:port or https://host:port, without a path")]
    Endpoint,
    /// Something that goes into a header is empty or has other than printable ASCII characters.
    #[error("{0} must be printable ASCII text without spaces")]
    Text(&'static str),
    /// The authorities can't be read, or there are none.
    #[error("certificate authorities: {0}")]
    Authorities(#[source] io::Error),
}

impl Account {
    /// The endpoint without the slash at its end, once all of the account is usable.
    ///
    /// object_store's signer panics on texts that fit into no header and on hosts that `url` can't
    /// read; so nothing gets there unchecked.
    pub(super) fn checked(&self) -> Result<Url, AccountError> {
        let words = [
            ("the region", &self.region),
            ("the access key", &self.access_key),
            ("the secret key", &self.secret_key),
        ];
        for (what, word) in words {
            if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(AccountError::Text(what));
            }
        }
        let url = Url::parse(&self.endpoint).map_err(|_| AccountError::Endpoint)?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if bare { Ok(url) } else { Err(AccountError::Endpoint) }
    }

    pub(super) fn credential(&self) -> AwsCredential {
        AwsCredential {
            key_id: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            token: None,
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(endpoint: &str, secret_key: &str) -> Account {
        Account {
            endpoint: endpoint.into(),
            region: "eu-west-1".into(),
            access_key: "gate".into(),
            secret_key: secret_key.into(),
            authorities: None,
        }
    }

    #[test]
    fn an_endpoint_is_scheme_host_and_port() {
        let good = [
            "http://127.0.0.1:9000",
            "http://127.0.0.1:9000/",
            "https://s3.example.org",
            "http://[::1]:1",
        ];
        for endpoint in good {
            assert!(account(endpoint, "s").checked().is_ok(), "{endpoint}");
        }
        let bad = [
            "",
            "127.0.0.1:9000",
            "ftp://host",
            "http://",
            "http://1.2.3.999",
            "http://host/path",
            "http://host/?q",
            "http://host/#f",
            "http://user@host",
            "http://user:word@host",
            "file:///etc",
        ];
        for endpoint in bad {
            assert!(
                matches!(account(endpoint, "s").checked(), Err(AccountError::Endpoint)),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn what_fits_into_no_header_is_told_beforehand() {
        for secret in ["", "a b", "a\nb", "ä"] {
            assert!(matches!(account("http://h", secret).checked(), Err(AccountError::Text(_))));
        }
    }

    #[test]
    fn no_secret_is_printed() {
        assert!(!format!("{:?}", account("http://h", "hush")).contains("hush"));
    }
}
