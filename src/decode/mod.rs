//! Images are decoded in processes of their own.
//!
//! Decoders are other people's code on hostile bytes. They run in workers: children of the gate, of
//! the same program, with an empty environment, no files but three pipes, and limits in memory and
//! time that the kernel keeps. A worker sees one image after another and never a list. Whatever it
//! does (crash, hang, lie) costs the one image that it had; a new one takes its place.
//!
//! [`Pool`] is the gate's side: [`Pool::look`] is [`image::look()`](crate::image::look()) with a hard
//! end. [`serve`] is the worker's. What they say to each other stands in [`wire`].

mod keeper;
mod meters;
mod pool;
mod process;
#[doc(hidden)]
pub mod wire;
mod worker;

pub use keeper::Launch;
pub use meters::{Ending, EndingLabel, Meters};
pub use pool::{Busy, Pool};
pub use worker::{WORKER_COMMAND, serve};

use std::time::Duration;

use crate::image::Limits;

/// What looking at one image may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What decoders keep to. [`Limits::memory`] also bounds the worker as a whole: beside the image
    /// and [what it takes itself](wire::OWN_MEMORY_BYTES) it gets so much and no more.
    pub limits: Limits,
    /// Time for one image in a worker. Decoders are asked to stop a little earlier, so that what they
    /// have seen by then is known; a worker that goes on is killed.
    pub time: Duration,
    /// How long an image may wait for a worker.
    pub wait: Duration,
    /// Images that may wait at a time.
    pub queue: usize,
}
