//! What a section comes to, before it is written: its length and checksum stand ahead of it.

use std::io::{self, BufWriter, Write};

use sha2::{Digest as _, Sha256};

use super::format::Checksum;

/// Buffer in front of the output and of checksums, in bytes.
pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// Length and checksum of what `write` writes.
pub(super) fn measure(
    write: impl FnOnce(&mut BufWriter<Measure>) -> io::Result<()>,
) -> io::Result<(u64, Checksum)> {
    let measure = Measure { len: 0, hasher: Sha256::new() };
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, measure);
    write(&mut out)?;
    let measure = out.into_inner().map_err(|error| error.into_error())?;
    Ok((measure.len, measure.hasher.finalize().into()))
}

/// Takes everything and keeps nothing.
pub(super) struct Measure {
    len: u64,
    hasher: Sha256,
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.len += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
