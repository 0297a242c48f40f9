//! Keys that are known, and how they stay unseen.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A secret access key. It is shown nowhere: not by `Debug`, and it has no `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret that is this text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text, to sign with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for Secret {}

/// Who signs: a client that the gate knows, or the gate itself towards the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half, as it stands in requests.
    pub access_key: String,
    /// The half that signs.
    pub secret: Secret,
    /// What goes with temporary keys.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Whether a request brought the token that goes with these keys, or none where none does.
    pub fn has_token(&self, presented: Option<&str>) -> bool {
        match (&self.session_token, presented) {
            (Some(token), Some(presented)) => same(token, presented),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Equality in a time that tells no more than the lengths.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(session_token: Option<&str>) -> Credentials {
        let session_token = session_token.map(str::to_owned);
        Credentials { access_key: "AKID".into(), secret: Secret::new("hush"), session_token }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?} {:#?}", Secret::new("hush"), credentials(Some("quiet")));
        assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
        assert!(shown.contains("AKID"));
    }

    #[test]
    fn a_token_goes_with_its_keys() {
        for (known, presented, fits) in [
            (None, None, true),
            (None, Some("t"), false),
            (Some("t"), None, false),
            (Some("t"), Some("t"), true),
            (Some("t"), Some("T"), false),
            (Some("t"), Some("tt"), false),
            (Some("t"), Some(""), false),
        ] {
            assert_eq!(credentials(known).has_token(presented), fits, "{known:?} {presented:?}");
        }
    }
}
