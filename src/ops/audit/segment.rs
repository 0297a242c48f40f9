//! The file that records are appended to.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::files;

/// Records name who uploaded what.
const MODE: u32 = 0o600;

/// How often a file that is renamed just while it is opened is tried again.
const OPEN_TRIES: u32 = 8;

/// An open segment. It ends with a newline, or is empty, or `torn` is set.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    bytes: u64,
    since: SystemTime,
    torn: bool,
}

impl Segment {
    /// Opens the segment of `base` that this process may write: `base` itself unless another
    /// process holds it.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(base: &Path, now: SystemTime) -> io::Result<Segment> {
        for path in files::candidates(base) {
            if let Some(file) = open_locked(&path, path != base)? {
                return Segment::take(path, file, now);
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "every name for a segment is taken"))
    }

    fn take(path: PathBuf, mut file: File, now: SystemTime) -> io::Result<Segment> {
        let metadata = file.metadata()?;
        if metadata.permissions().mode() & 0o777 != MODE {
            file.set_permissions(Permissions::from_mode(MODE))?;
        }
        let bytes = metadata.len();
        let since = if bytes == 0 { now } else { metadata.created().or(metadata.modified())? };
        let torn = bytes > 0 && last_byte(&mut file)? != b'\n';
        let mut segment = Segment { path, file, bytes, since, torn };
        segment.mend()?;
        Ok(segment)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody has removed the file.
    pub(super) fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Whether it is time to rotate. An empty segment never is.
    pub(super) fn is_due(&self, bytes_max: u64, age_max: Duration, now: SystemTime) -> bool {
        let age = now.duration_since(self.since).unwrap_or_default();
        self.bytes > 0 && (self.bytes >= bytes_max || age >= age_max)
    }

    /// Appends whole lines: all of them or, with an error, none.
    ///
    /// # Errors
    /// Those of the file system; the same lines may be tried again.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.mend()?;
        match self.file.write_all(lines) {
            Ok(()) => {
                self.bytes += lines.len() as u64;
                Ok(())
            }
            Err(e) => {
                // Without this a full disk would leave half a line in the middle of the file.
                self.torn = self.file.set_len(self.bytes).is_err();
                Err(e)
            }
        }
    }

    /// Gives the file its rotated name and lets go of it.
    ///
    /// # Errors
    /// It could not be renamed; it is as it was.
    pub(super) fn rotate(&self, now: SystemTime) -> io::Result<()> {
        fs::rename(&self.path, files::rotated(&self.path, now))
    }

    /// Ends a line that a crash or a full disk cut off, so that it spoils no other.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.bytes = self.file.metadata()?.len();
            self.torn = false;
        }
        Ok(())
    }
}

/// Opens and locks a file; `None` if another process has locked it.
///
/// On a file system without locks only a name of our own is good enough.
fn open_locked(path: &Path, own_name: bool) -> io::Result<Option<File>> {
    for _ in 0..OPEN_TRIES {
        let options = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path);
        let file = options?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path)? => return Ok(Some(file)),
            // Renamed between opening and locking: what we hold is somebody's rotated segment.
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(_)) => return Ok(own_name.then_some(file)),
        }
    }
    Ok(None)
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Removes the segments of `base` whose last record is older than `retention`, but the one at
/// `base` and the one at `written`. Gives the number removed.
///
/// # Errors
/// The directory cannot be read. A segment that cannot be removed is left for the next time.
pub(super) fn expire(
    base: &Path,
    written: Option<&Path>,
    retention: Duration,
    now: SystemTime,
) -> io::Result<usize> {
    let is_old = |path: &Path| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > retention))
    };
    let removed = files::all(base)?.into_iter().filter(|path| {
        path != base
            && Some(path.as_path()) != written
            && is_old(path)
            && fs::remove_file(path).is_ok()
    });
    Ok(removed.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_and_cannot_be_undone_spoils_one_line_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "whole\nhalf").unwrap();
        // A file that cannot be written stands for a disk that fails in the middle of a line.
        let (file, since) = (File::open(&path).unwrap(), SystemTime::now());
        let mut segment = Segment { path: path.clone(), file, bytes: 6, since, torn: false };
        assert!(segment.append(b"x\n").is_err() && segment.torn);
        assert!(segment.append(b"x\n").is_err() && segment.torn);
        segment.file = OpenOptions::new().append(true).open(&path).unwrap();
        segment.append(b"x\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nhalf\nx\n");
        assert_eq!((segment.bytes, segment.torn), (13, false));
    }
}
