//! The hasher against the standards' vectors and against its naive twin: RustCrypto's hashers,
//! each fed the whole message at once.

use proptest::prelude::*;
use sha2::Digest as _;

use super::{
    Algorithm, AlgorithmSet, Digests, Kernel, Md5, MultiHasher, ParseKernelError, Sha1, Sha256,
    kernel_name,
};

const KERNELS: [Kernel; 2] = [Kernel::Auto, Kernel::Portable];

#[test]
fn the_standards_vectors() {
    check_vector(Algorithm::Md5, b"", "d41d8cd98f00b204e9800998ecf8427e");
    check_vector(Algorithm::Md5, b"a", "0cc175b9c0f1b6a831c399e269772661");
    check_vector(Algorithm::Md5, b"abc", "900150983cd24fb0d6963f7d28e17f72");
    check_vector(Algorithm::Md5, b"message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check_vector(Algorithm::Md5, b"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check_vector(
        Algorithm::Md5,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "d174ab98d277d9f5a5611c2c9f419d9f",
    );
    check_vector(Algorithm::Md5, &b"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a");

    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check_vector(Algorithm::Sha1, b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_vector(Algorithm::Sha1, b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_vector(Algorithm::Sha1, two_blocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_vector(
        Algorithm::Sha1,
        &b"a".repeat(1_000_000),
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    );

    check_vector(
        Algorithm::Sha256,
        b"",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    check_vector(
        Algorithm::Sha256,
        b"abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    check_vector(
        Algorithm::Sha256,
        two_blocks,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    check_vector(
        Algorithm::Sha256,
        &b"a".repeat(1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
}

#[test]
fn every_length_around_blocks_and_padding() {
    let message = message(200);
    for len in 0..=message.len() {
        for wanted in every_set() {
            check(wanted, &[&message[..len]]);
        }
    }
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    let message = message(300);
    for at in 0..=message.len() {
        let (head, tail) = message.split_at(at);
        for wanted in every_set() {
            check(wanted, &[head, tail]);
        }
    }
}

#[test]
fn byte_by_byte_changes_nothing() {
    let message = message(300);
    check(AlgorithmSet::ALL, &message.chunks(1).collect::<Vec<_>>());
}

#[test]
fn a_clone_in_mid_stream_goes_its_own_way() {
    let (message, other) = (message(150), [0x5a; 150]);
    for at in 0..=message.len() {
        for kernel in KERNELS {
            let mut first = MultiHasher::new(AlgorithmSet::ALL, kernel);
            first.update(&message[..at]);
            let mut second = first.clone();
            first.update(&message[at..]);
            second.update(&other);
            assert_eq!(second.len(), at as u64 + 150);
            assert_eq!(first.finish(), naive(AlgorithmSet::ALL, &message));
            let second_message = [&message[..at], &other].concat();
            assert_eq!(second.finish(), naive(AlgorithmSet::ALL, &second_message));
        }
    }
}

#[test]
fn nothing_wanted_is_only_counted() {
    for kernel in KERNELS {
        let mut hasher = MultiHasher::new(AlgorithmSet::NONE, kernel);
        assert_eq!((hasher.len(), hasher.wanted()), (0, AlgorithmSet::NONE));
        hasher.update(&message(100));
        hasher.update(&message(33));
        assert_eq!(hasher.len(), 133);
        assert_eq!(hasher.finish(), Digests::default());
    }
}

#[test]
fn kernels_are_read_as_they_are_written() {
    for kernel in KERNELS {
        assert_eq!(kernel.to_string().parse(), Ok(kernel));
    }
    for wrong in ["", "Auto", "auto ", "fast"] {
        assert_eq!(wrong.parse::<Kernel>(), Err(ParseKernelError), "{wrong:?}");
    }
}

#[test]
fn the_name_tells_what_runs() {
    assert_eq!(kernel_name(Kernel::Auto, AlgorithmSet::NONE), "none");
    assert_eq!(kernel_name(Kernel::Portable, AlgorithmSet::ALL), "portable");
}

#[test]
fn debug_output_tells_nothing_about_the_body() {
    let mut hasher = MultiHasher::new(AlgorithmSet::NONE, Kernel::Portable);
    hasher.update(b"secret");
    assert_eq!(format!("{hasher:?}"), "MultiHasher { wanted: AlgorithmSet(0), len: 6, .. }");
}

#[test]
fn a_hasher_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<MultiHasher>();
}

proptest! {
    #[test]
    fn equals_its_naive_twin(
        message in prop::collection::vec(any::<u8>(), 0..4096),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        set in 0..8_usize,
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(message.len() + 1)).collect();
        cuts.extend([0, message.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|ends| &message[ends[0]..ends[1]]).collect();
        check(every_set().nth(set).unwrap(), &pieces);
    }
}

fn check_vector(algorithm: Algorithm, message: &[u8], hex: &str) {
    for kernel in KERNELS {
        let digests = hash(kernel, AlgorithmSet::NONE.with(algorithm), &[message]);
        assert_eq!(digests.of(algorithm).unwrap().to_string(), hex, "{algorithm} {kernel}");
    }
}

/// Both kernels, fed `pieces`, equal the naive twin fed all of them.
#[track_caller]
fn check(wanted: AlgorithmSet, pieces: &[&[u8]]) {
    let expected = naive(wanted, &pieces.concat());
    for kernel in KERNELS {
        let lens = || pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>();
        assert_eq!(hash(kernel, wanted, pieces), expected, "{kernel} {wanted:?} {:?}", lens());
    }
}

fn hash(kernel: Kernel, wanted: AlgorithmSet, pieces: &[&[u8]]) -> Digests {
    let mut hasher = MultiHasher::new(wanted, kernel);
    pieces.iter().for_each(|piece| hasher.update(piece));
    assert_eq!(hasher.len(), pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
    assert_eq!(hasher.wanted(), wanted);
    hasher.finish()
}

fn naive(wanted: AlgorithmSet, message: &[u8]) -> Digests {
    let md5 = || Md5(md5::Md5::digest(message).into());
    let sha1 = || Sha1(sha1::Sha1::digest(message).into());
    let sha256 = || Sha256(sha2::Sha256::digest(message).into());
    Digests {
        md5: wanted.contains(Algorithm::Md5).then(md5),
        sha1: wanted.contains(Algorithm::Sha1).then(sha1),
        sha256: wanted.contains(Algorithm::Sha256).then(sha256),
    }
}

fn every_set() -> impl Iterator<Item = AlgorithmSet> {
    (0..8).map(|bits| (0..3).filter(|i| bits >> i & 1 == 1).map(|i| Algorithm::ALL[i]).collect())
}

/// Bytes without a short period, so that a block or word out of place shows.
fn message(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
