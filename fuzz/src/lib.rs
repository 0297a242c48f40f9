//! What several targets make of their input.

/// A body in pieces of these lengths, and one of the rest.
pub fn cut<'a, L: Copy + Into<usize>>(body: &'a [u8], lengths: &[L]) -> Vec<&'a [u8]> {
    let mut rest = body;
    let mut pieces = Vec::new();
    for &length in lengths {
        let (piece, after) = rest.split_at(rest.len().min(length.into()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// A text in which each byte that is the number of a word is that word.
pub fn expand(template: &[u8], words: &[&str]) -> String {
    let mut text = String::new();
    for &byte in template {
        match words.get(usize::from(byte)) {
            Some(word) => text.push_str(word),
            None => text.push(char::from(byte)),
        }
    }
    text
}
