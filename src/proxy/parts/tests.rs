//! Parts put together: the object's evidence is that of the same bytes in one piece, whatever way
//! they came.

use proptest::prelude::*;

use super::complete::{Assembled, Complete, Look};
use super::part::Part;
use super::running::advance;
use super::*;
use crate::digest::{AlgorithmSet, Digests, Kernel, MultiHasher};
use crate::inspect::{Evidence, Scope};
use crate::net::budget::Budget;
use crate::policy::Unjudged;
use crate::s3::ETag;
use crate::state::{Place, StateOptions};

/// One state, and gates that share it.
struct Bench {
    gates: Vec<Arc<Parts>>,
    budget: Arc<Budget>,
    scope: Scope,
    image_max: u64,
    _directory: tempfile::TempDir,
}

fn run<T>(trial: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trial)
}

fn digests(bytes: &[u8]) -> Digests {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Auto);
    hasher.update(bytes);
    hasher.finish()
}

fn upload(part_number: Option<u32>) -> s3::Request {
    let target: http::Uri = match part_number {
        Some(number) => format!("/b/k?partNumber={number}&uploadId=u").parse().unwrap(),
        None => "/b/k?uploadId=u".parse().unwrap(),
    };
    let method = if part_number.is_some() { http::Method::PUT } else { http::Method::POST };
    let mut headers = http::HeaderMap::new();
    headers.insert("host", "h".parse().unwrap());
    s3::classify(&s3::Head::new(&method, &target, &headers)).unwrap()
}

impl Bench {
    fn new(gates: usize, image_max: u64) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let gate = |_| {
            let options = StateOptions::new(Place::Directory(directory.path().join("parts")));
            let state = Arc::new(State::open(&options).unwrap());
            Arc::new(Parts::new(state, Duration::ZERO, Duration::from_secs(10)))
        };
        Bench {
            gates: (0..gates).map(gate).collect(),
            budget: Budget::new(64 << 20),
            scope: Scope::bare(AlgorithmSet::ALL, Kernel::Auto),
            image_max,
            _directory: directory,
        }
    }

    /// A part that the store takes under this ETag.
    async fn send(&self, gate: usize, number: u32, etag: &str, bytes: &[u8]) {
        let mut part =
            Part::begin(&self.gates[gate], &upload(Some(number))).await.unwrap().unwrap();
        part.spool(bytes.len() as u64).unwrap();
        let pieces = bytes.chunks(1000).map(bytes::Bytes::copy_from_slice);
        part.write(pieces.collect()).await.unwrap();
        let evidence = Evidence {
            digests: digests(bytes),
            payload: bytes.len() as u64,
            ..Evidence::default()
        };
        let sent = part.sent(evidence, self.image_max, AlgorithmSet::ALL);
        sent.record(etag).await.unwrap();
    }

    async fn complete(&self, gate: usize, listed: &[(u32, String)]) -> Assembled {
        let listed: Vec<_> =
            listed.iter().map(|(number, etag)| (*number, ETag::parse(etag).unwrap())).collect();
        let mut complete = Complete::begin(&self.gates[gate], &upload(None)).await.unwrap();
        let look = Look { scope: &self.scope, image_max: self.image_max, budget: &self.budget };
        complete.assemble(&listed, &look).await
    }
}

#[track_caller]
fn expect_object(assembled: Assembled, bytes: &[u8]) {
    let Assembled::Seen(object) = assembled else { panic!("the object can be told") };
    assert_eq!(object.evidence.digests, digests(bytes));
    assert_eq!(object.evidence.payload, bytes.len() as u64);
}

fn noise(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31 + seed * 7) >> 3) as u8).collect()
}

/// One send of a part.
#[derive(Clone, Debug)]
struct Send {
    gate: usize,
    number: u32,
    version: u8,
    length: usize,
}

fn sends() -> impl Strategy<Value = Vec<Send>> {
    let one = (0usize..2, 1u32..6, 0u8..3, 0usize..5000)
        .prop_map(|(gate, number, version, length)| Send { gate, number, version, length });
    prop::collection::vec(one, 1..14)
}

impl Send {
    fn etag(&self) -> String {
        format!("{}-{}", self.number, self.version)
    }

    /// The same part and version is always the same bytes, or the store would give another ETag.
    fn bytes(&self, sends: &[Send]) -> Vec<u8> {
        let same = |other: &&Send| (other.number, other.version) == (self.number, self.version);
        let first = sends.iter().find(same).unwrap_or(self);
        noise(self.number as usize * 16 + self.version as usize, first.length)
    }
}

/// Whether other bytes may be what the store has of this number: they were not followed, through the
/// same gate, by the part that is listed.
fn may_be(listed: &Send, of: &[&Send], sends: &[Send]) -> bool {
    let is_other = |send: &Send| send.bytes(sends) != listed.bytes(sends);
    let is_listed = |send: &Send| send.version == listed.version;
    of.iter()
        .enumerate()
        .filter(|(_, send)| is_other(send))
        .any(|(at, other)| !of[at..].iter().any(|send| is_listed(send) && send.gate == other.gate))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Random orders, re-sends, sizes, over two gates with one state.
    #[test]
    fn parts_in_any_order_through_any_gate_are_the_whole(
        sends in sends(),
        gate in 0usize..2,
        image_max in prop_oneof![Just(0u64), Just(1 << 20)],
        chosen in any::<prop::sample::Index>(),
    ) {
        run(async {
            let bench = Bench::new(2, image_max);
            for send in &sends {
                bench.send(send.gate, send.number, &send.etag(), &send.bytes(&sends)).await;
            }
            // Of each number one of the versions that were sent, or none.
            let mut listed: Vec<&Send> = Vec::new();
            let mut may_be_replaced = false;
            for number in 1..6 {
                let of: Vec<&Send> = sends.iter().filter(|send| send.number == number).collect();
                let left_out = chosen.index(7) == number as usize && sends.len() > 1;
                if !of.is_empty() && !left_out {
                    let chosen = of[chosen.index(of.len())];
                    may_be_replaced |= may_be(chosen, &of, &sends);
                    listed.push(chosen);
                }
            }
            let whole: Vec<u8> = listed.iter().flat_map(|send| send.bytes(&sends)).collect();
            let list: Vec<_> = listed.iter().map(|send| (send.number, send.etag())).collect();
            if list.is_empty() {
                return;
            }
            let assembled = bench.complete(gate, &list).await;
            match may_be_replaced {
                true => assert!(matches!(assembled, Assembled::Superseded)),
                false => expect_object(assembled, &whole),
            }
        });
    }
}

#[test]
fn digests_follow_an_upload_and_its_bytes_go() {
    run(async {
        let bench = Bench::new(2, 1000);
        let parts: Vec<_> = (1..=5).map(|number| noise(number, 3000 + number)).collect();
        let listed: Vec<_> = (1..=5u32).map(|number| (number, format!("e{number}"))).collect();
        for number in [1, 2, 4] {
            bench.send(0, number, &format!("e{number}"), &parts[number as usize - 1]).await;
        }
        let upload = upload_of(&upload(None)).unwrap();
        advance(&bench.gates[0], &upload, AlgorithmSet::ALL).await.unwrap();
        let view = bench.gates[0].state.load(&upload).await.unwrap();
        let chain = bench.gates[0].state.best_chain(&upload, view.records()).await.unwrap();
        assert_eq!(chain.unwrap().prefix.parts, 2, "up to the gap");
        for number in [5, 3] {
            bench.send(1, number, &format!("e{number}"), &parts[number as usize - 1]).await;
        }
        // Another gate goes on where the first one was.
        advance(&bench.gates[1], &upload, AlgorithmSet::ALL).await.unwrap();
        let spools: Vec<_> = view.records().iter().filter_map(|record| record.spool).collect();
        let mut gone = bench.gates[0].state.read_spools(&upload, &spools[..1]).unwrap();
        assert!(gone.next().await.is_err(), "what has been read is not kept");
        expect_object(bench.complete(0, &listed).await, &parts.concat());
    });
}

#[test]
fn a_part_sent_anew_behind_the_digests_is_not_guessed() {
    run(async {
        let bench = Bench::new(1, 1000);
        for number in 1..=3u32 {
            bench.send(0, number, &format!("e{number}"), &noise(number as usize, 3000)).await;
        }
        let upload = upload_of(&upload(None)).unwrap();
        advance(&bench.gates[0], &upload, AlgorithmSet::ALL).await.unwrap();
        bench.send(0, 1, "new", &noise(9, 3000)).await;
        let listed: Vec<_> =
            ["new", "e2", "e3"].into_iter().zip(1..).map(|(e, n)| (n, e.to_owned())).collect();
        let assembled = bench.complete(0, &listed).await;
        assert!(matches!(assembled, Assembled::Unjudged(Unjudged::MultipartOrder)));
    });
}

#[test]
fn while_parts_come_in_nothing_is_completed() {
    run(async {
        let bench = Bench::new(1, 1000);
        let gate = &bench.gates[0];
        let under_way = Part::begin(gate, &upload(Some(1))).await.unwrap();
        let request = upload(None);
        let mut completing = Box::pin(Complete::begin(gate, &request));
        let pending = futures_util::poll!(completing.as_mut());
        assert!(pending.is_pending(), "it waits for the part");
        let refused = Part::begin(gate, &upload(Some(2))).await;
        assert_eq!(refused.err(), Some(Unjudged::Budget), "and lets no other in");
        drop(under_way);
        drop(completing.await.unwrap());
        assert!(Part::begin(gate, &upload(Some(2))).await.is_ok());
    });
}
