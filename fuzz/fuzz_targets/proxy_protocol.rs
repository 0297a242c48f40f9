//! However the beginning of a connection is cut, a header reads the same; none asks for bytes that
//! are not its own, or for more than the longest one has; and what a naive reader makes of the line
//! of version 1 is what is made of it.
#![no_main]

use std::net::{IpAddr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use s3bouncer::net::proxy_protocol::{Malformed, Origin, Progress, V1_MAX, V2_REST_MAX, read};

fuzz_target!(|bytes: &[u8]| {
    let (length, outcome) = follow(bytes);
    assert!(length <= 16 + V2_REST_MAX);
    match outcome {
        Some(Ok(origin)) => {
            let header = &bytes[..length];
            assert_eq!(read(header), Ok(Progress::Whole(origin)));
            for cut in 0..length {
                match read(&header[..cut]) {
                    Ok(Progress::Wants(more)) => assert!((1..=length - cut).contains(&more)),
                    other => panic!("{cut} of {length}: {other:?}"),
                }
            }
            if header[0] == b'P' {
                assert!(length <= V1_MAX);
                assert_eq!(naive(header), origin);
            }
        }
        Some(Err(Malformed)) => {
            for cut in 0..length {
                assert!(!matches!(read(&bytes[..cut]), Ok(Progress::Whole(_))));
            }
        }
        None => {}
    }
});

/// Reads as a connection does: what is asked for and no more. None where the bytes end too soon.
fn follow(bytes: &[u8]) -> (usize, Option<Result<Origin, Malformed>>) {
    let mut have = 0;
    loop {
        match read(&bytes[..have]) {
            Ok(Progress::Wants(more)) if have + more > bytes.len() => return (have, None),
            Ok(Progress::Wants(more)) => have += more,
            Ok(Progress::Whole(origin)) => return (have, Some(Ok(origin))),
            Err(malformed) => return (have, Some(Err(malformed))),
        }
    }
}

/// A line that is known to be good.
fn naive(line: &[u8]) -> Origin {
    let line = std::str::from_utf8(line).expect("text");
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    if words[1] == "UNKNOWN" {
        return Origin::Socket;
    }
    let address: IpAddr = words[2].parse().expect("an address");
    assert_eq!(address.is_ipv4(), words[1] == "TCP4");
    let port = words[4].parse().expect("a port");
    Origin::Client(SocketAddr::new(address.to_canonical(), port))
}
