//! What a proxy may and must change in a head.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

/// Headers that concern one connection only. The list is fixed: a client that names others in
/// `Connection` would have us strip what the store must see.
const HOP_BY_HOP: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    UPGRADE,
];

/// Headers that pass in one form only, or in one direction.
const CHANGED: [HeaderName; 2] = [TE, TRANSFER_ENCODING];

/// Removes what concerned the client's connection only, and makes the framing canonical.
pub fn to_upstream(headers: &mut HeaderMap) {
    if !needs_change(headers) {
        return;
    }
    strip(headers);
    if headers.get(TE).is_some_and(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers")) {
        headers.remove(TE);
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Removes what concerned the store's connection only; hyper frames the answer anew.
pub fn to_downstream(headers: &mut HeaderMap) {
    if !needs_change(headers) {
        return;
    }
    strip(headers);
    headers.remove(TRANSFER_ENCODING);
}

/// Whether there is any of what is changed here: names are compared faster than they are looked up.
fn needs_change(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| HOP_BY_HOP.contains(name) || CHANGED.contains(name))
}

fn strip(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hop_by_hop_headers_go() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "authorization"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("transfer-encoding", "Chunked"),
            ("authorization", "AWS4-HMAC-SHA256 x"),
            ("expect", "100-continue"),
            ("trailer", "x-amz-checksum-crc32"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        to_upstream(&mut headers);
        let mut kept: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        kept.sort_unstable();
        assert_eq!(
            kept,
            [
                ("authorization", b"AWS4-HMAC-SHA256 x".as_slice()),
                ("expect", b"100-continue"),
                ("trailer", b"x-amz-checksum-crc32"),
                ("transfer-encoding", b"chunked"),
            ]
        );
    }
}
