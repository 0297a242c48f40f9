//! The program's other commands.

use std::ffi::OsStr;
use std::process::{Command, Output};

use serde_json::Value;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub status: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Ran {
    /// Each line that it printed, as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        self.out.lines().map(parse).collect()
    }

    /// Fails unless it ended with this status.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Runs a command of the program to its end.
#[track_caller]
pub fn s3bouncer<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3bouncer"));
    let Output { status, stdout, stderr } =
        command.args(arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    Ran { status: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}
