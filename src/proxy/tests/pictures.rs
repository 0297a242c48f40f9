//! Which pictures of an upload are decoded, and what comes of them as evidence.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::Request;

use super::case::{Guard, payload};
use super::trial::Bench;
use crate::decode::Launch;
use crate::image::{ImageFault, Limits, Looks, Pdq, Wanted, look};
use crate::inspect::{Evidence, Gap, HoldBack, Origin};
use crate::list::{Entry, Part, Snapshot, compile};
use crate::policy::{ListRule, Mode, NearRule, Outcome, Polarity, Rulebook, Unjudged};
use crate::proxy::assembly::Halt;
use crate::proxy::gate::View;
use crate::proxy::intake::Seen;
use crate::proxy::pictures::Shown;
use crate::proxy::signing;
use crate::proxy::upload::Upload;
use crate::s3::{self, Head};

const PHOTO: &[u8] = include_bytes!("../../../tests/data/notocactus-minimus.jpg");
const OTHER: &[u8] = include_bytes!("../../../tests/data/polemonium-reptans.jpg");

/// What is looked for: luma, at full resolution.
fn wanted() -> Wanted {
    Wanted { colour: false, ..Wanted::default() }
}

fn directly(picture: &[u8], wanted: &Wanted) -> Looks {
    look(picture, &Limits::DEFAULT, wanted, &|| false).unwrap()
}

/// An upload whose pictures are looked at.
struct Trial {
    upload: Box<Upload>,
    bench: Bench,
}

impl Trial {
    /// `head` is a method, a path, and header lines.
    fn new(head: &str) -> Trial {
        Trial::changed(head, Launch::stand_in(), |_| {})
    }

    fn changed(head: &str, launch: Launch, change: impl FnOnce(&mut View)) -> Trial {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let bench = Bench::with_workers(nowhere, launch);
        let mut view = View::clone(&bench.gate.view.load());
        view.rulebook.looks = Some(Arc::new(wanted()));
        view.rulebook.lists[0].near = Some(NearRule::default());
        change(&mut view);
        let mut lines = head.lines();
        let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).header("Host", "store.test");
        let request = lines.fold(request, |request, line| {
            let (name, value) = line.split_once(": ").unwrap();
            request.header(name, value)
        });
        let (head, ()) = request.body(()).unwrap().into_parts();
        let s3 = s3::classify(&Head::new(&head.method, &head.uri, &head.headers)).unwrap();
        let journal = bench.gate.journal(nowhere);
        let Ok(route) = signing::admit(&view, &head, &s3, &bench.gate.ring) else {
            panic!("turned away")
        };
        let (gate, view) = (bench.gate.clone(), Arc::new(view));
        let upload = Upload::new(gate, view, head, s3, route, journal, None);
        Trial { upload, bench }
    }

    fn put(body: &[u8]) -> Trial {
        Trial::new(&put(body))
    }

    /// What the body's bytes tell, and the bytes.
    fn inspected(&mut self, body: &[u8]) -> (Evidence, Vec<Bytes>) {
        let mut inspector = self.upload.inspector().unwrap();
        for piece in body.chunks(9000) {
            inspector.feed(Bytes::copy_from_slice(piece), &mut HoldBack::new(0)).unwrap();
        }
        let kept = inspector.take_kept();
        self.upload.note_form(inspector.form().cloned().as_ref());
        (inspector.finish().unwrap(), kept)
    }

    async fn seen(&mut self, body: &[u8]) -> Evidence {
        let (mut evidence, kept) = self.inspected(body);
        self.upload.look_inside(&mut evidence, kept).await.unwrap();
        evidence
    }

    fn decoded(&self) -> u64 {
        self.bench.meters.decode.jobs.get()
    }
}

fn put(body: &[u8]) -> String {
    format!("PUT /photos/key\nContent-Length: {}", body.len())
}

/// That these pictures were seen, and nothing was missed.
#[track_caller]
fn expect(evidence: &Evidence, pictures: &[(Option<Origin>, &[u8])]) {
    assert_eq!((evidence.unseen, evidence.gap), (None, None));
    let found: Vec<_> = evidence.pictures.iter().map(|p| (p.within, p.looks.clone())).collect();
    let expected: Vec<_> =
        pictures.iter().map(|(within, bytes)| (*within, directly(bytes, &wanted()))).collect();
    assert_eq!(found, expected);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(members: &[&[u8]]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (number, member) in members.iter().enumerate() {
        let mut header = [0; 512];
        header[0] = b'a' + number as u8;
        header[124..135].copy_from_slice(format!("{:011o}", member.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend_from_slice(member);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[tokio::test]
async fn a_picture_is_decoded() {
    let mut trial = Trial::put(PHOTO);
    expect(&trial.seen(PHOTO).await, &[(None, PHOTO)]);
}

#[tokio::test]
async fn what_lies_behind_a_pictures_end_changes_nothing() {
    let padded = [PHOTO, &[0; 100_000]].concat();
    let mut trial = Trial::put(&padded);
    expect(&trial.seen(&padded).await, &[(None, PHOTO)]);
    assert_eq!(trial.decoded(), 1, "it is not decoded again without what is behind it");
}

#[tokio::test]
async fn pictures_within_other_bytes_are_decoded() {
    let behind = [&[b'x'; 300][..], PHOTO].concat();
    let mut trial = Trial::put(&behind);
    expect(&trial.seen(&behind).await, &[(Some(Origin::Embedded), PHOTO)]);
    let coded = gzip(PHOTO);
    let mut trial = Trial::new(&format!("{}\nContent-Encoding: gzip", put(&coded)));
    expect(&trial.seen(&coded).await, &[(Some(Origin::Decoded), PHOTO)]);
}

#[tokio::test]
async fn members_of_archives_are_decoded_up_to_a_number() {
    let opened = |members: &[&[u8]]| {
        let archive = tar(members);
        let opens = |view: &mut View| view.settings.inspect.archives = true;
        (Trial::changed(&put(&archive), Launch::stand_in(), opens), archive)
    };
    let member = Some(Origin::Member);
    let (mut trial, archive) = opened(&[PHOTO, b"text", OTHER]);
    expect(&trial.seen(&archive).await, &[(member, PHOTO), (member, OTHER)]);
    let (mut trial, archive) = opened(&[PHOTO, OTHER, PHOTO]);
    let evidence = trial.seen(&archive).await;
    assert_eq!((evidence.pictures.len(), evidence.gap), (2, Some(Gap::TooLarge)));
}

#[tokio::test]
async fn pictures_beside_the_file_of_a_form_are_decoded() {
    let part = |name: &str, payload: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), payload, b"\r\n"].concat()
    };
    let form = [part("key", b"k"), part("x-ignore-p", PHOTO), part("file", OTHER)].concat();
    let form = [&form, &b"--b--\r\n"[..]].concat();
    let head = "POST /photos\nContent-Type: multipart/form-data; boundary=b";
    let mut trial = Trial::new(&format!("{head}\nContent-Length: {}", form.len()));
    let expected = [(None, OTHER), (Some(Origin::FormPart), PHOTO)];
    expect(&trial.seen(&form).await, &expected);
}

#[tokio::test]
async fn nothing_is_decoded_where_digests_decide_or_nobody_asks() {
    let listed = payload(Guard::Whole, true);
    let off = |view: &mut View| view.rulebook.looks = None;
    let part = format!("PUT /photos/key?partNumber=1&uploadId=u\nContent-Length: {}", PHOTO.len());
    for (mut trial, body) in [
        (Trial::put(listed), listed),
        (Trial::changed(&put(PHOTO), Launch::stand_in(), off), PHOTO),
        // A part is judged as the object that it becomes.
        (Trial::new(&part), PHOTO),
        (Trial::put(b"no picture"), b"no picture"),
    ] {
        let evidence = trial.seen(body).await;
        assert_eq!((evidence.pictures.len(), evidence.unseen, trial.decoded()), (0, None, 0));
    }
}

#[tokio::test]
async fn of_a_picture_that_is_cut_off_the_rest_is_too_large() {
    for (length, gap) in [(PHOTO.len() / 2, Some(Gap::TooLarge)), (PHOTO.len(), None)] {
        let whole = [PHOTO, &[0; 1000]].concat();
        let mut trial = Trial::put(&whole);
        let (mut evidence, _) = trial.inspected(&whole);
        let kept = vec![Bytes::copy_from_slice(&PHOTO[..length])];
        trial.upload.look_inside(&mut evidence, kept).await.unwrap();
        assert_eq!((evidence.pictures.len(), evidence.unseen, evidence.gap), (1, None, gap));
    }
    let mut trial = Trial::put(PHOTO);
    let (mut evidence, _) = trial.inspected(PHOTO);
    trial.upload.look_inside(&mut evidence, vec![]).await.unwrap();
    assert_eq!((evidence.pictures.len(), evidence.gap), (0, Some(Gap::TooLarge)));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_said() {
    let half = &PHOTO[..PHOTO.len() / 2];
    let evidence = Trial::put(half).seen(half).await;
    assert_eq!(evidence.unseen, Some(ImageFault::Truncated));
    assert_eq!(evidence.pictures.len(), 1, "what is there is seen");
    let broken = [&PHOTO[..200], &[7; 2000]].concat();
    let evidence = Trial::put(&broken).seen(&broken).await;
    assert_eq!((evidence.unseen.is_some(), evidence.pictures.len()), (true, 0));
    // In the midst of other bytes it is none.
    let behind = [&[b'x'; 300][..], &broken].concat();
    let evidence = Trial::put(&behind).seen(&behind).await;
    assert_eq!((evidence.unseen, evidence.pictures.len()), (None, 0));
    let slow = |view: &mut View| view.settings.decode.time = Duration::ZERO;
    let mut trial = Trial::changed(&put(PHOTO), Launch::stand_in(), slow);
    assert_eq!(trial.seen(PHOTO).await.unseen, Some(ImageFault::Time));
}

/// What blocks pictures like one with this hash.
fn listing(pdq: Pdq) -> Rulebook {
    let mut bytes = Vec::new();
    let entries = [Entry { hash: pdq.into(), label: None }];
    compile(&[Part { name: "pictures", entries: &entries }], &mut bytes).unwrap();
    let list = ListRule {
        name: "pictures".into(),
        polarity: Polarity::Block,
        mode: Mode::Enforce,
        loaded: true,
        stale: false,
        near: Some(NearRule { mode: Mode::Enforce, ..NearRule::default() }),
    };
    Rulebook::new(Some(Arc::new(Snapshot::from_bytes(bytes).unwrap())), vec![0], vec![list])
}

/// The hash with so many bits changed.
fn apart(mut pdq: Pdq, bits: usize) -> Pdq {
    (0..bits).for_each(|bit| pdq.0[bit / 8] ^= 1 << (bit % 8));
    pdq
}

#[tokio::test]
async fn what_lies_near_a_threshold_is_seen_in_colour() {
    let (luma, colour) = (wanted(), Wanted { colour: true, ..wanted() });
    let pdq = directly(PHOTO, &luma).pdq[0].fingerprint.pdq();
    for (bits, expected, decoded) in
        [(0, &luma, 1), (30, &colour, 2), (48, &colour, 2), (60, &luma, 1)]
    {
        let listed = listing(apart(pdq, bits));
        let change = |view: &mut View| view.rulebook = listed;
        let mut trial = Trial::changed(&put(PHOTO), Launch::stand_in(), change);
        let evidence = trial.seen(PHOTO).await;
        assert_eq!(evidence.pictures[0].looks, directly(PHOTO, expected), "{bits}");
        assert_eq!(trial.decoded(), decoded, "{bits}");
        assert_eq!(evidence.pictures[0].hits.is_empty(), bits == 60, "{bits}");
        let verdict = trial.upload.judge(Seen::Whole(evidence));
        assert_eq!(verdict.outcome == Outcome::Deny, bits <= 31, "{bits}");
        assert_eq!(trial.bench.gate.budget.used(), 0);
    }
}

#[tokio::test]
async fn what_was_seen_in_luma_stands_where_colour_cannot_be_seen() {
    let colour = Wanted { colour: true, ..wanted() };
    let listed = listing(apart(directly(PHOTO, &wanted()).pdq[0].fingerprint.pdq(), 28));
    let mut trial = Trial::changed(&put(PHOTO), Launch::stand_in(), |view| view.rulebook = listed);
    let before = trial.seen(PHOTO).await;
    Arc::make_mut(&mut trial.upload.case.view).settings.decode.time = Duration::ZERO;
    let (body, beside) = (vec![Bytes::from_static(PHOTO)], vec![]);
    let shown = Shown { body, whole: true, inner: None, beside };
    let mut evidence = before.clone();
    trial.upload.look_again(&mut evidence, &shown, &colour).await.unwrap();
    assert_eq!(evidence.unseen, Some(ImageFault::Time));
    assert_eq!(evidence.pictures, before.pictures);
    assert_eq!(trial.upload.judge(Seen::Whole(evidence)).outcome, Outcome::Deny);
}

/// Invariant 13: a shortage turns away where faults are retried, and nowhere else.
#[tokio::test]
async fn without_a_process_an_upload_is_a_fault_of_the_gate() {
    for (mode, passes) in [(Mode::Enforce, false), (Mode::Shadow, true)] {
        let nobody = Launch::program("/nowhere");
        let mut trial = Trial::changed(&put(PHOTO), nobody, |view| {
            view.rulebook.lists[0].mode = mode;
        });
        let (evidence, kept) = trial.inspected(PHOTO);
        match trial.upload.judge_whole(Seen::Whole(evidence), kept).await {
            Err(Halt::Fault(Unjudged::Budget)) => assert!(!passes),
            Ok(verdict) => {
                let reason = Unjudged::Budget;
                assert_eq!(verdict.outcome, Outcome::Unjudged { reason, refused: false });
                assert!(passes && verdict.passes());
            }
            Err(_) => panic!("another halt"),
        }
    }
}
