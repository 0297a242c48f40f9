//! Hints to the processor and to the kernel. None of them changes what the program sees.
#![allow(unsafe_code)]

/// Asks for the first `lines` cache lines of `bytes`, without waiting for them. A page of a map
/// that is not resident stays so: the processor drops the hint.
#[cfg(target_arch = "x86_64")]
pub(super) fn prefetch(bytes: &[u8], lines: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    /// Bytes of a cache line.
    const LINE: usize = 64;
    for line in bytes.chunks(LINE).take(lines) {
        // SAFETY: SSE is part of every x86-64, and a prefetch changes nothing that a program
        // sees, whatever the address; this one is of bytes that we borrow.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
}

/// Other processors get no hint: stable Rust has none for them.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn prefetch(_bytes: &[u8], _lines: usize) {}

/// Work whose time goes into counting bits.
pub(super) trait CountsBits {
    /// What comes of it.
    type Outcome;

    /// Does it. Make it `#[inline(always)]`, and what it calls too: what is inlined is compiled for
    /// the instructions that [`counting_bits`] finds.
    fn run(self) -> Self::Outcome;
}

/// Does `work` with the processor's fastest instructions for counting bits.
#[cfg(target_arch = "x86_64")]
pub(super) fn counting_bits<W: CountsBits>(work: W) -> W::Outcome {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,popcnt")]
    fn in_vectors<W: CountsBits>(work: W) -> W::Outcome {
        work.run()
    }
    #[target_feature(enable = "avx2,popcnt")]
    fn in_words<W: CountsBits>(work: W) -> W::Outcome {
        work.run()
    }
    let has_words = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
    let has_vectors = has_words
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vpopcntdq");
    if has_vectors {
        // SAFETY: the processor has every feature that the function is compiled for.
        unsafe { in_vectors(work) }
    } else if has_words {
        // SAFETY: as above.
        unsafe { in_words(work) }
    } else {
        work.run()
    }
}

/// Other processors count bits with what every one of them has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn counting_bits<W: CountsBits>(work: W) -> W::Outcome {
    work.run()
}

/// Asks for huge pages behind `bytes`: with small ones each random access waits for page tables
/// too. Ask when the bytes are there: the kernel then moves them in its own time, some seconds for
/// tens of megabytes. Huge pages at the first touch were seen to make opening 50 ms slower on a
/// virtual machine, which had to find the memory at once.
#[cfg(target_os = "linux")]
pub(super) fn huge_pages(bytes: &mut [u8]) {
    use std::ffi::{c_int, c_void};
    /// `MADV_HUGEPAGE` of Linux, the same on every architecture that Rust's std runs on there.
    const MADV_HUGEPAGE: c_int = 14;
    /// Bytes of a huge page on x86-64 and, in most kernels, on aarch64. Where they are larger,
    /// the kernel takes what fits.
    const HUGE_PAGE: usize = 2 << 20;
    /// Shortest memory that is worth it, in bytes: where the small pages of less are, the
    /// processor remembers.
    const HUGE_FROM: usize = 4 << 20;
    unsafe extern "C" {
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }
    if bytes.len() < HUGE_FROM {
        return;
    }
    let Some(aligned) = bytes.get_mut(bytes.as_ptr().align_offset(HUGE_PAGE)..) else { return };
    // SAFETY: the range is memory that we borrow alone; the advice moves none of its bytes in the
    // program's eyes. An error means that there are no huge pages, and then small ones serve.
    let _ = unsafe { madvise(aligned.as_mut_ptr().cast(), aligned.len(), MADV_HUGEPAGE) };
}

/// Other systems choose by themselves.
#[cfg(not(target_os = "linux"))]
pub(super) fn huge_pages(_bytes: &mut [u8]) {}
