//! A running hash as bytes, so that another process can go on with it.
//!
//! ```text
//! 0        1         2..10          10..26   26..46   46..78   78..142
//! version  algorithms message bytes  MD5      SHA-1    SHA-256  begun block
//! ```
//!
//! All numbers big-endian. It lets nobody compute a digest who did not see the bytes, but tells as
//! much about them as the digests do, and their last block itself: to be kept as private.

use super::multi::{Kernel, MultiHasher};
use super::states::{BLOCK_LEN, States};
use super::{Algorithm, AlgorithmSet};

/// Length of a saved state in bytes.
pub const MIDSTATE_BYTES: usize = 142;

const VERSION: u8 = 1;

impl MultiHasher {
    /// The state, to be [resumed](MultiHasher::resume) by any process with any kernel.
    pub fn save(&self) -> [u8; MIDSTATE_BYTES] {
        let mut saved = [0; MIDSTATE_BYTES];
        let mut rest = saved.as_mut_slice();
        let mut put = |bytes: &[u8]| {
            let (place, behind) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            place.copy_from_slice(bytes);
            rest = behind;
        };
        put(&[VERSION, members(self.wanted())]);
        put(&self.len().to_be_bytes());
        let States { md5, sha1, sha256 } = self.states();
        md5.iter().chain(sha1).chain(sha256).for_each(|word| put(&word.to_be_bytes()));
        put(self.pending());
        saved
    }

    /// Goes on where [`save`](MultiHasher::save) was called. `None` if `saved` is no state that this
    /// version can read.
    pub fn resume(saved: &[u8], kernel: Kernel) -> Option<MultiHasher> {
        let saved: &[u8; MIDSTATE_BYTES] = saved.try_into().ok()?;
        let [VERSION, algorithms, rest @ ..] = saved else { return None };
        let wanted: AlgorithmSet =
            Algorithm::ALL.into_iter().filter(|&a| algorithms & bit(a) != 0).collect();
        if members(wanted) != *algorithms {
            return None;
        }
        let (len, rest) = rest.split_first_chunk::<8>()?;
        let (words, pending) = rest.split_last_chunk::<BLOCK_LEN>()?;
        let mut words = words.as_chunks().0.iter().map(|&four| u32::from_be_bytes(four));
        let mut states = States::START;
        let States { md5, sha1, sha256 } = &mut states;
        for word in md5.iter_mut().chain(sha1).chain(sha256) {
            *word = words.next()?;
        }
        Some(MultiHasher::at(wanted, kernel, states, u64::from_be_bytes(*len), *pending))
    }
}

fn members(set: AlgorithmSet) -> u8 {
    set.iter().map(bit).sum()
}

/// The algorithm in a saved state; part of the format.
const fn bit(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Md5 => 1,
        Algorithm::Sha1 => 2,
        Algorithm::Sha256 => 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_resumed_hash_ends_as_if_it_had_never_stopped(
            message in prop::collection::vec(any::<u8>(), 0..400),
            cut in 0usize..400,
            set in 0u8..8,
        ) {
            let wanted: AlgorithmSet =
                Algorithm::ALL.into_iter().filter(|&a| set & bit(a) != 0).collect();
            let (head, tail) = message.split_at(cut.min(message.len()));
            let mut whole = MultiHasher::new(wanted, Kernel::Portable);
            whole.update(&message);
            let mut first = MultiHasher::new(wanted, Kernel::Auto);
            first.update(head);
            let mut second = MultiHasher::resume(&first.save(), Kernel::Portable).unwrap();
            prop_assert_eq!(second.len(), head.len() as u64);
            second.update(tail);
            prop_assert_eq!(second.finish(), whole.finish());
        }
    }

    #[test]
    fn what_is_no_state_is_not_resumed() {
        let good = MultiHasher::new(AlgorithmSet::ALL, Kernel::Auto).save();
        assert!(MultiHasher::resume(&good, Kernel::Auto).is_some());
        assert!(MultiHasher::resume(&good[1..], Kernel::Auto).is_none());
        assert!(MultiHasher::resume(&[&good[..], &[0]].concat(), Kernel::Auto).is_none());
        for (at, byte) in [(0, 2), (1, 8), (1, 0xff)] {
            let mut bad = good;
            bad[at] = byte;
            assert!(MultiHasher::resume(&bad, Kernel::Auto).is_none(), "{at}");
        }
    }
}
