//! What nobody will ask for again is removed: uploads without a change for the TTL, and what
//! processes left half written.
//!
//! Any number of janitors may work side by side: whatever one deletes is gone for the others, and
//! what they take from an upload that wakes up in that moment makes its parts unseen, never others.

use std::collections::HashMap;
use std::time::SystemTime;

use super::backend::Entry;
use super::error::StateError;
use super::store::{CHAINS, RECORDS, SPOOLS, State};
use super::upload::shard_folder;

/// Shards of the uploads' folder.
const SHARDS: u16 = 256;

/// Objects after which a visit ends, at the next shard. In a directory each costs some
/// microseconds, in a bucket a thousandth of a request.
const ENTRIES_PER_VISIT: u64 = 50_000;

/// What one visit of the janitor did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects looked at.
    pub seen: u64,
    /// Uploads whose state was removed.
    pub uploads: u64,
    /// Half-written files removed.
    pub temporary: u64,
    /// Whether a round through all uploads ended with this visit. From the first one on the spool
    /// in use counts what earlier processes left and others wrote.
    pub round_ended: bool,
}

/// Where the janitor is in its round.
#[derive(Debug, Default)]
pub(super) struct Round {
    shard: u16,
    /// Spooled bytes in the shards before.
    spooled: u64,
}

/// What a walk through a shard has seen.
#[derive(Default)]
struct Seen {
    entries: u64,
    uploads: HashMap<String, Upload>,
}

struct Upload {
    newest: SystemTime,
    spooled: u64,
}

impl Seen {
    /// `<38>/<folder>/<name>`; everything else is foreign and left alone.
    fn add(&mut self, entry: Entry) {
        self.entries += 1;
        let mut parts = entry.name.split('/');
        let (Some(upload), Some(folder), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let spooled = if folder == SPOOLS { entry.size } else { 0 };
        match self.uploads.get_mut(upload) {
            Some(seen) => {
                seen.newest = seen.newest.max(entry.modified);
                seen.spooled = seen.spooled.saturating_add(spooled);
            }
            None => {
                let first = Upload { newest: entry.modified, spooled };
                self.uploads.insert(upload.to_owned(), first);
            }
        }
    }
}

impl State {
    /// Visits some more uploads, removes those without a change for the TTL, and counts the spool.
    /// Call it from time to time; right after the start until [`Swept::round_ended`].
    ///
    /// # Errors
    /// See [`StateError`]. The next visit begins where this one failed.
    pub async fn sweep(&self, now: SystemTime) -> Result<Swept, StateError> {
        let mut round = self.round.lock().await;
        let temporary = self.backend.sweep_temporary(now).await?;
        let mut swept = Swept { temporary, ..Swept::default() };
        if round.shard == 0 {
            *round = Round::default();
            self.usage.scan_begins();
        }
        while swept.seen < ENTRIES_PER_VISIT
            && let Ok(shard) = u8::try_from(round.shard)
        {
            self.usage.scanning(shard);
            let spooled = self.sweep_shard(&shard_folder(shard), now, &mut swept).await?;
            round.spooled = round.spooled.saturating_add(spooled);
            round.shard += 1;
        }
        if round.shard == SHARDS {
            self.usage.scanned(round.spooled);
            round.shard = 0;
            swept.round_ended = true;
        }
        Ok(swept)
    }

    /// Gives the bytes of spool that stay.
    async fn sweep_shard(
        &self,
        shard: &str,
        now: SystemTime,
        swept: &mut Swept,
    ) -> Result<u64, StateError> {
        let seen = self.backend.fold(shard.to_owned(), Seen::default(), Seen::add).await?;
        swept.seen += seen.entries;
        let mut spooled = 0_u64;
        for (name, upload) in seen.uploads {
            let age = now.duration_since(upload.newest).unwrap_or_default();
            if age <= self.ttl {
                spooled = spooled.saturating_add(upload.spooled);
                continue;
            }
            self.remove_upload(&format!("{shard}/{name}")).await?;
            swept.uploads += 1;
        }
        Ok(spooled)
    }

    /// Records first: a Complete that comes in between is one of parts that nobody has seen, not one
    /// of parts whose bytes are gone. If this is cut short, the upload is found again by the others.
    async fn remove_upload(&self, folder: &str) -> Result<(), StateError> {
        let mut folders = [RECORDS, CHAINS, SPOOLS].map(|part| format!("{folder}/{part}")).to_vec();
        for part in &folders {
            self.remove(part, |_| true).await?;
        }
        folders.push(folder.to_owned());
        self.backend.prune(folders).await
    }
}

#[cfg(test)]
mod tests;
