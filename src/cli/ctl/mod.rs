//! `s3bouncer ctl`: what operators ask of a running gate, over its Unix socket.

mod client;
mod order;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::{ExitCode, Fault, Shown, Streams};
use crate::ops::bypass::parse_date;
use crate::ops::node::read_config;
use client::call;

/// Where a gate listens that was installed as a service.
const SOCKET: &str = "/run/s3bouncer/admin.sock";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The gate's socket [default: /run/s3bouncer/admin.sock]
    #[arg(long, value_name = "PATH", global = true, conflicts_with = "config")]
    socket: Option<PathBuf>,
    /// The gate's configuration, which says where the socket is
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    act: Act,
}

/// What to ask.
#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
enum Act {
    /// Show how the gate stands
    Status,
    /// Read configuration and lists again
    Reload {
        /// Take this list's new version even if it is far smaller or larger; may come many times
        #[arg(long, value_name = "LIST")]
        accept: Vec<String>,
    },
    /// Accept no more connections, and end when those under way have ended
    Drain,
    /// Refuse nothing for a while, only record
    Observe {
        /// For how long, such as 90s, 30m, 12h or 7d
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        lasts: Duration,
        /// Why; it goes to the audit
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only for hits of this list
        #[arg(long, value_name = "LIST", conflicts_with = "bucket")]
        list: Option<String>,
        /// Only for uploads to this bucket
        #[arg(long, value_name = "BUCKET")]
        bucket: Option<String>,
    },
    /// Let one entry of a list refuse nothing until a date
    Disable {
        /// The list, a slash, and the entry's id
        #[arg(value_name = "LIST/ENTRY", value_parser = entry)]
        entry: EntryName,
        /// Why; it goes to the audit
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Until when: 2027-01-31 (its first moment in UTC) or 2027-01-31T12:00:00Z
        #[arg(long, value_name = "DATE", value_parser = date)]
        expires: String,
    },
}

/// An entry as `explain` and audit records name it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EntryName {
    list: String,
    entry: String,
}

/// Asks, and tells the answer.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let socket = match args.socket() {
        Ok(socket) => socket,
        Err(fault) => return fault.end(streams),
    };
    match call(&socket, &args.act.order()) {
        Ok((status, body)) => tell(&args.act, status, &body, streams),
        Err(error) => {
            streams.error(format_args!("{}: {error}", socket.display()))?;
            Ok(ExitCode::Failure)
        }
    }
}

impl Args {
    fn socket(&self) -> Result<PathBuf, Fault> {
        match (&self.socket, &self.config) {
            (Some(socket), _) => Ok(socket.clone()),
            (None, None) => Ok(PathBuf::from(SOCKET)),
            (None, Some(config)) => match read_config(config) {
                Ok(config) => Ok(config.admin.socket),
                Err(error) => Err(Fault::usage(error.to_string())),
            },
        }
    }
}

fn tell(
    act: &Act,
    status: StatusCode,
    body: &[u8],
    streams: &mut Streams<'_>,
) -> io::Result<ExitCode> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        streams.error(format_args!("the gate answered {status}, and no JSON"))?;
        return Ok(ExitCode::Failure);
    };
    if status != StatusCode::OK {
        for error in errors(&answer, status) {
            streams.error(Shown(error))?;
        }
        return Ok(ExitCode::Failure);
    }
    match act {
        Act::Status => writeln!(streams.out, "{answer:#}")?,
        Act::Reload { .. } => writeln!(streams.out, "reloaded")?,
        Act::Drain => writeln!(streams.out, "draining")?,
        Act::Observe { .. } => {
            writeln!(streams.out, "only observing until {}", until(&answer, "observe"))?;
        }
        Act::Disable { entry, .. } => {
            let (list, id) = (Shown(&entry.list), Shown(&entry.entry));
            writeln!(streams.out, "{list}/{id} disabled until {}", until(&answer, "disabled"))?;
        }
    }
    Ok(ExitCode::Success)
}

/// What the gate says went wrong.
fn errors(answer: &Value, status: StatusCode) -> Vec<String> {
    let several = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
    let mut errors: Vec<String> = several
        .chain(answer.get("error"))
        .filter_map(Value::as_str)
        .flat_map(|error| error.lines().map(str::to_owned))
        .collect();
    if errors.is_empty() {
        errors.push(format!("the gate answered {status}"));
    }
    errors
}

fn until<'a>(answer: &'a Value, act: &str) -> Shown<&'a str> {
    Shown(answer[act]["until"].as_str().unwrap_or("it ends by itself"))
}

/// A whole number of seconds, minutes, hours or days.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let seconds = units.into_iter().find_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(factor)
    });
    match seconds {
        Some(seconds) if seconds > 0 && !text.starts_with('+') => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err("a number and s, m, h or d, such as 30m".to_owned()),
    }
}

/// The gate reads it again; a mistake is told before anything is sent.
fn date(text: &str) -> Result<String, String> {
    parse_date(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Names of lists hold no slash; ids of entries may.
fn entry(text: &str) -> Result<EntryName, String> {
    match text.split_once('/') {
        Some((list, entry)) if !list.is_empty() && !entry.is_empty() => {
            Ok(EntryName { list: list.to_owned(), entry: entry.to_owned() })
        }
        Some(_) | None => Err("a list, a slash and an entry, such as police/e-0123456789ab".into()),
    }
}

#[cfg(test)]
mod tests;
