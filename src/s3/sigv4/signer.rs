//! A client's side: heads and query strings, signed.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::Head;
use super::canonical::{PathForm, canonical_request};
use super::key::{Scope, Signature, SigningKey};
use super::{ALGORITHM, UNSIGNED_PAYLOAD};

/// Longest life of a presigned query in seconds: a week, by AWS.
pub const MAX_EXPIRES_S: u32 = 7 * 24 * 3600;

/// Signs for one access key in one scope.
#[derive(Clone, Debug)]
pub struct Signer {
    access_key: String,
    key: SigningKey,
}

/// A signed head's own signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The value of the Authorization header.
    pub value: String,
    /// Where the chain of a streamed body begins.
    pub seed: Signature,
}

/// A query with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    /// The whole query without its `?`.
    pub query: String,
    /// Where the chain of a streamed body begins.
    pub seed: Signature,
}

impl Signer {
    /// Signs for `access_key`, whose secret is `secret`.
    pub fn new(access_key: &str, secret: &str, scope: Scope) -> Self {
        Signer::with_key(access_key, SigningKey::derive(secret, scope))
    }

    /// Signs for `access_key`, from whose secret `key` is derived.
    pub fn with_key(access_key: &str, key: SigningKey) -> Self {
        Signer { access_key: access_key.to_owned(), key }
    }

    /// The key that it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs a head whose `x-amz-date` is the scope's stamp; `signed` and `payload` as in
    /// [`canonical_request`].
    pub fn authorize(&self, head: &Head<'_>, signed: &[&str], payload: &str) -> Authorization {
        let canonical = canonical_request(head, PathForm::Encoded, signed, payload);
        let seed = self.key.sign_request(&canonical);
        let value = format!(
            "{ALGORITHM} Credential={}/{},SignedHeaders={},Signature={seed}",
            self.access_key,
            self.key.scope(),
            signed.join(";"),
        );
        Authorization { value, seed }
    }

    /// The head's query with a signature behind it that holds for `expires_s` seconds, 1 to
    /// [`MAX_EXPIRES_S`]. The payload is not signed.
    pub fn presign(&self, head: &Head<'_>, signed: &[&str], expires_s: u32) -> String {
        self.presign_payload(head, signed, expires_s, UNSIGNED_PAYLOAD).query
    }

    /// The same with a payload token, which the head's `x-amz-content-sha256` must name.
    pub fn presign_payload(
        &self,
        head: &Head<'_>,
        signed: &[&str],
        expires_s: u32,
        payload: &str,
    ) -> Presigned {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let credential = escaped(&format!("{}/{}", self.access_key, self.key.scope()));
        let names = escaped(&signed.join(";"));
        let before = head.query.map(|query| format!("{query}&")).unwrap_or_default();
        let query = format!(
            "{before}X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={}\
             &X-Amz-Expires={expires_s}&X-Amz-SignedHeaders={names}",
            self.key.scope().stamp.as_str(),
        );
        let unsigned = Head { query: Some(&query), ..*head };
        let canonical = canonical_request(&unsigned, PathForm::Encoded, signed, payload);
        let seed = self.key.sign_request(&canonical);
        Presigned { query: format!("{query}&X-Amz-Signature={seed}"), seed }
    }
}
