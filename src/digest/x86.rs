//! The kernel for x86-64 with SHA instructions: three digests in the time of one.
//!
//! MD5 is a single chain of dependent operations, 288 cycles long in every block, and leaves most
//! of the core idle. SHA-1 and SHA-256 have instructions of their own, which run in other units. So
//! their rounds are laid evenly between MD5's steps, and the core overlaps all three.
//!
//! Two things keep MD5's chain from waiting. The SHA rounds stay where they were put ([`pin`]):
//! left to itself the compiler gathers them at the front of a block, where they fill the core's
//! window of pending instructions. And MD5 itself is thrifty with the integer units, which the
//! SHA instructions share in part: its additions of constants are vector additions ([`md5_sums`]).

use core::arch::asm;
use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32,
    _mm_set_epi64x, _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32,
    _mm_sha1rnds4_epu32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_xor_si128,
};

use super::states::{Block, States};
use super::tables::{MD5_SINES, MD5_TURNS, SHA256_ROUNDS, md5_word};
use super::{Algorithm, AlgorithmSet};

/// Proof that this CPU has every instruction that the kernel uses: only [`X86::detect`] makes one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct X86(());

impl X86 {
    /// Asks the CPU; std remembers its answer.
    pub(super) fn detect() -> Option<X86> {
        let has_all = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("bmi1");
        has_all.then_some(X86(()))
    }

    /// Feeds `blocks` to all wanted algorithms at once.
    pub(super) fn compress(self, wanted: AlgorithmSet, states: &mut States, blocks: &[Block]) {
        let [md5, sha1, sha256] = Algorithm::ALL.map(|algorithm| wanted.contains(algorithm));
        // SAFETY: `self` exists, so `detect` has found every feature `stitched` is compiled for.
        unsafe {
            match (md5, sha1, sha256) {
                (false, false, false) => {}
                (true, false, false) => stitched::<true, false, false>(states, blocks),
                (false, true, false) => stitched::<false, true, false>(states, blocks),
                (false, false, true) => stitched::<false, false, true>(states, blocks),
                (true, true, false) => stitched::<true, true, false>(states, blocks),
                (true, false, true) => stitched::<true, false, true>(states, blocks),
                (false, true, true) => stitched::<false, true, true>(states, blocks),
                (true, true, true) => stitched::<true, true, true>(states, blocks),
            }
        }
    }
}

/// Four rounds of SHA-256, FIPS 180-4, section 6.2.2; `$quad` counts from 0 to 15.
///
/// `$w` holds sixteen words of the message schedule, four to a vector. From the fifth quad on, the
/// oldest vector makes way for the next four words. (Macros, because `rnds4` wants its round number
/// as a literal, and a function with target features can't be `inline(always)`.)
macro_rules! sha256_quad {
    ($quad:expr, $state:ident, $w:ident) => {
        if $quad >= 4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| $w[($quad + k) % 4]);
            let sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8::<4>(d, c));
            $w[$quad % 4] = _mm_sha256msg2_epu32(sum, d);
        }
        let wk = _mm_add_epi32($w[$quad % 4], words(SHA256_ROUNDS[$quad]));
        let [abef, cdgh] = $state;
        let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
        let abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32::<0x0e>(wk));
        $state = [abef, cdgh];
    };
}

/// Four rounds of SHA-1, FIPS 180-4, section 6.1.2; `$quad` counts from 0 to 19.
///
/// `$state` is `[abcd, before]`: `before` is what `abcd` was a quad ago, from which the instruction
/// makes this quad's `e`. Only in the first quad it is `e` itself.
macro_rules! sha1_quad {
    ($quad:expr, $state:ident, $w:ident) => {
        if $quad >= 4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| $w[($quad + k) % 4]);
            $w[$quad % 4] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(a, b), c), d);
        }
        let [abcd, before] = $state;
        let ew = if $quad == 0 {
            _mm_add_epi32(before, $w[0])
        } else {
            _mm_sha1nexte_epu32(before, $w[$quad % 4])
        };
        $state = [_mm_sha1rnds4_epu32::<{ $quad / 5 }>(abcd, ew), abcd];
    };
}

/// The block functions of the chosen algorithms, over all `blocks`.
#[target_feature(enable = "sha,sse4.1,ssse3,bmi1")]
fn stitched<const MD5: bool, const SHA1: bool, const SHA256: bool>(
    states: &mut States,
    blocks: &[Block],
) {
    let mut md5 = states.md5;
    let mut sha1 = sha1_vectors(states.sha1);
    let mut sha256 = sha256_vectors(states.sha256);
    for block in blocks {
        let (md5_in, sha1_in, sha256_in) = (md5, sha1, sha256);
        let quarters = [0, 1, 2, 3].map(|i| quarter(block, i));
        let sums = if MD5 { &md5_sums(quarters) } else { &[words([0; 4]); 16] };
        let sums = if MD5 { from_memory(sums) } else { &[0; 64] };
        let mut w1 = quarters.map(|q| _mm_shuffle_epi8(q, sha1_order()));
        let mut w256 = quarters.map(|q| _mm_shuffle_epi8(q, sha256_order()));
        // Each of MD5's 64 steps, with what falls due there of SHA-256's 16 quads and SHA-1's 20.
        macro_rules! steps {
            ($($i:literal)*) => {$(
                if MD5 {
                    md5_step::<$i>(&mut md5, sums);
                }
                if SHA256 && $i % 4 == 3 {
                    if MD5 {
                        pin(&mut w256[$i / 4 % 4], &mut md5[(64 - $i) % 4]);
                    }
                    sha256_quad!($i / 4, sha256, w256);
                }
                if SHA1 && ($i + 1) * 20 / 64 > $i * 20 / 64 {
                    if MD5 {
                        pin(&mut w1[$i * 20 / 64 % 4], &mut md5[(64 - $i) % 4]);
                    }
                    sha1_quad!($i * 20 / 64, sha1, w1);
                }
            )*};
        }
        steps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        steps!(16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        steps!(32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
        steps!(48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        // `apart`, or the compiler keeps MD5's state in a vector from block to block.
        md5 = [0, 1, 2, 3].map(|k| apart(md5[k].wrapping_add(md5_in[k])));
        sha1 = [_mm_add_epi32(sha1[0], sha1_in[0]), _mm_sha1nexte_epu32(sha1[1], sha1_in[1])];
        sha256 = [0, 1].map(|k| _mm_add_epi32(sha256[k], sha256_in[k]));
    }
    // The others are not ours to touch: padding goes to MD5 and to the SHAs apart.
    if MD5 {
        states.md5 = md5;
    }
    if SHA1 {
        states.sha1 = sha1_words(sha1);
    }
    if SHA256 {
        states.sha256 = sha256_words(sha256);
    }
}

/// Step `I` of MD5, RFC 1321, section 3.4.
///
/// Of its four inputs only `b` is new; all that can be computed without it is computed [`apart`],
/// so that the chain from `b` to the next `b` is four or five operations long.
#[inline(always)]
fn md5_step<const I: usize>(state: &mut [u32; 4], sums: &[u32; 64]) {
    let [a, b, c, d] = [0, 1, 2, 3].map(|k| state[(64 - I + k) % 4]);
    let early = apart(a.wrapping_add(sums[I / 16 * 16 + md5_word(I)]));
    let sum = match I / 16 {
        0 => early.wrapping_add((apart(c ^ d) & b) ^ d),
        // The halves of `(d & b) | (!d & c)` share no bit, so they can be added one by one.
        1 => apart(early.wrapping_add(!d & c)).wrapping_add(d & b),
        2 => early.wrapping_add(apart(c ^ d) ^ b),
        // `early + (c ^ (b | !d))` = `early + !x` = `early - 1 - x`; MD5_ADDENDS has the `- 1`.
        _ => early.wrapping_sub(apart((!b & d) ^ c)),
    };
    state[(64 - I) % 4] = sum.rotate_left(MD5_TURNS[I / 16][I % 4]).wrapping_add(b);
}

/// What each step of MD5 adds that is known beforehand: for each round, the block's sixteen words,
/// in the block's order, each with the constant of the step that takes it.
#[inline(always)]
fn md5_sums(quarters: [__m128i; 4]) -> [__m128i; 16] {
    core::array::from_fn(|i| {
        // SAFETY: SSE2, which every x86-64 has.
        unsafe { _mm_add_epi32(quarters[i % 4], words(MD5_ADDENDS[i])) }
    })
}

/// MD5's constants in the order of [`md5_sums`].
const MD5_ADDENDS: [[u32; 4]; 16] = {
    let mut table = [[0; 4]; 16];
    let mut i = 0;
    while i < 64 {
        let word = md5_word(i);
        // The last round subtracts a complement: see `md5_step`.
        let less = if i < 48 { 0 } else { 1 };
        table[i / 16 * 4 + word / 4][word % 4] = MD5_SINES[i].wrapping_sub(less);
        i += 1;
    }
    table
};

/// `value`, unchanged, but computed apart from the expression around it: the compiler can't
/// rearrange a sum across this.
#[inline(always)]
fn apart(mut value: u32) -> u32 {
    // SAFETY: the text is a comment; it touches neither memory, stack nor flags.
    unsafe {
        asm!("/* {0:e} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
    }
    value
}

/// Nothing at run time. For the compiler, `vector` is made from the step of MD5 that made `chain`,
/// and goes into the next one: what is done with it stays between the two.
#[inline(always)]
fn pin(vector: &mut __m128i, chain: &mut u32) {
    // SAFETY: the text is a comment; it touches neither memory, stack nor flags.
    unsafe {
        asm!(
            "/* {0} {1:e} */",
            inout(xmm_reg) * vector,
            inout(reg) * chain,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}

/// The same sums as words in memory. The compiler would take them out of the vectors one by one,
/// which costs an instruction for each; from memory the addition itself can load them.
#[inline(always)]
fn from_memory(sums: &[__m128i; 16]) -> &[u32; 64] {
    let mut at = sums.as_ptr();
    // SAFETY: the text is a comment; it leaves the pointer as it is and changes no memory. So `at`
    // points to 256 initialised bytes, aligned to 16, borrowed as long as the result.
    unsafe {
        asm!("/* {0} */", inout(reg) at, options(readonly, nostack, preserves_flags));
        &*at.cast()
    }
}

/// Bytes `16 * i ..` of the block.
#[inline(always)]
fn quarter(block: &Block, i: usize) -> __m128i {
    let bytes = &block[16 * i..16 * (i + 1)];
    // SAFETY: the slice is 16 bytes long, and this load needs no alignment. SSE2, which every
    // x86-64 has.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Four words, the first in the lowest lane.
#[inline(always)]
fn words(four: [u32; 4]) -> __m128i {
    let [a, b, c, d] = four.map(u32::cast_signed);
    // SAFETY: SSE2, which every x86-64 has.
    unsafe { _mm_set_epi32(d, c, b, a) }
}

/// Shuffle that reads four big-endian words, the first into the lowest lane.
#[inline(always)]
fn sha256_order() -> __m128i {
    // SAFETY: SSE2, which every x86-64 has.
    unsafe { _mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203) }
}

/// Shuffle that reads four big-endian words, the first into the highest lane.
#[inline(always)]
fn sha1_order() -> __m128i {
    // SAFETY: SSE2, which every x86-64 has.
    unsafe { _mm_set_epi64x(0x00010203_04050607, 0x08090a0b_0c0d0e0f) }
}

fn sha1_vectors([a, b, c, d, e]: [u32; 5]) -> [__m128i; 2] {
    [words([d, c, b, a]), words([0, 0, 0, e])]
}

fn sha256_vectors([a, b, c, d, e, f, g, h]: [u32; 8]) -> [__m128i; 2] {
    [words([f, e, b, a]), words([h, g, d, c])]
}

#[target_feature(enable = "sse4.1")]
fn sha1_words([abcd, e]: [__m128i; 2]) -> [u32; 5] {
    let ([d, c, b, a], [_, _, _, e]) = (lanes(abcd), lanes(e));
    [a, b, c, d, e]
}

#[target_feature(enable = "sse4.1")]
fn sha256_words([abef, cdgh]: [__m128i; 2]) -> [u32; 8] {
    let ([f, e, b, a], [h, g, d, c]) = (lanes(abef), lanes(cdgh));
    [a, b, c, d, e, f, g, h]
}

/// The four words, that in the lowest lane first.
#[target_feature(enable = "sse4.1")]
fn lanes(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<0>(vector),
        _mm_extract_epi32::<1>(vector),
        _mm_extract_epi32::<2>(vector),
        _mm_extract_epi32::<3>(vector),
    ]
    .map(i32::cast_unsigned)
}
