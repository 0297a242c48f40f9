//! The property of signatures that fuzzing asserts: what is read, written again and read once more
//! claims the same.

use http::HeaderValue;
use http::header::AUTHORIZATION;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::sigv4::ALGORITHM;
use super::super::{Head, base64, classify};
use super::claims::{Claims, Version};
use super::v4::query_token;

/// Reads the claims of a head, wherever they stand, and those of their own text.
///
/// # Panics
/// They differ.
pub fn check(head: &Head<'_>) {
    let Ok(request) = classify(head) else { return };
    let Ok(Some(claims)) = Claims::of(head, &request) else { return };
    let mut headers = head.headers.clone();
    if let Some(value) = claims.header() {
        let Ok(value) = HeaderValue::from_str(&value) else { panic!("{value:?} in a header") };
        headers.insert(AUTHORIZATION, value);
    }
    let query = claims.query(head);
    let again = Head { headers: &headers, query: query.as_deref().or(head.query), ..*head };
    // Without the rest of its query, a head may no longer be an operation.
    let Ok(request) = classify(&again) else { return };
    assert!(Claims::of(&again, &request) == Ok(Some(claims)), "{again:?}");
}

impl Claims {
    /// The Authorization header that claims the same, if one did.
    fn header(&self) -> Option<String> {
        let key = &self.access_key;
        match &self.version {
            Version::V4(v4) => v4.life_s.is_none().then(|| {
                let (scope, signed, signature) = (&v4.scope, &v4.signed, &v4.signature);
                format!(
                    "{ALGORITHM} Credential={key}/{scope}, SignedHeaders={signed}, \
                     Signature={signature}"
                )
            }),
            Version::V2(v2) => {
                v2.expires().is_none().then(|| format!("AWS {key}:{}", base64(&v2.seal)))
            }
        }
    }

    /// The query that claims the same, if one did.
    fn query(&self, head: &Head<'_>) -> Option<String> {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let key = escaped(&self.access_key);
        let mut query = match &self.version {
            Version::V4(v4) => format!(
                "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={key}%2F{}&X-Amz-Date={}\
                 &X-Amz-Expires={}&X-Amz-SignedHeaders={}&X-Amz-Signature={}\
                 &X-Amz-Content-Sha256={}",
                escaped(&v4.scope.to_string()),
                v4.scope.stamp.as_str(),
                v4.life_s?,
                escaped(&v4.signed),
                v4.signature,
                escaped(&query_token(head).ok()?),
            ),
            Version::V2(v2) => format!(
                "AWSAccessKeyId={key}&Signature={}&Expires={}",
                escaped(&base64(&v2.seal)),
                v2.expires()?,
            ),
        };
        if let Some(token) = &self.token {
            query.push_str(&format!("&X-Amz-Security-Token={}", escaped(token)));
        }
        Some(query)
    }
}
