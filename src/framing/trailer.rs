//! The trailers after the last chunk of an aws-chunked body.
//!
//! AWS signs them with a line feed behind each, and some clients (minio-go, after AWS's own
//! example) send that line feed before the CRLF.

use super::error::FramingError;

/// Most bytes of all trailers together, their line ends and the final CRLF included. A checksum
/// and a signature take about 150.
pub const MAX_TRAILER_BYTES: usize = 16 * 1024;

/// Most trailers. Clients send two: a checksum and the signature.
pub const MAX_TRAILERS: usize = 32;

/// The trailer that signs those before it; always the last one.
pub const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Reads the trailers byte by byte and keeps them.
#[derive(Clone, Debug, Default)]
pub(super) struct Trailers {
    state: State,
    /// Bytes read: no more than `MAX_TRAILER_BYTES`.
    read: usize,
    name: Vec<u8>,
    value: Vec<u8>,
    fields: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// At the start of a line.
    #[default]
    Start,
    /// In a name of at least one byte.
    Name,
    /// In a value.
    Value,
    /// A value ended with LF; CRLF must follow.
    Cr,
    /// A value ended with CR; LF must follow.
    Lf,
    /// An empty line's CR has come.
    EndLf,
}

impl Trailers {
    /// What has been read, in order.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// Reads a byte; true if it was the last of the section.
    pub(super) fn push(&mut self, byte: u8) -> Result<bool, FramingError> {
        self.read += 1;
        if self.read > MAX_TRAILER_BYTES {
            return Err(FramingError::TrailersTooLarge);
        }
        self.state = match (self.state, byte) {
            (State::Start, b'\r') => State::EndLf,
            (State::EndLf, b'\n') => return Ok(true),
            (State::Name, b':') => State::Value,
            (State::Start | State::Name, _) => self.in_name(byte)?,
            (State::Value, b'\r') | (State::Cr, b'\r') => State::Lf,
            (State::Value, b'\n') => State::Cr,
            (State::Value, _) => self.in_value(byte)?,
            (State::Lf, b'\n') => self.end_line()?,
            (State::Cr | State::Lf | State::EndLf, _) => return Err(FramingError::LineEnd),
        };
        Ok(false)
    }

    fn in_name(&mut self, byte: u8) -> Result<State, FramingError> {
        if !is_token(byte) || self.is_signed() {
            return Err(FramingError::Trailer);
        }
        self.name.push(byte);
        Ok(State::Name)
    }

    fn in_value(&mut self, byte: u8) -> Result<State, FramingError> {
        if !is_text(byte) {
            return Err(FramingError::Trailer);
        }
        self.value.push(byte);
        Ok(State::Value)
    }

    fn end_line(&mut self) -> Result<State, FramingError> {
        if self.fields.len() == MAX_TRAILERS {
            return Err(FramingError::TrailersTooLarge);
        }
        let name = text(std::mem::take(&mut self.name));
        let value = text(std::mem::take(&mut self.value)).trim_matches([' ', '\t']).to_owned();
        if name.eq_ignore_ascii_case(TRAILER_SIGNATURE) && !is_signature(&value) {
            return Err(FramingError::Trailer);
        }
        self.fields.push((name, value));
        Ok(State::Start)
    }

    /// Whether the signature has come: it covers what stands before it, so that nothing may follow.
    fn is_signed(&self) -> bool {
        self.fields.last().is_some_and(|(name, _)| name.eq_ignore_ascii_case(TRAILER_SIGNATURE))
    }
}

/// Token bytes of RFC 9110 §5.6.2.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Visible ASCII, blank and tab.
pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

fn is_signature(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Only ASCII was let in.
fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}
