//! The data path: from a client's request to its answer.
//!
//! [`service`] is where a request comes in; read it first.

pub mod answer;
mod assembly;
mod case;
mod committed;
mod copies;
mod ending;
mod exchange;
mod faults;
mod flow;
pub mod gate;
mod headers;
mod idle;
mod intake;
mod journal;
mod looking;
pub mod meters;
mod opening;
pub mod parts;
mod pictures;
pub mod record;
mod seal;
pub mod service;
mod signing;
pub mod stores;
#[cfg(test)]
mod tests;
mod upload;
