//! Black-box tests: the program as its operator runs it, between a raw client and a recording raw
//! store. Each test names the invariant of the design that it proves.
//!
//! `harness` drives client and store without a gate between them: what is "direct" in "the same as
//! direct".

mod support;

mod admin;
mod archives;
mod audit;
mod bounds;
mod cli;
mod decode;
mod denial;
mod expect;
mod faults;
mod framing;
mod guards;
mod harness;
mod inside;
mod listeners;
mod lists;
mod memory;
mod multipart;
mod near;
mod probe;
mod proxies;
mod reload;
mod resign;
mod responses;
mod shadow;
mod smuggling;
mod tls;
mod transparency;
mod upstream;
