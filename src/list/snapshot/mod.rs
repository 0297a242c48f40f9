//! The snapshot: one immutable file with all that a lookup needs.
//!
//! `format` knows where things stand in the file, `compile` writes it, `reader` answers from it,
//! `verify` reads every byte of it. `docs/list-format.md` has the diagrams.

mod check;
mod compile;
mod error;
mod filter;
mod format;
mod hints;
mod lists;
mod map;
mod measure;
mod near;
mod reader;
mod reference;
mod staging;
mod table;
mod verify;

pub use check::check;
pub use compile::{CompileError, Compiler, ListKey, Part, compile, merge};
pub use error::SnapshotError;
pub use lists::ListInfo;
pub use near::{NearHit, NearInfo, NearKind};
pub use reader::{Hit, Hits, Row, Snapshot};
pub use verify::verify_checksums;
