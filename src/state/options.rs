//! What the state has to be told. Plain values: `config` checks and fills them.

use std::path::PathBuf;
use std::time::Duration;

use crate::own_access::Account;

/// Where the state lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A directory of this machine, which only its owner can read; made if it is not there.
    Directory(PathBuf),
    /// A bucket, for any number of gates.
    Bucket {
        /// The gate's own account there.
        account: Account,
        /// The bucket.
        bucket: String,
        /// Put before every key, such as `gates/eu`; may be empty. Gates in front of different
        /// stores need different ones.
        prefix: String,
    },
}

/// How the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateOptions {
    /// Where.
    pub place: Place,
    /// Whether files and directories are synced to the disk before a call returns. Without it they
    /// survive the end of the process in any way, but not a power cut: then parts count as unseen
    /// and spools as damaged, so that uploads under way have to be sent again, but nothing is taken
    /// for what it is not. Buckets ignore it.
    pub fsync: bool,
    /// How long each single operation may take. The bytes of spools have a second per MiB more.
    pub timeout: Duration,
    /// Bytes of spooled parts kept at most.
    pub spool_max: u64,
    /// Memory for spools being written and read, in bytes.
    pub spool_memory_max: u64,
    /// After how long without a change an upload's state is removed. Longer than the store keeps
    /// unfinished uploads, or they could not be completed any more.
    pub ttl: Duration,
}

impl StateOptions {
    /// The defaults: no fsync, 2 s, 64 GiB of spool with 256 MiB of memory, 8 days.
    ///
    /// Stores that expire unfinished uploads of themselves do so after 1 day (MinIO) to 7 days (R2).
    pub fn new(place: Place) -> Self {
        StateOptions {
            place,
            fsync: false,
            timeout: Duration::from_secs(2),
            spool_max: 64 << 30,
            spool_memory_max: 256 << 20,
            ttl: Duration::from_secs(8 * 86_400),
        }
    }
}
