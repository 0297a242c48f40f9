//! The digests that a head declares for its body.
//!
//! They convict nobody and acquit nobody: only bytes that were hashed do. So they are read
//! leniently, and a malformed one is as good as none; the store will refuse it.

use http::HeaderMap;

use crate::digest::{Digest, Md5, Sha1, Sha256};

/// The declared digests of a payload, of the algorithms that lists hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// `x-amz-content-sha256`, in hex, where it is a digest and no keyword.
    pub content_sha256: Option<Sha256>,
    /// `Content-MD5`, in base64.
    pub content_md5: Option<Md5>,
    /// `x-amz-checksum-md5`, in base64.
    pub checksum_md5: Option<Md5>,
    /// `x-amz-checksum-sha1`, in base64.
    pub checksum_sha1: Option<Sha1>,
    /// `x-amz-checksum-sha256`, in base64.
    pub checksum_sha256: Option<Sha256>,
}

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const CONTENT_MD5: &str = "content-md5";
const CHECKSUM_MD5: &str = "x-amz-checksum-md5";
const CHECKSUM_SHA1: &str = "x-amz-checksum-sha1";
const CHECKSUM_SHA256: &str = "x-amz-checksum-sha256";

impl Declared {
    /// Reads the headers. Checksums of checksums (`…-3`, of a multipart object) are no digests.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut declared = Declared::default();
        let mut before = None;
        // A pass over them is faster than a look for each that is hardly ever there.
        for (name, value) in headers {
            // The values of one name come one after another: the first counts.
            if before.replace(name) == Some(name) {
                continue;
            }
            let text = || value.to_str().ok();
            match name.as_str() {
                CONTENT_SHA256 => declared.content_sha256 = text().and_then(|hex| hex.parse().ok()),
                CONTENT_MD5 => declared.content_md5 = text().and_then(parse_base64).map(Md5),
                CHECKSUM_MD5 => declared.checksum_md5 = text().and_then(parse_base64).map(Md5),
                CHECKSUM_SHA1 => declared.checksum_sha1 = text().and_then(parse_base64).map(Sha1),
                CHECKSUM_SHA256 => {
                    declared.checksum_sha256 = text().and_then(parse_base64).map(Sha256);
                }
                _ => {}
            }
        }
        declared
    }

    /// The headers that declare these digests: what [`from_headers`](Self::from_headers) reads back.
    pub fn to_headers(&self) -> Vec<(&'static str, String)> {
        let headers = [
            (CONTENT_SHA256, self.content_sha256.map(|d| d.to_string())),
            (CONTENT_MD5, self.content_md5.map(|d| base64(d.as_bytes()))),
            (CHECKSUM_MD5, self.checksum_md5.map(|d| base64(d.as_bytes()))),
            (CHECKSUM_SHA1, self.checksum_sha1.map(|d| base64(d.as_bytes()))),
            (CHECKSUM_SHA256, self.checksum_sha256.map(|d| base64(d.as_bytes()))),
        ];
        headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Every digest that is declared.
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        let digests = [
            self.content_sha256.map(Digest::Sha256),
            self.content_md5.map(Digest::Md5),
            self.checksum_md5.map(Digest::Md5),
            self.checksum_sha1.map(Digest::Sha1),
            self.checksum_sha256.map(Digest::Sha256),
        ];
        digests.into_iter().flatten()
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 of RFC 4648 §4 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &b| bits << 8 | u32::from(b));
        let bits = bits << (8 * (3 - group.len()));
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i)) as usize & 63;
            text.push(if i > group.len() { '=' } else { char::from(ALPHABET[sextet]) });
        }
    }
    text
}

/// Reads the base64 of exactly `N` bytes; `None` for anything that [`base64`] wouldn't write.
pub fn parse_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (text, digits) = (text.as_bytes(), (N * 4).div_ceil(3));
    if text.len() != N.div_ceil(3) * 4 || text[digits..].iter().any(|&b| b != b'=') {
        return None;
    }
    let mut bytes = [0; N];
    let (mut bits, mut count, mut at) = (0u32, 0, 0);
    for &digit in &text[..digits] {
        (bits, count) = (bits << 6 | sextet(digit)?, count + 6);
        if count >= 8 {
            count -= 8;
            bytes[at] = (bits >> count) as u8;
            (bits, at) = (bits & ((1 << count) - 1), at + 1);
        }
    }
    // Bits that belong to no byte must be 0, or several texts would mean one digest.
    (bits == 0).then_some(bytes)
}

fn sextet(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn headers(declared: &Declared) -> HeaderMap {
        let pairs = declared.to_headers();
        let entry = |(name, value): (&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap())
        };
        pairs.into_iter().map(entry).collect()
    }

    #[test]
    fn base64_agrees_with_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(parse_base64::<1>("Zg=="), Some(*b"f"));
        assert_eq!(parse_base64::<5>("Zm9vYmE="), Some(*b"fooba"));
        assert_eq!(parse_base64::<6>("Zm9vYmFy"), Some(*b"foobar"));
        assert_eq!(parse_base64::<2>("+/8="), Some([0xfb, 0xff]));
    }

    #[test]
    fn base64_has_one_spelling() {
        for text in ["Zh==", "Zg=", "Zg", "Zg==\n", " Zg==", "Zg=A", "Z===", "Zm8=", "Z-==", "Zé="]
        {
            assert_eq!(parse_base64::<1>(text), None, "{text:?}");
        }
    }

    #[test]
    fn keywords_and_malformed_digests_are_none() {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_SHA256, HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        map.insert(CONTENT_MD5, HeaderValue::from_static("d41d8cd98f00b204e9800998ecf8427e"));
        map.insert(CHECKSUM_SHA1, HeaderValue::from_bytes(b"\xff").unwrap());
        let composite = format!("{}-3", base64(&[7; 32]));
        map.insert(CHECKSUM_SHA256, HeaderValue::from_str(&composite).unwrap());
        assert_eq!(Declared::from_headers(&map), Declared::default());
    }

    #[test]
    fn hex_is_read_in_either_case() {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_SHA256, HeaderValue::from_str(&"aB".repeat(32)).unwrap());
        let declared = Declared::from_headers(&map);
        assert_eq!(declared.content_sha256, Some(Sha256([0xab; 32])));
        assert_eq!(declared.iter().count(), 1);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            sha256: Option<[u8; 32]>, md5: Option<[u8; 16]>, checksums: Option<([u8; 16], [u8; 20])>,
        ) {
            let declared = Declared {
                content_sha256: sha256.map(Sha256),
                content_md5: md5.map(Md5),
                checksum_md5: checksums.map(|(md5, _)| Md5(md5)),
                checksum_sha1: checksums.map(|(_, sha1)| Sha1(sha1)),
                checksum_sha256: sha256.map(Sha256),
            };
            prop_assert_eq!(Declared::from_headers(&headers(&declared)), declared);
        }

        #[test]
        fn what_is_read_is_printed_alike(text in "[A-Za-z0-9+/]{26,27}={0,2}") {
            if let Some(bytes) = parse_base64::<20>(&text) {
                prop_assert_eq!(base64(&bytes), text);
            }
        }
    }
}
