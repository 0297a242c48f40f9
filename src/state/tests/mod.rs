//! The state as its users see it, on each backend, from one process and from several.

mod backends;
#[cfg(feature = "demo")]
mod bucket;
mod faults;
mod interleavings;
