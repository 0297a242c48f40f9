//! Keys, and what they are good for.

use std::fmt;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Digest as _;

use super::ALGORITHM;
use super::chain::Chain;
use crate::digest::Sha256;

/// Digits and letters of a stamp.
const STAMP_LEN: usize = "20130524T000000Z".len();
/// Its digits up to the day.
const DAY_LEN: usize = "20130524".len();

/// A moment in UTC to the second, as `x-amz-date` has it: `20130524T000000Z`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(String);

impl Stamp {
    /// The stamp of a moment. Outside of the years 0 to 9999 it is that of 1970.
    pub fn of(moment: SystemTime) -> Self {
        let moment = jiff::Timestamp::try_from(moment).unwrap_or_default();
        let text = moment.strftime("%Y%m%dT%H%M%SZ").to_string();
        Stamp::parse(&text).unwrap_or_else(|| Stamp("19700101T000000Z".to_owned()))
    }

    /// Reads a stamp: eight digits, `T`, six digits, `Z`. Whether there is such a day is not looked
    /// at.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        let sound = text.len() == STAMP_LEN && text.bytes().enumerate().all(fits);
        sound.then(|| Stamp(text.to_owned()))
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Year, month and day.
    pub fn day(&self) -> &str {
        &self.0[..DAY_LEN]
    }

    /// The moment that it stands for; none where there is no such day or time of day.
    pub fn moment(&self) -> Option<SystemTime> {
        let moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.0).ok()?;
        Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
    }
}

/// When and where a signature holds. Displayed as in credentials:
/// `20130524/us-east-1/s3/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// When.
    pub stamp: Stamp,
    /// Where, such as `us-east-1`.
    pub region: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/s3/aws4_request", self.stamp.day(), self.region)
    }
}

/// A signature. Displayed as 64 hex digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(Sha256);

impl Signature {
    /// Reads 64 hex digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        text.parse().ok().filter(|_| lower).map(Signature)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A secret bound to a scope. It signs nothing else.
#[derive(Clone)]
pub struct SigningKey {
    scope: Scope,
    mac: Hmac<sha2::Sha256>,
}

impl SigningKey {
    /// Derives the key from a secret access key.
    pub fn derive(secret: &str, scope: Scope) -> Self {
        let mut mac = keyed(format!("AWS4{secret}").as_bytes());
        for part in [scope.stamp.day(), &scope.region, "s3", "aws4_request"] {
            mac = keyed(&mac.chain_update(part).finalize().into_bytes());
        }
        SigningKey { scope, mac }
    }

    /// The same key for another moment of its day; none for another day.
    pub fn at(&self, stamp: Stamp) -> Option<SigningKey> {
        if stamp.day() != self.scope.stamp.day() {
            return None;
        }
        let scope = Scope { stamp, region: self.scope.region.clone() };
        Some(SigningKey { scope, mac: self.mac.clone() })
    }

    /// What it is good for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The signature of a head, by its canonical request.
    pub fn sign_request(&self, canonical: &[u8]) -> Signature {
        self.seal(ALGORITHM, &[&sha256(canonical)])
    }

    /// Whether `signature` is that of a head, in a time that does not tell how much of it is right.
    pub fn has_signed_request(&self, canonical: &[u8], signature: &Signature) -> bool {
        let mac = self.mac.clone().chain_update(self.string_to_sign(canonical));
        mac.verify_slice(signature.0.as_bytes()).is_ok()
    }

    /// What is signed of a canonical request.
    pub fn string_to_sign(&self, canonical: &[u8]) -> String {
        self.text(ALGORITHM, &[&sha256(canonical)])
    }

    /// The signature of a browser form, by its policy in base64.
    pub fn sign_policy(&self, policy: &[u8]) -> Signature {
        Signature(Sha256(self.mac.clone().chain_update(policy).finalize().into_bytes().into()))
    }

    /// The same of such a form as [`has_signed_request`](Self::has_signed_request) of a head.
    pub fn has_signed_policy(&self, policy: &[u8], signature: &Signature) -> bool {
        self.mac.clone().chain_update(policy).verify_slice(signature.0.as_bytes()).is_ok()
    }

    /// The chain of signatures in an aws-chunked body whose head has the signature `seed`.
    pub fn chain(&self, seed: Signature) -> Chain {
        Chain::new(self.clone(), seed)
    }

    /// Signs lines under a label: label, stamp and scope come first, no line end last.
    pub(super) fn seal(&self, label: &str, lines: &[&dyn fmt::Display]) -> Signature {
        let sealed = self.mac.clone().chain_update(self.text(label, lines)).finalize();
        Signature(Sha256(sealed.into_bytes().into()))
    }

    fn text(&self, label: &str, lines: &[&dyn fmt::Display]) -> String {
        let Scope { stamp, .. } = &self.scope;
        let mut text = format!("{label}\n{}\n{}", stamp.as_str(), self.scope);
        for line in lines {
            text.push_str(&format!("\n{line}"));
        }
        text
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The digest of a chunk's data, for [`Chain::chunk`].
pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn keyed(key: &[u8]) -> Hmac<sha2::Sha256> {
    let Ok(mac) = Hmac::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
    mac
}
