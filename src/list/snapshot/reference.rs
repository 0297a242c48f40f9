//! What stands behind a digest in a row: whose it is, and what it is called.

/// Which list a row belongs to, and where its label is.
///
/// Bits 0 to 47: offset of the label plus one, 0 for none. Bits 48 to 61: the list. Bit 62: there
/// is a row at all. Bit 63: the row is the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference(pub(super) u64);

impl Reference {
    /// Bytes of a reference.
    pub(super) const LEN: usize = 8;
    const LABEL: u64 = (1 << 48) - 1;
    const ROW: u64 = 1 << 62;
    const CANARY: u64 = 1 << 63;

    /// A reference; the label's offset is below 2^48 - 1, the list below 2^14.
    pub(super) fn new(list: u16, canary: bool, label: Option<u64>) -> Self {
        let flags = if canary { Self::ROW | Self::CANARY } else { Self::ROW };
        Reference(flags | u64::from(list) << 48 | label.map_or(0, |offset| offset + 1))
    }

    /// The reference at the end of a slot.
    pub(super) fn of_slot(slot: &[u8]) -> Self {
        Reference(slot.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    /// Whether a row stands in the slot.
    pub(super) fn is_row(self) -> bool {
        self.0 & Self::ROW != 0
    }

    pub(super) fn list(self) -> u16 {
        (self.0 >> 48) as u16 & 0x3fff
    }

    pub(super) fn is_canary(self) -> bool {
        self.0 & Self::CANARY != 0
    }

    pub(super) fn label(self) -> Option<u64> {
        (self.0 & Self::LABEL).checked_sub(1)
    }
}

/// The label at an offset of the label texts: a length byte, then the text. `None` if there is
/// no such label.
pub(super) fn label_at(labels: &[u8], offset: u64) -> Option<&str> {
    let (len, text) = labels.get(usize::try_from(offset).ok()?..)?.split_first()?;
    std::str::from_utf8(text.get(..usize::from(*len))?).ok()
}

/// Appends a label, which has at most 200 bytes: its length, then its text.
pub(super) fn push_label(labels: &mut Vec<u8>, label: &str) {
    labels.push(label.len() as u8);
    labels.extend(label.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_back() {
        let last = (1 << 48) - 2;
        for (list, canary, label) in
            [(0, false, None), (1023, true, Some(0)), (0x3fff, true, Some(last))]
        {
            let reference = Reference::new(list, canary, label);
            let back = (reference.list(), reference.is_canary(), reference.label());
            assert_eq!(back, (list, canary, label));
            assert!(reference.is_row());
        }
        assert!(!Reference(0).is_row());
    }

    #[test]
    fn a_slot_ends_in_its_reference() {
        let reference = Reference::new(3, false, Some(9));
        let slot = [&[7; 16][..], &reference.0.to_le_bytes()].concat();
        assert_eq!(Reference::of_slot(&slot), reference);
    }

    #[test]
    fn labels_outside_are_none() {
        let labels = b"\x02ab\x01c\x05xy\x01\xff";
        assert_eq!(label_at(labels, 0), Some("ab"));
        assert_eq!(label_at(labels, 3), Some("c"));
        for wrong in [5, 8, 10, 11, u64::MAX] {
            assert_eq!(label_at(labels, wrong), None, "{wrong}");
        }
    }
}
