//! The bytes of a snapshot: in memory, or in a file that is mapped and read. The one place of this
//! room that opens files.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{Advice, Mmap};

/// Bytes of a page on most machines. Where pages are larger, some are known by several bits.
const PAGE: usize = 4096;

/// The bytes of a snapshot.
pub(super) enum Bytes {
    /// In memory.
    Owned(Vec<u8>),
    /// In a file that nobody changes.
    Mapped(MappedFile),
}

impl Bytes {
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
        let used = (0..map.len().div_ceil(PAGE * 64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Bytes::Mapped(MappedFile { map, file, used }))
    }

    /// Copies what stands from `start` on, by a read call where there is a file: what is needed
    /// whole would stay resident twice if it were copied out of the map, and what is needed once
    /// would stay for nothing.
    ///
    /// # Errors
    /// The file can't be read, or ends before `to` is full.
    pub(super) fn read_to(&self, start: usize, to: &mut [u8]) -> io::Result<()> {
        match self {
            Bytes::Owned(bytes) => {
                let from = bytes.get(start..).and_then(|bytes| bytes.get(..to.len()));
                to.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Bytes::Mapped(mapped) => mapped.file.read_exact_at(to, start as u64),
        }
    }

    /// Whether the page at `place` may be touched for a look that finds nothing: it is in memory
    /// anyway, or something was found on it before.
    pub(super) fn is_used(&self, place: usize) -> bool {
        match self {
            Bytes::Owned(_) => true,
            Bytes::Mapped(mapped) => {
                let (word, bit) = mapped.used_bit(place);
                word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
            }
        }
    }

    /// Says that something was found on the page at `place`.
    pub(super) fn set_used(&self, place: usize) {
        match self {
            Bytes::Owned(_) => {}
            Bytes::Mapped(mapped) => {
                let (word, bit) = mapped.used_bit(place);
                word.map(|word| word.fetch_or(bit, Ordering::Relaxed));
            }
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped(mapped) => &mapped.map,
        }
    }
}

/// A file with its map.
pub(super) struct MappedFile {
    map: Mmap,
    file: File,
    /// A bit for each page on which something was found. It only saves memory, so that two
    /// threads need not see the same.
    used: Box<[AtomicU64]>,
}

impl MappedFile {
    fn used_bit(&self, place: usize) -> (Option<&AtomicU64>, u64) {
        let page = place / PAGE;
        (self.used.get(page / 64), 1 << (page % 64))
    }
}

/// Opens a regular file; another kind could block or have no end.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    File::open(path)
}
