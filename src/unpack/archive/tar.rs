//! Tar, as the readers of stores see it: POSIX ustar and pax, GNU's long names and holes, and what
//! came before them.
//!
//! Where readers disagree, both readings are given as far as that can be, and the archive counts as
//! ambiguous. Reading goes on behind the end marker and behind damage, since some readers do.
//!
//! Memory: extended headers up to 1 MiB, a map of holes up to 1 MiB, and the members that are kept
//! to be looked into.

use super::super::view::{Incomplete, Kind};
use super::super::walk::{self, Source, Stream, Walk, keep, look_into};
use super::header::{Entry, Header, RECORD_BYTES, Record, sparse_extension};
use super::pax::Notes;
use super::sparse::{Holes, MapReader};

/// Largest extended header or long name in bytes; Go's reader has the same bound.
const META_BYTES_MAX: u64 = 1 << 20;

/// Walks one tar archive. Its input comes in whole records, but for the last.
#[derive(Debug)]
pub(super) struct Tar {
    depth: u8,
    place: Place,
    /// About the next member.
    notes: Notes,
    /// Whether an end marker has come: what follows need not be tar.
    ended: bool,
}

/// Where in the archive. What is `left` is more than 0 and fills whole records with its padding.
#[derive(Debug)]
enum Place {
    Header,
    /// In what describes the next member.
    Meta {
        entry: Entry,
        bytes: Vec<u8>,
        left: u64,
    },
    /// Among the extension records of a file with holes, in GNU's older format.
    Extensions {
        name: Vec<u8>,
        notes: Notes,
        size: u64,
    },
    /// In the map before the bytes of a file with holes.
    Map {
        name: Vec<u8>,
        map: MapReader,
        real_size: u64,
        left: u64,
    },
    /// Behind a header that some readers take bytes behind, and others none.
    Fork {
        name: Vec<u8>,
        size: u64,
    },
    /// In a member's bytes.
    Member {
        member: Box<Member>,
        left: u64,
    },
    /// In bytes that say nothing.
    Skip {
        left: u64,
    },
}

/// A member under way.
#[derive(Debug)]
struct Member {
    stream: Stream,
    holes: Option<Holes>,
    /// Of a file with holes, the bytes without them: what a reader sees that knows no holes.
    stored: Vec<u8>,
    stored_whole: bool,
}

impl Tar {
    /// Begins an archive with so many archives around its members, itself among them.
    pub(super) fn new(depth: u8) -> Self {
        Tar { depth, place: Place::Header, notes: Notes::default(), ended: false }
    }

    /// Reads the next records.
    pub(super) fn push(&mut self, walk: &mut Walk<'_>, mut input: &[u8]) {
        while !input.is_empty() && !walk.stopped() {
            let place = std::mem::replace(&mut self.place, Place::Header);
            self.place = self.step(walk, place, &mut input);
        }
    }

    /// The archive's bytes have ended. Readers take that for the end marker where a header is due.
    pub(super) fn finish(self, walk: &mut Walk<'_>) {
        if !walk.stopped() && !matches!(self.place, Place::Header | Place::Fork { .. }) {
            walk.miss(Incomplete::Truncated);
        }
        if let Place::Member { member, .. } = self.place {
            member.end(walk, false);
        }
    }

    /// The place behind what it takes from `input`, which is not empty. A fork takes nothing.
    fn step(&mut self, walk: &mut Walk<'_>, place: Place, input: &mut &[u8]) -> Place {
        match place {
            Place::Header => match take_record(input) {
                Some(record) => self.header(walk, record),
                None => Place::Header,
            },
            Place::Meta { entry, mut bytes, left } => {
                let now = take(input, left);
                bytes.extend_from_slice(now);
                match left - now.len() as u64 {
                    0 => self.meta(walk, entry, &bytes),
                    left => Place::Meta { entry, bytes, left },
                }
            }
            Place::Extensions { name, notes, size } => match take_record(input) {
                Some(record) => self.extension(walk, name, notes, size, record),
                None => Place::Extensions { name, notes, size },
            },
            Place::Map { name, map, real_size, left } => match take_record(input) {
                Some(record) => self.map(walk, name, map, real_size, left, record),
                None => Place::Map { name, map, real_size, left },
            },
            Place::Fork { name, size } => match input.first_chunk::<RECORD_BYTES>() {
                Some(record) if is_header_or_end(record) => Place::Header,
                Some(_) | None => self.member(walk, &name, size, None),
            },
            Place::Member { mut member, left } => {
                let now = take(input, left);
                member.bytes(walk, now);
                match left - now.len() as u64 {
                    0 => {
                        member.end(walk, true);
                        Place::Header
                    }
                    left => Place::Member { member, left },
                }
            }
            Place::Skip { left } => skip(left - take(input, left).len() as u64),
        }
    }

    fn header(&mut self, walk: &mut Walk<'_>, record: &Record) -> Place {
        if *record == [0; RECORD_BYTES] {
            self.ended = true;
            return Place::Header;
        }
        let Some((header, size)) = Header::parse(record).and_then(|h| Some((h, h.size()?))) else {
            if !self.ended {
                walk.miss(Incomplete::Malformed);
            }
            return Place::Header;
        };
        match header.entry() {
            Entry::Pax | Entry::GlobalPax | Entry::LongName | Entry::LongLink if size == 0 => {
                Place::Header
            }
            entry @ (Entry::Pax | Entry::GlobalPax | Entry::LongName | Entry::LongLink) => {
                if size <= META_BYTES_MAX {
                    return Place::Meta { entry, bytes: Vec::new(), left: size };
                }
                walk.miss(Incomplete::Memory);
                Place::Skip { left: size }
            }
            entry @ (Entry::File | Entry::SparseFile | Entry::Bare) => {
                self.file(walk, header, entry, size)
            }
        }
    }

    /// Behind the header of a member, which says `size`.
    fn file(&mut self, walk: &mut Walk<'_>, header: Header<'_>, entry: Entry, size: u64) -> Place {
        let mut notes = std::mem::take(&mut self.notes);
        let size = notes.size.unwrap_or(size);
        let name = notes.name().map_or_else(|| header.name(), <[u8]>::to_vec);
        if entry == Entry::Bare {
            return match (size, header.is_file()) {
                (0, true) => self.member(walk, &name, 0, None),
                (0, false) => Place::Header,
                _ => {
                    walk.miss(Incomplete::Ambiguous);
                    Place::Fork { name, size }
                }
            };
        }
        if entry == Entry::SparseFile {
            let Some((extents, more, real_size)) = header.sparse() else {
                return self.sparse_member(walk, &name, size, None);
            };
            (notes.extents, notes.real_size) = (extents, Some(real_size));
            if more {
                return Place::Extensions { name, notes, size };
            }
            return self.sparse_member(walk, &name, size, holes(notes, size));
        }
        match notes.real_size {
            _ if !notes.is_sparse() => self.member(walk, &name, size, None),
            Some(real_size) if notes.extents_in_data && size > 0 => {
                Place::Map { name, map: MapReader::default(), real_size, left: size }
            }
            Some(_) | None => self.sparse_member(walk, &name, size, holes(notes, size)),
        }
    }

    /// What describes the next member is complete.
    fn meta(&mut self, walk: &mut Walk<'_>, entry: Entry, bytes: &[u8]) -> Place {
        let mut global = Notes::default();
        let read = match entry {
            Entry::Pax => self.notes.read(bytes),
            Entry::GlobalPax => global.read(bytes),
            Entry::LongName => {
                let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
                self.notes.set_name(&bytes[..end]);
                Ok(())
            }
            Entry::LongLink | Entry::File | Entry::SparseFile | Entry::Bare => Ok(()),
        };
        if read.is_err() {
            walk.miss(Incomplete::Malformed);
        }
        // Go ignores global records about lengths, others obey them.
        if global.is_about_bytes() {
            walk.miss(Incomplete::Ambiguous);
        }
        Place::Header
    }

    fn extension(
        &mut self,
        walk: &mut Walk<'_>,
        name: Vec<u8>,
        mut notes: Notes,
        size: u64,
        record: &Record,
    ) -> Place {
        let read = sparse_extension(record).and_then(|(extents, more)| {
            extents.into_iter().try_for_each(|(offset, length)| notes.extent(offset, length))?;
            Some(more)
        });
        match read {
            Some(true) => Place::Extensions { name, notes, size },
            Some(false) => self.sparse_member(walk, &name, size, holes(notes, size)),
            None => self.sparse_member(walk, &name, size, None),
        }
    }

    fn map(
        &mut self,
        walk: &mut Walk<'_>,
        name: Vec<u8>,
        mut map: MapReader,
        real_size: u64,
        left: u64,
        record: &Record,
    ) -> Place {
        let left = left.saturating_sub(RECORD_BYTES as u64);
        match map.record(record) {
            Ok(None) if left > 0 => Place::Map { name, map, real_size, left },
            Ok(Some(extents)) => {
                self.sparse_member(walk, &name, left, Holes::new(extents, real_size, left))
            }
            Ok(None) | Err(_) => self.sparse_member(walk, &name, left, None),
        }
    }

    /// Begins a file with holes; without them, if what says where they are makes no sense.
    fn sparse_member(
        &mut self,
        walk: &mut Walk<'_>,
        name: &[u8],
        size: u64,
        holes: Option<Holes>,
    ) -> Place {
        if holes.is_none() {
            walk.miss(Incomplete::Malformed);
        }
        self.member(walk, name, size, holes)
    }

    fn member(
        &mut self,
        walk: &mut Walk<'_>,
        name: &[u8],
        size: u64,
        holes: Option<Holes>,
    ) -> Place {
        let declared = holes.as_ref().map_or(size, Holes::real_size);
        let place = walk::Place { depth: self.depth, name };
        let stream = Stream::begin(walk, Kind::Member, place, Some(declared));
        let member = Box::new(Member { stream, holes, stored: Vec::new(), stored_whole: true });
        if size > 0 {
            return Place::Member { member, left: size };
        }
        member.end(walk, true);
        Place::Header
    }
}

impl Member {
    fn bytes(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) {
        let Some(holes) = &mut self.holes else {
            return self.stream.bytes(walk, bytes);
        };
        let kept = keep(walk, &mut self.stored, self.stream.kept().len(), bytes);
        self.stored_whole &= kept;
        self.stream.set_beside(self.stored.len());
        holes.fill(walk, &mut self.stream, bytes);
    }

    fn end(self, walk: &mut Walk<'_>, whole: bool) {
        let Member { mut stream, holes, stored, stored_whole } = self;
        let Some(mut holes) = holes else {
            return stream.end(walk, whole);
        };
        if whole {
            holes.finish(walk, &mut stream);
        }
        let (depth, name) = (stream.depth(), stream.name().to_vec());
        walk.with_less_scratch(stored.len(), |walk| stream.end(walk, whole));
        if !stored_whole {
            walk.miss(Incomplete::Bytes);
        }
        let place = walk::Place { depth, name: &name };
        let source = Source { bytes: &stored, base: None, whole: whole && stored_whole, place };
        walk.give(&source, &source.origin(Kind::Member), 0..stored.len());
        look_into(walk, &stored, source.whole, place);
    }
}

fn holes(notes: Notes, size: u64) -> Option<Holes> {
    Holes::new(notes.extents, notes.real_size?, size)
}

fn is_header_or_end(record: &Record) -> bool {
    *record == [0; RECORD_BYTES] || Header::parse(record).is_some()
}

/// The next record; `None`, and nothing left, where the input ends within it.
fn take_record<'a>(input: &mut &'a [u8]) -> Option<&'a Record> {
    let split = input.split_first_chunk::<RECORD_BYTES>();
    *input = split.map_or(&[][..], |(_, rest)| rest);
    split.map(|(record, _)| record)
}

/// Of the `left` bytes that are due, those that are here; also takes the padding behind the last.
fn take<'a>(input: &mut &'a [u8], left: u64) -> &'a [u8] {
    let records = left.next_multiple_of(RECORD_BYTES as u64);
    let taken = usize::try_from(records).map_or(input.len(), |records| records.min(input.len()));
    let (now, rest) = input.split_at(taken);
    *input = rest;
    &now[..usize::try_from(left).map_or(taken, |left| left.min(taken))]
}

fn skip(left: u64) -> Place {
    if left == 0 { Place::Header } else { Place::Skip { left } }
}
