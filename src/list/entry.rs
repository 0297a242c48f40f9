//! One entry of a list, and the name by which operators speak of it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Hash;

/// Longest label in bytes; its length is one byte in a snapshot.
pub const LABEL_BYTES_MAX: usize = 200;

/// Hex digits of a made-up id: 48 bits, so that two of 10 million entries share one with
/// probability 0.16, and nobody can find the digest from it.
const ID_DIGITS: usize = 12;

/// A listed hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// What is listed.
    pub hash: Hash,
    /// What the source calls it.
    pub label: Option<Label>,
}

/// What a source calls an entry: 1 to 200 bytes, all printable, never the hash itself.
///
/// It is shown to operators and stands in audit records, so it must neither reveal the hash nor
/// play tricks on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<str>);

/// Why a text can't be a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There is no text.
    #[error("the label is empty")]
    Empty,
    /// It is too long.
    #[error("the label has {0} bytes, more than {LABEL_BYTES_MAX}")]
    TooLong(usize),
    /// It holds a control character, or one that changes how the text around it is shown.
    #[error("the label holds a character that can't be printed")]
    Unprintable,
    /// It holds the hash that it stands for.
    #[error("the label holds the hash")]
    RevealsHash,
}

impl Label {
    /// Takes `text` as the label of an entry that carries `hashes`.
    ///
    /// # Errors
    /// The text is empty, longer than 200 bytes, not printable, or holds one of the hashes in hex.
    pub fn new(text: &str, hashes: &[Hash]) -> Result<Self, LabelError> {
        if text.is_empty() {
            return Err(LabelError::Empty);
        }
        if text.len() > LABEL_BYTES_MAX {
            return Err(LabelError::TooLong(text.len()));
        }
        if !text.chars().all(is_printable) {
            return Err(LabelError::Unprintable);
        }
        let lower = text.to_ascii_lowercase();
        if hashes.iter().any(|hash| lower.contains(&hash.to_string())) {
            return Err(LabelError::RevealsHash);
        }
        Ok(Label(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a terminal shows `c` as itself: no control, no line separator, nothing that turns the
/// direction of the text or has no width.
pub(super) fn is_printable(c: char) -> bool {
    let hidden = matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !hidden
}

/// The name of an entry in `ctl disable LIST/ENTRY` and in audit records.
///
/// It is the label if the source gave one, else `e-` and 12 hex digits that follow from the
/// hash: the same after a reload and in any order of entries, and no way back to the hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(Box<str>);

impl EntryId {
    /// The id of the entry with this hash and label.
    pub fn new(hash: &Hash, label: Option<&str>) -> Self {
        EntryId(match label {
            Some(label) => label.into(),
            None => made_up(hash).into(),
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn made_up(listed: &Hash) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut hasher = Sha256::new_with_prefix("s3bouncer entry");
    hasher.update(listed.kind().to_string());
    hasher.update(listed.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    let mut id = String::with_capacity(2 + ID_DIGITS);
    id.push_str("e-");
    for byte in &hash[..ID_DIGITS / 2] {
        id.push(HEX[usize::from(byte >> 4)] as char);
        id.push(HEX[usize::from(byte & 15)] as char);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;
    use crate::list::HashKind;

    fn hash(byte: u8) -> Hash {
        Hash::from_bytes(HashKind::Exact(Algorithm::Md5), &[byte; 16]).unwrap()
    }

    #[test]
    fn labels_are_short_printable_and_no_hashes() {
        let ok = |text: &str| Label::new(text, &[hash(0xab)]).map(|label| label.to_string());
        assert_eq!(ok("case 12/3 – ü").as_deref(), Ok("case 12/3 – ü"));
        assert_eq!(ok(""), Err(LabelError::Empty));
        assert!(ok(&"x".repeat(200)).is_ok());
        assert_eq!(ok(&"x".repeat(201)), Err(LabelError::TooLong(201)));
        for odd in ["a\nb", "a\0", "\u{1b}[31m", "a\u{202e}b", "\u{200b}", "\u{85}"] {
            assert_eq!(ok(odd), Err(LabelError::Unprintable), "{odd:?}");
        }
        let name = format!("files/{}.jpg", "aB".repeat(16));
        assert_eq!(ok(&name), Err(LabelError::RevealsHash));
        assert!(Label::new(&name, &[]).is_ok());
    }

    #[test]
    fn an_id_is_the_label_or_follows_from_the_hash() {
        assert_eq!(EntryId::new(&hash(0xab), Some("logo")).as_str(), "logo");
        let id = EntryId::new(&hash(0xab), None);
        assert_eq!(id.as_str(), "e-eb1be65761e8");
        assert_ne!(EntryId::new(&hash(0xac), None), id);
        // Another kind with the same bytes is another entry.
        let pdq = Hash::from_bytes(HashKind::Pdq, &[0xab; 32]).unwrap();
        let sha256 = Hash::from_bytes(Algorithm::Sha256.into(), &[0xab; 32]).unwrap();
        assert_ne!(EntryId::new(&pdq, None), EntryId::new(&sha256, None));
    }
}
