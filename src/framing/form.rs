//! The body of a browser form: `multipart/form-data` (RFC 7578, RFC 2046 §5.1), read strictly.
//!
//! ```text
//! form     = [CRLF] "--" boundary 1*( CRLF part ) "--" [CRLF]
//! part     = head CRLF payload CRLF "--" boundary
//! head     = 1*( name ":" value CRLF )            with one Content-Disposition
//! ```
//!
//! Servers differ in what they read over: text before the first boundary and behind the last, blanks
//! behind a boundary, bare line feeds, folded headers, a boundary in the middle of a line (Ceph RGW
//! ends a part there). Each of these is an error, so that there is one reading of what is let
//! through. An empty line before the first boundary, which some clients send, is nothing in all.
//!
//! AWS and MinIO stop reading behind the file; Ceph RGW does, SeaweedFS reads on. Here every part is
//! read to the end, and its payload reported, whatever its name and wherever it stands. A second
//! `file` is an error: AWS refuses it, SeaweedFS may join the two into one object.
//!
//! What could be the start of a delimiter is not payload yet, and is not reported before it is
//! settled: at most `MAX_DELIMITER - 1` bytes, which may lie in earlier pushes.

mod boundary;
mod error;
mod fields;
#[doc(hidden)]
pub mod naive;
mod params;
mod part;
#[cfg(test)]
mod tests;

pub use boundary::{Boundary, MAX_BOUNDARY};
pub use error::FormError;
pub use fields::{Field, Form, MAX_FIELD, MAX_FIELDS};
pub use part::{MAX_PART_HEAD, Part};

use boundary::{Delimiter, MAX_DELIMITER};

/// Most parts of a form, as MinIO has it.
pub const MAX_PARTS: usize = 1000;

/// What the next bytes of a form are. In order, `Framing` and `Payload` cover what was pushed, but
/// for the last [`FormData::pending`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormEvent<'a> {
    /// This many bytes of boundaries and headers; more than 0.
    Framing(usize),
    /// A part's header has ended: its payload follows.
    Begin(&'a Part),
    /// The next bytes, at least one, are payload of the part that began last. A few, those about a
    /// cut where a delimiter could have begun, are given from the decoder's own copy.
    Payload(&'a [u8]),
    /// The part has ended; its delimiter follows.
    End,
}

/// The decoder: push the body as it comes, then `finish` where it ends.
#[derive(Clone, Debug)]
pub struct FormData {
    delimiter: Delimiter,
    state: State,
    /// Of the part being read; no more than `MAX_PART_HEAD` bytes.
    head: Vec<u8>,
    carry: Carry,
    parts: usize,
    in_file: bool,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a part's payload.
    Payload,
    /// Between payload.
    Framing(Place),
}

/// Where in the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the first delimiter, at this offset; nothing has come yet, if `fresh`.
    Opening { at: usize, fresh: bool },
    /// A boundary has come, and this byte behind it.
    Boundary { first: Option<u8> },
    /// In a part's header.
    Head,
    /// The last boundary has come.
    End,
    /// The very last CR has come.
    EndLf,
    /// Nothing may follow.
    Done,
    /// Nothing more is read.
    Failed(FormError),
}

/// The end of what was pushed, as far as it could be the start of a delimiter.
#[derive(Clone, Copy, Debug)]
struct Carry {
    bytes: [u8; MAX_DELIMITER],
    len: usize,
}

impl FormData {
    /// A decoder at the start of a body.
    pub fn new(boundary: &Boundary) -> Self {
        FormData {
            delimiter: Delimiter::new(boundary),
            state: State::Framing(Place::Opening { at: 0, fresh: true }),
            head: Vec::new(),
            carry: Carry { bytes: [0; MAX_DELIMITER], len: 0 },
            parts: 0,
            in_file: false,
            form: Form::default(),
        }
    }

    /// Reads the next bytes of the body and reports what they are.
    ///
    /// How the body is cut into pushes changes neither result nor payload. An empty push is allowed
    /// and reports nothing.
    ///
    /// # Errors
    /// The body breaks the grammar or a bound: as soon as the byte that proves it is seen. The run
    /// which holds it isn't reported; every later push and [`finish`](Self::finish) give the same
    /// error again.
    pub fn push(
        &mut self,
        input: &[u8],
        emit: &mut impl FnMut(FormEvent<'_>),
    ) -> Result<(), FormError> {
        let mut rest = input;
        while !rest.is_empty() {
            let read = match self.state {
                State::Payload => self.take_payload(rest, emit),
                State::Framing(place) => self.take_framing(place, rest, emit),
            };
            match read {
                Ok(len) => rest = &rest[len..],
                Err(error) => {
                    self.state = State::Framing(Place::Failed(error));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// How many of the bytes pushed last are neither payload nor framing yet: what could still be
    /// the start of a delimiter. They must not be let out as payload.
    pub fn pending(&self) -> usize {
        self.carry.len
    }

    /// The fields that have come, and the file's header.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Whether the last boundary has come.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Framing(Place::End | Place::EndLf | Place::Done))
    }

    /// To be called at the end of the body: whether it was whole and had a file.
    ///
    /// # Errors
    /// The error that an earlier push gave, [`FormError::TooShort`] or [`FormError::FileMissing`].
    pub fn finish(&self) -> Result<(), FormError> {
        match self.state {
            State::Framing(Place::Done | Place::End) => match self.form.file() {
                Some(_) => Ok(()),
                None => Err(FormError::FileMissing),
            },
            State::Framing(Place::Failed(error)) => Err(error),
            State::Payload
            | State::Framing(
                Place::Opening { .. } | Place::Boundary { .. } | Place::Head | Place::EndLf,
            ) => Err(FormError::TooShort),
        }
    }

    // ---- payload -----------------------------------------------------------------------------

    /// Reads payload at the start of `input`, which is not empty; gives how much of it was read.
    fn take_payload(
        &mut self,
        input: &[u8],
        emit: &mut impl FnMut(FormEvent<'_>),
    ) -> Result<usize, FormError> {
        if self.carry.len > 0 {
            return self.take_seam(input, emit);
        }
        let dashed = self.delimiter.dashed().len();
        let Some(at) = self.delimiter.find(input) else {
            let payload = input.len() - self.delimiter.started(input);
            self.report(&input[..payload], emit)?;
            self.carry.set(&input[payload..]);
            return Ok(input.len());
        };
        let payload = input[..at].strip_suffix(b"\r\n").ok_or(FormError::BoundaryInside)?;
        self.report(payload, emit)?;
        self.end_part(2 + dashed, emit);
        Ok(at + dashed)
    }

    /// Reads on where a delimiter may have begun in earlier pushes. The carried bytes and the start
    /// of the input are laid side by side: everything that begins among the former ends there.
    fn take_seam(
        &mut self,
        input: &[u8],
        emit: &mut impl FnMut(FormEvent<'_>),
    ) -> Result<usize, FormError> {
        let (carried, delimiter) = (self.carry.len, self.delimiter.bytes().len());
        let taken = input.len().min(delimiter);
        let mut seam = [0; 2 * MAX_DELIMITER];
        let seam = &mut seam[..carried + taken];
        seam[..carried].copy_from_slice(self.carry.bytes());
        seam[carried..].copy_from_slice(&input[..taken]);

        // Its dashes begin at most two bytes behind what was carried: a CR and an LF.
        match self.delimiter.find(seam) {
            Some(at) if at < carried + 2 => {
                let payload = seam[..at].strip_suffix(b"\r\n").ok_or(FormError::BoundaryInside)?;
                self.report(payload, emit)?;
                self.carry.len = 0;
                self.end_part(delimiter, emit);
                Ok(at + self.delimiter.dashed().len() - carried)
            }
            _ if taken == delimiter => {
                // Nothing begins here: the input is read as if nothing had been carried.
                self.report(&seam[..carried], emit)?;
                self.carry.len = 0;
                Ok(0)
            }
            _ => {
                let payload = seam.len() - self.delimiter.started(seam);
                self.report(&seam[..payload], emit)?;
                self.carry.set(&seam[payload..]);
                Ok(taken)
            }
        }
    }

    fn report(
        &mut self,
        payload: &[u8],
        emit: &mut impl FnMut(FormEvent<'_>),
    ) -> Result<(), FormError> {
        if payload.is_empty() {
            return Ok(());
        }
        if !self.in_file {
            self.form.take(payload)?;
        }
        emit(FormEvent::Payload(payload));
        Ok(())
    }

    fn end_part(&mut self, framing: usize, emit: &mut impl FnMut(FormEvent<'_>)) {
        emit(FormEvent::End);
        emit(FormEvent::Framing(framing));
        self.state = State::Framing(Place::Boundary { first: None });
    }

    // ---- framing -----------------------------------------------------------------------------

    /// Reads the run of framing at the start of `input`, which is not empty.
    fn take_framing(
        &mut self,
        start: Place,
        input: &[u8],
        emit: &mut impl FnMut(FormEvent<'_>),
    ) -> Result<usize, FormError> {
        let mut place = start;
        for (i, &byte) in input.iter().enumerate() {
            if place == Place::Head && self.in_head(byte)? {
                let part = self.begin_part()?;
                emit(FormEvent::Framing(i + 1));
                emit(FormEvent::Begin(&part));
                self.state = State::Payload;
                return Ok(i + 1);
            }
            place = self.step(place, byte)?;
        }
        self.state = State::Framing(place);
        emit(FormEvent::Framing(input.len()));
        Ok(input.len())
    }

    /// The place after one byte of framing.
    fn step(&self, place: Place, byte: u8) -> Result<Place, FormError> {
        match place {
            Place::Opening { at, fresh } => self.in_opening(at, fresh, byte),
            Place::Boundary { first } => in_boundary_line(first, byte),
            Place::Head => Ok(Place::Head),
            Place::End if byte == b'\r' => Ok(Place::EndLf),
            Place::EndLf if byte == b'\n' => Ok(Place::Done),
            Place::End | Place::EndLf | Place::Done => Err(FormError::AfterEnd),
            Place::Failed(error) => Err(error),
        }
    }

    fn in_opening(&self, at: usize, fresh: bool, byte: u8) -> Result<Place, FormError> {
        let at = if fresh && byte == b'-' { 2 } else { at };
        let delimiter = self.delimiter.bytes();
        if delimiter[at] != byte {
            return Err(FormError::Preamble);
        }
        Ok(match at + 1 == delimiter.len() {
            true => Place::Boundary { first: None },
            false => Place::Opening { at: at + 1, fresh: false },
        })
    }

    /// Keeps a byte of a part's header; true if it was the last one.
    fn in_head(&mut self, byte: u8) -> Result<bool, FormError> {
        if self.head.len() == MAX_PART_HEAD {
            return Err(FormError::HeadTooLarge);
        }
        let after_cr = self.head.last() == Some(&b'\r');
        if after_cr != (byte == b'\n') {
            return Err(FormError::LineEnd);
        }
        self.head.push(byte);
        Ok(self.head == b"\r\n" || self.head.ends_with(b"\r\n\r\n"))
    }

    fn begin_part(&mut self) -> Result<Part, FormError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(FormError::TooManyParts);
        }
        let head = std::mem::take(&mut self.head);
        if self.delimiter.find(&head).is_some() {
            return Err(FormError::BoundaryInside);
        }
        let part = Part::parse(&head)?;
        self.in_file = part.is_file();
        self.form.begin(&part)?;
        Ok(part)
    }
}

impl Carry {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Of less than a whole delimiter.
    fn set(&mut self, bytes: &[u8]) {
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        self.len = bytes.len();
    }
}

/// A boundary's line ends at once, or with the two dashes of the last one.
fn in_boundary_line(first: Option<u8>, byte: u8) -> Result<Place, FormError> {
    match (first, byte) {
        (None, b'\r' | b'-') => Ok(Place::Boundary { first: Some(byte) }),
        (Some(b'\r'), b'\n') => Ok(Place::Head),
        (Some(b'-'), b'-') => Ok(Place::End),
        _ => Err(FormError::Delimiter),
    }
}
