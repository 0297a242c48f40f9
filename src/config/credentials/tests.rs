use std::cell::RefCell;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A client and its identity, with which nothing is wrong.
const GOOD: &str = "\
[[client]]
access_key = \"CLIENT1\"
secret = \"s1\"
identity = \"store\"
[[identity]]
name = \"store\"
access_key = \"STORE1\"
secret = \"s2\"
";

/// Files named `good...` hold a secret, `line` one with its line's end, `empty` none; others are
/// not there. The only variable is `GOOD`.
fn parse(text: &str) -> Result<Clients, ConfigErrors> {
    let file = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("good") => Ok("of-file".to_owned()),
        Some("line") => Ok("of-file\r\n".to_owned()),
        Some("empty") => Ok("\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let variable = |name: &str| (name == "GOOD").then(|| "of-variable".to_owned());
    let base = Path::new("/etc/gate");
    Clients::parse(text, &Sources { base, file: &file, variable: &variable })
}

#[track_caller]
fn clients(text: &str) -> Clients {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\nin:\n{text}"))
}

/// Checks that a text has exactly these errors: line, key, and a piece of the message.
#[track_caller]
fn check(text: &str, expected: &[(usize, &str, &str)]) {
    let Err(errors) = parse(text) else { panic!("no error in:\n{text}") };
    let found: Vec<_> = errors.iter().map(|error| (error.line, error.key.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|&(line, key, _)| (line, key)).collect();
    assert_eq!(found, wanted, "{errors}\nin:\n{text}");
    for (error, (_, _, piece)) in errors.iter().zip(expected) {
        assert!(error.message.contains(piece), "{piece:?} is not in: {error}");
    }
}

const SAMPLE: &str = include_str!("../../../config/credentials.toml");

#[test]
fn the_sample_is_valid_and_has_every_key() {
    let sources = Sources {
        base: Path::new(""),
        file: &|_| Ok("made-up".to_owned()),
        variable: &|_| Some("made-up".to_owned()),
    };
    let sample = Clients::parse(SAMPLE, &sources).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(sample.len(), 2);
    let photos = sample.find("CLIENTPHOTOS").unwrap();
    assert!(photos.may(Some("photos-2026")) && !photos.may(Some("other")) && !photos.may(None));
    assert!(sample.find("CLIENTBACKUP").unwrap().may(None));
    for key in CLIENT_KEYS.iter().chain(IDENTITY_KEYS) {
        let is_shown = |line: &str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
        let is_told = SAMPLE.contains(&format!("({key})"));
        assert!(is_told || SAMPLE.lines().any(is_shown), "{key}");
    }
}

#[test]
fn clients_are_found_by_their_keys() {
    let two = format!("{GOOD}{}", GOOD.replace("CLIENT1", "CLIENT2").replace("store", "other"));
    let clients = clients(&format!("# both\n{two}"));
    assert_eq!(clients.len(), 2);
    let client = clients.find("CLIENT1").unwrap();
    assert_eq!(client.credentials.access_key, "CLIENT1");
    assert_eq!(client.credentials.secret, Secret::new("s1"));
    assert_eq!(
        (&*client.identity.access_key, client.identity.session_token.as_deref()),
        ("STORE1", None)
    );
    assert!(clients.find("client1").is_none() && clients.find("STORE1").is_none());
    assert!(parse("").unwrap().is_empty());
}

#[test]
fn clients_share_an_identity() {
    let more = "[[client]]\naccess_key = \"CLIENT2\"\nsecret = \"s3\"\nidentity = \"store\"\n";
    let clients = clients(&format!("{GOOD}{more}"));
    let [one, two] = ["CLIENT1", "CLIENT2"].map(|key| clients.find(key).unwrap());
    assert!(Arc::ptr_eq(&one.identity, &two.identity));
}

#[test]
fn buckets_bound_what_a_client_may() {
    let with = |buckets: &str| {
        let text =
            GOOD.replace("secret = \"s1\"", &format!("secret = \"s1\"\nbuckets = {buckets}"));
        clients(&text).find("CLIENT1").unwrap().clone()
    };
    let everywhere = clients(GOOD).find("CLIENT1").unwrap().clone();
    assert!(everywhere.may(Some("photos")) && everywhere.may(None));
    let some = with("[\"photos-*\", \"x\"]");
    for (bucket, may) in [
        (Some("photos-1"), true),
        (Some("x"), true),
        (Some("y"), false),
        (Some(""), false),
        (None, false),
    ] {
        assert_eq!(some.may(bucket), may, "{bucket:?}");
    }
    assert!(with("[\"x\", \"**\"]").may(None));
    for wrong in ["[]", "\"x\"", "[1]", "[\"a/b\"]", "[\"\"]"] {
        let text = GOOD.replace("secret = \"s1\"", &format!("secret = \"s1\"\nbuckets = {wrong}"));
        check(
            &text,
            &[(4, "client.buckets", if wrong == "[]" { "allows nothing" } else { "must be" })],
        );
    }
}

#[test]
fn secrets_come_from_elsewhere_too() {
    let of = |place: &str| {
        let text = GOOD.replace("secret = \"s1\"", place);
        parse(&text).map(|clients| clients.find("CLIENT1").unwrap().credentials.secret.clone())
    };
    for (place, secret) in [
        ("secret_file = \"good\"", "of-file"),
        ("secret_file = \"/run/line\"", "of-file"),
        ("secret_env = \"GOOD\"", "of-variable"),
    ] {
        assert_eq!(of(place), Ok(Secret::new(secret)));
    }
    for (place, key, piece) in [
        ("secret_file = \"none\"", "secret_file", "the file can't be used: entity not found"),
        ("secret_file = \"empty\"", "secret_file", "1 to 1024"),
        ("secret_env = \"NONE\"", "secret_env", "no such variable"),
        ("secret = 5", "secret", "must be a string"),
        ("secret = \"\"", "secret", "1 to 1024"),
        ("secret = \"a b\"", "secret", "without blanks"),
        ("secret = \"\u{e9}\"", "secret", "printable ASCII"),
        ("secret = \"a\", secret_env = \"GOOD\"", "secret_env", "stands beside secret"),
    ] {
        let text = GOOD.replace("secret = \"s1\"", &place.replace(", secret", "\nsecret"));
        let line = if place.contains(", ") { 4 } else { 3 };
        check(&text, &[(line, &format!("client.{key}"), piece)]);
    }
    check(
        &GOOD.replace("secret = \"s1\"\n", ""),
        &[(1, "client.secret", "one of secret, secret_file")],
    );
    let asked = RefCell::new(Vec::<PathBuf>::new());
    let file = |path: &Path| {
        asked.borrow_mut().push(path.to_owned());
        Ok("x".to_owned())
    };
    let text = GOOD.replace("secret = \"s1\"", "secret_file = \"s/1\"");
    let sources = Sources { base: Path::new("/etc/gate"), file: &file, variable: &|_| None };
    Clients::parse(&text, &sources).unwrap();
    assert_eq!(asked.into_inner(), [Path::new("/etc/gate/s/1")]);
}

#[test]
fn tokens_go_with_temporary_keys() {
    let with = |table: &str, line: &str| GOOD.replace(table, &format!("{table}\n{line}"));
    let of_client = clients(&with("[[client]]", "session_token = \"t\""));
    assert!(of_client.find("CLIENT1").unwrap().credentials.has_token(Some("t")));
    let of_identity = clients(&with("[[identity]]", "session_token_file = \"line\""));
    let identity = of_identity.find("CLIENT1").unwrap().identity.clone();
    assert_eq!(identity.session_token.as_deref(), Some("of-file"));
    check(
        &with("[[client]]", "session_token_file = \"line\""),
        &[(2, "client", "unknown key; did you mean \"session_token\"")],
    );
    check(
        &with("[[identity]]", "session_token_file = \"none\""),
        &[(6, "identity.session_token_file", "can't be used")],
    );
    check(
        &with("[[identity]]", "session_token = \"a\"\nsession_token_file = \"line\""),
        &[(7, "identity.session_token_file", "stands beside session_token")],
    );
}

#[test]
fn everything_at_once() {
    let text = "\
[[clint]]
[[client]]
acces_key = \"A\"
secret = \"s\"
identity = \"stor\"
[[client]]
access_key = \"A/B\"
secret = \"s\"
identity = \"Store\"
[[client]]
access_key = \"C\"
secret = \"s\"
identity = \"store\"
[[client]]
access_key = \"C\"
secret = \"t\"
identity = \"store\"
[[identity]]
name = \"store\"
access_key = \"S\"
secret = \"s\"
[[identity]]
name = \"store\"
access_key = 5
secret = \"s\"
";
    check(
        text,
        &[
            (1, "", "unknown table; did you mean \"client\""),
            (2, "client.access_key", "is missing"),
            (3, "client", "did you mean \"access_key\""),
            (5, "client.identity", "no [[identity]] has this name; did you mean \"store\"?"),
            (
                7,
                "client.access_key",
                "1 to 128 printable ASCII characters without blanks and / , : =",
            ),
            (9, "client.identity", "a name has 1 to 64"),
            (15, "client.access_key", "is the access key of the client on line 10 too"),
            (23, "identity.name", "is the name of the identity on line 18 too"),
            (24, "identity.access_key", "must be a string"),
        ],
    );
}

#[test]
fn shapes_and_bounds() {
    check("[client]\n", &[(1, "client", "each [[client]]")]);
    check("client = 5\n", &[(1, "client", "each [[client]]")]);
    check("identity = [5]\n", &[(1, "identity", "[[identity]]")]);
    check("[[client]\n", &[(1, "", "not TOML")]);
    check(&"#".repeat(TEXT_MAX + 1), &[(1, "", "larger than 1 MiB")]);
    let key = |length: usize| GOOD.replace("CLIENT1", &"a".repeat(length));
    clients(&key(128));
    check(&key(129), &[(2, "client.access_key", "1 to 128")]);
    check(&key(0), &[(2, "client.access_key", "1 to 128")]);
    let secret = |length: usize| GOOD.replace("s1", &"a".repeat(length));
    clients(&secret(1024));
    check(&secret(1025), &[(3, "client.secret", "1 to 1024")]);
    let token = |length: usize| {
        GOOD.replace(
            "[[client]]",
            &format!("[[client]]\nsession_token = \"{}\"", "a".repeat(length)),
        )
    };
    clients(&token(16 * 1024));
    check(&token(16 * 1024 + 1), &[(2, "client.session_token", "1 to 16384")]);
    check(&token(0), &[(2, "client.session_token", "1 to 16384")]);
    let identities = |count: usize| -> String {
        let table = |n| format!("[[identity]]\nname=\"i{n}\"\naccess_key=\"a\"\nsecret=\"s\"\n");
        (0..count).map(table).collect()
    };
    clients(&identities(1000));
    check(&identities(1001), &[(1, "identity", "at most 1000")]);
    let many = |count: usize| -> String {
        let table =
            |n| format!("[[client]]\naccess_key=\"c{n}\"\nsecret=\"s\"\nidentity=\"store\"\n");
        (0..count).map(table).collect::<String>() + GOOD
    };
    assert_eq!(clients(&many(9999)).len(), 10_000);
    check(&many(10_000), &[(1, "client", "at most 10000")]);
}

/// Lines that are often valid, so that many texts are.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(GOOD.to_owned()),
        Just("[[client]]".to_owned()),
        Just("[[identity]]\nname = \"b\"".to_owned()),
        "(name|identity) = \"[ab]\"",
        "access_key = \"[AB/]{1,2}\"",
        "(secret|session_token)_(file|env) = \"(good|GOOD|none)\"",
        "(secret|session_token) = \"[a ]{0,2}\"",
        "buckets = \\[(\"[a*/]{0,2}\",? ?){0,2}\\]",
        ".{0,12}",
    ];
    proptest::collection::vec(line, 0..10).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in lines()) {
        match parse(&text) {
            Ok(clients) => {
                prop_assert_eq!(clients.len(), text.matches("[[client]]").count());
            }
            Err(errors) => {
                let count = text.matches('\n').count() + 1;
                prop_assert!(errors.iter().all(|e| (1..=count).contains(&e.line)), "{}", errors);
                prop_assert!(!errors.to_string().contains("of-file"));
            }
        }
    }
}

/// Whatever is wrong, and wherever a secret was pasted: nobody reads it in a log.
#[test]
fn no_error_tells_a_value() {
    const SECRET: &str = "wJalrXUtnFEMI-hush";
    let texts = [
        GOOD.replace("\"s1\"", &format!("\"{SECRET} \"")),
        GOOD.replace("\"s1\"", SECRET),
        GOOD.replace("secret = \"s1\"", SECRET),
        GOOD.replace("secret = \"s1\"", &format!("secret_file = \"{SECRET}\"")),
        GOOD.replace("secret = \"s1\"", &format!("secret_env = \"{SECRET}\"")),
        GOOD.replace("secret = \"s1\"", &format!("{SECRET} = 1")),
        GOOD.replace("[[client]]", &format!("[[{SECRET}]]")),
        GOOD.replace("CLIENT1", &format!("{SECRET}/")),
        GOOD.replace("identity = \"store\"", &format!("identity = \"{SECRET}\"")),
        GOOD.replace(
            "identity = \"store\"",
            &format!("identity = \"store\"\nbuckets = [\"{SECRET}/\"]"),
        ),
        GOOD.replace("name = \"store\"", &format!("name = \"{SECRET}\"")),
        format!("{GOOD}{GOOD}").replace("CLIENT1", SECRET),
    ];
    for text in texts {
        let Err(errors) = parse(&text) else { panic!("no error in:\n{text}") };
        let told = format!("{errors} {errors:?}").to_lowercase();
        assert!(!told.contains("wjalr") && !told.contains("hush"), "{told}");
    }
    let clients = clients(&GOOD.replace("s1", SECRET).replace("s2", SECRET));
    let shown = format!("{clients:?} {:?}", clients.find("CLIENT1"));
    assert!(!shown.contains(SECRET), "{shown}");
}
