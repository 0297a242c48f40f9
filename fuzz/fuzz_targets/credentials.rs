//! Any text at all is read or refused, never worse; what is refused is refused for a line that
//! exists; and whatever is said of it, no secret is.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use s3bouncer::config::{Clients, Sources};

/// What every file and every variable holds. Texts that spell it themselves prove nothing.
const SECRET: &str = "kept-from-everybody";

fuzz_target!(|text: &str| {
    if text.contains(SECRET) {
        return;
    }
    let sources = Sources {
        base: Path::new("/"),
        file: &|_| Ok(SECRET.to_owned()),
        variable: &|_| Some(SECRET.to_owned()),
    };
    match Clients::parse(text, &sources) {
        Ok(clients) => {
            assert!(!format!("{clients:?}").contains(SECRET));
            // Keys are read as they stand, so that some of the text's words may be keys.
            for word in text.split(|c: char| c.is_whitespace() || c == '"') {
                if let Some(client) = clients.find(word) {
                    assert_eq!(client.credentials.access_key, word);
                    assert!(!format!("{client:?}").contains(SECRET));
                    assert!(!client.may(None) || client.may(Some("any-bucket")));
                }
            }
        }
        Err(errors) => {
            let lines = text.matches('\n').count() + 1;
            assert!(errors.iter().next().is_some());
            assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)), "{errors}");
            assert!(!errors.to_string().contains(SECRET));
        }
    }
});
