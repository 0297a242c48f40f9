//! `s3bouncer list diff`: what came and went between two snapshots, in numbers.

use std::collections::BTreeMap;
use std::io;
use std::iter::Peekable;
use std::path::PathBuf;

use super::{ExitCode, Fault, Streams};
use crate::cli::Shown;
use crate::list::{Hash, HashKind, Row, Snapshot};
use crate::ops::lists::open_checked;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Print each hash that came or went, too
    #[arg(long)]
    hashes: bool,
    /// The snapshot before
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The snapshot after
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

/// Counts entries of each list and kind that only one of the snapshots has. Labels don't count.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let opened = open_checked(&args.old).and_then(|old| Ok((old, open_checked(&args.new)?)));
    let (old, new) = match opened {
        Ok(both) => both,
        Err(error) => return Fault::from(error).end(streams),
    };
    let mut changes = changes_of_nothing(&old, &new);
    compare(&old, &new, &mut |change, list, hash| {
        let kind = hash.kind();
        let counts = changes.entry((list.to_owned(), kind)).or_default();
        match change {
            Change::Added => counts.added += 1,
            Change::Removed => counts.removed += 1,
        }
        if !args.hashes {
            return Ok(());
        }
        writeln!(streams.out, "{} {} {kind} {hash}", change.sign(), Shown(list))
    })?;
    for ((list, kind), Counts { added, removed }) in &changes {
        writeln!(streams.out, "{}: {kind} +{added} -{removed}", Shown(list))?;
    }
    Ok(ExitCode::Success)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
}

impl Change {
    const fn sign(self) -> char {
        match self {
            Change::Added => '+',
            Change::Removed => '-',
        }
    }
}

#[derive(Default)]
struct Counts {
    added: u64,
    removed: u64,
}

/// Every list and kind of either snapshot, so that what did not change is told too.
fn changes_of_nothing(old: &Snapshot, new: &Snapshot) -> BTreeMap<(String, HashKind), Counts> {
    let lists = old.lists().iter().chain(new.lists());
    let kinds = lists.flat_map(|list| list.kinds().map(|kind| (list.name.clone(), kind)));
    kinds.map(|kind| (kind, Counts::default())).collect()
}

/// Walks both in the order of hashes, and tells each entry that one of them lacks.
fn compare(
    old: &Snapshot,
    new: &Snapshot,
    tell: &mut dyn FnMut(Change, &str, &Hash) -> io::Result<()>,
) -> io::Result<()> {
    let (mut old_rows, mut new_rows) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let heads = [old_rows.peek(), new_rows.peek()];
        let Some(hash) = heads.into_iter().flatten().map(|row| &row.hash).min().cloned() else {
            return Ok(());
        };
        let before = lists_of(&mut old_rows, &hash, old);
        let after = lists_of(&mut new_rows, &hash, new);
        for list in before.iter().filter(|list| !after.contains(list)) {
            tell(Change::Removed, list, &hash)?;
        }
        for list in after.iter().filter(|list| !before.contains(list)) {
            tell(Change::Added, list, &hash)?;
        }
    }
}

/// The names of the lists that hold `hash`, whose rows are taken off.
fn lists_of<'a>(
    rows: &mut Peekable<impl Iterator<Item = Row<'a>>>,
    hash: &Hash,
    snapshot: &'a Snapshot,
) -> Vec<&'a str> {
    let mut names = Vec::new();
    while let Some(row) = rows.next_if(|row| row.hash == *hash) {
        names.extend(snapshot.lists().get(usize::from(row.list)).map(|list| list.name.as_str()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::list::testing;
    use crate::cli::streams::captured;
    use crate::digest::Algorithm::{self, Md5, Sha1, Sha256};

    type Lists<'a> = &'a [(&'a str, &'a [(Algorithm, u8)])];

    fn diff(old: Lists<'_>, new: Lists<'_>, hashes: bool) -> String {
        let directory = tempfile::tempdir().unwrap();
        let [old_path, new_path] = ["old", "new"].map(|name| directory.path().join(name));
        testing::snapshot(&old_path, old);
        testing::snapshot(&new_path, new);
        let args = Args { hashes, old: old_path, new: new_path };
        let (code, out, err) = captured(b"", |streams| run(&args, streams));
        assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
        out
    }

    #[test]
    fn changes_are_counted_by_list_and_kind() {
        let old: Lists<'_> = &[("a", &[(Md5, 1), (Md5, 2), (Sha256, 1)]), ("gone", &[(Sha1, 5)])];
        // In another order, and with a digest that moves from list to list.
        let new: Lists<'_> = &[
            ("b", &[(Md5, 2), (Md5, 9)]),
            ("a", &[(Md5, 1), (Sha256, 1), (Sha256, 2), (Sha256, 3)]),
        ];
        let expected = "a: md5 +0 -1\na: sha256 +2 -0\nb: md5 +2 -0\ngone: sha1 +0 -1\n";
        assert_eq!(diff(old, new, false), expected);
        let back = "a: md5 +1 -0\na: sha256 +0 -2\nb: md5 +0 -2\ngone: sha1 +1 -0\n";
        assert_eq!(diff(new, old, false), back);
        assert_eq!(diff(old, old, false), "a: md5 +0 -0\na: sha256 +0 -0\ngone: sha1 +0 -0\n");
    }

    #[test]
    fn hashes_only_when_asked_for() {
        let (old, new): (Lists<'_>, Lists<'_>) = (&[("a", &[(Md5, 1)])], &[("a", &[(Md5, 2)])]);
        let [removed, added] = [1, 2].map(|byte| testing::digest(Md5, byte));
        let told = diff(old, new, true);
        assert_eq!(told, format!("- a md5 {removed}\n+ a md5 {added}\na: md5 +1 -1\n"));
        assert!(!diff(old, new, false).contains(&added.to_string()));
    }
}
