//! "Did you mean": the known word nearest to an unknown one.

/// Longest word, in bytes, that is compared: nobody mistypes a longer key.
const WORD_MAX: usize = 40;

/// The candidate with the fewest edits, if so few that a slip is likely: a third of the word.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > WORD_MAX {
        return None;
    }
    let bound = word.len().div_ceil(3).min(word.len().saturating_sub(1));
    candidates
        .map(|candidate| (edits(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(edits, _)| edits <= bound)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, row by row.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (from, to, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edits(from.as_bytes(), to.as_bytes()), expected, "{from} {to}");
            assert_eq!(edits(to.as_bytes(), from.as_bytes()), expected, "{to} {from}");
        }
    }

    #[test]
    fn suggests_only_slips() {
        let known = ["listener", "list", "limits"];
        for (word, expected) in [
            ("lisener", Some("listener")),
            ("lists", Some("list")),
            ("limit", Some("limits")),
            ("lsit", Some("list")),
            ("audit", None),
            ("l", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
        assert_eq!(nearest(&"l".repeat(WORD_MAX + 1), known.into_iter()), None);
    }
}
