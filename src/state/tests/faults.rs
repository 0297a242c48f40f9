//! Backends that fail, lie or hang.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::state::testing::{
    Fault, Faulty, PATIENCE, in_directory, on_store, options, part, upload,
};
use crate::state::{Place, Prefix, State, StateError, Unfit};

#[tokio::test]
async fn what_a_bucket_cannot_do_is_said() {
    let check = async |fault| on_store(Faulty::new(fault), 1, PATIENCE).check_backend().await;
    assert!(check(Fault::Nothing).await.unwrap().conditional_create);
    assert!(!check(Fault::IgnoresCreate).await.unwrap().conditional_create);
    assert!(matches!(check(Fault::ListsNothing).await, Err(Unfit::ListAfterWrite)));
    assert!(matches!(check(Fault::ReadsStale).await, Err(Unfit::ReadAfterWrite)));
    assert!(matches!(check(Fault::KeepsDeleted).await, Err(Unfit::Delete)));
    let full = check(Fault::FullFrom(0)).await.unwrap_err();
    assert_eq!(full.to_string(), "cannot write: write: no space left");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_is_given_up_in_every_operation() {
    let patience = Duration::from_secs(2);
    let state = on_store(Faulty::new(Fault::Hangs), 1, patience);
    let (upload, record) = (upload("u"), part(1, b"x"));
    let prefix = Prefix::of([&record]);
    let timeouts = [
        state.put_record(&upload, &record).await.unwrap_err(),
        state.load(&upload).await.unwrap_err(),
        state.poison(&upload).await.unwrap_err(),
        state.is_poisoned(&upload).await.unwrap_err(),
        state.seen_create(&upload, SystemTime::now()).await.unwrap_err(),
        state.completed(&upload, &[(1, record.tag)]).await.unwrap_err(),
        state.forget(&upload).await.unwrap_err(),
        state.put_chain(&upload, &prefix, b"m", None).await.unwrap_err(),
        state.best_chain(&upload, &[record]).await.unwrap_err(),
        state.chain_before(&upload, 2).await.unwrap_err(),
        state.first_start(SystemTime::now()).await.unwrap_err(),
        state.sweep(SystemTime::now()).await.unwrap_err(),
    ];
    for error in timeouts {
        assert!(matches!(error, StateError::Timeout { after, .. } if after == patience), "{error}");
    }
}

#[tokio::test]
async fn a_failed_write_is_an_error_and_no_record() {
    let state = on_store(Faulty::new(Fault::FullFrom(1)), 1, PATIENCE);
    let upload = upload("u");
    state.put_record(&upload, &part(1, b"x")).await.unwrap();
    let failed = state.put_record(&upload, &part(2, b"y")).await.unwrap_err();
    assert!(matches!(failed, StateError::NoSpace { .. }));
    assert_eq!(state.load(&upload).await.unwrap().records(), [part(1, b"x")]);
}

#[tokio::test]
async fn foreign_files_disturb_nobody() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let (upload, record) = (upload("u"), part(1, b"x"));
    state.put_record(&upload, &record).await.unwrap();
    state.put_chain(&upload, &Prefix::of([&record]), b"m", None).await.unwrap();
    let folder = root.path().join(upload.folder());
    for name in ["rec/.nfs0001", "rec/p2.00001.junk", "chain/c1.junk", "chain/x", "spool/x", "x"] {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "foreign").unwrap();
    }
    fs::create_dir(folder.join("rec/folder")).unwrap();
    let view = state.load(&upload).await.unwrap();
    assert_eq!((view.records(), view.foreign()), (&[record][..], 2));
    assert!(state.best_chain(&upload, &[record]).await.unwrap().is_some());
}

#[tokio::test]
async fn a_rotten_chain_counts_as_none() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let (upload, parts) = (upload("u"), [part(1, b"x"), part(2, b"y")]);
    let (one, two) = (Prefix::of(&parts[..1]), Prefix::of(&parts));
    state.put_chain(&upload, &one, b"one", None).await.unwrap();
    state.put_chain(&upload, &two, b"two", None).await.unwrap();
    let file = root.path().join(upload.folder()).join("chain").join(two.name());
    for damage in [&b""[..], b"short", &[0; 11], &[0; 4096]] {
        fs::write(&file, damage).unwrap();
        let best = state.best_chain(&upload, &parts).await.unwrap().unwrap();
        assert_eq!((best.prefix, &best.midstate[..]), (one, &b"one"[..]), "{damage:?}");
    }
}

#[tokio::test]
async fn an_upload_with_too_many_records_is_refused_not_guessed() {
    use crate::state::store::RECORDS_MAX;
    let state = on_store(Faulty::new(Fault::Nothing), 1, PATIENCE);
    let upload = upload("u");
    state.put_record(&upload, &part(1, b"x")).await.unwrap();
    let folder = state.folder(&upload, "rec");
    let add =
        async |n: usize| state.backend.put(format!("{folder}/{n}"), Vec::new()).await.unwrap();
    for n in 1..RECORDS_MAX {
        add(n).await;
    }
    assert_eq!(state.load(&upload).await.unwrap().records().len(), 1);
    add(RECORDS_MAX).await;
    assert!(matches!(state.load(&upload).await, Err(StateError::TooMany(RECORDS_MAX))));
}

#[tokio::test]
async fn no_error_names_a_key() {
    let record = part(1, b"x");
    let name = record.name().unwrap();
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let rec = root.path().join(upload("u").folder());
    fs::create_dir_all(rec.parent().unwrap()).unwrap();
    fs::write(rec, "in the way").unwrap();
    let text = format!("{:?}", state.put_record(&upload("u"), &record).await.unwrap_err());
    assert!(!text.contains(&name) && !text.contains("mpu"), "{text}");
}

#[test]
fn a_directory_that_cannot_be_is_told_at_once() {
    let place = Place::Directory("/proc/nothing/here".into());
    assert!(State::open(&options(place)).is_err());
}
