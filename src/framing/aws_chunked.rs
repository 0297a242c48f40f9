//! The aws-chunked body, as AWS documents it under "sigv4-streaming" and "sigv4-streaming-trailer".
//!
//! ```text
//! body     = *chunk last end
//! chunk    = size [signature] CRLF data CRLF        size > 0
//! last     = "0" [signature] CRLF                   any spelling of zero
//! size     = 1*16HEX
//! signature= ";chunk-signature=" 64HEX              required in a signed body
//! end      = [CRLF]                                 plan without trailers
//!          / *trailer CRLF                          plan with trailers
//! trailer  = name ":" value [LF] CRLF
//! ```
//!
//! One machine step per framing byte, none per payload byte.

use super::error::FramingError;
use super::trailer::Trailers;

/// Most hex digits of a chunk size: as many as a u64 has.
pub const MAX_SIZE_DIGITS: u8 = 16;

const EXTENSION: &[u8] = b";chunk-signature=";
const SIGNATURE_DIGITS: u8 = 64;

/// Longest chunk line in bytes with its CRLF. The grammar itself bounds it, so that no line is
/// ever buffered.
pub const MAX_CHUNK_LINE: usize =
    MAX_SIZE_DIGITS as usize + EXTENSION.len() + SIGNATURE_DIGITS as usize + 2;

/// What the head of a request says about its aws-chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChunkedPlan {
    /// Every chunk must carry a signature. (In unsigned bodies one is tolerated: some versions of
    /// the Java and .NET SDKs send it.)
    pub signed: bool,
    /// Trailers may follow the last chunk.
    pub trailer: bool,
    /// `x-amz-decoded-content-length` in bytes; the payload must have exactly this length.
    pub decoded_length: Option<u64>,
}

/// A run of input bytes; the spans of one push, in order, cover its input exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// This many bytes of chunk lines, line ends or trailers; more than 0.
    Framing(usize),
    /// Bytes of payload.
    Payload {
        /// How many bytes; more than 0.
        len: usize,
        /// Whether the last of them is the last of its chunk.
        ends_chunk: bool,
    },
}

/// The decoder: push the body as it comes, then `finish` where it ends.
#[derive(Clone, Debug)]
pub struct AwsChunked {
    plan: ChunkedPlan,
    state: State,
    /// Of the chunk line being read, in bytes.
    size: u64,
    /// Payload bytes seen. Never more than the plan's `decoded_length`.
    payload: u64,
    trailers: Trailers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a chunk's data, `left` bytes (more than 0) before its end.
    Data { left: u64 },
    /// Between payload.
    Framing(Place),
}

/// Where in the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a chunk size of which `digits` have come.
    Size { digits: u8 },
    /// In the extension's name, at this offset of `EXTENSION`.
    Extension { at: u8 },
    /// In a signature of which `digits` have come.
    Signature { digits: u8 },
    /// The CR of a chunk line has come.
    SizeLf,
    /// A chunk's data is complete.
    DataCr,
    /// The CR after a chunk's data has come.
    DataLf,
    /// The last chunk line has come, and the plan has no trailers.
    End,
    /// The very last CR has come.
    EndLf,
    /// In the trailers.
    Trailers,
    /// Nothing may follow.
    Done,
    /// Nothing more is read.
    Failed(FramingError),
}

impl AwsChunked {
    /// A decoder at the start of a body.
    pub fn new(plan: ChunkedPlan) -> Self {
        let state = State::Framing(Place::Size { digits: 0 });
        AwsChunked { plan, state, size: 0, payload: 0, trailers: Trailers::default() }
    }

    /// Reads the next bytes of the body and reports what they are.
    ///
    /// How the body is cut into pushes changes neither result nor payload. An empty push is
    /// allowed and reports nothing.
    ///
    /// # Errors
    /// The body breaks the grammar, or its payload is longer than declared: as soon as the byte
    /// that proves it is seen. The run of framing bytes which holds it isn't reported; every later
    /// push and [`finish`](Self::finish) give the same error again.
    pub fn push(&mut self, input: &[u8], emit: &mut impl FnMut(Span)) -> Result<(), FramingError> {
        let mut rest = input;
        while !rest.is_empty() {
            let span = match self.state {
                State::Data { left } => self.take_payload(left, rest.len()),
                State::Framing(place) => self.take_framing(place, rest)?,
            };
            emit(span);
            rest = &rest[span.len()..];
        }
        Ok(())
    }

    /// Payload bytes seen so far.
    pub fn payload_len(&self) -> u64 {
        self.payload
    }

    /// The trailers that have come, in order, the trailer signature among them.
    pub fn trailers(&self) -> &[(String, String)] {
        self.trailers.fields()
    }

    /// Whether the plan has trailers, whether or not any have come.
    pub fn has_trailers(&self) -> bool {
        self.plan.trailer
    }

    /// Whether the framing has ended, so that a further byte would be an error.
    pub fn is_done(&self) -> bool {
        self.state == State::Framing(Place::Done)
    }

    /// To be called at the end of the body: whether it was whole.
    ///
    /// A body without trailers may end right after its last chunk line, without the final CRLF:
    /// some clients do so. A store either takes that or refuses it, and the payload is the same in
    /// either reading, as HTTP's own framing vouches that nothing was cut off. Half a CRLF and
    /// trailers without their end are refused.
    ///
    /// # Errors
    /// The error that an earlier push gave, or [`FramingError::TooShort`].
    pub fn finish(&self) -> Result<(), FramingError> {
        match self.state {
            State::Framing(Place::Done | Place::End) => self.check_declared(),
            State::Framing(Place::Failed(error)) => Err(error),
            State::Data { .. }
            | State::Framing(
                Place::Size { .. }
                | Place::Extension { .. }
                | Place::Signature { .. }
                | Place::SizeLf
                | Place::DataCr
                | Place::DataLf
                | Place::EndLf
                | Place::Trailers,
            ) => Err(FramingError::TooShort),
        }
    }

    fn check_declared(&self) -> Result<(), FramingError> {
        match self.plan.decoded_length {
            Some(declared) if self.payload < declared => Err(FramingError::TooShort),
            Some(_) | None => Ok(()),
        }
    }

    fn take_payload(&mut self, left: u64, available: usize) -> Span {
        // The minimum fits both types: it is no more than `available`.
        let len = left.min(available as u64);
        self.payload += len;
        let ends_chunk = len == left;
        self.state = match ends_chunk {
            true => State::Framing(Place::DataCr),
            false => State::Data { left: left - len },
        };
        Span::Payload { len: len as usize, ends_chunk }
    }

    /// The run of framing at the start of `input`, which is not empty.
    fn take_framing(&mut self, start: Place, input: &[u8]) -> Result<Span, FramingError> {
        let mut place = start;
        for (i, &byte) in input.iter().enumerate() {
            self.state = self.step(place, byte).unwrap_or_else(|e| Place::Failed(e).into());
            match self.state {
                State::Data { .. } => return Ok(Span::Framing(i + 1)),
                State::Framing(Place::Failed(error)) => return Err(error),
                State::Framing(next) => place = next,
            }
        }
        Ok(Span::Framing(input.len()))
    }

    /// The state after one byte of framing.
    fn step(&mut self, place: Place, byte: u8) -> Result<State, FramingError> {
        let next = match place {
            Place::Size { digits } => self.in_size(digits, byte)?,
            Place::Extension { at } => in_extension(at, byte)?,
            Place::Signature { digits } => in_signature(digits, byte)?,
            Place::SizeLf => return expect(byte, b'\n').and_then(|()| self.open_chunk()),
            Place::DataCr => expect(byte, b'\r').map(|()| Place::DataLf)?,
            Place::DataLf => expect(byte, b'\n').map(|()| self.next_chunk())?,
            Place::End => expect(byte, b'\r').map(|()| Place::EndLf)?,
            Place::EndLf => expect(byte, b'\n').map(|()| Place::Done)?,
            Place::Trailers => match self.trailers.push(byte)? {
                true => Place::Done,
                false => Place::Trailers,
            },
            Place::Done => return Err(FramingError::AfterEnd),
            Place::Failed(error) => return Err(error),
        };
        Ok(next.into())
    }

    fn next_chunk(&mut self) -> Place {
        self.size = 0;
        Place::Size { digits: 0 }
    }

    fn in_size(&mut self, digits: u8, byte: u8) -> Result<Place, FramingError> {
        match (char::from(byte).to_digit(16), byte) {
            (Some(digit), _) if digits < MAX_SIZE_DIGITS => {
                self.size = self.size << 4 | u64::from(digit);
                Ok(Place::Size { digits: digits + 1 })
            }
            (None, b';') if digits > 0 => Ok(Place::Extension { at: 1 }),
            (None, b'\r') if digits > 0 && self.plan.signed => Err(FramingError::SignatureMissing),
            (None, b'\r') if digits > 0 => Ok(Place::SizeLf),
            _ => Err(FramingError::ChunkSize),
        }
    }

    /// What follows a complete chunk line. A zero chunk is always the last one: stores disagree
    /// about empty chunks in mid-stream, so that data after one never counts as payload here.
    fn open_chunk(&self) -> Result<State, FramingError> {
        let size = self.size;
        if size == 0 {
            return Ok(if self.plan.trailer { Place::Trailers } else { Place::End }.into());
        }
        let bound = self.plan.decoded_length.unwrap_or(u64::MAX);
        match self.payload.checked_add(size) {
            Some(total) if total <= bound => Ok(State::Data { left: size }),
            Some(_) | None => Err(FramingError::TooLong),
        }
    }
}

impl From<Place> for State {
    fn from(place: Place) -> State {
        State::Framing(place)
    }
}

impl Span {
    /// Its length in bytes; more than 0.
    #[allow(clippy::len_without_is_empty, reason = "no span is empty")]
    pub const fn len(self) -> usize {
        match self {
            Span::Framing(len) | Span::Payload { len, .. } => len,
        }
    }
}

fn in_extension(at: u8, byte: u8) -> Result<Place, FramingError> {
    let at = usize::from(at);
    if EXTENSION[at] != byte {
        return Err(FramingError::Extension);
    }
    match at + 1 == EXTENSION.len() {
        true => Ok(Place::Signature { digits: 0 }),
        false => Ok(Place::Extension { at: at as u8 + 1 }),
    }
}

fn in_signature(digits: u8, byte: u8) -> Result<Place, FramingError> {
    match byte {
        b'\r' if digits == SIGNATURE_DIGITS => Ok(Place::SizeLf),
        _ if byte.is_ascii_hexdigit() && digits < SIGNATURE_DIGITS => {
            Ok(Place::Signature { digits: digits + 1 })
        }
        _ => Err(FramingError::Signature),
    }
}

fn expect(byte: u8, wanted: u8) -> Result<(), FramingError> {
    if byte == wanted { Ok(()) } else { Err(FramingError::LineEnd) }
}
