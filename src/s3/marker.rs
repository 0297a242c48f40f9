//! Headers that are told by a part of their name. SDKs put headers into the query of presigned URLs,
//! so that the same names count there.

/// What a header says by being there, whatever its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// MinIO or RustFS unpacks the body as an archive.
    Extract,
    /// A copy's source in a dialect other than those of AWS and Google.
    CopySource,
    /// The body is ciphertext.
    Encrypted,
    /// Another store sends what it has.
    Replica,
}

/// The markers that have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Markers {
    pub(super) extract: bool,
    pub(super) copy_source: bool,
    pub(super) encrypted: bool,
    pub(super) replica: bool,
}

impl Markers {
    pub(super) fn note(&mut self, marker: Marker) {
        match marker {
            Marker::Extract => self.extract = true,
            Marker::CopySource => self.copy_source = true,
            Marker::Encrypted => self.encrypted = true,
            Marker::Replica => self.replica = true,
        }
    }

    /// Those of either.
    pub(super) fn or(self, other: Markers) -> Markers {
        Markers {
            extract: self.extract || other.extract,
            copy_source: self.copy_source || other.copy_source,
            encrypted: self.encrypted || other.encrypted,
            replica: self.replica || other.replica,
        }
    }
}

/// The marker that a name, in lower case, is.
pub(super) fn of(name: &str) -> Option<Marker> {
    if name.ends_with("snowball-auto-extract") {
        Some(Marker::Extract)
    } else if name.starts_with("x-") && name.ends_with("-copy-source") {
        Some(Marker::CopySource)
    } else if is_encryption_marker(name) {
        Some(Marker::Encrypted)
    } else if name == "x-amz-replication-status" || name.starts_with("x-minio-source-") {
        Some(Marker::Replica)
    } else {
        None
    }
}

/// Whether a header or form field of this name, in lower case, goes with a body that the client has
/// encrypted, or that MinIO replicates as the ciphertext of SSE-C.
///
/// The body of an upload with SSE-C itself is plain: the store encrypts it. What an instruction file
/// says isn't seen with the object: such an object is not marked.
pub fn is_encryption_marker(name: &str) -> bool {
    if let Some(key) = name.strip_prefix("x-amz-meta-x-amz-") {
        return is_envelope_key(key);
    }
    let alibaba_and_tencent =
        name.starts_with("x-") && name.contains("-meta-client-side-encryption-");
    alibaba_and_tencent || name.strip_prefix("x-minio-replication-").is_some_and(is_sealed_key)
}

/// The keys of the Amazon S3 Encryption Client: message formats V1 and V2, and V3's short ones
/// (aws-encryption-sdk-specification, "Content Metadata").
fn is_envelope_key(key: &str) -> bool {
    matches!(
        key,
        "key"
            | "key-v2"
            | "iv"
            | "matdesc"
            | "cek-alg"
            | "wrap-alg"
            | "tag-len"
            | "unencrypted-content-length"
            | "unencrypted-content-md5"
            | "3"
            | "c"
            | "d"
            | "i"
            | "m"
            | "t"
            | "w"
    )
}

/// What MinIO sends along with ciphertext.
fn is_sealed_key(key: &str) -> bool {
    key.starts_with("server-side-encryption-")
        || matches!(key, "encrypted-multipart" | "actual-object-size" | "ssec-crc")
}
