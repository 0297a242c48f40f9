//! The chaining values of the three algorithms: what a kernel advances, block by block.

use super::tables::{MD5_START, SHA1_START, SHA256_START};
use super::{Algorithm, AlgorithmSet, Digests, Md5, Sha1, Sha256};

/// Bytes in a block: the same for all three algorithms, so one buffer serves them all.
pub(super) const BLOCK_LEN: usize = 64;

/// One block of the message.
pub(super) type Block = [u8; BLOCK_LEN];

/// A chaining value for each algorithm. Those that are not wanted stay at their start.
#[derive(Clone)]
pub(super) struct States {
    pub(super) md5: [u32; 4],
    pub(super) sha1: [u32; 5],
    pub(super) sha256: [u32; 8],
}

impl States {
    /// Before the first block.
    pub(super) const START: States =
        States { md5: MD5_START, sha1: SHA1_START, sha256: SHA256_START };

    /// The digests of the wanted algorithms, once the padding is in.
    pub(super) fn digests(&self, wanted: AlgorithmSet) -> Digests {
        let md5 = || Md5(bytes(&self.md5, u32::to_le_bytes));
        let sha1 = || Sha1(bytes(&self.sha1, u32::to_be_bytes));
        let sha256 = || Sha256(bytes(&self.sha256, u32::to_be_bytes));
        Digests {
            md5: wanted.contains(Algorithm::Md5).then(md5),
            sha1: wanted.contains(Algorithm::Sha1).then(sha1),
            sha256: wanted.contains(Algorithm::Sha256).then(sha256),
        }
    }
}

fn bytes<const N: usize>(words: &[u32], split: fn(u32) -> [u8; 4]) -> [u8; N] {
    let mut out = [0; N];
    for (four, word) in out.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&split(*word));
    }
    out
}
