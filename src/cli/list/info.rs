//! `s3bouncer list info`: what a snapshot holds.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::digest::Algorithm;
use crate::image::Convention;
use crate::list::{HashKind, ListInfo, NearInfo, NearKind, Snapshot};
use crate::ops::lists::open_checked;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: PathBuf,
}

/// Tells the lists of a snapshot and their sizes.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let snapshot = match open_checked(&args.snapshot) {
        Ok(snapshot) => snapshot,
        Err(error) => return Fault::from(error).end(streams),
    };
    if args.json {
        serde_json::to_writer(&mut *streams.out, &Report::new(&args.snapshot, &snapshot))?;
        writeln!(streams.out)?;
    } else {
        tell(&args.snapshot, &snapshot, streams.out)?;
    }
    Ok(ExitCode::Success)
}

/// For humans: a line for the snapshot, and one for each list.
///
/// # Errors
/// `out` fails.
pub(super) fn tell(path: &Path, snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let entries = counted(snapshot.entries());
    writeln!(out, "{}: snapshot {}, {entries}", path.display(), snapshot.id())?;
    for list in snapshot.lists() {
        let exact = list.algorithms.iter();
        let exact = exact.map(|algorithm| format!("{algorithm} {}", list.entries_of(algorithm)));
        let near = list.near.iter().map(|near| format!("{} {}", kind(near), near.entries));
        let kinds: Vec<String> = exact.chain(near).collect();
        writeln!(out, "  {}: {}", Shown(&list.name), kinds.join(", "))?;
    }
    Ok(())
}

/// The word of a perceptual kind, with PDQ's convention where it is not the usual one.
fn kind(near: &NearInfo) -> String {
    match near.kind {
        NearKind::Pdq(Convention::Full) => "pdq".to_owned(),
        NearKind::Pdq(Convention::Resized512) => "pdq (512)".to_owned(),
        NearKind::Perceptual(kind) => kind.to_string(),
    }
}

/// A number of entries in words.
pub(super) fn counted(entries: u64) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    }
}

/// What `list info --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    snapshot: &'a str,
    entries: u64,
    lists: Vec<ListReport<'a>>,
}

/// One list; a kind that it does not have is null, and perceptual kinds but PDQ are there only if
/// it has them.
#[derive(Serialize)]
struct ListReport<'a> {
    name: &'a str,
    entries: u64,
    md5: Option<u64>,
    sha1: Option<u64>,
    sha256: Option<u64>,
    pdq: Option<u64>,
    pdq_convention: Option<&'static str>,
    #[serde(flatten)]
    perceptual: BTreeMap<String, u64>,
}

impl<'a> Report<'a> {
    fn new(path: &Path, snapshot: &'a Snapshot) -> Self {
        Report {
            file: path.to_string_lossy().into_owned(),
            snapshot: snapshot.id(),
            entries: snapshot.entries(),
            lists: snapshot.lists().iter().map(ListReport::new).collect(),
        }
    }
}

impl<'a> ListReport<'a> {
    fn new(list: &'a ListInfo) -> Self {
        let entries_of = |algorithm: Algorithm| {
            list.algorithms.contains(algorithm).then(|| list.entries_of(algorithm))
        };
        let near: BTreeMap<HashKind, u64> =
            list.near.iter().map(|near| (near.kind.hash_kind(), near.entries)).collect();
        ListReport {
            name: &list.name,
            entries: list.entries(),
            md5: entries_of(Algorithm::Md5),
            sha1: entries_of(Algorithm::Sha1),
            sha256: entries_of(Algorithm::Sha256),
            pdq: near.get(&HashKind::Pdq).copied(),
            pdq_convention: list.convention().map(Convention::name),
            perceptual: near
                .into_iter()
                .filter(|(kind, _)| *kind != HashKind::Pdq)
                .map(|(kind, entries)| (kind.to_string(), entries))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::list::testing;
    use crate::cli::streams::captured;

    fn info(json: bool) -> (String, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let a = [(Algorithm::Md5, 1), (Algorithm::Sha256, 2), (Algorithm::Sha256, 3)];
        testing::snapshot(&path, &[("a", &a), ("b", &[(Algorithm::Sha1, 1)])]);
        let id = Snapshot::open(&path).unwrap().id().to_owned();
        let place = format!("{}/", directory.path().display());
        let args = Args { json, snapshot: path };
        let (code, out, err) = captured(b"", |streams| run(&args, streams));
        assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
        (id, out.replace(&place, ""))
    }

    #[test]
    fn json_is_of_known_shape() {
        let (id, out) = info(true);
        let expected = format!(
            r#"{{"file":"x","snapshot":"{id}","entries":4,"lists":[{{"name":"a","entries":3,"md5":1,"sha1":null,"sha256":2,"pdq":null,"pdq_convention":null}},{{"name":"b","entries":1,"md5":null,"sha1":1,"sha256":null,"pdq":null,"pdq_convention":null}}]}}"#
        );
        assert_eq!(out, expected + "\n");
    }

    #[test]
    fn humans_read_a_line_a_list() {
        let (id, out) = info(false);
        let expected = format!("x: snapshot {id}, 4 entries\n  a: md5 1, sha256 2\n  b: sha1 1\n");
        assert_eq!(out, expected);
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "no snapshot").unwrap();
        for (snapshot, code) in [(path, ExitCode::Usage), ("none/x".into(), ExitCode::Io)] {
            let args = Args { json: true, snapshot };
            assert_eq!(captured(b"", |streams| run(&args, streams)).0, code);
        }
    }
}
