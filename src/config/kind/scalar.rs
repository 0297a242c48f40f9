//! Values that are one TOML scalar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use toml::de::DeValue;

use super::{Endpoint, Kind, Scheme, Value};
use crate::config::Glob;
use crate::config::nearest::nearest;
use crate::config::units::{duration, show_duration, show_millis, show_size, size};
use crate::list::{HashKind, ParseKindError};

/// Longest name of a list, in bytes.
const NAME_MAX: usize = 64;
/// Longest path, in bytes: what Linux takes.
const PATH_MAX: usize = 4095;
/// Longest DNS name, in bytes.
const HOST_MAX: usize = 253;

/// Reads a scalar.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn read(kind: Kind, value: &DeValue<'_>) -> Result<Value, String> {
    match kind {
        Kind::Size { min, max } => text(value, "a size such as \"64MiB\"")
            .and_then(size)
            .and_then(|bytes| within(bytes, min, max, show_size(bytes), show_size))
            .map(Value::Size),
        Kind::Duration { min, max } => {
            let time = text(value, "a duration such as \"10s\"").and_then(duration)?;
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            within(millis, min, max, show_duration(time), show_millis)?;
            Ok(Value::Duration(time))
        }
        Kind::Count { min, max } => count(value, min, max).map(Value::Count),
        Kind::Word { words, later } => word(value, words, later).map(Value::Word),
        Kind::Hash => text(value, "a kind of hash").and_then(hash).map(Value::Hash),
        Kind::Name => text(value, "a name").and_then(name).map(Value::Text),
        Kind::Text { max, ascii } => text(value, "a text").and_then(|t| line(t, max, ascii)),
        Kind::Path { optional } => {
            text(value, "a path").and_then(|path| self::path(path, optional)).map(Value::Text)
        }
        Kind::Address { optional } => {
            let text = text(value, "an address such as \"127.0.0.1:9000\"")?;
            address(text, optional).map(Value::Address)
        }
        Kind::Endpoint => text(value, "a URL such as \"http://127.0.0.1:3900\"")
            .and_then(endpoint)
            .map(Value::Endpoint),
        Kind::Pattern => text(value, "a pattern").and_then(Glob::parse).map(Value::Pattern),
        Kind::Delimiter => text(value, "a character").and_then(delimiter).map(Value::Delimiter),
        Kind::Paths { .. }
        | Kind::Networks { .. }
        | Kind::Names
        | Kind::Patterns(_)
        | Kind::Columns
        | Kind::Unjudged => Err(wrong_type(value, "one value")),
    }
}

pub(super) fn wrong_type(value: &DeValue<'_>, wanted: &str) -> String {
    let found = value.type_str();
    let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("must be {wanted}, not {article} {found}")
}

pub(super) fn text<'a>(value: &'a DeValue<'_>, wanted: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| wrong_type(value, &format!("a string, {wanted}")))
}

/// One of `words`. The empty word, where allowed, is not worth proposing.
pub(super) fn word(
    value: &DeValue<'_>,
    words: &'static [&'static str],
    later: &[&str],
) -> Result<&'static str, String> {
    let offered = || words.iter().copied().filter(|word| !word.is_empty());
    let wanted = offered().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    let found = text(value, &format!("one of {wanted}"))?;
    if let Some(word) = words.iter().find(|word| **word == found) {
        return Ok(word);
    }
    if later.contains(&found) {
        return Err(format!("{found:?} is not supported yet: write one of {wanted}"));
    }
    Err(match nearest(found, offered()) {
        Some(near) => format!("{found:?} is unknown; did you mean {near:?}?"),
        None => format!("{found:?} is unknown: write one of {wanted}"),
    })
}

/// A kind of hash; "" for none.
fn hash(text: &str) -> Result<Option<HashKind>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let common = ["md5", "sha1", "sha256", "pdq"];
    super::hash_kind(text).map(Some).ok_or_else(|| match nearest(text, common.into_iter()) {
        Some(near) => format!("{text:?} is unknown; did you mean {near:?}?"),
        None => format!("{text:?} is {ParseKindError}"),
    })
}

fn within(
    number: u64,
    min: u64,
    max: u64,
    shown: String,
    show: fn(u64) -> String,
) -> Result<u64, String> {
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(format!("{shown} is not within {} to {}", show(min), show(max)))
}

fn count(value: &DeValue<'_>, min: u64, max: u64) -> Result<u64, String> {
    let integer = value.as_integer().ok_or_else(|| wrong_type(value, "a number"))?;
    let wrong = || format!("{integer} is not within {min} to {max}");
    let number = u64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| wrong())?;
    if (min..=max).contains(&number) { Ok(number) } else { Err(wrong()) }
}

/// A list's name: it stands in metrics, audit records and command lines.
pub(in crate::config) fn name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if (1..=NAME_MAX).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(format!("a name has 1 to {NAME_MAX} of the characters a-z 0-9 _ -"))
}

fn line(text: &str, max: usize, ascii: bool) -> Result<Value, String> {
    if text.len() > max {
        return Err(format!("has {} bytes, at most {max} are allowed", text.len()));
    }
    match text.chars().find(|c| c.is_control() || ascii && !c.is_ascii()) {
        Some(c) if c.is_control() => Err(format!("must be one line of text, without {c:?}")),
        Some(c) => Err(format!("must be printable ASCII, without {c:?}")),
        None => Ok(Value::Text(text.to_owned())),
    }
}

pub(super) fn path(text: &str, optional: bool) -> Result<String, String> {
    if text.is_empty() && !optional {
        return Err("a path is needed".to_owned());
    }
    if text.len() > PATH_MAX {
        return Err(format!("has {} bytes, at most {PATH_MAX} are allowed", text.len()));
    }
    if text.contains('\0') {
        return Err("a path can not hold a zero byte".to_owned());
    }
    Ok(text.to_owned())
}

fn address(text: &str, optional: bool) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() && optional {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        format!(
            "{text:?} is not an IP address and a port, such as \"127.0.0.1:9000\" or \"[::]:9000\""
        )
    })
}

/// A network, or an address for the network that has no other.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let read = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network: IpNet = read.map_err(|_| {
        format!("{text:?} is neither a network, such as \"10.0.0.0/8\", nor an address")
    })?;
    if network.trunc() != network {
        return Err(format!("{text:?} has bits behind its prefix: write \"{}\"", network.trunc()));
    }
    match network {
        // Addresses are compared as IPv4 where they are IPv4: this one would never match.
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => {
            Err(format!("{text:?} is IPv4 in IPv6: write it as IPv4"))
        }
        IpNet::V4(_) | IpNet::V6(_) => Ok(network),
    }
}

pub(super) fn endpoint(text: &str) -> Result<Endpoint, String> {
    let wrong = || format!("{text:?} is not http://host:port or https://host:port");
    let schemes = [(Scheme::Http, "http://"), (Scheme::Https, "https://")];
    let mut schemes = schemes.into_iter();
    let (scheme, authority) = schemes
        .find_map(|(scheme, start)| Some((scheme, text.strip_prefix(start)?)))
        .ok_or_else(wrong)?;
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let port = digits(port).filter(|&port| port > 0).ok_or_else(wrong)?;
    let host = host_name(host).ok_or_else(wrong)?;
    Ok(Endpoint { scheme, host, port })
}

/// A port: digits only, where `u16::from_str` takes a sign as well.
fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn host_name(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(address.to_string());
    }
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let is_name = text.len() <= HOST_MAX && text.split('.').all(label);
    // What looks like an IPv4 address has to be one, else resolvers guess what was meant.
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_name && (!numeric || text.parse::<Ipv4Addr>().is_ok())).then(|| text.to_owned())
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        &[byte @ (b'\t' | b' '..=b'~')] if !byte.is_ascii_alphanumeric() && byte != b'"' => {
            Ok(byte)
        }
        _ => Err(format!(
            "{text:?} can not delimit: write one ASCII character that is no letter, digit or quote"
        )),
    }
}
