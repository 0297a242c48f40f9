use super::*;

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::state::Prefix;
use crate::state::testing::{Fault, Faulty, PATIENCE, in_directory, on_store, part, upload};

/// An upload with a part, its bytes, a chain and a mark.
async fn fill(state: &State, id: &str) {
    let upload = upload(id);
    let mut writer = state.begin_spool(&upload, 5).unwrap();
    writer.write(Bytes::from_static(b"bytes")).await.unwrap();
    let record = crate::state::PartRecord {
        spool: Some(writer.finish().await.unwrap()),
        ..part(1, b"bytes")
    };
    state.put_record(&upload, &record).await.unwrap();
    state.put_chain(&upload, &Prefix::of([&record]), b"midstate", None).await.unwrap();
    state.poison(&upload).await.unwrap();
}

async fn round(state: &State, now: SystemTime) -> Swept {
    let mut sum = Swept::default();
    loop {
        let swept = state.sweep(now).await.unwrap();
        sum.seen += swept.seen;
        sum.uploads += swept.uploads;
        if swept.round_ended {
            return sum;
        }
    }
}

/// Makes all files of an upload so old.
fn age(root: &Path, id: &str, at: SystemTime) {
    for folder in ["rec", "chain", "spool"] {
        let folder = root.join(upload(id).folder()).join(folder);
        for file in fs::read_dir(folder).unwrap() {
            File::options()
                .write(true)
                .open(file.unwrap().path())
                .unwrap()
                .set_modified(at)
                .unwrap();
        }
    }
}

#[tokio::test]
async fn what_did_not_change_for_the_ttl_goes_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let now = SystemTime::now();
    for id in ["old", "woken", "young"] {
        fill(&state, id).await;
    }
    let past = now - state.ttl - Duration::from_secs(1);
    age(root.path(), "old", past);
    age(root.path(), "woken", past);
    state.put_record(&upload("woken"), &part(2, b"late")).await.unwrap();
    let foreign = root.path().join("mpu/notes.txt");
    fs::write(&foreign, "foreign").unwrap();
    let foreign_folder = root.path().join(upload("old").folder()).join("notes.txt");
    fs::write(&foreign_folder, "foreign").unwrap();
    File::options().write(true).open(&foreign_folder).unwrap().set_modified(past).unwrap();

    let swept = round(&state, now).await;
    assert_eq!((swept.uploads, swept.seen), (1, 4 * 3 + 1 + 1));
    assert_eq!(state.load(&upload("old")).await.unwrap(), Default::default());
    for id in ["woken", "young"] {
        assert!(state.load(&upload(id)).await.unwrap().is_poisoned(), "{id}");
    }
    assert!(foreign.exists() && foreign_folder.exists(), "what is not ours stays");
    fs::remove_file(foreign_folder).unwrap();
    assert_eq!(round(&state, now + state.ttl + Duration::from_secs(60)).await.uploads, 2);
    assert_eq!(state.spool_usage().0, 0);
}

#[tokio::test]
async fn an_upload_that_is_gone_leaves_no_folder() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    fill(&state, "u").await;
    round(&state, SystemTime::now() + state.ttl + Duration::from_secs(60)).await;
    assert!(!root.path().join(upload("u").folder()).exists());
}

#[tokio::test]
async fn the_first_round_counts_what_others_left() {
    let root = tempfile::tempdir().unwrap();
    let (before, after) = (in_directory(root.path()), in_directory(root.path()));
    fill(&before, "a").await;
    fill(&before, "b").await;
    assert_eq!((before.spool_usage().0, after.spool_usage().0), (10, 0));
    round(&after, SystemTime::now()).await;
    assert_eq!(after.spool_usage().0, 10);
    before.forget(&upload("a")).await.unwrap();
    assert_eq!((before.spool_usage().0, after.spool_usage().0), (5, 10));
    round(&after, SystemTime::now()).await;
    assert_eq!(after.spool_usage().0, 5);
}

#[tokio::test]
async fn buckets_are_swept_alike() {
    let store = Faulty::new(Fault::Nothing);
    let state = on_store(store.clone(), 1, PATIENCE);
    fill(&state, "u").await;
    let now = SystemTime::now();
    assert_eq!(round(&state, now).await, Swept { seen: 4, ..Swept::default() });
    assert_eq!(state.spool_usage().0, 5);
    assert_eq!(round(&state, now + state.ttl + Duration::from_secs(60)).await.uploads, 1);
    assert_eq!((store.len().await, state.spool_usage().0), (0, 0));
}

#[tokio::test]
async fn janitors_do_not_hinder_one_another() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (in_directory(root.path()), in_directory(root.path()));
    for id in 0..20 {
        fill(&one, &id.to_string()).await;
    }
    let late = SystemTime::now() + one.ttl + Duration::from_secs(60);
    tokio::join!(round(&one, late), round(&two, late));
    for id in 0..20 {
        assert_eq!(one.load(&upload(&id.to_string())).await.unwrap(), Default::default());
    }
}
