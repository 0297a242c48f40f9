//! The keys by which a query is signed.

use std::borrow::Cow;

use super::super::addressing::decode;

/// SigV4's; stores compare them without regard to case.
const V4_KEYS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];

/// SigV2's.
const V2_KEYS: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];

/// Some of these keys' decoded values.
pub(super) struct Keys<'a, const N: usize> {
    values: [Option<Cow<'a, str>>; N],
    /// One of them came twice.
    pub(super) twice: bool,
}

impl<'a, const N: usize> Keys<'a, N> {
    /// Collects the keys of these names. Those of X-Amz are read in any case.
    pub(super) fn read(query: Option<&'a str>, names: [&str; N]) -> Self {
        let mut keys = Keys { values: [const { None }; N], twice: false };
        for (name, value) in pairs(query) {
            let known = names.iter().position(|known| match known.starts_with("X-Amz-") {
                true => known.eq_ignore_ascii_case(&name),
                false => *known == name,
            });
            if let Some(at) = known {
                keys.twice |= keys.values[at].replace(decode(value)).is_some();
            }
        }
        keys
    }

    /// The values, once all came, each once.
    pub(super) fn all(self) -> Option<[Cow<'a, str>; N]> {
        let whole = !self.twice && self.values.iter().all(Option::is_some);
        whole.then(|| self.values.map(Option::unwrap_or_default))
    }

    /// Gives the value of the key with this number away.
    pub(super) fn take(&mut self, at: usize) -> Option<Cow<'a, str>> {
        self.values[at].take()
    }

    /// The value of the key with this number.
    pub(super) fn get(&self, at: usize) -> Option<&str> {
        self.values[at].as_deref()
    }
}

/// The pairs of a query: decoded names, raw values.
pub(super) fn pairs(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decode(n), v))
}

/// Whether a decoded name is one of SigV4's own.
pub(in super::super) fn is_v4_key(name: &str) -> bool {
    V4_KEYS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a decoded name is one of SigV2's own.
pub(in super::super) fn is_v2_key(name: &str) -> bool {
    V2_KEYS.contains(&name)
}
