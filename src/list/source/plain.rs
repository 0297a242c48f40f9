//! One hash a line, bare or behind the name of its kind.

use super::{Reason, Taken, text};
use crate::list::{Entry, Hash, HashKind, Label};

/// Reads `HEX`.
pub(super) fn line(kind: HashKind, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    let line = text(line)?;
    if line.contains([' ', '\t']) {
        return Err(Reason::Extra);
    }
    taken.entry(Entry { hash: Hash::from_hex(kind, line)?, label: None });
    Ok(())
}

/// Reads `KIND HEX` or `KIND HEX LABEL`; the label may hold spaces.
pub(super) fn tagged_line(line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    let (name, rest) = first_word(text(line)?);
    let kind = name.parse().map_err(|_| Reason::UnknownKind)?;
    let (hex, label) = first_word(rest);
    if hex.is_empty() {
        return Err(Reason::NoHash);
    }
    let hash = Hash::from_hex(kind, hex)?;
    let label = match label {
        "" => None,
        label => Some(Label::new(label, std::slice::from_ref(&hash))?),
    };
    taken.entry(Entry { hash, label });
    Ok(())
}

fn first_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (word, rest.trim_matches([' ', '\t']))
}
