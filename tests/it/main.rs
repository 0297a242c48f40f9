//! Black-box tests.
#![allow(unused, dead_code)]
mod support;
mod harness;
mod transparency;
mod responses;
mod smuggling;
mod guards;
mod denial;
mod expect;
mod framing;
mod bounds;
mod faults;
mod lists;
mod reload;
mod audit;
mod shadow;
