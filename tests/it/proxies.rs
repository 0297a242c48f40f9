//! Load balancers in front: whom they connect for, and whom the gate believes.

use std::io::Write;
use std::net::TcpStream;

use crate::support::{Client, Gate, Request, Setup, Store, sample};
use crate::tls::{Caller, Made};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2 with an IPv4 client, and something told besides.
fn version_2() -> Vec<u8> {
    let addresses = [198, 51, 100, 7, 192, 0, 2, 10, 0x30, 0x39, 0x01, 0xbb];
    let told = [0xea, 0, 3, 1, 2, 3];
    [SIGNATURE, &[0x21, 0x11, 0, 18], &addresses, &told].concat()
}

/// A gate whose records say who everybody was, behind these proxies.
fn setup(store: &Store, trusted: &str) -> Setup {
    Setup::refusing(store, &[sample::CACTUS])
        .set("audit", "passes = \"full\"")
        .set("listener", &format!("trusted_proxies = {trusted}"))
}

fn announced(store: &Store) -> Setup {
    setup(store, "[\"127.0.0.0/8\"]").set("listener", "proxy_protocol = \"on\"")
}

/// Connects and says this first.
fn after(gate: &Gate, header: &[u8]) -> Client {
    let mut client = gate.client();
    client.send(header);
    client
}

/// The clients in a gate's records.
fn clients(gate: Gate) -> Vec<String> {
    let records = gate.stop().records;
    let client = |record: &serde_json::Value| record["client"].as_str().unwrap_or("").to_owned();
    records.iter().map(client).collect()
}

#[test]
fn what_a_balancer_announces_is_who_the_client_was() {
    let store = Store::ok();
    let gate = announced(&store).start();
    let local = [SIGNATURE, &[0x20, 0, 0, 0]].concat();
    let headers: [(&[u8], &str); 6] = [
        (b"PROXY TCP4 198.51.100.7 192.0.2.10 12345 443\r\n", "198.51.100.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::10 12345 443\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:198.51.100.7 ::ffff:192.0.2.10 12345 443\r\n", "198.51.100.7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (&version_2(), "198.51.100.7"),
        (&local, "127.0.0.1"),
    ];
    for (header, _) in headers {
        let mut client = after(&gate, header);
        // Several requests on a connection are all of that client.
        for body in [b"one", b"two"] {
            assert_eq!(client.exchange(&Request::put("/b/k", body)).status(), 200);
        }
    }
    let expected: Vec<&str> = headers.iter().flat_map(|(_, client)| [*client, *client]).collect();
    assert_eq!(clients(gate), expected);
}

#[test]
fn a_header_may_come_in_pieces_and_with_the_request() {
    let store = Store::ok();
    let gate = announced(&store).start();
    for header in [version_2(), b"PROXY TCP4 198.51.100.7 192.0.2.10 12345 443\r\n".to_vec()] {
        let request = Request::put("/b/k", b"body");
        let mut client = gate.client();
        for byte in &header {
            client.send(&[*byte]);
        }
        assert_eq!(client.exchange(&request).status(), 200);
        let mut client = after(&gate, &[header, request.on_wire()].concat());
        assert_eq!(client.answer().status(), 200);
    }
    assert_eq!(clients(gate), ["198.51.100.7"; 4]);
}

#[test]
fn without_a_good_header_there_is_no_connection() {
    let store = Store::ok();
    let gate = announced(&store).set("listener", "header_timeout = \"300ms\"").start();
    let long = format!("PROXY UNKNOWN {}", "x".repeat(200));
    let unknown = [SIGNATURE, &[0x21, 0x41, 0, 0]].concat();
    let endless = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat();
    let mut wrong: Vec<&[u8]> = vec![b"PROXY TCP4 198.51.100.7\r\n", long.as_bytes()];
    wrong.extend([&unknown[..], &endless, b"", b"PROXY TCP4 198.51.100.7 192.0.2.10 1"]);
    for header in &wrong {
        let mut client = gate.client();
        let _ = client.try_send(header);
        client.expect_end();
    }
    // The header is none that HTTP could have: who leaves it out is not heard.
    let mut client = gate.client();
    let _ = client.try_send(&Request::put("/b/k", b"body").on_wire());
    client.expect_end();
    assert!(store.requests().is_empty());
    let labels = format!("listener=\"{}\",reason=\"proxy-header\"", gate.address());
    let refused = format!("s3bouncer_connections_refused_total{{{labels}}}");
    gate.await_metric(&refused, wrong.len() as f64 + 1.0);
}

#[test]
fn strangers_are_not_believed() {
    let store = Store::ok();
    let gate = setup(&store, "[\"192.0.2.10\"]").set("listener", "proxy_protocol = \"on\"").start();
    for header in [&version_2()[..], b""] {
        let mut client = gate.client();
        let _ = client.try_send(&[header, &Request::put("/b/k", b"body").on_wire()].concat());
        client.expect_end();
    }
    assert!(store.requests().is_empty());
    let labels = format!("listener=\"{}\",reason=\"not-a-trusted-proxy\"", gate.address());
    gate.await_metric(&format!("s3bouncer_connections_refused_total{{{labels}}}"), 2.0);
    // And where no header is expected, one is broken HTTP from anybody.
    let gate = setup(&store, "[\"127.0.0.1\"]").start();
    let request = Request::put("/b/k", b"body").on_wire();
    let mut client = after(&gate, &[&version_2()[..], &request].concat());
    if let Ok(answer) = client.try_answer() {
        assert_eq!(answer.status(), 400);
    }
    assert!(store.requests().is_empty());
}

#[test]
fn the_header_comes_before_tls() {
    let store = Store::ok();
    let made = Made::named(&["localhost"]);
    let setup = announced(&store)
        .set("listener", "tls_certificate = \"certificate.pem\"")
        .set("listener", "tls_key = \"key.pem\"");
    made.write(&setup.directory(), "certificate.pem", "key.pem");
    let gate = setup.start();
    let mut stream = TcpStream::connect(gate.address()).expect("the gate listens");
    stream.write_all(&version_2()).expect("the gate reads");
    let mut client = Caller::of(&made, "localhost").on(stream);
    assert_eq!(client.exchange(&Request::put("/b/k", b"body")).status(), 200);
    client.exchange(&Request::put("/b/k", sample::CACTUS)).expect_error(403, "AccessDenied");
    assert_eq!(Caller::of(&made, "localhost").status(gate.address()), None, "not without");
    assert_eq!(clients(gate), ["198.51.100.7"; 2]);
}

/// Lines of X-Forwarded-For, and the client that they make of a request from 127.0.0.1.
const FORWARDED: [(&[&str], &str); 6] = [
    (&["198.51.100.7"], "198.51.100.7"),
    (&["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
    (&["203.0.113.9", "198.51.100.7, 127.0.0.2"], "198.51.100.7"),
    (&["198.51.100.7, unknown, 127.0.0.2"], "127.0.0.2"),
    (&["2001:db8::7"], "2001:db8::7"),
    (&[], "127.0.0.1"),
];

fn forwarded(lines: &[&str]) -> Request {
    let request = Request::put("/b/k", b"body");
    lines.iter().fold(request, |request, line| request.with("X-Forwarded-For", line))
}

#[test]
fn proxies_are_believed_about_requests_and_others_are_not() {
    for (trusted, is_believed) in
        [("[\"127.0.0.0/8\"]", true), ("[\"192.0.2.10\"]", false), ("[]", false)]
    {
        let store = Store::ok();
        let gate = setup(&store, trusted).start();
        // On one connection: each request is of somebody else.
        let mut client = gate.client();
        for (lines, _) in FORWARDED {
            assert_eq!(client.exchange(&forwarded(lines)).status(), 200);
            let seen = store.objects().pop().expect("an object");
            assert_eq!(seen.head.all("x-forwarded-for"), lines, "it passes unchanged");
        }
        let expected = FORWARDED.map(|(_, client)| if is_believed { client } else { "127.0.0.1" });
        assert_eq!(clients(gate), expected, "{trusted}");
    }
}

#[test]
fn a_reload_changes_who_is_believed() {
    let store = Store::ok();
    let gate = setup(&store, "[\"192.0.2.10\"]").start();
    let mut client = gate.client();
    assert_eq!(client.exchange(&forwarded(&["198.51.100.7"])).status(), 200);
    let text = std::fs::read_to_string(gate.config()).expect("the file is there");
    std::fs::write(gate.config(), text.replace("192.0.2.10", "127.0.0.1")).expect("written");
    gate.ctl(&["reload"]).expect(0);
    assert_eq!(client.exchange(&forwarded(&["198.51.100.7"])).status(), 200);
    assert_eq!(clients(gate), ["127.0.0.1", "198.51.100.7"]);
}
