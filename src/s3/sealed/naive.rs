//! The naive twin of [`Sealed`](super::Sealed): it has the whole body in hand and rewrites it with
//! plain text operations. Tests and fuzz targets compare the two.

use super::super::sigv4::{Chain, Signature, sha256};
use super::Outgoing;
use crate::framing::ChunkedPlan;
use crate::framing::naive::naive_aws_chunked;

/// What goes out for a whole body; `None` if it must be refused, for whatever reason.
pub fn naive_sealed(
    plan: ChunkedPlan,
    mut verify: Chain,
    mut outgoing: Outgoing,
    chunk_max: usize,
    body: &[u8],
) -> Option<Vec<u8>> {
    let decoded = naive_aws_chunked(ChunkedPlan { signed: true, ..plan }, body)?;
    let mut out = body.to_vec();
    let (mut at, mut payload) = (0, decoded.payload.as_slice());
    for &len in decoded.chunks.iter().chain(&[0]) {
        let (data, after) = payload.split_at(len);
        payload = after;
        let line = body[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let ours = of_chain(&mut outgoing, |chain| chain.chunk(sha256(data)));
        let sound = replace(&mut out, at + line, verify.chunk(sha256(data)), ours);
        (sound && len <= chunk_max).then_some(())?;
        at += line + 2 + len + 2;
    }
    if plan.trailer {
        let ((name, signature), trailers) = decoded.trailers.split_last()?;
        name.eq_ignore_ascii_case("x-amz-trailer-signature").then_some(())?;
        let lines = trailers.iter().map(|(n, v)| format!("{}:{v}\n", n.to_lowercase()));
        let text = lines.collect::<String>().into_bytes();
        let end = body.windows(64).rposition(|digits| digits == signature.as_bytes())? + 64;
        let ours = of_chain(&mut outgoing, |chain| chain.trailer(&text));
        replace(&mut out, end, verify.trailer(&text), ours).then_some(())?;
    }
    Some(match outgoing {
        Outgoing::Resigned(_) => out,
        Outgoing::Decoded => decoded.payload,
    })
}

fn of_chain(
    outgoing: &mut Outgoing,
    sign: impl FnOnce(&mut Chain) -> Signature,
) -> Option<Signature> {
    match outgoing {
        Outgoing::Resigned(chain) => Some(sign(chain)),
        Outgoing::Decoded => None,
    }
}

/// Whether the digits that end at `end` are `theirs`; then they become `ours`.
fn replace(body: &mut [u8], end: usize, theirs: Signature, ours: Option<Signature>) -> bool {
    let digits = &mut body[end - 64..end];
    let sound = digits == theirs.to_string().as_bytes();
    if let Some(ours) = ours {
        digits.copy_from_slice(ours.to_string().as_bytes());
    }
    sound
}
