use super::super::header::Header;
use super::*;

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let mut length = rest.len() + 1;
        while length != format!("{length}{rest}").len() {
            length += 1;
        }
        format!("{length}{rest}")
    };
    let records: String = records.iter().map(record).collect();
    tar_member("PaxHeaders/x", b'x', records.as_bytes())
}

#[test]
fn members_are_seen_bare_and_in_every_compression() {
    let archive = two_files();
    assert_eq!(members(&archive), (two_members(), vec![]));
    for coded in [gzip(&archive), s2(&archive), lz4(&archive), bzip2(&archive), zstd(&archive)] {
        assert_eq!(members(&coded), (two_members(), vec![]), "{:?}", sniff(&coded));
    }
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut encoder, bytes).expect("a vector");
    encoder.finish().expect("a vector")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("a vector");
    encoder.finish().expect("a vector")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn a_compressed_file_is_a_view_too() {
    let (seen, gaps) = walk(NUMBERS_BZ2, Limits::default());
    assert_eq!((seen.len(), gaps), (1, Gaps::NONE));
    assert!(seen[0].kind == Kind::Decoded && seen[0].bytes == numbers());
    assert_eq!(members(&gzip(b"hello")), (vec![pair("", b"hello")], vec![]));
}

#[test]
fn long_names_come_from_wherever_they_stand() {
    let long = "n".repeat(150);
    let gnu = [
        tar_member("././@LongLink", b'L', format!("{long}\0").as_bytes()),
        tar_member("n", b'0', b"x"),
    ];
    assert_eq!(members(&tar_of(&gnu)), (vec![pair(&long, b"x")], vec![]));
    let posix = [pax(&[("path", &long)]), tar_member("n", b'0', b"x")];
    assert_eq!(members(&tar_of(&posix)), (vec![pair(&long, b"x")], vec![]));
    let mut header = tar_header("name", b'0', 0);
    header[345..351].copy_from_slice(b"prefix");
    seal(&mut header);
    assert_eq!(members(&header), (vec![pair("prefix/name", b"")], vec![]));
}

#[test]
fn lengths_come_from_pax_or_in_base_256() {
    let mut member = tar_member("big", b'0', b"twelve bytes");
    member[124..136].fill(0);
    seal(&mut member[..512]);
    let archive = tar_of(&[pax(&[("size", "12")]), member.clone()]);
    assert_eq!(members(&archive), (vec![pair("big", b"twelve bytes")], vec![]));
    member[124] = 0x80;
    member[135] = 12;
    seal(&mut member[..512]);
    assert_eq!(members(&tar_of(&[member])), (vec![pair("big", b"twelve bytes")], vec![]));
}

#[test]
fn every_kind_of_file_is_seen() {
    // MinIO makes objects of devices and pipes; unknown kinds are files to whoever unpacks them.
    for kind in [b'0', b'\0', b'7', b'Z', b'V'] {
        let archive = tar_of(&[tar_member("f", kind, b"bytes")]);
        assert_eq!(members(&archive), (vec![pair("f", b"bytes")], vec![]), "{kind}");
    }
    for kind in [b'3', b'4', b'6'] {
        let archive = tar_of(&[tar_member("f", kind, b""), tar_member("g", b'0', b"x")]);
        assert_eq!(members(&archive), (vec![pair("f", b""), pair("g", b"x")], vec![]), "{kind}");
    }
    for kind in [b'1', b'2', b'5'] {
        let archive = tar_of(&[tar_member("f", kind, b""), tar_member("g", b'0', b"x")]);
        assert_eq!(members(&archive), (vec![pair("g", b"x")], vec![]), "{kind}");
    }
}

#[test]
fn bytes_behind_links_and_devices_are_read_in_both_ways() {
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let last = tar_member("last", b'0', b"x");
        let archive = tar_of(&[tar_member("f", kind, b"bytes of it"), last.clone()]);
        let seen = vec![pair("f", b"bytes of it"), pair("last", b"x")];
        assert_eq!(members(&archive), (seen, vec![Incomplete::Ambiguous]), "{kind}");
        // Go takes no bytes behind these; then a member stands there.
        let header = tar_header("f", kind, 1024).to_vec();
        let archive = tar_of(&[header, tar_member("inner", b'0', b"y"), last]);
        let seen = vec![pair("inner", b"y"), pair("last", b"x")];
        assert_eq!(members(&archive), (seen, vec![Incomplete::Ambiguous]), "{kind}");
    }
}

/// What a file of 12 bytes in two extents looks like with its holes.
fn with_holes() -> Vec<u8> {
    [b"first!".as_slice(), &[0; 994], b"second", &[0; 94]].concat()
}

#[test]
fn files_with_holes_are_seen_with_and_without_them() {
    let stored = b"first!second";
    let seen = vec![pair("holes", &with_holes()), pair("holes", stored)];
    // GNU's older format.
    let mut header = tar_header("holes", b'S', stored.len() as u64);
    for (at, number) in [(386, 0), (398, 6), (410, 1000), (422, 6), (483, 1100)] {
        header[at..at + 11].copy_from_slice(format!("{number:011o}").as_bytes());
    }
    seal(&mut header);
    let mut body = stored.to_vec();
    body.resize(512, 0);
    let old = tar_of(&[header.to_vec(), body.clone()]);
    assert_eq!(members(&old), (seen.clone(), vec![]));
    // The same with the second extent in a record of its own.
    let mut extension = [0; 512];
    extension[..24].copy_from_slice(&header[410..434]);
    header[410..434].fill(0);
    header[482] = 1;
    seal(&mut header);
    let extended = tar_of(&[header.to_vec(), extension.to_vec(), body.clone()]);
    assert_eq!(members(&extended), (seen.clone(), vec![]));
    // The formats of pax: 0.0, 0.1 and 1.0.
    let file = tar_member("GNUSparseFile.1/holes", b'0', stored);
    let first = pax(&[
        ("GNU.sparse.size", "1100"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "6"),
        ("GNU.sparse.offset", "1000"),
        ("GNU.sparse.numbytes", "6"),
        ("GNU.sparse.name", "holes"),
    ]);
    assert_eq!(members(&tar_of(&[first, file.clone()])), (seen.clone(), vec![]));
    let map = [
        ("GNU.sparse.size", "1100"),
        ("GNU.sparse.map", "0,6,1000,6"),
        ("GNU.sparse.name", "holes"),
    ];
    assert_eq!(members(&tar_of(&[pax(&map), file])), (seen.clone(), vec![]));
    let mut data = b"2\n0\n6\n1000\n6\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(stored);
    let notes = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "holes"),
        ("GNU.sparse.realsize", "1100"),
    ]);
    let archive = tar_of(&[notes, tar_member("GNUSparseFile.1/holes", b'0', &data)]);
    assert_eq!(members(&archive), (seen, vec![]));
}

#[test]
fn holes_that_make_no_sense_leave_the_bytes_as_they_are() {
    let file = tar_member("f", b'0', b"first!second");
    for map in ["0,6,3,6", "0,6,1000,7", "0,6", "0,6,1099,6", "9223372036854775807,6,0,6"] {
        let notes = pax(&[("GNU.sparse.size", "1100"), ("GNU.sparse.map", map)]);
        let (seen, gaps) = members(&tar_of(&[notes, file.clone()]));
        assert_eq!(seen, [pair("f", b"first!second")], "{map}");
        assert_eq!(gaps, [Incomplete::Malformed], "{map}");
    }
}

#[test]
fn an_endless_hole_stops_at_the_bound() {
    let notes = pax(&[("GNU.sparse.size", "9000000000000000000"), ("GNU.sparse.map", "0,1")]);
    let archive = tar_of(&[notes, tar_member("f", b'0', b"x")]);
    let (seen, gaps) = walk(&archive, Limits::default());
    assert_eq!(gaps.iter().collect::<Vec<_>>(), [Incomplete::Ratio]);
    assert!(seen[0].bytes.len() as u64 <= Limits::default().ratio_grace_bytes && !seen[0].whole);
}

#[test]
fn records_about_all_members_are_ambiguous_if_they_tell_their_lengths() {
    let global = |records: &[u8]| tar_member("g", b'g', records);
    let file = tar_member("f", b'0', b"x");
    let comment = tar_of(&[global(b"13 comment=a\n"), file.clone()]);
    assert_eq!(members(&comment), (vec![pair("f", b"x")], vec![]));
    let size = tar_of(&[global(b"11 size=99\n"), file]);
    assert_eq!(members(&size), (vec![pair("f", b"x")], vec![Incomplete::Ambiguous]));
}

#[test]
fn damage_is_told_and_what_comes_behind_it_seen() {
    let mut archive = two_files();
    archive[0] ^= 1;
    let (seen, gaps) = walk(&archive, Limits::default());
    assert!(seen.is_empty() && gaps.is_empty(), "no tar by its first record");
    let mut archive = tar_of(&[tar_member("zero", b'0', b"0"), two_files()]);
    archive[1024] ^= 1;
    assert_eq!(
        members(&archive),
        (vec![pair("zero", b"0"), pair("b/c.txt", &[7; 2000])], vec![Incomplete::Malformed],)
    );
    let bad_pax = tar_of(&[tar_member("x", b'x', b"99 path=f\n"), tar_member("f", b'0', b"x")]);
    assert_eq!(members(&bad_pax), (vec![pair("f", b"x")], vec![Incomplete::Malformed]));
}

#[test]
fn members_behind_the_end_marker_are_seen() {
    let archive = [two_files(), two_files(), vec![9; 512]].concat();
    assert_eq!(members(&archive), ([two_members(), two_members()].concat(), vec![]));
}

#[test]
fn every_cut_off_archive_says_so_or_has_lost_nothing() {
    let archive = two_files();
    for end in 512..archive.len() {
        let (seen, gaps) = walk(&archive[..end], Limits::default());
        assert_eq!(stream(&archive[..end], Limits::default(), 100), (seen.clone(), gaps));
        let (seen, gaps) = (named(seen), gaps.iter().collect::<Vec<_>>());
        let lost = seen.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 2005;
        // Between members a reader sees the end of the archive.
        let between = (517..1536).contains(&end);
        assert!(!lost || between || gaps == [Incomplete::Truncated], "{end}: {gaps:?}");
    }
}

#[test]
fn checksums_may_be_of_signed_bytes() {
    let mut header = tar_header("\u{e4}", b'0', 0);
    assert!(Header::parse(&header).is_some());
    header[148..156].fill(b' ');
    let sum: i32 = header.iter().map(|byte| i32::from(*byte as i8)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert!(Header::parse(&header).is_some());
    header[0] ^= 1;
    assert!(Header::parse(&header).is_none());
    assert!(Header::parse(&[0; 512]).is_none());
}
