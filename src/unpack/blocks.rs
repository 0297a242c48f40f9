//! Cuts a stream where the stream alone says, however it came.

/// The length of a block in bytes; a whole number of tar's records.
pub(super) const BLOCK_BYTES: usize = 16 * 1024;

/// Turns pushes of any length into blocks at multiples of [`BLOCK_BYTES`], the last one shorter.
///
/// Whatever sits behind sees the same calls with the same bytes however the stream was cut, so that
/// its output, its errors and where it reaches a bound can't depend on that.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The begun block; shorter than a whole one.
    held: Vec<u8>,
}

impl Blocks {
    /// Takes the next bytes and passes on each block that is complete; stops at its first error.
    pub(super) fn push<E>(
        &mut self,
        bytes: &[u8],
        mut block: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        if !self.held.is_empty() {
            let (head, behind) = rest.split_at(rest.len().min(BLOCK_BYTES - self.held.len()));
            self.held.extend_from_slice(head);
            rest = behind;
            if self.held.len() < BLOCK_BYTES {
                return Ok(());
            }
            block(&self.held)?;
            self.held.clear();
        }
        let mut whole = rest.chunks_exact(BLOCK_BYTES);
        whole.by_ref().try_for_each(&mut block)?;
        self.held.extend_from_slice(whole.remainder());
        Ok(())
    }

    /// The end of the stream: what is left of it, shorter than a block.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}
