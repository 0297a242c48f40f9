//! One pass over a body that computes every digest the lists ask for.

use std::fmt;
use std::str::FromStr;

use super::portable;
use super::states::{BLOCK_LEN, Block, States};
#[cfg(target_arch = "x86_64")]
use super::x86::X86;
use super::{Algorithm, AlgorithmSet, Digests};

/// Where in the last block the message's length stands, in bits, as a 64-bit integer.
const LENGTH_AT: usize = BLOCK_LEN - 8;

/// Computes several digests of one message while it streams by.
///
/// How the message is cut into [`update`](MultiHasher::update)s never changes the digests. With an
/// empty set it only counts bytes.
#[derive(Clone)]
pub struct MultiHasher {
    wanted: AlgorithmSet,
    code: Code,
    states: States,
    /// Bytes seen so far.
    len: u64,
    /// The first `len % BLOCK_LEN` bytes are the message's, not yet in `states`, unless nothing is
    /// wanted.
    pending: Block,
}

impl MultiHasher {
    /// A hasher of the wanted digests that has seen nothing yet.
    pub fn new(wanted: AlgorithmSet, kernel: Kernel) -> Self {
        let (code, states) = (Code::of(kernel), States::START);
        MultiHasher { wanted, code, states, len: 0, pending: [0; BLOCK_LEN] }
    }

    /// A hasher that has seen `len` bytes, of which the last incomplete block is in `pending`.
    pub(super) fn at(
        wanted: AlgorithmSet,
        kernel: Kernel,
        states: States,
        len: u64,
        pending: Block,
    ) -> Self {
        MultiHasher { wanted, code: Code::of(kernel), states, len, pending }
    }

    /// The chaining values.
    pub(super) fn states(&self) -> &States {
        &self.states
    }

    /// The block that is not whole yet; behind its bytes there may be anything.
    pub(super) fn pending(&self) -> &Block {
        &self.pending
    }

    /// The algorithms it was made for.
    pub fn wanted(&self) -> AlgorithmSet {
        self.wanted
    }

    /// Bytes seen so far, whether or not any digest is wanted.
    ///
    /// MD5 and SHA are defined up to 2^61 - 1 bytes; no body comes near it.
    #[allow(clippy::len_without_is_empty)] // It is a count of bytes, not a container's size.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        let filled = self.filled();
        self.len += bytes.len() as u64;
        if !self.wanted.is_empty() {
            self.absorb(filled, bytes);
        }
    }

    /// The wanted digests of all bytes seen.
    pub fn finish(mut self) -> Digests {
        let bits = self.len.wrapping_mul(8);
        // The same padding but for the byte order of the length: RFC 1321 little-endian, FIPS 180-4
        // big-endian.
        let md5 = AlgorithmSet::NONE.with(Algorithm::Md5);
        let sha = AlgorithmSet::NONE.with(Algorithm::Sha1).with(Algorithm::Sha256);
        self.pad(md5, bits.to_le_bytes());
        self.pad(sha, bits.to_be_bytes());
        self.states.digests(self.wanted)
    }

    /// How many bytes wait in `pending`; less than a block.
    fn filled(&self) -> usize {
        (self.len % BLOCK_LEN as u64) as usize
    }

    fn absorb(&mut self, filled: usize, mut bytes: &[u8]) {
        if filled > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK_LEN - filled));
            self.pending[filled..filled + head.len()].copy_from_slice(head);
            if filled + head.len() < BLOCK_LEN {
                return;
            }
            self.code.compress(self.wanted, &mut self.states, &[self.pending]);
            bytes = rest;
        }
        let (blocks, tail) = bytes.as_chunks();
        self.code.compress(self.wanted, &mut self.states, blocks);
        self.pending[..tail.len()].copy_from_slice(tail);
    }

    /// Compresses the rest of the message with its padding: a one bit, zeros, the length.
    fn pad(&mut self, family: AlgorithmSet, length: [u8; 8]) {
        let members = self.wanted.iter().filter(|&algorithm| family.contains(algorithm)).collect();
        let filled = self.filled();
        let mut last = [[0; BLOCK_LEN]; 2];
        last[0][..filled].copy_from_slice(&self.pending[..filled]);
        last[0][filled] = 0x80;
        let used = if filled < LENGTH_AT { 1 } else { 2 };
        last[used - 1][LENGTH_AT..].copy_from_slice(&length);
        self.code.compress(members, &mut self.states, &last[..used]);
    }
}

impl fmt::Debug for MultiHasher {
    /// Leaves out the states and the pending bytes: they tell about the upload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("MultiHasher");
        out.field("wanted", &self.wanted).field("len", &self.len).finish_non_exhaustive()
    }
}

/// Which code computes the digests. The digests are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// The fastest that this CPU can run.
    #[default]
    Auto,
    /// RustCrypto's, one algorithm after the other, on any CPU.
    Portable,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kernel::Auto => "auto",
            Kernel::Portable => "portable",
        })
    }
}

impl FromStr for Kernel {
    type Err = ParseKernelError;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ParseKernelError> {
        match text {
            "auto" => Ok(Kernel::Auto),
            "portable" => Ok(Kernel::Portable),
            _ => Err(ParseKernelError),
        }
    }
}

/// A text that names no [`Kernel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest kernel is \"auto\" or \"portable\"")]
pub struct ParseKernelError;

/// What [`MultiHasher`] really runs on this CPU for that choice and set, for people to read.
pub fn kernel_name(kernel: Kernel, wanted: AlgorithmSet) -> &'static str {
    if wanted.is_empty() {
        return "none";
    }
    match Code::of(kernel) {
        Code::Portable => "portable",
        #[cfg(target_arch = "x86_64")]
        Code::X86(_) => "x86-64 sha, stitched",
    }
}

/// A kernel that this CPU can run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    X86(X86),
}

impl Code {
    fn of(kernel: Kernel) -> Code {
        match kernel {
            Kernel::Auto => Code::fastest(),
            Kernel::Portable => Code::Portable,
        }
    }

    fn fastest() -> Code {
        #[cfg(target_arch = "x86_64")]
        if let Some(x86) = X86::detect() {
            return Code::X86(x86);
        }
        Code::Portable
    }

    fn compress(self, wanted: AlgorithmSet, states: &mut States, blocks: &[Block]) {
        match self {
            Code::Portable => portable::compress(wanted, states, blocks),
            #[cfg(target_arch = "x86_64")]
            Code::X86(x86) => x86.compress(wanted, states, blocks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of 4 GiB can't be hashed in a test, but its padding can.
    #[test]
    fn the_length_in_the_padding_has_64_bits() {
        let len = (1 << 61) - BLOCK_LEN as u64;
        for kernel in [Kernel::Auto, Kernel::Portable] {
            let hasher = MultiHasher { len, ..MultiHasher::new(AlgorithmSet::ALL, kernel) };
            let mut expected = States::START;
            let mut last = [0; BLOCK_LEN];
            last[0] = 0x80;
            last[56..].copy_from_slice(&[0x00, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
            md5::block_api::compress(&mut expected.md5, &[last]);
            last[56..].reverse();
            sha1::block_api::compress(&mut expected.sha1, &[last]);
            sha2::block_api::compress256(&mut expected.sha256, &[last]);
            assert_eq!(hasher.finish(), expected.digests(AlgorithmSet::ALL), "{kernel}");
        }
    }
}
