//! SigV2: in the Authorization header and in the query.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;

use super::super::addressing::decode;
use super::super::signature::MAX_ACCESS_KEY;
use super::super::sigv2::{SEAL_LEN, is_sealed_v2};
use super::super::{Head, base64, parse_base64};
use super::claims::{Proof, check_skew, moment};
use super::error::{AuthError, Mismatch};
use super::malformed::Place;
use super::payload::Payload;
use super::query::{Keys, pairs};
use super::secret::Credentials;

/// The query keys that are signed: what the AWS page names, what botocore and Ceph RGW sign besides,
/// and what came later and makes another operation of a request. (No signer of SigV2 knows those, so
/// that nobody can add them to what was signed, nor use them.)
const SIGNED_KEYS: [&str; 50] = [
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "append",
    "attributes",
    "compose",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "modify",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// What a SigV2 signature claims, besides the access key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct V2 {
    validity: Validity,
    pub(super) seal: [u8; SEAL_LEN],
    /// The bucket that the host names.
    bucket: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
enum Validity {
    /// Signed in the header at this moment.
    Around(SystemTime),
    /// Signed in the query until this moment, in these digits.
    Until(SystemTime, String),
}

/// What clients sign otherwise than they send it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// A key with an empty value without its `=`: `uploads` where `uploads=` is sent.
    pub(super) bare_keys: bool,
    /// A bucket with a slash behind it: botocore signs `/bucket/` and sends `/bucket`.
    pub(super) bucket_slash: bool,
}

impl Habits {
    const ALL: [Habits; 4] = [
        Habits { bare_keys: false, bucket_slash: false },
        Habits { bare_keys: false, bucket_slash: true },
        Habits { bare_keys: true, bucket_slash: false },
        Habits { bare_keys: true, bucket_slash: true },
    ];
}

impl V2 {
    /// Reads what follows the scheme in an Authorization header; gives the access key as well.
    pub(super) fn in_header(
        head: &Head<'_>,
        parts: &str,
        bucket: Option<&str>,
    ) -> Result<(String, V2), AuthError> {
        let (key, seal) = parts.trim_matches(' ').rsplit_once(':').ok_or(AuthError::V2Header)?;
        let seal = parse_base64(seal).ok_or(AuthError::V2Header)?;
        let key = access_key(key).ok_or(AuthError::V2Header)?;
        let validity = Validity::Around(moment(head)?);
        Ok((key, V2 { validity, seal, bucket: bucket.map(str::to_owned) }))
    }

    /// Reads a presigned query; gives the access key as well.
    pub(super) fn in_query(
        head: &Head<'_>,
        bucket: Option<&str>,
    ) -> Result<(String, V2), AuthError> {
        let keys = Keys::read(head.query, ["AWSAccessKeyId", "Signature", "Expires"]);
        let [key, seal, expires] = keys.all().ok_or(AuthError::V2Query)?;
        let key = access_key(&key).ok_or(AuthError::V2Query)?;
        let seal = parse_base64(&seal).ok_or(AuthError::V2Query)?;
        let digits = !expires.is_empty() && expires.bytes().all(|byte| byte.is_ascii_digit());
        let end_s = expires.parse().ok().filter(|_| digits).map(Duration::from_secs);
        let end = end_s.and_then(|end| UNIX_EPOCH.checked_add(end)).ok_or(AuthError::V2Expires)?;
        let validity = Validity::Until(end, expires.into_owned());
        Ok((key, V2 { validity, seal, bucket: bucket.map(str::to_owned) }))
    }

    fn place(&self) -> Place {
        match self.validity {
            Validity::Around(_) => Place::Header,
            Validity::Until(..) => Place::Query,
        }
    }

    pub(super) fn verify(
        &self,
        head: &Head<'_>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Proof, AuthError> {
        self.check_time(now)?;
        let signed = |habits: &Habits| {
            let text = self.string_to_sign(head, *habits);
            is_sealed_v2(&credentials.secret, &text, &self.seal)
        };
        if !Habits::ALL.iter().any(signed) {
            return Err(AuthError::Mismatch(Box::new(Mismatch {
                access_key: credentials.access_key.clone(),
                signature: base64(&self.seal),
                string_to_sign: self.string_to_sign(head, Habits::default()),
                canonical_request: None,
            })));
        }
        Ok(Proof {
            access_key: credentials.access_key.clone(),
            payload: Payload::Unsigned,
            chunks: None,
            place: self.place(),
            is_v2: true,
            // Stores read queries as forms; but where it is signed, a plus is one.
            plus_is_space: !signed_pairs(head)
                .any(|(_, value)| value.unwrap_or_default().contains('+')),
        })
    }

    fn check_time(&self, now: SystemTime) -> Result<(), AuthError> {
        match self.validity {
            Validity::Around(signed) => check_skew(signed, now),
            Validity::Until(end, _) if now > end => Err(AuthError::Expired { end, life_s: None }),
            Validity::Until(..) => Ok(()),
        }
    }

    /// The digits of a presigned query's end.
    pub(super) fn expires(&self) -> Option<&str> {
        match &self.validity {
            Validity::Around(_) => None,
            Validity::Until(_, digits) => Some(digits),
        }
    }

    fn string_to_sign(&self, head: &Head<'_>, habits: Habits) -> Vec<u8> {
        string_to_sign(head, self.bucket.as_deref(), self.expires(), habits)
    }
}

/// What is signed of a head. `bucket` is that of the host, `expires` that of a presigned query.
pub(super) fn string_to_sign(
    head: &Head<'_>,
    bucket: Option<&str>,
    expires: Option<&str>,
    habits: Habits,
) -> Vec<u8> {
    let date = match expires {
        Some(digits) => digits.as_bytes().into(),
        None if head.headers.contains_key("x-amz-date") => Cow::default(),
        None => positional(head, "date", false),
    };
    let mut text = Vec::with_capacity(256);
    for line in [
        head.method.as_bytes(),
        &positional(head, "content-md5", expires.is_some()),
        &positional(head, "content-type", expires.is_some()),
        &date,
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    push_amz_headers(&mut text, head, expires.is_some());
    push_resource(&mut text, head, bucket, habits);
    text
}

/// A header's value; of a presigned request without the header, that of the query, where botocore
/// puts what it signed.
fn positional<'a>(head: &Head<'a>, name: &str, in_query: bool) -> Cow<'a, [u8]> {
    if let Some(value) = head.headers.get(name) {
        return value.as_bytes().trim_ascii().into();
    }
    let mut found =
        pairs(head.query).filter(|(known, _)| in_query && known.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| percent_decode_str(value).into()).unwrap_or_default()
}

/// Every `x-amz-` header, and such a key of the query like a header: botocore puts the headers of a
/// presigned request there, and stores take some of them from there.
fn push_amz_headers(text: &mut Vec<u8>, head: &Head<'_>, presigned: bool) {
    let mut headers: BTreeMap<Cow<'_, str>, Vec<u8>> = BTreeMap::new();
    let mut push = |name, value: &[u8]| {
        let values: &mut Vec<u8> = headers.entry(name).or_default();
        if !values.is_empty() {
            values.push(b',');
        }
        values.extend_from_slice(value.trim_ascii());
    };
    for (name, value) in head.headers {
        // A presigned request has its end instead of a date.
        let dated = presigned && name == "x-amz-date";
        if name.as_str().starts_with("x-amz-") && !dated {
            push(name.as_str().into(), value.as_bytes());
        }
    }
    for (name, value) in pairs(head.query) {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") {
            push(name.into(), &Cow::from(percent_decode_str(value)));
        }
    }
    for (name, value) in headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(&value);
        text.push(b'\n');
    }
}

/// Bucket and raw path, and the signed keys of the query with decoded values.
fn push_resource(text: &mut Vec<u8>, head: &Head<'_>, bucket: Option<&str>, habits: Habits) {
    if let Some(bucket) = bucket {
        text.push(b'/');
        text.extend_from_slice(bucket.as_bytes());
    }
    text.extend_from_slice(head.path.as_bytes());
    let only_bucket = bucket.is_none() && head.path.rfind('/') == Some(0) && head.path != "/";
    if only_bucket && habits.bucket_slash {
        text.push(b'/');
    }
    let mut signed: Vec<_> = signed_pairs(head).collect();
    signed.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (i, (name, value)) in signed.into_iter().enumerate() {
        text.push(if i == 0 { b'?' } else { b'&' });
        text.extend_from_slice(name.as_bytes());
        if let Some(value) = value.filter(|value| !value.is_empty() || !habits.bare_keys) {
            text.push(b'=');
            text.extend(percent_decode_str(value));
        }
    }
}

/// The signed keys of the query, decoded, with their raw values, none where there is no `=`.
fn signed_pairs<'a>(head: &Head<'a>) -> impl Iterator<Item = (Cow<'a, str>, Option<&'a str>)> {
    let pairs = head.query.unwrap_or_default().split('&');
    pairs
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decode(name), Some(value)),
            None => (decode(pair), None),
        })
        .filter(|(name, _)| SIGNED_KEYS.contains(&name.as_ref()))
}

fn access_key(text: &str) -> Option<String> {
    let sound = (1..=MAX_ACCESS_KEY).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then(|| text.to_owned())
}
