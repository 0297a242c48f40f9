//! `s3bouncer list query`: whether a hash or a file is listed.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::cli::body::Body;
use crate::digest::Algorithm;
use crate::image::PerceptualKind;
use crate::list::{Hash, HashKind, Hit, NearHit, NearKind, Snapshot};
use crate::ops::lists::open_checked;

/// In how many of its bits a PDQ hash may differ from a listed one: the usual radius.
const PDQ_RADIUS: u32 = 31;
/// Bits of a PDQ hash.
const PDQ_BITS: u32 = 256;

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
    /// A digest, a pdq or another perceptual hash, in hex
    #[arg(value_name = "HASH", value_parser = hex)]
    hashes: Vec<Hex>,
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
                    let hashes: Vec<Hash> = body.digests.iter().map(Hash::Exact).collect();
                    tell(&snapshot, &hashes, streams)?
                }
                Err(error) => return Fault::io(path, &error).end(streams),
            }
        }
        None => {
            let hashes = args.wanted.hashes.iter().flat_map(|hex| hex.hashes(&snapshot));
            tell(&snapshot, &hashes.collect::<Vec<_>>(), streams)?
        }
    };
    if !found {
        streams.error("not listed")?;
        return Ok(ExitCode::NotFound);
    }
    Ok(ExitCode::Success)
}

/// Tells the hits of all hashes; whether there is one.
fn tell(snapshot: &Snapshot, hashes: &[Hash], streams: &mut Streams<'_>) -> io::Result<bool> {
    let mut found = false;
    for hash in hashes {
        for (hit, distance) in hits(snapshot, hash) {
            found = true;
            let list = snapshot.lists().get(usize::from(hit.list)).map(|list| list.name.as_str());
            let (list, entry) = (Shown(list.unwrap_or_default()), Shown(hit.entry));
            let distance = distance.map_or_else(String::new, |bits| format!(", distance {bits}"));
            let note = if hit.canary { ", the canary" } else { "" };
            writeln!(streams.out, "{list}/{entry} ({}{distance}{note})", hash.kind())?;
        }
    }
    Ok(found)
}

/// Where a hash is listed, or one near it and how near.
fn hits(snapshot: &Snapshot, hash: &Hash) -> Vec<(Hit, Option<u32>)> {
    let bits = hash.as_bytes().len() as u32 * u8::BITS;
    // The usual radius, or as large a part of another hash's bits.
    let radius = PDQ_RADIUS * bits / PDQ_BITS;
    let near = match hash {
        Hash::Exact(digest) => return snapshot.lookup(digest).map(|hit| (hit, None)).collect(),
        Hash::Pdq(pdq) => snapshot.near(&[*pdq], radius),
        Hash::Perceptual(kind, hash) => snapshot.near_perceptual(*kind, &[hash], radius),
    };
    near.into_iter()
        .map(|NearHit { list, entry, canary, distance, query: _ }| {
            (Hit { list, entry, canary }, Some(distance))
        })
        .collect()
}

/// Hex digits that may be a hash of more than one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hex(String);

impl Hex {
    /// The hashes that it can be: the digest of its length, and of the kinds of the snapshot those
    /// that are as long.
    fn hashes(&self, snapshot: &Snapshot) -> Vec<Hash> {
        let near = snapshot.near_kinds().into_iter().map(NearKind::hash_kind);
        let kinds: BTreeSet<HashKind> =
            Algorithm::ALL.map(HashKind::Exact).into_iter().chain(near).collect();
        kinds.into_iter().filter_map(|kind| Hash::from_hex(kind, &self.0).ok()).collect()
    }
}

/// The length tells what it can be.
fn hex(text: &str) -> Result<Hex, String> {
    let exact = Algorithm::ALL.map(HashKind::Exact);
    let own = PerceptualKind::all().map(HashKind::Perceptual);
    let mut kinds = exact.into_iter().chain([HashKind::Pdq]).chain(own);
    match kinds.find(|kind| kind.len() * 2 == text.len()) {
        None => {
            Err("as many hex digits as a hash has: 64 of SHA-256 or pdq, for example".to_owned())
        }
        Some(kind) => match Hash::from_hex(kind, text) {
            Ok(_) => Ok(Hex(text.to_owned())),
            Err(error) => Err(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use crate::cli::list::testing::{self, digest};
    use crate::cli::streams::captured;
    use crate::digest::Algorithm::{Md5, Sha1, Sha256};
    use crate::digest::Digest;
    use crate::list::{Entry, Label, Part, canary_image, compile};

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
        let hashes = digests.iter().map(|digest| Hex(digest.to_string())).collect();
        Wanted { hashes, file: None }
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
    fn the_length_tells_what_it_can_be() {
        for (text, fits) in [
            ("0".repeat(32), true),
            ("aB".repeat(20), true),
            ("0".repeat(64), true),
            ("0".repeat(16), true),
            ("0".repeat(63), false),
            ("0".repeat(66), false),
            (String::new(), false),
            ("g".repeat(32), false),
            ("é".repeat(16), false),
        ] {
            assert_eq!(hex(&text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn what_is_near_is_found_with_its_distance() {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = directory.path().join("x");
        let own = "gradient-8".parse().unwrap();
        let hashes = [(HashKind::Pdq, "0f".repeat(32)), (own, "0f".repeat(8))];
        let label = Label::new("logo", &[]).unwrap();
        let entries = hashes.map(|(kind, hex)| Entry {
            hash: Hash::from_hex(kind, &hex).unwrap(),
            label: Some(label.clone()),
        });
        let mut out = fs::File::create(&snapshot).unwrap();
        compile(&[Part { name: "own", entries: &entries }], &mut out).unwrap();
        let query = |text: String| {
            let wanted = Wanted { hashes: vec![hex(&text).unwrap()], file: None };
            let args = Args { snapshot: snapshot.clone(), wanted };
            captured(b"", |streams| run(&args, streams))
        };
        let told = |first: &str, times: usize| query(first.to_owned() + &"0f".repeat(times)).1;
        assert_eq!(told("0f", 31), "own/logo (pdq, distance 0)\n");
        assert_eq!(told("0f0f0f0e0e00", 26), "own/logo (pdq, distance 6)\n");
        assert_eq!(told("f00f0ff00ff0", 26), "own/logo (pdq, distance 24)\n");
        assert_eq!(told("f0f0f0f0", 28), "");
        assert_eq!(told("0e0000", 5), "", "9 of 64 bits are more than 31 of 256");
        assert_eq!(told("0e00", 6), "own/logo (gradient-8, distance 5)\n");
    }
}
