//! Where a copy takes its bytes from.
//!
//! `x-amz-copy-source` is `[/]bucket/key[?versionId=V]`, percent-encoded. All stores decode it once
//! and cut it then; beyond that they differ. MinIO and SeaweedFS look for a `/` or a `%2F` in the raw
//! text: without one, MinIO answers an error and SeaweedFS stores the body. MinIO parses a URL, so
//! that a `#` ends the key and a scheme or a second slash moves the bucket. Ceph RGW knows of a range
//! only with an `uploadId`, and without one stores the body. None of this gets through.

use super::addressing::{check_escapes, climbs, decode};
use super::headers::{Headers, Name};
use super::hygiene::decimal;
use super::query::{Key, Query};
use super::refusal::Refusal;

/// The source of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket, percent-decoded.
    pub bucket: String,
    /// The key, percent-decoded once, for records; not empty.
    pub key: String,
    /// `versionId`, percent-decoded.
    pub version: Option<String>,
    /// The stretch that is copied; the whole object without one. Only of UploadPartCopy.
    pub range: Option<CopyRange>,
    /// Whether a bare `+` stands in the key: AWS and SeaweedFS read a blank there, the others a plus.
    pub plus: bool,
    /// Whether a store that resolves dots would find another bucket.
    pub dots_leave_bucket: bool,
}

/// Bytes `first` to `last` of an object, both included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte.
    pub last: u64,
}

/// Whether the head names a source in any dialect.
pub(super) fn is_copy(headers: &Headers, query: &Query) -> bool {
    headers.has(Name::CopySource)
        || headers.has(Name::GoogCopySource)
        || query.has(Key::CopySource)
        || headers.markers.or(query.markers).copy_source
}

/// The source and range of a copy; none where a dialect names it that isn't read here.
///
/// # Errors
/// [`Refusal::CopySource`] or [`Refusal::CopyRange`].
pub(super) fn source(headers: &Headers, query: &Query) -> Result<Option<CopySource>, Refusal> {
    let in_query = query.get(Key::CopySource);
    let decoded = in_query.map(|raw| decode(raw).into_owned());
    let named = [
        headers.get(Name::CopySource),
        headers.get(Name::GoogCopySource),
        decoded.as_deref().map(str::as_bytes),
    ];
    let mut named = named.into_iter().flatten();
    let Some(source) = named.next() else { return Ok(None) };
    if named.any(|other| other != source) || headers.markers.or(query.markers).copy_source {
        return Err(Refusal::CopySource);
    }
    let mut source = parse(source).ok_or(Refusal::CopySource)?;
    source.plus |= in_query.is_some_and(|raw| raw.contains('+'));
    source.range = range(headers, query)?;
    Ok(Some(source))
}

/// The range of a copied part.
pub(super) fn range(headers: &Headers, query: &Query) -> Result<Option<CopyRange>, Refusal> {
    let in_query = query.get(Key::CopySourceRange).map(decode);
    let in_query = in_query.as_deref().map(str::as_bytes);
    let in_header = headers.get(Name::CopySourceRange);
    if in_header.is_some() && in_query.is_some_and(|range| Some(range) != in_header) {
        return Err(Refusal::CopyRange);
    }
    let Some(range) = in_header.or(in_query) else { return Ok(None) };
    parse_range(range).map(Some).ok_or(Refusal::CopyRange)
}

fn parse(source: &[u8]) -> Option<CopySource> {
    let source = std::str::from_utf8(source).ok()?;
    let routed = source.contains('/') || source.contains("%2F");
    if !routed || source.contains('#') || check_escapes(source).is_err() {
        return None;
    }
    let (path, version) = match source.split_once('?') {
        Some((path, query)) => (path, Some(version(query)?)),
        None => (source, None),
    };
    let decoded = decode(path);
    let bare = decoded.strip_prefix('/').unwrap_or(&decoded);
    let (bucket, key) = bare.split_once('/')?;
    // An ARN names no bucket, and a scheme none that stores agree about.
    let odd = bucket.is_empty() || bucket.ends_with(':') || bucket.starts_with("arn:");
    // SeaweedFS looks for the version after it has decoded.
    if odd || key.is_empty() || key.contains("?versionId=") {
        return None;
    }
    Some(CopySource {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version,
        range: None,
        plus: path.contains('+'),
        dots_leave_bucket: climbs(bare),
    })
}

fn version(query: &str) -> Option<String> {
    let version = query.strip_prefix("versionId=").filter(|v| !v.is_empty() && !v.contains('&'))?;
    Some(decode(version).into_owned())
}

fn parse_range(range: &[u8]) -> Option<CopyRange> {
    let range = std::str::from_utf8(range).ok()?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (decimal(first.as_bytes())?, decimal(last.as_bytes())?);
    (first <= last).then_some(CopyRange { first, last })
}
