//! Behind the commit point: the exchange goes on without its client, and the record tells what the
//! store made of the body, or that nobody knows.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::case::{Case, Guard};
use super::client::upload;
use super::oracle::check;
use super::store::{Reply, Store};
use super::trial::{Bench, Fault, PATIENCE, Seen, Served, converse, run};
use crate::proxy::faults;
use crate::proxy::record::{Termination, VerdictWord};

/// Who is gone by the time the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Nobody,
    Client,
}

/// Sends an upload to a store that has all of it before it does anything. By then, who is `missing`
/// is gone.
async fn behind_the_commit(
    case: Case,
    missing: Missing,
    reply: fn(Arc<Semaphore>) -> Reply,
) -> Seen {
    let latch = Arc::new(Semaphore::new(0));
    let mut store = Store::start(reply(latch.clone())).await;
    let bench = Bench::new(store.address);
    faults::arm(None);
    let (client, line) = tokio::io::duplex(8 * 1024);
    let fault = Fault::default();
    let serving = converse(bench.gate.clone(), line, fault);
    let both = async { tokio::join!(serving, upload(client, &case, fault)) };
    let committed = async {
        store.complete.wait_for(|&count| count == 1).await.unwrap();
        if missing == Missing::Nobody {
            latch.add_permits(1);
            std::future::pending::<()>().await;
        }
    };
    let (served, told) = tokio::select! {
        both = both => both,
        () = committed => (Served { cut: true, begun: true }, None),
    };
    // The client's connection has been dropped, with the service in it.
    latch.add_permits(1);
    bench.close(case, fault, store, served, told).await
}

fn each(missing: Missing, reply: fn(Arc<Semaphore>) -> Reply, judge: impl Fn(&Seen) -> bool) {
    run(async {
        for guard in [Guard::Whole, Guard::Tail] {
            for case in Case::all(guard).filter(|case| !case.listed) {
                let trying = behind_the_commit(case, missing, reply);
                let seen = tokio::time::timeout(PATIENCE, trying).await.expect("it ends");
                assert_eq!(check(&seen), Ok(()), "{seen:#?}");
                assert!(seen.committed() && seen.complete() == 1, "{seen:#?}");
                assert_eq!(seen.records[0].verdict, Some(VerdictWord::Allow));
                assert!(judge(&seen), "{seen:#?}");
            }
        }
    });
}

#[test]
fn the_answer_is_recorded_when_its_client_is_gone() {
    each(Missing::Client, Reply::Held, |seen| {
        let record = &seen.records[0];
        seen.cut
            && seen.passed.contains(&"alone")
            && record.termination == Termination::ClientAnswer
            && record.status == Some(200)
            && record.etag.as_deref() == Some("\"made-up\"")
            && record.store_request_id.as_deref() == Some("STORE1")
    });
}

#[test]
fn what_nobody_knows_is_recorded_as_unknown_when_the_client_is_gone() {
    each(Missing::Client, Reply::Closes, |seen| {
        let record = &seen.records[0];
        seen.cut && record.termination == Termination::Unknown && record.status.is_none()
    });
}

#[test]
fn what_nobody_knows_is_told_to_a_client_that_waits() {
    each(Missing::Nobody, Reply::Closes, |seen| {
        let record = &seen.records[0];
        let unavailable = seen.told.as_ref().is_some_and(|(status, _)| *status == 503);
        unavailable && record.termination == Termination::Unknown && record.status == Some(503)
    });
}
