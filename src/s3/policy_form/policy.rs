//! The policy of a form: when it expires, and what the form's fields may be.
//!
//! ```text
//! {"expiration": "2015-12-30T12:00:00.000Z", "conditions": [
//!   {"bucket": "name"},                         the same as ["eq", "$bucket", "name"]
//!   ["starts-with", "$key", "user/"],
//!   ["content-length-range", 0, 1048576]
//! ]}
//! ```
//!
//! Operators and names of fields are compared without regard to case, the two words of the object
//! itself are not: so S3 does it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::error::PolicyError;
use super::is_about_signer;
use super::preamble::PREAMBLE_MAX;

/// Most conditions of a policy. Forms have about ten; each costs a look at every field.
const CONDITIONS_MAX: usize = 256;

const LENGTH: &str = "content-length-range";

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// As it was written.
    expiration: String,
    expires: SystemTime,
    pub(super) conditions: Vec<Condition>,
}

/// What a policy demands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) enum Condition {
    /// A field has exactly this value.
    Equals { field: String, value: String },
    /// A field's value starts with this.
    StartsWith { field: String, prefix: String },
    /// The file has so many bytes; `min` is no more than `max`.
    Length { min: u64, max: u64 },
}

impl Policy {
    /// Reads the value of a `policy` field.
    ///
    /// # Errors
    /// [`PolicyError::Document`] for what is not base64 in its one spelling, or no policy, or has
    /// more conditions than the bound.
    pub fn parse(field: &[u8]) -> Result<Self, PolicyError> {
        if field.len() > PREAMBLE_MAX {
            return Err(PolicyError::Document("it is too large."));
        }
        let json = STANDARD.decode(field).map_err(|_| PolicyError::Document("Invalid Base64."))?;
        Policy::from_json(&json)
    }

    fn from_json(json: &[u8]) -> Result<Self, PolicyError> {
        // Serde would also take a list of the two values.
        let document = match json.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice::<Document>(json).ok(),
            Some(_) | None => None,
        };
        let Some(Document { expiration, conditions }) = document else {
            return Err(PolicyError::Document("Invalid JSON."));
        };
        if conditions.len() > CONDITIONS_MAX {
            return Err(PolicyError::Document("it has too many conditions."));
        }
        let expires =
            moment(&expiration).ok_or(PolicyError::Document("Invalid 'expiration' value."))?;
        Ok(Policy { expiration, expires, conditions })
    }

    /// Whether it holds no longer.
    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        now >= self.expires
    }

    /// How many bytes the file may have.
    pub fn file_length(&self) -> RangeInclusive<u64> {
        let (mut from, mut to) = (0, u64::MAX);
        for condition in &self.conditions {
            if let Condition::Length { min, max } = condition {
                (from, to) = (from.max(*min), to.min(*max));
            }
        }
        from..=to
    }

    /// Whether the whole file may have so many bytes.
    ///
    /// # Errors
    /// [`PolicyError::FileTooLarge`], which can be told before the file has ended, or
    /// [`PolicyError::FileTooSmall`].
    pub fn check_length(&self, bytes: u64) -> Result<(), PolicyError> {
        let allowed = self.file_length();
        if bytes > *allowed.end() {
            Err(PolicyError::FileTooLarge)
        } else if bytes < *allowed.start() {
            Err(PolicyError::FileTooSmall)
        } else {
            Ok(())
        }
    }

    /// The `policy` field of a form that somebody else signs: the same, but for what is demanded of
    /// the fields about the signer, which are to have these values.
    pub(super) fn signed_by(&self, fields: &[(&str, &str)]) -> String {
        let kept = self.conditions.iter().filter(|condition| match condition {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => {
                !is_about_signer(field)
            }
            Condition::Length { .. } => true,
        });
        let ours = fields.iter().map(|&(field, value)| Condition::equals(field, value));
        let conditions: Vec<String> =
            kept.cloned().chain(ours).map(|condition| condition.to_string()).collect();
        let (expiration, conditions) = (quoted(&self.expiration), conditions.join(", "));
        STANDARD.encode(format!("{{\"expiration\": {expiration}, \"conditions\": [{conditions}]}}"))
    }
}

impl Condition {
    fn equals(field: &str, value: &str) -> Self {
        Condition::Equals { field: field.to_owned(), value: value.to_owned() }
    }
}

/// In JSON, as S3 shows it where it fails.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operator, field, value) = match self {
            Condition::Length { min, max } => return write!(f, "[\"{LENGTH}\", {min}, {max}]"),
            Condition::Equals { field, value } => ("eq", field, value),
            Condition::StartsWith { field, prefix } => ("starts-with", field, prefix),
        };
        write!(f, "[\"{operator}\", {}, {}]", quoted(&format!("${field}")), quoted(value))
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

// ---- JSON ------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    expiration: String,
    conditions: Vec<Condition>,
}

/// A condition in one of its two shapes. Nothing in it is nested.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Object(BTreeMap<String, Word>),
    List(Vec<Word>),
}

/// A value. Numbers stand for themselves in decimal, in either place.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(u64),
}

impl TryFrom<Written> for Condition {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Object(object) => {
                let mut pairs = object.into_iter();
                match (pairs.next(), pairs.next()) {
                    (Some((field, value)), None) => {
                        Ok(Condition::Equals { field, value: value.text() })
                    }
                    (Some(_), Some(_)) | (None, _) => Err("not exactly one property"),
                }
            }
            Written::List(words) => {
                let [operator, one, two] =
                    <[Word; 3]>::try_from(words).map_err(|_| "not exactly three words")?;
                Condition::of_list(&operator.text().to_ascii_lowercase(), one, two)
            }
        }
    }
}

impl Condition {
    fn of_list(operator: &str, one: Word, two: Word) -> Result<Self, &'static str> {
        if operator == LENGTH {
            let (min, max) = (one.number()?, two.number()?);
            return if min <= max { Ok(Condition::Length { min, max }) } else { Err("no range") };
        }
        let field = one.text().strip_prefix('$').map(str::to_owned).ok_or("no $ before a field")?;
        match operator {
            "eq" => Ok(Condition::Equals { field, value: two.text() }),
            "starts-with" => Ok(Condition::StartsWith { field, prefix: two.text() }),
            _ => Err("an unknown operator"),
        }
    }
}

impl Word {
    fn text(self) -> String {
        match self {
            Word::Text(text) => text,
            Word::Number(number) => number.to_string(),
        }
    }

    fn number(self) -> Result<u64, &'static str> {
        match self {
            Word::Text(text) => text.parse().map_err(|_| "no number"),
            Word::Number(number) => Ok(number),
        }
    }
}

/// A moment in UTC: `2015-12-30T12:00:00Z`, with fractions of the second or without.
fn moment(text: &str) -> Option<SystemTime> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let plain =
        |text: &str, marks: &[u8]| text.bytes().all(|b| b.is_ascii_digit() || marks.contains(&b));
    let sound = day.len() == 10 && plain(day, b"-") && time.len() >= 8 && plain(time, b":.");
    let moment: Option<jiff::Timestamp> = text.parse().ok().filter(|_| sound);
    moment.map(SystemTime::from)
}
