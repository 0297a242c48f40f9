//! The gate's own requests to S3, with credentials of its own: never a client's.
//!
//! ```text
//! Account      where, and who we are there; checked before anything is sent
//! Transport    HTTP/1.1 over hyper and rustls, which object_store's S3 client speaks through too
//! OwnAccess    head, read (of a range, of a version) and abort_multipart at the upstream store
//! ```
//!
//! [`OwnAccess`] signs with object_store's signer but does not go through its `AmazonS3`: the keys of
//! the store's users are theirs, and `object_store::path::Path` can't name all of them (`a//b`, `/a`).
//!
//! Not part of `state`: what the gate keeps and whom it may ask are different things, and the state
//! bucket may well be on another store, with another account.

mod access;
mod account;
mod transport;

#[cfg(all(test, feature = "demo"))]
pub(crate) mod testing;
#[cfg(all(test, feature = "demo"))]
mod tests;

pub use access::{AccessError, Download, ObjectFacts, ObjectName, OwnAccess};
pub use account::{Account, AccountError};
pub use transport::Transport;
