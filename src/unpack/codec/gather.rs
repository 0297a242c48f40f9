//! Pieces of a stream that have to be whole before they can be read.

/// Collects the next bytes of a stream until they are as many as wanted.
///
/// What it holds is bounded by what its owner asks for.
#[derive(Debug, Default)]
pub(in crate::unpack) struct Gather {
    bytes: Vec<u8>,
    /// Whether the bytes were asked for whole, so that the next `fill` starts anew.
    taken: bool,
}

impl Gather {
    /// Moves bytes from `input` until `wanted` are here; whether they are.
    pub(in crate::unpack) fn fill(&mut self, input: &mut &[u8], wanted: usize) -> bool {
        if std::mem::take(&mut self.taken) {
            self.bytes.clear();
        }
        let missing = wanted.saturating_sub(self.bytes.len());
        let (head, rest) = input.split_at(input.len().min(missing));
        self.bytes.extend_from_slice(head);
        *input = rest;
        self.bytes.len() >= wanted
    }

    /// What has been gathered; the next `fill` starts with nothing.
    pub(in crate::unpack) fn take(&mut self) -> &[u8] {
        self.taken = true;
        &self.bytes
    }

    /// What has been gathered so far; it stays.
    pub(in crate::unpack) fn peek(&self) -> &[u8] {
        if self.taken { &[] } else { &self.bytes }
    }

    /// Whether nothing is held.
    pub(in crate::unpack) fn is_empty(&self) -> bool {
        self.peek().is_empty()
    }
}

/// Passes over up to `left` bytes of `input`; gives how many are still to be passed over.
pub(super) fn skip(left: usize, input: &mut &[u8]) -> usize {
    let step = left.min(input.len());
    *input = &input[step..];
    left - step
}

/// The first four bytes of a piece that has at least as many.
pub(super) fn u32_le(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_le_bytes)
}
