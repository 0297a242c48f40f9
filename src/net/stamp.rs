//! Whether a file is another one than before, without reading it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from one that has taken its place, or from itself with other bytes: on every
/// file system, and through the symbolic links that Kubernetes swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds, of the bytes and of all that is known about them.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The file's that `path` leads to now; none where it leads nowhere.
    pub fn of(path: &Path) -> Option<Stamp> {
        let facts = fs::metadata(path).ok()?;
        Some(Stamp {
            device: facts.dev(),
            inode: facts.ino(),
            bytes: facts.size(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        })
    }
}
