//! AWS's published bodies, damaged ones, and random ones against the naive twin.

use bytes::Bytes;
use proptest::prelude::*;

use super::naive::naive_sealed;
use super::*;
use crate::framing::FramingError;
use crate::s3::sigv4::{Scope, SigningKey, Stamp, sha256};

const PLAIN: ChunkedPlan = ChunkedPlan { signed: true, trailer: false, decoded_length: None };
const TRAILER: ChunkedPlan = ChunkedPlan { trailer: true, ..PLAIN };

/// The key of all examples of AWS, and the gate's.
fn keys() -> (SigningKey, SigningKey) {
    let key = |secret, region: &str| {
        let stamp = Stamp::parse("20130524T000000Z").unwrap();
        SigningKey::derive(secret, Scope { stamp, region: region.to_owned() })
    };
    (
        key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"),
        key("the gate's own secret", "garage"),
    )
}

fn chains() -> (Chain, Chain) {
    let (theirs, ours) = keys();
    let chain = |key: &SigningKey| key.chain(key.sign_request(b"some head"));
    (chain(&theirs), chain(&ours))
}

/// A body of these chunks, signed; the last chunk follows by itself, and the trailers, if any.
fn signed(chain: &mut Chain, chunks: &[&[u8]], trailers: Option<&[(&str, &str)]>) -> Vec<u8> {
    let mut body = Vec::new();
    for data in chunks {
        let signature = chain.chunk(sha256(data));
        body.extend(format!("{:x};chunk-signature={signature}\r\n", data.len()).into_bytes());
        body.extend([data, &b"\r\n"[..]].concat());
    }
    let signature = chain.chunk(sha256(b""));
    body.extend(format!("0;chunk-signature={signature}\r\n").into_bytes());
    if let Some(trailers) = trailers {
        let lines = |end| trailers.iter().map(move |(n, v)| format!("{n}:{v}{end}"));
        let signature = chain.trailer(lines("\n").collect::<String>().as_bytes());
        let signature = format!("x-amz-trailer-signature:{signature}\r\n");
        body.extend(lines("\r\n").chain([signature]).collect::<String>().into_bytes());
    }
    body.extend(b"\r\n");
    body
}

/// What a stage lets out, and how it ends. Checks that nothing goes out behind an error.
fn run(mut stage: Sealed, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), SealError>) {
    let mut out = Vec::new();
    let mut emit = |bytes: Bytes| out.extend_from_slice(&bytes);
    let pushed = pieces
        .iter()
        .try_for_each(|piece| stage.push(Bytes::copy_from_slice(piece), &mut emit))
        .and_then(|()| stage.finish(&mut emit));
    if pushed.is_err() {
        let mut none = |_| panic!("bytes after an error");
        assert_eq!(stage.push(Bytes::from_static(b"0"), &mut none), pushed);
        assert_eq!(stage.finish(&mut none), pushed);
    }
    (out, pushed)
}

/// Runs a body whole, cut in two at each of `cuts`, and byte by byte if it is short.
#[track_caller]
fn every_way(
    stage: &Sealed,
    body: &[u8],
    cuts: impl Iterator<Item = usize>,
) -> (Vec<u8>, Result<(), SealError>) {
    let whole = run(stage.clone(), &[body]);
    for at in cuts {
        let (a, b) = body.split_at(at);
        let cut = run(stage.clone(), &[a, b]);
        assert!(cut == whole, "cut at {at}: {:?}, whole: {:?}", cut.1, whole.1);
    }
    if body.len() < 4096 {
        let cut = run(stage.clone(), &body.chunks(1).collect::<Vec<_>>());
        assert!(cut == whole, "byte by byte: {:?}, whole: {:?}", cut.1, whole.1);
    }
    whole
}

#[track_caller]
fn outcome(plan: ChunkedPlan, body: &[u8]) -> Result<Vec<u8>, SealError> {
    let (theirs, ours) = chains();
    let outgoing = Outgoing::Resigned(ours);
    let stage = Sealed::new(plan, theirs.clone(), outgoing.clone(), SEALED_CHUNK_MAX);
    let (out, end) = every_way(&stage, body, 0..=body.len());
    let twin = naive_sealed(plan, theirs, outgoing, SEALED_CHUNK_MAX, body);
    assert_eq!(twin, end.is_ok().then(|| out.clone()), "the naive twin");
    end.map(|()| out)
}

/// The bodies of AWS's examples: 65 KiB of `a`, with these seeds and signatures.
fn aws_example(signatures: &[&str], trailers: &str) -> Vec<u8> {
    let data = [&[b'a'; 64 * 1024][..], &[b'a'; 1024], b""];
    let mut body = Vec::new();
    for (data, signature) in data.iter().zip(signatures) {
        body.extend(format!("{:x};chunk-signature={signature}\r\n", data.len()).into_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(if data.is_empty() { b"" } else { b"\r\n" });
    }
    [body.as_slice(), trailers.as_bytes(), b"\r\n"].concat()
}

/// All places in or near framing, and some in data.
fn places(body: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let near =
        |at: usize| body[at.saturating_sub(2)..body.len().min(at + 2)].iter().any(|&b| b != b'a');
    (0..=body.len()).filter(move |&at| at % 4099 == 0 || near(at))
}

/// Runs an example as AWS signed it, and what comes of it through a second gate that knows our key.
fn check_example(plan: ChunkedPlan, seed: &str, body: &[u8]) {
    let (theirs, ours) = keys();
    let seed = Signature::parse(seed).unwrap();
    let verify = theirs.chain(seed);
    let resigned = Outgoing::Resigned(ours.chain(seed));
    let plan = ChunkedPlan { decoded_length: Some(66_560), ..plan };

    let stage = Sealed::new(plan, verify.clone(), resigned.clone(), SEALED_CHUNK_MAX);
    let (out, end) = every_way(&stage, body, places(body));
    assert_eq!((out.len(), end), (body.len(), Ok(())));
    assert!(
        naive_sealed(plan, verify.clone(), resigned, SEALED_CHUNK_MAX, body) == Some(out.clone())
    );

    let back = Sealed::new(plan, ours.chain(seed), Outgoing::Resigned(verify.clone()), 64 * 1024);
    assert!(run(back, &[&out]) == (body.to_vec(), Ok(())), "signed back with the client's key");

    let stage = Sealed::new(plan, verify, Outgoing::Decoded, SEALED_CHUNK_MAX);
    let decoded = run(stage, &[body]);
    assert!(decoded == (vec![b'a'; 66_560], Ok(())));
}

#[test]
fn the_chunks_that_aws_publishes_pass() {
    let signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    let body = aws_example(&signatures, "");
    assert_eq!(body.len(), 66_824, "the Content-Length of the example");
    check_example(PLAIN, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", &body);
}

#[test]
fn the_trailers_that_aws_publishes_pass() {
    let signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    for line_end in ["\r\n", "\n\r\n"] {
        let trailers = format!(
            "x-amz-checksum-crc32c:sOO8/Q=={line_end}x-amz-trailer-signature:{signature}\r\n"
        );
        check_example(TRAILER, seed, &aws_example(&signatures, &trailers));
    }
}

/// Chunks of 1, 20 and 7 bytes; whether trailers follow.
fn sample(trailer: bool) -> Vec<u8> {
    let trailers: &[_] = &[("x-amz-checksum-crc32c", "sOO8/Q=="), ("x-amz-meta-b", "two words")];
    let chunks: [&[u8]; 3] = [b"1", b"twenty bytes of data", b"\r\n0\r\n\r\n"];
    signed(&mut chains().0, &chunks, trailer.then_some(trailers))
}

/// Where each chunk of a body begins, the line end behind the data before it included: that goes
/// out with what follows.
fn chunk_starts(body: &[u8]) -> Vec<usize> {
    let name = b";chunk-signature=";
    let named = body.windows(name.len()).enumerate().filter(|(_, w)| w == name);
    let digits = |at: usize| body[..at].iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
    named.map(|(at, _)| (at - digits(at)).saturating_sub(2)).collect()
}

#[test]
fn a_changed_byte_lets_nothing_of_its_chunk_out() {
    for (plan, body) in [(PLAIN, sample(false)), (TRAILER, sample(true))] {
        let (theirs, ours) = chains();
        let stage = Sealed::new(plan, theirs, Outgoing::Resigned(ours), SEALED_CHUNK_MAX);
        let (good, end) = run(stage.clone(), &[&body]);
        assert_eq!((good.len(), end), (body.len(), Ok(())));
        let starts = chunk_starts(&body);
        assert_eq!(starts.len(), 4);
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            let (out, end) = every_way(&stage, &changed, (at.saturating_sub(1)..=at + 1).take(2));
            assert!(end.is_err(), "the byte at {at}");
            let chunk = starts.iter().rfind(|&&start| start <= at).copied().unwrap_or(0);
            assert!(out.len() <= chunk && good.starts_with(&out), "the byte at {at}");
        }
    }
}

#[test]
fn a_body_cut_short_lets_out_whole_chunks_only() {
    for (plan, body) in [(PLAIN, sample(false)), (TRAILER, sample(true))] {
        let (theirs, ours) = chains();
        let stage = Sealed::new(plan, theirs, Outgoing::Resigned(ours), SEALED_CHUNK_MAX);
        let good = run(stage.clone(), &[&body]).0;
        let starts = chunk_starts(&body);
        for len in 0..body.len() {
            let (out, end) = run(stage.clone(), &[&body[..len]]);
            if !plan.trailer && len == body.len() - 2 {
                // Some clients leave the final line end out.
                assert_eq!((out.as_slice(), end), (&good[..len], Ok(())));
                continue;
            }
            assert_eq!(end, Err(SealError::Framing(FramingError::TooShort)), "{len} bytes");
            assert!(starts.contains(&out.len()) && out.len() <= len, "{len} bytes");
            assert!(good.starts_with(&out));
        }
    }
}

#[test]
fn what_is_wrong_has_a_name() {
    let body = sample(false);
    let with_trailers = sample(true);
    let text = |body: &[u8], from: &str, to: &str| {
        String::from_utf8(body.to_vec()).unwrap().replacen(from, to, 1).into_bytes()
    };
    let declared = |length| ChunkedPlan { decoded_length: Some(length), ..PLAIN };
    let digits = &body[18..82];
    let upper = digits.to_ascii_uppercase();
    let (digits, upper) = (std::str::from_utf8(digits).unwrap(), str::from_utf8(&upper).unwrap());
    let unsigned = {
        let at = with_trailers.windows(15).position(|w| w == b"x-amz-trailer-s").unwrap();
        [&with_trailers[..at], b"\r\n"].concat()
    };
    let framing = SealError::Framing;
    for (plan, body, error) in [
        (PLAIN, text(&body, "twenty", "twenti"), SealError::Chunk),
        (PLAIN, text(&body, digits, upper), SealError::Chunk),
        (
            PLAIN,
            text(&body, &format!(";chunk-signature={digits}"), ""),
            framing(FramingError::SignatureMissing),
        ),
        (PLAIN, text(&body, &digits[1..], ""), framing(FramingError::Signature)),
        (PLAIN, [&body[..], b"\r\n"].concat(), framing(FramingError::AfterEnd)),
        (declared(29), body.clone(), framing(FramingError::TooShort)),
        (declared(27), body.clone(), framing(FramingError::TooLong)),
        (TRAILER, text(&with_trailers, "sOO8", "sOO9"), SealError::Trailer),
        (TRAILER, text(&with_trailers, "x-amz-meta-b", "x-amz-meta-c"), SealError::Trailer),
        (TRAILER, unsigned, SealError::TrailerUnsigned),
        (TRAILER, body.clone(), SealError::TrailerUnsigned),
    ] {
        assert_eq!(outcome(plan, &body), Err(error), "{}", String::from_utf8_lossy(&body));
    }
    let good = ChunkedPlan { signed: false, ..declared(28) };
    assert_eq!(outcome(good, &body).map(|out| out.len()), Ok(body.len()));
}

/// The framing keeps its spelling: leading zeros, upper case, blanks, names.
#[test]
fn all_but_the_digits_stays_as_it_was_sent() {
    let body = sample(true);
    let text = String::from_utf8(body).unwrap();
    let text = text.replacen("14;chunk", "0014;chunk", 1);
    let text = text.replacen("x-amz-meta-b:two words\r\n", "X-Amz-Meta-B: two words \t\n\r\n", 1);
    let text = text.replacen("trailer-signature:", "Trailer-Signature: \t", 1);
    let out = String::from_utf8(outcome(TRAILER, text.as_bytes()).unwrap()).unwrap();
    let differ: Vec<usize> =
        (0..text.len()).filter(|&i| text.as_bytes()[i] != out.as_bytes()[i]).collect();
    let is_digit = |&i: &usize| text.as_bytes()[i].is_ascii_hexdigit();
    assert!(differ.len() > 4 * 40 && differ.iter().all(is_digit));
    assert!(out.contains("\r\n0014;chunk-signature="));
    assert!(out.contains("\r\nX-Amz-Meta-B: two words \t\n\r\nx-amz-Trailer-Signature: \t"));
}

#[test]
fn a_chunk_may_be_as_large_as_the_bound_and_no_larger() {
    for (chunk_max, expected) in
        [(20, Ok(())), (19, Err(SealError::ChunkTooLarge)), (0, Err(SealError::ChunkTooLarge))]
    {
        let (theirs, _) = chains();
        let stage = Sealed::new(PLAIN, theirs, Outgoing::Decoded, chunk_max);
        let body = sample(false);
        assert_eq!(every_way(&stage, &body, 0..=body.len()).1, expected);
    }
}

/// However small the pushes, a chunk takes little more than its size.
#[test]
fn small_pieces_are_copied_together() {
    let mut data = Data::default();
    let sent: Vec<u8> = (0..20_000u32).map(|i| i as u8).collect();
    let (small, large) = sent.split_at(9000);
    small.chunks(7).for_each(|piece| data.push(Bytes::copy_from_slice(piece)));
    data.push(Bytes::copy_from_slice(large));
    assert_eq!((data.len(), data.digest()), (sent.len(), sha256(&sent)));
    let mut pieces = Vec::new();
    data.take(&mut |piece| pieces.push(piece));
    assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [9000, 11_000]);
    assert_eq!(pieces.concat(), sent);
    assert_eq!((data.len(), data.digest()), (0, sha256(b"")));
}

proptest! {
    /// However a body is made, damaged and cut, the stage says what the twin says, and what it let
    /// out before an error is the start of what it should have let out.
    #[test]
    fn random_bodies_are_read_as_the_twin_reads_them(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
        trailer in any::<bool>(),
        decodes in any::<bool>(),
        damage in prop::option::of((any::<prop::sample::Index>(), 1..=255u8)),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let (theirs, ours) = chains();
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let trailers = trailer.then_some(&[("x-amz-checksum-md5", "abc=")][..]);
        let mut body = signed(&mut theirs.clone(), &chunks, trailers);
        let plan = if trailer { TRAILER } else { PLAIN };
        let outgoing = if decodes { Outgoing::Decoded } else { Outgoing::Resigned(ours) };
        let good = naive_sealed(plan, theirs.clone(), outgoing.clone(), 30, &body);
        if let Some((at, bits)) = damage {
            let at = at.index(body.len());
            body[at] ^= bits;
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
        let stage = Sealed::new(plan, theirs.clone(), outgoing.clone(), 30);
        let (out, end) = run(stage, &pieces);
        let twin = naive_sealed(plan, theirs, outgoing, 30, &body);
        prop_assert_eq!(twin, end.is_ok().then(|| out.clone()));
        if let Some(good) = good.filter(|_| end.is_err()) {
            prop_assert!(good.starts_with(&out));
        }
    }
}
