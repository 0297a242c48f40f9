//! Which lists hold perceptual hashes, of which kinds, and how many.

use crate::image::{Convention, PerceptualKind};
use crate::list::HashKind;
use crate::list::snapshot::error::SnapshotError;
use crate::list::snapshot::format::{Fields, kind_code};
use crate::list::snapshot::lists::ListInfo;

/// Up to so many bits a hash is short: of 64 bits, one of 100,000 pairs of strangers is within 10.
const SHORT_BITS: usize = 64;
/// So many entries a list of short hashes may have: with more, uploads match strangers.
const SHORT_ENTRIES_MAX: u64 = 1000;
/// What stands for PDQ where other kinds have their code and one.
const PDQ_CODE: u8 = 0;

/// A perceptual kind of a list, with what has to be known to make a hash that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NearKind {
    /// PDQ, made in this way.
    Pdq(Convention),
    /// One of `image_hasher`'s.
    Perceptual(PerceptualKind),
}

impl NearKind {
    /// The kind of its hashes.
    pub fn hash_kind(self) -> HashKind {
        match self {
            NearKind::Pdq(_) => HashKind::Pdq,
            NearKind::Perceptual(kind) => HashKind::Perceptual(kind),
        }
    }
}

/// A perceptual kind that a list was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearInfo {
    /// The kind.
    pub kind: NearKind,
    /// Entries without the canary.
    pub entries: u64,
    /// Whether the list has the canary in this kind; not where the canary shows too little for it.
    pub canary: bool,
}

impl NearInfo {
    /// Whether there are more hashes of few bits than can be told apart from strangers' pictures:
    /// more than a thousand of up to 64 bits.
    pub fn is_too_short(&self) -> bool {
        let bits = self.kind.hash_kind().len() * 8;
        bits <= SHORT_BITS && self.entries > SHORT_ENTRIES_MAX
    }

    /// Rows that the list has in the kind's table.
    pub(super) fn rows(&self) -> u64 {
        self.entries.saturating_add(u64::from(self.canary))
    }
}

/// The section's bytes.
pub(in crate::list::snapshot) fn encode(lists: &[ListInfo]) -> Vec<u8> {
    let mut kinds = lists.iter().flat_map(|list| &list.near).map(|near| near.kind);
    let version = match kinds.any(|kind| matches!(kind, NearKind::Perceptual(_))) {
        true => PerceptualKind::CRATE_VERSION,
        false => "",
    };
    let mut bytes = vec![version.len() as u8];
    bytes.extend(version.as_bytes());
    for list in lists {
        bytes.push(list.near.len() as u8);
        for near in &list.near {
            let (kind, convention) = match near.kind {
                NearKind::Pdq(convention) => (PDQ_CODE, convention as u8),
                NearKind::Perceptual(kind) => (kind_code(kind) + 1, 0),
            };
            bytes.extend([kind, convention, u8::from(near.canary)]);
            bytes.extend(near.entries.to_le_bytes());
        }
    }
    bytes
}

/// Reads the section into `lists`.
///
/// # Errors
/// It does not fit the lists, or the hashes are of another version of `image_hasher`.
pub(in crate::list::snapshot) fn decode(
    bytes: &[u8],
    lists: &mut [ListInfo],
) -> Result<(), SnapshotError> {
    const WRONG: SnapshotError = SnapshotError::Corrupt("the perceptual kinds can't be read");
    let mut fields = Fields(bytes);
    let version = text(&mut fields).ok_or(WRONG)?;
    if !matches!(version, "" | PerceptualKind::CRATE_VERSION) {
        return Err(SnapshotError::HasherVersion(version.to_owned()));
    }
    for list in lists.iter_mut() {
        for _ in 0..fields.u8().ok_or(WRONG)? {
            let near = decode_one(&mut fields, !version.is_empty()).ok_or(WRONG)?;
            let follows = |last: &NearInfo| last.kind.hash_kind() < near.kind.hash_kind();
            if !list.near.last().is_none_or(follows) {
                return Err(WRONG);
            }
            list.near.push(near);
        }
    }
    let is_one = lists.iter().any(|list| !list.near.is_empty());
    if fields.0.is_empty() && is_one { Ok(()) } else { Err(WRONG) }
}

/// A version in an error is shown as it is.
fn text<'a>(fields: &mut Fields<'a>) -> Option<&'a str> {
    let len = usize::from(fields.u8()?);
    let text = std::str::from_utf8(fields.bytes(len)?).ok()?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then_some(text)
}

fn decode_one(fields: &mut Fields<'_>, has_version: bool) -> Option<NearInfo> {
    let [code, convention, canary] = fields.array()?;
    let kind = match code.checked_sub(PDQ_CODE + 1) {
        None => NearKind::Pdq(*Convention::ALL.get(usize::from(convention))?),
        Some(code) if has_version && convention == 0 => {
            let kind = PerceptualKind::all().find(|kind| kind_code(*kind) == code)?;
            NearKind::Perceptual(kind)
        }
        Some(_) => return None,
    };
    (canary < 2).then_some(())?;
    Some(NearInfo { kind, entries: fields.u64()?, canary: canary == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::AlgorithmSet;
    use crate::image::PerceptualAlgorithm;

    const PDQ: NearInfo =
        NearInfo { kind: NearKind::Pdq(Convention::Resized512), entries: 1 << 40, canary: false };

    fn own(algorithm: PerceptualAlgorithm, side: u8) -> NearInfo {
        let kind = PerceptualKind::new(algorithm, side, false).unwrap();
        NearInfo { kind: NearKind::Perceptual(kind), entries: 7, canary: true }
    }

    fn list(near: &[NearInfo]) -> ListInfo {
        let algorithms = AlgorithmSet::NONE;
        ListInfo { name: "a".to_owned(), algorithms, counts: [0; 3], near: near.to_vec() }
    }

    fn decoded(bytes: &[u8], lists: usize) -> Result<Vec<ListInfo>, String> {
        let mut lists: Vec<ListInfo> = (0..lists).map(|_| list(&[])).collect();
        decode(bytes, &mut lists).map_err(|error| error.to_string())?;
        Ok(lists)
    }

    #[test]
    fn kinds_come_back() {
        let mean = own(PerceptualAlgorithm::Mean, 32);
        let gradient = own(PerceptualAlgorithm::Gradient, 8);
        let lists = [list(&[PDQ, mean, gradient]), list(&[]), list(&[gradient])];
        assert_eq!(decoded(&encode(&lists), 3).as_deref(), Ok(&lists[..]));
        assert_eq!(encode(&[list(&[PDQ])])[0], 0, "PDQ needs no version");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mean = own(PerceptualAlgorithm::Mean, 8);
        let good = encode(&[list(&[PDQ, mean])]);
        for cut in 0..good.len() {
            assert!(decoded(&good[..cut], 1).is_err());
        }
        for (bytes, lists) in [
            ([&good[..], &[0]].concat(), 1),
            (good.clone(), 2),
            (encode(&[list(&[])]), 1),
            (encode(&[list(&[mean, PDQ])]), 1),
            (encode(&[list(&[PDQ, PDQ])]), 1),
        ] {
            assert!(decoded(&bytes, lists).is_err(), "{bytes:?}");
        }
        // Version, number of kinds, then PDQ's row: kind, convention, canary.
        for (at, byte) in [(5, 255), (6, 2), (7, 2), (16, 255), (17, 1)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(decoded(&bad, 1).is_err(), "{at}");
        }
    }

    #[test]
    fn hashes_of_another_version_are_refused() {
        let mut bytes = encode(&[list(&[own(PerceptualAlgorithm::Mean, 8)])]);
        bytes[1] = b'4';
        let text = "its perceptual hashes were made by image_hasher 4.1, this release has 3.1; \
                    build the list anew";
        assert_eq!(decoded(&bytes, 1), Err(text.to_owned()));
        // Without a version there can be none.
        let bytes = [&[0], &bytes[4..]].concat();
        assert!(decoded(&bytes, 1).is_err());
    }

    #[test]
    fn short_hashes_are_for_short_lists() {
        let of = |entries, side| NearInfo { entries, ..own(PerceptualAlgorithm::Median, side) };
        assert!(!of(1000, 8).is_too_short() && of(1001, 8).is_too_short());
        assert!(!of(1001, 16).is_too_short() && !PDQ.is_too_short());
    }
}
