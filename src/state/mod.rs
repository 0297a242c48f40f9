//! What gates keep of multipart uploads under way, so that any of them can judge the object when it
//! is completed: a record of each part that the store took, the parts' bytes, running digests.
//!
//! All of it is immutable objects in a directory or in a bucket, under names that nobody has to
//! agree on: no compare-and-swap, no leader, no service. The anchor is the store itself: a Complete
//! lists parts by number and ETag, and the store holds the client to those ETags.
//!
//! ```text
//! mpu/<2>/<38>/rec/p3.<number>.<size>.<tag>...     a part; all facts are in the name
//! mpu/<2>/<38>/rec/m1.<mark>                       created, coded, poisoned, completed
//! mpu/<2>/<38>/chain/c1.<parts>.<last>.<bytes>...  running digests over the first parts
//! mpu/<2>/<38>/spool/<id>.<chunk>                  a part's bytes; in a directory one file
//! start/<seconds>.<nonce>                          when the first gate started; the earliest counts
//! ```
//!
//! `<2>/<38>` is the hash of bucket, key and uploadId: [`UploadKey`]. [`State`] is the way in,
//! [`UploadView`] what one listing tells, [`Leases`] who may send parts while an upload is completed.
//!
//! What a crash may lose is part of the design: a lost record makes a part unseen, a lost or rotten
//! chunk makes a spool damaged, and neither is ever taken for something else.

mod backend;
mod chain;
mod check;
mod directory;
mod error;
mod fuzzed;
mod janitor;
mod lease;
mod objects;
mod options;
mod reader;
mod record;
mod running;
mod spool;
mod store;
mod upload;
mod usage;
mod view;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use chain::{Chain, MIDSTATE_BYTES_MAX, Prefix};
pub use check::{Capabilities, Unfit};
pub use error::StateError;
pub use fuzzed::check as check_names;
pub use janitor::Swept;
pub use lease::{CompleteLease, Leases, PartLease};
pub use objects::OpenError;
pub use options::{Place, StateOptions};
pub use reader::SpoolReader;
pub use record::{Flight, PART_BYTES_MAX, PART_NUMBER_MAX, PartRecord, SpoolRef};
pub use spool::{SpoolRefused, SpoolWriter};
pub use store::State;
pub use upload::{PartTag, UploadKey};
pub use view::{Found, Unresolved, UploadView};
