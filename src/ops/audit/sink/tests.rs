use super::*;

use std::fs::{self, File};
use std::path::Path;
use std::time::UNIX_EPOCH;

const DAY: Duration = Duration::from_secs(86_400);

struct Room {
    directory: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Room { directory: tempfile::tempdir().unwrap() }
    }

    fn sink(&self) -> Sink {
        Sink::new(Retained {
            path: self.base(),
            rotate_bytes: 10,
            rotate_after: DAY,
            retention: DAY * 7,
        })
    }

    fn base(&self) -> std::path::PathBuf {
        self.directory.path().join("a")
    }

    fn base_text(&self) -> String {
        fs::read_to_string(self.base()).unwrap()
    }

    /// Names and contents of all files, by name.
    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

fn at(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + secs)
}

fn write(sink: &mut Sink, line: &str, now: SystemTime) {
    assert!(sink.push(line.as_bytes()));
    sink.flush(now).unwrap();
}

fn set_modified(path: &Path, to: SystemTime) {
    File::options().append(true).open(path).unwrap().set_modified(to).unwrap();
}

fn pair(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn a_segment_is_rotated_at_its_size_and_not_before() {
    let room = Room::new();
    let mut sink = room.sink();
    write(&mut sink, "12345678\n", at(0));
    assert_eq!(room.files(), [pair("a", "12345678\n")]);
    write(&mut sink, "\n", at(0));
    write(&mut sink, "1234567890\n", at(0));
    write(&mut sink, "x\n", at(1));
    let expected = [
        pair("a", "x\n"),
        pair("a.20231114T221320Z.1", "12345678\n\n"),
        pair("a.20231114T221320Z.2", "1234567890\n"),
    ];
    assert_eq!(room.files(), expected);
}

#[test]
fn a_segment_is_rotated_at_its_age_and_an_empty_one_never() {
    let room = Room::new();
    let mut sink = room.sink();
    sink.flush(at(0)).unwrap();
    sink.flush(at(0) + DAY * 2).unwrap();
    assert_eq!(room.files(), [pair("a", "")]);
    write(&mut sink, "x\n", at(0));
    sink.flush(at(0) + DAY - Duration::from_secs(1)).unwrap();
    assert_eq!(room.files(), [pair("a", "x\n")]);
    sink.flush(at(0) + DAY).unwrap();
    assert_eq!(room.files(), [pair("a", ""), pair("a.20231115T221320Z.1", "x\n")]);
}

#[test]
fn rotated_segments_expire_and_nothing_else_does() {
    let room = Room::new();
    let now = SystemTime::now();
    let names = ["a", "a.20231114T221320Z.1", "a.pid1.20231114T221320Z.1", "a.pid1", "a.bak", "b"];
    for name in names {
        fs::write(room.directory.path().join(name), "x\n").unwrap();
        set_modified(&room.directory.path().join(name), now - DAY * 7);
    }
    fs::write(room.directory.path().join("a.20231114T221320Z.2"), "young\n").unwrap();
    let left = |now| {
        room.sink().flush(now).unwrap();
        room.files().into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(left(now).len(), names.len() + 1, "at the retention they stay");
    assert_eq!(left(now + Duration::from_secs(1)), ["a", "a.20231114T221320Z.2", "a.bak", "b"]);
}

#[test]
fn each_process_writes_a_segment_of_its_own() {
    let room = Room::new();
    let (mut one, mut two, mut three) = (room.sink(), room.sink(), room.sink());
    write(&mut one, "1\n", at(0));
    write(&mut two, "2\n", at(0));
    write(&mut three, "3\n", at(0));
    let id = std::process::id();
    let second = pair(&format!("a.pid{id}"), "2\n");
    let third = pair(&format!("a.pid{id}-1"), "3\n");
    let mut expected = vec![pair("a", "1\n"), second, third];
    expected.sort();
    assert_eq!(room.files(), expected);
    // The name is free again when the first has ended.
    drop(one);
    two.reopen();
    write(&mut two, "4\n", at(0));
    assert_eq!(room.base_text(), "1\n4\n");
}

#[test]
fn a_line_cut_off_by_a_crash_is_ended() {
    for (left, expected) in [("", "x\n"), ("half", "half\nx\n"), ("whole\n", "whole\nx\n")] {
        let room = Room::new();
        fs::write(room.base(), left).unwrap();
        write(&mut room.sink(), "x\n", at(0));
        assert_eq!(room.base_text(), expected);
    }
}

#[test]
fn a_removed_file_is_made_again() {
    let room = Room::new();
    let mut sink = room.sink();
    write(&mut sink, "1\n", at(0));
    fs::remove_file(room.base()).unwrap();
    write(&mut sink, "2\n", at(0));
    assert_eq!(room.base_text(), "2\n");
}

#[test]
fn what_cannot_be_written_waits_within_its_bound() {
    let room = Room::new();
    let mut sink = room.sink();
    sink.settings.path = room.directory.path().join("missing/a");
    sink.pending_bytes_max = 8;
    assert!(sink.push(b"123\n") && sink.push(b"456\n"));
    assert!(!sink.push(b"\n"));
    assert!(sink.flush(at(0)).is_err());
    assert_eq!(sink.pending(), 2);
    fs::create_dir(room.directory.path().join("missing")).unwrap();
    sink.flush(at(0)).unwrap();
    assert_eq!((sink.pending(), sink.pending.len()), (0, 0));
    let written = fs::read_to_string(room.directory.path().join("missing/a")).unwrap();
    assert_eq!(written, "123\n456\n");
}

#[test]
fn writes_are_cut_between_lines() {
    let line = |length: usize| "x".repeat(length - 1) + "\n";
    let cases = [
        (vec![], 0),
        (vec![WRITE_BYTES_MAX + 1, 1], 1),
        (vec![WRITE_BYTES_MAX - 1, 1, 1], 2),
        (vec![WRITE_BYTES_MAX, 1], 1),
        (vec![1, 2, 3], 3),
        (vec![WRITE_BYTES_MAX + 1], 1),
    ];
    for (lengths, expected) in cases {
        let pending: String = lengths.iter().copied().map(line).collect();
        let lines = next_write(pending.as_bytes());
        assert_eq!(lines.len(), lengths[..expected].iter().sum::<usize>());
    }
}
