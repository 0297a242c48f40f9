//! What is signed of a head: the canonical request.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::super::Head;

/// All but the unreserved characters of RFC 3986.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A slash of the path stays one; an escaped slash becomes one.
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'/');

/// The query key that carries the signature, and so can't be covered by it.
const SIGNATURE: &str = "X-Amz-Signature";

/// How the path of a head is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathForm {
    /// Decoded and percent-encoded once, as the documentation has it.
    Encoded,
    /// As it stands in the request. Some clients leave characters such as `=` or `(` unescaped and
    /// sign what they send, and stores verify that as well.
    AsSent,
}

/// The canonical request of a head: method, path, query, the headers named in `signed`, their names
/// and the payload token, each on lines of its own.
///
/// `signed` holds lower-case names in ascending order. One that the head lacks is signed as an
/// empty value; whether it may be missing is for the caller to say. `payload` is the value of
/// `x-amz-content-sha256`, or `UNSIGNED-PAYLOAD` in a presigned query. Header values need not be
/// text, hence bytes.
pub fn canonical_request(
    head: &Head<'_>,
    form: PathForm,
    signed: &[&str],
    payload: &str,
) -> Vec<u8> {
    let path = path(head.path, form);
    let mut request = [head.method, &path, &query(head.query), ""].join("\n").into_bytes();
    for name in signed {
        request.extend_from_slice(name.as_bytes());
        request.push(b':');
        push_values(&mut request, head, name);
        request.push(b'\n');
    }
    request.push(b'\n');
    request.extend_from_slice([&signed.join(";"), payload].join("\n").as_bytes());
    request
}

fn path(raw: &str, form: PathForm) -> Cow<'_, str> {
    match form {
        PathForm::AsSent => Cow::Borrowed(raw),
        PathForm::Encoded => canonical_path(raw).into(),
    }
}

/// The one spelling of a path that is signed in every [`PathForm`] alike.
pub(in super::super) fn canonical_path(raw: &str) -> String {
    encoded_once(raw, IN_PATH)
}

/// Pairs decoded, encoded once and sorted, `=` also where no value is.
///
/// A `+` is a plus. Stores that decode it to a space disagree about such queries already when they
/// read them.
fn query(raw: Option<&str>) -> String {
    let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded_once(name, IN_QUERY), encoded_once(value, IN_QUERY)))
        .filter(|(name, _)| name != SIGNATURE)
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn encoded_once(raw: &str, reserved: &'static AsciiSet) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(raw).into();
    percent_encode(&decoded, reserved).to_string()
}

/// The values of one name in their order with commas between, each without space around it and with
/// one space where there are several.
fn push_values(request: &mut Vec<u8>, head: &Head<'_>, name: &str) {
    for (i, value) in head.headers.get_all(name).iter().enumerate() {
        if i > 0 {
            request.push(b',');
        }
        let words = value.as_bytes().split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        for (i, word) in words.enumerate() {
            if i > 0 {
                request.push(b' ');
            }
            request.extend_from_slice(word);
        }
    }
}
