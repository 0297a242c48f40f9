//! s3bouncer: a gate in front of S3-compatible object storage.
//!
//! Bytes pass untouched, a view of them is inspected on the way, and a body on the list never
//! becomes an object. The rooms, from the pure ones up; each imports only from those above it:
//!
//! | room | what happens there |
//! |---|---|
//! | [`digest`] | digest values, and one pass over the bytes that computes several |
//! | [`image`] | what a body's first bytes show, image facts, PDQ |
//! | [`framing`] | aws-chunked undone as a view, in spans |
//! | [`unpack`] | what else a body contains: decoded, in archives, in other bytes |
//! | [`s3`] | what a head says, and how S3 says no |
//! | [`list`] | hash lists: sources, snapshot file, lookups |
//! | [`inspect`] | a body on its way: digests, and what may go out before the verdict |
//! | [`policy`] | modes, rules, the verdict |
//! | [`config`] | one table of options |
//! | [`net`] | sockets, TLS, the store's connections, the body that only a verdict ends |
//! | [`decode`] | images decoded, in processes that may die |
//! | [`own_access`] | the gate's own requests to S3, with its own credentials |
//! | [`state`] | what gates keep of multipart uploads under way |
//! | [`proxy`] | one request, from its head to its answer |
//! | [`ops`] | lists on disk, audit, metrics, log, the operator's doors |
//! | [`cli`] | the commands |

pub mod cli;
pub mod config;
pub mod decode;
pub mod digest;
pub mod framing;
pub mod image;
pub mod inspect;
pub mod list;
pub mod net;
pub mod ops;
pub mod own_access;
pub mod policy;
pub mod proxy;
pub mod s3;
pub mod state;
pub mod unpack;
