use proptest::prelude::*;

use super::super::codec::tests::{NUMBERS_BR, NUMBERS_ZST, gzip, numbers, zlib};
use super::*;

/// What came out, where the first member ended, and how it ended.
type Outcome = (Vec<u8>, Option<usize>, Result<(), CodingError>);

fn decode<'a>(
    codings: &[Coding],
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut decoder = Decoder::new(codings, limits).expect("few layers");
    let (mut out, mut first) = (Vec::new(), None);
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Bytes(bytes) => out.extend_from_slice(bytes),
        Piece::FirstEnds => assert_eq!(first.replace(out.len()), None, "told twice"),
    };
    let mut done = Ok(());
    for piece in pieces {
        let pushed = decoder.push(piece, &mut emit);
        assert!(done.is_ok() || pushed == done, "an error lasts");
        done = pushed;
    }
    let finished = decoder.finish(&mut emit);
    assert!(done.is_ok() || finished == done, "an error lasts");
    (out, first, finished)
}

/// Decodes a body whole, byte by byte and in uneven pieces: all the same.
#[track_caller]
fn every_way(codings: &[Coding], limits: Limits, body: &[u8]) -> Outcome {
    let whole = decode(codings, limits, [body]);
    for step in [1, 1021, 16 * 1024, 16 * 1024 + 1] {
        let cut = decode(codings, limits, body.chunks(step));
        assert!(cut == whole, "by {step}: {:?} and {:?}", cut.2, whole.2);
    }
    whole
}

#[test]
fn headers_name_the_codings() {
    use Coding::{Brotli, Deflate, Gzip, Zstd};
    let check = |lines: &[&str], expected: Result<&[Coding], CodingError>| {
        let parsed = Coding::parse(lines.iter().copied());
        assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{lines:?}");
    };
    check(&[], Ok(&[]));
    check(&["", " , ", "identity", "aws-chunked"], Ok(&[]));
    check(&["gzip"], Ok(&[Gzip]));
    check(&["X-GZip"], Ok(&[Gzip]));
    check(&["aws-chunked,gzip"], Ok(&[Gzip]));
    check(&["gzip, AWS-chunked"], Ok(&[Gzip]));
    check(&[" deflate ,\tbr", "zstd"], Ok(&[Deflate, Brotli, Zstd]));
    for unknown in ["compress", "x-compress", "gzip;q=1", "gzip gzip", "utf-8", "dcb"] {
        check(&[unknown], Err(CodingError::Unknown));
    }
}

#[test]
fn layers_are_undone_from_the_last() {
    let body = zlib(&gzip(b"hello"));
    let limits = Limits::default();
    let hello = (b"hello".to_vec(), None, Ok(()));
    assert_eq!(every_way(&[Coding::Gzip, Coding::Deflate], limits, &body), hello);
    let (out, _, done) = every_way(&[Coding::Deflate, Coding::Gzip], limits, &body);
    assert_eq!((out.len(), done), (0, Err(CodingError::Malformed)));
    assert_eq!(every_way(&[], limits, b"hello"), hello, "no coding changes nothing");
    let three = [Coding::Gzip; 3];
    assert_eq!(Decoder::new(&three, limits).err(), Some(CodingError::TooManyLayers));
}

#[test]
fn files_of_other_programs_decode_in_every_cut() {
    for (coding, body) in [(Coding::Brotli, NUMBERS_BR), (Coding::Zstd, NUMBERS_ZST)] {
        let (out, _, done) = every_way(&[coding], Limits::default(), body);
        assert_eq!(done, Ok(()));
        assert!(out == numbers());
    }
}

#[test]
fn the_first_member_is_what_a_browser_shows() {
    let body = [gzip(b"shown"), gzip(b" and more"), gzip(b" and more")].concat();
    let both = (b"shown and more and more".to_vec(), Some(5), Ok(()));
    assert_eq!(every_way(&[Coding::Gzip], Limits::default(), &body), both);
    // Around another layer it is the first end that counts.
    let wrapped = [gzip(&body), gzip(b"")].concat();
    assert_eq!(every_way(&[Coding::Gzip; 2], Limits::default(), &wrapped), both);
}

#[test]
fn output_stops_at_the_bound_and_not_before() {
    let body = gzip(&numbers());
    let length = numbers().len();
    for (bound, error) in [(length, Ok(())), (length - 1, Err(CodingError::TooLong))] {
        let limits = Limits { output_bytes_max: bound as u64, ..Limits::default() };
        let (out, _, done) = every_way(&[Coding::Gzip], limits, &body);
        assert_eq!((out.len(), done), (bound, error));
    }
}

#[test]
fn expansion_stops_at_the_bound_once_it_is_past_the_grace() {
    let body = gzip(&vec![0; 4 << 20]);
    let limits = Limits { ratio_max: 20, ..Limits::default() };
    let (out, _, done) = every_way(&[Coding::Gzip], limits, &body);
    assert_eq!(done, Err(CodingError::Ratio));
    assert!(out.len() as u64 <= limits.ratio_grace_bytes);
    let (out, _, done) = every_way(&[Coding::Gzip], limits, &gzip(&vec![0; 1 << 20]));
    assert_eq!((out.len(), done), (1 << 20, Ok(())), "the grace itself");
    // The layers together expand by what each allows, squared.
    let twice = gzip(&gzip(&vec![0; 4 << 20]));
    let (_, _, done) = every_way(&[Coding::Gzip; 2], Limits::default(), &twice);
    assert_eq!(done, Err(CodingError::Ratio));
}

#[test]
fn what_decoded_before_an_error_is_given_in_every_layer() {
    // The inner layer holds its window back; the outer one is cut off.
    let outer = gzip(NUMBERS_ZST);
    let cut = &outer[..outer.len() * 3 / 4];
    let (out, _, done) = every_way(&[Coding::Zstd, Coding::Gzip], Limits::default(), cut);
    assert_eq!(done, Err(CodingError::Truncated));
    assert!(!out.is_empty() && numbers().starts_with(&out));
    let damaged = [&NUMBERS_ZST[..NUMBERS_ZST.len() - 2000], &[0xff; 3000]].concat();
    let (out, _, done) = every_way(&[Coding::Zstd], Limits::default(), &damaged);
    assert!(done.is_err());
    assert!(out.len() >= 150_000);
}

#[test]
fn empty_bodies_are_empty() {
    for coding in Coding::ALL {
        assert_eq!(every_way(&[coding], Limits::default(), b""), (vec![], None, Ok(())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the bytes and wherever they are cut.
    #[test]
    fn cuts_change_nothing(
        coding in prop::sample::select(&Coding::ALL[..]),
        mut body in prop::sample::select(vec![
            gzip(b"some bytes"), zlib(b"some bytes"),
            NUMBERS_ZST.to_vec(), NUMBERS_BR.to_vec(),
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cuts in prop::collection::vec(1usize..9000, 0..20),
    ) {
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let mut rest = body.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let limits = Limits { ratio_max: 60, ratio_grace_bytes: 50_000, ..Limits::default() };
        prop_assert!(decode(&[coding], limits, pieces) == decode(&[coding], limits, [body.as_slice()]));
    }
}

#[test]
fn memory_is_told_beforehand() {
    let told = |codings: &[Coding]| Decoder::memory_bytes_max(codings, &Limits::default());
    assert_eq!(told(&[]), 0);
    // What each was measured to take: see `Decoder`.
    let measured: [(Coding, u64); 4] = [
        (Coding::Gzip, 103 << 10),
        (Coding::Deflate, 175 << 10),
        (Coding::Brotli, 25 << 20),
        (Coding::Zstd, 13 << 20),
    ];
    for (coding, bytes) in measured {
        assert!((bytes..2 * bytes).contains(&told(&[coding])), "{coding:?}");
        assert_eq!(told(&[coding, Coding::Gzip]), told(&[coding]) + told(&[Coding::Gzip]));
    }
    assert_eq!(told(&[Coding::Brotli; 3]), 0, "three layers have no decoder");
}
