//! The unpackers together.

use proptest::prelude::*;

use super::codec::tests::{gzip, zlib};
use super::recorder::{Recorder, Seen};
use super::*;

const CACTUS: &[u8] = include_bytes!("../../tests/data/notocactus-minimus.jpg");

fn seen(payload: &[u8], codings: &[Coding]) -> (Vec<Seen>, Gaps) {
    let mut recorder = Recorder::new(payload);
    let gaps = views(payload, codings, Options::ALL, Limits::default(), &mut recorder);
    (recorder.into_seen(), gaps)
}

/// Kinds and depths of the views, and what is missing.
fn summary(payload: &[u8], codings: &[Coding]) -> (Vec<(Kind, u8)>, Vec<Incomplete>) {
    let (seen, gaps) = seen(payload, codings);
    (seen.iter().map(|seen| (seen.kind, seen.depth)).collect(), gaps.iter().collect())
}

#[test]
fn ordinary_uploads_have_no_other_views() {
    for payload in [b"".as_slice(), CACTUS, b"some text", &[0; 5000]] {
        assert_eq!(summary(payload, &[]), (vec![], vec![]));
    }
}

#[test]
fn a_picture_is_found_through_every_wrapping() {
    let junk = [CACTUS, b"junk"].concat();
    let (found, gaps) = seen(&gzip(&junk), &[]);
    assert_eq!(gaps, Gaps::NONE);
    let kinds: Vec<_> = found.iter().map(|seen| (seen.kind, seen.depth)).collect();
    assert_eq!(kinds, [(Kind::Decoded, 1), (Kind::Trimmed, 1)]);
    assert!(found[0].bytes == junk && found[1].bytes == CACTUS);
    assert!(found.iter().all(|seen| seen.whole && seen.range.is_none()));
}

#[test]
fn content_codings_are_undone_before_anything_else() {
    let coded = zlib(&gzip(&[b"junk".as_slice(), CACTUS].concat()));
    let both = [Coding::Gzip, Coding::Deflate];
    assert_eq!(summary(&coded, &both).0, [(Kind::Decoded, 0), (Kind::Embedded, 0)]);
    assert_eq!(summary(&coded, &both).1, []);
    // A coding that the body doesn't have: told, and the body is looked into as it is.
    let (found, gaps) = seen(&[CACTUS, b"junk"].concat(), &[Coding::Gzip]);
    assert_eq!(gaps.iter().collect::<Vec<_>>(), [Incomplete::Malformed]);
    assert!(found.last().is_some_and(|seen| seen.kind == Kind::Trimmed && seen.bytes == CACTUS));
    let many = seen(CACTUS, &[Coding::Gzip; 3]).1;
    assert_eq!(many.iter().collect::<Vec<_>>(), [Incomplete::Depth]);
}

#[test]
fn the_first_member_alone_is_a_view() {
    let coded = [gzip(CACTUS), gzip(b" and more")].concat();
    let (found, _) = seen(&coded, &[Coding::Gzip]);
    let alone = found.iter().filter(|seen| seen.kind == Kind::Decoded && seen.bytes == CACTUS);
    assert_eq!(alone.count(), 1);
    assert_eq!(found.iter().filter(|seen| seen.kind == Kind::Decoded).count(), 2);
}

#[test]
fn what_streams_can_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<Decoder>();
    moves::<ArchiveStream>();
    moves::<Search>();
}

#[test]
fn nothing_is_done_that_is_not_asked_for() {
    let mut recorder = Recorder::new(&[]);
    let payload = gzip(CACTUS);
    let gaps = views(&payload, &[], Options::NONE, Limits::default(), &mut recorder);
    assert_eq!((recorder.into_seen(), gaps), (vec![], Gaps::NONE));
}

/// A PDF within a picture within a PDF and so on: each level costs some bytes, and must not cost stack.
#[test]
fn documents_in_pictures_in_documents_end() {
    let payload = b"%PDF-1.0\nstream\n\xff\xd8\xff\xe0\n".repeat(100_000);
    let (_, gaps) = summary(&payload, &[]);
    assert!(!gaps.is_empty());
}

#[test]
fn reasons_and_kinds_have_words_of_their_own() {
    let mut words: Vec<&str> = Incomplete::ALL.iter().map(|reason| reason.name()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Incomplete::ALL.len());
    let mut gaps = Gaps::NONE;
    for reason in Incomplete::ALL {
        assert!(!gaps.contains(reason));
        gaps.add(reason);
        assert!(gaps.contains(reason));
    }
    assert!(gaps.iter().eq(Incomplete::ALL));
    assert_eq!(Kind::ALL.map(Kind::name).len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever comes: no panic, ranges in the payload, bounds kept.
    #[test]
    fn hostile_bytes_stay_within_the_bounds(
        parts in prop::collection::vec(prop::sample::select(vec![
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), b"PK\x01\x02".to_vec(), b"PK\x05\x06".to_vec(),
            gzip(b"%PDF-1.4 stream\n"), CACTUS[..900].to_vec(), b"\xff\xd9".to_vec(),
            b"%PDF-1.4\nstream\r\n".to_vec(), b"endstream".to_vec(), b"base64,/9j/4AAQ".to_vec(),
            vec![0; 512], vec![0xff; 30], b"BZh9".to_vec(), b"(\xb5/\xfd".to_vec(),
        ]), 0..20),
        output_bytes_max in 0u64..5000,
        views_max in 0u32..8,
    ) {
        let payload = parts.concat();
        let limits = Limits { output_bytes_max, views_max, ..Limits::default() };
        let mut recorder = Recorder::new(&payload);
        views(&payload, &[Coding::Gzip], Options::ALL, limits, &mut recorder);
        let seen = recorder.into_seen();
        prop_assert!(seen.len() <= views_max as usize);
        let given: u64 = seen.iter().map(|seen| seen.bytes.len() as u64).sum();
        prop_assert!(given <= output_bytes_max.max(payload.len() as u64));
    }
}
