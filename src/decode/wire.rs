//! What gate and worker say to each other: a job (a head, then the image's bytes) and a reply.
//!
//! All integers are little endian. Both begin with the length in bytes of what follows, in 32 bits;
//! of a job that is its head, and the image comes behind it.
//!
//! ```text
//! job    number u64, image bytes u64, time ms u32,
//!        pixels u64, frames u32, scans u32, memory u64,               limits
//!        colour u8, frames u32,                                       what is wanted
//!        n u16, n x convention u8, n u16, n x variant, n u16, n x kind
//! reply  number u64, fault u8 (0 none)           of an image that could not be looked at, else
//!        255 u8, header, frames u32, fault u8, n u32, n x look, n u32, n x other hash
//!
//! variant  tag u8, thousandths or tenths i16     kind  algorithm u8, side u8, cosine u8
//! header   format u8, width u32, height u32, frames u32, scans u32, depth u8, orientation u8, complete u8
//! look     frame u32, background u8, variant, convention u8, quality u8, 8 x 32 bytes
//! other    frame u32, background u8, kind, its bytes
//! ```
//!
//! The gate takes a reply for hostile: a hijacked decoder wrote it. What it can lie about are the
//! hashes of its own image; anything else that is out of bounds, or was not asked for, is no reply.

use std::time::Duration;

use super::Terms;
use crate::image::pdq::ORIENTATIONS;
use crate::image::{
    Background, Convention, Fingerprint, Format, Header, ImageFault, Limits, Look, Looks,
    Orientation, Pdq, PerceptualAlgorithm, PerceptualKind, PerceptualLook, Source, Variant, Wanted,
};

/// Longest head of a job, in bytes: what is wanted has some dozens of items.
pub const HEAD_MAX_BYTES: usize = 16 << 10;

/// Longest reply whatever is asked for, in bytes: 60,000 hashes.
pub const REPLY_MAX_BYTES: usize = 16 << 20;

/// What a worker takes in memory beside an image and its decoder: itself, hashing, and the address
/// space that its allocator claims ahead of time.
pub const OWN_MEMORY_BYTES: u64 = 96 << 20;

/// Largest hash of another kind, in bytes: 32 by 32 values.
const HASH_MAX_BYTES: usize = 32 * 32 / 8;
/// A look at a picture, in bytes.
const LOOK_BYTES: usize = 4 + 1 + 3 + 1 + 1 + 32 * ORIENTATIONS;
/// Another hash, in bytes at most.
const OTHER_MAX_BYTES: usize = 4 + 1 + 3 + HASH_MAX_BYTES;
/// A reply without hashes, in bytes at most.
const REPLY_BARE_BYTES: usize = 8 + 1 + 20 + 4 + 1 + 4 + 4;

/// In the place of a fault: there is something to tell.
const SEEN: u8 = 255;

/// What a worker is told before the image.
#[derive(Clone, Debug)]
pub struct Job {
    /// Comes back in the reply, so that no reply is taken for another's.
    pub number: u64,
    /// Bytes of the image.
    pub bytes: u64,
    /// When decoders are asked to stop.
    pub time: Duration,
    /// What decoders keep to.
    pub limits: Limits,
    /// What is to be found out.
    pub wanted: Wanted,
}

impl Job {
    /// A job for an image of so many bytes.
    pub fn new(number: u64, bytes: u64, terms: &Terms, wanted: &Wanted) -> Job {
        Job { number, bytes, time: terms.time, limits: terms.limits, wanted: wanted.clone() }
    }

    /// The job's head as it is sent, its length before it.
    pub fn encode(&self) -> Vec<u8> {
        let Job { number, bytes, time, limits, wanted } = self;
        let mut head = Writer::default();
        head.u64(*number).u64(*bytes);
        head.u32(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        head.u64(limits.pixels).u32(limits.frames).u32(limits.scans).u64(limits.memory);
        head.u8(wanted.colour.into()).u32(wanted.frames);
        head.u16(count16(wanted.conventions.len()));
        wanted.conventions.iter().take(MANY).for_each(|each| head.convention(*each));
        head.u16(count16(wanted.variants.len()));
        wanted.variants.iter().take(MANY).for_each(|each| head.variant(*each));
        head.u16(count16(wanted.kinds.len()));
        wanted.kinds.iter().take(MANY).for_each(|each| head.kind(*each));
        head.finish()
    }

    /// Reads a head, the length before it not counted. `None` for anything that [`Job::encode`] does
    /// not write.
    pub fn parse(head: &[u8]) -> Option<Job> {
        let mut head = Reader(head);
        let (number, bytes) = (head.u64()?, head.u64()?);
        let time = Duration::from_millis(head.u32()?.into());
        let limits = Limits {
            pixels: head.u64()?,
            frames: head.u32()?,
            scans: head.u32()?,
            memory: head.u64()?,
        };
        let (colour, frames) = (head.bool()?, head.u32()?);
        let wanted = Wanted {
            colour,
            frames,
            conventions: head.many(Reader::convention)?,
            variants: head.many(Reader::variant)?,
            kinds: head.many(Reader::kind)?,
        };
        head.0.is_empty().then_some(Job { number, bytes, time, limits, wanted })
    }

    /// Longest reply that can be one to this job, in bytes, the length before it not counted.
    pub fn reply_max_bytes(&self) -> usize {
        let pictures = self.pictures_max();
        let looks = pictures.saturating_mul(self.looks_of_each());
        let others = pictures.saturating_mul(self.wanted.kinds.len());
        let looks = looks.saturating_mul(LOOK_BYTES);
        let all = looks.saturating_add(others.saturating_mul(OTHER_MAX_BYTES));
        all.saturating_add(REPLY_BARE_BYTES).min(REPLY_MAX_BYTES)
    }

    /// Pictures that are hashed: of each frame one on each background, and of the picture that some
    /// animations have for viewers without animation.
    fn pictures_max(&self) -> usize {
        let frames = (self.wanted.frames.max(1) as usize).saturating_add(1);
        frames.saturating_mul(Background::ALL.len())
    }

    fn looks_of_each(&self) -> usize {
        self.wanted.conventions.len() + self.wanted.variants.len()
    }
}

/// A reply as it is sent, its length before it.
pub fn encode_reply(number: u64, found: &Result<Looks, ImageFault>) -> Vec<u8> {
    let mut reply = Writer::default();
    reply.u64(number);
    match found {
        Err(fault) => reply.fault(Some(*fault)),
        Ok(looks) => {
            reply.u8(SEEN);
            reply.header(&looks.header);
            reply.u32(looks.frames);
            reply.fault(looks.fault);
            reply.u32(count32(looks.pdq.len()));
            looks.pdq.iter().for_each(|look| reply.look(look));
            reply.u32(count32(looks.perceptual.len()));
            looks.perceptual.iter().for_each(|look| reply.other(look));
        }
    }
    reply.finish()
}

/// Reads a reply to a job, the length before it not counted. `format` is what the image's first bytes
/// show. `None` for what no honest worker says.
pub fn parse_reply(
    reply: &[u8],
    job: &Job,
    format: Option<Format>,
) -> Option<Result<Looks, ImageFault>> {
    let mut reply = Reader(reply);
    if reply.u64()? != job.number {
        return None;
    }
    let found = match reply.u8()? {
        SEEN => Ok(looks(&mut reply, job, format)?),
        fault => Err(fault_of(fault)??),
    };
    reply.0.is_empty().then_some(found)
}

fn looks(reply: &mut Reader<'_>, job: &Job, format: Option<Format>) -> Option<Looks> {
    let header = reply.header()?;
    let is_possible = Some(header.format) == format
        && header.width > 0
        && header.height > 0
        && header.pixels() <= job.limits.pixels
        && (1..=job.limits.frames.saturating_add(1)).contains(&header.frames)
        && (1..=job.limits.scans.max(1)).contains(&header.scans);
    if !is_possible {
        return None;
    }
    let frames = reply.u32()?;
    let fault = fault_of(reply.u8()?)?;
    let pictures = job.pictures_max();
    let pdq = reply.list(pictures.saturating_mul(job.looks_of_each()), Reader::look)?;
    let others = pictures.saturating_mul(job.wanted.kinds.len());
    let perceptual = reply.list(others, Reader::other)?;
    let asked = |source: &Source| match source.variant {
        Variant::Whole => job.wanted.conventions.contains(&source.convention),
        variant => job.wanted.variants.contains(&variant) && source.convention == Convention::Full,
    };
    let is_asked_for = pdq.iter().all(|look| asked(&look.source) && look.source.frame < frames)
        && perceptual
            .iter()
            .all(|look| job.wanted.kinds.contains(&look.kind) && look.frame < frames);
    is_asked_for.then_some(Looks { header, frames, pdq, perceptual, fault })
}

/// The fault of a byte, `Some(None)` for none.
fn fault_of(byte: u8) -> Option<Option<ImageFault>> {
    match usize::from(byte).checked_sub(1) {
        None => Some(None),
        Some(index) => ImageFault::ALL.get(index).copied().map(Some),
    }
}

/// Items of a kind that are sent at most: more than a head has room for.
const MANY: usize = u16::MAX as usize;

fn count16(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn count32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The place of a value among all of its kind.
fn place<T: PartialEq>(all: &[T], value: &T) -> u8 {
    // Each is in its own ALL; one that is not would be read as nothing, and be a fault.
    all.iter().position(|each| each == value).map_or(u8::MAX, |at| at as u8)
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    fn convention(&mut self, convention: Convention) {
        self.u8(place(&Convention::ALL, &convention));
    }

    fn variant(&mut self, variant: Variant) {
        let (tag, amount) = match variant {
            Variant::Whole => (0, [0; 2]),
            Variant::Trimmed => (1, [0; 2]),
            Variant::Block => (2, [0; 2]),
            Variant::Padded(thousandths) => (3, thousandths.to_le_bytes()),
            Variant::Cropped(thousandths) => (4, thousandths.to_le_bytes()),
            Variant::Turned(tenths) => (5, tenths.to_le_bytes()),
        };
        self.u8(tag).raw(&amount);
    }

    fn kind(&mut self, kind: PerceptualKind) {
        self.u8(place(&PerceptualAlgorithm::ALL, &kind.algorithm()));
        self.u8(kind.side()).u8(kind.dct().into());
    }

    fn fault(&mut self, fault: Option<ImageFault>) {
        self.u8(fault.map_or(0, |fault| place(&ImageFault::ALL, &fault).saturating_add(1)));
    }

    fn header(&mut self, header: &Header) {
        let Header { format, width, height, frames, scans, bit_depth, orientation, complete } =
            header;
        self.u8(place(&Format::ALL, format)).u32(*width).u32(*height).u32(*frames).u32(*scans);
        self.u8(*bit_depth).u8(place(&Orientation::ALL, orientation)).u8((*complete).into());
    }

    fn look(&mut self, look: &Look) {
        let Look { source, fingerprint } = look;
        self.u32(source.frame).u8(place(&Background::ALL, &source.background));
        self.variant(source.variant);
        self.convention(source.convention);
        self.u8(fingerprint.quality);
        fingerprint.orientations.iter().for_each(|pdq| {
            self.raw(&pdq.0);
        });
    }

    fn other(&mut self, look: &PerceptualLook) {
        self.u32(look.frame).u8(place(&Background::ALL, &look.background));
        self.kind(look.kind);
        self.raw(&look.hash);
    }

    /// What was written, its length before it.
    fn finish(self) -> Vec<u8> {
        [&count32(self.0.len()).to_le_bytes()[..], &self.0].concat()
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn bool(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// One of all values of its kind.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::from(self.u8()?)).copied()
    }

    /// A count in 16 bits, and so many items. Nothing is allocated for what is not there.
    fn many<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u16()?;
        (0..count).map(|_| read(self)).collect()
    }

    /// A count of at most `most` in 32 bits, and so many items.
    fn list<T>(&mut self, most: usize, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        if count as usize > most {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn convention(&mut self) -> Option<Convention> {
        self.one_of(&Convention::ALL)
    }

    fn variant(&mut self) -> Option<Variant> {
        let (tag, amount) = (self.u8()?, self.bytes::<2>()?);
        let plain = |variant| (amount == [0; 2]).then_some(variant);
        match tag {
            0 => plain(Variant::Whole),
            1 => plain(Variant::Trimmed),
            2 => plain(Variant::Block),
            3 => Some(Variant::Padded(u16::from_le_bytes(amount))),
            4 => Some(Variant::Cropped(u16::from_le_bytes(amount))),
            5 => Some(Variant::Turned(i16::from_le_bytes(amount))),
            _ => None,
        }
    }

    fn kind(&mut self) -> Option<PerceptualKind> {
        let (algorithm, side) = (self.one_of(&PerceptualAlgorithm::ALL)?, self.u8()?);
        PerceptualKind::new(algorithm, side, self.bool()?)
    }

    fn header(&mut self) -> Option<Header> {
        Some(Header {
            format: self.one_of(&Format::ALL)?,
            width: self.u32()?,
            height: self.u32()?,
            frames: self.u32()?,
            scans: self.u32()?,
            bit_depth: self.u8()?,
            orientation: self.one_of(&Orientation::ALL)?,
            complete: self.bool()?,
        })
    }

    fn look(&mut self) -> Option<Look> {
        let (frame, background) = (self.u32()?, self.one_of(&Background::ALL)?);
        let (variant, convention) = (self.variant()?, self.convention()?);
        let quality = self.u8().filter(|quality| *quality <= 100)?;
        let mut orientations = [Pdq([0; 32]); ORIENTATIONS];
        for pdq in &mut orientations {
            *pdq = Pdq(self.bytes()?);
        }
        let source = Source { frame, background, variant, convention };
        Some(Look { source, fingerprint: Fingerprint { orientations, quality } })
    }

    fn other(&mut self) -> Option<PerceptualLook> {
        let (frame, background) = (self.u32()?, self.one_of(&Background::ALL)?);
        let kind = self.kind()?;
        let hash = self.slice(kind.hash_bytes())?.to_vec();
        Some(PerceptualLook { frame, background, kind, hash })
    }
}

#[cfg(test)]
mod tests;
