use super::*;

use std::os::unix::ffi::OsStrExt;
use std::process::Command;

fn open(root: &Path) -> Directory {
    Directory::open(root, false, 7).unwrap()
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Modes of all there is, the root included, as octal digits.
fn modes(root: &Path) -> Vec<String> {
    let mut modes =
        vec![format!("{:o}", fs::metadata(root).unwrap().permissions().mode() & 0o7777)];
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => modes.extend(self::modes(&entry.path())),
            false => {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                modes.push(format!("file {mode:o}"));
            }
        }
    }
    modes.sort();
    modes
}

#[test]
fn what_is_put_is_read_listed_and_deleted() {
    for fsync in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(&root.path().join("a/b"), fsync, 7).unwrap();
        assert_eq!(directory.get("x/y", 0, 9).unwrap(), None);
        assert!(directory.names("x", 9).unwrap().names.is_empty());
        directory.put("x/y", &[bytes("one "), Bytes::new(), bytes("two")]).unwrap();
        directory.put("x/empty", &[]).unwrap();
        assert_eq!(directory.get("x/y", 0, 7).unwrap().unwrap(), "one two");
        assert_eq!(directory.get("x/y", 0, 3).unwrap().unwrap(), "one");
        assert_eq!(directory.get("x/y", 4, 9).unwrap().unwrap(), "two");
        assert_eq!(directory.get("x/y", 99, 9).unwrap().unwrap(), "");
        assert_eq!(directory.get("x/empty", 0, 0).unwrap().unwrap(), "");
        directory.put("x/y", &[bytes("three")]).unwrap();
        assert_eq!(directory.get("x/y", 0, 99).unwrap().unwrap(), "three");
        assert!(!directory.create("x/y", &[bytes("four")]).unwrap());
        assert!(directory.create("x/z", &[bytes("four")]).unwrap());
        assert!(directory.exists("x/z").unwrap() && !directory.exists("x/q").unwrap());
        let mut names = directory.names("x", 9).unwrap();
        names.names.sort();
        assert_eq!(
            (names.names, names.more),
            (["empty", "y", "z"].map(String::from).into(), false)
        );
        assert!(directory.names("x", 2).unwrap().more && !directory.names("x", 3).unwrap().more);
        directory.delete(&["x/y", "x/gone", "no/folder"].map(String::from)).unwrap();
        assert_eq!(directory.get("x/y", 0, 9).unwrap(), None);
        directory.prune(&["x".into()]);
        assert!(directory.exists("x/z").unwrap(), "a folder with files stays");
        directory.delete(&["x/z", "x/empty"].map(String::from)).unwrap();
        directory.prune(&["x".into(), "not/there".into()]);
        assert!(!directory.exists("x").unwrap());
        assert_eq!(fs::read_dir(root.path().join("a/b/tmp")).unwrap().count(), 0);
    }
}

/// More pieces than the system takes at a time, some of them empty.
#[test]
fn any_number_of_pieces_are_written_behind_one_another() {
    let root = tempfile::tempdir().unwrap();
    let directory = open(root.path());
    let pieces: Vec<Bytes> = (0..5000_usize).map(|n| vec![n as u8; n % 4].into()).collect();
    for body in [&pieces[..], &pieces[1..2], &pieces[..1], &[]] {
        let mut staged = directory.stage(9).unwrap();
        staged.append(body).unwrap();
        staged.append(&pieces[7..8]).unwrap();
        directory.publish(staged, "x/y").unwrap();
        let expected = [body.concat(), pieces[7].to_vec()].concat();
        assert_eq!(directory.get("x/y", 0, usize::MAX).unwrap().unwrap(), expected);
    }
}

/// Runs this test program again, for one test, without a umask.
#[test]
fn nobody_else_reads_anything_whatever_the_umask() {
    const CHILD: &str = "S3BOUNCER_TEST_UMASK";
    if let Some(root) = std::env::var_os(CHILD) {
        let directory = open(Path::new(&root));
        directory.put("mpu/aa/bb", &[bytes("x")]).unwrap();
        directory.put("mpu/aa/empty", &[]).unwrap();
        directory.create("mpu/cc", &[bytes("x")]).unwrap();
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("state");
    let name = "directory::tests::nobody_else_reads_anything_whatever_the_umask";
    let script = format!("umask 000 && exec \"$0\" {name}");
    let program = std::env::current_exe().unwrap();
    let child = Command::new("sh").arg("-c").arg(script).arg(program).env(CHILD, &root).output();
    assert!(child.unwrap().status.success());
    let expected = ["700", "700", "700", "700", "file 600", "file 600", "file 600"];
    assert_eq!(modes(&root), expected);
}

#[test]
fn a_directory_that_others_could_enter_is_closed_to_them() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
    open(root.path());
    assert_eq!(modes(root.path()), ["700", "700"]);
}

#[test]
fn what_is_in_the_way_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(Directory::open(&file, false, 7).is_err());
    let directory = open(root.path());
    assert!(directory.put("file/below", &[bytes("x")]).is_err());
    assert!(directory.get("file/below", 0, 1).is_err());
    fs::create_dir(root.path().join("folder")).unwrap();
    assert!(directory.put("folder", &[bytes("x")]).is_err());
    assert!(directory.delete(&["folder".into()]).is_err());
    assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn foreign_things_in_a_folder_are_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let directory = open(root.path());
    directory.put("x/ours", &[bytes("12345")]).unwrap();
    let folder = root.path().join("x");
    fs::write(folder.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
    fs::create_dir_all(folder.join("deep/er/and/deeper/still")).unwrap();
    fs::write(folder.join("deep/er/and/deeper/still/file"), "x").unwrap();
    std::os::unix::fs::symlink(root.path(), folder.join("round")).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.join("broken")).unwrap();
    assert_eq!(directory.names("x", 9).unwrap().names, ["ours"]);
    let mut seen = Vec::new();
    directory.fold("x", &mut |entry| seen.push((entry.name, entry.size))).unwrap();
    assert_eq!(seen, [("ours".to_owned(), 5)]);
}

/// What a process that was killed between writing and renaming leaves.
#[test]
fn half_written_files_are_never_seen_and_go_with_time() {
    let root = tempfile::tempdir().unwrap();
    let directory = open(root.path());
    directory.put("x/whole", &[bytes("x")]).unwrap();
    let now = SystemTime::now();
    let leave = |name: &str, age: Duration| {
        let file = File::create(root.path().join("tmp").join(name)).unwrap();
        file.set_modified(now - age).unwrap();
    };
    leave("0000000000000007.0", TEMPORARY_AGE_MAX + Duration::from_secs(1));
    leave("0000000000000008.0", TEMPORARY_AGE_MAX - Duration::from_secs(60));
    // A name that this process would take next is no obstacle: nonces differ.
    assert_eq!(directory.names("x", 9).unwrap().names, ["whole"]);
    assert_eq!(directory.sweep_temporary(now).unwrap(), 1);
    assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 1);
}

#[test]
fn folders_that_vanish_while_files_get_there_are_made_again() {
    let root = tempfile::tempdir().unwrap();
    let directory = open(root.path());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                directory.delete(&["a/b/c".into()]).unwrap();
                directory.prune(&["a/b".into(), "a".into()]);
            }
        });
        for _ in 0..500 {
            directory.put("a/b/c", &[bytes("x")]).unwrap();
        }
    });
}
