//! Black-box tests.
mod support;
mod harness;
