//! Running digests, kept and found again.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::chain::{self, Chain, MIDSTATE_BYTES_MAX, Prefix};
use super::error::StateError;
use super::record::{PART_NUMBER_MAX, PartRecord};
use super::store::{CHAINS, State};
use super::upload::UploadKey;

/// Names of chains that are looked at. An honest upload has few, since each replaces the one before.
const CHAINS_MAX: usize = 2 * PART_NUMBER_MAX as usize;

/// Chains that are tried, longest first: one may be replaced between listing and reading.
const CHAIN_TRIES: usize = 3;

impl State {
    /// Keeps running digests over the first parts of an upload, and drops the ones that they replace.
    ///
    /// # Errors
    /// See [`StateError`]; a midstate has at most [`MIDSTATE_BYTES_MAX`] bytes.
    pub async fn put_chain(
        &self,
        upload: &UploadKey,
        prefix: &Prefix,
        midstate: &[u8],
        replaced: Option<&Prefix>,
    ) -> Result<(), StateError> {
        if midstate.len() > MIDSTATE_BYTES_MAX || prefix.parts == 0 {
            return Err(StateError::Invalid("a midstate has at most 512 bytes, over some part"));
        }
        let key = |prefix: &Prefix| format!("{}/{}", self.folder(upload, CHAINS), prefix.name());
        self.backend.put(key(prefix), vec![chain::seal(midstate)]).await?;
        if let Some(replaced) = replaced.filter(|replaced| replaced.parts > 0) {
            // It costs a few bytes until the upload ends.
            let _ = self.backend.delete(vec![key(replaced)]).await;
        }
        Ok(())
    }

    /// The running digests over the longest prefix of exactly these parts.
    ///
    /// # Errors
    /// See [`StateError`]. One that is damaged counts as not there.
    pub async fn best_chain(
        &self,
        upload: &UploadKey,
        parts: &[PartRecord],
    ) -> Result<Option<Chain>, StateError> {
        let kept: HashSet<Prefix> = self.chains(upload).await?.into_iter().collect();
        if kept.is_empty() {
            return Ok(None);
        }
        let prefixes = parts.iter().scan(Prefix::EMPTY, |prefix, part| {
            *prefix = prefix.then(part);
            Some(*prefix)
        });
        let mut fitting: Vec<Prefix> = prefixes.filter(|prefix| kept.contains(prefix)).collect();
        fitting.reverse();
        self.first_whole(upload, &fitting).await
    }

    /// The running digests over most bytes among those whose last part comes before `number`: what a
    /// part that arrives in order goes on from. [`State::best_chain`] will tell whether it belonged
    /// to the object.
    ///
    /// # Errors
    /// As [`State::best_chain`].
    pub async fn chain_before(
        &self,
        upload: &UploadKey,
        number: u16,
    ) -> Result<Option<Chain>, StateError> {
        let mut earlier = self.chains(upload).await?;
        earlier.retain(|prefix| prefix.last < number);
        earlier.sort_unstable_by_key(|prefix| Reverse((prefix.parts, prefix.bytes)));
        self.first_whole(upload, &earlier).await
    }

    async fn chains(&self, upload: &UploadKey) -> Result<Vec<Prefix>, StateError> {
        let found = self.backend.names(self.folder(upload, CHAINS), CHAINS_MAX).await?;
        Ok(found.names.iter().filter_map(|name| Prefix::parse(name)).collect())
    }

    async fn first_whole(
        &self,
        upload: &UploadKey,
        prefixes: &[Prefix],
    ) -> Result<Option<Chain>, StateError> {
        for prefix in prefixes.iter().take(CHAIN_TRIES) {
            let key = format!("{}/{}", self.folder(upload, CHAINS), prefix.name());
            // One byte more than there can be, so that one that is too long is not whole.
            let sealed = self.backend.get(key, 0, chain::KEPT_BYTES_MAX + 1).await?;
            if let Some(midstate) = sealed.and_then(chain::unseal) {
                return Ok(Some(Chain { prefix: *prefix, midstate }));
            }
        }
        Ok(None)
    }
}
