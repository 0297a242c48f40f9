//! Names and counts of the lists in a snapshot.

use super::format::Fields;
use super::near::{NearInfo, NearKind};
use crate::digest::{Algorithm, AlgorithmSet};
use crate::image::Convention;
use crate::list::HashKind;
use crate::list::entry::is_printable;

/// Most lists in one snapshot: a bit of the reference is spent on the canary, and nobody reads a
/// thousand lists.
pub(super) const LISTS_MAX: usize = 1024;
/// Longest name in bytes.
pub(super) const NAME_BYTES_MAX: usize = 100;

/// One list of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListInfo {
    /// Its name: 1 to 100 printable bytes without `/`, no two alike.
    pub name: String,
    /// The kinds of digest that it was made with; in each of them it lists the canary too.
    pub algorithms: AlgorithmSet,
    /// Entries without the canary, in the order of [`Algorithm::ALL`].
    pub counts: [u64; 3],
    /// The perceptual kinds that it was made with, PDQ first, no two alike.
    pub near: Vec<NearInfo>,
}

impl ListInfo {
    /// Entries of all kinds, without the canary.
    pub fn entries(&self) -> u64 {
        let near = self.near.iter().map(|near| &near.entries);
        self.counts.iter().chain(near).fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Entries of one kind, without the canary.
    pub fn entries_of(&self, algorithm: Algorithm) -> u64 {
        self.counts[algorithm as usize]
    }

    /// The kinds of hash that it was made with, in order.
    pub fn kinds(&self) -> impl Iterator<Item = HashKind> {
        let near = self.near.iter().map(|near| near.kind.hash_kind());
        self.algorithms.iter().map(HashKind::Exact).chain(near)
    }

    /// How its PDQ hashes were made; `None` if it has none.
    pub fn convention(&self) -> Option<Convention> {
        self.near.iter().find_map(|near| match near.kind {
            NearKind::Pdq(convention) => Some(convention),
            NearKind::Perceptual(_) => None,
        })
    }

    /// Whether it was made with no kind at all.
    pub(super) fn is_of_nothing(&self) -> bool {
        self.algorithms.is_empty() && self.near.is_empty()
    }

    /// Rows that the list has in a table: its entries and the canary.
    pub(super) fn rows_of(&self, algorithm: Algorithm) -> u64 {
        let canary = u64::from(self.algorithms.contains(algorithm));
        self.entries_of(algorithm).saturating_add(canary)
    }
}

/// Whether a list can have this name: it stands before the slash in `ctl disable LIST/ENTRY`.
pub(super) fn is_name(name: &str) -> bool {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
    fits && name.chars().all(|c| is_printable(c) && c != '/')
}

/// The section's bytes.
pub(super) fn encode(lists: &[ListInfo]) -> Vec<u8> {
    let mut bytes = (lists.len() as u16).to_le_bytes().to_vec();
    for list in lists {
        bytes.push(list.algorithms.iter().fold(0, |bits, a| bits | 1 << a as u8));
        bytes.push(list.name.len() as u8);
        bytes.extend(list.name.as_bytes());
        list.counts.iter().for_each(|count| bytes.extend(count.to_le_bytes()));
    }
    bytes
}

/// Reads the section, without perceptual kinds; `None` if it is no list of lists.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<ListInfo>> {
    let mut fields = Fields(bytes);
    let count = usize::from(fields.u16()?);
    let mut lists: Vec<ListInfo> = Vec::new();
    for _ in 0..count {
        let list = decode_one(&mut fields)?;
        if lists.len() == LISTS_MAX || lists.iter().any(|before| before.name == list.name) {
            return None;
        }
        lists.push(list);
    }
    (fields.0.is_empty() && !lists.is_empty()).then_some(lists)
}

fn decode_one(fields: &mut Fields<'_>) -> Option<ListInfo> {
    let bits = fields.u8()?;
    let has = |a: &Algorithm| bits & (1 << *a as u8) != 0;
    let algorithms: AlgorithmSet = Algorithm::ALL.into_iter().filter(has).collect();
    let len = usize::from(fields.u8()?);
    let name = std::str::from_utf8(fields.bytes(len)?).ok()?;
    let counts = [fields.u64()?, fields.u64()?, fields.u64()?];
    let list = ListInfo { name: name.to_owned(), algorithms, counts, near: Vec::new() };
    let counts_fit =
        Algorithm::ALL.into_iter().all(|a| list.entries_of(a) == 0 || algorithms.contains(a));
    let is_list = bits < 8 && is_name(name) && counts_fit;
    is_list.then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str) -> ListInfo {
        let algorithms = AlgorithmSet::NONE.with(Algorithm::Md5).with(Algorithm::Sha256);
        ListInfo { name: name.to_owned(), algorithms, counts: [7, 0, 1 << 40], near: Vec::new() }
    }

    #[test]
    fn lists_come_back() {
        let lists = [list("a"), list("zürich 2")];
        assert_eq!(decode(&encode(&lists)).as_deref(), Some(&lists[..]));
    }

    #[test]
    fn what_is_no_list_of_lists_is_refused() {
        let good = encode(&[list("a"), list("b")]);
        for cut in 0..good.len() {
            assert_eq!(decode(&good[..cut]), None);
        }
        assert_eq!(decode(&[&good[..], b"x"].concat()), None);
        assert_eq!(decode(&encode(&[])), None);
        assert_eq!(decode(&encode(&[list("a"), list("a")])), None);
        assert_eq!(
            decode(&encode(&[ListInfo { algorithms: AlgorithmSet::NONE, ..list("a") }])),
            None
        );
        assert!(ListInfo { algorithms: AlgorithmSet::NONE, ..list("a") }.is_of_nothing());
        assert_eq!(decode(&encode(&[ListInfo { counts: [0, 1, 0], ..list("a") }])), None);
    }

    #[test]
    fn names_are_short_printable_and_have_no_slash() {
        assert!(is_name("police nl") && is_name(&"x".repeat(100)));
        for odd in ["", "a/b", "a\nb", &"x".repeat(101)] {
            assert!(!is_name(odd), "{odd:?}");
        }
    }

    #[test]
    fn the_most_lists_pass_and_one_more_does_not() {
        let lists = |n: usize| (0..n).map(|i| list(&i.to_string())).collect::<Vec<_>>();
        assert!(decode(&encode(&lists(LISTS_MAX))).is_some());
        assert!(decode(&encode(&lists(LISTS_MAX + 1))).is_none());
    }
}
