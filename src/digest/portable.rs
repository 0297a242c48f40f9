//! The kernel for every CPU: RustCrypto's compression functions, one after the other.

use super::states::{Block, States};
use super::{Algorithm, AlgorithmSet};

/// Feeds `blocks` to each wanted algorithm in turn.
pub(super) fn compress(wanted: AlgorithmSet, states: &mut States, blocks: &[Block]) {
    for algorithm in wanted.iter() {
        match algorithm {
            Algorithm::Md5 => md5::block_api::compress(&mut states.md5, blocks),
            Algorithm::Sha1 => sha1::block_api::compress(&mut states.sha1, blocks),
            Algorithm::Sha256 => sha2::block_api::compress256(&mut states.sha256, blocks),
        }
    }
}
