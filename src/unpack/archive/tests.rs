use super::super::codec::tests::{NUMBERS_BZ2, gzip, numbers, s2};
use super::super::recorder::{Recorder, Seen};
use super::super::view::{Gaps, Kind};
use super::super::{ArchiveStream, Limits, Options, views};
use super::*;

mod evil;
mod tar;
mod zip;

/// Archives only: what other unpackers find in members is not the matter here.
const ARCHIVES: Options = Options { archives: true, ..Options::NONE };

/// The views of a payload, and what is missing.
fn walk(payload: &[u8], limits: Limits) -> (Vec<Seen>, Gaps) {
    let mut recorder = Recorder::new(payload);
    let gaps = views(payload, &[], ARCHIVES, limits, &mut recorder);
    (recorder.into_seen(), gaps)
}

/// The same as it streams, cut into pieces of so many bytes.
fn stream(payload: &[u8], limits: Limits, step: usize) -> (Vec<Seen>, Gaps) {
    let mut recorder = Recorder::new(&[]);
    let mut archive = ArchiveStream::new(ARCHIVES, limits);
    payload.chunks(step).for_each(|piece| archive.push(piece, &mut recorder));
    let gaps = archive.finish(&mut recorder);
    (recorder.into_seen(), gaps)
}

/// Names and bytes of the views, which have to be the same however the archive comes.
#[track_caller]
fn members(payload: &[u8]) -> (Vec<(String, Vec<u8>)>, Vec<Incomplete>) {
    let (seen, gaps) = walk(payload, Limits::default());
    for step in [payload.len().max(1), 1, 511, 16 * 1024 + 1] {
        let streamed = stream(payload, Limits::default(), step);
        assert!(streamed == (seen.clone(), gaps), "by {step}: {streamed:?}, not {seen:?} {gaps:?}");
    }
    (named(seen), gaps.iter().collect())
}

fn named(seen: Vec<Seen>) -> Vec<(String, Vec<u8>)> {
    let name = |seen: &Seen| String::from_utf8_lossy(&seen.name).into_owned();
    seen.into_iter().map(|seen| (name(&seen), seen.bytes)).collect()
}

fn pair(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), bytes.to_vec())
}

/// A header of a tar member, as GNU and POSIX agree on it.
fn tar_header(name: &str, kind: u8, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut header);
    header
}

/// Puts the checksum right.
fn seal(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn tar_member(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut member = tar_header(name, kind, bytes.len() as u64).to_vec();
    member.extend_from_slice(bytes);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

/// An archive of these members, with its end marker.
fn tar_of(members: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = members.concat();
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn two_files() -> Vec<u8> {
    tar_of(&[tar_member("a.txt", b'0', b"first"), tar_member("b/c.txt", b'0', &[7; 2000])])
}

fn two_members() -> Vec<(String, Vec<u8>)> {
    vec![pair("a.txt", b"first"), pair("b/c.txt", &[7; 2000])]
}

/// One member of a zip, for both of its headers.
#[derive(Clone)]
struct Zipped {
    name: &'static str,
    method: u16,
    flags: u16,
    data: Vec<u8>,
    unpacked: usize,
    in_directory: bool,
}

impl Zipped {
    fn stored(name: &'static str, bytes: &[u8]) -> Self {
        let data = bytes.to_vec();
        Zipped { name, method: 0, flags: 0, unpacked: data.len(), data, in_directory: true }
    }

    fn deflated(name: &'static str, bytes: &[u8]) -> Self {
        let data = super::super::codec::tests::deflate(bytes);
        Zipped { name, method: 8, flags: 0, data, unpacked: bytes.len(), in_directory: true }
    }

    fn hidden(self) -> Self {
        Zipped { in_directory: false, ..self }
    }

    /// Flags, method, time, checksum, lengths and the length of the name: the same in both headers.
    fn common(&self) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend([0; 8]);
        header.extend((self.data.len() as u32).to_le_bytes());
        header.extend((self.unpacked as u32).to_le_bytes());
        header.extend((self.name.len() as u16).to_le_bytes());
        header
    }

    fn local(&self) -> Vec<u8> {
        let mut local = b"PK\x03\x04\x14\0".to_vec();
        local.extend(self.common());
        local.extend([0; 2]);
        local.extend(self.name.as_bytes());
        local.extend(&self.data);
        local
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let mut central = b"PK\x01\x02\x14\0\x14\0".to_vec();
        central.extend(self.common());
        central.extend([0; 12]);
        central.extend((offset as u32).to_le_bytes());
        central.extend(self.name.as_bytes());
        central
    }
}

fn zip_of(members: &[Zipped]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        if member.in_directory {
            directory.extend(member.central(archive.len()));
        }
        archive.extend(member.local());
    }
    let start = archive.len();
    archive.extend(&directory);
    archive.extend(zip_end(
        members.iter().filter(|m| m.in_directory).count(),
        start,
        directory.len(),
    ));
    archive
}

fn zip_end(count: usize, start: usize, length: usize) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend((count as u16).to_le_bytes());
    end.extend((count as u16).to_le_bytes());
    end.extend((length as u32).to_le_bytes());
    end.extend((start as u32).to_le_bytes());
    end.extend([0; 2]);
    end
}
