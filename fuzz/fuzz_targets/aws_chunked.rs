//! However an aws-chunked body is cut, the decoder says the same, and what the naive twin says.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::framing::naive::{Decoded, naive_aws_chunked};
use s3bouncer::framing::{AwsChunked, ChunkedPlan, FramingError, Span};
use s3bouncer_fuzz::cut;

#[derive(Arbitrary, Debug)]
struct Input {
    signed: bool,
    trailer: bool,
    decoded_length: Option<u16>,
    /// The lengths of the pushes; the rest comes in one.
    cuts: Vec<u8>,
    template: Vec<u8>,
}

/// Stands for a signature in the template: no fuzzer guesses 64 digits.
const SIGNATURE: u8 = 1;

fuzz_target!(|input: Input| {
    let decoded_length = input.decoded_length.map(u64::from);
    let plan = ChunkedPlan { signed: input.signed, trailer: input.trailer, decoded_length };
    let body = expand(&input.template);

    let whole = decode(plan, [body.as_slice()]);
    assert_eq!(decode(plan, cut(&body, &input.cuts)), whole, "cut at will");
    assert_eq!(decode(plan, body.chunks(1)), whole, "byte by byte");
    assert_eq!(naive_aws_chunked(plan, &body), whole.ok(), "the naive twin");
});

fn expand(template: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for &byte in template {
        match byte {
            SIGNATURE => {
                body.extend_from_slice(b";chunk-signature=");
                body.extend_from_slice(&[b'a'; 64]);
            }
            _ => body.push(byte),
        }
    }
    body
}

fn decode<'a>(
    plan: ChunkedPlan,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Decoded, FramingError> {
    let mut decoder = AwsChunked::new(plan);
    let mut decoded = Decoded::default();
    let mut chunk = 0;
    for piece in pieces {
        let mut at = 0;
        decoder.push(piece, &mut |span| {
            if let Span::Payload { len, ends_chunk } = span {
                decoded.payload.extend_from_slice(&piece[at..at + len]);
                chunk += len;
                if ends_chunk {
                    decoded.chunks.push(std::mem::take(&mut chunk));
                }
            }
            at += span.len();
        })?;
        assert_eq!(at, piece.len(), "the spans tile the input");
    }
    assert_eq!(decoder.payload_len(), decoded.payload.len() as u64);
    decoder.finish()?;
    decoded.trailers = decoder.trailers().to_vec();
    Ok(decoded)
}
