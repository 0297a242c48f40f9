//! However a signed aws-chunked body is made, damaged and cut, the stage says the same, and what
//! the naive twin says; and what it lets out before an error is what it should have let out.
#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use s3bouncer::framing::ChunkedPlan;
use s3bouncer::s3::sealed::naive::naive_sealed;
use s3bouncer::s3::sealed::{Outgoing, SealError, Sealed};
use s3bouncer::s3::sigv4::{Chain, Scope, SigningKey, Stamp, sha256};
use s3bouncer_fuzz::cut;

#[derive(Arbitrary, Debug)]
struct Input {
    trailer: bool,
    decodes: bool,
    decoded_length: Option<u16>,
    chunk_max: u8,
    /// How the chunks are spelled: the data of each, and how many zeros stand before its size.
    chunks: Vec<(Vec<u8>, u8)>,
    /// A trailer's value.
    value: Vec<u8>,
    damage: Vec<(u16, u8)>,
    /// The lengths of the pushes; the rest comes in one.
    cuts: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let (theirs, ours) = (chain("theirs"), chain("ours"));
    let outgoing = if input.decodes { Outgoing::Decoded } else { Outgoing::Resigned(ours) };
    let plan = ChunkedPlan {
        signed: true,
        trailer: input.trailer,
        decoded_length: input.decoded_length.map(u64::from),
    };
    let most = usize::from(input.chunk_max);
    let twin = |body: &[u8]| naive_sealed(plan, theirs.clone(), outgoing.clone(), most, body);
    let run = |pieces: Vec<&[u8]>| {
        drain(Sealed::new(plan, theirs.clone(), outgoing.clone(), most), pieces)
    };

    let mut body = signed(&input, theirs.clone());
    let good = twin(&body);
    for &(at, bits) in &input.damage {
        let at = usize::from(at) % body.len();
        body[at] ^= bits;
    }
    let (out, end) = run(vec![&body]);
    assert_eq!(run(cut(&body, &input.cuts)), (out.clone(), end), "cut at will");
    assert_eq!(run(body.chunks(1).collect()), (out.clone(), end), "byte by byte");
    assert_eq!(twin(&body), end.is_ok().then(|| out.clone()), "the naive twin");
    if let Some(good) = good.filter(|_| end.is_err()) {
        assert!(good.starts_with(&out), "nothing but verified chunks");
    }
});

fn chain(secret: &str) -> Chain {
    let Some(stamp) = Stamp::parse("20130524T000000Z") else { panic!("a stamp") };
    let key = SigningKey::derive(secret, Scope { stamp, region: "us-east-1".to_owned() });
    key.chain(key.sign_request(b"a head"))
}

fn signed(input: &Input, mut chain: Chain) -> Vec<u8> {
    let mut body = Vec::new();
    let last = (Vec::new(), 0);
    let chunks = input.chunks.iter().filter(|(data, _)| !data.is_empty());
    for (data, zeros) in chunks.chain([&last]) {
        let (signature, zeros) = (chain.chunk(sha256(data)), "0".repeat(usize::from(zeros % 8)));
        let line = format!("{zeros}{:x};chunk-signature={signature}\r\n", data.len());
        body.extend_from_slice(line.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(if data.is_empty() { b"" } else { b"\r\n" });
    }
    if input.trailer {
        let value = String::from_utf8_lossy(&input.value);
        let signature = chain.trailer(format!("x-amz-a:{}\n", value.trim()).as_bytes());
        let lines = format!("X-Amz-A:{value}\r\nx-amz-trailer-signature:{signature}\r\n");
        body.extend_from_slice(lines.as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

fn drain(mut stage: Sealed, pieces: Vec<&[u8]>) -> (Vec<u8>, Result<(), SealError>) {
    let mut out = Vec::new();
    let mut emit = |bytes: Bytes| out.extend_from_slice(&bytes);
    let end = pieces
        .into_iter()
        .try_for_each(|piece| stage.push(Bytes::copy_from_slice(piece), &mut emit))
        .and_then(|()| stage.finish(&mut emit));
    (out, end)
}
