//! Bodies in four chunks, and where in them each cut is.

use std::ops::Range;

use super::framing::{Cut, Framing, Gap};
use crate::s3::base64;
use crate::s3::sigv4::{Chain, sha256};

/// Bytes of payload in a chunk: what SDKs send, and the least that stores take.
pub(super) const CHUNK: usize = 64 * 1024;

/// Bytes in one of HTTP's chunks around aws-chunks: another number, so that the two kinds do not
/// end together.
const HTTP_CHUNK: usize = 40_000;

/// The trailer's name, and what `x-amz-trailer` announces.
pub(super) const TRAILER: &str = "x-amz-checksum-crc32";

/// A body and where its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// Each chunk, the empty last one not counted.
    chunks: Vec<Chunk>,
    /// Where the line of the empty last chunk ends.
    last_line_end: usize,
}

/// Where a chunk is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    /// With its line and its line end.
    all: Range<usize>,
    data: Range<usize>,
}

impl Body {
    /// A payload as it is. Its chunks are only imagined.
    pub(super) fn identity(payload: &[u8]) -> Self {
        let mut body = Body::empty();
        for data in payload.chunks(CHUNK) {
            body.push(b"", data, b"");
        }
        body.last_line_end = body.bytes.len();
        body
    }

    /// A payload in unsigned aws-chunks with a trailer.
    pub(super) fn unsigned_trailer(payload: &[u8]) -> Self {
        let mut body = Body::chunked(payload, CHUNK);
        body.bytes.extend_from_slice(format!("{TRAILER}:{}\r\n\r\n", crc32(payload)).as_bytes());
        body
    }

    /// A payload in signed aws-chunks, with a signed trailer or without.
    pub(super) fn signed(payload: &[u8], mut chain: Chain, trailer: bool) -> Self {
        let mut body = Body::empty();
        let mut line = |data: &[u8]| {
            let signature = chain.chunk(sha256(data));
            format!("{:x};chunk-signature={signature}\r\n", data.len())
        };
        for data in payload.chunks(CHUNK) {
            body.push(line(data).as_bytes(), data, b"\r\n");
        }
        body.end(line(b"").as_bytes());
        if trailer {
            let checksum = format!("{TRAILER}:{}", crc32(payload));
            let signature = chain.trailer(format!("{checksum}\n").as_bytes());
            let lines = format!("{checksum}\r\nx-amz-trailer-signature:{signature}\r\n");
            body.bytes.extend_from_slice(lines.as_bytes());
        }
        body.bytes.extend_from_slice(b"\r\n");
        body
    }

    /// Anything in HTTP's chunks.
    pub(super) fn http_chunked(bytes: &[u8]) -> Self {
        let mut body = Body::chunked(bytes, HTTP_CHUNK);
        body.bytes.extend_from_slice(b"\r\n");
        body
    }

    /// Its bytes without what a gap leaves out.
    pub(super) fn without(&self, gap: Gap) -> Vec<u8> {
        match gap {
            Gap::Trailer => self.bytes[..self.last_line_end].to_vec(),
            Gap::LastChunk => self.bytes[..self.chunks_end()].to_vec(),
            Gap::Rest => self.bytes[..self.chunk(1).all.end].to_vec(),
            Gap::Chunk => {
                let Range { start, end } = self.chunk(2).all;
                [&self.bytes[..start], &self.bytes[end..]].concat()
            }
        }
    }

    /// How many of its bytes are sent before a cut.
    fn before(&self, cut: Cut) -> usize {
        let (end, third) = (self.bytes.len(), self.chunk(2).data);
        match cut {
            Cut::LastByte | Cut::HttpLastByte => end - 1,
            Cut::LastCrlf | Cut::HttpLastCrlf => end - 2,
            Cut::Trailer => self.last_line_end,
            Cut::LastChunk | Cut::HttpLastChunk => self.chunks_end(),
            Cut::DataEnd => self.data_end(),
            Cut::PayloadByte => self.data_end() - 1,
            Cut::InChunk => third.start + third.len() / 2,
            Cut::AfterChunk => self.chunk(0).all.end,
        }
    }

    /// How many bytes are sent when so many of the data in its chunks have been.
    fn before_data(&self, data: usize) -> usize {
        let mut left = data;
        for chunk in &self.chunks {
            if left <= chunk.data.len() {
                return chunk.data.start + left;
            }
            left -= chunk.data.len();
        }
        self.data_end()
    }

    /// A chunk by its number; all of the body where there are fewer.
    fn chunk(&self, number: usize) -> Chunk {
        let nothing = 0..self.bytes.len();
        let none = || Chunk { all: nothing.clone(), data: nothing.clone() };
        self.chunks.get(number).cloned().unwrap_or_else(none)
    }

    fn chunks_end(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.all.end)
    }

    fn data_end(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.data.end)
    }

    fn empty() -> Self {
        Body { bytes: Vec::new(), chunks: Vec::new(), last_line_end: 0 }
    }

    /// Chunks without signatures and the line of the empty one.
    fn chunked(bytes: &[u8], size: usize) -> Self {
        let mut body = Body::empty();
        for data in bytes.chunks(size) {
            body.push(format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n");
        }
        body.end(b"0\r\n");
        body
    }

    fn push(&mut self, line: &[u8], data: &[u8], end: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(line);
        let data_start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        let data_end = self.bytes.len();
        self.bytes.extend_from_slice(end);
        let chunk = Chunk { all: start..self.bytes.len(), data: data_start..data_end };
        self.chunks.push(chunk);
    }

    fn end(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.last_line_end = self.bytes.len();
    }
}

/// What goes over the wire of a body before a cut, with HTTP's chunks around it where the framing
/// has them.
pub(super) fn cut(body: &Body, framing: Framing, cut: Cut) -> Vec<u8> {
    if !framing.is_http_chunked() {
        return body.bytes[..body.before(cut)].to_vec();
    }
    let mut outer = Body::http_chunked(&body.bytes);
    let sent = match cut {
        Cut::HttpLastByte | Cut::HttpLastCrlf | Cut::HttpLastChunk => outer.before(cut),
        Cut::LastByte
        | Cut::LastCrlf
        | Cut::Trailer
        | Cut::LastChunk
        | Cut::DataEnd
        | Cut::PayloadByte
        | Cut::InChunk
        | Cut::AfterChunk => outer.before_data(body.before(cut)),
    };
    outer.bytes.truncate(sent);
    outer.bytes
}

fn crc32(payload: &[u8]) -> String {
    base64(&crc32fast::hash(payload).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{AwsChunked, ChunkedPlan, Span};
    use crate::s3::sigv4::{Scope, Signer, Stamp};

    /// Four chunks of payload.
    fn payload() -> Vec<u8> {
        (0..4 * CHUNK).map(|i| (i % 251) as u8).collect()
    }

    fn body(framing: Framing) -> Body {
        let payload = payload();
        let stamp = Stamp::parse("20130524T000000Z").unwrap();
        let signer = Signer::new("a", "b", Scope { stamp, region: "c".to_owned() });
        let chain = signer.key().chain(signer.key().sign_request(b""));
        match framing {
            Framing::Identity | Framing::HttpChunked => Body::identity(&payload),
            Framing::SignedChunks => Body::signed(&payload, chain, false),
            Framing::SignedTrailer => Body::signed(&payload, chain, true),
            Framing::UnsignedTrailer | Framing::UnsignedTrailerInHttp => {
                Body::unsigned_trailer(&payload)
            }
        }
    }

    fn framings() -> impl Iterator<Item = Framing> {
        Framing::ALL.into_iter().filter(|framing| framing.is_aws_chunked())
    }

    /// The payload in `bytes`, as the gate's decoder finds it, and whether the body was complete.
    fn decoded(framing: Framing, bytes: &[u8]) -> (Vec<u8>, bool) {
        let plan = ChunkedPlan {
            signed: matches!(framing, Framing::SignedChunks | Framing::SignedTrailer),
            trailer: framing.has_trailer(),
            decoded_length: Some(4 * CHUNK as u64),
        };
        let mut decoder = AwsChunked::new(plan);
        let (mut found, mut at) = (Vec::new(), 0);
        let pushed = decoder.push(bytes, &mut |span| match span {
            Span::Framing(len) => at += len,
            Span::Payload { len, .. } => {
                found.extend_from_slice(&bytes[at..at + len]);
                at += len;
            }
        });
        (found, pushed.is_ok() && decoder.finish().is_ok())
    }

    #[test]
    fn whole_bodies_are_what_the_gate_takes() {
        for framing in framings() {
            assert_eq!(decoded(framing, &body(framing).bytes), (payload(), true), "{framing:?}");
        }
    }

    #[test]
    fn cuts_leave_the_payload_that_they_say() {
        let all = 4 * CHUNK;
        for framing in framings() {
            let body = body(framing);
            let outer = [Cut::HttpLastByte, Cut::HttpLastCrlf, Cut::HttpLastChunk];
            for cut in framing.cuts().filter(|cut| !outer.contains(cut)) {
                let bytes = &body.bytes[..body.before(cut)];
                let (found, complete) = decoded(framing, bytes);
                let expected = match cut {
                    Cut::PayloadByte => all - 1,
                    Cut::InChunk => 2 * CHUNK + CHUNK / 2,
                    Cut::AfterChunk => CHUNK,
                    _ => all,
                };
                assert_eq!(found.len(), expected, "{framing:?} {cut:?}");
                assert_eq!(cut.lacks_payload(), expected < all);
                assert_eq!(cut.lacks_tail(), expected <= all - 64 * 1024);
                // The documented end of a body without trailers may be left out by some clients.
                let lenient = !framing.has_trailer() && cut == Cut::LastCrlf;
                assert!(!complete || lenient, "{framing:?} {cut:?} is a whole body");
            }
        }
    }

    #[test]
    fn cuts_of_a_plain_body_are_where_they_say() {
        for (place, length) in [
            (Cut::PayloadByte, 4 * CHUNK - 1),
            (Cut::InChunk, 2 * CHUNK + CHUNK / 2),
            (Cut::AfterChunk, CHUNK),
        ] {
            assert_eq!(
                cut(&body(Framing::Identity), Framing::Identity, place),
                payload()[..length]
            );
        }
    }

    #[test]
    fn within_http_chunks_cuts_are_at_the_same_byte() {
        for framing in [Framing::HttpChunked, Framing::UnsignedTrailerInHttp] {
            let body = body(framing);
            let whole = Body::http_chunked(&body.bytes).bytes;
            for place in framing.cuts() {
                let sent = cut(&body, framing, place);
                assert!(whole.starts_with(&sent) && sent.len() < whole.len(), "{place:?}");
                let inner = unchunked(&sent);
                let outer = [Cut::HttpLastByte, Cut::HttpLastCrlf, Cut::HttpLastChunk];
                let expected = match outer.contains(&place) {
                    true => body.bytes.len(),
                    false => body.before(place),
                };
                assert_eq!(inner, body.bytes[..expected], "{framing:?} {place:?}");
            }
            assert!(!cut(&body, framing, Cut::HttpLastChunk).ends_with(b"0\r\n"));
        }
    }

    /// The data in HTTP's chunks, however they end.
    fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
        let mut data = Vec::new();
        while let Some(line) = bytes.windows(2).position(|pair| pair == b"\r\n") {
            let size = std::str::from_utf8(&bytes[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap().min(bytes.len() - line - 2);
            data.extend_from_slice(&bytes[line + 2..][..size]);
            bytes = bytes.get(line + 2 + size + 2..).unwrap_or_default();
        }
        data
    }

    #[test]
    fn gaps_leave_out_what_they_say() {
        for framing in framings() {
            let body = body(framing);
            for gap in framing.gaps() {
                let bytes = body.without(gap);
                let (found, complete) = decoded(framing, &bytes);
                let expected = match gap {
                    Gap::Trailer | Gap::LastChunk => 4 * CHUNK,
                    Gap::Rest => 2 * CHUNK,
                    Gap::Chunk => 3 * CHUNK,
                };
                assert_eq!((found.len(), complete), (expected, false), "{framing:?} {gap:?}");
            }
        }
    }
}
