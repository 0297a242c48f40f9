//! What operators see and do: lists on disk, audit, metrics, log, acts that weaken the gate for a
//! while, and the doors they come in by.

pub mod admin;
pub mod audit;
pub mod bypass;
pub mod credentials;
mod entrances;
pub mod lists;
pub mod log;
pub mod metrics;
pub mod node;
pub mod parts;
pub mod stores;
