//! What else an upload contains: the byte strings that a store or a viewer would see in it.
//!
//! An upload is judged by its bytes. A browser undoes a content coding first; a store unpacks an
//! archive; a viewer starts at a picture's first byte wherever it is, and stops at its end. Each of
//! these is a *view*: a byte string of its own, to be hashed like the upload itself.
//!
//! [`views`] gives those of a body that is there as a whole. For a body that streams there are the
//! pieces that need no whole: [`Decoder`] for content codings, [`ArchiveStream`] for tar archives
//! and compressed files, [`Search`] for where pictures begin.
//!
//! Everything is hostile input. Nothing panics, nothing takes more memory or gives more bytes than
//! [`Limits`] allow, nothing is skipped in silence: [`Gaps`] say why there may be more.

mod archive;
mod blocks;
mod codec;
mod coding;
mod documents;
mod embedded;
mod limits;
#[doc(hidden)]
pub mod recorder;
#[cfg(test)]
mod tests;
mod view;
mod views;
mod walk;

pub use archive::ArchiveStream;
pub use codec::{CodingError, Piece, ZSTD_WINDOW_MAX_BYTES};
pub use coding::{Coding, Decoder};
pub use embedded::{Candidate, Search, extent, naive_search};
pub use limits::{Limits, Options};
pub use view::{Gaps, Incomplete, Kind, Origin, Sink};
pub use views::views;

use views::look;
