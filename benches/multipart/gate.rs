//! A gate as a process of its own, and the store behind it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A gate under measurement. Ends, and its folder with it, when dropped.
pub struct Gate {
    pub address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Gate {
    /// The gate as built for benches, with a made-up list for each digest, and with more of a
    /// configuration: lines of `[state]`, and of the only `[[bucket]]` with all that stands below it.
    pub fn start(store: SocketAddr, state: &str, bucket: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let address = free_address();
        let mut configuration = format!(
            "[listener]\naddress = \"{address}\"\n[upstream]\nendpoint = \"http://{store}\"\n\
             [admin]\naddress = \"\"\n[log]\nlevel = \"error\"\n[runtime]\nworkers = 1\n\
             [state]\n{state}\n"
        );
        for (kind, digits) in [("md5", 32), ("sha1", 40), ("sha256", 64)] {
            let line = format!("{}\n", "ab".repeat(digits / 2));
            fs::write(folder.path().join(kind), line).expect("the folder is writable");
            configuration += &format!(
                "[[list]]\nname = \"{kind}\"\nsource = \"{kind}\"\nformat = \"plain\"\n\
                 hash = \"{kind}\"\npolarity = \"block\"\nmode = \"enforce\"\n"
            );
        }
        configuration += &format!("[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\n{bucket}\n");
        let path = folder.path().join("gate.toml");
        fs::write(&path, configuration).expect("the folder is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3bouncer"));
        command.args(["run", "--config"]).arg(path).stdin(Stdio::null());
        let process = command.spawn().expect("the gate starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the gate does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Gate { address, process, folder }
    }

    /// CPU time of all its threads, those that have ended included, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&format!("/proc/{}/stat", self.process.id()))
    }

    /// The most memory that it has had resident, in MiB.
    pub fn peak_mib(&self) -> u64 {
        peak_kib(self.process.id()) >> 10
    }

    /// The most memory that those processes have had resident which decode for it now, in MiB.
    pub fn workers_peak_mib(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id()));
        let tasks = tasks.into_iter().flatten().flatten();
        let children: String = tasks
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .collect();
        let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        pids.map(peak_kib).sum::<u64>() >> 10
    }

    /// Its audit records so far, one a line.
    pub fn records(&self) -> String {
        fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap_or_default()
    }
}

/// CPU time of a process, kernel included, to a hundredth of a second: proc(5), `stat`.
pub fn cpu_seconds(stat: &str) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(stat).unwrap_or_default();
    let behind_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields = behind_name.split(' ').skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// 0 of a process that has ended.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address")
}

/// A store that takes everything and keeps nothing. Serves until the process ends.
pub fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || swallow(stream));
        }
    });
    address
}

fn swallow(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::with_capacity(128 << 10, stream);
    while let Some(head) = read_head(&mut requests) {
        if skip(&mut requests, head.length).is_none() {
            return;
        }
        let body = match head.first.starts_with("POST") {
            true => {
                "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>"
            }
            false => "",
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"x\"\r\n\r\n");
        if answers.write_all((answer + body).as_bytes()).is_err() {
            return;
        }
    }
}

struct Head {
    first: String,
    length: usize,
}

fn read_head(input: &mut impl BufRead) -> Option<Head> {
    let (mut first, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some(Head { first, length });
        }
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            Some(_) => {}
            None => first = line.to_owned(),
        }
    }
}

fn skip(input: &mut impl BufRead, mut length: usize) -> Option<()> {
    while length > 0 {
        let there = input.fill_buf().ok()?.len().min(length);
        if there == 0 {
            return None;
        }
        input.consume(there);
        length -= there;
    }
    Some(())
}

/// A client's connection to a gate.
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Client { address, connection: None }
    }

    /// One request; the status of its answer, or 0 if the connection ended without one. A gate that
    /// refuses a body may close the connection: then the next request has another.
    pub fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> u16 {
        let address = self.address;
        let connection = self.connection.get_or_insert_with(|| {
            let stream = TcpStream::connect(address).expect("the gate accepts");
            stream.set_nodelay(true).expect("a socket");
            BufReader::with_capacity(4 << 10, stream)
        });
        let answered = exchange(connection, &request(method, target, address, body.len()), body);
        if !matches!(answered, Some((_, false))) {
            self.connection = None;
        }
        answered.map_or(0, |(status, _)| status)
    }
}

fn request(method: &str, target: &str, host: SocketAddr, length: usize) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
         x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={:064}\r\n\r\n",
        0
    )
}

/// The answer's status, and whether the connection ends with it.
fn exchange(connection: &mut BufReader<TcpStream>, head: &str, body: &[u8]) -> Option<(u16, bool)> {
    connection.get_mut().write_all(head.as_bytes()).ok()?;
    // A refusal may come while the body is still going out.
    let sent = connection.get_mut().write_all(body);
    let mut closes = sent.is_err();
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(' ') {
            None if line.is_empty() => break,
            Some(("connection:", "close")) => closes = true,
            Some(("content-length:", value)) => length = value.trim().parse().ok()?,
            Some(("http/1.1", rest)) => status = rest.get(..3)?.parse().ok()?,
            Some(_) | None => {}
        }
    }
    let mut rest = vec![0; length];
    connection.read_exact(&mut rest).ok()?;
    Some((status, closes))
}
