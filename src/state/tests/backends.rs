//! One course of events, the same on every backend. `one` and `two` are two gates.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

use crate::state::testing::{Fault, Faulty, PATIENCE, in_directory, on_store, part, upload};
use crate::state::{Found, PartRecord, Prefix, State, Unresolved, UploadView};

#[tokio::test]
async fn a_directory() {
    let root = tempfile::tempdir().unwrap();
    course(&in_directory(root.path()), &in_directory(root.path())).await;
}

#[tokio::test]
async fn a_store_in_memory() {
    let store = Faulty::new(Fault::Nothing);
    course(&on_store(store.clone(), 1, PATIENCE), &on_store(store, 2, PATIENCE)).await;
}

pub(super) async fn course(one: &State, two: &State) {
    let capabilities = one.check_backend().await.unwrap();
    assert!(capabilities.clock_off < Duration::from_secs(60));
    records(one, two).await;
    conflict(one, two).await;
    marks(one, two).await;
    chains(one, two).await;
    spools(one, two).await;
    endings(one, two).await;
    starts(one, two).await;
}

async fn records(one: &State, two: &State) {
    let upload = upload("records");
    assert_eq!(one.load(&upload).await.unwrap(), UploadView::default());
    let (first, second) = (part(1, b"first"), part(7, b"second"));
    one.put_record(&upload, &first).await.unwrap();
    two.put_record(&upload, &second).await.unwrap();
    // Two gates that see one part, or one gate that sees it twice, agree without a word.
    two.put_record(&upload, &first).await.unwrap();
    for state in [one, two] {
        let view = state.load(&upload).await.unwrap();
        assert_eq!(view.records(), [first, second]);
        assert_eq!(view.find(7, second.tag), Found::Records(&[second]));
        assert_eq!(view.find(7, first.tag), Found::Nothing);
        let listed = [(1, first.tag), (7, second.tag)];
        assert_eq!(view.resolve(&listed).unwrap(), [first, second]);
        let unseen = view.resolve(&[(1, first.tag), (2, second.tag)]);
        assert_eq!(unseen, Err(Unresolved::Unseen { number: 2 }));
    }
}

/// One ETag for different bytes: somebody has an MD5 collision.
async fn conflict(one: &State, two: &State) {
    let upload = upload("conflict");
    let good = part(1, b"good");
    let collided = PartRecord { digests: part(1, b"evil").digests, ..good };
    let collided = PartRecord {
        digests: crate::digest::Digests { md5: good.digests.md5, ..collided.digests },
        ..collided
    };
    one.put_record(&upload, &good).await.unwrap();
    two.put_record(&upload, &collided).await.unwrap();
    let view = one.load(&upload).await.unwrap();
    assert_eq!(view.find(1, good.tag), Found::Conflict);
    assert_eq!(view.resolve(&[(1, good.tag)]), Err(Unresolved::Conflict { number: 1 }));
}

async fn marks(one: &State, two: &State) {
    let upload = upload("marks");
    let at = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    one.seen_create(&upload, at).await.unwrap();
    assert!(!two.is_poisoned(&upload).await.unwrap());
    one.poison(&upload).await.unwrap();
    one.poison(&upload).await.unwrap();
    assert!(two.is_poisoned(&upload).await.unwrap());
    two.forget(&upload).await.unwrap();
    let view = two.load(&upload).await.unwrap();
    assert_eq!((view.created(), view.is_poisoned()), (Some(1_900_000_000), true));
    assert_eq!(view.foreign(), 0);
}

async fn chains(one: &State, two: &State) {
    let upload = upload("chains");
    let parts = [part(1, b"a"), part(2, b"bb"), part(5, b"ccc"), part(6, b"dddd")];
    assert_eq!(one.best_chain(&upload, &parts).await.unwrap(), None);
    let prefixes: Vec<Prefix> = (1..=3).map(|n| Prefix::of(&parts[..n])).collect();
    one.put_chain(&upload, &prefixes[0], b"after one", Some(&Prefix::EMPTY)).await.unwrap();
    one.put_chain(&upload, &prefixes[1], b"after two", None).await.unwrap();
    let best = two.best_chain(&upload, &parts).await.unwrap().unwrap();
    assert_eq!((best.prefix, &best.midstate[..]), (prefixes[1], &b"after two"[..]));
    two.put_chain(&upload, &prefixes[2], b"after three", Some(&prefixes[1])).await.unwrap();
    let best = one.best_chain(&upload, &parts).await.unwrap().unwrap();
    assert_eq!((best.prefix, &best.midstate[..]), (prefixes[2], &b"after three"[..]));
    // Another second part: only what comes before it holds.
    let other = [parts[0], part(2, b"other"), parts[2]];
    let best = one.best_chain(&upload, &other).await.unwrap().unwrap();
    assert_eq!((best.prefix.parts, &best.midstate[..]), (1, &b"after one"[..]));
    assert_eq!(one.best_chain(&upload, &other[1..]).await.unwrap(), None);
    for (number, expected) in [(1, None), (2, Some(1)), (5, Some(1)), (6, Some(3)), (9, Some(3))] {
        let chain = two.chain_before(&upload, number).await.unwrap();
        assert_eq!(chain.map(|chain| chain.prefix.parts), expected, "{number}");
    }
    let long = vec![0; crate::state::MIDSTATE_BYTES_MAX + 1];
    assert!(one.put_chain(&upload, &prefixes[0], &long, None).await.is_err());
    one.put_chain(&upload, &prefixes[0], &long[1..], None).await.unwrap();
}

async fn spools(one: &State, two: &State) {
    let upload = upload("spools");
    let mut refs = Vec::new();
    for (state, text) in [(one, "spooled by one, "), (two, "and by two")] {
        let mut writer = state.begin_spool(&upload, text.len() as u64).unwrap();
        writer.write(Bytes::from_static(text.as_bytes())).await.unwrap();
        refs.push(writer.finish().await.unwrap());
    }
    // The reference goes through the record, as from gate to gate.
    let record = PartRecord { spool: Some(refs[0]), ..part(1, b"spooled by one, ") };
    one.put_record(&upload, &record).await.unwrap();
    let view = two.load(&upload).await.unwrap();
    refs[0] = view.records()[0].spool.unwrap();
    let mut reader = two.read_spools(&upload, &refs).unwrap();
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await.unwrap() {
        all.extend_from_slice(&bytes);
    }
    assert_eq!(all, b"spooled by one, and by two");
    one.forget(&upload).await.unwrap();
    assert!(two.read_spools(&upload, &refs).unwrap().next().await.is_err());
    assert!(two.load(&upload).await.unwrap().records().is_empty());
}

async fn endings(one: &State, two: &State) {
    let upload = upload("endings");
    let parts = [part(1, b"x"), part(2, b"y")];
    for record in &parts {
        one.put_record(&upload, record).await.unwrap();
    }
    let whole = Prefix::of(&parts);
    one.put_chain(&upload, &whole, b"m", None).await.unwrap();
    let listed = parts.map(|part| (part.number, part.tag));
    one.completed(&upload, &listed).await.unwrap();
    let view = two.load(&upload).await.unwrap();
    assert!(view.is_completed(&listed) && !view.is_completed(&listed[..1]));
    assert!(view.records().is_empty());
    assert_eq!(two.best_chain(&upload, &parts).await.unwrap(), None);
    two.forget(&upload).await.unwrap();
    two.forget(&upload).await.unwrap();
}

async fn starts(one: &State, two: &State) {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let (a, b) =
        tokio::join!(one.first_start(at(2_000_000_000)), two.first_start(at(2_000_000_007)));
    let first = one.first_start(at(2_100_000_000)).await.unwrap();
    assert!([a.unwrap(), b.unwrap()].contains(&first));
    // A clock that runs backwards changes nothing either.
    assert_eq!(two.first_start(at(1)).await.unwrap(), first);
}
