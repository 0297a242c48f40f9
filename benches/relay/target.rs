//! The processes under measurement.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::certificate::Certificate;
use crate::forwarder;
use crate::load::Sink;

/// A proxy in front of the sink. Ends, and its folder with it, when dropped.
pub struct Target {
    pub name: &'static str,
    pub address: SocketAddr,
    /// How clients speak TLS with it, where they do.
    pub trusting: Option<Arc<ClientConfig>>,
    process: Child,
    folder: PathBuf,
}

impl Target {
    /// nginx from PATH: one worker, bodies streamed, connections to the sink kept.
    pub fn nginx(sink: &Sink, tls: Option<&Certificate>) -> Self {
        let (folder, address) = (folder(), free_address());
        let (ssl, files) = match tls {
            Some(tls) => (
                " ssl",
                format!(
                    "ssl_certificate {}; ssl_certificate_key {}; ssl_protocols TLSv1.2 TLSv1.3;",
                    tls.chain.display(),
                    tls.key.display()
                ),
            ),
            None => ("", String::new()),
        };
        let configuration = format!(
            "worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/error.log;
             events {{ worker_connections 4096; }}
             http {{ access_log {dir}/access.log; client_max_body_size 0; keepalive_requests 1000000;
               client_body_buffer_size 256k; client_body_temp_path {dir}/body;
               proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
               scgi_temp_path {dir}/s;
               upstream sink {{ server {sink}; keepalive 64; keepalive_requests 1000000; }}
               server {{ listen {address}{ssl}; {files}
                 location / {{ proxy_pass http://sink; proxy_http_version 1.1;
                   proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
                   proxy_request_buffering off; }} }} }}",
            dir = folder.display(),
            sink = sink.address
        );
        fs::write(folder.join("nginx.conf"), configuration).expect("the folder is writable");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).arg("-c").arg(folder.join("nginx.conf"));
        Target::start("nginx", address, folder, command).trusting(tls)
    }

    /// The gate as built for benches, or as `S3BOUNCER_BIN` names it, with made-up lists of these
    /// kinds.
    pub fn gate(
        sink: &Sink,
        name: &'static str,
        kinds: &[&str],
        digests: &str,
        tls: Option<&Certificate>,
    ) -> Self {
        let (folder, address) = (folder(), free_address());
        let files =
            tls.map(|tls| format!("tls_certificate = {:?}\ntls_key = {:?}\n", tls.chain, tls.key));
        let mut configuration = format!(
            "[listener]\naddress = \"{address}\"\n{}[upstream]\nendpoint = \"http://{}\"\n\
             [admin]\naddress = \"\"\n[log]\nlevel = \"error\"\n\
             [runtime]\nworkers = 1\ndigests = \"{digests}\"\n",
            files.unwrap_or_default(),
            sink.address
        );
        for kind in kinds {
            let digits = match *kind {
                "md5" => 32,
                "sha1" => 40,
                _ => 64,
            };
            let line = format!("{}\n", "ab".repeat(digits / 2));
            fs::write(folder.join(kind), line).expect("the folder is writable");
            configuration += &format!(
                "[[list]]\nname = \"{kind}\"\nsource = \"{kind}\"\nformat = \"plain\"\n\
                 hash = \"{kind}\"\npolarity = \"block\"\nmode = \"enforce\"\n"
            );
        }
        configuration += "[[bucket]]\nmatch = \"*\"\nmode = \"enforce\"\n";
        let path = folder.join("gate.toml");
        fs::write(&path, configuration).expect("the folder is writable");
        let other = std::env::var_os("S3BOUNCER_BIN");
        let mut command =
            Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_s3bouncer").into()));
        command.args(["run", "--config"]).arg(path);
        Target::start(name, address, folder, command).trusting(tls)
    }

    /// A forwarder that is hyper and nothing else.
    pub fn bare_hyper(sink: &Sink) -> Self {
        let (folder, address) = (folder(), free_address());
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let (listens, store) = (address.to_string(), sink.address.to_string());
        command.args([forwarder::COMMAND, &listens, &store]);
        Target::start("bare hyper", address, folder, command)
    }

    fn trusting(mut self, tls: Option<&Certificate>) -> Self {
        self.trusting = tls.map(|tls| tls.trusting.clone());
        self
    }

    fn start(
        name: &'static str,
        address: SocketAddr,
        folder: PathBuf,
        mut command: Command,
    ) -> Self {
        let process = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} can't be started (is it installed?): {error}"));
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Target { name, address, trusting: None, process, folder }
    }

    /// CPU time of the process, its children and all their threads, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.pids().into_iter().flat_map(threads).map(run_time_ns).sum()
    }

    /// The most memory that the process has had resident, in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that the process has resident, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// nginx's worker is a child of its master.
    fn pids(&self) -> Vec<u32> {
        let own = self.process.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(own).chain(children).collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        for pid in self.pids().into_iter().rev() {
            let _ = Command::new("kill").arg(pid.to_string()).status();
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn threads(pid: u32) -> Vec<PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks.into_iter().flatten().flatten().map(|task| task.path()).collect()
}

/// The first field of schedstat: time on a CPU in nanoseconds.
fn run_time_ns(task: PathBuf) -> u64 {
    let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address")
}

/// A new folder.
pub fn folder() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let unique = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(format!("s3bouncer-relay-{unique}"));
    fs::create_dir_all(&path).expect("the temporary folder is writable");
    path
}
