//! Archives that are made to do harm.

use super::*;

/// Bytes that don't shrink (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut word = 88_172_645_463_325_252u64;
    let mut next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        (word >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn reasons(payload: &[u8], limits: Limits) -> Vec<Incomplete> {
    walk(payload, limits).1.iter().collect()
}

#[test]
fn archives_within_archives_stop_at_the_bound() {
    let innermost = tar_of(&[tar_member("picture", b'0', b"bytes")]);
    let nested = |times: usize| {
        (1..times).fold(innermost.clone(), |inner, _| tar_of(&[tar_member("t", b'0', &inner)]))
    };
    let seen = |payload: &[u8]| named(walk(payload, Limits::default()).0);
    assert_eq!(seen(&nested(2)).last(), Some(&pair("picture", b"bytes")));
    assert_eq!(reasons(&nested(2), Limits::default()), []);
    assert_eq!(reasons(&nested(3), Limits::default()), [Incomplete::Depth]);
    assert_eq!(seen(&nested(3)).last(), Some(&pair("t", &innermost)), "as a file it is seen");
    // A compressed archive is one archive, and a zip counts like a tar.
    let coded = tar_of(&[tar_member("t", b'0', &gzip(&innermost))]);
    assert_eq!(reasons(&gzip(&coded), Limits::default()), []);
    let zipped = zip_of(&[Zipped::deflated("z", &nested(2))]);
    assert_eq!(reasons(&zipped, Limits::default()), [Incomplete::Depth]);
    for payload in [gzip(&gzip(&gzip(b"x"))), zip_of(&[Zipped::stored("z", &zipped)])] {
        assert_eq!(reasons(&payload, Limits::default()), [Incomplete::Depth]);
    }
}

/// The gzip file that unpacks to itself, as far as that matters: some member of it always follows.
#[test]
fn a_file_that_holds_itself_stops_at_the_bound() {
    let depth = |depth_max: u8| Limits { depth_max, ..Limits::default() };
    let mut layers = b"x".to_vec();
    for _ in 0..20 {
        layers = gzip(&layers);
    }
    for bound in [0, 1, 7, 19] {
        assert_eq!(reasons(&layers, depth(bound)), [Incomplete::Depth], "{bound}");
    }
    assert_eq!(reasons(&layers, depth(20)), []);
    // As deep as any limit lets it go, on the stack of a thread that has 2 MiB.
    let mut layers = b"x".to_vec();
    for level in 0..40 {
        layers = match level % 3 {
            0 => gzip(&layers),
            1 => tar_of(&[tar_member("t", b'0', &layers)]),
            _ => zip_of(&[Zipped::stored("z", &layers)]),
        };
    }
    assert_eq!(reasons(&layers, depth(u8::MAX)), [Incomplete::Depth]);
}

#[test]
fn members_are_counted() {
    let archive = tar_of(&vec![tar_member("f", b'0', b"x"); 10]);
    for (views_max, expected) in [(10, vec![]), (9, vec![Incomplete::Count])] {
        let limits = Limits { views_max, ..Limits::default() };
        assert_eq!(walk(&archive, limits).0.len(), views_max as usize);
        assert_eq!(reasons(&archive, limits), expected);
    }
}

#[test]
fn bombs_stop_at_the_ratio() {
    let zeros = vec![0; 8 << 20];
    for payload in [gzip(&zeros), zip_of(&[Zipped::deflated("z", &zeros)])] {
        let (seen, gaps) = walk(&payload, Limits::default());
        assert_eq!(gaps.iter().collect::<Vec<_>>(), [Incomplete::Ratio]);
        assert!(seen[0].bytes.len() < 2 << 20 && !seen[0].whole);
    }
    // An archive of nothing but end markers has no member whose bytes would count.
    let markers = gzip(&[two_files(), zeros].concat());
    assert_eq!(reasons(&markers, Limits::default()), [Incomplete::Ratio]);
}

#[test]
fn output_stops_at_the_bound() {
    let archive = gzip(&tar_of(&[tar_member("f", b'0', &[7; 5000])]));
    // Decoding gives the headers too.
    for (bound, expected) in [(5000, vec![Incomplete::Bytes]), (6656, vec![])] {
        let limits = Limits { output_bytes_max: bound, ..Limits::default() };
        assert_eq!(reasons(&archive, limits), expected);
    }
    let notes = tar_member("x", b'x', b"24 GNU.sparse.size=5000\n22 GNU.sparse.map=0,1\n");
    let archive = tar_of(&[notes, tar_member("f", b'0', b"x")]);
    for (bound, expected) in [(5001, vec![]), (4999, vec![Incomplete::Bytes])] {
        let limits = Limits { output_bytes_max: bound, ..Limits::default() };
        let (seen, gaps) = walk(&archive, limits);
        assert_eq!(gaps.iter().collect::<Vec<_>>(), expected);
        assert_eq!((seen[0].bytes.len() as u64, seen[0].whole), (bound.min(5000), bound > 5000));
    }
}

/// Many central headers of one local header, and local headers that quote one another: each byte of
/// the file is unpacked many times.
#[test]
fn members_that_overlap_are_counted_as_often_as_they_are_read() {
    let noise = noise(200_000);
    let kernel = Zipped::deflated("kernel", &noise);
    let count = 400;
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for index in 0..count {
        // The data of each begin with a stored block that holds the next one's header.
        let rest: usize = (count - index - 1) * 36 + kernel.local().len();
        let quote = Zipped { method: 8, ..Zipped::stored("q", b"") };
        let mut local = quote.local();
        local[18..22].copy_from_slice(&(rest as u32 + 5).to_le_bytes());
        let mut central = quote.central(archive.len());
        central[20..24].copy_from_slice(&(rest as u32 + 5).to_le_bytes());
        directory.extend(central);
        archive.extend(local);
        let quoted = if index + 1 < count { 31 } else { 36 };
        archive.extend([0, quoted, 0, !quoted, 0xff]);
    }
    directory.extend(kernel.central(archive.len()));
    archive.extend(kernel.local());
    let start = archive.len();
    archive.extend(&directory);
    archive.extend(zip_end(count + 1, start, directory.len()));
    let limits = Limits { output_bytes_max: 8 << 20, depth_max: 1, ..Limits::default() };
    let (seen, gaps) = walk(&archive, limits);
    // What each unpacks to begins as a zip again.
    assert_eq!(gaps.iter().collect::<Vec<_>>(), [Incomplete::Bytes, Incomplete::Depth]);
    assert!(seen.len() > 10 && seen[0].bytes.ends_with(&noise));
    let given: usize = seen.iter().map(|seen| seen.bytes.len()).sum();
    assert!(given as u64 <= limits.output_bytes_max);
}

/// Deflate can go on without giving a byte: reading counts too.
#[test]
fn members_that_give_nothing_are_bounded_by_what_they_read() {
    let idle = [0u8, 0, 0, 0xff, 0xff].repeat(200_000);
    let one = Zipped { method: 8, data: idle, unpacked: 0, ..Zipped::stored("i", b"") };
    let mut archive = one.local();
    let start = archive.len();
    // The same data under a thousand lengths, each a reading of its own.
    for shorter in 0..1000u32 {
        let mut central = one.central(0);
        central[20..24].copy_from_slice(&(one.data.len() as u32 - shorter).to_le_bytes());
        archive.extend(central);
    }
    let length = archive.len() - start;
    archive.extend(zip_end(1000, start, length));
    let limits = Limits { output_bytes_max: 16 << 20, ..Limits::default() };
    assert!(reasons(&archive, limits).contains(&Incomplete::Bytes));
}

#[test]
fn huge_lengths_end_with_the_bytes() {
    let mut header = tar_header("", b'0', 0);
    header[124..136].fill(0xff);
    header[124] = 0x80;
    seal(&mut header);
    let archive = [header.to_vec(), two_files()].concat();
    assert_eq!(members(&archive), (two_members(), vec![Incomplete::Malformed]));
    header[124..136]
        .copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    seal(&mut header);
    let (seen, gaps) = members(&[header.to_vec(), two_files()].concat());
    assert_eq!(seen, [vec![pair("", &two_files())], two_members()].concat());
    assert_eq!(gaps, [Incomplete::Bytes, Incomplete::Truncated]);
}

#[test]
fn headers_about_headers_go_nowhere() {
    let pax = tar_member("x", b'x', b"13 path=aaaa\n");
    let long = tar_member("L", b'L', b"name\0");
    let archive = tar_of(&[pax.repeat(500), long.repeat(500), tar_member("f", b'0', b"x")]);
    assert_eq!(members(&archive), (vec![pair("name", b"x")], vec![]));
    // Beyond what a header may have.
    let large = tar_header("x", b'x', (1 << 20) + 1).to_vec();
    let (seen, gaps) = members(&tar_of(&[tar_member("f", b'0', b"x"), large, vec![b'\n'; 4096]]));
    assert_eq!((seen.len(), gaps), (1, vec![Incomplete::Memory, Incomplete::Truncated]));
}

#[test]
fn a_member_too_large_to_be_kept_is_seen_but_not_what_is_in_it() {
    let inner = tar_of(&[tar_member("in", b'0', &[7; 5000])]);
    let archive = tar_of(&[tar_member("t", b'0', &inner), tar_member("last", b'0', b"x")]);
    let limits = Limits { scratch_bytes_max: inner.len() - 1, ..Limits::default() };
    let (seen, gaps) = walk(&archive, limits);
    assert!(gaps.contains(Incomplete::Bytes));
    assert_eq!((&seen[0].bytes, seen[0].whole), (&inner, true));
    assert_eq!(named(seen).last(), Some(&pair("last", b"x")));
    let enough = Limits { scratch_bytes_max: inner.len(), ..limits };
    // What lies in it is kept in turn, as far as there is room: it has none to hide.
    assert_eq!(reasons(&archive, enough), []);
}
