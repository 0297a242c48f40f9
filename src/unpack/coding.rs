//! HTTP content codings, undone as a body streams.
//!
//! A store keeps a coded body as it came, and browsers decode it: both byte strings are to be
//! judged. Decoding is as tolerant as browsers are, so that nothing shows which wasn't seen here:
//! checksums are not verified, bytes behind the coded ones are ignored, and what decoded before
//! damage counts.

use super::Limits;
use super::blocks::Blocks;
use super::codec::{Codec, CodingError, Engine, Piece};

/// A content coding that browsers decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`: zlib, or bare deflate.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// Every coding, in order.
    pub const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

    /// Its name in `Content-Encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    /// The codings that `Content-Encoding` names, in the order in which they were applied.
    ///
    /// `values` are the header's lines in order. `aws-chunked` (the framing, not a coding of what is
    /// stored), `identity` and empty elements count for nothing. Names are case-insensitive.
    ///
    /// # Errors
    /// [`CodingError::Unknown`] for any other name.
    pub fn parse<'a>(
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Coding>, CodingError> {
        let names = values.into_iter().flat_map(|value| value.split(','));
        names.filter_map(|name| element(name.trim()).transpose()).collect()
    }

    pub(super) const fn codec(self) -> Codec {
        match self {
            Coding::Gzip => Codec::Gzip,
            Coding::Deflate => Codec::Deflate,
            Coding::Brotli => Codec::Brotli,
            Coding::Zstd => Codec::Zstd,
        }
    }
}

/// One element of the header; `None` if it codes nothing.
fn element(name: &str) -> Result<Option<Coding>, CodingError> {
    const SILENT: [&str; 3] = ["", "identity", "aws-chunked"];
    if SILENT.iter().any(|silent| name.eq_ignore_ascii_case(silent)) {
        return Ok(None);
    }
    if name.eq_ignore_ascii_case("x-gzip") {
        return Ok(Some(Coding::Gzip));
    }
    let known = Coding::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name()));
    known.map(Some).ok_or(CodingError::Unknown)
}

/// Undoes the codings of one body: push it as it comes, then `finish` where it ends.
///
/// Its memory with one layer, at most, as measured: gzip 103 KiB, deflate 175 KiB, br 25 MiB (a window
/// of 16 MiB while it grows, and tables), zstd one and a half times the window bound and 1 MiB. A
/// second layer adds its own, less 16 KiB.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    /// Outermost first: the coding that was applied last.
    layers: Vec<Layer>,
    limits: Limits,
    /// Coded bytes that went in.
    input: u64,
    /// Whether [`Piece::FirstEnds`] has been handed out.
    first_ended: bool,
    /// The error that ended decoding.
    failed: Option<CodingError>,
}

#[derive(Debug)]
struct Layer {
    engine: Engine,
    /// Bytes that came out.
    output: u64,
}

impl Decoder {
    /// A decoder of a body to which `codings` were applied in this order.
    ///
    /// # Errors
    /// [`CodingError::TooManyLayers`] if they are more than the limit.
    pub fn new(codings: &[Coding], limits: Limits) -> Result<Self, CodingError> {
        if codings.len() > limits.layers_max {
            return Err(CodingError::TooManyLayers);
        }
        let layer = |coding: &Coding| Layer {
            engine: Engine::new(coding.codec(), limits.zstd_window_bytes_max),
            output: 0,
        };
        Ok(Decoder {
            blocks: Blocks::default(),
            layers: codings.iter().rev().map(layer).collect(),
            limits,
            input: 0,
            first_ended: false,
            failed: None,
        })
    }

    /// The most memory that a decoder of these codings takes, in bytes: half as much again as was
    /// measured, since allocators round up.
    pub fn memory_bytes_max(codings: &[Coding], limits: &Limits) -> u64 {
        let layer = |coding: &Coding| match coding {
            Coding::Gzip => 160 << 10,
            Coding::Deflate => 256 << 10,
            Coding::Brotli => 32 << 20,
            Coding::Zstd => limits.zstd_window_bytes_max * 3 / 2 + (2 << 20),
        };
        // With more of them there is no decoder.
        match codings.len() <= limits.layers_max {
            true => codings.iter().map(layer).sum(),
            false => 0,
        }
    }

    /// Decodes the next bytes of the body, and hands out what they decode to.
    ///
    /// How the body is cut into pushes changes neither the pieces nor the outcome, only when they
    /// come.
    ///
    /// # Errors
    /// The body is malformed, or a limit is reached. What decoded before that has been handed out,
    /// up to the limit; every later push and [`finish`](Self::finish) give the same error again.
    pub fn push(
        &mut self,
        bytes: &[u8],
        emit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut blocks = std::mem::take(&mut self.blocks);
        let pushed = blocks.push(bytes, |block| self.decode(block, emit));
        self.blocks = blocks;
        pushed
    }

    /// To be called at the end of the body: hands out what is left.
    ///
    /// # Errors
    /// As for [`push`](Self::push), and [`CodingError::Truncated`]: what was handed out is all
    /// there is, and a viewer shows it.
    pub fn finish(mut self, emit: &mut dyn FnMut(Piece<'_>)) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let rest = self.blocks.finish();
        self.decode(&rest, emit)?;
        let gauge = Gauge { limits: &self.limits, input: self.input };
        gauge.finish_all(&mut self.layers, &mut tell_once(&mut self.first_ended, emit))
    }

    fn decode(&mut self, block: &[u8], emit: &mut dyn FnMut(Piece<'_>)) -> Result<(), CodingError> {
        self.input += block.len() as u64;
        let Decoder { layers, limits, input, first_ended, .. } = self;
        let gauge = Gauge { limits, input: *input };
        let mut emit = tell_once(first_ended, emit);
        let decoded = gauge.push_through(layers, block, &mut emit);
        if decoded.is_err() {
            // What the layers still hold was decoded before the damage; that they are cut short
            // is no news.
            let _ = gauge.finish_all(layers, &mut emit);
        }
        drop(emit);
        self.failed = decoded.err();
        decoded
    }
}

/// Passes on all but a second [`Piece::FirstEnds`]: whoever reads one member only stops at the first.
fn tell_once<'a>(
    told: &'a mut bool,
    emit: &'a mut dyn FnMut(Piece<'_>),
) -> impl FnMut(Piece<'_>) + 'a {
    move |piece| {
        if piece != Piece::FirstEnds || !std::mem::replace(told, true) {
            emit(piece);
        }
    }
}

/// What the layers are measured by.
struct Gauge<'a> {
    limits: &'a Limits,
    /// Coded bytes that went in so far.
    input: u64,
}

impl Gauge<'_> {
    /// Pushes bytes through the layers from the first on.
    fn push_through(
        &self,
        layers: &mut [Layer],
        bytes: &[u8],
        emit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), CodingError> {
        let Some((Layer { engine, output }, within)) = layers.split_first_mut() else {
            if !bytes.is_empty() {
                emit(Piece::Bytes(bytes));
            }
            return Ok(());
        };
        engine.push(bytes, &mut |piece| self.pass(piece, output, within, emit))
    }

    /// Ends the layers from the first on; what each still gives goes through those within. Gives the
    /// first error: a layer cut short cuts all within it short.
    fn finish_all(
        &self,
        layers: &mut [Layer],
        emit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), CodingError> {
        let Some((Layer { engine, output }, within)) = layers.split_first_mut() else {
            return Ok(());
        };
        let ended = engine.finish(&mut |piece| self.pass(piece, output, within, emit));
        ended.and(self.finish_all(within, emit))
    }

    /// Counts what a layer gave, and passes it on to those within.
    fn pass(
        &self,
        piece: Piece<'_>,
        output: &mut u64,
        within: &mut [Layer],
        emit: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), CodingError> {
        let Piece::Bytes(bytes) = piece else {
            emit(piece);
            return Ok(());
        };
        let room = self.limits.output_bytes(self.input) - *output;
        let fits = usize::try_from(room).map_or(bytes.len(), |room| room.min(bytes.len()));
        if self.limits.ratio_is_over(self.input, *output + fits as u64) {
            return Err(CodingError::Ratio);
        }
        *output += fits as u64;
        self.push_through(within, &bytes[..fits], emit)?;
        if fits == bytes.len() { Ok(()) } else { Err(CodingError::TooLong) }
    }
}

#[cfg(test)]
mod tests;
