//! However a coded body is cut, it decodes to the same bytes with the same outcome, and no more than
//! the limits allow.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::unpack::{Coding, CodingError, Decoder, Limits, Piece};
use s3bouncer_fuzz::cut;

#[derive(Arbitrary, Debug)]
struct Input {
    codings: [u8; 2],
    layers: u8,
    /// The lengths of the pushes; the rest comes in one.
    cuts: Vec<u16>,
    output_bytes_max: u16,
    body: Vec<u8>,
}

/// More than one block, so that cuts matter.
const REPEATS: usize = 40;

fuzz_target!(|input: Input| {
    let codings: Vec<Coding> = input.codings[..usize::from(input.layers % 3)]
        .iter()
        .map(|index| Coding::ALL[usize::from(*index) % Coding::ALL.len()])
        .collect();
    let limits = Limits {
        output_bytes_max: 1 << (input.output_bytes_max % 22),
        ratio_max: 100,
        ratio_grace_bytes: 1 << 12,
        ..Limits::default()
    };
    let many = input.body.repeat(REPEATS);
    for body in [&input.body, &many] {
        let whole = decode(&codings, limits, [body.as_slice()]);
        assert_eq!(decode(&codings, limits, cut(body, &input.cuts)), whole, "cut at will");
        assert_eq!(decode(&codings, limits, body.chunks(7)), whole, "in small pieces");
        let output = whole.0.len() as u64;
        assert!(output <= limits.output_bytes_max.max(body.len() as u64));
        assert!(output <= limits.ratio_grace_bytes.max(body.len() as u64 * limits.ratio_max));
    }
});

fn decode<'a>(
    codings: &[Coding],
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Option<usize>, Result<(), CodingError>) {
    let mut decoder = Decoder::new(codings, limits).expect("no more layers than allowed");
    let (mut out, mut first) = (Vec::new(), None);
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Bytes(bytes) => out.extend_from_slice(bytes),
        Piece::FirstEnds => assert_eq!(first.replace(out.len()), None, "told twice"),
    };
    for piece in pieces {
        if decoder.push(piece, &mut emit).is_err() {
            break;
        }
    }
    let done = decoder.finish(&mut emit);
    (out, first, done)
}
