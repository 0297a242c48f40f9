//! Perceptual hashes in a snapshot, and the search for those that are near a given one.
//!
//! `lists` says what a list holds, `staging` writes the sections, `table` opens them, `search`
//! finds. PDQ hashes have an index by parts of them (`bands`, `index`), which pays from some
//! hundred thousand on; all else is scanned (`scan`), many queries at a time. `plan` says what of the
//! index is looked at for which queries, and `follow` looks.

mod bands;
mod follow;
mod index;
mod lists;
mod plan;
mod scan;
mod search;
mod staging;
mod table;
mod verify;

pub use lists::{NearInfo, NearKind};
pub use search::NearHit;

pub(super) use index::VERSION as INDEX_VERSION;
pub(super) use lists::{decode, encode};
pub(super) use staging::NearStaging;
pub(super) use table::Near;

#[cfg(test)]
mod tests;
