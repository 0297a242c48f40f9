//! Hash lists: sources are read into entries, entries are compiled into a snapshot, and a snapshot
//! answers whether a digest is on one of its lists, and whether a picture's hash is near one that is.
//!
//! ```text
//! source file --read_source--> Entry --Compiler--> snapshot file --Snapshot--> Hit
//! ```
//!
//! A list is hostile input. Every offset, length and count of a snapshot is checked before it is
//! used, every line of a source is taken whole or reported, and no input decides how much memory
//! is taken beyond its own size.
//!
//! Parsers and the compiler see only readers and writers; files are opened and mapped in
//! `snapshot/map.rs` alone, and nothing here logs, waits or looks at a clock. The file format is
//! described in `docs/list-format.md`.

mod canary;
mod entry;
mod hash;
mod size_guard;
mod snapshot;
mod source;

pub use canary::canary_image;
pub use entry::{Entry, EntryId, Label, LabelError};
pub use hash::{Hash, HashKind, ParseHashError, ParseKindError, Unfit};
pub use size_guard::{ImplausibleSize, check_size};
pub use snapshot::{
    CompileError, Compiler, Hit, Hits, ListInfo, ListKey, NearHit, NearInfo, NearKind, Part, Row,
    Snapshot, SnapshotError, compile, merge, verify_checksums,
};
pub use source::{
    CsvMap, LINE_BYTES_MAX, QUALITY_MIN, Reason, SourceError, SourceErrors, SourceFormat,
    SourceSummary, read_source,
};

pub use snapshot::check as check_snapshot;
pub use source::check as check_source;
