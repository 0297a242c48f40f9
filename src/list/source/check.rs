//! The properties of source files that fuzzing asserts, and the table tests of the formats.

use std::io::BufReader;

use super::{
    CsvMap, LINE_BYTES_MAX, SourceErrors, SourceFormat, SourceSummary, is_comment, read_source,
};
use crate::digest::Algorithm;
use crate::image::{PerceptualAlgorithm, PerceptualKind};
use crate::list::{Entry, Hash, HashKind};

type Outcome = Result<(SourceSummary, Vec<Entry>), SourceErrors>;

/// Reads `data` as a source file; its first two bytes choose the format and the size of reads.
///
/// # Panics
/// How the input is cut changes the outcome, an entry does not stand in the text, or the plain
/// format differs from a naive reader.
pub fn check(data: &[u8]) {
    let [choice, cut, text @ ..] = data else { return };
    let format = format(*choice);
    let whole = outcome(&format, text, text.len().max(1));
    assert_eq!(whole, outcome(&format, text, usize::from(*cut) + 1));
    if let Ok((summary, entries)) = &whole {
        check_entries(text, summary, entries);
    }
    if let SourceFormat::Plain(kind) = format {
        let hashes = whole.ok().map(|(_, entries)| entries.into_iter().map(|e| e.hash).collect());
        assert_eq!(hashes, naive_plain(kind, text));
    }
}

fn format(choice: u8) -> SourceFormat {
    let algorithm = Algorithm::ALL[usize::from(choice / 8) % 3];
    let kinds = [HashKind::Pdq, own_kind()].into_iter().chain(Algorithm::ALL.map(HashKind::Exact));
    let kinds: Vec<HashKind> = kinds.collect();
    match choice % 8 {
        0 | 1 => SourceFormat::Plain(kinds[usize::from(choice / 8) % kinds.len()]),
        2 => SourceFormat::Tagged,
        3 => SourceFormat::Hashdeep,
        4 | 5 => SourceFormat::Md5sum(algorithm),
        _ => SourceFormat::Csv(CsvMap {
            delimiter: if choice % 8 == 6 { b',' } else { b';' },
            columns: kinds.into_iter().map(|kind| (kind, kind.to_string())).collect(),
            label: (choice & 128 == 0).then(|| "label".to_owned()),
            quality: (choice & 64 == 0).then(|| "quality".to_owned()),
        }),
    }
}

/// A kind of an operator's own lists.
fn own_kind() -> HashKind {
    let kind = PerceptualKind::new(PerceptualAlgorithm::Gradient, 8, false);
    kind.map_or(HashKind::Pdq, HashKind::Perceptual)
}

fn outcome(format: &SourceFormat, input: &[u8], capacity: usize) -> Outcome {
    let mut entries = Vec::new();
    let input = BufReader::with_capacity(capacity, input);
    let summary = read_source(format, input, &mut |entry| entries.push(entry))?;
    Ok((summary, entries))
}

fn check_entries(text: &[u8], summary: &SourceSummary, entries: &[Entry]) {
    assert!(!entries.is_empty());
    assert_eq!(summary.entries, entries.len() as u64);
    let text = text.to_ascii_lowercase();
    for entry in entries {
        assert_eq!(entry.hash.unfit(), None);
        let hex = entry.hash.to_string();
        assert!(text.windows(hex.len()).any(|window| window == hex.as_bytes()));
        let label = entry.label.as_ref().map_or("x", |label| label.as_str());
        assert!((1..=200).contains(&label.len()) && !label.contains(&hex));
    }
}

/// The plain format, read the simple way; `None` if anything is wrong with it.
fn naive_plain(kind: HashKind, text: &[u8]) -> Option<Vec<Hash>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut hashes = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
        if !line.trim_ascii().is_empty() && !is_comment(line) {
            let hex = std::str::from_utf8(line.trim_ascii()).ok()?;
            hashes.push(Hash::from_hex(kind, hex).ok()?);
        }
    }
    hashes.retain(|hash| hash.unfit().is_none());
    (!hashes.is_empty()).then_some(hashes)
}

#[cfg(test)]
mod tests;
