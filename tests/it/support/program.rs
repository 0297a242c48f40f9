//! The program's other commands.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::{PATIENCE, until_within};

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

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command of the program to its end.
#[track_caller]
pub fn s3bouncer<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    s3bouncer_within(PATIENCE, arguments)
}

/// As [`s3bouncer`], of a command that takes its time.
#[track_caller]
pub fn s3bouncer_within<S: AsRef<OsStr>>(
    patience: Duration,
    arguments: impl IntoIterator<Item = S>,
) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3bouncer"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process(command.spawn().expect("the program runs"));
    let out = reading(process.0.stdout.take().expect("a pipe"));
    let err = reading(process.0.stderr.take().expect("a pipe"));
    let status =
        until_within(patience, "a command's end", || process.0.try_wait().expect("a child"));
    let text = |pipe: JoinHandle<String>| pipe.join().expect("the program prints UTF-8");
    Ran { status: status.code().unwrap_or(-1), out: text(out), err: text(err) }
}

fn reading(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("UTF-8");
        text
    })
}
