//! Who connects for whom: the proxies that are believed when they name a client.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// What a proxy adds the address to that it was called from.
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies in front of a listener. What anybody else says about a client is not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those in these networks. IPv4 networks are to be given as such, not as IPv6.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Proxies(networks)
    }

    /// Whether `address`, which must be canonical (no IPv4 in IPv6), is one of them.
    pub fn include(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that came from `peer`: the right-most address in all lines of
    /// X-Forwarded-For that is none of the proxies, since each proxy writes behind what it got and
    /// the first stranger could have written all before it. Where all are proxies, the left-most;
    /// where something is no address, the one to the right of it.
    ///
    /// A port that nobody named is 0.
    pub fn client_of(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if !self.include(client.ip()) {
            return client;
        }
        for line in headers.get_all(&FORWARDED_FOR).into_iter().rev() {
            for element in line.as_bytes().rsplit(|&byte| byte == b',') {
                let Some(named) = address(element) else { return client };
                client = named;
                if !self.include(client.ip()) {
                    return client;
                }
            }
        }
        client
    }
}

/// An address as proxies write it: `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, or either kind with
/// a port.
fn address(element: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let alone = match bare {
        Some(inner) => inner.parse().map(IpAddr::V6).ok(),
        None => text.parse().ok(),
    };
    let address = alone.map(|ip| SocketAddr::new(ip, 0)).or_else(|| text.parse().ok())?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies::new(networks.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&FORWARDED_FOR, http::HeaderValue::from_bytes(line).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 5);
        proxies(&["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"])
            .client_of(peer, &headers)
            .to_string()
    }

    #[test]
    fn a_network_ends_where_its_prefix_says() {
        let table = [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.0"]),
            ("192.0.2.7/32", ["192.0.2.7", "192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1"]),
            ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::"], ["2001:db8:8000::", "10.0.0.1"]),
            ("::1/128", ["::1", "::1"], ["::", "::2"]),
            ("::/0", ["::", "ffff::"], ["0.0.0.0", "10.0.0.1"]),
        ];
        for (network, within, without) in table {
            let proxies = proxies(&[network]);
            for address in within {
                assert!(proxies.include(address.parse().unwrap()), "{address} in {network}");
            }
            for address in without {
                assert!(!proxies.include(address.parse().unwrap()), "{address} not in {network}");
            }
        }
        assert!(!proxies(&[]).include("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn only_proxies_are_believed() {
        assert_eq!(client("203.0.113.1", &[b"198.51.100.1"]), "203.0.113.1:5");
        assert_eq!(client("10.1.1.1", &[b"198.51.100.1"]), "198.51.100.1:0");
        assert_eq!(client("2001:db8::5", &[b"198.51.100.1"]), "198.51.100.1:0");
        assert_eq!(client("10.1.1.1", &[]), "10.1.1.1:5");
        assert_eq!(client("::ffff:10.1.1.1", &[b"198.51.100.1"]), "198.51.100.1:0", "IPv4 in IPv6");
        assert_eq!(client("::ffff:203.0.113.1", &[b"198.51.100.1"]), "203.0.113.1:5");
    }

    #[test]
    fn the_walk_goes_from_the_right_to_the_first_stranger() {
        let table: [(&[&[u8]], &str); 14] = [
            (&[b"1.1.1.1, 2.2.2.2"], "2.2.2.2:0"),
            (&[b"1.1.1.1, 2.2.2.2, 10.0.0.1"], "2.2.2.2:0"),
            (&[b"1.1.1.1,2.2.2.2,192.0.2.7 ,\t10.0.0.1"], "2.2.2.2:0"),
            (&[b"1.1.1.1", b"2.2.2.2", b"10.0.0.1"], "2.2.2.2:0"),
            (&[b"1.1.1.1, 2.2.2.2", b"10.0.0.1, 10.0.0.2"], "2.2.2.2:0"),
            (&[b"10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            (&[b"1.1.1.1, ::ffff:10.0.0.1"], "1.1.1.1:0"),
            (&[b"2001:db9::1, 2001:db8::1"], "[2001:db9::1]:0"),
            (&[b"[2001:db9::1], [2001:db8::1]:443"], "[2001:db9::1]:0"),
            (&[b"[2001:db9::1]:77"], "[2001:db9::1]:77"),
            (&[b"1.1.1.1:4711"], "1.1.1.1:4711"),
            (&[b"::ffff:1.1.1.1"], "1.1.1.1:0"),
            // The port is the client's, not the proxy's.
            (&[b"1.1.1.1, 10.0.0.1:80"], "1.1.1.1:0"),
            (&[b" 1.1.1.1 "], "1.1.1.1:0"),
        ];
        for (lines, expected) in table {
            assert_eq!(client("10.9.9.9", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        for bad in [
            "",
            "unknown",
            "1.1.1",
            "01.1.1.1",
            "1.1.1.1:",
            "1.1.1.1:65536",
            "[1.1.1.1]",
            "[::1",
            "::1]",
            "fe80::1%eth0",
            "\"1.1.1.1\"",
            "1.1.1.1 2.2.2.2",
            "_hidden",
            "for=1.1.1.1",
        ] {
            let line = format!("9.9.9.9, {bad}, 10.0.0.1");
            assert_eq!(client("10.9.9.9", &[line.as_bytes()]), "10.0.0.1:0", "{bad:?}");
            let line = format!("9.9.9.9, {bad}");
            assert_eq!(client("10.9.9.9", &[line.as_bytes()]), "10.9.9.9:5", "{bad:?}");
        }
        assert_eq!(client("10.9.9.9", &[b"9.9.9.9, \xff, 10.0.0.1"]), "10.0.0.1:0");
        assert_eq!(client("10.9.9.9", &[b"9.9.9.9", b"", b"10.0.0.1"]), "10.0.0.1:0");
    }
}
