//! A sink that keeps everything: for tests, fuzz targets and measurements.

use std::ops::Range;

use super::{Kind, Origin, Sink};
use crate::image::Format;

/// A view as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How it was found.
    pub kind: Kind,
    /// Archives around it.
    pub depth: u8,
    /// The name of the member that it is or lies in.
    pub name: Vec<u8>,
    /// The length that the archive declares.
    pub declared: Option<u64>,
    /// Where a picture begins.
    pub offset: u64,
    /// What a picture's first bytes show.
    pub format: Option<Format>,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
    /// Whether those are all.
    pub whole: bool,
    /// Where in the payload they lie, if they were given so.
    pub range: Option<Range<usize>>,
}

/// Keeps the views of a payload, and panics if they don't come as [`Sink`] says.
#[derive(Debug)]
pub struct Recorder<'a> {
    payload: &'a [u8],
    seen: Vec<Seen>,
    open: bool,
}

impl<'a> Recorder<'a> {
    /// For a payload; an empty one, if it streams.
    pub fn new(payload: &'a [u8]) -> Self {
        Recorder { payload, seen: Vec::new(), open: false }
    }

    /// What has been seen, in order.
    pub fn into_seen(self) -> Vec<Seen> {
        assert!(!self.open, "a view did not end");
        self.seen
    }

    fn add(&mut self, origin: &Origin<'_>, range: Option<Range<usize>>) {
        assert!(!self.open, "two views at one time");
        let Origin { kind, depth, name, declared, offset, format } = *origin;
        let bytes = range.clone().map_or(Vec::new(), |range| self.payload[range].to_vec());
        let whole = range.is_some();
        let name = name.to_vec();
        self.seen.push(Seen { kind, depth, name, declared, offset, format, bytes, whole, range });
    }
}

impl Sink for Recorder<'_> {
    fn range(&mut self, origin: &Origin<'_>, range: Range<usize>) {
        assert!(!range.is_empty(), "an empty range");
        self.add(origin, Some(range));
    }

    fn begin(&mut self, origin: &Origin<'_>) {
        self.add(origin, None);
        self.open = true;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        assert!(self.open && !bytes.is_empty());
        self.seen.last_mut().expect("one is open").bytes.extend_from_slice(bytes);
    }

    fn end(&mut self, whole: bool) {
        assert!(std::mem::replace(&mut self.open, false), "none is open");
        self.seen.last_mut().expect("one was open").whole = whole;
    }
}
