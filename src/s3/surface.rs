//! What the store answers to besides plain S3 in path style: bucket names in the host, other
//! protocols on the same port.
//!
//! # Buckets in the host
//!
//! With no domains configured, the path names the bucket, whatever the Host says. With some,
//!
//! | Host (port left out)                         | bucket                                        |
//! |----------------------------------------------|-----------------------------------------------|
//! | a domain, in any case                        | first part of the path                        |
//! | `bucket.domain`, in lower case               | `bucket`; the path is all key                 |
//! | an IP address, a name without a dot          | first part of the path                        |
//! | anything else                                | of a read as above; a write is refused        |
//!
//! Names that are no bucket's own, such as access points' at AWS, are told by the operator: a host that
//! stands for a bucket goes before this table, and an alias, wherever the bucket was named, means the
//! bucket that it is an alias of.
//!
//! The last row is one where a store may well find a bucket: AWS and Google take the whole of a name
//! that they don't know for one, Ceph RGW can ask DNS for it, and compares case where others don't.
//! Under every name by which clients reach the gate there has to be a domain.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::addressing::decode;
use super::operation::Operation;
use super::refusal::Refusal;

/// Ceph RGW's `rgw_swift_url_prefix`, as it is where nobody changed it.
const SWIFT_PREFIX: &str = "swift";

/// How many path segments behind the first tell where a path leads.
const DOOR_SEGMENTS: usize = 4;

/// What [`classify`](super::classify) takes for granted.
pub(super) static DEFAULT: Surface = Surface {
    swift_prefix: Some(Cow::Borrowed(SWIFT_PREFIX)),
    domains: Vec::new(),
    hosts: Vec::new(),
    aliases: Vec::new(),
    forwards_other_methods: false,
};

/// How the store is addressed, and by what besides S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surface {
    /// A path segment, not empty, without slashes and escapes.
    swift_prefix: Option<Cow<'static, str>>,
    /// In lower case, none within another.
    domains: Vec<String>,
    /// Hosts in lower case and the buckets that they stand for.
    hosts: Vec<(String, String)>,
    /// Other names of buckets, and the buckets.
    aliases: Vec<(String, String)>,
    forwards_other_methods: bool,
}

/// Why a surface can't be configured so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceError {
    /// The prefix is no plain path segment.
    #[error("{0:?} is no single path segment of letters, digits, '.', '-' and '_'")]
    SwiftPrefix(String),
    /// The domain is no host name.
    #[error("{0:?} is no host name")]
    Domain(String),
    /// A host below the one could mean different buckets.
    #[error("{0:?} lies within {1:?}, so that a host could mean two buckets")]
    Nested(String, String),
    /// A pair is none, or one of its names can't be.
    #[error("{0:?} is no name=bucket with both in lower case")]
    Pair(String),
    /// A name would mean two buckets.
    #[error("{0:?} stands here twice")]
    Twice(String),
}

impl Default for Surface {
    /// S3 in path style; Swift below `/swift`.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl Surface {
    /// With the Swift API below this path segment, or nowhere.
    ///
    /// # Errors
    /// [`SurfaceError::SwiftPrefix`].
    pub fn with_swift_prefix(mut self, prefix: Option<&str>) -> Result<Self, SurfaceError> {
        let bare = prefix.map(|p| p.strip_prefix('/').unwrap_or(p));
        let plain = |p: &str| !matches!(p, "" | "." | "..") && p.bytes().all(is_segment);
        match bare.is_none_or(plain) {
            true => self.swift_prefix = bare.map(|p| Cow::Owned(p.to_owned())),
            false => return Err(SurfaceError::SwiftPrefix(prefix.unwrap_or_default().to_owned())),
        }
        Ok(self)
    }

    /// With these domains, below which host names name buckets.
    ///
    /// # Errors
    /// [`SurfaceError::Domain`] or [`SurfaceError::Nested`].
    pub fn with_domains<'a>(
        mut self,
        domains: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SurfaceError> {
        self.domains.clear();
        for domain in domains {
            let lower = domain.to_ascii_lowercase();
            let host = labels(&lower) && lower.parse::<Ipv4Addr>().is_err();
            if !host {
                return Err(SurfaceError::Domain(domain.to_owned()));
            }
            self.domains.push(lower);
        }
        for (i, inner) in self.domains.iter().enumerate() {
            for (j, outer) in self.domains.iter().enumerate() {
                if i != j && (inner == outer || below(inner, outer).is_some()) {
                    return Err(SurfaceError::Nested(inner.clone(), outer.clone()));
                }
            }
        }
        Ok(self)
    }

    /// With these pairs of `host=bucket`: hosts, whatever their domain, that stand for one bucket. So
    /// does an access point's, whose name tells nothing of the bucket:
    /// `photos-123456789012.s3-accesspoint.eu-west-1.amazonaws.com=photos`.
    ///
    /// # Errors
    /// [`SurfaceError::Pair`] or [`SurfaceError::Twice`].
    pub fn with_hosts<'a>(
        mut self,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SurfaceError> {
        self.hosts = pairs(hosts)?;
        Ok(self)
    }

    /// With these pairs of `alias=bucket`: names that the store takes for a bucket's, such as an
    /// access point's `…-s3alias`.
    ///
    /// # Errors
    /// [`SurfaceError::Pair`] or [`SurfaceError::Twice`].
    pub fn with_aliases<'a>(
        mut self,
        aliases: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SurfaceError> {
        self.aliases = pairs(aliases)?;
        Ok(self)
    }

    /// Whether methods other than GET, HEAD, OPTIONS, PUT, POST and DELETE are operations,
    /// [`Operation::OtherMethod`], instead of a refusal. CONNECT and TRACE are never.
    #[must_use]
    pub fn with_other_methods(mut self, forwards: bool) -> Self {
        self.forwards_other_methods = forwards;
        self
    }

    pub(super) fn forwards_other_methods(&self) -> bool {
        self.forwards_other_methods
    }

    /// The bucket that a Host header names, or none where the path does.
    ///
    /// # Errors
    /// [`Refusal::Host`]: it could name one, to some store.
    pub(super) fn bucket_of(&self, host: &[u8]) -> Result<Option<String>, Refusal> {
        if self.domains.is_empty() && self.hosts.is_empty() {
            return Ok(None);
        }
        let host = std::str::from_utf8(host).map_err(|_| Refusal::Host)?;
        let Some(name) = without_port(host)? else { return Ok(None) };
        let lower = name.to_ascii_lowercase();
        if let Some((_, bucket)) = self.hosts.iter().find(|(host, _)| *host == lower) {
            return Ok(Some(bucket.clone()));
        }
        if self.domains.is_empty() {
            return Ok(None);
        }
        if let Some(bucket) = self.domains.iter().find_map(|domain| below(&lower, domain)) {
            let plain = labels(bucket) && lower == name;
            return if plain { Ok(Some(bucket.to_owned())) } else { Err(Refusal::Host) };
        }
        let one_label = labels(&lower) && !lower.contains('.');
        let in_path =
            one_label || name.parse::<Ipv4Addr>().is_ok() || self.domains.contains(&lower);
        if in_path { Ok(None) } else { Err(Refusal::Host) }
    }

    /// The bucket that a name means.
    pub(super) fn unaliased(&self, name: String) -> String {
        match self.aliases.iter().find(|(alias, _)| *alias == name) {
            Some((_, bucket)) => bucket.clone(),
            None => name,
        }
    }

    /// The protocol besides S3 that a path leads to. Stores decode a path before they look.
    pub(super) fn door(&self, path: &str) -> Option<Operation> {
        let path = decode(path);
        let mut segments = path.strip_prefix('/')?.split('/');
        let first = segments.next()?;
        if self.swift_prefix.as_deref() == Some(first) {
            return Some(Operation::Swift);
        }
        // What the segments behind the first one have to be: most paths need not be cut for that.
        let (leads, to): (fn(&[&str]) -> bool, _) = match first {
            "upload" | "download" | "batch" => {
                (|rest| matches!(rest, ["storage", "v1", ..]), Operation::JsonApi)
            }
            "resumable" => {
                (|rest| matches!(rest, ["upload", "storage", "v1", ..]), Operation::JsonApi)
            }
            "storage" => (|rest| matches!(rest, ["v1", "b" | "projects", ..]), Operation::JsonApi),
            "minio" => (
                |rest| matches!(rest, [service, _, ..] if is_minio_service(service)),
                Operation::StoreAdmin,
            ),
            "admin" => (is_rgw_admin, Operation::StoreAdmin),
            "v20180820" => (|rest| !rest.is_empty(), Operation::StoreAdmin),
            _ => return None,
        };
        let rest: Vec<&str> = segments.take(DOOR_SEGMENTS).collect();
        leads(&rest).then_some(to)
    }
}

/// What MinIO serves below `/minio/`: administration, keys, and what its nodes say to each other.
fn is_minio_service(name: &str) -> bool {
    matches!(name, "admin" | "kms" | "storage" | "peer" | "lock" | "bootstrap" | "grid")
}

/// What Ceph RGW serves below `/admin/`.
fn is_rgw_admin(rest: &[&str]) -> bool {
    match rest {
        ["metadata" | "realm" | "log", ..] => true,
        // These have no paths of their own.
        [resource] | [resource, ""] => matches!(
            *resource,
            "user" | "account" | "bucket" | "usage" | "config" | "period" | "info" | "ratelimit"
        ),
        _ => false,
    }
}

/// The host name, or none for an IPv6 address.
fn without_port(host: &str) -> Result<Option<&str>, Refusal> {
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    if let Some(bracketed) = host.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(Refusal::Host)?;
        let port = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        let whole = port && address.parse::<Ipv6Addr>().is_ok();
        return if whole { Ok(None) } else { Err(Refusal::Host) };
    }
    match host.split_once(':') {
        Some((name, port)) if is_port(port) => Ok(Some(name)),
        Some(_) => Err(Refusal::Host),
        None => Ok(Some(host)),
    }
}

/// What stands before `.domain` in a host.
fn below<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    host.strip_suffix(domain)?.strip_suffix('.')
}

/// Pairs of `name=bucket`, each name once.
fn pairs<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, String)>, SurfaceError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for text in texts {
        let pair = text.split_once('=').filter(|(name, bucket)| labels(name) && labels(bucket));
        let (name, bucket) = pair.ok_or_else(|| SurfaceError::Pair(text.to_owned()))?;
        if pairs.iter().any(|(earlier, _)| earlier == name) {
            return Err(SurfaceError::Twice(name.to_owned()));
        }
        pairs.push((name.to_owned(), bucket.to_owned()));
    }
    Ok(pairs)
}

/// Labels in lower case with a dot between each two, as of a host or a bucket.
fn labels(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    name.split('.').all(|label| !label.is_empty() && label.bytes().all(plain))
}

fn is_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}
