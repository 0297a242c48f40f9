//! Every kind of error, with its line and key.

use std::io;
use std::path::{Path, PathBuf};

use super::{LIST, check, parse};
use crate::config::{Config, TEXT_MAX};

#[test]
fn everything_at_once() {
    let text = "\
[lisener]
address = \"0.0.0.0:9000\"
[upstream]
endpoint = \"https://store\"
conect_timeout = \"5s\"
[[list]]
name = \"a\"
source = \"a.txt\"
polarity = \"blok\"
mode = 3
[[list]]
name = \"a\"
source = \"missing.txt\"
hash = \"sha256\"
mode = \"enforce\"
polarity = \"block\"
[[bucket]]
lists = [\"a\", \"b\"]
[limits]
capture_max = \"2GiB\"
hold_back = \"4095B\"
";
    let readable = |path: &Path| match path.ends_with("missing.txt") {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        false => Ok(()),
    };
    let errors = Config::parse_with_files(text, Path::new("/etc/gate"), readable).unwrap_err();
    let expected = "\
line 1: lisener: unknown table; did you mean \"listener\"?
line 4: upstream.endpoint: \"https://store\" is not http://host:port or https://host:port
line 5: upstream.conect_timeout: unknown key; did you mean \"connect_timeout\"?
line 6: list.hash: format \"plain\" needs one of md5, sha1, sha256, pdq, ...
line 9: list.polarity: \"blok\" is unknown; did you mean \"block\"?
line 10: list.mode: must be a string, one of \"enforce\", \"shadow\", not an integer
line 12: list.name: \"a\" is the name of the list on line 6 too
line 13: list.source: /etc/gate/missing.txt: no such file
line 17: bucket.mode: is missing: it has no default
line 18: bucket.lists: no list is named \"b\"
line 20: limits.capture_max: capture_max (\"2GiB\") must be at most capture_budget (\"1GiB\")
line 21: limits.hold_back: 4095B is not within 4KiB to 1GiB";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn what_is_no_toml() {
    check("[listener]\naddress = \n", &[(2, "address", "not TOML")]);
    check(
        "[listener]\nidle_timeout = \"1s\"\nidle_timeout = \"2s\"\n",
        &[(3, "idle_timeout", "duplicate key")],
    );
    check("[log]\n[log]\n", &[(2, "log", "duplicate key")]);
    check("[listener\n", &[(1, "listener", "not TOML")]);
    check("\n\n= 5", &[(3, "", "not TOML")]);
    check("[log]\nlevel = \"\u{0}\"\n", &[(2, "level", "not TOML")]);
    check(&format!("a = {}", "[".repeat(100_000)), &[(1, "a", "recur")]);
    check(&format!("a{} = 1", ".a".repeat(100_000)), &[(1, &"a.".repeat(32), "recur")]);
}

/// Beside errors of syntax, what can be told of the rest is told; what is missing can not be told.
#[test]
fn syntax_does_not_hide_the_rest() {
    check(
        "[listener]\naddres = 1\nidle_timeout = \"\n[[bucket]]\nmatch = 5\n",
        &[
            (2, "listener.addres", "did you mean \"address\""),
            (3, "idle_timeout", "not TOML"),
            (5, "bucket.match", "must be a string"),
        ],
    );
}

#[test]
fn size_of_the_text() {
    let at_bound = "#".repeat(TEXT_MAX);
    assert!(parse(&at_bound).is_ok());
    check(&format!("{at_bound}#"), &[(1, "", "larger than 1 MiB")]);
}

#[test]
fn a_flood_of_errors_is_cut() {
    let text: String = (0..1000).map(|n| format!("key{n} = 1\n")).collect();
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.iter().count(), 201);
    assert_eq!(errors.iter().last().unwrap().message, "and 800 errors more");
    let text = "=\n".repeat(1000);
    assert_eq!(parse(&text).unwrap_err().iter().last().unwrap().message, "and 800 errors more");
}

#[test]
fn long_keys_and_values_are_cut() {
    let long = "\u{e9}".repeat(1000);
    let text = format!("[log]\nlevel = \"{long}\"\n\"{long}\" = 1\n");
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.iter().count(), 2);
    for error in &errors {
        assert!(error.key.len() <= 403 && error.message.len() <= 403, "{error}");
    }
}

#[test]
fn unknown_tables_and_keys() {
    check("[x]\n", &[(1, "x", "unknown table")]);
    check("capture_max = \"1MiB\"\n", &[(1, "capture_max", "belongs to [limits]")]);
    check("\n[log]\ncapture_max = 1\n", &[(3, "log.capture_max", "belongs to [limits]")]);
    check("[log]\nlevle = \"info\"\n", &[(2, "log.levle", "did you mean \"level\"")]);
    check("[log]\nLEVEL = \"info\"\n", &[(2, "log.LEVEL", "unknown key")]);
    check("log.x.y = 1\n", &[(1, "log.x", "unknown key")]);
    check("[log.level]\n", &[(1, "log.level", "not a table")]);
}

#[test]
fn tables_of_the_wrong_shape() {
    check("listener = 5\n", &[(1, "listener", "[listener], not integer")]);
    check("[[log]]\n", &[(1, "log", "[log], not array")]);
    check("upstream = [5]\n", &[(1, "upstream", "[upstream], not integer")]);
    check("[list]\nname = \"a\"\n", &[(1, "list", "[[list]], not table")]);
    check(
        "list = [\n{},\n5]\n",
        &[
            (2, "list.hash", "needs one of"),
            (2, "list.mode", "missing"),
            (2, "list.name", "missing"),
            (2, "list.polarity", "missing"),
            (2, "list.source", "missing"),
            (3, "list", "[[list]], not integer"),
        ],
    );
}

/// The tables that may stand once or more often.
#[test]
fn one_table_or_several() {
    let listeners = |ports: &[u16]| -> String {
        let table = |port: &u16| format!("[[listener]]\naddress = \"0.0.0.0:{port}\"\n");
        ports.iter().map(table).collect()
    };
    let ports = |text: &str| -> Vec<u16> {
        super::config(text).listeners.iter().map(|each| each.address.port()).collect()
    };
    assert_eq!(ports(""), [9000]);
    assert_eq!(ports("listener = []\n"), [9000]);
    assert_eq!(ports(&listeners(&[9443])), [9443]);
    assert_eq!(ports(&listeners(&[9443, 80, 0, 0])), [9443, 80, 0, 0]);
    let many: Vec<u16> = (1..=64).collect();
    assert_eq!(ports(&listeners(&many)), many);
    check(&listeners(&[0; 65]), &[(1, "listener", "at most 64")]);
    check(
        &listeners(&[80, 81, 80]),
        &[(6, "listener.address", "is the address of the listener on line 1 too")],
    );
    let admin = listeners(&[80, 9001]).replace("0.0.0.0", "127.0.0.1");
    check(&admin, &[(4, "listener.address", "admin.address")]);
    for text in ["[listener]\n[listener]\n", "[listener]\n[[listener]]\n"] {
        check(
            text,
            &[(2, "listener", "once more; where there are several, each has to be [[list")],
        );
    }
    check("[[upstream]]\n[upstream]\n", &[(2, "upstream", "each has to be [[upstream]]")]);
    let two = "[[upstream]]\nname = \"a\"\nhosts = [\"a\"]\n[[upstream]]\nguard = 1\n";
    check(two, &[(5, "upstream.guard", "not an integer")]);
}

#[test]
fn too_many_tables() {
    let lists = |count: usize| -> String {
        (0..count).map(|n| LIST.replace("\"police\"", &format!("\"l{n}\""))).collect()
    };
    assert_eq!(super::config(&lists(256)).lists.len(), 256);
    check(&lists(257), &[(1, "list", "at most 256")]);
    let rules = |count: usize| -> String {
        (0..count).map(|n| format!("[[bucket]]\nmode = \"off\"\nmatch = \"b{n}\"\n")).collect()
    };
    assert_eq!(super::config(&rules(1000)).buckets.len(), 1001);
    check(&rules(1001), &[(1, "bucket", "at most 1000")]);
}

/// `key = value` in a table of its own, and a piece of the error; an empty piece where it is fine.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("listener", "address", "\"127.0.0.1:0\"", ""),
    ("listener", "address", "\"[::]:9000\"", ""),
    ("listener", "address", "\"\"", "not an IP address"),
    ("listener", "address", "\"localhost:9000\"", "not an IP address"),
    ("listener", "address", "\":9000\"", "not an IP address"),
    ("listener", "address", "\"0.0.0.0:65536\"", "not an IP address"),
    ("listener", "address", "9000", "not an integer"),
    ("listener", "header_timeout", "\"1ms\"", ""),
    ("listener", "header_timeout", "\"0s\"", "0s is not within 1ms to 1d"),
    ("listener", "header_timeout", "\"1d\"", ""),
    ("listener", "header_timeout", "\"86400001ms\"", "not within"),
    ("listener", "header_timeout", "10", "a duration such as \"10s\", not an integer"),
    ("listener", "header_timeout", "\"10\"", "needs one of the units ms, s, m, h, d"),
    ("listener", "header_timeout", "1979-05-27", "not a datetime"),
    ("listener", "max_connections", "1", ""),
    ("listener", "max_connections", "0", "0 is not within 1 to 1000000"),
    ("listener", "max_connections", "0x10", ""),
    ("listener", "max_connections", "1_000_000", ""),
    ("listener", "max_connections", "1_000_001", "not within"),
    ("listener", "max_connections", "-1", "-1 is not within"),
    ("listener", "max_connections", "99999999999999999999999", "not within"),
    ("listener", "max_connections", "1.0", "not a float"),
    ("listener", "max_connections", "\"1\"", "not a string"),
    ("listener", "max_connections", "true", "not a boolean"),
    ("listener", "max_header_size", "\"8KiB\"", ""),
    ("listener", "max_header_size", "\"8191B\"", "not within 8KiB to 1MiB"),
    ("listener", "max_header_size", "\"1MiB\"", ""),
    ("listener", "max_header_size", "\"1048577B\"", "not within"),
    ("listener", "max_header_size", "\"64KB\"", "ambiguous"),
    ("listener", "max_header_size", "65536", "a size such as"),
    ("listener", "body_min_rate", "\"0B\"", ""),
    ("listener", "body_min_rate", "\"1MiB\"", ""),
    ("listener", "body_min_rate", "\"1048577B\"", "not within 0B to 1MiB"),
    ("listener", "tls_min_version", "\"1.1\"", "is unknown"),
    ("listener", "tls_certificate", "5", "a path or an array of paths, not an integer"),
    ("listener", "trusted_proxies", "\"10.0.0.0/8\"", "an array of networks"),
    ("listener", "trusted_proxies", "[5]", "a network, not an integer"),
    ("listener", "trusted_proxies", "[\"10.0.0.0/8\", \"::1\", \"2001:db8::/32\"]", ""),
    ("listener", "trusted_proxies", "[\"0.0.0.0/0\", \"::/0\", \"192.0.2.1/32\"]", ""),
    ("listener", "trusted_proxies", "[\"10.0.0.1/8\"]", "write \"10.0.0.0/8\""),
    ("listener", "trusted_proxies", "[\"10.0.0.0/33\"]", "neither a network"),
    ("listener", "trusted_proxies", "[\"10.0.0/8\"]", "neither a network"),
    ("listener", "trusted_proxies", "[\"balancer\"]", "neither a network"),
    ("listener", "trusted_proxies", "[\"\"]", "neither a network"),
    ("listener", "trusted_proxies", "[\"::ffff:10.0.0.0/104\"]", "write it as IPv4"),
    ("upstream", "endpoint", "\"http://store.local:80\"", ""),
    ("upstream", "endpoint", "\"http://my_store:3900\"", ""),
    ("upstream", "endpoint", "\"http://[2001:db8::1]:3900\"", ""),
    ("upstream", "endpoint", "\"https://store:443\"", ""),
    ("upstream", "endpoint", "\"https://[2001:db8::1]:3900\"", ""),
    ("upstream", "endpoint", "\"HTTPS://store:443\"", "not http://host:port or https://host:port"),
    ("upstream", "endpoint", "\"https://store\"", "not http://host:port or https://host:port"),
    ("upstream", "name", "\"store_1-a\"", ""),
    ("upstream", "name", "\"Store\"", "1 to 64"),
    ("upstream", "hosts", "\"s3.example.org\"", "an array of patterns, not a string"),
    ("upstream", "hosts", "[1]", "not an integer"),
    ("upstream", "hosts", "[\"*\", \"**\"]", "names \"*\" twice"),
    ("upstream", "hosts", "[\"*\", \"S3.example.org\"]", "write \"s3.example.org\""),
    ("upstream", "hosts", "[\"*\", \"s3.example.org:9000\"]", "without their port"),
    ("upstream", "hosts", "[\"*\", \"::1\"]", ""),
    ("upstream", "buckets", "[\"*\", \"Photos\"]", ""),
    ("upstream", "buckets", "[\"a/b\"]", "'/' can not stand"),
    ("upstream", "resolve_interval", "\"1s\"", ""),
    ("upstream", "resolve_interval", "\"999ms\"", "not within 1s to 1d"),
    ("upstream", "tls_min_version", "\"1.1\"", "did you mean \"1.2\""),
    ("upstream", "signing", "\"sign\"", "unknown"),
    ("upstream", "endpoint", "\"http://store\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://store:0\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://store:+80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://store:65536\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://:80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://u@store:80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://store:80/\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://::1:80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://[::1:80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"http://1.2.3:80\"", "not http://host:port"),
    ("upstream", "endpoint", "\"store:80\"", "not http://host:port"),
    ("upstream", "guard", "\"whole\"", ""),
    ("upstream", "guard", "\"tail\"", "write one of \"auto\", \"whole\""),
    ("upstream", "guard", "\"Auto\"", "did you mean \"auto\""),
    ("limits", "hold_back", "\"4KiB\"", ""),
    ("limits", "hold_back", "\"4095B\"", "not within"),
    ("audit", "path", "\"\"", "a path is needed"),
    ("audit", "path", "\"a\\u0000b\"", "zero byte"),
    ("audit", "passes", "\"none\"", "unknown"),
    ("refusal", "contact", "\"write to abuse@example.org <&>\"", ""),
    ("refusal", "contact", "\"caf\u{e9}\"", "printable ASCII"),
    ("refusal", "contact", "\"a\\nb\"", "one line"),
    ("admin", "address", "\"\"", ""),
    ("admin", "address", "\"off\"", "not an IP address"),
    ("log", "level", "\"warning\"", "did you mean \"warn\""),
    ("runtime", "workers", "0", ""),
    ("runtime", "workers", "1024", ""),
    ("runtime", "workers", "1025", "not within"),
];

#[test]
fn values() {
    for (table, key, value, piece) in VALUES {
        let text = format!("# line 1\n[{table}]\n\n{key} = {value}\n");
        if piece.is_empty() {
            super::config(&text);
        } else {
            check(&text, &[(4, &format!("{table}.{key}"), piece)]);
        }
    }
}

#[test]
fn lengths_at_the_bound_and_one_past_it() {
    let contact = |length: usize| format!("[refusal]\ncontact = \"{}\"\n", "a".repeat(length));
    super::config(&contact(200));
    check(&contact(201), &[(2, "refusal.contact", "201 bytes, at most 200")]);
    let path = |length: usize| format!("[audit]\npath = \"{}\"\n", "a".repeat(length));
    super::config(&path(4095));
    check(&path(4096), &[(2, "audit.path", "at most 4095")]);
    let name = |length: usize| LIST.replace("police\"", &format!("{}\"", "a".repeat(length)));
    super::config(&name(64));
    check(&name(65), &[(2, "list.name", "1 to 64")]);
    check(&name(0), &[(2, "list.name", "1 to 64")]);
    let proxies = |count: usize| {
        let network =
            (0..count).map(|number| format!("\"10.0.{}.{}\"", number / 256, number % 256));
        format!("[listener]\ntrusted_proxies = [{}]\n", network.collect::<Vec<_>>().join(", "))
    };
    super::config(&proxies(256));
    check(&proxies(257), &[(2, "listener.trusted_proxies", "257 elements, at most 256")]);
    let pattern =
        |length: usize| format!("[[bucket]]\nmode = \"off\"\nmatch = \"{}\"\n", "a".repeat(length));
    super::config(&pattern(255));
    check(&pattern(256), &[(3, "bucket.match", "1 to 255")]);
    check(&pattern(0), &[(3, "bucket.match", "1 to 255")]);
    let patterns = |count: usize| {
        let patterns: Vec<String> = (1..count).map(|n| format!("\"h{n}\"")).collect();
        format!("[upstream]\nhosts = [\"*\", {}]\n", patterns.join(", "))
    };
    super::config(&patterns(256));
    check(&patterns(257), &[(2, "upstream.hosts", "has 257 patterns, at most 256")]);
}

#[test]
fn files_are_asked_for_where_the_gate_reads_them() {
    let text = format!("{LIST}[listener]\ntls_certificate = \"c.pem\"\ntls_key = \"/k.pem\"\n");
    let asked = std::cell::RefCell::new(Vec::new());
    let readable = |path: &Path| {
        asked.borrow_mut().push(path.to_owned());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "not yours"))
    };
    let errors = Config::parse_with_files(&text, Path::new("/etc/gate"), readable).unwrap_err();
    let expected = ["/etc/gate/c.pem", "/k.pem", "/etc/gate/police.txt"].map(PathBuf::from);
    assert_eq!(asked.into_inner(), expected);
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [3, 8, 9]);
}

/// A file that is cut anywhere is read or refused in good order.
#[test]
fn every_prefix() {
    let text = super::config(LIST).to_toml() + "# \u{e9}nd\n[[bucket]]\nmatch = \"x\"\n";
    for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
        if let Err(errors) = parse(&text[..end]) {
            let lines = text[..end].matches('\n').count() + 1;
            assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)), "{errors}");
        }
    }
}
