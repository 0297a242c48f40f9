//! Credentials files on disk: read with those that they name, and read again when one changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Clients, ConfigErrors, Signing, Sources};
use crate::net::stamp::Stamp;

/// Longest file that is read, in bytes: a credentials file may have a MiB, a secret a few.
const FILE_MAX: u64 = 2 << 20;

/// What others may do with a file of secrets: neither read nor write it.
const OTHERS: u32 = 0o006;

/// Why a credentials file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsFault {
    /// It can't be read, or others can read it.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// It is wrong.
    #[error("{0}:\n{1}")]
    Wrong(PathBuf, #[source] ConfigErrors),
}

/// Every file that was read for one credentials file, and how it looked before; `None` where it
/// could not be looked at.
type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// Remembers how credentials files, and the files that they name, looked when they were read.
#[derive(Debug, Default)]
pub struct Watch(Mutex<BTreeMap<PathBuf, Stamps>>);

/// Reads a credentials file, and the files and variables that it names.
///
/// # Errors
/// See [`CredentialsFault`].
pub fn read(path: &Path) -> Result<Arc<Clients>, CredentialsFault> {
    stamped(path).0
}

impl Watch {
    /// Reads the file of a store that signs anew, and remembers how it looks; `None` for others.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read_for(
        &self,
        upstream: &config::Upstream,
    ) -> Result<Option<Arc<Clients>>, CredentialsFault> {
        match &upstream.signing {
            Signing::Pass => Ok(None),
            Signing::Anew(anew) => self.read(&anew.credentials).map(Some),
        }
    }

    /// Reads a file if it, or one that it names, has changed since it was last read. A file that is
    /// wrong is read once for each change as well.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read_if_changed(&self, path: &Path) -> Result<Option<Arc<Clients>>, CredentialsFault> {
        let known = self.lock().get(path).cloned();
        let is_same = known
            .is_some_and(|stamps| stamps.iter().all(|(file, stamp)| Stamp::of(file) == *stamp));
        if is_same { Ok(None) } else { self.read(path).map(Some) }
    }

    /// Forgets how they looked: each is read again when it is next asked for.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn read(&self, path: &Path) -> Result<Arc<Clients>, CredentialsFault> {
        let (read, stamps) = stamped(path);
        self.lock().insert(path.to_path_buf(), stamps);
        read
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Stamps>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads, and tells how all that was read looked: before it was read, so that no change is missed.
fn stamped(path: &Path) -> (Result<Arc<Clients>, CredentialsFault>, Stamps) {
    let stamps = Mutex::new(Stamps::new());
    let secret_text = |file: &Path| {
        let mut stamps = stamps.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.insert(file.to_path_buf(), Stamp::of(file));
        text_of(file)
    };
    let read = match secret_text(path) {
        Err(error) => Err(CredentialsFault::File(path.to_path_buf(), error)),
        Ok(text) => {
            let sources = Sources {
                base: path.parent().unwrap_or(Path::new("")),
                file: &secret_text,
                variable: &|name| std::env::var(name).ok(),
            };
            let wrong = |errors| CredentialsFault::Wrong(path.to_path_buf(), errors);
            Clients::parse(&text, &sources).map(Arc::new).map_err(wrong)
        }
    };
    (read, stamps.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The text of a file that others can't read.
fn text_of(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.mode() & OTHERS != 0 {
        let message = "others can read or write it: take that from them (chmod o-rwx)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let mut text = String::new();
    file.take(FILE_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE_MAX {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is no file of secrets")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TEXT: &str = "[[client]]\naccess_key = \"AKID\"\nsecret_file = \"secret\"\n\
                        identity = \"i\"\n[[identity]]\nname = \"i\"\naccess_key = \"S\"\n\
                        secret = \"made-up\"\n";

    /// Written under another name and moved into place, as an editor or an agent does it.
    fn write(path: &Path, text: &str, mode: u32) {
        let staged = path.with_extension("new");
        fs::write(&staged, text).unwrap();
        fs::set_permissions(&staged, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(&staged, path).unwrap();
    }

    #[test]
    fn what_others_can_read_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let (path, secret) = (folder.path().join("keys.toml"), folder.path().join("secret"));
        for (mode, of_secret, fits) in [
            (0o600, 0o600, true),
            (0o640, 0o440, true),
            (0o644, 0o600, false),
            (0o602, 0o600, false),
            (0o600, 0o604, false),
        ] {
            write(&path, TEXT, mode);
            write(&secret, "hush\n", of_secret);
            let read = read(&path).map_err(|error| error.to_string());
            assert_eq!(read.is_ok(), fits, "{mode:o} {of_secret:o}");
            assert!(read.err().is_none_or(|text| text.contains("others can read")));
        }
    }

    #[test]
    fn a_change_of_any_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, secret) = (folder.path().join("keys.toml"), folder.path().join("secret"));
        let watch = Watch::default();
        let secret_now = || {
            let clients = watch.read_if_changed(&path).map_err(|error| error.to_string())?;
            let client = clients.map(|clients| clients.find("AKID").cloned());
            Ok::<_, String>(client.map(|client| client.unwrap().credentials.secret.clone()))
        };
        let is = |text: &str| Ok(Some(crate::s3::auth::Secret::new(text)));
        write(&path, TEXT, 0o600);
        assert!(secret_now().unwrap_err().contains("client.secret_file: the file can't be used"));
        assert_eq!(secret_now(), Ok(None), "nothing has changed");
        write(&secret, "one", 0o600);
        assert_eq!(secret_now(), is("one"));
        assert_eq!(secret_now(), Ok(None));
        write(&secret, "two", 0o600);
        assert_eq!(secret_now(), is("two"));
        write(&path, "nonsense", 0o600);
        assert!(secret_now().unwrap_err().contains("line 1"));
        assert_eq!(secret_now(), Ok(None), "it is told once");
        fs::remove_file(&path).unwrap();
        assert!(secret_now().is_err());
        assert_eq!(secret_now(), Ok(None));
        write(&path, TEXT, 0o600);
        assert_eq!(secret_now(), is("two"));
    }
}
