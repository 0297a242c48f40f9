//! Zip: every member that the directory at the end shows, and every one that only its own header
//! does. Readers with the whole file go by the one, readers of streams by the other.
//!
//! Memory: some 50 bytes for each member, the decoder of one (90 KiB for deflate, up to the zstd
//! window and 0.4 MiB), and the member that is kept to be looked into.

mod records;

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;

use super::super::codec::{Codec, CodingError, Engine, Inflate, Piece};
use super::super::look;
use super::super::view::{Incomplete, Kind};
use super::super::walk::{Place, Source, Stream, Walk};
use records::Entry;

const METHOD_STORED: u16 = 0;
const METHOD_DEFLATE: u16 = 8;
const METHOD_BZIP2: u16 = 12;
const METHOD_ZSTD: u16 = 93;

/// Names are for records: no more of them is handed on, in bytes.
const NAME_BYTES_MAX: usize = 1024;
/// Compressed data are decoded in steps of this many bytes, and counted: members may overlap.
const STEP_BYTES: usize = 64 * 1024;

/// Walks a byte string that begins as a zip.
pub(super) fn open(walk: &mut Walk<'_>, source: &Source<'_>) {
    if source.place.depth >= walk.ledger.limits.depth_max {
        return walk.miss(Incomplete::Depth);
    }
    if !source.whole {
        // Its end, and with it the directory, is missing; local headers go on as far as they do.
        walk.miss(Incomplete::Bytes);
    }
    Zip::new(source).walk(walk, records::directories(source.bytes));
}

/// Walks the zip that a byte string ends with, if it does.
pub(super) fn open_behind(walk: &mut Walk<'_>, source: &Source<'_>) {
    let directories = records::directories(source.bytes);
    if directories.is_empty() {
        return;
    }
    if source.place.depth >= walk.ledger.limits.depth_max {
        return walk.miss(Incomplete::Depth);
    }
    Zip::new(source).walk(walk, directories);
}

struct Zip<'a> {
    source: &'a Source<'a>,
    /// What has been walked: where the data begin, by which method, how many bytes of them.
    seen: HashSet<(usize, u16, u64)>,
    /// Local headers that have been walked, with their data.
    covered: Vec<Range<usize>>,
}

impl<'a> Zip<'a> {
    fn new(source: &'a Source<'a>) -> Self {
        Zip { source, seen: HashSet::new(), covered: Vec::new() }
    }

    fn walk(mut self, walk: &mut Walk<'_>, directories: Vec<(usize, u64)>) {
        let bytes = self.source.bytes;
        for (start, shift) in directories {
            for entry in records::entries(bytes, start) {
                if walk.stopped() {
                    return;
                }
                self.central(walk, &entry, shift);
            }
        }
        self.covered.sort_unstable_by_key(|range| range.start);
        self.rest(walk);
    }

    /// A member of the directory: as the directory has it, and as its own header does.
    fn central(&mut self, walk: &mut Walk<'_>, entry: &Entry<'a>, shift: u64) {
        let at = entry.local.checked_add(shift).and_then(|at| usize::try_from(at).ok());
        let local = at.and_then(|at| records::local(self.source.bytes, at));
        let Some((own, data)) = local else {
            return walk.miss(Incomplete::Malformed);
        };
        self.member(walk, entry, data, Some(entry.stored));
        if own.is_encrypted() != entry.is_encrypted()
            || own.method != entry.method
            || (!own.has_descriptor() && own.stored != entry.stored)
        {
            let stored = (!own.has_descriptor()).then_some(own.stored);
            self.member(walk, &own, data, stored);
        }
        let end = data.saturating_add(usize::try_from(entry.stored).unwrap_or(usize::MAX));
        self.covered.push(own.local as usize..end.min(self.source.bytes.len()));
    }

    /// The members that only their own headers show: all that stand outside of those walked.
    fn rest(&mut self, walk: &mut Walk<'_>) {
        let bytes = self.source.bytes;
        let covered = std::mem::take(&mut self.covered);
        let mut covered = covered.into_iter().peekable();
        let mut free_from = 0;
        for at in memmem::find_iter(bytes, records::LOCAL) {
            if walk.stopped() {
                return;
            }
            while let Some(range) = covered.next_if(|range| range.start <= at) {
                free_from = free_from.max(range.end);
            }
            if at < free_from {
                continue;
            }
            let Some((own, data)) = records::local(bytes, at) else { continue };
            let stored = (!own.has_descriptor()).then_some(own.stored);
            free_from = self.member(walk, &own, data, stored);
        }
    }

    /// Walks a member once for each reading of it. Gives where its data end.
    fn member(
        &mut self,
        walk: &mut Walk<'_>,
        entry: &Entry<'_>,
        data: usize,
        stored: Option<u64>,
    ) -> usize {
        let bytes = self.source.bytes;
        let end = match stored.map(|stored| usize::try_from(stored).unwrap_or(usize::MAX)) {
            Some(stored) => data.saturating_add(stored),
            None if entry.method == METHOD_STORED => {
                let (end, searched) = records::end_of_stored(bytes, data);
                if walk.spend_decoded(searched).is_err() {
                    return end;
                }
                end
            }
            // Compressed data end themselves.
            None => bytes.len(),
        };
        if end > bytes.len() {
            walk.miss(if self.source.whole { Incomplete::Truncated } else { Incomplete::Bytes });
        }
        let range = data..end.min(bytes.len());
        if entry.is_encrypted() {
            walk.miss(Incomplete::Encrypted);
            return range.end;
        }
        if !self.seen.insert((data, entry.method, range.len() as u64)) {
            return range.end;
        }
        let name = &entry.name[..entry.name.len().min(NAME_BYTES_MAX)];
        let place = Place { depth: self.source.place.depth + 1, name };
        let member = Member { source: self.source, entry, place, range, whole: end <= bytes.len() };
        match entry.method {
            METHOD_STORED => member.stored(walk),
            METHOD_DEFLATE => member.deflated(walk),
            METHOD_BZIP2 => member.coded(walk, Codec::Bzip2),
            METHOD_ZSTD => member.coded(walk, Codec::Zstd),
            _ => {
                walk.miss(Incomplete::Unsupported);
                member.range.end
            }
        }
    }
}

/// One reading of a member.
struct Member<'a> {
    source: &'a Source<'a>,
    entry: &'a Entry<'a>,
    place: Place<'a>,
    /// Its data.
    range: Range<usize>,
    /// Whether all its data are there.
    whole: bool,
}

impl Member<'_> {
    /// Gives the data as they are; gives where they end.
    fn stored(self, walk: &mut Walk<'_>) -> usize {
        if self.range.is_empty() {
            self.begin(walk).end(walk, true);
            return self.range.end;
        }
        let source = Source {
            bytes: &self.source.bytes[self.range.clone()],
            base: self.source.base.map(|base| base + self.range.start),
            whole: self.whole,
            place: self.place,
        };
        let mut origin = source.origin(Kind::Member);
        origin.declared = Some(self.entry.unpacked);
        walk.give(&source, &origin, 0..source.bytes.len());
        look(walk, &source);
        self.range.end
    }

    /// Gives what deflated data unpack to, however many they are said to be. Gives where they end.
    fn deflated(self, walk: &mut Walk<'_>) -> usize {
        let mut stream = self.begin(walk);
        let mut inflate = Inflate::default();
        let mut at = self.range.start;
        let mut done = Ok(false);
        for step in self.source.bytes[at..].chunks(STEP_BYTES) {
            let pushed = inflate.push(step, &mut |piece| unpack(walk, &mut stream, piece));
            // What was read counts, all of it where nobody says how much that was.
            let (read, _) = pushed.unwrap_or((step.len(), false));
            at += read;
            let counted = walk.spend_decoded(read);
            done = pushed.and_then(|(_, ended)| counted.map(|()| ended));
            if done != Ok(false) {
                break;
            }
        }
        let whole = done == Ok(true);
        self.end(
            walk,
            stream,
            done.and_then(|ended| if ended { Ok(()) } else { Err(CodingError::Truncated) }),
        );
        if whole { at } else { self.range.end.max(at) }
    }

    /// Gives what data of another compression unpack to; gives where they end.
    fn coded(self, walk: &mut Walk<'_>, codec: Codec) -> usize {
        let mut stream = self.begin(walk);
        let mut engine = Engine::new(codec, walk.ledger.limits.zstd_window_bytes_max);
        let mut done = Ok(());
        for step in self.source.bytes[self.range.clone()].chunks(STEP_BYTES) {
            done = walk
                .spend_decoded(step.len())
                .and_then(|()| engine.push(step, &mut |piece| unpack(walk, &mut stream, piece)));
            if done.is_err() {
                break;
            }
        }
        let ended = engine.finish(&mut |piece| unpack(walk, &mut stream, piece));
        self.end(walk, stream, done.and(ended));
        self.range.end
    }

    fn begin(&self, walk: &mut Walk<'_>) -> Stream {
        Stream::begin(walk, Kind::Member, self.place, Some(self.entry.unpacked))
    }

    fn end(&self, walk: &mut Walk<'_>, stream: Stream, done: Result<(), CodingError>) {
        if let Err(error) = done
            && !walk.stopped()
        {
            walk.miss_coded(error);
        }
        stream.end(walk, done.is_ok());
    }
}

/// Counts what a decoder gave, and passes it on.
fn unpack(walk: &mut Walk<'_>, stream: &mut Stream, piece: Piece<'_>) -> Result<(), CodingError> {
    if let Piece::Bytes(bytes) = piece {
        walk.spend_decoded(bytes.len())?;
        stream.bytes(walk, bytes);
    }
    Ok(())
}
