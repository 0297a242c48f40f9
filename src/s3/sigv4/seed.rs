//! Where the signatures within a body begin.

use super::chain::Chain;
use super::key::{Signature, SigningKey};

/// A head's signature, and the key that made it.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The key.
    pub key: SigningKey,
    /// The head's signature.
    pub signature: Signature,
}

impl Seed {
    /// The chain of the body.
    pub fn chain(&self) -> Chain {
        self.key.chain(self.signature)
    }
}
