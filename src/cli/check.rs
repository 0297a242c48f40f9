//! `s3bouncer check`: all that running would do with a configuration, except to serve.

mod stated;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{ExitCode, Fault, Shown, Streams};
use crate::config::{Config, ConfigError, List, Listener, Signing};
use crate::list::{Compiler, merge};
use crate::net::{tls, upstream};
use crate::ops::credentials::{self, CredentialsFault};
use crate::ops::lists::{ListError, add_source, open_source, source_format};
use stated::Stated;

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Reports every error of a configuration and of the files that it names, one a line.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let text = match fs::read_to_string(&args.config) {
        Ok(text) => text,
        // Whatever is wrong with it: what was named is no configuration.
        Err(error) => {
            let text = format!("{}: {error}", args.config.display());
            return Fault::usage(text).end(streams);
        }
    };
    let faults = faults(&text, args.config.parent().unwrap_or(Path::new("")));
    for fault in &faults {
        writeln!(streams.err, "{}", Shown(fault))?;
    }
    if faults.is_empty() {
        writeln!(streams.out, "{}: OK", args.config.display())?;
        return Ok(ExitCode::Success);
    }
    Ok(ExitCode::Usage)
}

/// Every error, by line; those of one source in the order of its lines.
fn faults(text: &str, base: &Path) -> Vec<ConfigError> {
    let stated = Stated::read(text);
    let (mut faults, of_files) = match Config::parse_with_files(text, base, readable) {
        Ok(config) => {
            let lists = config.lists.iter().enumerate();
            let faults = lists.flat_map(|(i, list)| list_faults(list, stated.source_line(i)));
            (
                Vec::new(),
                faults
                    .chain(tls_faults(&config, &stated))
                    .chain(store_faults(&config, &stated))
                    .collect(),
            )
        }
        Err(errors) => {
            let lists = stated.lists(base).into_iter();
            let faults = lists.flat_map(|(i, list)| list_faults(&list, stated.source_line(i)));
            (errors.iter().cloned().collect(), faults.collect::<Vec<_>>())
        }
    };
    // A file that is not there is found missing twice.
    let new = of_files.into_iter().filter(|fault| !faults.contains(fault)).collect::<Vec<_>>();
    faults.extend(new);
    faults.sort_by_key(|fault| fault.line);
    faults
}

fn readable(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    File::open(path).map(drop)
}

/// What is wrong with a list's source.
fn list_faults(list: &List, line: usize) -> Vec<ConfigError> {
    let messages = match load(list) {
        Ok(()) => Vec::new(),
        Err(ListError::Source(path, errors)) => {
            let path = path.display();
            let mut messages: Vec<String> =
                errors.errors.iter().map(|error| format!("{path}: {error}")).collect();
            if errors.more > 0 {
                messages.push(format!("{path}: and {} more", errors.more));
            }
            messages
        }
        Err(error) => vec![error.to_string()],
    };
    let key = "list.source";
    messages.into_iter().map(|message| ConfigError { line, key: key.to_owned(), message }).collect()
}

/// Reads, compiles and checks a list as the gate does before the list serves.
fn load(list: &List) -> Result<(), ListError> {
    let source = &list.source;
    let at = |error| ListError::File(source.clone(), error);
    readable(source).map_err(at)?;
    match source_format(&list.format) {
        Some(format) => {
            let mut compiler = Compiler::default();
            let file = File::open(source).map_err(at)?;
            add_source(&mut compiler, list, &format, file)?;
            Ok(compiler.write(&mut io::sink())?)
        }
        None => {
            let snapshot = open_source(list, source)?;
            Ok(merge(&[(list.name.as_str(), &snapshot)], &mut io::sink())?)
        }
    }
}

fn tls_faults(config: &Config, stated: &Stated<'_>) -> Vec<ConfigError> {
    let fault = |(index, listener): (usize, &Listener)| {
        let tls = listener.tls.as_ref()?;
        let error = tls::Tls::read(tls).err()?;
        Some(ConfigError {
            line: stated.line_of("listener", index, "tls_certificate"),
            key: "listener.tls_certificate".to_owned(),
            message: error.to_string(),
        })
    };
    config.listeners.iter().enumerate().filter_map(fault).collect()
}

/// What is wrong with the files that a store needs: those of TLS with it, and the credentials.
fn store_faults(config: &Config, stated: &Stated<'_>) -> Vec<ConfigError> {
    let mut faults = Vec::new();
    for (index, upstream) in config.upstreams.iter().enumerate() {
        let mut add = |key: &str, message: String| {
            let line = stated.line_of("upstream", index, key);
            faults.push(ConfigError { line, key: format!("upstream.{key}"), message });
        };
        if let Some(settings) = &upstream.tls
            && let Err(error) = upstream::Tls::read(settings)
        {
            let key = if settings.authorities.is_some() { "tls_ca" } else { "endpoint" };
            add(key, error.to_string());
        }
        if let Signing::Anew(anew) = &upstream.signing {
            match credentials::read(&anew.credentials) {
                Ok(_) => {}
                Err(CredentialsFault::Wrong(file, errors)) => {
                    errors
                        .iter()
                        .for_each(|e| add("credentials", format!("{}: {e}", file.display())));
                }
                Err(error @ CredentialsFault::File(..)) => add("credentials", error.to_string()),
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests;
