//! `s3bouncer probe`: what a store really does with aborted and odd uploads, and which guard follows.
//!
//! Stores differ in what they make of an upload that ends too early, and a new version may differ
//! from the last. The gate rests on it: read [`judge`] for how.

mod answer;
mod attempt;
mod body;
mod case;
mod document;
mod framing;
mod judge;
mod outcome;
mod request;
mod run;
mod store;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod upload;
mod wire;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{ExitCode, Fault, Shown, Streams, ctl};
use crate::config::Endpoint;
use document::Document;
use judge::Advice;
use run::Found;
use target::Target;

/// The exit status of a process that was interrupted twice, as shells have it.
const INTERRUPTED: i32 = 130;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The configuration file, which says where the store is
    #[arg(long, value_name = "FILE", required_unless_present = "endpoint")]
    config: Option<PathBuf>,
    /// Which of the configuration's stores, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "endpoint")]
    upstream: Option<String>,
    /// The store, instead of the configuration's: http://host:port or https://host:port
    #[arg(long, value_name = "URL")]
    endpoint: Option<Endpoint>,
    /// Where to write; made, and removed again, if it is not there
    #[arg(long, value_name = "NAME", default_value = "s3bouncer-probe")]
    bucket: String,
    /// The access key [default: $S3BOUNCER_PROBE_ACCESS_KEY]
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// A file with the secret key [default: what $S3BOUNCER_PROBE_SECRET_KEY holds]
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
    /// The region to sign for
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// What an earlier run printed with --json: exit 1 if the store behaves otherwise now
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How long to wait for answers that may never come, and to watch idle connections
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = ctl::duration)]
    timeout: Duration,
}

/// Tries the store and tells.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let mut left_behind = Vec::new();
    let probed = probe(args, &mut left_behind);
    for left in &left_behind {
        streams.error(format_args!("left behind: {}", Shown(left)))?;
    }
    match probed {
        Ok(probed) => probed.tell(args.json, streams),
        Err(fault) => fault.end(streams),
    }
}

/// A probe that has come to its end.
struct Probed {
    target: Target,
    found: Found,
    advice: Advice,
    /// An earlier one's document.
    baseline: Option<Document>,
}

fn probe(args: &Args, left_behind: &mut Vec<String>) -> Result<Probed, Fault> {
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    let target = Target::read(args, |name| std::env::var(name).ok())?;
    let stop = stop_on_signal().map_err(|error| Fault::failed(format!("signals: {error}")))?;
    let found = run::run(&target, prefix()?, &stop, left_behind)
        .map_err(|error| Fault::failed(format!("{}: {error}", target.endpoint)))?;
    let advice = judge::advise(&found.findings);
    Ok(Probed { target, found, advice, baseline })
}

impl Probed {
    fn tell(&self, json: bool, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
        let Probed { target, found, advice, baseline } = self;
        let document = Document::new(target, found, advice);
        match json {
            true => {
                let text = serde_json::to_string_pretty(&document).map_err(io::Error::other)?;
                writeln!(streams.out, "{text}")?;
            }
            false => table::write(streams.out, target, found, advice)?,
        }
        let earlier = baseline.as_ref();
        let differences = earlier.map(|earlier| document.differences(earlier)).unwrap_or_default();
        for difference in &differences {
            streams.error(format_args!("differs: {}", Shown(difference)))?;
        }
        Ok(if differences.is_empty() { ExitCode::Success } else { ExitCode::Differs })
    }
}

fn read_baseline(path: &Path) -> Result<Document, Fault> {
    let text = fs::read_to_string(path).map_err(|error| Fault::io(path, &error))?;
    Document::read(&text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

/// What every key of this run begins with. Runs beside each other keep apart.
fn prefix() -> Result<String, Fault> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| Fault::failed(error.to_string()))?;
    Ok(format!("s3bouncer-probe-{:08x}-", u32::from_be_bytes(random)))
}

/// Set at the first Ctrl-C or SIGTERM, so that what was written is removed first. A second one ends
/// the process at once.
fn stop_on_signal() -> io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { super::run::Signals::new() })?;
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            signals.stop().await;
            set.store(true, Ordering::Relaxed);
            signals.stop().await;
        });
        std::process::exit(INTERRUPTED);
    });
    Ok(stop)
}
