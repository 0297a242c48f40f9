//! The operations of S3 and its dialects, and how a head names one.

use super::addressing::Address;
use super::copy;
use super::headers::{Headers, Name};
use super::hygiene::Method;
use super::query::{Key, Query};
use super::refusal::Refusal;

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident, $label:literal, $shape:ident;)+) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Operation {
            /// Every operation, in order.
            pub const ALL: &'static [Operation] = &[$(Operation::$name,)+];

            /// The stable word in metrics and audit records: the AWS name where there is one.
            pub const fn name(self) -> &'static str {
                match self { $(Operation::$name => $label,)+ }
            }

            /// How its body relates to the object that results.
            pub const fn shape(self) -> BodyShape {
                match self { $(Operation::$name => BodyShape::$shape,)+ }
            }
        }
    };
}

operations! {
    /// GET of the service.
    ListBuckets, "ListBuckets", Control;
    /// HEAD of a bucket.
    HeadBucket, "HeadBucket", Control;
    /// PUT of a bucket.
    CreateBucket, "CreateBucket", Control;
    /// DELETE of a bucket.
    DeleteBucket, "DeleteBucket", Control;
    /// Any method on a bucket's setting, such as `?policy`.
    BucketSubresource, "BucketSubresource", Control;
    /// GET of a bucket.
    ListObjects, "ListObjects", Control;
    /// GET of a bucket with `?list-type=2`.
    ListObjectsV2, "ListObjectsV2", Control;
    /// GET of a bucket with `?versions`.
    ListObjectVersions, "ListObjectVersions", Control;
    /// GET of a bucket with `?uploads`.
    ListMultipartUploads, "ListMultipartUploads", Control;
    /// POST of a bucket with `?delete`.
    DeleteObjects, "DeleteObjects", Control;
    /// GET of an object.
    GetObject, "GetObject", Control;
    /// HEAD of an object.
    HeadObject, "HeadObject", Control;
    /// DELETE of an object.
    DeleteObject, "DeleteObject", Control;
    /// Any method on a setting of an object, such as `?tagging`.
    ObjectSubresource, "ObjectSubresource", Control;
    /// PUT of an object.
    PutObject, "PutObject", Object;
    /// PUT of an object with `?annotation`, a body beside the object's own.
    PutObjectAnnotation, "PutObjectAnnotation", Object;
    /// PUT of an object that MinIO and RustFS unpack into many.
    PutObjectExtract, "PutObjectExtract", Archive;
    /// POST of a browser form.
    PostObject, "PostObject", Form;
    /// PUT or POST of bytes into an object that is there, in any dialect.
    AppendObject, "AppendObject", Append;
    /// PUT whose bytes the store takes from another object.
    CopyObject, "CopyObject", Copy;
    /// PUT with `?compose`: Google joins objects that are there.
    ComposeObject, "ComposeObject", Compose;
    /// POST or PUT with `x-goog-resumable`, by which an upload in chunks starts at Google.
    StartResumableUpload, "StartResumableUpload", Control;
    /// PUT or POST with `?upload_id`, a chunk of such an upload.
    ResumableUpload, "ResumableUpload", Resumable;
    /// PUT with `?renameObject`.
    RenameObject, "RenameObject", Control;
    /// POST of an object with `?select`.
    SelectObjectContent, "SelectObjectContent", Control;
    /// POST of an object with `?restore`.
    RestoreObject, "RestoreObject", Control;
    /// POST of an object with `?uploads`.
    CreateMultipartUpload, "CreateMultipartUpload", Control;
    /// PUT with `?partNumber&uploadId`.
    UploadPart, "UploadPart", Part;
    /// The same whose bytes the store takes from another object.
    UploadPartCopy, "UploadPartCopy", Copy;
    /// POST with `?uploadId`.
    CompleteMultipartUpload, "CompleteMultipartUpload", Control;
    /// DELETE with `?uploadId`.
    AbortMultipartUpload, "AbortMultipartUpload", Control;
    /// GET with `?uploadId`.
    ListParts, "ListParts", Control;
    /// Anything below the path prefix of the Swift API, none of the next three.
    Swift, "Swift", Swift;
    /// PUT of a list of the objects that make up a large one, in Swift's ways: `X-Object-Manifest`,
    /// `?multipart-manifest`.
    SwiftManifest, "SwiftManifest", Manifest;
    /// PUT with `?extract-archive`, which Swift unpacks into many objects.
    SwiftExtract, "SwiftExtract", Archive;
    /// PUT with `X-Copy-From`, Swift's copy.
    SwiftCopy, "SwiftCopy", Copy;
    /// Anything on the paths of Google's JSON API.
    JsonApi, "JsonApi", Envelope;
    /// PUT or POST of a bucket's setting that makes the store write objects by itself: replication,
    /// inventory, logs, reports.
    StoreJob, "StoreJob", Job;
    /// Anything on the paths of a store's administration: MinIO, Ceph RGW, S3 Control with its batch
    /// jobs.
    StoreAdmin, "StoreAdmin", Job;
    /// OPTIONS, a browser's preflight.
    Options, "Options", Control;
    /// Another method than GET, HEAD, OPTIONS, PUT, POST and DELETE: WebDAV's, Swift's COPY, Wasabi's
    /// MOVE, `put`.
    OtherMethod, "OtherMethod", Unknown;
    /// A PUT or POST that is none of these.
    Other, "Other", Object;
}

/// How the body of a request relates to the object that results from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyShape {
    /// The body is the object.
    Object,
    /// The body is a part of an object.
    Part,
    /// The object is inside a form.
    Form,
    /// The object's bytes come from another object.
    Copy,
    /// The object's bytes come from several, which the body names.
    Compose,
    /// The object stays a list of others, which the body or a header names; a reader gets their
    /// bytes.
    Manifest,
    /// The body becomes a stretch of an object.
    Append,
    /// The body is the object, or a stretch of it that has no number.
    Resumable,
    /// The body's members become objects.
    Archive,
    /// The body is an object in another protocol, or one of that protocol's requests.
    Swift,
    /// The object is inside a MIME message, or the body is JSON.
    Envelope,
    /// The body tells the store to fetch, copy or write by itself. It is judged like an object: a
    /// store that doesn't know the request stores it as one.
    Job,
    /// Nobody here knows.
    Unknown,
    /// The body is meant as XML or nothing. It is judged like an object: a store that doesn't know
    /// the sub-resource stores it as one.
    Control,
}

impl Operation {
    /// Whether it is one of the Swift API's own.
    pub const fn is_swift(self) -> bool {
        matches!(
            self,
            Operation::Swift
                | Operation::SwiftManifest
                | Operation::SwiftExtract
                | Operation::SwiftCopy
        )
    }

    /// Whether the bucket and key of such a request are those of S3. If not, they are what the path
    /// would mean in S3, for records; policy must not rest on them.
    pub const fn names_bucket(self) -> bool {
        !self.is_swift() && !matches!(self, Operation::JsonApi | Operation::StoreAdmin)
    }
}

/// The operation that a head names.
///
/// The marks of parts, copies, appends, archives and forms are looked for wherever the path points,
/// so that a bucket in the host name can't hide them. `door` is where the path leads besides S3.
pub(super) fn recognise(
    method: Method,
    address: Address,
    door: Option<Operation>,
    headers: &Headers,
    query: &Query,
) -> Result<Operation, Refusal> {
    let object = address.key.is_some();
    let in_s3 = match method {
        Method::Other => return Ok(Operation::OtherMethod),
        Method::Options => return Ok(Operation::Options),
        Method::Put => put(address, headers, query)?,
        Method::Post => post(object, headers, query)?,
        Method::Get => get(address, query),
        Method::Head if object => Operation::HeadObject,
        Method::Head => Operation::HeadBucket,
        Method::Delete => delete(object, query),
    };
    Ok(match door {
        None => in_s3,
        Some(Operation::Swift) if in_s3.is_swift() => in_s3,
        Some(door) => door,
    })
}

/// The part number of a write, if it has one.
pub(super) fn part_number(query: &Query) -> Result<Option<u32>, Refusal> {
    let Some(digits) = query.get(Key::PartNumber) else { return Ok(None) };
    let plain = matches!(digits.len(), 1..=5) && !digits.starts_with('0');
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| plain && all_digits);
    number.map(Some).ok_or(Refusal::PartNumber)
}

fn get(address: Address, query: &Query) -> Operation {
    match (address.bucket, address.key) {
        (_, Some(_)) if query.has(Key::UploadId) => Operation::ListParts,
        (_, Some(_)) if query.object_part => Operation::ObjectSubresource,
        (_, Some(_)) => Operation::GetObject,
        (None, None) => Operation::ListBuckets,
        (Some(_), None) if query.has(Key::Uploads) => Operation::ListMultipartUploads,
        (Some(_), None) if query.has(Key::Versions) => Operation::ListObjectVersions,
        (Some(_), None) if query.bucket_part => Operation::BucketSubresource,
        (Some(_), None) if query.get(Key::ListType) == Some("2") => Operation::ListObjectsV2,
        (Some(_), None) => Operation::ListObjects,
    }
}

fn delete(object: bool, query: &Query) -> Operation {
    match object {
        true if query.has(Key::UploadId) => Operation::AbortMultipartUpload,
        true if query.object_part => Operation::ObjectSubresource,
        true => Operation::DeleteObject,
        false if query.bucket_part => Operation::BucketSubresource,
        false => Operation::DeleteBucket,
    }
}

fn put(address: Address, headers: &Headers, query: &Query) -> Result<Operation, Refusal> {
    let part = is_part(query)?;
    let marks = [
        (copy::is_copy(headers, query), Operation::CopyObject),
        (part, Operation::UploadPart),
        (query.has(Key::Compose), Operation::ComposeObject),
        (headers.has(Name::GoogResumable), Operation::StartResumableUpload),
        (query.has(Key::ResumableId), Operation::ResumableUpload),
        (is_append(headers, query), Operation::AppendObject),
        (headers.markers.or(query.markers).extract, Operation::PutObjectExtract),
        (query.has(Key::ExtractArchive), Operation::SwiftExtract),
        (headers.has(Name::CopyFrom), Operation::SwiftCopy),
        (is_manifest(headers, query), Operation::SwiftManifest),
        (address.key.is_none() && query.bucket_job, Operation::StoreJob),
    ];
    let mut marked = marks.into_iter().filter(|(marked, _)| *marked).map(|(_, what)| what);
    match (marked.next(), marked.next(), marked.next()) {
        (None, ..) => Ok(put_whole(address, query)),
        (Some(what), None, _) => Ok(what),
        (Some(Operation::CopyObject), Some(Operation::UploadPart), None) => {
            Ok(Operation::UploadPartCopy)
        }
        (Some(_), Some(_), _) => Err(Refusal::MixedOperation),
    }
}

fn put_whole(address: Address, query: &Query) -> Operation {
    match (address.bucket, address.key) {
        (_, Some(_)) if query.has(Key::Annotation) => Operation::PutObjectAnnotation,
        (_, Some(_)) if query.has(Key::RenameObject) => Operation::RenameObject,
        (_, Some(_)) if query.object_part => Operation::ObjectSubresource,
        (_, Some(_)) => Operation::PutObject,
        (Some(_), None) if query.bucket_part => Operation::BucketSubresource,
        (Some(_), None) => Operation::CreateBucket,
        (None, None) => Operation::Other,
    }
}

fn post(object: bool, headers: &Headers, query: &Query) -> Result<Operation, Refusal> {
    let create = query.has(Key::Uploads);
    let complete = upload_id(query)?.is_some();
    // An object's own type may be that of a form, and comes with the start of its upload.
    let form = is_form(headers) && !(object && (create || complete));
    let marks = [
        (create, Operation::CreateMultipartUpload),
        (complete, Operation::CompleteMultipartUpload),
        (form, Operation::PostObject),
        (headers.has(Name::GoogResumable), Operation::StartResumableUpload),
        (query.has(Key::ResumableId), Operation::ResumableUpload),
        (is_append(headers, query), Operation::AppendObject),
        (query.has(Key::ExtractArchive), Operation::SwiftExtract),
        (query.has(Key::Manifest), Operation::SwiftManifest),
        (!object && query.bucket_job, Operation::StoreJob),
    ];
    let mut marked = marks.into_iter().filter(|(marked, _)| *marked).map(|(_, what)| what);
    match (marked.next(), marked.next()) {
        (None, _) => Ok(post_control(object, query)),
        (Some(what), None) => Ok(what),
        (Some(_), Some(_)) => Err(Refusal::MixedOperation),
    }
}

fn post_control(object: bool, query: &Query) -> Operation {
    match object {
        true if query.has(Key::Select) => Operation::SelectObjectContent,
        true if query.has(Key::Restore) => Operation::RestoreObject,
        true if query.object_part => Operation::ObjectSubresource,
        false if query.has(Key::Delete) => Operation::DeleteObjects,
        false if query.bucket_part => Operation::BucketSubresource,
        true | false => Operation::Other,
    }
}

/// Stores disagree about a PUT with only half of a part's address: to some it is an object.
fn is_part(query: &Query) -> Result<bool, Refusal> {
    match (upload_id(query)?, query.has(Key::PartNumber)) {
        (Some(_), true) => Ok(true),
        (None, false) => Ok(false),
        (Some(_), false) | (None, true) => Err(Refusal::PartAddress),
    }
}

fn upload_id<'a>(query: &Query<'a>) -> Result<Option<&'a str>, Refusal> {
    match query.get(Key::UploadId) {
        Some("") => Err(Refusal::PartAddress),
        id => Ok(id),
    }
}

/// Ceph, Alibaba, Huawei and Tencent append by query, S3 Express and MinIO by header, Dell ECS by
/// range. Google's chunks have a range too.
fn is_append(headers: &Headers, query: &Query) -> bool {
    query.has(Key::Append)
        || query.has(Key::Modify)
        || query.has(Key::WriteOffset)
        || headers.has(Name::WriteOffset)
        || headers.has(Name::Range)
        || headers.has(Name::ContentRange) && !query.has(Key::ResumableId)
}

fn is_manifest(headers: &Headers, query: &Query) -> bool {
    headers.has(Name::ObjectManifest) || query.has(Key::Manifest)
}

fn is_form(headers: &Headers) -> bool {
    headers.get(Name::ContentType).is_some_and(|t| contains(t, b"multipart/form-data"))
}

/// Whether `text` contains `wanted`, which is in lower case, in any case.
pub(super) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}
