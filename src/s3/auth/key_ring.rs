//! Derived keys, kept for the next request.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::super::sigv4::{Scope, SigningKey};
use super::secret::{Credentials, Secret};

/// The keys that are in use, by access key, day and region, so that five HMACs are computed once a
/// day and not for each request.
pub struct KeyRing {
    capacity: usize,
    keys: Mutex<HashMap<String, (Secret, SigningKey)>>,
}

impl KeyRing {
    /// Holds up to `capacity` keys, of about 500 bytes each. A full ring is emptied: the day's keys
    /// are soon there again, and yesterday's are gone.
    pub fn new(capacity: usize) -> Self {
        KeyRing { capacity, keys: Mutex::default() }
    }

    /// The key of these credentials in this scope.
    pub fn key(&self, credentials: &Credentials, scope: Scope) -> SigningKey {
        let name = format!("{}/{scope}", credentials.access_key);
        let kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let current = kept.filter(|(secret, _)| *secret == credentials.secret);
        if let Some(key) = current.and_then(|(_, key)| key.at(scope.stamp.clone())) {
            return key;
        }
        let key = SigningKey::derive(credentials.secret.expose(), scope);
        self.keep(name, credentials.secret.clone(), key.clone());
        key
    }

    fn keep(&self, name: String, secret: Secret, key: SigningKey) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= self.capacity {
            keys.clear();
        }
        if self.capacity > 0 {
            keys.insert(name, (secret, key));
        }
    }

    fn len(&self) -> usize {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::sigv4::Stamp;

    fn scope(stamp: &str, region: &str) -> Scope {
        Scope { stamp: Stamp::parse(stamp).unwrap(), region: region.to_owned() }
    }

    fn credentials(access_key: &str, secret: &str) -> Credentials {
        let secret = Secret::new(secret);
        Credentials { access_key: access_key.to_owned(), secret, session_token: None }
    }

    /// A ring gives what is derived, whatever it holds.
    #[test]
    fn a_kept_key_is_the_derived_one() {
        let ring = KeyRing::new(3);
        for access_key in ["a", "b"] {
            for secret in ["old", "new"] {
                for (stamp, region) in [
                    ("20130524T000000Z", "here"),
                    ("20130524T235959Z", "here"),
                    ("20130525T000000Z", "here"),
                    ("20130524T000000Z", "there"),
                ] {
                    let derived = SigningKey::derive(secret, scope(stamp, region));
                    for _ in 0..2 {
                        let kept = ring.key(&credentials(access_key, secret), scope(stamp, region));
                        assert_eq!(kept.scope(), derived.scope());
                        assert_eq!(kept.sign_request(b"x"), derived.sign_request(b"x"));
                    }
                    assert!(ring.len() <= 3);
                }
            }
        }
    }

    #[test]
    fn a_ring_of_no_size_keeps_nothing() {
        let ring = KeyRing::new(0);
        ring.key(&credentials("a", "hush"), scope("20130524T000000Z", "here"));
        assert_eq!(ring.len(), 0);
        assert!(!format!("{ring:?}").contains("hush"));
    }
}
