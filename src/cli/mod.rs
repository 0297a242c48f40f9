//! tmp
pub mod run;
/// x
#[derive(Debug,Clone,Copy)]
pub enum ExitCode { /// a
Success, /// b
Usage, /// c
Failure }
#[cfg(feature = "demo")]
pub mod demo;
