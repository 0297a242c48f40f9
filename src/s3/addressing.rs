//! Which bucket and key a path names: `/bucket/key`, or `/key` where the host names the bucket.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;

/// A path cut into its raw parts, still percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// Not empty.
    pub(super) bucket: Option<&'a str>,
    /// Not empty; only with a bucket or behind an empty one.
    pub(super) key: Option<&'a str>,
}

/// Cuts a path, which starts with `/`, after the bucket.
pub(super) fn split(path: &str) -> Address<'_> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let end = memchr(b'/', path.as_bytes()).unwrap_or(path.len());
    let (bucket, key) = (&path[..end], path.get(end + 1..).unwrap_or_default());
    let filled = |part: &'_ str| !part.is_empty();
    Address { bucket: Some(bucket).filter(|b| filled(b)), key: Some(key).filter(|k| filled(k)) }
}

/// The address of a path that is all key, below a host that names the bucket.
pub(super) fn below_host<'a>(bucket: &'a str, path: &'a str) -> Address<'a> {
    let key = path.strip_prefix('/').unwrap_or(path);
    Address { bucket: Some(bucket), key: Some(key).filter(|k| !k.is_empty()) }
}

/// The text of a raw path or query part for records. Malformed escapes stay as they are, bytes that
/// are no UTF-8 become U+FFFD.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    match memchr(b'%', raw.as_bytes()) {
        Some(_) => percent_decode_str(raw).decode_utf8_lossy(),
        None => Cow::Borrowed(raw),
    }
}

/// Checks a write's path: whatever a store does to it (take off leading slashes like Garage, decode
/// before it cuts like RGW), the bucket stays the same, and every escape is
/// well-formed. Policy is chosen by bucket; the key may be as odd as it likes.
///
/// The bucket is looked at first: a path that hides another one is worse than a bad escape.
pub(super) fn check_write(path: &str) -> Result<(), Refusal> {
    if memchr(b'%', path.as_bytes()).is_none() {
        // Nothing to decode: only slashes can hide the bucket.
        return if path.starts_with("//") { Err(Refusal::Bucket) } else { Ok(()) };
    }
    let decoded = decode(path);
    let bare = decoded.strip_prefix('/').unwrap_or(&decoded);
    let raw = path.strip_prefix('/').unwrap_or(path);
    let bucket_len = bare.split('/').next().map_or(0, str::len);
    let raw_bucket = raw.split('/').next().unwrap_or_default();
    let same = decode(raw_bucket).len() == bucket_len && check_escapes(raw_bucket).is_ok();
    let empty = bucket_len == 0 && !bare.is_empty();
    match same && !empty {
        true => check_escapes(path),
        false => Err(Refusal::Bucket),
    }
}

/// Checks that each `%` is followed by two hex digits.
pub(super) fn check_escapes(text: &str) -> Result<(), Refusal> {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr(b'%', rest) {
        match rest.get(at + 1..at + 3) {
            Some(pair) if pair.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            Some(_) | None => return Err(Refusal::PercentEscape),
        }
    }
    Ok(())
}

/// Whether a path names the same bucket to every store.
pub(super) fn names_one_bucket(path: &str) -> bool {
    check_write(path) != Err(Refusal::Bucket) && !dots_leave_bucket(path)
}

/// Whether a store that resolved the dots of a write's path would find another bucket in it. S3
/// does not resolve them, so that keys like `../x` are good keys.
pub(super) fn dots_leave_bucket(path: &str) -> bool {
    if memchr2(b'.', b'%', path.as_bytes()).is_none() {
        return false;
    }
    let decoded = decode(path);
    climbs(decoded.strip_prefix('/').unwrap_or(&decoded))
}

/// Whether resolving the dots of a decoded path, which has no leading slash, would leave its first
/// segment.
pub(super) fn climbs(path: &str) -> bool {
    let mut depth = 0u32;
    for (i, segment) in path.split('/').enumerate() {
        match segment {
            "." if i == 0 => return true,
            ".." if depth <= 1 => return true,
            ".." => depth -= 1,
            // A resolver drops these, and so they give no depth to climb from.
            "" | "." => {}
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn splits(path: &str, bucket: Option<&str>, key: Option<&str>) {
        assert_eq!(split(path), Address { bucket, key }, "{path}");
    }

    #[test]
    fn paths_split_after_the_bucket() {
        splits("/", None, None);
        splits("/b", Some("b"), None);
        splits("/b/", Some("b"), None);
        splits("/b/k", Some("b"), Some("k"));
        splits("/b//", Some("b"), Some("/"));
        splits("/b//k", Some("b"), Some("/k"));
        splits("/b/k/../%2F/", Some("b"), Some("k/../%2F/"));
        splits("//b/k", None, Some("b/k"));
    }

    #[test]
    fn odd_keys_may_be_written() {
        for path in [
            "/",
            "/b",
            "/b/",
            "/b/k",
            "/b//k",
            "/b/./k",
            "/b/a/../k",
            "/b/%2F",
            "/b/a%2Fb/",
            "/b/%2e",
            "/b/...",
            "/b/k%00",
            "/b/%ff",
            "/b/+ %20é",
            "/b/..k/../x",
            "/b/a/..",
        ] {
            assert_eq!(check_write(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn one_bucket_is_named_or_none() {
        for path in ["//", "//b/k", "/%2Fb/k", "/b%2Fk", "/b%2fk/x", "/b%/k", "/b%zz"] {
            assert_eq!(check_write(path), Err(Refusal::Bucket), "{path}");
        }
    }

    #[test]
    fn dots_that_leave_the_bucket_are_told() {
        for path in [
            "/./b/k",
            "/../b/k",
            "/%2e%2E/b",
            "/.",
            "/..",
            "/b/../c/k",
            "/b/%2e%2e/c",
            "/b/..",
            "/b//../c/k",
            "/b/./../c",
            "/b/a/../../c",
            "/b/..%2Fc/k",
        ] {
            assert!(dots_leave_bucket(path), "{path}");
        }
        for path in ["/", "/b", "/b/k", "/b/./k", "/b/a/../k", "/b/...", "/b/..k/../x"] {
            assert!(!dots_leave_bucket(path), "{path}");
        }
    }

    #[test]
    fn escapes_are_whole() {
        for path in ["/b/%", "/b/%2", "/b/%zz", "/b/%2g", "/b/%%20", "/b/%20%"] {
            assert_eq!(check_write(path), Err(Refusal::PercentEscape), "{path}");
        }
    }
}
