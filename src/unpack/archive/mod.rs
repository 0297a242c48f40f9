//! Archives: tar, bare or compressed, zip, and files that are compressed themselves.

mod header;
mod node;
mod pax;
mod sparse;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use header::{Header, RECORD_BYTES};
pub use node::ArchiveStream;

use super::codec::Codec;
use super::view::Incomplete;
use super::walk::{Source, Walk};
use node::Node;

/// What a byte string holds others in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Tar,
    Zip,
    /// A compressed file, of a tar archive or anything else.
    Coded(Codec),
    /// One that is not undone here.
    Foreign,
}

/// What the first bytes show.
fn sniff(head: &[u8]) -> Option<Container> {
    let container = match head {
        [0x1f, 0x8b, 8, ..] => Container::Coded(Codec::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Container::Coded(Codec::Zstd),
        // A skippable frame, which zstd's and LZ4's readers take alike; LZ4 has no use for it.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Container::Coded(Codec::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] => Container::Coded(Codec::Lz4),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Container::Coded(Codec::Bzip2),
        [0xff, 6, 0, 0, b's' | b'S', ..] => Container::Coded(Codec::S2),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Container::Zip,
        // Marks an archive that was cut into one piece.
        [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..] => Container::Zip,
        _ if is_foreign(head) => Container::Foreign,
        _ => {
            let record = head.first_chunk::<RECORD_BYTES>()?;
            Header::parse(record)?;
            Container::Tar
        }
    };
    Some(container)
}

/// Archives and compressed files that somebody else has to open.
fn is_foreign(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 9] = [
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"\xfd7zXZ\0",
        b"LZIP\x01",
        b"MSCF\0\0\0\0",
        b"!<arch>\n",
        b"070701",
        b"\x02\x21\x4c\x18",
        b"\xff\x06\0\0MnLz",
    ];
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// Whether a byte string begins as one that is compressed so.
pub(super) fn is_coded(bytes: &[u8], codec: Codec) -> bool {
    sniff(bytes) == Some(Container::Coded(codec))
}

/// Opens the archives that a byte string is or ends with. Gives whether it is one from its first
/// byte, so that nothing else need be looked for in it.
pub(super) fn open(walk: &mut Walk<'_>, source: &Source<'_>) -> bool {
    let Some(container) = sniff(source.bytes) else {
        // Readers find a zip by its end, whatever stands before it.
        zip::open_behind(walk, source);
        return false;
    };
    if container == Container::Zip {
        zip::open(walk, source);
        return true;
    }
    let mut node = Node::new(source.place, false);
    node.push(walk, source.bytes);
    let is_archive = node.is_archive();
    node.finish(walk, source.whole);
    if is_archive && !source.whole {
        walk.miss(Incomplete::Bytes);
    }
    is_archive
}
