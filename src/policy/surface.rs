//! Which ways in besides PUT of an object, parts and forms are open in a bucket.

use super::rules::{Archives, Copies, Door, Surface};
use crate::s3::{Operation, Refusal, Request};

impl Surface {
    /// Why a request must not pass, where the bucket enforces, whatever its bytes are: it comes by a
    /// way that is shut.
    pub fn shuts(&self, request: &Request) -> Option<Refusal> {
        match request.operation {
            Operation::AppendObject => shut(self.appends, Refusal::AppendShut),
            Operation::PutObjectExtract => match self.archives {
                Archives::Deny => Some(Refusal::ArchiveShut),
                Archives::Inspect | Archives::Forward => None,
            },
            Operation::CopyObject | Operation::UploadPartCopy => self.shuts_copy(request),
            _ => None,
        }
    }

    fn shuts_copy(&self, request: &Request) -> Option<Refusal> {
        let is_range = request.copy_source.as_ref().is_some_and(|source| source.range.is_some());
        match self.copies {
            Copies::Deny => Some(Refusal::CopyShut),
            // A range could cut a listed picture out of a harmless carrier.
            Copies::Whole if is_range => Some(Refusal::CopyRangeShut),
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
