//! Digests of an upload: typed values, and one pass over the bytes that computes several of them.
//!
//! Pure: no I/O, no clock. Everything above works with [`Digests`], never with loose byte arrays.

mod midstate;
mod multi;
mod portable;
mod states;
mod tables;
#[cfg(test)]
mod tests;
mod value;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // Vector instructions; each block says why it is sound.
mod x86;

pub use midstate::MIDSTATE_BYTES;
pub use multi::{Kernel, MultiHasher, ParseKernelError, kernel_name};
pub use value::{Algorithm, AlgorithmSet, Digest, Digests, Md5, ParseDigestError, Sha1, Sha256};
pub(crate) use value::{HexFault, read_hex, write_hex};
