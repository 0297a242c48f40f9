//! Uploads as they go over the wire.

use std::io;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};

use super::body::{self, Body, TRAILER};
use super::framing::{Cut, Framing, Gap};
use super::request::Draft;
use super::target::Target;
use crate::s3::sigv4::Signer;

/// What to upload, and how.
pub(super) struct Upload<'a> {
    /// How its body is framed.
    pub(super) framing: Framing,
    /// The object's key.
    pub(super) key: &'a str,
    /// Which part of which multipart upload it is, as a query.
    pub(super) part: Option<String>,
    /// The object.
    pub(super) payload: &'a [u8],
    /// What `x-amz-decoded-content-length` says, where there is one.
    pub(super) declared: usize,
    /// Further headers, which are signed.
    pub(super) headers: &'a [(HeaderName, &'a str)],
}

impl<'a> Upload<'a> {
    /// An upload that says the truth about itself.
    pub(super) fn new(framing: Framing, key: &'a str, payload: &'a [u8]) -> Self {
        Upload { framing, key, part: None, payload, declared: payload.len(), headers: &[] }
    }

    /// Signs it, and frames its body.
    ///
    /// # Errors
    /// A header that the target needs can't be written.
    pub(super) fn compose(&self, target: &Target, signer: &Signer) -> io::Result<Composed> {
        let framing = self.framing;
        let mut draft = Draft::new("PUT", target, self.key)?;
        if let Some(query) = &self.part {
            draft = draft.query(query);
        }
        for (name, value) in self.headers {
            draft = draft.with(name.clone(), value)?;
        }
        if framing.is_aws_chunked() {
            draft = draft
                .with(CONTENT_ENCODING, "aws-chunked")?
                .amz("x-amz-decoded-content-length", &self.declared.to_string())?;
        }
        if framing.has_trailer() {
            draft = draft.amz("x-amz-trailer", TRAILER)?;
        }
        let (draft, authorization) = draft.sign(signer, framing.token())?;
        let chain = signer.key().chain(authorization.seed);
        let body = match framing {
            Framing::Identity | Framing::HttpChunked => Body::identity(self.payload),
            Framing::SignedChunks => Body::signed(self.payload, chain, false),
            Framing::SignedTrailer => Body::signed(self.payload, chain, true),
            Framing::UnsignedTrailer | Framing::UnsignedTrailerInHttp => {
                Body::unsigned_trailer(self.payload)
            }
        };
        Ok(Composed { draft, framing, body })
    }
}

/// An upload, signed and framed.
pub(super) struct Composed {
    draft: Draft,
    framing: Framing,
    body: Body,
}

/// Bytes of a request.
pub(super) struct Message {
    /// Its head.
    pub(super) head: Vec<u8>,
    /// What is sent behind the head.
    pub(super) body: Vec<u8>,
}

impl Message {
    /// All of it.
    pub(super) fn bytes(self) -> Vec<u8> {
        [self.head, self.body].concat()
    }
}

impl Composed {
    /// All of it.
    ///
    /// # Errors
    /// As [`Upload::compose`].
    pub(super) fn whole(&self) -> io::Result<Message> {
        self.delimited(&self.body.bytes)
    }

    /// With a part of the body left out, of which HTTP knows nothing.
    ///
    /// # Errors
    /// As [`Upload::compose`].
    pub(super) fn without(&self, gap: Gap) -> io::Result<Message> {
        self.delimited(&self.body.without(gap))
    }

    /// With something behind the end of the body, of which HTTP says that it belongs to it.
    ///
    /// # Errors
    /// As [`Upload::compose`].
    pub(super) fn with_more(&self, more: &[u8]) -> io::Result<Message> {
        self.delimited(&[&self.body.bytes, more].concat())
    }

    /// The whole head, and the body up to a cut.
    ///
    /// # Errors
    /// As [`Upload::compose`].
    pub(super) fn cut(&self, cut: Cut) -> io::Result<Message> {
        let Message { head, .. } = self.whole()?;
        Ok(Message { head, body: body::cut(&self.body, self.framing, cut) })
    }

    fn delimited(&self, bytes: &[u8]) -> io::Result<Message> {
        let draft = self.draft.clone();
        let (draft, body) = match self.framing.is_http_chunked() {
            true => (draft.with(TRANSFER_ENCODING, "chunked")?, Body::http_chunked(bytes).bytes),
            false => (draft.with(CONTENT_LENGTH, &bytes.len().to_string())?, bytes.to_vec()),
        };
        Ok(Message { head: draft.bytes(), body })
    }
}
