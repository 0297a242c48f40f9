//! The PROXY protocol, versions 1 and 2: what a load balancer says about a connection before it
//! passes the connection's bytes on.
//!
//! By HAProxy's `doc/proxy-protocol.txt`. No byte behind the header is ever asked for, so that
//! whatever follows, TLS or HTTP, is read from the socket as if there had been none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest header of version 1 in bytes, its line end included (section 2.1).
pub const V1_MAX: usize = 107;

/// Most bytes behind the fixed part of a version 2 header: addresses and what else the balancer
/// tells (names, TLS details), which is skipped. Two addresses take 36, with AWS's endpoint id 60;
/// the protocol's own limit of 65,535 would let each connection hold as much.
pub const V2_REST_MAX: usize = 4096;

/// What every header of version 2 begins with: nothing that HTTP or TLS could begin with.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, a byte each of version and family, and the length of the rest.
const V2_FIXED: usize = 16;

/// Shortest whole line of version 1.
const V1_MIN: usize = b"PROXY UNKNOWN\r\n".len();

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The balancer's own, or a client's whose address has no place in an IP header: the socket's
    /// address holds.
    Socket,
    /// A client's.
    Client(SocketAddr),
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least so many more bytes belong to it; never 0.
    Wants(usize),
    /// It is whole.
    Whole(Origin),
}

/// It is no PROXY header, or one that this protocol does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a PROXY protocol header")]
pub struct Malformed;

/// Reads the beginning of a connection: all that has come, which must be no more than was asked
/// for.
///
/// # Errors
/// It can't become a header any more, whatever follows. Bytes behind a whole header are an error
/// too.
pub fn read(bytes: &[u8]) -> Result<Progress, Malformed> {
    match bytes.first() {
        None => Ok(Progress::Wants(V1_MIN)),
        Some(b'P') => version_1(bytes),
        Some(_) => version_2(bytes),
    }
}

fn version_1(bytes: &[u8]) -> Result<Progress, Malformed> {
    const START: &[u8] = b"PROXY ";
    if !bytes.iter().zip(START).all(|(a, b)| a == b) {
        return Err(Malformed);
    }
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end + 1 == bytes.len() => {
            let line = bytes.strip_suffix(b"\r\n").ok_or(Malformed)?;
            let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
            origin_1(line).map(Progress::Whole)
        }
        Some(_) => Err(Malformed),
        None if bytes.len() >= V1_MAX => Err(Malformed),
        // Where the line ends nobody knows before it does.
        None => Ok(Progress::Wants(V1_MIN.saturating_sub(bytes.len()).max(1))),
    }
}

/// A line of version 1 without its end.
fn origin_1(line: &str) -> Result<Origin, Malformed> {
    let mut words = line.split(' ');
    if words.next() != Some("PROXY") {
        return Err(Malformed);
    }
    let family = words.next();
    if family == Some("UNKNOWN") {
        // What follows it is to be ignored.
        return Ok(Origin::Socket);
    }
    let mut next = || words.next().ok_or(Malformed);
    let (source, destination, port, its_port) = (next()?, next()?, next()?, next()?);
    if words.next().is_some() {
        return Err(Malformed);
    }
    let addresses = match family {
        Some("TCP4") => [source, destination].map(|text| text.parse().ok().map(IpAddr::V4)),
        Some("TCP6") => [source, destination].map(|text| text.parse().ok().map(IpAddr::V6)),
        _ => return Err(Malformed),
    };
    match (addresses, decimal(port), decimal(its_port)) {
        ([Some(source), Some(_)], Some(port), Some(_)) => Ok(client(source, port)),
        _ => Err(Malformed),
    }
}

/// A port: digits without a sign, and without a leading zero.
fn decimal(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn version_2(bytes: &[u8]) -> Result<Progress, Malformed> {
    if !bytes.iter().zip(V2_SIGNATURE).all(|(a, b)| a == b) {
        return Err(Malformed);
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<V2_FIXED>() else {
        return Ok(Progress::Wants(V2_FIXED - bytes.len()));
    };
    let (is_proxied, family) = (command(fixed[12])?, Family::of(fixed[13])?);
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let needed = if is_proxied { family.address_bytes() } else { 0 };
    if length > V2_REST_MAX || length < needed || rest.len() > length {
        return Err(Malformed);
    }
    if rest.len() < length {
        return Ok(Progress::Wants(length - rest.len()));
    }
    Ok(Progress::Whole(if is_proxied { family.source(rest) } else { Origin::Socket }))
}

/// The byte of version and command: false for LOCAL, true for PROXY.
fn command(byte: u8) -> Result<bool, Malformed> {
    match byte {
        0x20 => Ok(false),
        0x21 => Ok(true),
        _ => Err(Malformed),
    }
}

/// What kinds of addresses a header of version 2 has. Those of datagrams and of Unix sockets are
/// known to the protocol, but say nothing about a client that we could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    None,
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Unix,
}

impl Family {
    fn of(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0x00 => Ok(Family::None),
            0x11 => Ok(Family::Tcp4),
            0x12 => Ok(Family::Udp4),
            0x21 => Ok(Family::Tcp6),
            0x22 => Ok(Family::Udp6),
            0x31 | 0x32 => Ok(Family::Unix),
            _ => Err(Malformed),
        }
    }

    /// Bytes that its two addresses and ports take.
    fn address_bytes(self) -> usize {
        match self {
            Family::None => 0,
            Family::Tcp4 | Family::Udp4 => 2 * (4 + 2),
            Family::Tcp6 | Family::Udp6 => 2 * (16 + 2),
            Family::Unix => 2 * 108,
        }
    }

    /// The client that the addresses name: source, destination, source port, destination port.
    fn source(self, addresses: &[u8]) -> Origin {
        let port = |at: usize| addresses.get(at..at + 2).and_then(|b| b.try_into().ok());
        match self {
            Family::Tcp4 => match (addresses.first_chunk::<4>(), port(8)) {
                (Some(&ip), Some(port)) => {
                    client(IpAddr::V4(Ipv4Addr::from(ip)), u16::from_be_bytes(port))
                }
                _ => Origin::Socket,
            },
            Family::Tcp6 => match (addresses.first_chunk::<16>(), port(32)) {
                (Some(&ip), Some(port)) => {
                    client(IpAddr::V6(Ipv6Addr::from(ip)), u16::from_be_bytes(port))
                }
                _ => Origin::Socket,
            },
            Family::None | Family::Udp4 | Family::Udp6 | Family::Unix => Origin::Socket,
        }
    }
}

fn client(address: IpAddr, port: u16) -> Origin {
    Origin::Client(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests;
