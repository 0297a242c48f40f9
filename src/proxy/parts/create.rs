//! The start of a multipart upload that says how its object will be coded: `Content-Encoding` stands
//! there and nowhere else, and the Complete, perhaps through another gate, has to undo it.

use std::sync::Arc;

use super::Parts;
use crate::inspect::Codings;
use crate::policy::Unjudged;
use crate::s3::{self, initiated_upload_id};
use crate::state::UploadKey;
use crate::unpack::Coding;

/// Codings that a mark tells. More of them can't be undone anyway.
const CODINGS_MAX: usize = 4;

/// The word for what is not known, or can't be told.
const OTHER: &str = "other";

/// A start under way that declares a coding. Which upload it starts, the store's answer says.
pub struct Create {
    parts: Arc<Parts>,
    bucket: String,
    key: String,
    word: String,
}

impl Create {
    /// `None` where no coding is declared, so that there is nothing to note.
    pub fn of(parts: &Arc<Parts>, request: &s3::Request) -> Option<Create> {
        let (bucket, key) = (request.bucket.clone()?, request.key.clone()?);
        let word = word(&request.content_encoding)?;
        Some(Create { parts: parts.clone(), bucket, key, word })
    }

    /// Notes the coding under the upload that this answer of the store's names, if it names one.
    ///
    /// # Errors
    /// It can't be kept: the client must not hear that there is an upload.
    pub async fn answered(&self, answer: &[u8]) -> Result<(), Unjudged> {
        let Some(id) = initiated_upload_id(answer) else { return Ok(()) };
        let upload = UploadKey::of(self.bucket.as_bytes(), self.key.as_bytes(), id.as_bytes());
        self.parts.state.seen_coded(&upload, &self.word).await.map_err(|error| {
            tracing::warn!(%error, "the coding of an upload can't be recorded");
            Unjudged::Spool
        })
    }
}

fn word(codings: &[s3::Coding]) -> Option<String> {
    let name = |coding: &s3::Coding| match coding {
        s3::Coding::Gzip => Some("gzip"),
        s3::Coding::Deflate => Some("deflate"),
        s3::Coding::Brotli => Some("br"),
        s3::Coding::Zstd => Some("zstd"),
        s3::Coding::Unknown => None,
    };
    match codings {
        [] => None,
        [..] if codings.len() > CODINGS_MAX => Some(OTHER.to_owned()),
        [..] => {
            let names: Option<Vec<&str>> = codings.iter().map(name).collect();
            Some(names.map_or(OTHER.to_owned(), |names| names.join("-")))
        }
    }
}

/// What a noted word stands for.
pub(super) fn codings(word: &str) -> Codings {
    let coding = |name| match name {
        "gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        "br" => Some(Coding::Brotli),
        "zstd" => Some(Coding::Zstd),
        _ => None,
    };
    let known: Option<Vec<Coding>> = word.split('-').map(coding).collect();
    known.map_or(Codings::Unknown, Codings::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_what_was_declared() {
        use s3::Coding::{Brotli, Deflate, Gzip, Unknown, Zstd};
        assert_eq!(word(&[]), None);
        let known = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
        let told = |declared: &[s3::Coding]| codings(&word(declared).unwrap());
        assert_eq!(told(&[Gzip, Deflate, Brotli, Zstd]), Codings::Known(known.to_vec()));
        assert_eq!(told(&[Brotli]), Codings::Known(vec![Coding::Brotli]));
        for unknown in [&[Unknown][..], &[Gzip, Unknown], &[Gzip; CODINGS_MAX + 1]] {
            assert_eq!(told(unknown), Codings::Unknown);
        }
        assert_eq!(codings(""), Codings::Unknown);
    }
}
