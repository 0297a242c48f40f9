use std::io::Write;

use super::*;

const WINDOW: u64 = ZSTD_WINDOW_MAX_BYTES;

/// What the files in tests/data/coded decode to.
pub(in crate::unpack) fn numbers() -> Vec<u8> {
    (0..60_000u32).flat_map(|i| format!("{}\n", i * 7919 % 2003).into_bytes()).collect()
}

pub(in crate::unpack) const NUMBERS_BR: &[u8] =
    include_bytes!("../../../tests/data/coded/numbers.br");
pub(in crate::unpack) const NUMBERS_ZST: &[u8] =
    include_bytes!("../../../tests/data/coded/numbers.zst");
pub(in crate::unpack) const NUMBERS_LZ4: &[u8] =
    include_bytes!("../../../tests/data/coded/numbers.lz4");
pub(in crate::unpack) const NUMBERS_BZ2: &[u8] =
    include_bytes!("../../../tests/data/coded/numbers.bz2");

pub(in crate::unpack) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector");
    encoder.finish().expect("a vector")
}

pub(in crate::unpack) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector");
    encoder.finish().expect("a vector")
}

pub(in crate::unpack) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector");
    encoder.finish().expect("a vector")
}

pub(in crate::unpack) fn s2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = minlz::Writer::with_block_size(Vec::new(), 64 * 1024);
    writer.write_all(bytes).expect("a vector");
    writer.flush().expect("a vector");
    writer.get_ref().clone()
}

/// Decodes `input` in pushes of `step` bytes: what came out, and how it ended.
fn decode(codec: Codec, input: &[u8], step: usize) -> (Vec<u8>, Result<(), CodingError>) {
    let mut engine = Engine::new(codec, WINDOW);
    let mut out = Vec::new();
    let mut emit = |piece: Piece<'_>| {
        if let Piece::Bytes(bytes) = piece {
            assert!(!bytes.is_empty());
            out.extend_from_slice(bytes);
        }
        Ok(())
    };
    let mut pushed = input.chunks(step).map(|piece| engine.push(piece, &mut emit));
    let done = pushed.find(Result::is_err).unwrap_or(Ok(()));
    drop(pushed);
    let done = done.and_then(|()| engine.finish(&mut emit));
    (out, done)
}

#[track_caller]
fn good(codec: Codec, input: &[u8], expected: &[u8]) {
    for step in [input.len().max(1), 1, 7, 4096] {
        let (out, done) = decode(codec, input, step);
        assert_eq!(done, Ok(()), "{codec:?} by {step}");
        assert!(out == expected, "{codec:?} by {step}: {} bytes", out.len());
    }
}

#[track_caller]
fn bad(codec: Codec, input: &[u8], error: CodingError) {
    for step in [input.len().max(1), 1] {
        assert_eq!(decode(codec, input, step).1, Err(error), "{codec:?} by {step}");
    }
}

fn samples() -> Vec<(Codec, Vec<u8>)> {
    let numbers = numbers();
    vec![
        (Codec::Gzip, gzip(&numbers)),
        (Codec::Deflate, zlib(&numbers)),
        (Codec::Deflate, deflate(&numbers)),
        (Codec::Brotli, NUMBERS_BR.to_vec()),
        (Codec::Zstd, NUMBERS_ZST.to_vec()),
        (Codec::Lz4, NUMBERS_LZ4.to_vec()),
        (Codec::Bzip2, NUMBERS_BZ2.to_vec()),
        (Codec::S2, s2(&numbers)),
    ]
}

#[test]
fn what_other_programs_encoded_decodes() {
    for (codec, input) in samples() {
        good(codec, &input, &numbers());
    }
}

#[test]
fn no_input_is_no_error() {
    for (codec, _) in samples() {
        good(codec, &[], &[]);
    }
}

#[test]
fn what_is_cut_short_says_so_and_gives_what_it_has() {
    for (codec, input) in samples() {
        let (whole, _) = decode(codec, &input, input.len());
        // Before the ends of frames and their checksums.
        for cut in [1, 5, input.len() / 4, input.len() - 20] {
            let (out, done) = decode(codec, &input[..cut], 1000);
            assert_eq!(done, Err(CodingError::Truncated), "{codec:?} at {cut}");
            assert!(whole.starts_with(&out), "{codec:?} at {cut}");
        }
        let (most, _) = decode(codec, &input[..input.len() - 20], 1000);
        assert!(most.len() > 100_000, "{codec:?} gave {} bytes", most.len());
    }
}

#[test]
fn what_follows_the_end_is_ignored() {
    for (codec, mut input) in samples() {
        // S2 has no end: a stream goes on as long as there are chunks.
        if codec != Codec::S2 {
            input.extend_from_slice(b"\0\0 and whatever else there may be");
            good(codec, &input, &numbers());
        }
    }
}

#[test]
fn streams_behind_one_another_are_one() {
    for (codec, input) in samples() {
        let twice = [input.as_slice(), &input].concat();
        match codec {
            Codec::Gzip | Codec::Zstd | Codec::Lz4 | Codec::Bzip2 | Codec::S2 => {
                good(codec, &twice, &numbers().repeat(2));
            }
            // These have no members.
            Codec::Deflate | Codec::Brotli => good(codec, &twice, &numbers()),
        }
    }
}

#[test]
fn other_bytes_are_malformed() {
    for (codec, _) in samples() {
        bad(codec, b"\xfe<html>nothing of the kind</html>", CodingError::Malformed);
    }
}

#[test]
fn damage_never_panics_and_keeps_what_came_before() {
    for (codec, input) in samples() {
        let (whole, _) = decode(codec, &input, input.len());
        for at in (0..input.len()).step_by(input.len() / 17 + 1) {
            let mut damaged = input.clone();
            damaged[at] ^= 0x55;
            let (out, _) = decode(codec, &damaged, damaged.len());
            if at > 3 * input.len() / 4 && codec != Codec::Brotli {
                let common = out.iter().zip(&whole).take_while(|(a, b)| a == b).count();
                assert!(common > 50_000, "{codec:?} damaged at {at} gave {common} right bytes");
            }
        }
    }
}

#[test]
fn checksums_are_nobodys_business() {
    let mut member = gzip(b"hello");
    let footer = member.len() - 8;
    member[footer] ^= 1;
    good(Codec::Gzip, &member, b"hello");
    good(Codec::Gzip, &member[..footer], b"hello");
    let mut stream = zlib(b"hello");
    let last = stream.len() - 1;
    stream[last] ^= 1;
    good(Codec::Deflate, &stream, b"hello");
}

#[test]
fn gzip_headers_may_have_every_field() {
    let plain = gzip(b"hello");
    let mut full = plain[..10].to_vec();
    full[3] = 2 | 4 | 8 | 16;
    full.extend_from_slice(b"\x03\0abcname\0a comment\0\x12\x34");
    full.extend_from_slice(&plain[10..]);
    good(Codec::Gzip, &full, b"hello");
    for cut in 1..full.len() - 8 {
        bad(Codec::Gzip, &full[..cut], CodingError::Truncated);
    }
    full[2] = 7;
    bad(Codec::Gzip, &full, CodingError::Malformed);
}

#[test]
fn the_end_of_the_first_member_is_told_once_and_only_if_more_decodes() {
    let told = |input: &[u8]| {
        let mut out = Vec::new();
        let mut ends = Vec::new();
        let mut engine = Engine::new(Codec::Gzip, WINDOW);
        let done = engine.push(input, &mut |piece| {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::FirstEnds => ends.push(out.len()),
            }
            Ok(())
        });
        assert_eq!(done, Ok(()));
        ends
    };
    let (one, two, empty) = (gzip(b"one"), gzip(b"two"), gzip(b""));
    assert!(told(&one).is_empty());
    assert!(told(&[one.as_slice(), b"junk"].concat()).is_empty());
    assert!(told(&[one.as_slice(), &empty].concat()).is_empty());
    assert_eq!(told(&[one.as_slice(), &two, &two].concat()), [3]);
    assert_eq!(told(&[empty, one, two].concat()), [0, 3][..1]);
}

#[test]
fn zstd_windows_have_a_bound() {
    // A descriptor without content size, then a window of 2^(10 + exponent) bytes; an empty frame.
    let frame = |exponent: u8| {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3];
        frame.extend([1, 0, 0]);
        frame
    };
    good(Codec::Zstd, &frame(13), b"");
    bad(Codec::Zstd, &frame(14), CodingError::Memory);
    bad(Codec::Zstd, &frame(31), CodingError::Memory);
    // A dictionary that nobody has.
    bad(Codec::Zstd, &[0x28, 0xb5, 0x2f, 0xfd, 1, 0, 9, 1, 0, 0], CodingError::Unsupported);
}

#[test]
fn large_brotli_windows_are_refused() {
    // RFC 7932 keeps these seven bits free; the large-window extension begins with them.
    bad(Codec::Brotli, &[0x11, 0x19, 0, 0, 0, 0], CodingError::Malformed);
}

#[test]
fn lz4_that_needs_a_dictionary_or_another_version_is_refused() {
    let header = |flags: u8, block: u8| [0x04, 0x22, 0x4d, 0x18, flags, block, 0, 0, 0, 0, 0];
    good(Codec::Lz4, &header(0x60, 0x40), b"");
    bad(Codec::Lz4, &header(0x61, 0x40), CodingError::Unsupported);
    bad(Codec::Lz4, &header(0xa0, 0x40), CodingError::Malformed);
    bad(Codec::Lz4, &header(0x60, 0x30), CodingError::Malformed);
    // A block of 64 KiB, and one byte more.
    let mut stored = header(0x60, 0x40)[..7].to_vec();
    stored.extend((0x8000_0000u32 | 65_536).to_le_bytes());
    stored.extend([7; 65_536]);
    stored.extend([0; 4]);
    good(Codec::Lz4, &stored, &[7; 65_536]);
    stored[7..11].copy_from_slice(&(0x8000_0000u32 | 65_537).to_le_bytes());
    bad(Codec::Lz4, &stored, CodingError::Malformed);
}

#[test]
fn s2_chunks_are_skipped_or_refused_by_their_kind() {
    let identifier = b"\xff\x06\0\0S2sTwO";
    let stored = |bytes: &[u8]| {
        let length = (bytes.len() as u32 + 4).to_le_bytes();
        [&[1u8], &length[..3], b"\0\0\0\0", bytes].concat()
    };
    let padding = b"\xfe\x02\0\0xx";
    let body = [identifier.as_slice(), &stored(b"one"), padding, &stored(b"two")].concat();
    good(Codec::S2, &body, b"onetwo");
    good(Codec::S2, &[body.as_slice(), &body].concat(), b"onetwoonetwo");
    good(Codec::S2, &s2(b""), b"");
    bad(Codec::S2, &stored(b"one"), CodingError::Malformed);
    bad(Codec::S2, &[identifier.as_slice(), b"\x02\0\0\0"].concat(), CodingError::Unsupported);
    bad(Codec::S2, &[identifier.as_slice(), b"\x01\x03\0\0abc"].concat(), CodingError::Malformed);
    // A block whose last copy repeats the offset of the one before: S2, not Snappy.
    let block = [&[12u8], &[3 << 2, b'a', b'b', b'c', b'd'][..], &[1, 4], &[1, 0]].concat();
    let chunk = [&[0u8, block.len() as u8 + 4, 0, 0], &[0; 4][..], &block].concat();
    good(Codec::S2, &[identifier.as_slice(), &chunk].concat(), b"abcdabcdabcd");
}
