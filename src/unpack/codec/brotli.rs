//! Brotli (RFC 7932). Large windows, which no browser takes, are refused; what follows the stream
//! is ignored.
//!
//! Memory: the window that the stream asks for, 16 MiB at most (half of it once more while it
//! grows), and up to some 4 MiB of tables.

use brotli_decompressor::reader::StandardAlloc;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::{CodingError, Emit, OUTPUT_BYTES, Step, StepState, pump};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// A decoder of Brotli.
pub(in crate::unpack) struct Brotli {
    state: State,
    output: Box<[u8]>,
    begun: bool,
    ended: bool,
}

impl Default for Brotli {
    fn default() -> Self {
        let alloc = StandardAlloc::default;
        Brotli {
            state: State::new_strict(alloc(), alloc(), alloc()),
            output: vec![0; OUTPUT_BYTES].into_boxed_slice(),
            begun: false,
            ended: false,
        }
    }
}

impl Brotli {
    pub(super) fn push(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        if self.ended || input.is_empty() {
            return Ok(());
        }
        self.begun = true;
        let Brotli { state, output, .. } = self;
        let (_, ended) = pump(input, output, emit, |input, output| step(state, input, output))?;
        self.ended = ended;
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.ended || !self.begun {
            true => Ok(()),
            false => Err(CodingError::Truncated),
        }
    }
}

fn step(state: &mut State, input: &[u8], output: &mut [u8]) -> Step {
    let (mut available_in, mut read) = (input.len(), 0);
    let (mut available_out, mut written, mut total) = (output.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut read,
        input,
        &mut available_out,
        &mut written,
        output,
        &mut total,
        state,
    );
    let state = match result {
        BrotliResult::ResultSuccess => StepState::Ended,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => StepState::More,
        BrotliResult::ResultFailure => StepState::Failed,
    };
    Step { read, written, state }
}
