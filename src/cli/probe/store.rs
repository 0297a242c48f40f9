//! Plain requests to the store, each on a connection of its own.

use std::io;

use http::header::{CONTENT_LENGTH, HOST};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Answer;
use super::request::Draft;
use super::target::Target;
use super::wire::End;
use crate::s3::sigv4::sha256;

/// What came of a request.
pub(super) type Reply = Result<Answer, End>;

/// A query that names a multipart upload.
pub(super) fn upload_query(upload: &str) -> String {
    format!("uploadId={}", utf8_percent_encode(upload, NON_ALPHANUMERIC))
}

/// The store, as its client.
#[derive(Clone, Copy)]
pub(super) struct Store<'a>(pub(super) &'a Target);

impl Store<'_> {
    /// Asks whether there is such a bucket.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn has_bucket(self) -> io::Result<Reply> {
        self.ask("HEAD", "", "")
    }

    /// Makes the bucket.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn make_bucket(self) -> io::Result<Reply> {
        self.ask("PUT", "", "")
    }

    /// Removes the bucket.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn remove_bucket(self) -> io::Result<Reply> {
        self.ask("DELETE", "", "")
    }

    /// Lists the keys with a prefix, a page of them.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn list(self, prefix: &str) -> io::Result<Reply> {
        self.ask("GET", "", &format!("list-type=2&prefix={prefix}"))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn read(self, key: &str) -> io::Result<Reply> {
        self.ask("GET", key, "")
    }

    /// Removes an object.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn remove(self, key: &str) -> io::Result<Reply> {
        self.ask("DELETE", key, "")
    }

    /// Begins a multipart upload.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn begin_parts(self, key: &str) -> io::Result<Reply> {
        self.ask("POST", key, "uploads=")
    }

    /// Lists the parts of a multipart upload.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn parts(self, key: &str, upload: &str) -> io::Result<Reply> {
        self.ask("GET", key, &upload_query(upload))
    }

    /// Gives a multipart upload up.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(super) fn drop_parts(self, key: &str, upload: &str) -> io::Result<Reply> {
        self.ask("DELETE", key, &upload_query(upload))
    }

    /// The bytes of a signed read of a key; under another Host than the store's address if asked.
    ///
    /// # Errors
    /// A header can't be written.
    pub(super) fn reading(self, key: &str, host: Option<&str>) -> io::Result<Vec<u8>> {
        let mut draft = Draft::new("GET", self.0, key)?;
        if let Some(host) = host {
            draft = draft.with(HOST, host)?;
        }
        self.signed(draft)
    }

    fn ask(self, method: &'static str, key: &str, query: &str) -> io::Result<Reply> {
        let mut draft = Draft::new(method, self.0, key)?;
        if !query.is_empty() {
            draft = draft.query(query);
        }
        if matches!(method, "PUT" | "POST") {
            draft = draft.with(CONTENT_LENGTH, "0")?;
        }
        let request = self.signed(draft)?;
        let mut wire = self.0.connect(None)?;
        wire.send(&request);
        Ok(wire.final_answer(method == "HEAD").0)
    }

    fn signed(self, draft: Draft) -> io::Result<Vec<u8>> {
        let (draft, _) = draft.sign(&self.0.signer(), &sha256(b"").to_string())?;
        Ok(draft.bytes())
    }
}

/// A reply in words: a status with its code, or how the connection stood.
pub(super) fn told(reply: &Reply) -> String {
    match reply {
        Ok(answer) => match answer.code() {
            Some(code) => format!("{} {code}", answer.status),
            None => answer.status.to_string(),
        },
        Err(End::Closed) => "no answer, the connection was closed".to_owned(),
        Err(End::Reset) => "no answer, the connection was reset".to_owned(),
        Err(End::Silent) => "no answer in time".to_owned(),
    }
}
