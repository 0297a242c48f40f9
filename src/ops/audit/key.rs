//! The secret of keyed hashes, kept in the state directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::proxy::record::Key;

/// Its name in the state directory.
const NAME: &str = "audit.key";

/// The key of this state directory: 32 bytes that are drawn once and stay.
///
/// # Errors
/// It can be neither read nor written, there is no randomness, or the file is no key.
pub fn load_or_create_key(state: &Path) -> io::Result<Key> {
    let path = state.join(NAME);
    if !path.try_exists()? {
        create(&path)?;
    }
    let bytes = fs::read(&path)?;
    let key = bytes.try_into().map_err(|_| {
        let text = format!("{} is not a key of 32 bytes", path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })?;
    Ok(Key(key))
}

/// Complete or not at all, and never in place of one that another process has made meanwhile.
fn create(path: &Path) -> io::Result<()> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| io::Error::other(e.to_string()))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()))
        .and_then(|()| fs::hard_link(&temporary, path));
    let _ = fs::remove_file(&temporary); // it may never have been there
    match written {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_drawn_once_and_is_private() {
        let state = tempfile::tempdir().unwrap();
        let key = load_or_create_key(state.path()).unwrap();
        assert_eq!(load_or_create_key(state.path()).unwrap(), key);
        assert_ne!(key, Key([0; 32]));
        let mode = fs::metadata(state.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1, "no temporary file stays");
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn a_file_of_another_length_is_no_key() {
        for length in [0, 31, 33] {
            let state = tempfile::tempdir().unwrap();
            fs::write(state.path().join(NAME), vec![1; length]).unwrap();
            let error = load_or_create_key(state.path()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn two_state_directories_have_two_keys() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = load_or_create_key(one.path()).unwrap();
        assert_ne!(key, load_or_create_key(two.path()).unwrap());
    }
}
