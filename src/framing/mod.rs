//! Push decoders that find the payload inside a framed body without copying it.
//!
//! A decoder is fed the bytes as they come, cut anywhere, and answers with spans that tile them:
//! the bytes themselves go on untouched, the spans say which of them are payload. No sockets, no
//! buffers of payload, no guessing: a body that two parsers could read differently is an error.

mod aws_chunked;
mod error;
mod form;
#[doc(hidden)]
pub mod naive;
#[cfg(test)]
mod tests;
mod trailer;

pub use aws_chunked::{AwsChunked, ChunkedPlan, MAX_CHUNK_LINE, MAX_SIZE_DIGITS, Span};
pub use error::FramingError;
#[doc(hidden)]
pub use form::naive as naive_form;
pub use form::{
    Boundary, Field, Form, FormData, FormError, FormEvent, MAX_BOUNDARY, MAX_FIELD, MAX_FIELDS,
    MAX_PART_HEAD, MAX_PARTS, Part,
};
pub use trailer::{MAX_TRAILER_BYTES, MAX_TRAILERS, TRAILER_SIGNATURE};
