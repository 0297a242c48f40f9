//! What has to agree between options: valid, invalid, and valid becoming invalid.

use std::path::Path;
use std::time::Duration;

use super::{LIST, check, config};
use crate::config::{ClientAuth, Listener, Signing};
use crate::s3::resign::Addressing;

#[test]
fn limits() {
    config("[limits]\nsmall_body_max = \"32MiB\"\n");
    check(
        "[limits]\nsmall_body_max = \"33554433B\"\n",
        &[(2, "limits.small_body_max", "(\"33554433B\") must be at most capture_max (\"32MiB\")")],
    );
    config("[limits]\ncapture_max = \"1GiB\"\n");
    check("[limits]\ncapture_max = \"2GiB\"\n", &[(2, "limits.capture_max", "capture_budget")]);
    check("[limits]\ncapture_budget = \"1MiB\"\n", &[(2, "limits.capture_budget", "capture_max")]);
    check("[limits]\nhold_back = \"64MiB\"\n", &[(2, "limits.hold_back", "capture_max")]);
    check(
        "[limits]\n\ncapture_max = \"32KiB\"\n",
        &[
            (3, "limits.capture_max", "hold_back (\"64KiB\")"),
            (3, "limits.capture_max", "small_body_max (\"1MiB\")"),
        ],
    );
}

#[test]
fn a_wrong_value_contradicts_nothing() {
    check("[limits]\ncapture_max = \"1KiB\"\n", &[(2, "limits.capture_max", "not within")]);
    check("[audit]\nrotate_age = \"400d\"\n", &[(2, "audit.rotate_age", "not within")]);
    check(&LIST.replace("\"sha256\"", "\"sha265\""), &[(4, "list.hash", "did you mean")]);
    check(
        &LIST.replace("\"sha256\"", "\"\"\nformat = \"stix\""),
        &[(5, "list.format", "not supported yet")],
    );
}

#[test]
fn which_store_serves() {
    let stores = |of: &[&str]| -> String {
        let store = |(n, more): (usize, &&str)| {
            format!("[[upstream]]\nname = \"s{n}\"\n{}\n", more.replace("; ", "\n"))
        };
        of.iter().enumerate().map(store).collect()
    };
    let config = config(&stores(&[
        "hosts = [\"eu.example.org\", \"*.eu.example.org\"]; buckets = [\"raw-*\"]",
        "hosts = [\"eu.example.org\"]",
        "buckets = [\"raw-*\"]",
        "",
    ]));
    for (host, bucket, expected) in [
        (Some("eu.example.org"), Some("raw-1"), "s0"),
        (Some("b.eu.example.org"), Some("raw-1"), "s0"),
        (Some("eu.example.org"), Some("other"), "s1"),
        (Some("eu.example.org"), None, "s1"),
        (Some("b.eu.example.org"), Some("other"), "s3"),
        (Some("other"), Some("raw-1"), "s2"),
        (None, Some("raw-1"), "s2"),
        (None, None, "s3"),
    ] {
        let serving = config.upstreams.iter().find(|each| each.serves(host, bucket)).unwrap();
        assert_eq!(serving.name, expected, "{host:?} {bucket:?}");
    }
    for good in [&["hosts = [\"*\"]"][..], &["buckets = [\"a\", \"*\"]; hosts = [\"**\"]"]] {
        super::config(&stores(good));
    }
    check(&stores(&["hosts = [\"a\"]"]), &[(3, "upstream.hosts", "has to take everything")]);
    check(&stores(&["buckets = [\"?*\"]"]), &[(3, "upstream.buckets", "has to take everything")]);
    let late = "the upstream on line 1 takes all of it";
    check(&stores(&["", ""]), &[(4, "upstream.hosts", late)]);
    check(
        &stores(&["hosts = [\"a*\", \"b\"]", "hosts = [\"ab\", \"b\"]; buckets = [\"x\"]", ""]),
        &[(6, "upstream.hosts", late)],
    );
    super::config(&stores(&["hosts = [\"a*\", \"b\"]", "hosts = [\"ab\", \"c\"]", ""]));
    check(
        &stores(&["buckets = [\"a*\"]", "buckets = [\"ab\"]", ""]),
        &[(6, "upstream.buckets", late)],
    );
    // What is wrong hides nothing behind it, and is not held against the rest.
    check(
        &stores(&["hosts = [\"A\"]", "hosts = [\"a\"]", "buckets = 1"]),
        &[(3, "upstream.hosts", "lower case"), (9, "upstream.buckets", "not an integer")],
    );
}

#[test]
fn stores_have_names_of_their_own() {
    let two = |first: &str, second: &str| {
        format!("[[upstream]]\nhosts = [\"a\"]\n{first}\n[[upstream]]\n{second}\n")
    };
    let named = config(&two("name = \"a\"", ""));
    assert_eq!((&*named.upstreams[0].name, &*named.upstreams[1].name), ("a", "127.0.0.1"));
    let both = "is the name of the upstream on line 1 too";
    check(&two("", ""), &[(4, "upstream.name", both)]);
    check(&two("name = \"a\"", "name = \"a\""), &[(5, "upstream.name", both)]);
    check(&two("name = \"a\"", "endpoint = \"http://a:80\""), &[(4, "upstream.name", both)]);
    check(
        &two("name = \"A\"", "name = \"\""),
        &[(3, "upstream.name", "1 to 64"), (5, "upstream.name", "1 to 64")],
    );
}

#[test]
fn tls_with_a_store() {
    let https = "endpoint = \"https://store:443\"\n";
    let with = |options: &str| format!("[upstream]\n{https}{options}\n");
    let plain = config(&with(""));
    let tls = plain.upstreams[0].tls.as_ref().unwrap();
    assert_eq!((tls.authorities.as_ref(), tls.identity.as_ref()), (None, None));
    let full = "tls_ca = \"ca.pem\"\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"";
    let full = config(&with(full));
    let tls = full.upstreams[0].tls.as_ref().unwrap();
    assert_eq!(tls.authorities.as_deref(), Some(std::path::Path::new("/etc/gate/ca.pem")));
    assert_eq!(tls.identity.as_ref().unwrap().key, std::path::Path::new("/etc/gate/k.pem"));
    check(&with("tls_key = \"k.pem\""), &[(3, "upstream.tls_key", "tls_certificate")]);
    for useless in ["tls_ca = \"ca.pem\"", "tls_min_version = \"1.3\""] {
        let key = format!("upstream.{}", useless.split(' ').next().unwrap());
        check(&format!("[upstream]\n{useless}\n"), &[(2, &key, "needs an https:// endpoint")]);
    }
    // The default is no wish.
    config("[upstream]\ntls_ca = \"\"\ntls_min_version = \"1.2\"\n");
    assert_eq!(plain.upstreams[0].endpoint.host_header(), "store");
    for (endpoint, header) in [
        ("https://store:80", "store:80"),
        ("http://store:80", "store"),
        ("https://[::1]:443", "[::1]"),
        ("http://[::1]:443", "[::1]:443"),
    ] {
        let endpoint: crate::config::Endpoint = endpoint.parse().unwrap();
        assert_eq!(endpoint.host_header(), header);
    }
}

#[test]
fn signing_anew() {
    let resign = "[upstream]\nsigning = \"resign\"\n";
    let known = format!("{resign}credentials = \"keys.toml\"\n");
    let Signing::Anew(anew) = &config(&known).upstreams[0].signing else { panic!() };
    assert_eq!(anew.credentials, std::path::Path::new("/etc/gate/keys.toml"));
    assert_eq!(anew.addressing, Addressing::Path);
    check(resign, &[(2, "upstream.signing", "needs credentials")]);
    for option in [
        "credentials = \"keys.toml\"",
        "addressing = \"virtual\"",
        "signed_chunks = \"decode\"",
        "anonymous = \"forward\"",
    ] {
        let key = format!("upstream.{}", option.split(' ').next().unwrap());
        check(&format!("[upstream]\n{option}\n"), &[(2, &key, "needs signing = \"resign\"")]);
    }
    config("[upstream]\nanonymous = \"refuse\"\ncredentials = \"\"\n");
    let hosted = format!("{known}addressing = \"virtual\"\n");
    check(&hosted, &[(4, "upstream.addressing", "needs a name in endpoint")]);
    check(
        &format!("{hosted}endpoint = \"http://[::1]:80\"\n"),
        &[(4, "upstream.addressing", "needs a name")],
    );
    config(&format!("{hosted}endpoint = \"http://store:80\"\n"));
}

#[test]
fn where_nodes_share_state_is_said_where_there_are_several_stores() {
    let shared = "[state]\nbucket = \"parts\"\naccess_key = \"a\"\nsecret_key_file = \"s\"\n";
    config(shared);
    let several = "[[upstream]]\nname = \"a\"\nhosts = [\"a\"]\n[[upstream]]\n";
    config(several);
    check(&format!("{several}{shared}"), &[(6, "state.bucket", "needs endpoint")]);
    config(&format!("{several}{shared}endpoint = \"http://a:1\"\n"));
}

#[test]
fn own_credentials() {
    let own = "access_key = \"GATE\"\nsecret_key_file = \"secret\"\n";
    config(&format!("[upstream]\n{own}"));
    config(&format!("[state]\nbucket = \"parts\"\n{own}"));
    check("[upstream]\naccess_key = \"GATE\"\n", &[(2, "upstream.access_key", "secret_key_file")]);
    check("[state]\nsecret_key_file = \"x\"\n", &[(2, "state.secret_key_file", "access_key")]);
    check("[state]\nbucket = \"parts\"\n", &[(2, "state.bucket", "needs access_key")]);
    check(
        "[state]\nendpoint = \"store:9000\"\nbucket = \"x\"\naccess_key = \"a\"\nsecret_key_file = \"s\"\n",
        &[(2, "state.endpoint", "http://")],
    );
    let copies = "[[bucket]]\nmode = \"enforce\"\ncopies = \"read-back\"\n";
    check(copies, &[(3, "bucket.copies", "needs upstream.access_key")]);
    config(&format!("[upstream]\n{own}{copies}"));
}

#[test]
fn what_is_looked_into() {
    check(
        "[inspect]\narchive_max = \"2GiB\"\n",
        &[(2, "inspect.archive_max", "limits.capture_budget")],
    );
    check(
        "[decode]\ntime_limit = \"50s\"\n",
        &[(2, "decode.time_limit", "upload_time_limit (\"40s\")")],
    );
    check("[inspect]\nswift_prefix = \"a/b\"\n", &[(2, "inspect.swift_prefix", "path segment")]);
    check("[inspect]\ndomains = \"a.b b\"\n", &[(2, "inspect.domains", "two buckets")]);
    // A small budget alone is no contradiction.
    let small = "[limits]\ncapture_max = \"8MiB\"\ncapture_budget = \"16MiB\"\n";
    assert_eq!(config(small).inspect.archive_max, 16 << 20);
}

#[test]
fn retention() {
    config("[audit]\nretention = \"1d\"\n");
    check("[audit]\nretention = \"23h\"\n", &[(2, "audit.retention", "rotate_age (\"1d\")")]);
    check("[audit]\nrotate_age = \"91d\"\n", &[(2, "audit.rotate_age", "retention (\"90d\")")]);
    check("[audit]\ndenials_path = \"audit.jsonl\"\n", &[(2, "audit.denials_path", "audit.path")]);
    check("[audit]\npath = \"./denials.jsonl\"\n", &[(2, "audit.path", "audit.path")]);
    check(
        "[audit]\ndenials_path = \"/etc/gate/audit.jsonl\"\n",
        &[(2, "audit.denials_path", "the file of audit.path too")],
    );
}

#[test]
fn drain() {
    config("[listener]\ndrain_grace = \"1h\"\n");
    check(
        "[listener]\ndrain_grace = \"3601s\"\n",
        &[(2, "listener.drain_grace", "drain_deadline")],
    );
}

#[test]
fn tls_needs_both() {
    let certificate = "[listener]\ntls_certificate = \"c.pem\"\n";
    check(certificate, &[(2, "listener.tls_certificate", "tls_key")]);
    check("[listener]\ntls_key = \"k.pem\"\n", &[(2, "listener.tls_key", "tls_certificate")]);
    let both = config(&format!("{certificate}tls_key = \"k.pem\"\n"));
    let pair = &both.listeners[0].tls.as_ref().unwrap().certificates[0];
    assert_eq!(pair.key.to_str(), Some("/etc/gate/k.pem"));
}

#[test]
fn certificates_and_keys_are_pairs() {
    let of = |certificates: &str, keys: &str| {
        format!("[listener]\ntls_certificate = {certificates}\ntls_key = {keys}\n")
    };
    let pairs = |text: &str| {
        let tls = config(text).listeners[0].tls.clone().unwrap();
        let names = tls.certificates.iter().map(|pair| {
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            name(&pair.certificate) + &name(&pair.key)
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(pairs(&of("\"a\"", "\"x\"")), ["ax"]);
    assert_eq!(pairs(&of("[\"a\"]", "\"x\"")), ["ax"]);
    assert_eq!(pairs(&of("[\"a\", \"b\"]", "[\"x\", \"y\"]")), ["ax", "by"]);
    assert_eq!(config(&of("[]", "\"\"")).listeners[0].tls, None);
    let uneven = "there are 2 certificates and 1 keys";
    check(&of("[\"a\", \"b\"]", "\"x\""), &[(3, "listener.tls_key", uneven)]);
    check(&of("[]", "\"x\""), &[(3, "listener.tls_key", "needs tls_certificate")]);
    check(
        &of("[\"a\", \"\", 5]", "\"x\""),
        &[
            (2, "listener.tls_certificate", "a path is needed"),
            (2, "listener.tls_certificate", "not an integer"),
        ],
    );
}

#[test]
fn asking_clients_for_certificates_needs_all_of_it() {
    let tls = "[listener]\ntls_certificate = \"c\"\ntls_key = \"k\"\n";
    let ca = "tls_client_ca = \"ca\"\n";
    for (word, expected) in [("optional", ClientAuth::Optional), ("required", ClientAuth::Required)]
    {
        let auth = format!("tls_client_auth = \"{word}\"\n");
        let both = config(&format!("{tls}{ca}{auth}"));
        let found = both.listeners[0].tls.as_ref().unwrap();
        assert_eq!(found.client_auth, expected);
        assert_eq!(found.client_ca.as_deref(), Some(Path::new("/etc/gate/ca")));
        check(&format!("{tls}{auth}"), &[(4, "listener.tls_client_auth", "tls_client_ca")]);
        check(
            &format!("[listener]\n{ca}{auth}"),
            &[(3, "listener.tls_client_auth", "needs tls_certificate")],
        );
    }
    check(&format!("{tls}{ca}"), &[(4, "listener.tls_client_ca", "needs tls_client_auth")]);
    check(&format!("[listener]\n{ca}"), &[(2, "listener.tls_client_ca", "needs tls_client_auth")]);
}

#[test]
fn the_proxy_protocol_needs_somebody_who_speaks_it() {
    let on = "[listener]\nproxy_protocol = \"on\"\n";
    check(on, &[(2, "listener.proxy_protocol", "needs trusted_proxies")]);
    config(&format!("{on}trusted_proxies = [\"192.0.2.10\"]\n"));
    config("[listener]\ntrusted_proxies = [\"192.0.2.10\"]\n");
}

#[test]
fn listeners_have_names_of_their_own() {
    let two = |first: &str, second: &str| {
        format!("[[listener]]\n{first}\n[[listener]]\naddress = \"0.0.0.0:1\"\n{second}\n")
    };
    let names =
        |text: &str| -> Vec<String> { config(text).listeners.iter().map(Listener::name).collect() };
    assert_eq!(names(&two("", "")), ["0.0.0.0:9000", "0.0.0.0:1"]);
    assert_eq!(names(&two("name = \"a\"", "name = \"b\"")), ["a", "b"]);
    check(
        &two("name = \"a\"", "name = \"a\""),
        &[(5, "listener.name", "is the name of the listener on line 1 too")],
    );
}

#[test]
fn the_longest_drain_counts() {
    let text = "[[listener]]\ndrain_grace = \"5s\"\ndrain_deadline = \"1m\"\n\
                [[listener]]\naddress = \"0.0.0.0:1\"\ndrain_deadline = \"2m\"\n";
    assert_eq!(config(text).drain(), (Duration::from_secs(5), Duration::from_secs(120)));
}

#[test]
fn addresses_differ() {
    check(
        "[listener]\naddress = \"127.0.0.1:9001\"\n",
        &[(2, "listener.address", "admin.address")],
    );
    check("[admin]\naddress = \"0.0.0.0:9000\"\n", &[(2, "admin.address", "listener.address")]);
    config("[admin]\naddress = \"127.0.0.1:0\"\n[listener]\naddress = \"127.0.0.1:0\"\n");
}

#[test]
fn sockets_have_short_paths() {
    let socket = |length: usize| format!("[admin]\nsocket = \"/{}\"\n", "s".repeat(length - 1));
    config(&socket(107));
    check(&socket(108), &[(2, "admin.socket", "107 bytes")]);
    let state = |length: usize| format!("[state]\ndirectory = \"/{}\"\n", "s".repeat(length - 1));
    config(&state(107 - "/admin.sock".len()));
    check(&state(108 - "/admin.sock".len()), &[(1, "admin.socket", "107 bytes")]);
}

#[test]
fn formats_and_what_they_need() {
    let with = |format: &str, more: &str| {
        LIST.replace("hash = \"sha256\"\n", &format!("format = \"{format}\"\n{more}"))
    };
    for format in ["snapshot", "tagged", "hashdeep"] {
        config(&with(format, ""));
        check(&with(format, "hash = \"md5\"\n"), &[(5, "list.hash", "says it itself")]);
    }
    for format in ["plain", "md5sum"] {
        config(&with(format, "hash = \"md5\"\n"));
        check(&with(format, ""), &[(1, "list.hash", "needs one of")]);
    }
    config(&with("csv", "columns = { md5 = \"MD5\", label = \"id\" }\n"));
    check(&with("csv", ""), &[(1, "list.columns", "needs the column")]);
    check(
        &with("csv", "columns = { label = \"id\" }\n"),
        &[(5, "list.columns", "needs the column")],
    );
    check(
        &with("tagged", "columns = { md5 = \"a\" }\ndelimiter = \";\"\n"),
        &[(5, "list.columns", "for format \"csv\""), (6, "list.delimiter", "for format \"csv\"")],
    );
    for format in ["ncmec-xml", "vics-json", "stopncii-json", "stix", "misp"] {
        check(&with(format, ""), &[(4, "list.format", "not supported yet")]);
    }
}

#[test]
fn columns() {
    let with = |columns: &str| {
        LIST.replace("hash = \"sha256\"\n", &format!("format = \"csv\"\ncolumns = {columns}\n"))
    };
    check(
        &with("{ sha-1 = \"a\", md5 = \"m\" }"),
        &[(5, "list.columns.sha-1", "did you mean \"sha1\"")],
    );
    check(&with("{ md5 = \"a\", sha1 = \"a\" }"), &[(5, "list.columns.sha1", "is md5 already")]);
    check(
        &with("{ md5 = \"\" }"),
        &[(5, "list.columns", "needs the column"), (5, "list.columns.md5", "1 to 256 bytes")],
    );
    check(&with("{ md5 = 1, sha1 = \"s\" }"), &[(5, "list.columns.md5", "not an integer")]);
    check(&with("[\"md5\"]"), &[(5, "list.columns", "not an array")]);
    for delimiter in ["\\\"", "a", "0", "", ";;", "\\n", "\u{e9}"] {
        let text = with(&format!("{{ md5 = \"m\" }}\ndelimiter = \"{delimiter}\""));
        check(&text, &[(6, "list.delimiter", "can not delimit")]);
    }
}

/// MD5 and SHA-1 can be forged: whoever can make a listed file collide would be let in.
#[test]
fn allow_lists_hold_sha256() {
    let allow = LIST.replace("block", "allow");
    config(&allow);
    for hash in ["md5", "sha1"] {
        let text = allow.replace("sha256", hash);
        check(&text, &[(5, "list.polarity", "acquits by sha256")]);
        check(
            &text.replace("hash", "format = \"md5sum\"\nhash"),
            &[(6, "list.polarity", "acquits")],
        );
    }
    let csv = |columns: &str| {
        allow.replace("hash = \"sha256\"\n", &format!("format = \"csv\"\ncolumns = {columns}\n"))
    };
    config(&csv("{ md5 = \"m\", sha256 = \"s\" }"));
    check(&csv("{ md5 = \"m\" }"), &[(6, "list.polarity", "acquits by sha256")]);
}

#[test]
fn buckets_name_lists() {
    let rule = |lists: &str| format!("{LIST}[[bucket]]\nmode = \"enforce\"\nlists = {lists}\n");
    config(&rule("[\"police\"]"));
    check(&rule("[\"polic\"]"), &[(9, "bucket.lists", "did you mean \"police\"")]);
    check(
        &rule("[\n\"police\",\n\"hotline\"]"),
        &[(11, "bucket.lists", "no list is named \"hotline\"")],
    );
    check(&rule("[\"police\", \"police\"]"), &[(9, "bucket.lists", "twice")]);
    check(&rule("[]"), &[(9, "bucket.lists", "mode = \"off\"")]);
    check(&rule("\"police\""), &[(9, "bucket.lists", "must be an array")]);
    check(&rule("[1]"), &[(9, "bucket.lists", "not an integer")]);
    // Valid becomes invalid: the list goes, its name stays behind.
    check(
        &rule("[\"police\"]").replace("name = \"police\"", "name = \"other\""),
        &[(9, "bucket.lists", "no list is named")],
    );
}

#[test]
fn unjudged_by_reason() {
    let rule = |unjudged: &str| format!("[[bucket]]\nmode = \"enforce\"\nunjudged = {unjudged}\n");
    config(&rule("{ format = \"refuse\", too-large = \"forward\" }"));
    check(&rule("\"deny\""), &[(3, "bucket.unjudged", "unknown")]);
    check(&rule("true"), &[(3, "bucket.unjudged", "or a table of these by reason")]);
    check(&rule("{ formt = \"refuse\" }"), &[(3, "bucket.unjudged.formt", "\"format\"")]);
    check(&rule("{ budget = \"refuse\" }"), &[(3, "bucket.unjudged.budget", "see `faults`")]);
    check(&rule("{ format = \"retry\" }"), &[(3, "bucket.unjudged.format", "unknown")]);
}

#[test]
fn rules_that_can_never_match() {
    let rules = |patterns: &[&str]| -> String {
        let rule = |pattern: &&str| format!("[[bucket]]\nmode = \"off\"\nmatch = \"{pattern}\"\n");
        patterns.iter().map(rule).collect()
    };
    config(&rules(&["a", "b", "a*", "*"]));
    check(&rules(&["*", "a"]), &[(6, "bucket.match", "\"*\" on line 3 comes first")]);
    check(&rules(&["a", "a"]), &[(6, "bucket.match", "\"a\" on line 3")]);
    check(
        &rules(&["a*", "b", "ab*", "*", "c"]),
        &[(9, "bucket.match", "\"a*\" on line 3"), (15, "bucket.match", "\"*\" on line 12")],
    );
    check(&rules(&["**", "*"]), &[(6, "bucket.match", "can never match")]);
    check(
        "[[bucket]]\nmode = \"off\"\n[[bucket]]\nmode = \"shadow\"\n",
        &[(3, "bucket.match", "\"*\" on line 1 comes first")],
    );
    // A pattern that is wrong hides no rule behind it.
    check(&rules(&["a/b", "c"]), &[(3, "bucket.match", "'/' can not stand")]);
}
