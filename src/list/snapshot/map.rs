//! Opens a snapshot file and maps it. The only place of this room that is unsafe.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memmap2::{Advice, Mmap};

/// The bytes of a snapshot.
pub(super) enum Bytes {
    /// In memory.
    Owned(Vec<u8>),
    /// In a file that nobody changes.
    Mapped(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

/// A file with its map. What is needed whole is read from the file: it would stay resident twice
/// if it were copied out of the map.
pub(super) struct MappedFile {
    pub(super) bytes: Bytes,
    file: File,
}

impl MappedFile {
    /// Maps a regular file.
    ///
    /// # Errors
    /// The file is none, or can't be opened or mapped.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = open_regular(path)?;
        // SAFETY: the map is sound as long as no process writes to the file or cuts it. That is
        // the documented contract of `Snapshot::open`: the gate maps its own read-only copy, and
        // a new version is a new file under another name.
        let map = unsafe { Mmap::map(&file)? };
        // Lookups are random: reading ahead would only fill memory. A kernel that does not take
        // the advice serves as well.
        let _ = map.advise(Advice::Random);
        Ok(MappedFile { bytes: Bytes::Mapped(map), file })
    }

    /// Reads a part of the file.
    pub(super) fn read(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        self.file.read_exact_at(&mut bytes, range.start as u64)?;
        Ok(bytes)
    }
}

/// Opens a regular file; another kind could block or have no end.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    File::open(path)
}
