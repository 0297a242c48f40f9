//! The configuration in effect, written and read again.

use std::path::Path;

use proptest::prelude::*;

use super::{LIST, config};
use crate::config::Config;

#[track_caller]
fn round_trip(text: &str) -> Config {
    let first = Config::parse(text, Path::new("")).unwrap_or_else(|e| panic!("{e}\nin:\n{text}"));
    let toml = first.to_toml();
    let again = Config::parse(&toml, Path::new("")).unwrap_or_else(|e| panic!("{e}\nin:\n{toml}"));
    assert_eq!(first, again, "{toml}");
    assert_eq!(toml, again.to_toml());
    assert_eq!(first.hash(), again.hash());
    first
}

#[test]
fn what_is_written_reads_the_same() {
    round_trip("");
    round_trip(LIST);
    round_trip(
        "[listener]\ntls_certificate = \"c \\\"1\\\".pem\"\ntls_key = \"k\\\\\\u0007.pem\"\n",
    );
    let tls = round_trip(
        "[[listener]]\nname = \"public\"\ntls_certificate = [\"a\", \"b\"]\ntls_key = [\"x\", \"y\"]\n\
         tls_min_version = \"1.3\"\ntls_client_ca = \"ca\"\ntls_client_auth = \"optional\"\n\
         proxy_protocol = \"on\"\ntrusted_proxies = [\"10.0.0.0/8\", \"2001:db8::1\"]\n\
         body_min_rate = \"0B\"\n[[listener]]\naddress = \"127.0.0.1:80\"\n",
    );
    assert_eq!(tls.listeners[0].trusted_proxies[1].to_string(), "2001:db8::1/128");
    round_trip(
        "[upstream]\nendpoint = \"http://[::1]:80\"\n[admin]\naddress = \"\"\nsocket = \"s\"\n",
    );
    round_trip(
        "[upstream]\nname = \"s\"\nhosts = [\"a\", \"*\"]\nbuckets = [\"**\"]\nendpoint = \"https://h:1\"\n\
         tls_ca = \"a\"\ntls_certificate = \"c\"\ntls_key = \"k\"\ntls_min_version = \"1.3\"\n\
         auth_first = \"on\"\nsigning = \"resign\"\ncredentials = \"f\"\naddressing = \"virtual\"\n\
         signed_chunks = \"decode\"\nanonymous = \"forward\"\nresolve_interval = \"5s\"\n",
    );
    let several = round_trip("[[listener]]\n[[listener]]\naddress = \"[::1]:80\"\n[[upstream]]\n");
    assert_eq!((several.listeners.len(), several.upstreams.len()), (2, 1));
    round_trip("[[bucket]]\nmode = \"off\"\nmatch = \"a*?*\"\nunjudged = { copy = \"refuse\" }\n");
    round_trip(&LIST.replace(
        "hash = \"sha256\"",
        "format = \"csv\"\ndelimiter = \"\\t\"\ncolumns = { md5 = \"\\\"M\\\"\", label = \"\u{e9}\" }",
    ));
    let two = format!("{LIST}{}", LIST.replace("police", "hotline"));
    let both = "[\"hotline\", \"police\"]";
    let all = round_trip(&format!("{two}[[bucket]]\nmode = \"shadow\"\nlists = {both}\n"));
    assert_eq!(all.buckets[0].rule.lists, [0, 1]);
    let one = "lists = [\"hotline\"]\n";
    let one = round_trip(&format!("{two}[[bucket]]\nmode = \"shadow\"\n{one}"));
    assert_eq!(one.buckets[0].rule.lists, [1]);
}

#[test]
fn resolved_paths_are_written() {
    let gate = config(LIST);
    assert!(gate.to_toml().contains("source = \"/etc/gate/police.txt\"\n"));
    assert_eq!(Config::parse(&gate.to_toml(), Path::new("")), Ok(gate));
}

#[test]
fn the_hash_is_of_what_is_in_effect() {
    let hash = |text: &str| config(text).hash();
    assert_eq!(hash("").len(), 16);
    assert!(hash("").bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(hash(""), hash("# a comment\n[log]\nlevel = \"info\"\n"));
    assert_eq!(
        hash("[limits]\ncapture_max = \"32MiB\""),
        hash("[limits]\ncapture_max = \"32768KiB\"")
    );
    assert_ne!(hash(""), hash("[log]\nlevel = \"debug\"\n"));
    assert_ne!(hash(LIST), hash(&LIST.replace("enforce", "shadow")));
}

/// Lines that are often valid, so that many texts are.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[listener]".to_owned()),
        Just("[limits]".to_owned()),
        Just("[audit]".to_owned()),
        Just(LIST.to_owned()),
        "name = \"[a-c]{1,2}\"".prop_map(|name| LIST.replace("name = \"police\"", &name)),
        "match = \"[ab*?]{1,3}\"".prop_map(|line| format!("[[bucket]]\nmode = \"off\"\n{line}")),
        "(idle|header)_timeout = \"[0-9]{1,3}(ms|s|m|h|d)\"",
        "(capture_max|hold_back|drain_bytes) = \"[0-9]{1,4}(B|KiB|MiB|GiB)\"",
        "(path|denials_path) = \".{0,6}\"",
        "lists = \\[\"(police|a|b)\"\\]",
        "unjudged = (\"refuse\"|\\{ (copy|format|budget) = \"refuse\" \\})",
        ".{0,12}",
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in lines()) {
        match Config::parse(&text, Path::new("")) {
            Ok(_) => { round_trip(&text); }
            Err(errors) => {
                let count = text.matches('\n').count() + 1;
                prop_assert!(errors.iter().all(|e| (1..=count).contains(&e.line)), "{}", errors);
            }
        }
    }
}
