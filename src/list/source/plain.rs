//! One hash a line, bare or behind the name of its algorithm.

use super::{Reason, Taken, text};
use crate::digest::{Algorithm, Digest};
use crate::list::{Entry, Label};

/// Reads `HEX`.
pub(super) fn line(algorithm: Algorithm, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    let line = text(line)?;
    if line.contains([' ', '\t']) {
        return Err(Reason::Extra);
    }
    let digest = Digest::from_hex(algorithm, line)?;
    taken.entry(Entry { digest, label: None });
    Ok(())
}

/// Reads `ALGORITHM HEX` or `ALGORITHM HEX LABEL`; the label may hold spaces.
pub(super) fn tagged_line(line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    let (name, rest) = first_word(text(line)?);
    let known = |a: &Algorithm| a.name().eq_ignore_ascii_case(name);
    let algorithm = Algorithm::ALL.into_iter().find(known).ok_or(Reason::UnknownAlgorithm)?;
    let (hex, label) = first_word(rest);
    if hex.is_empty() {
        return Err(Reason::NoHash);
    }
    let digest = Digest::from_hex(algorithm, hex)?;
    let label = match label {
        "" => None,
        label => Some(Label::new(label, &[digest])?),
    };
    taken.entry(Entry { digest, label });
    Ok(())
}

fn first_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (word, rest.trim_matches([' ', '\t']))
}
