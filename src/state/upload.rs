//! What tells uploads and the states of a part apart.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of an [`UploadKey`].
const UPLOAD_LEN: usize = 20;

/// Bytes of a [`PartTag`] and of a prefix's print.
pub(super) const TAG_LEN: usize = 16;

/// A multipart upload: a hash of its bucket, its object's key and its uploadId, since a uploadId
/// alone may come from several stores, and some stores number them.
///
/// 160 bits, so that nobody finds two uploads of his own that share their records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadKey([u8; UPLOAD_LEN]);

impl UploadKey {
    /// The key of the upload that a request names: bucket, key and uploadId as they are once the
    /// escapes of the URL are undone, so that every spelling of them gives the same.
    pub fn of(bucket: &[u8], key: &[u8], upload_id: &[u8]) -> Self {
        let mut hasher = Sha256::new_with_prefix(b"s3bouncer upload 1");
        for field in [bucket, key, upload_id] {
            hasher.update((field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        UploadKey(first(&hasher.finalize()))
    }

    /// `mpu/<2 digits>/<38 digits>`: 256 shards, so that neither a folder nor a janitor's round is
    /// without bounds.
    pub(super) fn folder(&self) -> String {
        format!("{}/{}", shard_folder(self.shard()), &hex(&self.0)[2..])
    }

    /// Which of the shards it is in.
    pub(super) fn shard(&self) -> u8 {
        self.0[0]
    }
}

/// The folder of all uploads.
const UPLOADS: &str = "mpu";

/// The folder of a shard.
pub(super) fn shard_folder(shard: u8) -> String {
    format!("{UPLOADS}/{shard:02x}")
}

impl fmt::Debug for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The ETag that the store gave a part, as a hash: ETags are opaque and of any length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartTag(pub(super) [u8; TAG_LEN]);

impl PartTag {
    /// The tag of an ETag as it stands in a header or in the XML of a CompleteMultipartUpload, once
    /// entities are undone; with or without its quotes, which clients drop and stores don't mind.
    pub fn of(etag: &str) -> Self {
        let etag = etag.trim();
        let bare = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap_or(etag);
        PartTag(first(&Sha256::new_with_prefix(b"s3bouncer etag 1").chain_update(bare).finalize()))
    }
}

impl PartTag {
    /// Of a part of which the store never said what became of it: nobody can list it, since no ETag is
    /// empty.
    pub fn none() -> Self {
        PartTag::of("")
    }
}

impl fmt::Debug for PartTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.0))
    }
}

/// The first bytes of a longer hash.
pub(super) fn first<const N: usize>(hash: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash[..N]);
    bytes
}

/// Bytes in an object's name. Case matters in it; file systems where it does not would have to see
/// two hashes that differ in nothing else.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes of exactly this number from an object's name.
pub(super) fn untext<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The decoder wants to know that more would fit.
    let mut bytes = [0; 64];
    let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..len)?.try_into().ok()
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        // Writing to a String never fails.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A number in exactly so many lower-case hex digits.
pub(super) fn unhex(text: &str, digits: usize) -> Option<u64> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == digits && text.bytes().all(lower);
    fits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// A number in exactly so many decimal digits.
pub(super) fn undecimal(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_one_another() {
        let keys =
            [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c"), ("a", "", "bc")]
                .map(|(a, b, c)| UploadKey::of(a.as_bytes(), b.as_bytes(), c.as_bytes()));
        for (i, one) in keys.iter().enumerate() {
            assert!(keys[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }

    #[test]
    fn quotes_and_blanks_around_an_etag_do_not_matter_and_all_else_does() {
        let tag = PartTag::of("d41d8cd98f00b204e9800998ecf8427e");
        for same in ["\"d41d8cd98f00b204e9800998ecf8427e\"", " d41d8cd98f00b204e9800998ecf8427e\n"]
        {
            assert_eq!(PartTag::of(same), tag);
        }
        for other in
            ["D41D8CD98F00B204E9800998ECF8427E", "\"d41d8cd98f00b204e9800998ecf8427e", "\"\"", ""]
        {
            assert_ne!(PartTag::of(other), tag, "{other}");
        }
    }

    #[test]
    fn an_uploads_folder_is_its_hash() {
        let folder = UploadKey::of(b"photos", b"2026/a.jpg", b"77").folder();
        assert_eq!(folder, "mpu/a6/f0df4d04334960b26df55222c470aacf82b2a9");
    }
}
