//! The decoders behind content codings, compressed archives and their members.
//!
//! Each is pushed bytes and hands out what they decode to in slices. None verifies a checksum:
//! viewers show what decodes whether or not its checksum fits, so that refusing it here would hide
//! it. None holds more than the memory that its file names.

mod brotli;
mod bzip2;
mod deflate;
mod error;
mod gather;
mod gzip;
mod inflate;
mod lz4;
mod s2;
#[cfg(test)]
pub(super) mod tests;
mod zstd;

pub use error::CodingError;
pub(super) use inflate::Inflate;
pub use zstd::ZSTD_WINDOW_MAX_BYTES;

/// What a decoder hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next decoded bytes; never empty.
    Bytes(&'a [u8]),
    /// The first gzip member has ended and the next one begins to decode. Browsers show the first
    /// only, command-line tools all of them: both are views of the same body. At most once.
    FirstEnds,
}

/// Where decoded pieces go. An error (a bound that is reached) stops the decoder.
pub(super) type Emit<'a> = dyn FnMut(Piece<'_>) -> Result<(), CodingError> + 'a;

/// The codings that are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Codec {
    /// RFC 1952, one member or several.
    Gzip,
    /// HTTP's `deflate`: RFC 1950, or RFC 1951 bare.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, one frame or several.
    Zstd,
    /// The LZ4 frame format, version 1.
    Lz4,
    /// bzip2, one stream or several.
    Bzip2,
    /// The Snappy framing format, with what S2 adds to it.
    S2,
}

/// A decoder of one coding.
pub(super) enum Engine {
    /// Boxed, as are the others: they are some hundred bytes to some hundred KiB each.
    Gzip(Box<gzip::Gzip>),
    Deflate(Box<deflate::Deflate>),
    Brotli(Box<brotli::Brotli>),
    Zstd(Box<zstd::Zstd>),
    Lz4(Box<lz4::Lz4>),
    Bzip2(Box<bzip2::Bzip2>),
    S2(Box<s2::S2>),
}

impl Engine {
    /// A decoder at the start of its input, which refuses zstd windows above the bound, in bytes.
    pub(super) fn new(codec: Codec, zstd_window_bytes_max: u64) -> Self {
        match codec {
            Codec::Gzip => Engine::Gzip(Box::default()),
            Codec::Deflate => Engine::Deflate(Box::default()),
            Codec::Brotli => Engine::Brotli(Box::default()),
            Codec::Zstd => Engine::Zstd(Box::new(zstd::Zstd::new(zstd_window_bytes_max))),
            Codec::Lz4 => Engine::Lz4(Box::default()),
            Codec::Bzip2 => Engine::Bzip2(Box::default()),
            Codec::S2 => Engine::S2(Box::default()),
        }
    }

    /// Decodes the next input.
    ///
    /// # Errors
    /// The input is malformed, or `emit` gave an error. Whatever decoded before the damage has been
    /// handed out: viewers show it.
    pub(super) fn push(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        match self {
            Engine::Gzip(engine) => engine.push(input, emit),
            Engine::Deflate(engine) => engine.push(input, emit),
            Engine::Brotli(engine) => engine.push(input, emit),
            Engine::Zstd(engine) => engine.push(input, emit),
            Engine::Lz4(engine) => engine.push(input, emit),
            Engine::Bzip2(engine) => engine.push(input, emit),
            Engine::S2(engine) => engine.push(input, emit),
        }
    }

    /// The end of the input: hands out what is still held.
    ///
    /// # Errors
    /// [`CodingError::Truncated`] if the coding has not ended. No input at all is no error.
    pub(super) fn finish(&mut self, emit: &mut Emit<'_>) -> Result<(), CodingError> {
        match self {
            Engine::Gzip(engine) => engine.finish(),
            Engine::Deflate(engine) => engine.finish(emit),
            Engine::Brotli(engine) => engine.finish(),
            Engine::Zstd(engine) => engine.finish(emit),
            Engine::Lz4(engine) => engine.finish(),
            Engine::Bzip2(engine) => engine.finish(),
            Engine::S2(engine) => engine.finish(),
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Gzip(_) => "Gzip",
            Engine::Deflate(_) => "Deflate",
            Engine::Brotli(_) => "Brotli",
            Engine::Zstd(_) => "Zstd",
            Engine::Lz4(_) => "Lz4",
            Engine::Bzip2(_) => "Bzip2",
            Engine::S2(_) => "S2",
        })
    }
}

/// Decoded bytes leave the inner decoders through a buffer of this size, in bytes: large enough that
/// hashing what comes out is not dominated by calls.
const OUTPUT_BYTES: usize = 32 * 1024;

/// What one step of a decoder with borrowed buffers did.
struct Step {
    read: usize,
    written: usize,
    state: StepState,
}

enum StepState {
    /// It wants more input, or more room.
    More,
    /// The coded stream is complete.
    Ended,
    /// The input is damaged; what was written before it counts.
    Failed,
}

/// Drives such a decoder over `input`. Gives how much of it was read, and whether the stream ended.
fn pump(
    input: &[u8],
    output: &mut [u8],
    emit: &mut Emit<'_>,
    mut step: impl FnMut(&[u8], &mut [u8]) -> Step,
) -> Result<(usize, bool), CodingError> {
    let mut at = 0;
    loop {
        let Step { read, written, state } = step(&input[at..], output);
        at += read;
        if written > 0 {
            emit(Piece::Bytes(&output[..written]))?;
        }
        match state {
            StepState::Failed => return Err(CodingError::Malformed),
            StepState::Ended => return Ok((at, true)),
            // A full buffer may have left more behind.
            StepState::More if written == output.len() => {}
            StepState::More if at == input.len() || read + written == 0 => return Ok((at, false)),
            StepState::More => {}
        }
    }
}
