//! Tests of the room as a whole: text in, configuration or errors out.

mod documents;
mod errors;
mod globs;
mod relations;
mod round_trip;
mod valid;

use std::path::Path;

use super::{Config, ConfigErrors};

/// A list that nothing is wrong with: lines 1 to 6 of a text.
const LIST: &str = "[[list]]\nname = \"police\"\nsource = \"police.txt\"\nhash = \"sha256\"\n\
                    polarity = \"block\"\nmode = \"enforce\"\n";

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Path::new("/etc/gate"))
}

#[track_caller]
fn config(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\nin:\n{text}"))
}

/// Checks that a text has exactly these errors: line, key, and a piece of the message.
#[track_caller]
fn check(text: &str, expected: &[(usize, &str, &str)]) {
    let Err(errors) = parse(text) else { panic!("no error in:\n{text:.2000}") };
    let found: Vec<_> = errors.iter().map(|error| (error.line, error.key.as_str())).collect();
    let wanted: Vec<_> = expected.iter().map(|&(line, key, _)| (line, key)).collect();
    assert_eq!(found, wanted, "{errors}\nin:\n{text:.2000}");
    for (error, (_, _, piece)) in errors.iter().zip(expected) {
        assert!(error.message.contains(piece), "{piece:?} is not in: {error}");
    }
}
