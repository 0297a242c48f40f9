//! Raw deflate (RFC 1951).
//!
//! By zlib-rs: an empty block of ten bits costs it next to nothing. A decoder that builds the fixed
//! tables anew for each of them takes more than a second for 1 MiB of such.
//!
//! Memory: 32 KiB of window and some 20 KiB of tables in the decoder, and the output buffer.

use flate2::{Decompress, FlushDecompress, Status};

use super::{CodingError, Emit, OUTPUT_BYTES, Step, StepState, pump};

/// A decoder of one raw deflate stream at a time.
pub(in crate::unpack) struct Inflate {
    state: Decompress,
    output: Box<[u8]>,
}

impl Default for Inflate {
    fn default() -> Self {
        Inflate { state: Decompress::new(false), output: vec![0; OUTPUT_BYTES].into_boxed_slice() }
    }
}

impl Inflate {
    /// Decodes the next input; gives how much of it was read, and whether the stream has ended.
    ///
    /// # Errors
    /// The stream is malformed, or `emit` gave an error.
    pub(in crate::unpack) fn push(
        &mut self,
        input: &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<(usize, bool), CodingError> {
        let Inflate { state, output } = self;
        pump(input, output, emit, |input, output| step(state, input, output))
    }

    /// Starts with the next stream.
    pub(super) fn restart(&mut self) {
        self.state.reset(false);
    }
}

fn step(state: &mut Decompress, input: &[u8], output: &mut [u8]) -> Step {
    let (in_before, out_before) = (state.total_in(), state.total_out());
    let status = state.decompress(input, output, FlushDecompress::None);
    Step {
        read: (state.total_in() - in_before) as usize,
        written: (state.total_out() - out_before) as usize,
        state: match status {
            Ok(Status::Ok | Status::BufError) => StepState::More,
            Ok(Status::StreamEnd) => StepState::Ended,
            Err(_) => StepState::Failed,
        },
    }
}
