//! One table of the credentials file. What is wrong with a value is told without the value.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Sources;
use crate::config::error::Report;
use crate::config::kind::list_name;

/// Longest access key, in bytes: what AWS allows.
const ACCESS_KEY_MAX: usize = 128;

/// Longest secret, in bytes. AWS's have 40, passwords as secrets may have more.
const SECRET_MAX: usize = 1024;

/// Longest session token, in bytes: AWS announces no bound, and heads have at most a megabyte.
const TOKEN_MAX: usize = 16 * 1024;

/// A table `[[client]]` or `[[identity]]`.
pub(super) struct Entry<'a, 'i> {
    pub(super) name: &'static str,
    pub(super) table: &'a DeTable<'i>,
    pub(super) line: usize,
}

/// Where a secret is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The value itself.
    Text,
    /// The file of that path.
    File,
    /// The environment's variable of that name.
    Variable,
}

impl<'a, 'i> Entry<'a, 'i> {
    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.table.iter().find(|(stated, _)| stated.get_ref() == key).map(|(_, value)| value)
    }

    /// Reports a fault of a key, or of the table where it is not there.
    pub(super) fn fault(&self, key: &str, message: String, report: &mut Report) {
        let stated = self.table.keys().find(|stated| stated.get_ref() == key);
        let line = stated.map_or(self.line, |stated| report.line_of(stated.span().start));
        report.add(line, format!("{}.{key}", self.name), message);
    }

    /// A text that must be there.
    fn text(&self, key: &str, report: &mut Report) -> Option<&'a str> {
        let Some(value) = self.value(key) else {
            self.fault(key, "is missing: it has no default".to_owned(), report);
            return None;
        };
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(key, "must be a string".to_owned(), report);
        }
        text
    }

    /// A name that one table gives itself, and others call it by.
    pub(super) fn name_of(&self, key: &str, report: &mut Report) -> Option<String> {
        let text = self.text(key, report)?;
        match list_name(text) {
            Ok(name) => Some(name),
            Err(message) => {
                self.fault(key, message, report);
                None
            }
        }
    }

    /// The public half of a key. In requests it stands before `/`, `,` or `:`.
    pub(super) fn access_key(&self, report: &mut Report) -> Option<String> {
        let text = self.text("access_key", report)?;
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"/,:=".contains(&byte);
        if (1..=ACCESS_KEY_MAX).contains(&text.len()) && text.bytes().all(fits) {
            return Some(text.to_owned());
        }
        let message = format!(
            "must be 1 to {ACCESS_KEY_MAX} printable ASCII characters without blanks and / , : ="
        );
        self.fault("access_key", message, report);
        None
    }

    /// What stands at one of several places, if it stands at one at all.
    pub(super) fn secret(
        &self,
        places: &[(&'static str, Place)],
        sources: &Sources<'_>,
        report: &mut Report,
    ) -> Option<String> {
        let given = places.iter().filter(|(key, _)| self.value(key).is_some());
        let given: Vec<&(&str, Place)> = given.collect();
        let (key, from) = match given.as_slice() {
            [] => return None,
            [one] => **one,
            [(first, _), (second, _), ..] => {
                self.fault(second, format!("stands beside {first}: one is enough"), report);
                return None;
            }
        };
        let text = self.text(key, report)?;
        let most = if key.starts_with("session_token") { TOKEN_MAX } else { SECRET_MAX };
        let read = from.read(text, sources).and_then(|secret| checked(secret, most));
        match read {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.fault(key, message, report);
                None
            }
        }
    }
}

impl Place {
    fn read(self, text: &str, sources: &Sources<'_>) -> Result<String, String> {
        match self {
            Place::Text => Ok(text.to_owned()),
            Place::File => match (sources.file)(&sources.base.join(Path::new(text))) {
                // Without the line's end that editors put there.
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => Err(format!("the file can't be used: {error}")),
            },
            Place::Variable => (sources.variable)(text)
                .ok_or_else(|| "the environment has no such variable".to_owned()),
        }
    }
}

fn checked(secret: String, most: usize) -> Result<String, String> {
    let fits = (1..=most).contains(&secret.len());
    match fits && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(secret),
        false => Err(format!("must be 1 to {most} printable ASCII characters without blanks")),
    }
}
