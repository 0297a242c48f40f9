//! What the tail guard rests on: whatever has gone out is an incomplete body in every reading, and
//! nothing is lost or changed on the way.

use proptest::prelude::*;

use super::*;
use crate::digest::Digests;
use crate::digest::{AlgorithmSet, Kernel, MultiHasher};
use crate::framing::ChunkedPlan;
use crate::image;
use crate::inspect::SNIFF_BYTES;

const SIGNATURE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A body as a client would send it.
#[derive(Debug)]
struct Encoded {
    plan: BodyPlan,
    wire: Vec<u8>,
    payload: Vec<u8>,
    /// For each length of a cut-off body, the payload in it; `None` where no chunk is left short.
    short: Vec<Option<u64>>,
}

fn identity(payload: Vec<u8>) -> Encoded {
    let plan = BodyPlan::Identity { length: Some(payload.len() as u64) };
    let short = (0..=payload.len() as u64).map(Some).collect();
    Encoded { plan, wire: payload.clone(), payload, short }
}

/// Cuts `payload` into chunks of the given sizes, over and over.
fn chunked(payload: Vec<u8>, sizes: &[usize], signed: bool, trailer: bool) -> Encoded {
    let decoded_length = Some(payload.len() as u64);
    let plan = ChunkedPlan { signed, trailer, decoded_length };
    let mut encoder = Encoder { signed, wire: Vec::new(), short: vec![None], payload: 0 };
    let (mut rest, mut sizes) = (&payload[..], sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |&size| size.clamp(1, rest.len()));
        encoder.chunk(&rest[..size]);
        rest = &rest[size..];
    }
    encoder.line(0);
    encoder.framing(if trailer { b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n" } else { b"\r\n" });
    let Encoder { wire, short, .. } = encoder;
    let plan = BodyPlan::AwsChunked { plan, encoded_length: Some(wire.len() as u64) };
    Encoded { plan, wire, payload, short }
}

struct Encoder {
    signed: bool,
    wire: Vec<u8>,
    short: Vec<Option<u64>>,
    payload: u64,
}

impl Encoder {
    fn chunk(&mut self, data: &[u8]) {
        self.line(data.len());
        // The line promises data: here, and until its last byte, the chunk is short.
        *self.short.last_mut().expect("an entry for each length") = Some(self.payload);
        self.wire.extend_from_slice(data);
        self.short.extend((self.payload + 1..).take(data.len()).map(Some));
        self.payload += data.len() as u64;
        *self.short.last_mut().expect("an entry for each length") = None;
        self.framing(b"\r\n");
    }

    fn line(&mut self, size: usize) {
        let line = match self.signed {
            true => format!("{size:x};chunk-signature={SIGNATURE}\r\n"),
            false => format!("{size:x}\r\n"),
        };
        self.framing(line.as_bytes());
    }

    fn framing(&mut self, bytes: &[u8]) {
        self.wire.extend_from_slice(bytes);
        self.short.extend(bytes.iter().map(|_| None));
    }
}

fn digests(payload: &[u8]) -> Digests {
    let mut hasher = MultiHasher::new(AlgorithmSet::ALL, Kernel::Portable);
    hasher.update(payload);
    hasher.finish()
}

/// Feeds `body` in pieces of the given sizes, with one limit from the start and another from the
/// `switch`th piece on, and checks after each piece what has gone out.
fn pass(
    body: &Encoded,
    pieces: &[usize],
    limits: [u64; 2],
    switch: usize,
) -> Result<(), TestCaseError> {
    let mut inspector =
        Inspector::new(&body.plan, &Scope::bare(AlgorithmSet::ALL, Kernel::default()));
    let mut hold = HoldBack::new(limits[0]);
    let (mut out, mut limit) = (Vec::new(), limits[0]);
    let (mut rest, mut sizes) = (Bytes::from(body.wire.clone()), pieces.iter().cycle());
    let mut fed = 0;
    while !rest.is_empty() {
        if fed == switch {
            limit = limits[1];
            hold.set_limit(limit);
        }
        let size = sizes.next().map_or(rest.len(), |&size| size.clamp(1, rest.len()));
        inspector.feed(rest.split_to(size), &mut hold).expect("the body is well formed");
        out.extend(std::iter::from_fn(|| hold.pop()).flatten());
        check_cut(body, &out, inspector.payload(), limit.min(limits[0]))?;
        fed += 1;
    }
    let released = out.len();
    out.extend(hold.drain().flatten());
    prop_assert!(out == body.wire, "what is released and what is held are the body");
    let seen = inspector.finish().expect("the body is whole");
    prop_assert_eq!(seen.payload, body.payload.len() as u64);
    prop_assert_eq!(seen.digests, digests(&body.payload));
    prop_assert_eq!(
        seen.format,
        image::sniff(&body.payload[..body.payload.len().min(SNIFF_BYTES)])
    );
    check_progress(body, pieces, limit, released)
}

/// A store that is cut off now holds a body that is short in every reading, by `limit` at least.
fn check_cut(body: &Encoded, out: &[u8], seen: u64, limit: u64) -> Result<(), TestCaseError> {
    prop_assert!(body.wire.starts_with(out), "the bytes go out as they came");
    if out.is_empty() {
        return Ok(());
    }
    let payload = body.short[out.len()];
    prop_assert!(payload.is_some(), "cut between chunks, at {} bytes", out.len());
    let held = seen - payload.unwrap_or_default();
    prop_assert!(held >= limit.min(seen), "{held} of {seen} are held, the limit is {limit}");
    Ok(())
}

/// Not everything is kept back either: of a body that comes in large pieces, all payload but the
/// limit and some pieces goes out, so that memory stays bounded.
fn check_progress(
    body: &Encoded,
    pieces: &[usize],
    limit: u64,
    released: usize,
) -> Result<(), TestCaseError> {
    let largest = pieces.iter().copied().max().unwrap_or(body.wire.len());
    // Reads that are hardly larger than a piece hold no place to cut that is far enough in.
    if largest < 4 * PIECE_MIN || limit == HoldBack::EVERYTHING {
        return Ok(());
    }
    let pieces = 2 * (largest + PIECE_MIN + 16 * 1024) as u64;
    let held = body.payload.len() as u64 - body.short[released].unwrap_or_default();
    prop_assert!(held <= limit + pieces, "{held} are held under a limit of {limit}");
    Ok(())
}

/// Made from two numbers, so that a failure can be told in one line.
fn noise((len, seed): (usize, u8)) -> Vec<u8> {
    (0..len).map(|i| (i * 31) as u8 ^ (i >> 8) as u8 ^ seed).collect()
}

fn payloads() -> impl Strategy<Value = (usize, u8)> {
    (prop_oneof![1 => 0usize..64, 3 => 0usize..60_000], any::<u8>())
}

fn limits() -> impl Strategy<Value = [u64; 2]> {
    let one = || prop_oneof![Just(0), 1u64..64, 64u64..70_000, Just(HoldBack::EVERYTHING)];
    (one(), one()).prop_map(|(first, second)| [first, second])
}

fn sizes(most: usize) -> impl Strategy<Value = Vec<usize>> {
    let one = prop_oneof![1 => 1usize..4, 2 => 1usize..2_000, 3 => 1..most];
    prop::collection::vec(one, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_framed_body_goes_out_short_until_it_is_let_go(
        payload in payloads(),
        chunks in sizes(70_000),
        pieces in sizes(65_536),
        limits in limits(),
        switch in 0usize..12,
        (signed, trailer) in any::<(bool, bool)>(),
    ) {
        let body = chunked(noise(payload), &chunks, signed, trailer);
        pass(&body, &pieces, limits, switch)?;
    }

    #[test]
    fn an_identity_body_goes_out_short_until_it_is_let_go(
        payload in payloads(),
        pieces in sizes(65_536),
        limits in limits(),
        switch in 0usize..12,
    ) {
        pass(&identity(noise(payload)), &pieces, limits, switch)?;
    }

    /// Where malformed framing is tolerated the bytes have to pass all the same: after the error as
    /// before it, all that was fed is released or held.
    #[test]
    fn nothing_is_lost_with_an_error(
        payload in payloads(),
        chunks in sizes(20_000),
        piece in 1usize..30_000,
        at in any::<prop::sample::Index>(),
        limit in 0u64..5_000,
    ) {
        let body = chunked(noise(payload), &chunks, true, false);
        let mut wire = body.wire.clone();
        let broken = at.index(wire.len());
        wire[broken] ^= 0x80;
        let mut inspector = Inspector::new(&body.plan, &Scope::bare(AlgorithmSet::NONE, Kernel::default()));
        let mut hold = HoldBack::new(limit);
        let (mut fed, mut out) = (0, Vec::new());
        for piece in wire.chunks(piece) {
            fed += piece.len();
            let failed = inspector.feed(Bytes::copy_from_slice(piece), &mut hold).is_err();
            out.extend(std::iter::from_fn(|| hold.pop()).flatten());
            if failed {
                break;
            }
        }
        out.extend(hold.drain().flatten());
        prop_assert!(out == wire[..fed]);
    }
}

/// One chunk of one byte after another: the smallest framing there is, at every cut.
#[test]
fn tiny_chunks_at_every_cut() {
    let body = chunked(b"0123456789abcdef".repeat(4), &[1], false, true);
    for piece in 1..body.wire.len() {
        for limit in [0, 1, 7, 64] {
            pass(&body, &[piece], [limit; 2], 0).unwrap();
        }
    }
}

/// The bound itself and one past it: with a large chunk the cut lies exactly where the limit says.
#[test]
fn the_limit_is_exact_for_a_body_in_even_pieces() {
    for framed in [false, true] {
        let payload = vec![7; 64 * 1024];
        let body = match framed {
            true => chunked(payload, &[64 * 1024], false, false),
            false => identity(payload),
        };
        let line = body.wire.len() - body.payload.len() - if framed { 7 } else { 0 };
        for (limit, held) in [(8192, 8192), (8193, 16_384), (16_384, 16_384)] {
            let mut inspector =
                Inspector::new(&body.plan, &Scope::bare(AlgorithmSet::NONE, Kernel::Portable));
            let mut hold = HoldBack::new(limit);
            let mut out = 0;
            for piece in body.wire[..line + 56 * 1024].chunks(line + 8192) {
                inspector.feed(Bytes::copy_from_slice(piece), &mut hold).unwrap();
                out += std::iter::from_fn(|| hold.pop()).map(|wire| wire.len()).sum::<usize>();
            }
            let seen = inspector.payload();
            assert!(seen - (out - line.min(out)) as u64 >= limit, "framed: {framed}");
            if !framed {
                assert_eq!(seen - out as u64, held);
            }
        }
    }
}

#[test]
fn a_body_that_ends_early_is_no_evidence() {
    let body = chunked(vec![1; 5000], &[2000], false, false);
    // Without its very last CRLF the body still counts as whole: some clients leave it out.
    for len in (0..body.wire.len() - 3).step_by(13) {
        let mut inspector =
            Inspector::new(&body.plan, &Scope::bare(AlgorithmSet::NONE, Kernel::Portable));
        let mut hold = HoldBack::new(0);
        inspector.feed(Bytes::copy_from_slice(&body.wire[..len]), &mut hold).unwrap();
        assert!(inspector.finish().is_err(), "{len} bytes");
    }
}

#[test]
fn the_head_is_settled_after_so_many_bytes_of_payload() {
    let payload = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; SNIFF_BYTES - 8]].concat();
    let body = chunked(payload, &[1000], false, false);
    let last = (0..=body.wire.len()).rev().find(|&at| body.short[at].is_some());
    let last = last.expect("there is a chunk");
    for (len, sniffable) in [(last, false), (last + 1, true)] {
        let mut inspector =
            Inspector::new(&body.plan, &Scope::bare(AlgorithmSet::NONE, Kernel::Portable));
        let mut hold = HoldBack::new(HoldBack::EVERYTHING);
        inspector.feed(Bytes::copy_from_slice(&body.wire[..len]), &mut hold).unwrap();
        assert_eq!(inspector.sniffable(), sniffable);
        assert_eq!(inspector.format(), Some(Format::Png));
    }
}
