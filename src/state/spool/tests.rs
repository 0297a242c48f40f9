use super::*;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use proptest::prelude::*;

use crate::state::testing::{Fault, Faulty, PATIENCE, in_directory, on_store, options, upload};
use crate::state::{Place, State, StateOptions};

/// No two chunks of it are alike.
fn message(len: usize) -> Bytes {
    let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ (i >> 20) as u8;
    (0..len as u32).map(byte).collect()
}

async fn spool(state: &State, pieces: &[Bytes]) -> Result<SpoolRef, StateError> {
    let len = pieces.iter().map(|piece| piece.len() as u64).sum();
    let mut writer = state.begin_spool(&upload("u"), len).unwrap();
    for piece in pieces {
        writer.write(piece.clone()).await?;
    }
    writer.finish().await
}

async fn read(state: &State, spools: &[SpoolRef]) -> Result<Vec<u8>, StateError> {
    let reader = state.read_spools(&upload("u"), spools).unwrap();
    reader
        .into_stream()
        .try_fold(Vec::new(), |mut all, bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        })
        .await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// A spool's file.
fn file(root: &Path, spool: &SpoolRef) -> PathBuf {
    root.join(upload("u").folder()).join("spool").join(spool.id.chunk(0))
}

/// Waits until what was undone in a task of its own is gone.
async fn nothing_held(state: &State) {
    while state.spool_usage().0 + state.spool_memory().0 > 0 {
        tokio::task::yield_now().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn bytes_come_back_however_they_were_cut(
        cuts in prop::collection::vec(prop_oneof![0..40_usize, 0..DIRECTORY_CHUNK * 3 / 2], 0..6),
        small in 1..50_usize,
    ) {
        let whole = message(cuts.iter().sum::<usize>() + small);
        let mut rest = whole.clone();
        let mut pieces: Vec<Bytes> = cuts.iter().map(|len| rest.split_to(*len)).collect();
        pieces.extend(rest.chunks(3).map(Bytes::copy_from_slice));
        block_on(async {
            let root = tempfile::tempdir().unwrap();
            let state = in_directory(root.path());
            let one = spool(&state, &pieces).await.unwrap();
            let again = spool(&state, std::slice::from_ref(&whole)).await.unwrap();
            assert_eq!((one.checksum, one.chunks, one.bytes), (again.checksum, again.chunks, again.bytes));
            assert_eq!(one.chunks, 1);
            let nothing = spool(&state, &[]).await.unwrap();
            let all = read(&state, &[one, nothing, again]).await.unwrap();
            assert!(all == [&whole[..], &whole[..]].concat());
            assert_eq!(state.spool_memory().0, 0);
        });
    }
}

#[tokio::test]
async fn a_bucket_has_large_chunks_and_the_same_bytes() {
    let state = on_store(Faulty::new(Fault::Nothing), 1, PATIENCE);
    let whole = message(BUCKET_CHUNK + 1);
    let spooled = spool(&state, std::slice::from_ref(&whole)).await.unwrap();
    assert_eq!((spooled.chunks, spooled.bytes()), (2, whole.len() as u64));
    assert!(read(&state, &[spooled]).await.unwrap() == whole);
}

#[tokio::test]
async fn a_spool_that_is_not_finished_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let files = |folder: &str| fs::read_dir(root.path().join(folder)).map_or(0, Iterator::count);
    let folder = format!("{}/spool", upload("u").folder());
    for bytes in [0, 1, DIRECTORY_CHUNK, 3 * DIRECTORY_CHUNK + 5] {
        let mut writer = state.begin_spool(&upload("u"), 1 << 30).unwrap();
        writer.write(message(bytes)).await.unwrap();
        assert_eq!(state.spool_usage().0, 1 << 30);
        drop(writer);
        nothing_held(&state).await;
        assert_eq!((files(&folder), files("tmp")), (0, 0), "{bytes}");
    }
}

#[tokio::test]
async fn more_or_fewer_bytes_than_announced_are_no_spool() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let mut writer = state.begin_spool(&upload("u"), 3).unwrap();
    writer.write(message(3)).await.unwrap();
    assert!(matches!(writer.write(message(1)).await, Err(StateError::Invalid(_))));
    assert!(writer.finish().await.is_err());
    let mut writer = state.begin_spool(&upload("u"), 3).unwrap();
    writer.write(message(2)).await.unwrap();
    assert!(matches!(writer.finish().await, Err(StateError::Invalid(_))));
    nothing_held(&state).await;
}

#[tokio::test]
async fn what_is_cut_changed_or_gone_is_never_taken_for_whole() {
    let root = tempfile::tempdir().unwrap();
    let state = in_directory(root.path());
    let whole = message(2 * DIRECTORY_CHUNK + 10);
    let spooled = spool(&state, std::slice::from_ref(&whole)).await.unwrap();
    let file = file(root.path(), &spooled);
    let len = whole.len();
    let changed = |at: usize, by: &[u8]| [&whole[..at], by, &whole[at + by.len()..]].concat();
    let damages = [
        ("cut", whole[..len - 1].to_vec()),
        ("cut at a chunk", whole[..DIRECTORY_CHUNK].to_vec()),
        ("empty", Vec::new()),
        ("zeros, as after a power cut", vec![0; len]),
        ("zeros at the end", changed(len - 10, &[0; 10])),
        ("exchanged", [&whole[DIRECTORY_CHUNK..], &whole[..DIRECTORY_CHUNK]].concat()),
        ("a bit", changed(len / 2, &[whole[len / 2] ^ 1])),
    ];
    for (what, bytes) in damages {
        fs::write(&file, bytes).unwrap();
        let read = read(&state, &[spooled]).await;
        assert!(matches!(read, Err(StateError::Damaged(_))), "{what}: {:?}", read.map(|r| r.len()));
    }
    fs::remove_file(&file).unwrap();
    assert!(matches!(read(&state, &[spooled]).await, Err(StateError::Damaged(_))));
    fs::write(&file, &whole).unwrap();
    assert!(read(&state, &[spooled]).await.unwrap() == whole);
}

#[tokio::test]
async fn a_row_of_objects_with_one_missing_or_exchanged_is_not_whole() {
    let store = Faulty::new(Fault::Nothing);
    let state = on_store(store.clone(), 1, PATIENCE);
    let whole = message(2 * BUCKET_CHUNK + 10);
    let spooled = spool(&state, std::slice::from_ref(&whole)).await.unwrap();
    let folder = state.folder(&upload("u"), "spool");
    let key = |index| format!("{folder}/{}", spooled.id.chunk(index));
    let put = async |index, bytes| state.backend.put(key(index), vec![bytes]).await.unwrap();
    put(0, whole.slice(BUCKET_CHUNK..2 * BUCKET_CHUNK)).await;
    assert!(matches!(read(&state, &[spooled]).await, Err(StateError::Damaged(_))));
    put(0, whole.slice(..BUCKET_CHUNK)).await;
    assert!(read(&state, &[spooled]).await.unwrap() == whole);
    put(2, whole.slice(..9)).await;
    assert!(matches!(read(&state, &[spooled]).await, Err(StateError::Damaged(_))));
    state.backend.delete(vec![key(1)]).await.unwrap();
    assert!(matches!(read(&state, &[spooled]).await, Err(StateError::Damaged(_))));
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing() {
    for full_from in 0..3 {
        let store = Faulty::new(Fault::FullFrom(full_from));
        let state = on_store(store.clone(), 1, PATIENCE);
        let failed = spool(&state, &[message(3 * BUCKET_CHUNK)]).await;
        assert!(matches!(failed, Err(StateError::NoSpace { .. })), "{failed:?}");
        nothing_held(&state).await;
        assert_eq!(store.len().await, 0);
    }
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_taken() {
    let state = on_store(Faulty::new(Fault::FullFrom(0)), 1, PATIENCE);
    let mut writer = state.begin_spool(&upload("u"), 1 << 30).unwrap();
    while writer.write(message(BUCKET_CHUNK)).await.is_ok() {}
    assert!(writer.write(message(BUCKET_CHUNK)).await.is_err());
    nothing_held(&state).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_is_given_up() {
    let state = on_store(Faulty::new(Fault::Hangs), 1, Duration::from_secs(2));
    let failed = spool(&state, &[message(1)]).await;
    assert!(matches!(failed, Err(StateError::Timeout { .. })), "{failed:?}");
}

#[tokio::test]
async fn room_and_memory_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let place = Place::Directory(root.path().to_owned());
    let each = CHUNKS_HELD * DIRECTORY_CHUNK as u64;
    let options =
        StateOptions { spool_max: 4 * each, spool_memory_max: 3 * each, ..options(place) };
    let state = State::open(&options).unwrap();
    let begin = |bytes| state.begin_spool(&upload("u"), bytes);
    let too_long = u64::from(u16::MAX) * DIRECTORY_CHUNK as u64 + 1;
    assert_eq!(begin(too_long).unwrap_err(), SpoolRefused::TooLong);
    assert_eq!(begin(4 * each + 1).unwrap_err(), SpoolRefused::Full);
    let writers: Vec<_> = (0..3).map(|_| begin(each).unwrap()).collect();
    assert_eq!(begin(1).unwrap_err(), SpoolRefused::Busy);
    let id = crate::state::record::SpoolId { nonce: 0, serial: 0 };
    let spooled = SpoolRef { id, chunks: 1, checksum: 0, bytes: 1 };
    assert!(matches!(state.read_spools(&upload("u"), &[spooled]), Err(SpoolRefused::Busy)));
    drop(writers);
    nothing_held(&state).await;
    drop(begin(4 * each).unwrap());
}
