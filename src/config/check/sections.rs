//! The tables that stand once, or that need not stand more often.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;

use super::Context;
use crate::config::kind::Value;
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::{
    Admin, Audit, Config, Credentials, Decode, Inspect, Limits, Log, Refusal, Runtime, SharedState,
    State, Switch, Upstream,
};
use crate::s3::{self, SurfaceError};

/// Longest path of a Unix socket, in bytes: `sun_path` has 108 with its end.
const SOCKET_MAX: usize = 107;
/// The name of the directory of parts where none is configured.
const PARTS_NAME: &str = "parts";
/// The socket's name where none is configured.
const SOCKET_NAME: &str = "admin.sock";

/// Half of a pair of credentials is a mistake, not a wish to have none.
pub(super) fn credentials(table: &Table, context: &mut Context<'_>) -> Option<Credentials> {
    let [key, file] = ["access_key", "secret_key_file"];
    match (table.text(key).is_empty(), table.text(file).is_empty()) {
        (true, true) => None,
        (false, false) => Some(Credentials {
            access_key: table.text(key).to_owned(),
            secret_key_file: context.readable_path(table, file),
        }),
        (false, true) => {
            context.contradiction(table, [key, file], "needs secret_key_file beside it");
            None
        }
        (true, false) => {
            context.contradiction(table, [file, key], "needs access_key beside it");
            None
        }
    }
}

pub(super) fn limits(table: &Table, context: &mut Context<'_>) -> Limits {
    for pair in [
        ["small_body_max", "capture_max"],
        ["capture_max", "capture_budget"],
        ["hold_back", "capture_max"],
    ] {
        context.ordered(table, pair, |key| table.size(key));
    }
    Limits {
        capture_max: table.size("capture_max"),
        small_body_max: table.size("small_body_max"),
        capture_budget: table.size("capture_budget"),
        hold_back: table.size("hold_back"),
        drain_bytes: table.size("drain_bytes"),
        drain_time: table.duration("drain_time"),
    }
}

pub(super) fn inspect(table: &Table, limits: &Table, context: &mut Context<'_>) -> Inspect {
    let (archive_max, budget) = (table.size("archive_max"), limits.size("capture_budget"));
    if table.is_given("archive_max") && archive_max > budget && limits.is_sound("capture_budget") {
        let (max, budget) = (table.value("archive_max"), limits.value("capture_budget"));
        let message = format!("{max} is more than limits.capture_budget ({budget})");
        context.fault(table, "archive_max", message);
    }
    Inspect {
        decoded_max: table.size("decoded_max"),
        decoded_ratio: table.count("decoded_ratio") as u64,
        magic_prefix: table.size("magic_prefix"),
        archives: table.word("archives"),
        documents: table.word("documents"),
        archive_max: archive_max.min(budget),
        unpacked_max: table.size("unpacked_max"),
        members_max: table.count("members_max"),
        dialects: dialects(table, context),
        swift_prefix: table.text("swift_prefix").to_owned(),
        domains: table.text("domains").to_owned(),
        host_buckets: table.text("host_buckets").to_owned(),
        bucket_aliases: table.text("bucket_aliases").to_owned(),
    }
}

fn dialects(table: &Table, context: &mut Context<'_>) -> s3::Surface {
    let prefix = Some(table.text("swift_prefix")).filter(|prefix| !prefix.is_empty());
    let words = |key| table.text(key).split_ascii_whitespace();
    let mut dialects = s3::Surface::default();
    let mut take = |key, with: Result<s3::Surface, SurfaceError>| match with {
        Ok(with) => with,
        Err(error) => {
            context.fault(table, key, error.to_string());
            s3::Surface::default()
        }
    };
    dialects = take("swift_prefix", dialects.with_swift_prefix(prefix));
    dialects = take("domains", dialects.with_domains(words("domains")));
    dialects = take("host_buckets", dialects.with_hosts(words("host_buckets")));
    take("bucket_aliases", dialects.with_aliases(words("bucket_aliases")))
}

pub(super) fn decode(table: &Table, context: &mut Context<'_>) -> Decode {
    context.ordered(table, ["time_limit", "upload_time_limit"], |key| table.duration(key));
    // Their rows bound them far below.
    let small = |key| u32::try_from(table.count(key)).unwrap_or(u32::MAX);
    Decode {
        workers: NonZeroUsize::new(table.count("workers")),
        memory_limit: table.size("memory_limit"),
        time_limit: table.duration("time_limit"),
        upload_time_limit: table.duration("upload_time_limit"),
        wait: table.duration("wait"),
        queue: table.count("queue"),
        max_pictures: table.count("max_pictures"),
        max_pixels: table.count("max_pixels") as u64,
        max_frames: small("max_frames"),
        max_scans: small("max_scans"),
    }
}

pub(super) fn audit(table: &Table, context: &mut Context<'_>) -> Audit {
    for retention in ["retention", "denials_retention"] {
        context.ordered(table, ["rotate_age", retention], |key| table.duration(key));
    }
    let (path, denials_path) = (context.path(table, "path"), context.path(table, "denials_path"));
    if path == denials_path {
        context.contradiction(table, ["denials_path", "path"], "is the file of audit.path too");
    }
    Audit {
        path,
        denials_path,
        passes: table.word("passes"),
        retention: table.duration("retention"),
        denials_retention: table.duration("denials_retention"),
        rotate_size: table.size("rotate_size"),
        rotate_age: table.duration("rotate_age"),
        queue: table.count("queue"),
    }
}

pub(super) fn refusal(table: &Table) -> Refusal {
    Refusal { contact: table.text("contact").to_owned() }
}

pub(super) fn admin(table: &Table, state: &State, context: &mut Context<'_>) -> Admin {
    let socket = match table.text("socket") {
        "" => state.directory.join(SOCKET_NAME),
        _ => context.path(table, "socket"),
    };
    if !fits_socket(&socket) && table.is_sound("socket") {
        let message = format!(
            "{} is too long for a socket, which may have {SOCKET_MAX} bytes",
            socket.display()
        );
        context.fault(table, "socket", message);
    }
    Admin { socket, address: address(table, "address") }
}

fn fits_socket(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_MAX
}

pub(super) fn state(table: &Table, upstreams: &[Upstream], context: &mut Context<'_>) -> State {
    let directory = context.path(table, "directory");
    let parts_directory = match table.text("parts_directory") {
        "" => directory.join(PARTS_NAME),
        _ => context.path(table, "parts_directory"),
    };
    State {
        directory,
        parts_directory,
        shared: shared_state(table, upstreams, context),
        spool_max: table.size("spool_max"),
        ttl: table.duration("ttl"),
        timeout: table.duration("timeout"),
        multipart_grace: table.duration("multipart_grace"),
        sync: table.word::<Switch>("sync").is_on(),
    }
}

fn shared_state(
    table: &Table,
    upstreams: &[Upstream],
    context: &mut Context<'_>,
) -> Option<SharedState> {
    let credentials = credentials(table, context);
    let bucket = table.text("bucket").to_owned();
    if bucket.is_empty() {
        return None;
    }
    if credentials.is_none() {
        context.contradiction(table, ["bucket", "access_key"], "needs access_key beside it");
    }
    let endpoint = match (table.text("endpoint"), upstreams) {
        ("", [upstream]) => upstream.endpoint.to_string(),
        ("", _) => {
            let message = "needs endpoint beside it, since there are several upstreams";
            context.contradiction(table, ["bucket", "endpoint"], message);
            String::new()
        }
        (url, _) if url.starts_with("http://") || url.starts_with("https://") => url.to_owned(),
        (_, _) => {
            context.fault(table, "endpoint", "must begin with http:// or https://");
            String::new()
        }
    };
    let region = table.text("region").to_owned();
    credentials.map(|credentials| SharedState { bucket, endpoint, region, credentials })
}

pub(super) fn log(table: &Table) -> Log {
    Log { format: table.word("format"), level: table.word("level") }
}

pub(super) fn runtime(table: &Table) -> Runtime {
    Runtime { workers: NonZeroUsize::new(table.count("workers")), digests: table.word("digests") }
}

/// The operator's address can't be a listener's too. Port 0 is a new port each time.
pub(super) fn addresses(raw: &Raw, config: &Config, context: &mut Context<'_>) {
    let admin = raw.one(Section::Admin);
    for (listener, table) in config.listeners.iter().zip(raw.all(Section::Listener)) {
        let same = config.admin.address == Some(listener.address);
        if same && listener.address.port() != 0 && table.is_sound("address") {
            if admin.is_given("address") {
                context.fault(admin, "address", "is the address of listener.address too");
            } else {
                context.fault(table, "address", "is the address of admin.address too");
            }
        }
    }
}

pub(super) fn address(table: &Table, key: &str) -> Option<SocketAddr> {
    match table.value(key) {
        Value::Address(address) => *address,
        other => table.mistaken(key, other),
    }
}
