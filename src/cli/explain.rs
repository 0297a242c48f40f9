//! `s3bouncer explain`: what was decided about an upload, and why. Never a hash.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{ExitCode, Fault, Shown, Streams};
use crate::config::Config;
use crate::ops::audit;
use crate::ops::node::read_config;

/// What is told of a record. Digests, entity tags (which are MD5 in most stores) and object keys
/// (which are often named after a digest) are left out.
const FIELDS: [&str; 14] = [
    "time",
    "operation",
    "bucket",
    "bytes",
    "verdict",
    "reason",
    "list",
    "entry",
    "distance",
    "mode",
    "snapshot",
    "auth",
    "status",
    "termination",
];

/// The arguments.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The configuration file, which says where the audit files are
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The id that stands in the refusal and in the audit record
    #[arg(value_name = "REQUEST_ID")]
    request_id: String,
}

/// Finds a record and tells what it says.
///
/// # Errors
/// A standard stream fails.
pub(super) fn run(args: &Args, streams: &mut Streams<'_>) -> io::Result<ExitCode> {
    let config = match read_config(&args.config) {
        Ok(config) => config,
        Err(error) => return Fault::usage(error.to_string()).end(streams),
    };
    let paths = [config.audit.path.as_path(), config.audit.denials_path.as_path()];
    match audit::find(&paths, &args.request_id) {
        Ok(Some(record)) => {
            tell(&record, &config, streams.out)?;
            Ok(ExitCode::Success)
        }
        Ok(None) => {
            streams.error(format_args!("no record of request {}", Shown(&args.request_id)))?;
            Ok(ExitCode::NotFound)
        }
        Err(error) => Fault::io(&config.audit.path, &error).end(streams),
    }
}

fn tell(record: &Map<String, Value>, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let text = |key: &str| record.get(key).and_then(Value::as_str);
    let id = text("request_id").unwrap_or_default();
    writeln!(out, "request {}: {}", Shown(id), sentence(record))?;
    for key in FIELDS {
        match record.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => writeln!(out, "  {key:<12}{}", Shown(text))?,
            Some(value) => writeln!(out, "  {key:<12}{}", Shown(value))?,
        }
    }
    if let Some(list) = text("list") {
        writeln!(out, "  {:<12}{}", "contact", Shown(contact(list, config)))?;
    }
    Ok(())
}

fn contact<'a>(list: &str, config: &'a Config) -> &'a str {
    let known = config.lists.iter().find(|known| known.name == list);
    match known.map(|known| known.contact.as_str()) {
        None => "unknown: the list is not in this configuration",
        Some("") => "none given for this list",
        Some(contact) => contact,
    }
}

fn sentence(record: &Map<String, Value>) -> &'static str {
    let text = |key: &str| record.get(key).and_then(Value::as_str);
    let is_near = text("reason").is_some_and(|reason| reason.starts_with("near"));
    match (text("verdict"), text("termination")) {
        (Some("allow"), _) => "nothing was found against it",
        (Some("deny"), _) if is_near => {
            "a picture in it looks like one on a list that is enforced, and it became no object"
        }
        (Some("deny"), _) => "it is on a list that is enforced, and became no object",
        (Some("would-deny"), _) if is_near => {
            "a picture in it looks like one that is listed: only observed, not refused for that"
        }
        (Some("would-deny"), _) => "it is on a list that was only observed: not refused for that",
        (Some("unjudged"), Some("gate-refused" | "gate-fault")) => {
            "it could not be judged, and was refused for that"
        }
        (Some("unjudged"), _) => "it could not be judged, and was not refused for that",
        (Some(_) | None, _) => "it ended before there was a verdict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use crate::cli::streams::captured;

    const MD5: &str = "b1946ac92492d2347c6235b4d2611184";

    fn explain(request_id: &str) -> (ExitCode, String, String) {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("gate.toml");
        let list = "[[list]]\nname = \"police\"\nsource = \"none.txt\"\nhash = \"md5\"\n\
                    polarity = \"block\"\nmode = \"enforce\"\ncontact = \"desk@example.org\"\n";
        fs::write(&config, list).unwrap();
        let records = [
            format!(
                r#"{{"time":"2026-11-23T23:00:00Z","request_id":"A1","operation":"PutObject","bucket":"b\u001b[31m","key":"{MD5}.jpg","bytes":6,"md5":"{MD5}","verdict":"deny","reason":null,"list":"police","entry":"e-00","distance":0,"mode":"enforce","snapshot":"0123","status":403,"etag":"{MD5}","termination":"gate-refused"}}"#
            ),
            r#"{"request_id":"B2","verdict":"would-deny","list":"gone"}"#.to_owned(),
            r#"{"request_id":"C3","verdict":"unjudged","reason":"form"}"#.to_owned(),
            r#"{"request_id":"N5","verdict":"would-deny","reason":"near-wide","distance":40}"#
                .to_owned(),
        ];
        fs::write(directory.path().join("audit.jsonl"), records.join("\n")).unwrap();
        let args = Args { config, request_id: request_id.to_owned() };
        captured(b"", |streams| run(&args, streams))
    }

    #[test]
    fn a_denial_is_told_without_its_hash() {
        let (code, out, err) = explain("A1");
        assert_eq!((code, err.as_str()), (ExitCode::Success, ""));
        for line in [
            "request A1: it is on a list that is enforced",
            "  list        police\n",
            "  entry       e-00\n",
            "  distance    0\n",
            "  mode        enforce\n",
            "  snapshot    0123\n",
            "  status      403\n",
            "  contact     desk@example.org\n",
        ] {
            assert!(out.contains(line), "{line:?} in {out}");
        }
        assert!(!out.contains(MD5) && !out.contains('\u{1b}') && !out.contains("reason"), "{out}");
    }

    #[test]
    fn a_list_that_is_gone_has_no_contact() {
        assert!(explain("B2").1.contains("contact     unknown: the list is not in"));
        let (_, out, _) = explain("C3");
        assert!(out.contains("reason      form") && !out.contains("contact"), "{out}");
    }

    #[test]
    fn a_likeness_is_told_as_one() {
        let (_, out, _) = explain("N5");
        assert!(out.contains("request N5: a picture in it looks like one that is listed"), "{out}");
        assert!(
            out.contains("reason      near-wide\n") && out.contains("distance    40\n"),
            "{out}"
        );
    }

    #[test]
    fn an_unknown_request_is_not_found() {
        let (code, out, err) = explain("D4");
        assert_eq!((code, out.as_str()), (ExitCode::NotFound, ""));
        assert!(err.contains("D4"));
    }

    #[test]
    fn a_wrong_configuration_is_told() {
        let args = Args { config: "none/gate.toml".into(), request_id: "A1".to_owned() };
        assert_eq!(captured(b"", |streams| run(&args, streams)).0, ExitCode::Usage);
    }
}
