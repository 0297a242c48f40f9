//! Several addresses at once, each with its own rules.

use crate::support::setup::free_address;
use crate::support::{Client, Request, Setup, Store, sample, until};
use crate::tls::{Caller, Made};

#[test]
fn one_gate_serves_http_and_https_at_once() {
    let store = Store::ok();
    let (made, second) = (Made::named(&["localhost"]), free_address());
    let setup = Setup::refusing(&store, &[sample::CACTUS])
        .set("listener", "name = \"inside\"")
        .set("listener", "max_connections = 1")
        .tables(&format!(
            "[[listener]]\nname = \"outside\"\naddress = \"{second}\"\n\
             tls_certificate = \"certificate.pem\"\ntls_key = \"key.pem\"\n"
        ));
    made.write(&setup.directory(), "certificate.pem", "key.pem");
    let gate = setup.start();
    let caller = Caller::of(&made, "localhost");
    let mut inside = gate.client();
    let mut outside = [caller.connect(second), caller.connect(second)];
    let listed = Request::put("/b/k", sample::CACTUS);
    for client in outside.iter_mut().chain([&mut inside]) {
        assert_eq!(client.exchange(&Request::put("/b/k", b"body")).status(), 200);
        client.exchange(&listed).expect_error(403, "AccessDenied");
    }
    gate.exchange(&Request::get("/b/k")).expect_error(503, "SlowDown");
    gate.await_metric("s3bouncer_connections", 3.0);
    gate.await_metric("s3bouncer_connections_limit", 10_001.0);
    let labels = "listener=\"inside\",reason=\"full\"";
    gate.await_metric(&format!("s3bouncer_connections_refused_total{{{labels}}}"), 1.0);
    let status = gate.admin(&Request::get("/status")).text();
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let of = |index: usize, key: &str| status["listeners"][index][key].clone();
    assert_eq!((of(0, "name"), of(1, "name")), ("inside".into(), "outside".into()));
    assert_eq!((of(0, "connections"), of(1, "connections")), (1.into(), 2.into()));
    assert!(of(0, "certificates").is_null() && of(1, "certificates").is_array());
    assert_eq!(gate.stop().records.len(), 6, "all of them end");
}

#[test]
fn each_listener_has_limits_of_its_own() {
    let store = Store::ok();
    let second = free_address();
    let gate = Setup::refusing(&store, &[sample::CACTUS])
        .small_limits()
        .tables(&format!("[[listener]]\naddress = \"{second}\"\nbody_idle_timeout = \"300ms\"\n"))
        .start();
    let request = Request::put("/b/k", &sample::noise(1, 300_000));
    let begin = |mut client: Client| {
        client.send(&request.head());
        client.send(&request.body[..299_999]);
        client
    };
    let (mut patient, mut hasty) = (begin(gate.client()), begin(Client::connect(second)));
    hasty.answer().expect_error(400, "RequestTimeout");
    patient.send(&request.body[299_999..]);
    assert_eq!(patient.answer().status(), 200);
}

#[test]
fn a_listener_that_comes_later_comes_with_the_next_start() {
    let store = Store::ok();
    let (second, later) = (free_address(), free_address());
    let gate = Setup::refusing(&store, &[sample::CACTUS])
        .tables(&format!("[[listener]]\naddress = \"{second}\"\n"))
        .start();
    let text = std::fs::read_to_string(gate.config()).expect("the file is there");
    let text = text.replace(&second.to_string(), &later.to_string());
    std::fs::write(gate.config(), text).expect("the file can be written");
    gate.ctl(&["reload"]).expect(0);
    assert!(gate.log().contains("listener.address"), "{}", gate.log());
    for address in [gate.address(), second] {
        let answer = Client::connect(address).exchange(&Request::get("/b/k"));
        assert_eq!(answer.status(), 200, "{address} goes on");
    }
    assert!(std::net::TcpStream::connect(later).is_err());
    let gate = gate.crash_and_restart("/readyz");
    let answer = Client::connect(later).exchange(&Request::get("/b/k"));
    assert_eq!(answer.status(), 200);
    until("the old one's end", || std::net::TcpStream::connect(second).err());
    drop(gate);
}

#[test]
fn a_taken_address_keeps_the_gate_from_starting() {
    let store = Store::ok();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let setup = Setup::before(&store).tables(&format!("[[listener]]\naddress = \"{address}\"\n"));
    let config = setup.write(&crate::support::setup::Addresses::free());
    let config = config.to_str().expect("a path that is text");
    let ran = crate::support::program::s3bouncer(["run", "--config", config]);
    assert_ne!(ran.status, 0);
    assert!(ran.err.contains(&address.to_string()), "{}", ran.err);
}
