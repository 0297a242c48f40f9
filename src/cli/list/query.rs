//! `s3bouncer list query`: whether a hash or a file is listed.

use std::io;
use std::path::PathBuf;

use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::cli::body::Body;
use crate::digest::{Algorithm, Digest};
use crate::list::Snapshot;
use crate::ops::lists::open_checked;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
}

/// What to look up.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Wanted {
    /// MD5, SHA-1 or SHA-256 in hex
    #[arg(value_name = "HASH", value_parser = hash)]
    hashes: Vec<Digest>,
    /// A file, whose digests are looked up; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Looks up, and tells list and entry of each hit.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let snapshot = match open_checked(&args.snapshot) {
        Ok(snapshot) => snapshot,
        Err(error) => return Fault::from(error).end(streams),
    };
    let found = match &args.wanted.file {
        Some(path) => {
            let input = streams.open(path);
            let body = input.and_then(|input| Body::read(input, snapshot.algorithms(), 0));
            match body {
                Ok(body) => {
                    let digests: Vec<Digest> = body.digests.iter().collect();
                    tell(&snapshot, &digests, streams)?
                }
                Err(error) => return Fault::io(path, &error).end(streams),
            }
        }
        None => tell(&snapshot, &args.wanted.hashes, streams)?,
    };
    if !found {
        streams.error("not listed")?;
        return Ok(ExitCode::NotFound);
    }
    Ok(ExitCode::Success)
}

/// Tells the hits of all digests; whether there is one.
fn tell(snapshot: &Snapshot, digests: &[Digest], streams: &mut Streams<'_>) -> io::Result<bool> {
    let mut found = false;
    for digest in digests {
        for hit in snapshot.lookup(digest) {
            found = true;
            let list = snapshot.lists().get(usize::from(hit.list)).map(|list| list.name.as_str());
            let (list, entry) = (Shown(list.unwrap_or_default()), Shown(hit.entry));
            let note = if hit.canary { ", the canary" } else { "" };
            writeln!(streams.out, "{list}/{entry} ({}{note})", digest.algorithm())?;
        }
    }
    Ok(found)
}

/// The length tells the algorithm: a snapshot holds no other kinds.
fn hash(text: &str) -> Result<Digest, String> {
    let fits = |algorithm: &Algorithm| algorithm.len() * 2 == text.len();
    let algorithm = Algorithm::ALL.into_iter().find(fits);
    let algorithm = algorithm.ok_or("32 (MD5), 40 (SHA-1) or 64 (SHA-256) hex digits")?;
    Digest::from_hex(algorithm, text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use crate::cli::list::testing::{self, digest};
    use crate::cli::streams::captured;
    use crate::digest::Algorithm::{Md5, Sha1, Sha256};
    use crate::list::canary_image;

    fn query(wanted: Wanted, input: &[u8]) -> (ExitCode, String, String) {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = directory.path().join("x");
        let lists: &[(&str, &[(Algorithm, u8)])] =
            &[("police", &[(Md5, 1), (Sha256, 2)]), ("other", &[(Md5, 1)])];
        testing::snapshot(&snapshot, lists);
        let args = Args { snapshot, wanted };
        captured(input, |streams| run(&args, streams))
    }

    fn hashes(digests: &[Digest]) -> Wanted {
        Wanted { hashes: digests.to_vec(), file: None }
    }

    #[test]
    fn a_hit_tells_list_and_entry() {
        let (code, out, _) = query(hashes(&[digest(Md5, 1)]), b"");
        assert_eq!(
            (code, out.as_str()),
            (ExitCode::Success, "police/case 1 (md5)\nother/case 1 (md5)\n")
        );
        let (code, out, err) = query(hashes(&[digest(Md5, 2), digest(Sha256, 2)]), b"");
        assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
        assert!(out.starts_with("police/e-") && out.ends_with(" (sha256)\n"), "{out}");
        assert_eq!(out.lines().count(), 1);
    }

    #[test]
    fn a_miss_exits_with_1() {
        for (wanted, input) in [
            (hashes(&[digest(Md5, 3), digest(Sha1, 1)]), &b""[..]),
            (Wanted { hashes: vec![], file: Some("-".into()) }, b"not listed"),
        ] {
            let (code, out, err) = query(wanted, input);
            assert_eq!((code, out.as_str()), (ExitCode::NotFound, ""));
            assert_eq!(err, "s3bouncer: not listed\n");
        }
    }

    #[test]
    fn a_file_is_looked_up_by_its_digests() {
        let wanted = Wanted { hashes: vec![], file: Some("-".into()) };
        let (code, out, _) = query(wanted, &canary_image());
        assert_eq!((code, out.lines().count()), (ExitCode::Success, 3));
        assert!(out.lines().all(|line| line.ends_with(", the canary)")), "{out}");
        let missing = Wanted { hashes: vec![], file: Some("none/x".into()) };
        assert_eq!(query(missing, b"").0, ExitCode::Io);
    }

    #[test]
    fn a_damaged_snapshot_has_no_misses() {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = directory.path().join("x");
        testing::snapshot(&snapshot, &[("a", &[(Md5, 1)])]);
        let mut bytes = fs::read(&snapshot).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&snapshot, bytes).unwrap();
        let args = Args { snapshot, wanted: hashes(&[digest(Md5, 3)]) };
        assert_eq!(captured(b"", |streams| run(&args, streams)).0, ExitCode::Usage);
    }

    #[test]
    fn the_length_tells_the_algorithm() {
        for (text, algorithm) in [
            ("0".repeat(32), Some(Md5)),
            ("aB".repeat(20), Some(Sha1)),
            ("0".repeat(64), Some(Sha256)),
            ("0".repeat(63), None),
            ("0".repeat(65), None),
            (String::new(), None),
            ("g".repeat(32), None),
            ("é".repeat(16), None),
        ] {
            assert_eq!(hash(&text).ok().map(|digest| digest.algorithm()), algorithm, "{text}");
        }
    }
}
