//! The uploads of these tests, as they are on the wire.

use std::fmt::Write;
use std::sync::OnceLock;

/// Payload bytes of a body that is held whole: below [`SMALL_BODY_MAX`].
const WHOLE_BYTES: usize = 6 * 1024;
/// Payload bytes of a body whose end is held.
const TAIL_BYTES: usize = 64 * 1024;
/// The gate's `small_body_max` in these tests.
pub const SMALL_BODY_MAX: usize = 8 * 1024;
/// The gate's `hold_back` in these tests.
pub const HOLD_BACK: usize = 4 * 1024;
/// Payload bytes in a chunk of aws-chunked framing.
const AWS_CHUNK: usize = 8 * 1024;
/// Bytes in a chunk of HTTP's framing; in step with nothing else.
const HTTP_CHUNK: usize = 5000;

/// How the body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The payload, with Content-Length.
    Length,
    /// The payload, in HTTP chunks.
    Chunks,
    /// aws-chunked, with Content-Length.
    AwsLength,
    /// aws-chunked, in HTTP chunks.
    AwsChunks,
}

impl Framing {
    pub const ALL: [Framing; 4] =
        [Framing::Length, Framing::Chunks, Framing::AwsLength, Framing::AwsChunks];

    pub fn is_aws(self) -> bool {
        matches!(self, Framing::AwsLength | Framing::AwsChunks)
    }

    pub fn is_http_chunked(self) -> bool {
        matches!(self, Framing::Chunks | Framing::AwsChunks)
    }
}

/// Which guard a body comes under, by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Held whole.
    Whole,
    /// Streamed, its end held.
    Tail,
}

impl Guard {
    fn payload_bytes(self) -> usize {
        match self {
            Guard::Whole => WHOLE_BYTES,
            Guard::Tail => TAIL_BYTES,
        }
    }
}

/// One upload.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub guard: Guard,
    pub framing: Framing,
    pub expect: bool,
    /// Whether the payload is on the list.
    pub listed: bool,
}

impl Case {
    /// Every upload of one guard.
    pub fn all(guard: Guard) -> impl Iterator<Item = Case> {
        Framing::ALL.into_iter().flat_map(move |framing| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(expect, listed)| Case { guard, framing, expect, listed })
        })
    }

    pub fn payload(&self) -> &'static [u8] {
        payload(self.guard, self.listed)
    }

    /// The request's head.
    pub fn head(&self) -> Vec<u8> {
        let mut head = "PUT /photos/key HTTP/1.1\r\nHost: store.test\r\n".to_owned();
        if self.framing.is_aws() {
            let length = self.payload().len();
            head += "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\
                     x-amz-trailer: x-amz-checksum-crc32\r\ncontent-encoding: aws-chunked\r\n";
            let _ = write!(head, "x-amz-decoded-content-length: {length}\r\n");
        }
        if self.expect {
            head += "Expect: 100-continue\r\n";
        }
        match self.framing.is_http_chunked() {
            true => head += "Transfer-Encoding: chunked\r\n\r\n",
            false => drop(write!(head, "Content-Length: {}\r\n\r\n", self.message().len())),
        }
        head.into_bytes()
    }

    /// The body without HTTP's framing.
    pub fn message(&self) -> Vec<u8> {
        match self.framing.is_aws() {
            true => aws_chunked(self.payload()),
            false => self.payload().to_vec(),
        }
    }

    /// The body as the client sends it.
    pub fn body(&self) -> Vec<u8> {
        match self.framing.is_http_chunked() {
            true => http_chunked(&self.message()),
            false => self.message(),
        }
    }

    /// How many bytes of payload a body that is cut off after `bytes` bytes holds.
    pub fn payload_in(&self, bytes: usize) -> usize {
        let payload = self.guard.payload_bytes();
        if !self.framing.is_aws() {
            return bytes.min(payload);
        }
        let (mut at, mut seen) = (0, 0);
        while seen < payload {
            let size = AWS_CHUNK.min(payload - seen);
            at += format!("{size:x}\r\n").len();
            let here = bytes.saturating_sub(at).min(size);
            if here < size {
                return seen + here;
            }
            seen += size;
            at += size + 2;
        }
        seen
    }

    /// As much payload as a store may have while no verdict has fallen.
    pub fn payload_before_verdict(&self) -> usize {
        match self.guard {
            Guard::Whole => 0,
            Guard::Tail => TAIL_BYTES - HOLD_BACK,
        }
    }
}

/// Bytes that are no image; listed and unlisted ones differ in every place but few.
pub fn payload(guard: Guard, listed: bool) -> &'static [u8] {
    // Made once: thousands of uploads use them.
    static MADE: [[OnceLock<Vec<u8>>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    MADE[guard as usize][usize::from(listed)].get_or_init(|| {
        let mut state = if listed { 0x9e37_79b9u32 } else { 0x85eb_ca6b };
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut bytes = b"made up: ".to_vec();
        bytes.extend(std::iter::repeat_with(&mut next).take(guard.payload_bytes() - bytes.len()));
        bytes
    })
}

fn aws_chunked(payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in payload.chunks(AWS_CHUNK) {
        body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    body
}

fn http_chunked(message: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in message.chunks(HTTP_CHUNK) {
        body.extend(format!("{:X}\r\n", chunk.len()).into_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

#[test]
fn cut_bodies_are_counted_by_their_payload() {
    for case in Case::all(Guard::Tail) {
        let (message, payload) = (case.message(), case.payload());
        assert_eq!(case.payload_in(0), 0);
        assert_eq!(case.payload_in(message.len()), payload.len());
        let lines = if case.framing.is_aws() { 6 } else { 0 };
        assert_eq!(case.payload_in(lines + 1), 1);
        assert_eq!(case.payload_in(lines + AWS_CHUNK), AWS_CHUNK);
        let in_payload = |at: &usize| case.payload_in(at + 1) > case.payload_in(*at);
        let first_lines = 0..2 * AWS_CHUNK + 100;
        let seen: Vec<u8> = first_lines.filter(in_payload).map(|at| message[at]).collect();
        assert!(seen.len() > 2 * AWS_CHUNK && payload.starts_with(&seen), "{case:?}");
    }
}
