//! A tar header record: POSIX ustar, GNU's and the oldest.

use super::pax::Extents;

/// Tar counts in records of this many bytes.
pub(super) const RECORD_BYTES: usize = 512;

/// One record.
pub(super) type Record = [u8; RECORD_BYTES];

/// A header record whose checksum fits.
#[derive(Clone, Copy)]
pub(super) struct Header<'a>(&'a Record);

/// What a member's type means for the bytes behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Bytes of a file. Unknown types too: what else should their bytes be.
    File,
    /// A file with holes, in GNU's older format.
    SparseFile,
    /// Links, devices, directories, pipes: some readers take no bytes behind their headers whatever
    /// their size says, others do. MinIO makes objects of devices and pipes.
    Bare,
    /// Records about the next member (POSIX pax, and Solaris' kind of it).
    Pax,
    /// Records about all members that follow.
    GlobalPax,
    /// The next member's name, in GNU's format.
    LongName,
    /// The next member's link target.
    LongLink,
}

impl<'a> Header<'a> {
    /// The record as a header; `None` if its checksum doesn't fit.
    pub(super) fn parse(record: &'a Record) -> Option<Self> {
        const CHECKSUM: std::ops::Range<usize> = 148..156;
        let stated = octal(&record[CHECKSUM])?;
        let blank = |(at, byte): (usize, &u8)| if CHECKSUM.contains(&at) { b' ' } else { *byte };
        let bytes = || record.iter().enumerate().map(blank);
        let unsigned: u64 = bytes().map(u64::from).sum();
        // Some old writers added signed bytes.
        let signed: i64 = bytes().map(|byte| i64::from(byte as i8)).sum();
        let fits = stated == unsigned || i64::try_from(stated).is_ok_and(|stated| stated == signed);
        fits.then_some(Header(record))
    }

    pub(super) fn entry(self) -> Entry {
        match self.0[156] {
            b'S' => Entry::SparseFile,
            b'1'..=b'6' => Entry::Bare,
            b'x' | b'X' => Entry::Pax,
            b'g' => Entry::GlobalPax,
            b'L' => Entry::LongName,
            b'K' => Entry::LongLink,
            _ => Entry::File,
        }
    }

    /// Whether a member of this type is stored as an object, even without bytes.
    pub(super) fn is_file(self) -> bool {
        !matches!(self.0[156], b'1' | b'2' | b'5')
    }

    /// The length in bytes of what follows; `None` if it is no number below 2^63.
    pub(super) fn size(self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// The name, with the prefix that ustar has for it.
    pub(super) fn name(self) -> Vec<u8> {
        let name = until_zero(&self.0[..100]);
        let is_ustar = self.0[257..263] == *b"ustar\0";
        match until_zero(&self.0[345..500]) {
            prefix if is_ustar && !prefix.is_empty() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    /// The extents in the header of a sparse file, whether more follow, and the length with holes.
    pub(super) fn sparse(self) -> Option<(Extents, bool, u64)> {
        let extents = extents(&self.0[386..482])?;
        Some((extents, self.0[482] != 0, number(&self.0[483..495])?))
    }
}

/// The extents in an extension record of a sparse file, and whether more follow.
pub(super) fn sparse_extension(record: &Record) -> Option<(Extents, bool)> {
    Some((extents(&record[..504])?, record[504] != 0))
}

/// Pairs of offset and length, 12 bytes each, up to an empty one.
fn extents(bytes: &[u8]) -> Option<Extents> {
    let pairs = bytes.chunks_exact(24).take_while(|pair| pair[0] != 0);
    pairs.map(|pair| Some((number(&pair[..12])?, number(&pair[12..])?))).collect()
}

/// A number in octal, or big-endian behind a byte of 0x80.
fn number(field: &[u8]) -> Option<u64> {
    let value = match field {
        [0x80, rest @ ..] => rest
            .iter()
            .try_fold(0u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)))?,
        _ => octal(field)?,
    };
    i64::try_from(value).is_ok().then_some(value)
}

/// Octal digits with blanks or zeros around them; no digits are 0.
fn octal(field: &[u8]) -> Option<u64> {
    let text = until_zero(field).trim_ascii();
    text.iter().try_fold(0u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

fn until_zero(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    &field[..end]
}
