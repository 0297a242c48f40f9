//! Which ways in besides PUT of an object, parts and forms are open in a bucket.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::rules::{Archives, Copies, Door, Surface};
use crate::s3::{Operation, Refusal, Request};

/// How Google's dialect names a copy's source.
const GOOGLE_SOURCE: &str = "x-goog-copy-source";

impl Surface {
    /// Why a request must not pass, where the bucket enforces, whatever its bytes are: it comes by a
    /// way that is shut. `headers` are its own.
    pub fn shuts(&self, request: &Request, headers: &HeaderMap) -> Option<Refusal> {
        match request.operation {
            Operation::AppendObject => shut(self.appends, Refusal::AppendShut),
            Operation::PutObjectExtract => match self.archives {
                Archives::Deny => Some(Refusal::ArchiveShut),
                Archives::Inspect | Archives::Forward => None,
            },
            Operation::CopyObject | Operation::UploadPartCopy => self.shuts_copy(request, headers),
            _ => None,
        }
    }

    fn shuts_copy(&self, request: &Request, headers: &HeaderMap) -> Option<Refusal> {
        // A copy that names no source in S3's way is a composition of Google's.
        if request.copy_source.is_none() || headers.contains_key(GOOGLE_SOURCE) {
            return shut(self.google, Refusal::GoogleShut);
        }
        let codes = headers.contains_key(CONTENT_ENCODING);
        let is_range = request.copy_source.as_ref().is_some_and(|source| source.range.is_some());
        match self.copies {
            Copies::Deny => Some(Refusal::CopyShut),
            // A range could cut a listed picture out of a harmless carrier.
            Copies::Whole if is_range => Some(Refusal::CopyRangeShut),
            // What was judged as it is would be shown as what it unfolds to.
            Copies::Whole if codes => Some(Refusal::CopyCodingShut),
            Copies::Whole | Copies::ReadBack => None,
        }
    }
}

fn shut(door: Door, refusal: Refusal) -> Option<Refusal> {
    match door {
        Door::Deny => Some(refusal),
        Door::Forward => None,
    }
}
