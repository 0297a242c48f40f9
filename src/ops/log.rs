//! The log: what the process does, on standard error, for people or machines.

use std::io::{self, Write};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::TryInitError;

use crate::config::{LogFormat, LogLevel};

/// Why the log cannot be set up: another one has been.
pub type LogError = TryInitError;

/// Sets up the log of the process.
///
/// # Errors
/// There is one already.
pub fn init(format: LogFormat, level: LogLevel) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;
    subscriber(format, level, || OneLine(io::stderr())).try_init()
}

fn subscriber<W>(
    format: LogFormat,
    level: LogLevel,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let common = tracing_subscriber::fmt()
        .with_max_level(max_level(level))
        .with_ansi(false)
        .with_writer(writer);
    // What anybody who connects can have it say as often as they like is for a close look only.
    let handshakes = match level {
        LogLevel::Error | LogLevel::Warn | LogLevel::Info => LevelFilter::OFF,
        LogLevel::Debug | LogLevel::Trace => max_level(level),
    };
    let targets = Targets::new()
        .with_default(max_level(level))
        .with_target("rustls", handshakes)
        .with_target("tokio_rustls", handshakes);
    match format {
        LogFormat::Human => Box::new(common.finish().with(targets)),
        LogFormat::Json => Box::new(common.json().flatten_event(true).finish().with(targets)),
    }
}

fn max_level(level: LogLevel) -> LevelFilter {
    LevelFilter::from_level(match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    })
}

/// Writes events so that each stays one line and none moves the cursor of a terminal.
///
/// What clients send (keys, header values) ends up in events. The subscriber hands over one event
/// a call, its newline included; every other control character is written as an escape.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (body, end) = match event {
            [body @ .., b'\n'] => (body, "\n"),
            body => (body, ""),
        };
        let mut line = escaped(&String::from_utf8_lossy(body));
        line.push_str(end);
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with `\u00..` for each control character, DEL and the C1 set too: what JSON allows in
/// its strings, where the formatter leaves those raw.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c.is_control() {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the log says while `act` runs.
    fn logged(format: LogFormat, level: LogLevel, act: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(format, level, move || OneLine(writer.clone()));
        tracing::subscriber::with_default(subscriber, act);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const HOSTILE: &str = "a\nb\r\x1b[31mc\x07\t\u{9b}d\x7f\0é";

    fn hostile_events() {
        tracing::info!(key = HOSTILE, "field");
        tracing::info!("message {}", HOSTILE);
        tracing::info!(key = ?HOSTILE, error = %HOSTILE, "others");
    }

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let text = logged(format, LogLevel::Info, hostile_events);
            assert_eq!(text.lines().count(), 3, "{text}");
            assert!(text.ends_with('\n'));
            let clean = |line: &str| !line.chars().any(char::is_control);
            assert!(text.lines().all(clean) && text.contains('é'), "{text}");
        }
    }

    #[test]
    fn json_lines_can_be_read_back() {
        let text = logged(LogFormat::Json, LogLevel::Info, hostile_events);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["message"], "field");
        assert_eq!(lines[0]["key"], HOSTILE);
    }

    #[test]
    fn what_clients_do_in_handshakes_is_told_to_who_looks_closely() {
        let alert = || tracing::warn!(target: "rustls::common_state", "an alert");
        for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info] {
            assert_eq!(logged(LogFormat::Human, level, alert), "");
        }
        for level in [LogLevel::Debug, LogLevel::Trace] {
            assert!(logged(LogFormat::Human, level, alert).contains("an alert"));
        }
    }

    #[test]
    fn the_level_bounds_what_is_logged() {
        let all = || {
            tracing::error!("e");
            tracing::warn!("w");
            tracing::info!("i");
            tracing::debug!("d");
            tracing::trace!("t");
        };
        let levels =
            [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        for (lines, level) in (1..).zip(levels) {
            assert_eq!(logged(LogFormat::Human, level, all).lines().count(), lines);
        }
    }
}
