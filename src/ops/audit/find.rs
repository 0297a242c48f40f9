//! Finding one record again.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::files;

/// Bytes of a line that are looked at; records are far shorter. The rest of a longer line, which
/// can only be damage, reads as further lines.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The record with this id, in the segments of `paths` that are being written or were rotated,
/// newest first. Where both files hold it, the one of the first path is given.
///
/// Files are read in pieces. Lines that are no records (cut off by a crash) are passed over, and
/// so are segments that expire meanwhile.
///
/// # Errors
/// A directory or segment that is there cannot be read.
pub fn find(paths: &[&Path], request_id: &str) -> io::Result<Option<Map<String, Value>>> {
    for base in paths {
        for segment in newest_first(base)? {
            let found = match File::open(&segment) {
                Ok(file) => find_in(file, request_id)?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                Err(e) => return Err(e),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

fn newest_first(base: &Path) -> io::Result<Vec<PathBuf>> {
    let modified = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
    let mut segments = files::all(base)?;
    segments.sort_by_cached_key(|path| std::cmp::Reverse(modified(path)));
    Ok(segments)
}

fn find_in(source: impl Read, request_id: &str) -> io::Result<Option<Map<String, Value>>> {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        if source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if let Some(record) = record_of(&line, request_id) {
            return Ok(Some(record));
        }
    }
}

/// The line as a record, if it is the one.
fn record_of(line: &[u8], request_id: &str) -> Option<Map<String, Value>> {
    // Ids of ours need no escapes in JSON, so that most lines need not be parsed.
    let text = std::str::from_utf8(line).ok()?;
    if !text.contains(request_id) {
        return None;
    }
    let Ok(Value::Object(record)) = serde_json::from_str(text) else { return None };
    (record.get("request_id")?.as_str()? == request_id).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, key: &str) -> String {
        format!("{{\"request_id\":\"{id}\",\"key\":\"{key}\"}}\n")
    }

    fn key(record: &Map<String, Value>) -> &str {
        record["key"].as_str().unwrap()
    }

    #[test]
    fn the_id_decides_and_no_other_field() {
        let text = [line("B", "A"), "{\"request_id\":\"A\"".into(), "\n".into(), line("A", "x")];
        let found = find_in(text.concat().as_bytes(), "A").unwrap().unwrap();
        assert_eq!(key(&found), "x");
        assert!(find_in(text.concat().as_bytes(), "x").unwrap().is_none());
    }

    #[test]
    fn a_line_without_end_hides_nothing_behind_it() {
        let mut text = vec![b'z'; 3 * LINE_BYTES_MAX as usize];
        text.push(b'\n');
        text.extend([0xff, b'\n']);
        text.extend(line("A", "behind").bytes());
        assert_eq!(key(&find_in(&*text, "A").unwrap().unwrap()), "behind");
    }

    #[test]
    fn rotated_segments_and_both_files_are_searched() {
        let directory = tempfile::tempdir().unwrap();
        let all = directory.path().join("audit.jsonl");
        let denials = directory.path().join("denials.jsonl");
        let rotated = directory.path().join("audit.jsonl.20261123T230806Z.1");
        fs::write(&all, line("A", "current")).unwrap();
        fs::write(&rotated, line("B", "rotated")).unwrap();
        fs::write(&denials, line("C", "denied") + &line("B", "again")).unwrap();
        fs::write(directory.path().join("audit.jsonl.bak"), line("D", "no segment")).unwrap();
        let paths = [all.as_path(), denials.as_path()];
        for (id, expected) in [("A", "current"), ("B", "rotated"), ("C", "denied")] {
            assert_eq!(key(&find(&paths, id).unwrap().unwrap()), expected);
        }
        assert!(find(&paths, "D").unwrap().is_none());
        assert!(find(&[&directory.path().join("none/a")], "A").is_err());
    }
}
