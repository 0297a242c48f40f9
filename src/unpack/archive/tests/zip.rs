use super::*;

/// Names and bytes of what a zip shows, and what is missing; it may be anywhere in the payload.
fn zipped(payload: &[u8]) -> (Vec<(String, Vec<u8>)>, Vec<Incomplete>) {
    let (seen, gaps) = walk(payload, Limits::default());
    (named(seen), gaps.iter().collect())
}

fn members_of_both() -> [Zipped; 2] {
    [Zipped::stored("a", b"stored"), Zipped::deflated("b", &[7; 3000])]
}

fn both() -> Vec<(String, Vec<u8>)> {
    vec![pair("a", b"stored"), pair("b", &[7; 3000])]
}

#[test]
fn members_are_seen_stored_and_deflated() {
    let archive = zip_of(&members_of_both());
    assert_eq!(zipped(&archive), (both(), vec![]));
    let (seen, _) = walk(&archive, Limits::default());
    assert_eq!(seen[0].range, Some(31..37), "what is stored is a range of the payload");
    assert_eq!((seen[1].declared, seen[1].range.clone()), (Some(3000), None));
    assert_eq!(zipped(&zip_of(&[])), (vec![], vec![]));
    let empty = zip_of(&[Zipped::stored("e", b""), Zipped::deflated("f", b"")]);
    assert_eq!(zipped(&empty), (vec![pair("e", b""), pair("f", b"")], vec![]));
}

#[test]
fn members_that_only_one_place_shows_are_seen() {
    let [a, b] = members_of_both();
    assert_eq!(zipped(&zip_of(&[a.clone().hidden(), b.clone()])).1, []);
    let mut seen = zipped(&zip_of(&[a.clone().hidden(), b.clone()])).0;
    seen.sort();
    assert_eq!(seen, both());
    assert_eq!(zipped(&zip_of(&[a.clone().hidden(), b.clone().hidden()])), (both(), vec![]));
    // No directory at all.
    assert_eq!(zipped(&[a.local(), b.local()].concat()), (both(), vec![]));
    // A directory that leads nowhere.
    let (seen, gaps) = zipped(&[a.local(), b.central(9999), zip_end(1, 37, 47)].concat());
    assert_eq!((seen, gaps), (both()[..1].to_vec(), vec![Incomplete::Malformed]));
}

#[test]
fn headers_that_disagree_are_both_believed() {
    let inner = zip_of(&[Zipped::stored("in", b"inner")]);
    let stored = Zipped::stored("x", &super::super::super::codec::tests::deflate(&inner));
    let as_deflated = Zipped { method: 8, ..stored.clone() };
    let archive = [stored.local(), as_deflated.central(0)].concat();
    let end = zip_end(1, stored.local().len(), as_deflated.central(0).len());
    let (seen, gaps) = zipped(&[archive, end].concat());
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, gaps), (vec!["x", "in", "x"], vec![]));
    assert_eq!(seen[0].1, inner);
    assert_eq!(seen[2].1, stored.data);
}

#[test]
fn lengths_may_stand_behind_the_data() {
    let descriptor = |member: &Zipped| {
        let mut descriptor = b"PK\x07\x08\0\0\0\0".to_vec();
        descriptor.extend((member.data.len() as u32).to_le_bytes());
        descriptor.extend((member.unpacked as u32).to_le_bytes());
        descriptor
    };
    let streamed = |member: &Zipped| {
        let mut local = Zipped { flags: 8, ..member.clone() }.local();
        local[14..26].fill(0);
        [local, descriptor(member)].concat()
    };
    let [a, b] = members_of_both();
    // Without a directory: a stored member ends where its descriptor says, a deflated one itself.
    assert_eq!(zipped(&[streamed(&a), streamed(&b)].concat()), (both(), vec![]));
    // With one, the directory tells.
    let locals = [streamed(&a), streamed(&b)].concat();
    let central = [a.central(0), b.central(streamed(&a).len())].concat();
    let end = zip_end(2, locals.len(), central.len());
    assert_eq!(zipped(&[locals, central, end].concat()), (both(), vec![]));
}

#[test]
fn a_zip_is_found_behind_other_bytes() {
    let archive = zip_of(&members_of_both());
    for before in [b"#!/bin/sh\nexec unzip\n".to_vec(), vec![0xff; 100_000]] {
        assert_eq!(zipped(&[before, archive.clone()].concat()), (both(), vec![]));
    }
    let mut commented = archive.clone();
    let length = commented.len();
    commented[length - 2..].copy_from_slice(&60_000u16.to_le_bytes());
    commented.resize(length + 60_000, b'c');
    assert_eq!(zipped(&commented), (both(), vec![]));
    assert_eq!(zipped(b"text with PK\x05\x06 in it, and nothing behind"), (vec![], vec![]));
}

#[test]
fn offsets_of_64_bits_are_read() {
    let [a, _] = members_of_both();
    let mut central = a.central(0);
    central[20..28].fill(0xff);
    central[42..46].fill(0xff);
    central[30] = 28;
    central.extend([1, 0, 24, 0]);
    for value in [6u64, 6, 0] {
        central.extend(value.to_le_bytes());
    }
    let start = a.local().len();
    let mut end64 = b"PK\x06\x06".to_vec();
    end64.extend([0; 36]);
    end64.extend((central.len() as u64).to_le_bytes());
    end64.extend((start as u64).to_le_bytes());
    let mut locator = b"PK\x06\x07\0\0\0\0".to_vec();
    locator.extend(((start + central.len()) as u64).to_le_bytes());
    locator.extend([1, 0, 0, 0]);
    let end = zip_end(0xffff, u32::MAX as usize, u32::MAX as usize);
    let archive = [a.local(), central, end64, locator, end].concat();
    assert_eq!(zipped(&archive), (both()[..1].to_vec(), vec![]));
}

#[test]
fn what_cannot_be_unpacked_is_told() {
    let [a, b] = members_of_both();
    let encrypted = Zipped { flags: 1, ..a.clone() };
    let aes = Zipped { method: 99, ..a.clone() };
    let deflate64 = Zipped { method: 9, ..a.clone() };
    for (member, reason) in [
        (encrypted, Incomplete::Encrypted),
        (aes, Incomplete::Encrypted),
        (deflate64, Incomplete::Unsupported),
    ] {
        assert_eq!(zipped(&zip_of(&[member, b.clone()])), (both()[1..].to_vec(), vec![reason]));
    }
    // Encrypted by the directory's word, but not by the member's own.
    let locked = Zipped { flags: 1, ..a.clone() };
    let archive = [a.local(), locked.central(0), zip_end(1, a.local().len(), 47)].concat();
    assert_eq!(zipped(&archive), (both()[..1].to_vec(), vec![Incomplete::Encrypted]));
    for head in [b"Rar!\x1a\x07\0".as_slice(), b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0\0"] {
        assert_eq!(zipped(head), (vec![], vec![Incomplete::Unsupported]));
    }
}

#[test]
fn bzip2_and_zstd_members_are_unpacked() {
    for (method, data) in [(12, NUMBERS_BZ2), (93, super::super::super::codec::tests::NUMBERS_ZST)]
    {
        let member = Zipped { method, data: data.to_vec(), ..Zipped::stored("n", b"") };
        let (seen, gaps) = zipped(&zip_of(&[member]));
        assert_eq!(gaps, []);
        assert!(seen[0].1 == numbers());
    }
}

#[test]
fn every_cut_off_zip_is_read_as_far_as_it_goes() {
    let archive = zip_of(&members_of_both());
    for end in 0..archive.len() {
        let (seen, gaps) = zipped(&archive[..end]);
        assert!(
            seen.len() == 2 || !gaps.is_empty() || end < 31 + 6 + 31,
            "{end}: {seen:?} {gaps:?}"
        );
    }
}

#[test]
fn wrong_lengths_of_deflated_members_are_told_and_all_is_given() {
    let b = Zipped::deflated("b", &numbers());
    let short = Zipped { data: b.data[..b.data.len() / 2].to_vec(), ..b.clone() };
    let mut archive = b.local();
    let start = archive.len();
    archive.extend(short.central(0));
    archive.extend(zip_end(1, start, short.central(0).len()));
    let (seen, _) = zipped(&archive);
    assert!(seen[0].1 == numbers());
}
