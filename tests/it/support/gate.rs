//! The gate as its operator has it: a process, its files and its doors.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::client::{Answer, Client};
use super::http::find;
use super::program::{Process, Ran, s3bouncer};
use super::request::Request;
use super::setup::{Addresses, List, Setup};
use super::until;

/// How often a gate whose port was taken by somebody else is tried elsewhere.
const START_TRIES: usize = 5;

/// A running gate. Dropping it kills the process.
pub struct Gate {
    process: Process,
    addresses: Addresses,
    config: PathBuf,
    directory: TempDir,
}

/// What is left of a gate that ended by itself.
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Every audit record that it kept.
    pub records: Vec<Value>,
    /// Every record of a denial or would-be denial that it kept.
    pub denials: Vec<Value>,
    /// What it logged.
    pub log: String,
    _directory: TempDir,
}

impl Gate {
    /// Starts a gate and waits until its admin address says 200 to `page`.
    #[track_caller]
    pub fn start(setup: Setup, page: &str) -> Self {
        for _ in 0..START_TRIES {
            let addresses = Addresses::free();
            let config = setup.write(&addresses);
            let mut process = spawn(&config);
            if serves(&mut process, addresses.admin, page) {
                let directory = setup.into_directory();
                return Gate { process, addresses, config, directory };
            }
        }
        panic!("the gate does not start:\n{}", log_of(&setup.directory()));
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.addresses.listener
    }

    /// A new connection of a client.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn exchange(&self, request: &Request) -> Answer {
        self.client().exchange(request)
    }

    /// A page of the admin address.
    #[track_caller]
    pub fn admin(&self, request: &Request) -> Answer {
        Client::connect(self.addresses.admin).exchange(request)
    }

    /// The status of an admin page.
    #[track_caller]
    pub fn page_status(&self, page: &str) -> u16 {
        self.admin(&Request::get(page)).status()
    }

    /// A metric's value by name and labels, as they stand in its line.
    #[track_caller]
    pub fn metric(&self, line: &str) -> Option<f64> {
        let metrics = self.admin(&Request::get("/metrics")).text();
        let value = |text: &str| text.strip_prefix(line)?.strip_prefix(' ')?.parse().ok();
        metrics.lines().find_map(value)
    }

    /// Waits until a metric has a value.
    #[track_caller]
    pub fn await_metric(&self, line: &str, value: f64) {
        until(&format!("{line} {value}"), || {
            self.metric(line).filter(|now| *now == value).map(|_| ())
        });
    }

    /// The gate's directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The socket for acts, where it is by default.
    pub fn socket(&self) -> PathBuf {
        self.directory().join("state/admin.sock")
    }

    /// Runs `s3bouncer ctl` for this gate.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> Ran {
        let socket = self.socket();
        let socket = socket.to_str().expect("a path that is text");
        s3bouncer(["ctl", "--socket", socket].iter().chain(arguments))
    }

    /// Writes a list's file anew; the gate is not told.
    pub fn rewrite_list(&self, name: &str, text: &str) {
        fs::write(self.directory().join(List::file(name)), text).expect("a file can be written");
    }

    /// The audit records of uploads, once there are so many.
    #[track_caller]
    pub fn records(&self, count: usize) -> Vec<Value> {
        self.lines("audit.jsonl", count, is_upload)
    }

    /// What operators did, as the audit file tells it, once there is so much.
    #[track_caller]
    pub fn acts(&self, count: usize) -> Vec<Value> {
        self.lines("audit.jsonl", count, |line| !is_upload(line))
    }

    /// The only audit record there is so far.
    #[track_caller]
    pub fn record(&self) -> Value {
        let mut records = self.records(1);
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// The records in the file for denials, once there are so many.
    #[track_caller]
    pub fn denials(&self, count: usize) -> Vec<Value> {
        self.lines("denials.jsonl", count, is_upload)
    }

    #[track_caller]
    fn lines(&self, file: &str, count: usize, wanted: fn(&Value) -> bool) -> Vec<Value> {
        until(&format!("{count} lines of {file}"), || {
            Some(json_lines(&self.directory().join(file), wanted)).filter(|l| l.len() >= count)
        })
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        log_of(self.directory())
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.process.0.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(status.success(), "the gate can be signalled");
    }

    /// Resident memory in bytes, and the most it has ever been.
    pub fn memory(&self) -> (u64, u64) {
        let status = format!("/proc/{}/status", self.process.0.id());
        let text = fs::read_to_string(status).expect("the gate runs");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
            kib.and_then(|kib| kib.parse::<u64>().ok()).expect("a figure") * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        let status = until("the gate's end", || self.process.0.try_wait().expect("a child"));
        let (mut this, directory) = (self, tempfile::tempdir().expect("a directory can be made"));
        let directory = std::mem::replace(&mut this.directory, directory);
        let records = json_lines(&directory.path().join("audit.jsonl"), is_upload);
        let denials = json_lines(&directory.path().join("denials.jsonl"), is_upload);
        let log = log_of(directory.path());
        Ended { status, records, denials, log, _directory: directory }
    }

    /// Ends the gate in order. It may not have met a bug, and what it kept is all there.
    #[track_caller]
    pub fn stop(self) -> Ended {
        assert_eq!(self.metric("s3bouncer_panics_total"), Some(0.0), "no bug was met");
        self.signal("TERM");
        let ended = self.ended();
        assert!(ended.status.success(), "{:?}", ended.status);
        ended
    }

    /// Kills the process without a warning and starts another one with the same files.
    #[track_caller]
    pub fn crash_and_restart(mut self, page: &str) -> Self {
        // Only one at a time can have the port.
        self.process.0.kill().expect("the gate can be killed");
        self.process.0.wait().expect("a child");
        self.process = spawn(&self.config);
        assert!(serves(&mut self.process, self.addresses.admin, page), "it starts again");
        self
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the gate's log:\n{}", log_of(self.directory()));
        }
    }
}

impl Ended {
    /// The only record there is.
    #[track_caller]
    pub fn record(&self) -> &Value {
        assert_eq!(self.records.len(), 1, "{:?}", self.records);
        &self.records[0]
    }
}

fn spawn(config: &Path) -> Process {
    let directory = config.parent().expect("a file lies in a directory");
    let log = File::options().create(true).append(true).open(directory.join("log.txt"));
    let log = log.expect("a file can be made");
    let child = Command::new(env!("CARGO_BIN_EXE_s3bouncer"))
        .args(["run", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn();
    Process(child.expect("the program runs"))
}

/// Waits until the admin address says 200 to `page`; not if the process ends instead.
fn serves(process: &mut Process, admin: SocketAddr, page: &str) -> bool {
    until("the gate's start", || {
        if process.0.try_wait().expect("a child").is_some() {
            return Some(false);
        }
        let stream = TcpStream::connect(admin).ok()?;
        let answer = Client::on(stream).exchange(&Request::get(page));
        (answer.status() == 200).then_some(true)
    })
}

fn log_of(directory: &Path) -> String {
    fs::read_to_string(directory.join("log.txt")).unwrap_or_default()
}

/// Whether a line of an audit file is about an upload, not about an act of an operator.
fn is_upload(line: &Value) -> bool {
    line.get("act").is_none()
}

/// The whole lines of a file that are wanted, as JSON.
fn json_lines(path: &Path, wanted: fn(&Value) -> bool) -> Vec<Value> {
    let bytes = fs::read(path).unwrap_or_default();
    let mut lines = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(end) = find(rest, b"\n") {
        lines.push(serde_json::from_slice(&rest[..end]).expect("a line is JSON"));
        rest = &rest[end + 1..];
    }
    lines.retain(wanted);
    lines
}
