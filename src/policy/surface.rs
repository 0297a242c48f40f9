//! Which ways in besides PUT of an object, parts and forms are open in a bucket.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::rules::{Archives, Copies, Door, Surface};
use crate::s3::{Operation, Refusal, Request};

/// How Google's dialect names a copy's source.
const GOOGLE_SOURCE: &str = "x-goog-copy-source";

impl Surface {
    /// Why a write must not pass, where the bucket enforces, whatever its bytes are: it comes by a way
    /// that is shut. `headers` are its own.
    pub fn shuts(&self, request: &Request, headers: &HeaderMap) -> Option<Refusal> {
        if request.system {
            return shut(self.store_jobs, Refusal::StoreJobShut);
        }
        match request.operation {
            Operation::AppendObject => shut(self.appends, Refusal::AppendShut),
            Operation::PutObjectExtract => match self.archives {
                Archives::Deny => Some(Refusal::ArchiveShut),
                Archives::Inspect | Archives::Forward => None,
            },
            Operation::CopyObject | Operation::UploadPartCopy => self.shuts_copy(request, headers),
            Operation::ComposeObject
            | Operation::StartResumableUpload
            | Operation::ResumableUpload
            | Operation::JsonApi => shut(self.google, Refusal::GoogleShut),
            Operation::Swift
            | Operation::SwiftManifest
            | Operation::SwiftExtract
            | Operation::SwiftCopy => shut(self.swift, Refusal::SwiftShut),
            Operation::StoreJob | Operation::StoreAdmin => {
                shut(self.store_jobs, Refusal::StoreJobShut)
            }
            Operation::OtherMethod => shut(self.methods, Refusal::Method),
            Operation::ListBuckets
            | Operation::HeadBucket
            | Operation::CreateBucket
            | Operation::DeleteBucket
            | Operation::BucketSubresource
            | Operation::ListObjects
            | Operation::ListObjectsV2
            | Operation::ListObjectVersions
            | Operation::ListMultipartUploads
            | Operation::DeleteObjects
            | Operation::GetObject
            | Operation::HeadObject
            | Operation::DeleteObject
            | Operation::ObjectSubresource
            | Operation::PutObject
            | Operation::PutObjectAnnotation
            | Operation::PostObject
            | Operation::RenameObject
            | Operation::SelectObjectContent
            | Operation::RestoreObject
            | Operation::CreateMultipartUpload
            | Operation::UploadPart
            | Operation::CompleteMultipartUpload
            | Operation::AbortMultipartUpload
            | Operation::ListParts
            | Operation::Options
            | Operation::Other => None,
        }
    }

    fn shuts_copy(&self, request: &Request, headers: &HeaderMap) -> Option<Refusal> {
        if headers.contains_key(GOOGLE_SOURCE) {
            return shut(self.google, Refusal::GoogleShut);
        }
        let is_range = request.copy_source.as_ref().is_some_and(|source| source.range.is_some());
        match self.copies {
            Copies::Deny => Some(Refusal::CopyShut),
            // A range could cut a listed picture out of a harmless carrier.
            Copies::Whole if is_range => Some(Refusal::CopyRangeShut),
            // What was judged as it is would be shown as what it unfolds to.
            Copies::Whole if headers.contains_key(CONTENT_ENCODING) => {
                Some(Refusal::CopyCodingShut)
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::{Head, Surface as Dialects};

    fn read(method: &str, target: &str, headers: &[(&'static str, &str)]) -> (Request, HeaderMap) {
        let method: http::Method = method.parse().unwrap();
        let mut map = HeaderMap::new();
        map.insert("host", "store".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let dialects = Dialects::default().with_other_methods(true);
        let target = target.parse().unwrap();
        (dialects.classify(&Head::new(&method, &target, &map)).unwrap(), map)
    }

    #[track_caller]
    fn check(method: &str, target: &str, headers: &[(&'static str, &str)], shut: Option<Refusal>) {
        let (request, map) = read(method, target, headers);
        assert_eq!(Surface::default().shuts(&request, &map), shut, "{:?}", request.operation);
        let open = Surface {
            copies: Copies::ReadBack,
            appends: Door::Forward,
            archives: Archives::Inspect,
            swift: Door::Forward,
            google: Door::Forward,
            methods: Door::Forward,
            store_jobs: Door::Forward,
        };
        assert_eq!(open.shuts(&request, &map), None, "{:?}", request.operation);
    }

    const SOURCE: (&str, &str) = ("x-amz-copy-source", "/b/other");

    #[test]
    fn each_way_in_has_its_door() {
        check("PUT", "/b/k", &[], None);
        check("PUT", "/b/k?partNumber=1&uploadId=u", &[], None);
        check("POST", "/b?delete", &[], None);
        check("PUT", "/b/k?append&position=0", &[], Some(Refusal::AppendShut));
        check("PUT", "/b/k", &[("x-amz-write-offset-bytes", "0")], Some(Refusal::AppendShut));
        let extract = ("x-amz-meta-snowball-auto-extract", "true");
        check("PUT", "/b/k", &[extract], Some(Refusal::ArchiveShut));
        check("PUT", "/b/k?compose", &[], Some(Refusal::GoogleShut));
        check("POST", "/b/k", &[("x-goog-resumable", "start")], Some(Refusal::GoogleShut));
        check("POST", "/upload/storage/v1/b/b/o", &[], Some(Refusal::GoogleShut));
        check("PUT", "/swift/v1/b/k", &[], Some(Refusal::SwiftShut));
        check("MKCOL", "/b/k", &[], Some(Refusal::Method));
    }

    #[test]
    fn copies_of_whole_objects_pass_and_nothing_else_of_them() {
        check("PUT", "/b/k", &[SOURCE], None);
        let part = "/b/k?partNumber=1&uploadId=u";
        check("PUT", part, &[SOURCE], None);
        let range = ("x-amz-copy-source-range", "bytes=0-9");
        check("PUT", part, &[SOURCE, range], Some(Refusal::CopyRangeShut));
        let coding = ("content-encoding", "gzip");
        check("PUT", "/b/k", &[SOURCE, coding], Some(Refusal::CopyCodingShut));
        let (request, map) = read("PUT", "/b/k", &[SOURCE]);
        let deny = Surface { copies: Copies::Deny, ..Surface::default() };
        assert_eq!(deny.shuts(&request, &map), Some(Refusal::CopyShut));
    }

    #[test]
    fn what_the_store_does_by_itself_can_be_shut() {
        let deny = Surface { store_jobs: Door::Deny, ..Surface::default() };
        let targets =
            ["/b?replication", "/b?inventory&id=x", "/minio/admin/v3/start-job", "/b/k?rgwx-x=1"];
        for target in targets {
            let (request, map) = read("PUT", target, &[]);
            assert_eq!(deny.shuts(&request, &map), Some(Refusal::StoreJobShut), "{target}");
            assert_eq!(Surface::default().shuts(&request, &map), None, "{target}");
        }
    }
}
