use super::*;

/// A header of version 2.
fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2_SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
}

fn of(address: &str) -> Origin {
    Origin::Client(address.parse().unwrap())
}

const V4: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 2, 0xde, 0x01, 0x01, 0xbb];

fn v6() -> Vec<u8> {
    let source: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let destination: Ipv6Addr = "2001:db8::2".parse().unwrap();
    let ports = [0x10, 0x00, 0x01, 0xbb];
    [source.octets().as_slice(), &destination.octets(), &ports].concat()
}

/// A thing that is told besides: its kind, its length, its bytes.
fn told(kind: u8, bytes: usize) -> Vec<u8> {
    let length = u16::try_from(bytes).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), &vec![7; bytes]].concat()
}

fn good() -> Vec<(Vec<u8>, Origin)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(V1_MAX - 16));
    assert_eq!(longest.len(), V1_MAX);
    let widest = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                  ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    let with = |rest: &[u8], more: &[u8]| [rest, more].concat();
    vec![
        (text("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n"), of("1.1.1.1:1")),
        (
            text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
            of("255.255.255.255:65535"),
        ),
        (text("PROXY TCP4 192.0.2.1 192.0.2.2 0 443\r\n"), of("192.0.2.1:0")),
        (text("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"), of("[2001:db8::1]:56324")),
        (text("PROXY TCP6 ::ffff:192.0.2.1 ::1 5 443\r\n"), of("192.0.2.1:5")),
        (text(widest), of("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")),
        (text("PROXY UNKNOWN\r\n"), Origin::Socket),
        (text("PROXY UNKNOWN 192.0.2.1 whatever\r\n"), Origin::Socket),
        (longest.into_bytes(), Origin::Socket),
        (version_2(0x21, 0x11, V4), of("192.0.2.1:56833")),
        (version_2(0x21, 0x21, &v6()), of("[2001:db8::1]:4096")),
        // What is told besides is skipped: AWS tells the endpoint's id, others a checksum.
        (version_2(0x21, 0x11, &with(V4, &told(0xea, 23))), of("192.0.2.1:56833")),
        (version_2(0x21, 0x21, &with(&v6(), &told(0x03, 4))), of("[2001:db8::1]:4096")),
        (version_2(0x21, 0x11, &with(V4, &vec![0; V2_REST_MAX - 12])), of("192.0.2.1:56833")),
        // A health check of the balancer itself, whatever it says.
        (version_2(0x20, 0x00, &[]), Origin::Socket),
        (version_2(0x20, 0x11, V4), Origin::Socket),
        (version_2(0x20, 0x11, &[]), Origin::Socket),
        (version_2(0x21, 0x00, &[]), Origin::Socket),
        (version_2(0x21, 0x00, &told(0x04, 9)), Origin::Socket),
        (version_2(0x21, 0x12, V4), Origin::Socket),
        (version_2(0x21, 0x22, &v6()), Origin::Socket),
        (version_2(0x21, 0x31, &[0; 216]), Origin::Socket),
        (version_2(0x21, 0x32, &[0; 216]), Origin::Socket),
    ]
}

/// Reads a header as a connection does: never more than is asked for. Gives what was read.
fn follow(bytes: &[u8]) -> (usize, Result<Origin, Malformed>) {
    let mut have = 0;
    loop {
        match read(&bytes[..have]) {
            Ok(Progress::Wants(more)) => {
                assert!(more > 0);
                if have + more > bytes.len() {
                    return (have, Err(Malformed));
                }
                have += more;
            }
            Ok(Progress::Whole(origin)) => return (have, Ok(origin)),
            Err(malformed) => return (have, Err(malformed)),
        }
    }
}

#[test]
fn good_headers_name_the_client() {
    for (bytes, origin) in good() {
        assert_eq!(read(&bytes), Ok(Progress::Whole(origin)), "{}", bytes.escape_ascii());
    }
}

/// Whatever follows a header: none of it is read with it.
#[test]
fn no_byte_behind_a_header_is_asked_for() {
    for (bytes, origin) in good() {
        let connection = [bytes.as_slice(), b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(follow(&connection), (bytes.len(), Ok(origin)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_header_cut_anywhere_wants_more_and_never_too_much() {
    for (bytes, _) in good() {
        for cut in 0..bytes.len() {
            let Ok(Progress::Wants(more)) = read(&bytes[..cut]) else {
                panic!("{cut} of {}", bytes.escape_ascii());
            };
            assert!((1..=bytes.len() - cut).contains(&more), "{cut} {more}");
        }
    }
}

#[test]
fn bad_headers_of_version_1_are_refused() {
    for text in [
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXYTCP4 192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY  TCP4 192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5 443 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5 443 6\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5\r\n",
        "PROXY TCP4\t192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5 443\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5 443\r\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 05 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +5 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -5 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2  443\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 5 443\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 5 443\r\n",
        "PROXY TCP4 192.0.2.1 nobody 5 443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 5 443\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 5 443\r\n",
        "PROXY TCP6 [::1] ::1 5 443\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 5 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
    ] {
        assert_eq!(follow(text.as_bytes()).1, Err(Malformed), "{text:?}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(V1_MAX - 15));
    assert_eq!(follow(long.as_bytes()), (V1_MAX, Err(Malformed)), "one past the bound");
    assert_eq!(follow(b"PROXY TCP4 \xff 192.0.2.2 5 443\r\n").1, Err(Malformed));
}

#[test]
fn bad_headers_of_version_2_are_refused() {
    for (command, family, rest) in [
        (0x11, 0x11, V4),        // version 1
        (0x31, 0x11, V4),        // version 3
        (0x22, 0x11, V4),        // no such command
        (0x21, 0x01, V4),        // TCP of nothing
        (0x21, 0x13, V4),        // no such transport
        (0x21, 0x41, V4),        // no such family
        (0x21, 0x11, &V4[..11]), // too short
        (0x21, 0x21, &[0; 35]),
        (0x21, 0x31, &[0; 215]),
        (0x21, 0x11, &[0; V2_REST_MAX + 1]),
        (0x20, 0x00, &[0; V2_REST_MAX + 1]),
    ] {
        let bytes = version_2(command, family, rest);
        assert_eq!(follow(&bytes).1, Err(Malformed), "{command:#x} {family:#x} {}", rest.len());
        assert!(follow(&bytes).0 <= V2_FIXED, "that much tells");
    }
    for at in 0..V2_SIGNATURE.len() {
        let mut bytes = version_2(0x21, 0x11, V4);
        bytes[at] ^= 0x20;
        assert_eq!(follow(&bytes).1, Err(Malformed), "signature byte {at}");
    }
}

#[test]
fn bytes_behind_a_header_are_no_part_of_it() {
    for (bytes, _) in good() {
        assert_eq!(read(&[bytes.as_slice(), b"x"].concat()), Err(Malformed));
    }
}

proptest::proptest! {
    /// No bytes at all make it read on for ever, or ask for more than the longest header has.
    #[test]
    fn any_bytes_come_to_an_end(start in 0..3_usize, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..6000)) {
        let start: &[u8] = [b"".as_slice(), b"PROXY ", V2_SIGNATURE][start];
        let (read, _) = follow(&[start, &bytes].concat());
        assert!(read <= V2_FIXED + V2_REST_MAX);
    }
}
