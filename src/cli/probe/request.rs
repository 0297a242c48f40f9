//! Heads of requests: written, signed, and turned into bytes.

use std::io;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

use super::target::Target;
use crate::s3::Head;
use crate::s3::sigv4::{Authorization, Signer};

/// A request's head while it is written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    method: &'static str,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl Draft {
    /// A request for a key of the target's bucket, or for the bucket where `key` is empty. Keys of the
    /// probe need no escaping.
    ///
    /// # Errors
    /// The store's name can't stand in a header.
    pub(super) fn new(method: &'static str, target: &Target, key: &str) -> io::Result<Self> {
        let path = match key {
            "" => format!("/{}", target.bucket),
            key => format!("/{}/{key}", target.bucket),
        };
        let draft = Draft { method, path, query: None, headers: HeaderMap::new() };
        draft.with(HOST, &target.endpoint.host_header())
    }

    /// The same with a query, which needs no escaping.
    pub(super) fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    /// The same with a header, instead of any of its name.
    ///
    /// # Errors
    /// The value can't stand in a header.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> io::Result<Self> {
        let value = HeaderValue::from_str(value).map_err(io::Error::other)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// As [`Draft::with`], of a header that only S3 knows.
    ///
    /// # Errors
    /// The value can't stand in a header.
    pub(super) fn amz(self, name: &'static str, value: &str) -> io::Result<Self> {
        self.with(HeaderName::from_static(name), value)
    }

    /// Signs all headers that are there; those that come later are not covered.
    ///
    /// # Errors
    /// The access key can't stand in a header.
    pub(super) fn sign(self, signer: &Signer, payload: &str) -> io::Result<(Self, Authorization)> {
        let draft = self
            .amz("x-amz-date", signer.key().scope().stamp.as_str())?
            .amz("x-amz-content-sha256", payload)?;
        let mut names: Vec<&str> = draft.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let authorization = signer.authorize(&draft.head(), &names, payload);
        let signed = draft.clone().with(http::header::AUTHORIZATION, &authorization.value)?;
        Ok((signed, authorization))
    }

    /// The head's bytes, with the empty line.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let mut bytes = format!("{} {}{query} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn head(&self) -> Head<'_> {
        let Draft { method, path, query, headers } = self;
        Head { method, path, query: query.as_deref(), headers, origin_form: true }
    }
}
