//! hashdeep 1.0: two header lines, then `size,hash,...,filename`.

use super::{Reason, Taken, text};
use crate::digest::{Algorithm, Digest};
use crate::list::{Entry, Hash, Label};

const FIRST_LINE: &[u8] = b"%%%% HASHDEEP-1.0";
const COLUMNS: &[u8] = b"%%%% ";

/// The rows of one file.
#[derive(Default)]
pub(super) struct Rows {
    state: State,
}

#[derive(Default)]
enum State {
    /// The first line has not come.
    #[default]
    Start,
    /// The line with the columns has not come.
    Version,
    /// What stands between size and filename; `None` for hashes that are not ours.
    Columns(Vec<Option<Algorithm>>),
}

impl Rows {
    pub(super) fn has_header(&self) -> bool {
        matches!(self.state, State::Columns(_))
    }

    pub(super) fn line(&mut self, line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
        match &self.state {
            State::Start if line.trim_ascii_end() == FIRST_LINE => self.state = State::Version,
            State::Start => return Err(Reason::NotHashdeep),
            State::Version => self.state = State::Columns(columns(line)?),
            State::Columns(columns) => row(columns, line, taken)?,
        }
        Ok(())
    }
}

fn columns(line: &[u8]) -> Result<Vec<Option<Algorithm>>, Reason> {
    let names = line.strip_prefix(COLUMNS).ok_or(Reason::HashdeepColumns)?;
    let names: Vec<&[u8]> = names.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
    let [b"size", hashes @ .., b"filename"] = &names[..] else {
        return Err(Reason::HashdeepColumns);
    };
    let columns: Vec<_> = hashes.iter().map(|name| algorithm(name)).collect();
    let times = |a: Algorithm| columns.iter().filter(|column| **column == Some(a)).count();
    let is_plain = Algorithm::ALL.into_iter().all(|a| times(a) <= 1);
    if is_plain && columns.iter().any(Option::is_some) {
        Ok(columns)
    } else {
        Err(Reason::HashdeepColumns)
    }
}

fn algorithm(name: &[u8]) -> Option<Algorithm> {
    match name {
        b"md5" => Some(Algorithm::Md5),
        b"sha1" | b"sha-1" => Some(Algorithm::Sha1),
        b"sha256" | b"sha-256" => Some(Algorithm::Sha256),
        _ => None,
    }
}

fn row(columns: &[Option<Algorithm>], line: &[u8], taken: &mut Taken<'_>) -> Result<(), Reason> {
    // Commas behind the last hash belong to the file name.
    let mut fields = line.splitn(columns.len() + 2, |&byte| byte == b',');
    let size = fields.next().unwrap_or_default();
    if size.is_empty() || !size.iter().all(u8::is_ascii_digit) {
        return Err(Reason::Size);
    }
    let mut hashes = Vec::with_capacity(columns.len());
    for (i, column) in columns.iter().enumerate() {
        let wrong_number = Reason::Fields { expected: columns.len() + 2, found: i + 1 };
        let hex = fields.next().ok_or(wrong_number)?;
        if let Some(algorithm) = column {
            hashes.push(Hash::from(Digest::from_hex(*algorithm, text(hex)?)?));
        }
    }
    let wrong_number = Reason::Fields { expected: columns.len() + 2, found: columns.len() + 1 };
    let name = fields.next().ok_or(wrong_number)?;
    let label = text(name).ok().and_then(|name| Label::new(name, &hashes).ok());
    for hash in hashes {
        taken.entry(Entry { hash, label: label.clone() });
    }
    Ok(())
}
