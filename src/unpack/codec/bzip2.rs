//! bzip2, one stream or several. What follows the last stream and is none itself is ignored.
//!
//! Memory: up to 3.7 MB (four bytes for each byte of a 900 kB block, and tables).

use bzip2::{Decompress, Status};

use super::gather::Gather;
use super::{CodingError, Emit, OUTPUT_BYTES, Step, StepState, pump};

const MAGIC: [u8; 3] = *b"BZh";

/// Streams in one input: parallel packers make one for each 900 kB, so that this is 3.7 GB of
/// content. Each allocates 3.6 MB, in as little as 14 bytes.
const STREAMS_MAX: u32 = 4096;

/// A decoder of bzip2.
pub(in crate::unpack) struct Bzip2 {
    state: Option<Decompress>,
    /// The first bytes of the next stream.
    magic: Gather,
    output: Box<[u8]>,
    /// Streams that have ended.
    streams: u32,
    /// Behind the last stream.
    junk: bool,
}

impl Default for Bzip2 {
    fn default() -> Self {
        Bzip2 {
            state: None,
            magic: Gather::default(),
            output: vec![0; OUTPUT_BYTES].into_boxed_slice(),
            streams: 0,
            junk: false,
        }
    }
}

impl Bzip2 {
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<(), CodingError> {
        while !self.junk && !input.is_empty() {
            if self.state.is_none() {
                self.begin(&mut input, emit)?;
            } else {
                let read = self.body(input, emit)?;
                input = &input[read..];
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.state.is_none() && (self.streams > 0 || self.magic.is_empty()) {
            true => Ok(()),
            false => Err(CodingError::Truncated),
        }
    }

    fn begin(&mut self, input: &mut &[u8], emit: &mut Emit<'_>) -> Result<(), CodingError> {
        if !self.magic.fill(input, MAGIC.len()) {
            return Ok(());
        }
        if self.magic.take() == MAGIC {
            if self.streams == STREAMS_MAX {
                return Err(CodingError::Unsupported);
            }
            self.state = Some(Decompress::new(false));
            return self.body(&MAGIC, emit).map(|_| ());
        }
        self.junk = self.streams > 0;
        if self.junk { Ok(()) } else { Err(CodingError::Malformed) }
    }

    fn body(&mut self, input: &[u8], emit: &mut Emit<'_>) -> Result<usize, CodingError> {
        let Bzip2 { state: Some(state), output, .. } = self else { return Ok(0) };
        let (read, ended) = pump(input, output, emit, |input, output| step(state, input, output))?;
        if ended {
            self.state = None;
            self.streams += 1;
        }
        Ok(read)
    }
}

fn step(state: &mut Decompress, input: &[u8], output: &mut [u8]) -> Step {
    let (in_before, out_before) = (state.total_in(), state.total_out());
    let status = state.decompress(input, output);
    Step {
        read: (state.total_in() - in_before) as usize,
        written: (state.total_out() - out_before) as usize,
        state: match status {
            Ok(Status::Ok | Status::RunOk | Status::FlushOk | Status::FinishOk) => StepState::More,
            Ok(Status::StreamEnd) => StepState::Ended,
            Ok(Status::MemNeeded) | Err(_) => StepState::Failed,
        },
    }
}
