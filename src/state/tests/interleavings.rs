//! Any order of events through two gates, beside a naive twin.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::state::testing::{Fault, Faulty, PATIENCE, in_directory, on_store, part, upload};
use crate::state::{Found, PartRecord, State};

#[derive(Clone, Debug)]
enum Event {
    /// A part with one of few numbers and bodies, through one of two gates; perhaps with another's
    /// ETag, as only a collision has.
    Put {
        gate: usize,
        upload: usize,
        number: u16,
        body: u8,
        etag_of: u8,
    },
    Look {
        gate: usize,
        upload: usize,
        number: u16,
        body: u8,
    },
    Poison {
        gate: usize,
        upload: usize,
    },
    Forget {
        gate: usize,
        upload: usize,
    },
}

fn events() -> impl Strategy<Value = Event> {
    let (gate, upload, number, body) = (0..2_usize, 0..2_usize, 1..3_u16, 0..3_u8);
    prop_oneof![
        4 => (gate.clone(), upload.clone(), number.clone(), body.clone(), 0..12_u8).prop_map(
            |(gate, upload, number, body, other)| {
                let etag_of = if other < 3 { other } else { body };
                Event::Put { gate, upload, number, body, etag_of }
            }
        ),
        4 => (gate.clone(), upload.clone(), number, body)
            .prop_map(|(gate, upload, number, body)| Event::Look { gate, upload, number, body }),
        1 => (gate.clone(), upload.clone()).prop_map(|(gate, upload)| Event::Poison { gate, upload }),
        1 => (gate, upload).prop_map(|(gate, upload)| Event::Forget { gate, upload }),
    ]
}

#[derive(Default)]
struct Twin {
    /// By number and the body whose ETag it has: the bodies.
    parts: BTreeMap<(u16, u8), BTreeSet<u8>>,
    poisoned: bool,
}

async fn play(gates: [State; 2], events: Vec<Event>) {
    let mut twins = [Twin::default(), Twin::default()];
    let key = |n: usize| upload(&n.to_string());
    for event in events {
        match event {
            Event::Put { gate, upload, number, body, etag_of } => {
                let tag = part(number, &[etag_of]).tag;
                let record = PartRecord { tag, ..part(number, &[body]) };
                gates[gate].put_record(&key(upload), &record).await.unwrap();
                twins[upload].parts.entry((number, etag_of)).or_default().insert(body);
            }
            Event::Look { gate, upload, number, body } => {
                let view = gates[gate].load(&key(upload)).await.unwrap();
                assert_eq!(view.is_poisoned(), twins[upload].poisoned);
                let bodies = twins[upload].parts.get(&(number, body));
                let expected: Vec<u8> = bodies.into_iter().flatten().copied().collect();
                match (view.find(number, part(number, &[body]).tag), expected.as_slice()) {
                    (Found::Nothing, []) => {}
                    (Found::Records([record]), [one]) => {
                        assert_eq!(record.digests, part(number, &[*one]).digests);
                    }
                    (Found::Conflict, [_, _, ..]) => {}
                    (found, expected) => panic!("{found:?}, but {expected:?}"),
                }
            }
            Event::Poison { gate, upload } => {
                gates[gate].poison(&key(upload)).await.unwrap();
                twins[upload].poisoned = true;
            }
            Event::Forget { gate, upload } => {
                gates[gate].forget(&key(upload)).await.unwrap();
                twins[upload].parts.clear();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn gates_know_what_the_twin_knows(events in prop::collection::vec(events(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let root = tempfile::tempdir().unwrap();
        let gates = [in_directory(root.path()), in_directory(root.path())];
        runtime.block_on(play(gates, events.clone()));
        let store = Faulty::new(Fault::Nothing);
        let gates = [1, 2].map(|nonce| on_store(store.clone(), nonce, PATIENCE));
        runtime.block_on(play(gates, events));
    }
}

/// Gates that write the same and different parts at once.
#[test]
fn gates_that_race_on_one_part_lose_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let root = tempfile::tempdir().unwrap();
    let gates: Vec<_> = (0..2).map(|_| std::sync::Arc::new(in_directory(root.path()))).collect();
    runtime.block_on(async {
        let mut writing = tokio::task::JoinSet::new();
        for number in 1..=200 {
            for gate in &gates {
                let gate = gate.clone();
                writing.spawn(async move {
                    gate.put_record(&upload("u"), &part(number, b"same")).await.unwrap();
                });
            }
        }
        writing.join_all().await;
        let view = gates[0].load(&upload("u")).await.unwrap();
        assert!(view.records().iter().map(|record| record.number).eq(1..=200));
    });
}
