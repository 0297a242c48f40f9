//! One pass over the query that collects the keys which are read here.

use std::borrow::Cow;

use super::addressing::{check_escapes, decode};
use super::marker::{self, Markers};
use super::refusal::Refusal;

/// Most `X-Amz-*` keys in the query of a write; a presigned URL has about ten.
pub const MAX_AMZ_KEYS: usize = 64;

/// The query keys that classification reads, with their raw values.
///
/// Reading is lenient, and what is wrong is kept as a fault: reads pass with it, writes don't.
#[derive(Clone, Debug, Default)]
pub(super) struct Query<'a> {
    values: [Option<&'a str>; Key::COUNT],
    /// A sub-resource of a bucket came.
    pub(super) bucket_part: bool,
    /// A setting of a bucket came that makes the store write objects by itself.
    pub(super) bucket_job: bool,
    /// A sub-resource of an object came.
    pub(super) object_part: bool,
    /// A key of Ceph RGW's own, by which its zones talk to each other, came.
    pub(super) system: bool,
    pub(super) markers: Markers,
    /// The `X-Amz-*` keys, decoded, no more than `MAX_AMZ_KEYS`.
    amz: Vec<Cow<'a, str>>,
    fault: Option<Refusal>,
}

/// The keys that are read; on a write each may come only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    UploadId,
    PartNumber,
    Uploads,
    Append,
    Position,
    /// Huawei OBS: writes into an object.
    Modify,
    /// Google: joins objects.
    Compose,
    /// Google: goes on with a resumable upload.
    ResumableId,
    /// Swift: the body lists the segments of an object.
    Manifest,
    /// Swift: the body is unpacked.
    ExtractArchive,
    Delete,
    Select,
    Restore,
    RenameObject,
    Annotation,
    Versions,
    ListType,
    AwsAccessKeyId,
    Algorithm,
    Credential,
    Signature,
    SignedHeaders,
    ContentSha256,
    DecodedLength,
    CopySource,
    CopySourceRange,
    WriteOffset,
}

/// Keys that some store may read in any case, so that another spelling is refused on writes.
const ONE_SPELLING: [&str; 12] = [
    "uploadId",
    "partNumber",
    "uploads",
    "append",
    "position",
    "modify",
    "compose",
    "upload_id",
    "multipart-manifest",
    "extract-archive",
    "renameObject",
    "annotation",
];

/// `X-Amz-*` keys, which stores compare without regard to case, since SDKs put headers there.
const AMZ_KEYS: [(&str, Key); 9] = [
    ("x-amz-algorithm", Key::Algorithm),
    ("x-amz-credential", Key::Credential),
    ("x-amz-signature", Key::Signature),
    ("x-amz-signedheaders", Key::SignedHeaders),
    ("x-amz-content-sha256", Key::ContentSha256),
    ("x-amz-decoded-content-length", Key::DecodedLength),
    ("x-amz-copy-source", Key::CopySource),
    ("x-amz-copy-source-range", Key::CopySourceRange),
    ("x-amz-write-offset-bytes", Key::WriteOffset),
];

impl Key {
    const COUNT: usize = Key::WriteOffset as usize + 1;

    /// The key with exactly this decoded name, those of X-Amz left out.
    fn of(name: &str) -> Option<Key> {
        Some(match name {
            "uploadId" => Key::UploadId,
            "partNumber" => Key::PartNumber,
            "uploads" => Key::Uploads,
            "append" => Key::Append,
            "position" => Key::Position,
            "modify" => Key::Modify,
            "compose" => Key::Compose,
            "upload_id" => Key::ResumableId,
            "multipart-manifest" => Key::Manifest,
            "extract-archive" => Key::ExtractArchive,
            "delete" => Key::Delete,
            "select" => Key::Select,
            "restore" => Key::Restore,
            "renameObject" => Key::RenameObject,
            "annotation" => Key::Annotation,
            "versions" => Key::Versions,
            "list-type" => Key::ListType,
            _ if name.eq_ignore_ascii_case("AWSAccessKeyId") => Key::AwsAccessKeyId,
            _ => return None,
        })
    }
}

impl<'a> Query<'a> {
    /// Collects the keys that are read.
    pub(super) fn read(query: Option<&'a str>) -> Self {
        let mut read = Query::default();
        let Some(query) = query else { return read };
        if let Err(fault) = check_escapes(query) {
            read.fault(fault);
        }
        query.split('&').for_each(|pair| read.take(pair));
        read
    }

    /// The raw value of a key, empty if it has none; the first of several.
    pub(super) fn get(&self, key: Key) -> Option<&'a str> {
        self.values[key as usize]
    }

    /// Whether a key came.
    pub(super) fn has(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// # Errors
    /// The first thing that stores could read differently.
    pub(super) fn check_write(&self) -> Result<(), Refusal> {
        self.fault.map_or(Ok(()), Err)
    }

    fn take(&mut self, pair: &'a str) {
        let (raw, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(raw);
        let is_amz = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
        let key = if is_amz { amz_key(&name) } else { Key::of(&name) };
        // Some presigned URLs leave the semicolons of the signed headers bare.
        let bare = if key == Some(Key::SignedHeaders) { raw } else { pair };
        if bare.contains(';') {
            self.fault(Refusal::QueryKey);
        }
        match key {
            Some(key) => self.keep(key, value),
            None => self.take_other(&name),
        }
        if is_amz {
            self.note_amz(name);
        }
    }

    fn keep(&mut self, key: Key, value: &'a str) {
        match self.values[key as usize] {
            Some(_) => self.fault(Refusal::QueryKey),
            None => self.values[key as usize] = Some(value),
        }
    }

    fn take_other(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        self.system |= lower.starts_with("rgwx-");
        if let Some(marker) = marker::of(&lower) {
            self.markers.note(marker);
        }
        self.bucket_part |= is_bucket_part(name);
        self.bucket_job |= is_bucket_job(name);
        self.object_part |= is_object_part(name);
        if ONE_SPELLING.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            self.fault(Refusal::QueryKey);
        }
    }

    fn note_amz(&mut self, name: Cow<'a, str>) {
        if self.amz.len() == MAX_AMZ_KEYS {
            return self.fault(Refusal::QueryKeys);
        }
        if self.amz.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            self.fault(Refusal::QueryKey);
        }
        self.amz.push(name);
    }

    fn fault(&mut self, fault: Refusal) {
        self.fault.get_or_insert(fault);
    }
}

fn amz_key(name: &str) -> Option<Key> {
    AMZ_KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, key)| key)
}

fn is_bucket_part(name: &str) -> bool {
    matches!(
        name,
        "accelerate"
            | "acl"
            | "analytics"
            | "cors"
            | "encryption"
            | "intelligent-tiering"
            | "inventory"
            | "lifecycle"
            | "location"
            | "logging"
            | "metadataConfiguration"
            | "metadataTable"
            | "metrics"
            | "notification"
            | "object-lock"
            | "ownershipControls"
            | "policy"
            | "policyStatus"
            | "publicAccessBlock"
            | "replication"
            | "replication-reset"
            | "requestPayment"
            | "session"
            | "tagging"
            | "versioning"
            | "website"
    )
}

/// Replication, reports and logs. (Inventory and logs are written into a bucket of the owner's.)
fn is_bucket_job(name: &str) -> bool {
    matches!(name, "analytics" | "inventory" | "logging" | "replication" | "replication-reset")
}

fn is_object_part(name: &str) -> bool {
    matches!(
        name,
        "acl" | "attributes" | "encryption" | "legal-hold" | "retention" | "tagging" | "torrent"
    )
}
