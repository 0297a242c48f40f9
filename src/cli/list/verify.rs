//! `s3bouncer list verify`: every checksum, the order of every table, and that the filter holds
//! every entry.

use std::io;
use std::path::{Path, PathBuf};

use super::info::counted;
use super::{ExitCode, Fault, Streams};
use crate::list::{Snapshot, SnapshotError};
use crate::ops::lists::ListError;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: PathBuf,
}

/// Verifies a snapshot.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    match verified(&args.snapshot) {
        Ok(snapshot) => {
            let (path, entries) = (args.snapshot.display(), counted(snapshot.entries()));
            writeln!(streams.out, "{path}: OK, snapshot {}, {entries}", snapshot.id())?;
            Ok(ExitCode::Success)
        }
        Err(error) => Fault::from(ListError::Snapshot(args.snapshot.clone(), error)).end(streams),
    }
}

fn verified(path: &Path) -> Result<Snapshot, SnapshotError> {
    let snapshot = Snapshot::open(path)?;
    snapshot.verify()?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use crate::cli::list::testing;
    use crate::cli::streams::captured;
    use crate::digest::Algorithm;

    #[test]
    fn a_flip_of_any_byte_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        testing::snapshot(&path, &[("a", &[(Algorithm::Md5, 1)])]);
        let good = fs::read(&path).unwrap();
        let verify = || {
            let args = Args { snapshot: path.clone() };
            captured(b"", |streams| run(&args, streams))
        };
        let (code, out, _) = verify();
        assert_eq!(code, ExitCode::Success);
        assert!(out.contains(": OK, snapshot ") && out.ends_with(", 1 entry\n"), "{out}");
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            let (code, out, err) = verify();
            assert_eq!((code, out.as_str()), (ExitCode::Usage, ""), "byte {at}");
            assert!(err.starts_with("s3bouncer: "), "{err}");
        }
    }
}
