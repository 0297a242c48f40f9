//! The names of segments.
//!
//! ```text
//! audit.jsonl                              being written, by the process that holds its lock
//! audit.jsonl.pid71                        being written, by a process that found it locked
//! audit.jsonl.20261123T230806Z.1           rotated
//! audit.jsonl.pid71.20261123T230806Z.1     rotated
//! ```

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Processes with one number (of other containers, say) that can share a directory.
const NAMESAKES_MAX: u32 = 64;

/// Names to try for the segment being written, best first.
pub(super) fn candidates(base: &Path) -> impl Iterator<Item = PathBuf> {
    let own = format!("pid{}", std::process::id());
    let first = with_suffix(base, &own);
    let more = (1..NAMESAKES_MAX).map({
        let base = base.to_owned();
        move |n| with_suffix(&base, &format!("{own}-{n}"))
    });
    [base.to_owned(), first].into_iter().chain(more)
}

/// The free name that a segment takes when it is rotated.
pub(super) fn rotated(written: &Path, now: SystemTime) -> PathBuf {
    let stamp = jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let stamp = stamp.strftime("%Y%m%dT%H%M%SZ");
    let mut number = 1_u64;
    loop {
        let name = with_suffix(written, &format!("{stamp}.{number}"));
        if fs::symlink_metadata(&name).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            return name;
        }
        number += 1;
    }
}

/// Every segment of `base` there is, whoever writes or wrote it.
pub(super) fn all(base: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = match base.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_segment(base, &entry.file_name()) {
            found.push(directory.join(entry.file_name()));
        }
    }
    Ok(found)
}

fn is_segment(base: &Path, name: &OsStr) -> bool {
    let (Some(base), Some(name)) = (base.file_name().and_then(OsStr::to_str), name.to_str()) else {
        return false;
    };
    let Some(suffix) = name.strip_prefix(base) else { return false };
    let parts: Vec<&str> = suffix.split('.').collect();
    match parts.as_slice() {
        [""] => true,
        ["", process] => is_process(process),
        ["", stamp, number] => is_stamp(stamp) && is_number(number),
        ["", process, stamp, number] => is_process(process) && is_stamp(stamp) && is_number(number),
        _ => false,
    }
}

fn is_process(part: &str) -> bool {
    part.strip_prefix("pid").is_some_and(|rest| {
        let (process, namesake) = rest.split_once('-').unwrap_or((rest, "1"));
        is_number(process) && is_number(namesake)
    })
}

fn is_stamp(part: &str) -> bool {
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    match part.as_bytes().split_first_chunk::<8>() {
        Some((date, [b'T', time @ .., b'Z'])) => digits(date) && time.len() == 6 && digits(time),
        _ => false,
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn only_names_of_the_scheme_are_segments() {
        let cases = [
            ("audit.jsonl", true),
            ("audit.jsonl.pid7", true),
            ("audit.jsonl.pid7-2", true),
            ("audit.jsonl.20261123T230806Z.1", true),
            ("audit.jsonl.pid7-2.20261123T230806Z.12", true),
            ("audit.jsonl.", false),
            ("audit.jsonl.pid", false),
            ("audit.jsonl.pid7-", false),
            ("audit.jsonl.1", false),
            ("audit.jsonl.gz", false),
            ("audit.jsonl.20261123T23080Z.1", false),
            ("audit.jsonl.20261123T230806Z", false),
            ("audit.jsonl.20261123T230806Z.", false),
            ("audit.jsonl.20261123T230806Z.1.gz", false),
            ("audit.jsonl-denials", false),
            ("other", false),
        ];
        for (name, expected) in cases {
            let found = is_segment(Path::new("/var/log/audit.jsonl"), OsStr::new(name));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn candidates_and_rotated_names_are_segments() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("a");
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for written in candidates(&base) {
            assert!(is_segment(&base, written.file_name().unwrap()));
            assert!(is_segment(&base, rotated(&written, now).file_name().unwrap()));
        }
        fs::write(rotated(&base, now), "").unwrap();
        assert_eq!(rotated(&base, now), directory.path().join("a.20231114T221320Z.2"));
    }
}
