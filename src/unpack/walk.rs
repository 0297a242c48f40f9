//! What all unpackers of one body share: its bounds and what is left of them, and the way to the
//! sink.

use std::ops::Range;

use super::codec::CodingError;
use super::view::{Gaps, Incomplete, Kind, Origin, Sink};
use super::{Limits, Options, look};

/// No limit lets archives be deeper within one another: each level takes some of the stack.
pub(super) const DEPTH_BOUND: u8 = 32;

/// What is left of the bounds for one body.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) options: Options,
    pub(super) limits: Limits,
    pub(super) gaps: Gaps,
    /// Bytes of the body that have come.
    pub(super) input: u64,
    /// Bytes of views.
    output: u64,
    /// Bytes that decoders took or gave, views or not.
    decoded: u64,
    views: u32,
    /// Free bytes for members that are kept to be looked into.
    scratch: usize,
    /// Whether a bound on the whole body is reached: nothing more is given.
    stopped: bool,
}

impl Ledger {
    pub(super) fn new(options: Options, limits: Limits) -> Self {
        let depth_max = limits.depth_max.min(DEPTH_BOUND);
        Ledger {
            options,
            limits: Limits { depth_max, ..limits },
            gaps: Gaps::NONE,
            input: 0,
            output: 0,
            decoded: 0,
            views: 0,
            scratch: limits.scratch_bytes_max,
            stopped: false,
        }
    }

    /// Whether a bound on the whole body is reached.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

/// The ledger and the sink of one body, while it is unpacked.
pub(super) struct Walk<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) sink: &'a mut dyn Sink,
}

/// A byte string that is looked into, and where it lies in the payload, if it does.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    /// The offset in the payload; `None` for what was decoded.
    pub(super) base: Option<usize>,
    /// Whether the bytes are all there are.
    pub(super) whole: bool,
    pub(super) place: Place<'a>,
}

/// Where in the body a byte string lies.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Archives around it.
    pub(super) depth: u8,
    /// The name of the innermost member that it is or lies in.
    pub(super) name: &'a [u8],
}

impl Place<'_> {
    /// Outside of all archives.
    pub(super) const OUTSIDE: Place<'static> = Place { depth: 0, name: &[] };
}

impl<'a> Source<'a> {
    /// An origin in this byte string.
    pub(super) fn origin(&self, kind: Kind) -> Origin<'a> {
        let Place { depth, name } = self.place;
        Origin { kind, depth, name, declared: None, offset: 0, format: None }
    }
}

impl Walk<'_> {
    /// Notes that something was not seen.
    pub(super) fn miss(&mut self, reason: Incomplete) {
        self.ledger.gaps.add(reason);
    }

    /// Notes why a decoder gave up.
    pub(super) fn miss_coded(&mut self, error: CodingError) {
        self.miss(match error {
            CodingError::Malformed => Incomplete::Malformed,
            CodingError::Truncated => Incomplete::Truncated,
            CodingError::TooLong => Incomplete::Bytes,
            CodingError::Ratio => Incomplete::Ratio,
            CodingError::Memory => Incomplete::Memory,
            CodingError::Unsupported | CodingError::Unknown => Incomplete::Unsupported,
            CodingError::TooManyLayers => Incomplete::Depth,
        });
    }

    /// Whether a bound on the whole body is reached.
    pub(super) fn stopped(&self) -> bool {
        self.ledger.is_stopped()
    }

    /// Gives a run of a byte string as a view. An empty one is nothing to see.
    pub(super) fn give(&mut self, source: &Source<'_>, origin: &Origin<'_>, range: Range<usize>) {
        let Some(bytes) = source.bytes.get(range.clone()).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        if !self.count_view() {
            return;
        }
        let fits = self.spend(bytes.len());
        match source.base {
            Some(base) if fits == bytes.len() => {
                self.sink.range(origin, base + range.start..base + range.end);
            }
            // Half a range is nobody's file.
            Some(_) => {}
            None => {
                self.sink.begin(origin);
                if fits > 0 {
                    self.sink.bytes(&bytes[..fits]);
                }
                self.sink.end(fits == bytes.len());
            }
        }
    }

    /// Counts bytes that a decoder took or gave, and stops the walk where they are too many.
    ///
    /// # Errors
    /// The walk has stopped, now or before.
    pub(super) fn spend_decoded(&mut self, bytes: usize) -> Result<(), CodingError> {
        let Ledger { limits, input, decoded, stopped, gaps, .. } = self.ledger;
        *decoded += bytes as u64;
        // What is read counts too, and reading all of the body once is free.
        let over = if *decoded > limits.output_bytes(*input).saturating_add(*input) {
            Some((Incomplete::Bytes, CodingError::TooLong))
        } else if limits.ratio_is_over(*input, *decoded) {
            Some((Incomplete::Ratio, CodingError::Ratio))
        } else {
            None
        };
        match over {
            Some((reason, error)) if !*stopped => {
                gaps.add(reason);
                *stopped = true;
                Err(error)
            }
            Some(_) => Err(CodingError::TooLong),
            None if *stopped => Err(CodingError::TooLong),
            None => Ok(()),
        }
    }

    /// Does something while so many bytes of scratch memory are in use.
    pub(super) fn with_less_scratch(&mut self, bytes: usize, act: impl FnOnce(&mut Walk<'_>)) {
        let before = self.ledger.scratch;
        self.ledger.scratch = before.saturating_sub(bytes);
        act(self);
        self.ledger.scratch = before;
    }

    /// Counts one more view; false if there may be no more.
    fn count_view(&mut self) -> bool {
        if !self.ledger.stopped && self.ledger.views == self.ledger.limits.views_max {
            self.miss(Incomplete::Count);
            self.ledger.stopped = true;
        }
        self.ledger.views += u32::from(!self.ledger.stopped);
        !self.ledger.stopped
    }

    /// Counts bytes of a view; gives how many of them may be given, and stops the walk if those are
    /// not all.
    fn spend(&mut self, bytes: usize) -> usize {
        let Ledger { limits, input, output, .. } = *self.ledger;
        if self.ledger.stopped {
            return 0;
        }
        let room = limits.output_bytes(input).saturating_sub(output);
        let fits = usize::try_from(room).map_or(bytes, |room| room.min(bytes));
        if limits.ratio_is_over(input, output + fits as u64) {
            self.miss(Incomplete::Ratio);
            self.ledger.stopped = true;
            return 0;
        }
        self.ledger.output += fits as u64;
        if fits < bytes {
            self.miss(Incomplete::Bytes);
            self.ledger.stopped = true;
        }
        fits
    }
}

/// A view whose bytes come in slices, and what is kept of them to be looked into at its end.
#[derive(Debug)]
pub(super) struct Stream {
    depth: u8,
    name: Vec<u8>,
    /// Whether the sink has been told that it begins.
    begun: bool,
    /// The first bytes, as many as there was room for.
    kept: Vec<u8>,
    /// Bytes that were given to the sink, and whether those are all so far.
    given: u64,
    given_whole: bool,
    /// Whether all bytes so far are kept.
    kept_whole: bool,
    /// Bytes that its owner keeps beside these.
    beside: usize,
}

impl Stream {
    /// Begins a view, unless there may be no more.
    pub(super) fn begin(
        walk: &mut Walk<'_>,
        kind: Kind,
        place: Place<'_>,
        declared: Option<u64>,
    ) -> Self {
        let Place { depth, name } = place;
        let begun = walk.count_view();
        if begun {
            let origin = Origin { kind, depth, name, declared, offset: 0, format: None };
            walk.sink.begin(&origin);
        }
        Stream {
            depth,
            name: name.to_vec(),
            begun,
            kept: Vec::new(),
            given: 0,
            given_whole: begun,
            kept_whole: true,
            beside: 0,
        }
    }

    /// The next bytes.
    pub(super) fn bytes(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) {
        if !self.begun || bytes.is_empty() {
            return;
        }
        let fits = walk.spend(bytes.len());
        if fits > 0 {
            walk.sink.bytes(&bytes[..fits]);
        }
        self.given += fits as u64;
        self.given_whole &= fits == bytes.len();
        let kept = keep(walk, &mut self.kept, self.beside, &bytes[..fits]);
        self.kept_whole &= kept;
    }

    /// Bytes that are kept.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Says how many bytes are kept elsewhere for the same member.
    pub(super) fn set_beside(&mut self, bytes: usize) {
        self.beside = bytes;
    }

    /// Archives around it.
    pub(super) fn depth(&self) -> u8 {
        self.depth
    }

    /// Its name.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Bytes that were given.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// The view ends, with all its bytes or not. Gives what was kept, and whether that is all.
    pub(super) fn close(self, walk: &mut Walk<'_>, whole: bool) -> (Vec<u8>, bool) {
        if self.begun {
            walk.sink.end(whole && self.given_whole);
        }
        (self.kept, whole && self.given_whole && self.kept_whole)
    }

    /// The view ends, and what was kept of it is looked into.
    pub(super) fn end(mut self, walk: &mut Walk<'_>, whole: bool) {
        let (depth, name) = (self.depth, std::mem::take(&mut self.name));
        let (kept, whole) = self.close(walk, whole);
        look_into(walk, &kept, whole, Place { depth, name: &name });
    }
}

/// Adds to what is kept, beside `others` bytes kept elsewhere; whether there was room for all.
pub(super) fn keep(walk: &Walk<'_>, kept: &mut Vec<u8>, others: usize, bytes: &[u8]) -> bool {
    if walk.ledger.options == Options::NONE {
        return false;
    }
    let room = walk.ledger.scratch.saturating_sub(others);
    let fits = room.saturating_sub(kept.len()).min(bytes.len());
    // Grows as vectors do, but never beyond the room.
    let needed = kept.len() + fits;
    if needed > kept.capacity() {
        let grown = (2 * kept.len()).min(room).max(needed);
        kept.reserve_exact(grown - kept.len());
    }
    kept.extend_from_slice(&bytes[..fits]);
    fits == bytes.len()
}

/// Looks into what is kept, with the rest of the scratch memory.
pub(super) fn look_into(walk: &mut Walk<'_>, kept: &[u8], whole: bool, place: Place<'_>) {
    if kept.is_empty() || walk.stopped() {
        return;
    }
    let source = Source { bytes: kept, base: None, whole, place };
    walk.with_less_scratch(kept.len(), |walk| look(walk, &source));
}
