use super::naive::{Decoded, naive_aws_chunked};
use super::*;
use proptest::prelude::*;

const SIG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";
const PLAIN: ChunkedPlan = ChunkedPlan { signed: false, trailer: false, decoded_length: None };
const TRAILER: ChunkedPlan = ChunkedPlan { trailer: true, ..PLAIN };
const SIGNED: ChunkedPlan = ChunkedPlan { signed: true, ..PLAIN };
const SIGNED_TRAILER: ChunkedPlan = ChunkedPlan { trailer: true, ..SIGNED };

fn declared(plan: ChunkedPlan, length: u64) -> ChunkedPlan {
    ChunkedPlan { decoded_length: Some(length), ..plan }
}

/// Feeds `pieces` one after another and gives what they decode to; checks that the spans tile.
fn decode(plan: ChunkedPlan, pieces: &[&[u8]]) -> Result<Decoded, FramingError> {
    let mut decoder = AwsChunked::new(plan);
    let mut out = Decoded::default();
    let mut chunk = 0;
    for &piece in pieces {
        let mut at = 0;
        let pushed = decoder.push(piece, &mut |span| {
            assert!(span.len() > 0);
            if let Span::Payload { len, ends_chunk } = span {
                out.payload.extend_from_slice(&piece[at..at + len]);
                chunk += len;
                if ends_chunk {
                    out.chunks.push(std::mem::take(&mut chunk));
                }
            }
            at += span.len();
        });
        if let Err(error) = pushed {
            assert_eq!(decoder.push(b"0", &mut |_| panic!("a span after an error")), Err(error));
            assert_eq!(decoder.finish(), Err(error));
            return Err(error);
        }
        assert_eq!(at, piece.len(), "the spans tile the input");
    }
    assert_eq!(decoder.payload_len(), out.payload.len() as u64);
    decoder.finish()?;
    out.trailers = decoder.trailers().to_vec();
    Ok(out)
}

/// Decodes a body in every way it can be cut in two, byte by byte, and by the naive twin.
#[track_caller]
fn every_way(plan: ChunkedPlan, body: &str) -> Result<Decoded, FramingError> {
    let body = body.replace("SIG", SIG);
    let body = body.as_bytes();
    let whole = decode(plan, &[body]);
    for at in 0..=body.len() {
        let (a, b) = body.split_at(at);
        assert_eq!(decode(plan, &[a, b]), whole, "cut at {at}");
    }
    assert_eq!(decode(plan, &body.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    assert_eq!(naive_aws_chunked(plan, body), whole.clone().ok(), "the naive twin");
    whole
}

#[track_caller]
fn good(plan: ChunkedPlan, body: &str, payload: &str) -> Decoded {
    let decoded = every_way(plan, body).expect(body);
    assert_eq!(decoded.payload, payload.as_bytes(), "{body:?}");
    decoded
}

#[track_caller]
fn bad(plan: ChunkedPlan, body: &str, error: FramingError) {
    assert_eq!(every_way(plan, body), Err(error), "{body:?}");
}

#[test]
fn bodies_of_every_plan_decode() {
    good(PLAIN, "5\r\nhello\r\n0\r\n\r\n", "hello");
    good(PLAIN, "5;chunk-signature=SIG\r\nhello\r\n0;chunk-signature=SIG\r\n\r\n", "hello");
    good(PLAIN, "0\r\n\r\n", "");
    good(PLAIN, "000\r\n\r\n", "");
    good(PLAIN, "0000000000000003\r\nabc\r\n0\r\n\r\n", "abc");
    good(PLAIN, "a\r\n0123456789\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", {
        "0123456789\r\n\r\n\r\n\r\n\r\n"
    });
    let two = "3;chunk-signature=SIG\r\nabc\r\n2;chunk-signature=SIG\r\nde\r\n\
               0;chunk-signature=SIG\r\n\r\n";
    assert_eq!(good(SIGNED, two, "abcde").chunks, [3, 2]);
    assert_eq!(good(declared(SIGNED, 5), two, "abcde").chunks, [3, 2]);
}

#[test]
fn trailers_are_kept() {
    let boto = good(TRAILER, "2\r\nhi\r\n0\r\nx-amz-checksum-crc32:2Ktt2A==\r\n\r\n", "hi");
    assert_eq!(boto.trailers, [("x-amz-checksum-crc32".into(), "2Ktt2A==".into())]);
    let zero = good(declared(TRAILER, 0), "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "");
    assert_eq!(zero.trailers.len(), 1);
    let minio = "2;chunk-signature=SIG\r\nhi\r\n0;chunk-signature=SIG\r\n\
                 x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:SIG\r\n\r\n";
    let minio = good(SIGNED_TRAILER, minio, "hi").trailers;
    assert_eq!(minio[0], ("x-amz-checksum-crc32c".into(), "sOO8/Q==".into()));
    assert_eq!(minio[1], ("x-amz-trailer-signature".into(), SIG.into()));
    let blanks = good(TRAILER, "0\r\nA: \tb c \r\nd:\r\n\r\n", "").trailers;
    assert_eq!(blanks, [("A".into(), "b c".into()), ("d".into(), String::new())]);
    assert!(good(TRAILER, "0\r\n\r\n", "").trailers.is_empty());
}

#[test]
fn sizes_are_strict_hex() {
    for size in [
        "",
        "-1",
        "+1",
        "0x1",
        "0X1",
        " 1",
        "1 ",
        "\t1",
        "g",
        "1_0",
        "1.",
        "\n1",
        "\r\n1",
        "１",
        "\"1\"",
        "00000000000000001",
        "1\n",
        "1,1",
    ] {
        bad(PLAIN, &format!("{size}\r\nx\r\n0\r\n\r\n"), FramingError::ChunkSize);
    }
}

#[test]
fn sizes_do_not_overflow() {
    let huge = "ffffffffffffffff\r\nx";
    bad(PLAIN, huge, FramingError::TooShort);
    bad(PLAIN, &format!("1\r\nx\r\n{huge}"), FramingError::TooLong);
    bad(declared(PLAIN, u64::MAX), &format!("1\r\nx\r\n{huge}"), FramingError::TooLong);
}

#[test]
fn only_signatures_extend_a_chunk() {
    bad(PLAIN, "1;a=b\r\nx\r\n0\r\n\r\n", FramingError::Extension);
    bad(PLAIN, "1;\r\nx\r\n0\r\n\r\n", FramingError::Extension);
    bad(PLAIN, "1;Chunk-Signature=SIG\r\nx\r\n0\r\n\r\n", FramingError::Extension);
    bad(PLAIN, "1; chunk-signature=SIG\r\nx\r\n0\r\n\r\n", FramingError::Extension);
    bad(PLAIN, "1;chunk-signature=\r\nx\r\n0\r\n\r\n", FramingError::Signature);
    bad(PLAIN, "1;chunk-signature=SIG0\r\nx\r\n0\r\n\r\n", FramingError::Signature);
    bad(PLAIN, &format!("1;chunk-signature={}\r\nx\r\n", &SIG[1..]), FramingError::Signature);
    bad(PLAIN, &format!("1;chunk-signature=g{}\r\nx", &SIG[1..]), FramingError::Signature);
    bad(PLAIN, "1;chunk-signature=SIG;a=b\r\nx\r\n0\r\n\r\n", FramingError::Signature);
    bad(SIGNED, "1\r\nx\r\n0;chunk-signature=SIG\r\n\r\n", FramingError::SignatureMissing);
    bad(SIGNED, "1;chunk-signature=SIG\r\nx\r\n0\r\n\r\n", FramingError::SignatureMissing);
}

#[test]
fn line_ends_are_crlf() {
    bad(PLAIN, "1\nx\r\n0\r\n\r\n", FramingError::ChunkSize);
    bad(PLAIN, "1\rx\r\n0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "1\r\nx\n0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "1\r\nx0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "1\r\nxy\r\n0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "1\r\nx\r0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "0\r\n\n", FramingError::LineEnd);
    bad(PLAIN, "0\r\n\r\r", FramingError::LineEnd);
}

#[test]
fn nothing_follows_the_end() {
    bad(PLAIN, "0\r\n\r\n0\r\n\r\n", FramingError::AfterEnd);
    bad(PLAIN, "1\r\nx\r\n0\r\n\r\n\r\n", FramingError::AfterEnd);
    bad(TRAILER, "0\r\na:b\r\n\r\nc", FramingError::AfterEnd);
    // An empty chunk in mid-stream, which some stores read over.
    bad(PLAIN, "0\r\n1\r\nx\r\n0\r\n\r\n", FramingError::LineEnd);
    bad(PLAIN, "0\r\n\r\n1\r\nx\r\n0\r\n\r\n", FramingError::AfterEnd);
    bad(TRAILER, "0\r\n1\r\nx\r\n0\r\n\r\n", FramingError::Trailer);
    // Trailers that no plan announced.
    bad(PLAIN, "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", FramingError::LineEnd);
}

#[test]
fn trailers_are_strict() {
    let trailer = |text: &str, error| bad(TRAILER, &format!("0\r\n{text}\r\n\r\n"), error);
    trailer("a", FramingError::Trailer);
    trailer(":b", FramingError::Trailer);
    trailer("a b:c", FramingError::Trailer);
    trailer("a :c", FramingError::Trailer);
    trailer(" a:c", FramingError::Trailer);
    trailer("\n", FramingError::Trailer);
    trailer("a:b\u{7f}", FramingError::Trailer);
    trailer("a:é", FramingError::Trailer);
    trailer("a:b\nc:d", FramingError::LineEnd);
    trailer("a:b\n\n", FramingError::LineEnd);
    trailer("a:b\rc:d", FramingError::LineEnd);
    trailer("x-amz-trailer-signature:SI", FramingError::Trailer);
    trailer("X-Amz-Trailer-Signature:SIG\r\na:b", FramingError::Trailer);
}

#[test]
fn trailers_are_bounded() {
    let with = |length: usize| format!("0\r\na:{}\r\n\r\n", "b".repeat(length));
    let most = MAX_TRAILER_BYTES - "a:\r\n\r\n".len();
    let whole = |text: String| (decode(TRAILER, &[text.as_bytes()]), text);
    let (decoded, text) = whole(with(most));
    assert_eq!(decoded.as_ref().unwrap().trailers[0].1.len(), most);
    assert_eq!(naive_aws_chunked(TRAILER, text.as_bytes()), decoded.ok());
    let (refused, text) = whole(with(most + 1));
    assert_eq!(refused, Err(FramingError::TrailersTooLarge));
    assert_eq!(naive_aws_chunked(TRAILER, text.as_bytes()), None);

    let many = |count: usize| format!("0\r\n{}\r\n", "a:b\r\n".repeat(count));
    assert_eq!(good(TRAILER, &many(MAX_TRAILERS), "").trailers.len(), MAX_TRAILERS);
    bad(TRAILER, &many(MAX_TRAILERS + 1), FramingError::TrailersTooLarge);
}

#[test]
fn the_longest_chunk_line_is_bounded() {
    let line = format!("0000000000000001;chunk-signature={SIG}\r\n");
    assert_eq!(line.len(), MAX_CHUNK_LINE);
    good(SIGNED, &format!("{line}x\r\n0;chunk-signature=SIG\r\n\r\n"), "x");
}

#[test]
fn declared_length_is_exact() {
    let body = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    good(declared(PLAIN, 5), body, "abcde");
    bad(declared(PLAIN, 6), body, FramingError::TooShort);
    bad(declared(PLAIN, 4), body, FramingError::TooLong);
    bad(declared(PLAIN, 0), body, FramingError::TooLong);
    bad(declared(PLAIN, 1), "0\r\n\r\n", FramingError::TooShort);
    good(declared(PLAIN, 0), "0\r\n\r\n", "");
}

#[test]
fn excess_is_seen_at_the_chunk_line() {
    let mut decoder = AwsChunked::new(declared(PLAIN, 4));
    assert_eq!(decoder.push(b"3\r\nabc\r\n2\r", &mut |_| {}), Ok(()));
    assert_eq!(decoder.push(b"\n", &mut |_| {}), Err(FramingError::TooLong));
    assert_eq!(decoder.payload_len(), 3);
}

#[test]
fn every_truncation_is_short_but_for_the_last_crlf() {
    let plain = "3\r\nabc\r\n0\r\n\r\n";
    let trailer = "3\r\nabc\r\n0\r\na:b\r\n\r\n";
    for (plan, body) in [(PLAIN, plain), (declared(PLAIN, 3), plain), (TRAILER, trailer)] {
        for at in 0..body.len() {
            let cut = decode(plan, &[&body.as_bytes()[..at]]);
            let omitted = !plan.trailer && at == body.len() - 2;
            match omitted {
                true => assert_eq!(cut.unwrap().payload, b"abc"),
                false => assert_eq!(cut, Err(FramingError::TooShort), "cut at {at}"),
            }
        }
    }
}

#[test]
fn done_is_told() {
    let mut decoder = AwsChunked::new(PLAIN);
    decoder.push(b"0\r\n\r", &mut |_| {}).unwrap();
    assert!(!decoder.is_done());
    decoder.push(b"\n", &mut |_| {}).unwrap();
    assert!(decoder.is_done());
    assert_eq!(decoder.push(b"", &mut |_| {}), Ok(()));
}

#[test]
fn labels_are_distinct() {
    let labels: std::collections::BTreeSet<_> =
        FramingError::ALL.iter().map(|e| e.label()).collect();
    assert_eq!(labels.len(), FramingError::ALL.len());
}

fn encode(plan: ChunkedPlan, chunks: &[Vec<u8>]) -> Vec<u8> {
    let signature = if plan.signed { format!(";chunk-signature={SIG}") } else { String::new() };
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend_from_slice(format!("{:x}{signature}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("0{signature}\r\n").as_bytes());
    if plan.trailer {
        body.extend_from_slice(b"x-amz-checksum-crc32:AAAAAA==\r\n");
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// Cuts `body` at the given fractions of its length.
fn cut<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|i| i.index(body.len() + 1)).collect();
    at.extend([0, body.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(
        signed: bool,
        trailer: bool,
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let payload = chunks.concat();
        let plan = ChunkedPlan { signed, trailer, decoded_length: Some(payload.len() as u64) };
        let body = encode(plan, &chunks);
        let decoded = decode(plan, &cut(&body, &cuts)).unwrap();
        prop_assert_eq!(decoded.chunks, chunks.iter().map(Vec::len).collect::<Vec<_>>());
        prop_assert_eq!(decoded.payload, payload);
        prop_assert_eq!(decoded.trailers.len(), usize::from(trailer));
    }

    #[test]
    fn damaged_bodies_are_read_as_the_twin_reads_them(
        signed: bool,
        trailer: bool,
        declare: bool,
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..4),
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&b"\r\n0123;:=ax \0"[..])), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let decoded_length = declare.then_some(chunks.concat().len() as u64);
        let plan = ChunkedPlan { signed, trailer, decoded_length };
        let mut body = encode(plan, &chunks);
        for (at, byte) in &damage {
            let at = at.index(body.len());
            body[at] = *byte;
        }
        let whole = decode(plan, &[&body]);
        prop_assert_eq!(&decode(plan, &cut(&body, &cuts)), &whole);
        prop_assert_eq!(naive_aws_chunked(plan, &body), whole.ok());
    }
}
