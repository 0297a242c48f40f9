//! What a form says besides its file's bytes.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::FormError;
use super::part::Part;

/// Most bytes of one field's value, as MinIO has it.
pub const MAX_FIELD: usize = 1024 * 1024;

/// Most bytes of all fields together, their names included: a full one and room for the others. AWS
/// allows 20 kB.
pub const MAX_FIELDS: usize = 2 * MAX_FIELD;

const FAN_OUT: &str = "x-minio-fanout-list";
const FILENAME: &str = "${filename}";

/// The fields of a form, and the header of its file.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: Vec<Field>,
    file: Option<Part>,
    /// Bytes kept: no more than `MAX_FIELDS`.
    kept: usize,
}

/// A field other than the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in its own spelling.
    pub name: String,
    /// Its value, as far as it has come.
    pub value: Vec<u8>,
}

impl Form {
    /// The value of the field with this name; stores compare names without regard to case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let field = self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name));
        field.map(|f| f.value.as_slice())
    }

    /// The fields in order, those behind the file too: SeaweedFS reads them, other stores don't.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The header of the file, once it has come.
    pub fn file(&self) -> Option<&Part> {
        self.file.as_ref()
    }

    /// The key that the `key` field names, for records, with `${filename}` filled in: the last part
    /// of the file's name, behind any slash or backslash, as AWS has it. (MinIO keeps backslashes.)
    /// To be asked once the file's header has come; without a file name `${filename}` stays.
    ///
    /// # Errors
    /// [`FormError::Filename`] where stores would fill in different names.
    pub fn object_key(&self) -> Result<Option<String>, FormError> {
        let Some(template) = self.get("key").map(String::from_utf8_lossy) else { return Ok(None) };
        let filename = match &self.file {
            Some(file) if template.contains(FILENAME) && !file.filename_is_certain => {
                return Err(FormError::Filename);
            }
            file => file.as_ref().and_then(|file| file.filename.as_deref()),
        };
        Ok(Some(match filename {
            Some(name) => {
                let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
                template.replace(FILENAME, last)
            }
            None => template.into_owned(),
        }))
    }

    /// The keys of MinIO's PutObjectFanOut, in order; none without an `x-minio-fanout-list`. Each
    /// of them gets the file's bytes; the `key` field then names no object.
    ///
    /// minio-go writes the list as JSON objects one behind the other, without brackets or commas.
    /// An array of them is read as well.
    ///
    /// # Errors
    /// [`FormError::FanOut`].
    pub fn fan_out_keys(&self) -> Result<Vec<String>, FormError> {
        let list = self.get(FAN_OUT).unwrap_or_default();
        let entries = serde_json::Deserializer::from_slice(list).into_iter::<Keys>();
        let keys: Result<Vec<_>, _> = entries.map(|entry| entry.map(|keys| keys.0)).collect();
        keys.map(|keys| keys.concat()).map_err(|_| FormError::FanOut)
    }

    /// Takes a part's header.
    pub(super) fn begin(&mut self, part: &Part) -> Result<(), FormError> {
        self.keep(part.name.len())?;
        if part.is_file() {
            let before = self.file.replace(part.clone());
            return before.map_or(Ok(()), |_| Err(FormError::FileTwice));
        }
        if comes_once(&part.name) && self.get(&part.name).is_some() {
            return Err(FormError::FieldTwice);
        }
        self.fields.push(Field { name: part.name.clone(), value: Vec::new() });
        Ok(())
    }

    /// Takes a piece of the value of the field that began last.
    pub(super) fn take(&mut self, payload: &[u8]) -> Result<(), FormError> {
        self.keep(payload.len())?;
        let Some(field) = self.fields.last_mut() else { return Ok(()) };
        if field.value.len() + payload.len() > MAX_FIELD {
            return Err(FormError::FieldTooLarge);
        }
        field.value.extend_from_slice(payload);
        Ok(())
    }

    fn keep(&mut self, bytes: usize) -> Result<(), FormError> {
        self.kept += bytes;
        if self.kept > MAX_FIELDS { Err(FormError::FieldTooLarge) } else { Ok(()) }
    }
}

/// Of a field that comes twice MinIO reads the first, Ceph RGW the last; Garage refuses it. User
/// metadata and what S3 is told to ignore change nothing about bytes or keys.
fn comes_once(name: &str) -> bool {
    let starts = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    !starts("x-amz-meta-") && !starts("x-ignore-")
}

/// The keys of an entry, or of an array of entries.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with a key")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some(Keys(more)) = entries.next_element()? {
            keys.extend(more);
        }
        Ok(Keys(keys))
    }

    /// Go takes `KEY` for `key`, and the last of two.
    fn visit_map<A: MapAccess<'de>>(self, mut entry: A) -> Result<Keys, A::Error> {
        let mut key: Option<String> = None;
        while let Some(name) = entry.next_key::<String>()? {
            if !name.eq_ignore_ascii_case("key") {
                entry.next_value::<IgnoredAny>()?;
            } else if key.replace(entry.next_value()?).is_some() {
                return Err(A::Error::duplicate_field("key"));
            }
        }
        match key {
            Some(key) if !key.is_empty() => Ok(Keys(vec![key])),
            Some(_) | None => Err(A::Error::missing_field("key")),
        }
    }
}
