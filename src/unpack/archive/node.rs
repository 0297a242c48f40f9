//! The way from compressed bytes to the members of what they hold, as they stream.

use std::convert::Infallible;

use super::super::blocks::Blocks;
use super::super::codec::{CodingError, Engine, Piece};
use super::super::view::{Gaps, Incomplete, Kind, Sink};
use super::super::walk::{Ledger, Place, Stream, Walk};
use super::super::{Limits, Options};
use super::tar::Tar;
use super::{Container, sniff};

/// Unpacks a body that streams: a tar archive, bare or compressed, or a compressed file.
///
/// A zip can't be read as it streams: its directory stands at its end. Give it to
/// [`views`](crate::unpack::views) whole.
///
/// Memory, beside the scratch memory of [`Limits`]: a block of 16 KiB for each layer of compression
/// and the tar itself, the layers' decoders (gzip 110 KiB, bzip2 3.7 MB, LZ4 and S2 16 MiB with
/// blocks of 4 MiB, zstd one and a half times the window bound and 1 MiB), and 3 MiB where a tar has
/// extended headers or maps of holes.
#[derive(Debug)]
pub struct ArchiveStream {
    ledger: Ledger,
    blocks: Blocks,
    root: Node,
}

impl ArchiveStream {
    /// At the start of a body.
    pub fn new(options: Options, limits: Limits) -> Self {
        let root = Node::new(Place { depth: 0, name: &[] }, false);
        ArchiveStream { ledger: Ledger::new(options, limits), blocks: Blocks::default(), root }
    }

    /// Whether pushing more is of no use: the body turned out to be no archive, which shows once 16 KiB
    /// have come, or a limit is reached.
    pub fn is_idle(&self) -> bool {
        matches!(self.root.state, State::Other) || self.ledger.is_stopped()
    }

    /// Takes the next bytes of the body. How it is cut changes nothing but when views come.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        let ArchiveStream { ledger, blocks, root } = self;
        let Ok(()) = blocks.push(bytes, |block| -> Result<(), Infallible> {
            ledger.input += block.len() as u64;
            root.push(&mut Walk { ledger, sink }, block);
            Ok(())
        });
    }

    /// To be called at the end of the body: gives what is left, and whether that was all.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Gaps {
        let rest = self.blocks.finish();
        self.ledger.input += rest.len() as u64;
        let mut walk = Walk { ledger: &mut self.ledger, sink };
        self.root.push(&mut walk, &rest);
        self.root.finish(&mut walk, true);
        self.ledger.gaps
    }
}

/// One byte string on its way: what it is shows with its first block.
#[derive(Debug)]
pub(super) struct Node {
    depth: u8,
    name: Vec<u8>,
    /// Whether it came out of a decoder: then it is a view itself, unless it is a tar.
    coded: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    Tar(Box<Tar>),
    Coded(Box<Layer>),
    /// What a decoder gave and is no tar.
    File(Stream),
    /// Nothing that is unpacked here.
    Other,
}

#[derive(Debug)]
struct Layer {
    engine: Engine,
    /// What came out, put together again to blocks.
    blocks: Blocks,
    within: Node,
    /// Whether anything came out.
    gave: bool,
    failed: bool,
}

impl Node {
    pub(super) fn new(place: Place<'_>, coded: bool) -> Self {
        let Place { depth, name } = place;
        Node { depth, name: name.to_vec(), coded, state: State::Start }
    }

    /// Whether it turned out to be an archive.
    pub(super) fn is_archive(&self) -> bool {
        match &self.state {
            State::Tar(_) => true,
            State::Coded(layer) => layer.gave,
            State::Start | State::File(_) | State::Other => false,
        }
    }

    /// Takes the next bytes: whole blocks, but for the last.
    pub(super) fn push(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) {
        if bytes.is_empty() || walk.stopped() {
            return;
        }
        if matches!(self.state, State::Start) {
            self.state = self.start(walk, bytes);
        }
        match &mut self.state {
            State::Tar(tar) => tar.push(walk, bytes),
            State::Coded(layer) => layer.push(walk, bytes),
            State::File(stream) => stream.bytes(walk, bytes),
            State::Start | State::Other => {}
        }
    }

    /// The byte string has ended; `whole` unless what it came out of was cut short.
    pub(super) fn finish(self, walk: &mut Walk<'_>, whole: bool) {
        match self.state {
            State::Tar(tar) => tar.finish(walk),
            State::Coded(layer) => layer.finish(walk),
            State::File(stream) => stream.end(walk, whole),
            State::Start | State::Other => {}
        }
    }

    /// Decides what the byte string is.
    fn start(&mut self, walk: &mut Walk<'_>, head: &[u8]) -> State {
        match sniff(head) {
            // A compressed archive is one archive.
            Some(Container::Tar) if self.coded => State::Tar(Box::new(Tar::new(self.depth))),
            Some(container @ (Container::Tar | Container::Coded(_))) => {
                if self.depth >= walk.ledger.limits.depth_max {
                    walk.miss(Incomplete::Depth);
                    return self.file(walk);
                }
                let place = Place { depth: self.depth + 1, name: &self.name };
                match container {
                    Container::Coded(codec) => State::Coded(Box::new(Layer {
                        engine: Engine::new(codec, walk.ledger.limits.zstd_window_bytes_max),
                        blocks: Blocks::default(),
                        within: Node::new(place, true),
                        gave: false,
                        failed: false,
                    })),
                    Container::Tar | Container::Zip | Container::Foreign => {
                        State::Tar(Box::new(Tar::new(place.depth)))
                    }
                }
            }
            // Kept whole, if there is room, and then opened.
            Some(Container::Zip) if self.coded => self.file(walk),
            Some(Container::Zip) => {
                walk.miss(Incomplete::Bytes);
                State::Other
            }
            // What came out of a decoder is told when it is looked into.
            Some(Container::Foreign) if !self.coded => {
                walk.miss(Incomplete::Unsupported);
                State::Other
            }
            Some(Container::Foreign) | None => self.file(walk),
        }
    }

    fn file(&self, walk: &mut Walk<'_>) -> State {
        if !self.coded {
            return State::Other;
        }
        let place = Place { depth: self.depth, name: &self.name };
        State::File(Stream::begin(walk, Kind::Decoded, place, None))
    }
}

impl Layer {
    fn push(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) {
        if !self.failed {
            self.decode(walk, |engine, emit| engine.push(bytes, emit));
        }
    }

    fn finish(mut self, walk: &mut Walk<'_>) {
        if !walk.stopped() {
            self.decode(walk, Engine::finish);
        }
        let rest = self.blocks.finish();
        self.within.push(walk, &rest);
        self.within.finish(walk, !self.failed);
    }

    fn decode(
        &mut self,
        walk: &mut Walk<'_>,
        act: impl FnOnce(
            &mut Engine,
            &mut dyn FnMut(Piece<'_>) -> Result<(), CodingError>,
        ) -> Result<(), CodingError>,
    ) {
        let Layer { engine, blocks, within, gave, failed } = self;
        let done = act(engine, &mut |piece| {
            let Piece::Bytes(bytes) = piece else { return Ok(()) };
            *gave = true;
            walk.spend_decoded(bytes.len())?;
            blocks.push(bytes, |block| {
                within.push(walk, block);
                Ok(())
            })
        });
        let Err(error) = done else { return };
        if !*failed && !walk.stopped() {
            walk.miss_coded(error);
        }
        *failed = true;
    }
}
