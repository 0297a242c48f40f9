//! A store that refuses a head while its body is under way, or has not been asked for yet.

use super::case::{Case, Guard};
use super::oracle::{check, check_store};
use super::store::Reply;
use super::trial::{Fault, run, trial_with};
use crate::proxy::record::Termination;

/// The refusal reaches the client whole, and the connection that carried a part of the body is
/// reset, though the store itself has said that it closes.
#[test]
fn an_early_answer_is_passed_on_and_its_body_reset() {
    run(async {
        for case in [Guard::Tail, Guard::Whole].into_iter().flat_map(Case::all) {
            // A body held whole goes out at once: there is no way to answer in the middle of it.
            if case.guard == Guard::Whole && !case.expect {
                continue;
            }
            let stalls_after = Some(case.head().len() + case.body().len() / 2);
            let fault = Fault { stalls_after, ..Fault::default() };
            let seen = trial_with(Reply::Early, case, fault).await;
            assert_eq!(check(&seen), Ok(()), "{seen:#?}");
            assert_eq!(check_store(&case, &seen.store, false), Ok(()), "{seen:#?}");
            assert_eq!(seen.told, Some((403, "refused".to_owned())), "{seen:#?}");
            assert_eq!((seen.store.len(), seen.complete()), (1, 0), "{seen:#?}");
            let begun = !seen.store[0].messages[0].body.is_empty();
            assert_eq!(begun, !case.expect, "{seen:#?}");
            let record = &seen.records[0];
            assert_eq!((record.termination, record.status), (Termination::StoreBody, Some(403)));
            assert_eq!(record.verdict, None);
        }
    });
}
