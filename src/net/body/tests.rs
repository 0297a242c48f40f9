use std::task::Waker;

use super::super::budget::Budget;
use super::*;
use crate::policy::{Mode, Outcome, Verdict};

fn token() -> CommitToken {
    Verdict { outcome: Outcome::Allow, matched: None, mode: Mode::Enforce }.token().unwrap()
}

fn poll(body: &mut UpstreamBody) -> Poll<Option<Result<Frame<Pieces>, Uncommitted>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// Invariant 2: the end of the body needs the token; everything else is an error.
#[test]
fn only_a_token_ends_the_body() {
    let (mut body, mut feed) = UpstreamBody::fed(None);
    feed.push(Bytes::from_static(b"x"));
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
    assert!(poll(&mut body).is_pending());
    feed.commit(token(), None);
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
}

#[test]
fn a_dropped_feed_is_an_error_and_takes_its_bytes_along() {
    let (mut body, mut feed) = UpstreamBody::fed(Some(2));
    let (only, budget) = (Bytes::from(vec![7; 2]), Budget::new(2));
    feed.push_rest(Rest { wire: vec![only.clone()], room: budget.reserve(2) });
    drop(feed);
    assert_eq!((only.is_unique(), budget.used()), (true, 0));
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))), "and stays one");
}

#[test]
fn a_panic_while_feeding_is_an_error() {
    let (mut body, mut feed) = UpstreamBody::fed(None);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        feed.push(Bytes::from_static(b"x"));
        panic!("on purpose");
    }));
    assert!(caught.is_err());
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
}

/// The next pieces of the body.
fn pieces(body: &mut UpstreamBody) -> Pieces {
    match poll(body) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_byte_is_known_to_be_written() {
    let (mut body, mut feed) = UpstreamBody::fed(Some(2));
    let taken = body.taken();
    feed.push(Bytes::from_static(b"a"));
    pieces(&mut body).advance(1);
    assert!(taken.is_short(), "the body may go on");
    feed.push(Bytes::from_static(b"b"));
    feed.commit(token(), None);
    assert!(taken.is_short());
    let mut last = pieces(&mut body);
    assert!(taken.is_short(), "a connection has it, its socket has not");
    last.advance(1);
    assert!(!taken.is_short());
}

#[test]
fn what_a_connection_took_along_was_not_written() {
    let (mut body, mut feed) = UpstreamBody::fed(Some(3));
    let taken = body.taken();
    feed.push(Bytes::from_static(b"abc"));
    feed.commit(token(), None);
    let mut broken = pieces(&mut body);
    broken.advance(2);
    drop(broken);
    drop(body);
    assert!(taken.is_begun() && taken.is_short());
}

/// Until its last byte is written, what was handed on whole comes back.
#[test]
fn a_whole_body_is_given_back_until_it_is_written() {
    let wire = || vec![Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"cde")];
    for (written, expected) in [(None, wire()), (Some(4), wire()), (Some(5), vec![])] {
        let (mut body, mut feed) = UpstreamBody::fed(Some(5));
        let taken = body.taken();
        feed.push_rest(Rest { wire: wire(), room: None });
        feed.commit(token(), None);
        if let Some(written) = written {
            pieces(&mut body).advance(written);
        }
        assert_eq!(taken.is_short(), !expected.is_empty());
        assert_eq!(taken.take_back().wire, expected, "{written:?}");
    }
}

/// Its memory is free while the answer is waited for.
#[test]
fn a_body_that_is_written_is_let_go() {
    let (mut body, mut feed) = UpstreamBody::fed(Some(3));
    let taken = body.taken();
    let (only, budget) = (Bytes::from(vec![7; 3]), Budget::new(3));
    feed.push_rest(Rest { wire: vec![only.clone()], room: budget.reserve(3) });
    feed.commit(token(), None);
    let mut last = pieces(&mut body);
    assert_eq!((only.is_unique(), budget.used()), (false, 3));
    last.advance(3);
    drop(last);
    assert_eq!((only.is_unique(), budget.used()), (true, 0), "neither connection nor feed has it");
    assert!(!taken.is_short());
}

/// One that turns out to be empty, too.
#[test]
fn an_empty_body_is_let_go_at_its_end() {
    let (mut body, mut feed) = UpstreamBody::fed(None);
    let budget = Budget::new(3);
    feed.push_rest(Rest { wire: vec![], room: budget.reserve(3) });
    feed.commit(token(), None);
    assert_eq!(budget.used(), 3);
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
    assert_eq!(budget.used(), 0);
}

/// Writes all of `pieces` as a socket would that has so many slots and takes so many bytes.
fn written(mut pieces: Pieces, slots: usize, bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while pieces.has_remaining() {
        let mut slices = vec![IoSlice::new(&[]); slots];
        let count = pieces.chunks_vectored(&mut slices);
        let offered: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter()).copied().collect();
        assert_eq!(offered.first(), pieces.chunk().first());
        let step = bytes.min(offered.len());
        out.extend_from_slice(&offered[..step]);
        pieces.advance(step);
    }
    assert!(pieces.chunk().is_empty());
    out
}

#[test]
fn pieces_are_written_in_order_however_much_a_socket_takes() {
    let text = b"in pieces of one, two, three and so on";
    for bytes in 1..=text.len() {
        for slots in 1..5 {
            let (mut body, mut feed) = UpstreamBody::fed(None);
            let (mut rest, mut length) = (&text[..], 0);
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(rest.len().min(length));
                feed.push(Bytes::from_static(piece));
                (rest, length) = (behind, length + 1);
            }
            let taken = body.taken();
            feed.commit(token(), None);
            assert_eq!(written(pieces(&mut body), slots, bytes), text);
            assert!(!taken.is_short());
            assert!(matches!(poll(&mut body), Poll::Ready(None)));
        }
    }
}

#[test]
fn so_much_goes_out_together_and_no_more() {
    let (mut body, mut feed) = UpstreamBody::fed(None);
    let lengths = [PIECES_BYTES_MAX - 1, 1, 1, PIECES_BYTES_MAX + 1, 1];
    lengths.iter().for_each(|&length| feed.push(Bytes::from(vec![0; length])));
    let taken = [(); 4].map(|()| pieces(&mut body).remaining());
    assert_eq!(taken, [PIECES_BYTES_MAX, 1, PIECES_BYTES_MAX + 1, 1]);
    (0..=PIECES_MAX).for_each(|_| feed.push(Bytes::from_static(b"x")));
    assert_eq!(pieces(&mut body).remaining(), PIECES_MAX);
    assert_eq!(pieces(&mut body).remaining(), 1);
    assert!(feed.is_drained());
}
