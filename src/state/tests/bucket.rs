//! The same on an S3 store over HTTP.

mod memory;

use std::time::Duration;

use memory::Store;

use crate::own_access::{Account, AccountError};
use crate::state::testing::{options, part, upload};
use crate::state::{OpenError, Place, State, StateError, StateOptions, Unfit};

fn state(account: Account, bucket: &str, prefix: &str) -> State {
    let place = Place::Bucket { account, bucket: bucket.into(), prefix: prefix.into() };
    State::open(&options(place)).unwrap()
}

#[tokio::test]
async fn a_bucket() {
    let store = Store::start(true).await;
    let open = || state(store.account(), "state", "gates/eu");
    super::backends::course(&open(), &open()).await;
    // Gates in front of another store, in the same bucket.
    let other = state(store.account(), "state", "gates/us");
    assert!(!other.is_poisoned(&upload("marks")).await.unwrap());
    let root = state(store.account(), "state", "");
    assert!(root.check_backend().await.unwrap().conditional_create);
}

#[tokio::test]
async fn a_bucket_that_ignores_conditions_will_do_and_is_told_apart() {
    let store = Store::start(false).await;
    let open = || state(store.account(), "state", "");
    super::backends::course(&open(), &open()).await;
    assert!(!open().check_backend().await.unwrap().conditional_create);
}

#[tokio::test]
async fn listings_of_several_pages() {
    let store = Store::start(true).await;
    let state = state(store.account(), "state", "");
    let parts: Vec<_> =
        (1..=3 * memory::PAGE as u16 + 1).map(|number| part(number, b"x")).collect();
    let upload = upload("u");
    for record in &parts {
        state.put_record(&upload, record).await.unwrap();
    }
    assert_eq!(state.load(&upload).await.unwrap().records(), parts);
    state.forget(&upload).await.unwrap();
    assert!(state.load(&upload).await.unwrap().records().is_empty());
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_bucket_is_said_without_its_keys() {
    let store = Store::start(true).await;
    let unfit = async |account, bucket| match state(account, bucket, "").check_backend().await {
        Err(Unfit::Failed { error: StateError::Backend { cause, .. }, .. }) => cause,
        other => panic!("{other:?}"),
    };
    assert_eq!(unfit(store.account(), "missing").await, "no such bucket or object");
    let stranger = Account { secret_key: "wrong".into(), ..store.account() };
    assert_eq!(unfit(stranger, "state").await, "the key may not do this");
    let down = Account { endpoint: "http://127.0.0.1:1".into(), ..store.account() };
    assert_eq!(unfit(down, "state").await, "connection refused");
}

/// A store that files objects under names longer than their keys: the demo's.
#[tokio::test]
async fn a_store_that_takes_no_long_keys_is_unfit() {
    let store = crate::own_access::testing::Store::start(&["state"]).await;
    let unfit = state(store.account(), "state", "").check_backend().await.unwrap_err();
    assert_eq!(unfit.to_string(), "cannot write: write: status 500");
}

#[tokio::test]
async fn a_store_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = Store::start(true).await;
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let account = Account { endpoint, ..store.account() };
    let place = Place::Bucket { account, bucket: "state".into(), prefix: String::new() };
    let options = StateOptions { timeout: Duration::from_millis(50), ..options(place) };
    let silent = State::open(&options).unwrap().load(&upload("u")).await.unwrap_err();
    assert!(matches!(silent, StateError::Timeout { .. }), "{silent}");
}

#[test]
fn an_account_that_is_none_is_told_at_once() {
    let account = Account {
        endpoint: "nowhere".into(),
        region: "r".into(),
        access_key: "a".into(),
        secret_key: "s".into(),
        authorities: None,
    };
    let place = Place::Bucket { account, bucket: "state".into(), prefix: String::new() };
    let error = State::open(&options(place)).unwrap_err();
    assert!(matches!(error, OpenError::Account(AccountError::Endpoint)));
}
