//! The table of options, the sample file and the document say the same.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::Config;
use crate::config::kind::Kind;
use crate::config::options::{Fallback, Row, Section};
use crate::config::raw::read_default;
use crate::config::words::{
    Anonymous, ClientAuth, DigestCode, FormatWord, Guard, LogFormat, LogLevel, Passes,
    SignedChunks, SigningWord, Switch, TlsVersion, Variants, Word,
};
use crate::image::Convention;
use crate::policy::{Archives, Copies, Door, Mode, OnFault, Polarity};
use crate::s3::resign::Addressing;

const SAMPLE: &str = include_str!("../../../config/s3bouncer.toml");
const DOCUMENT: &str = include_str!("../../../docs/config.md");

#[test]
fn the_document_has_the_table_of_every_section() {
    let tables = Section::ALL.map(markdown);
    let missing: Vec<_> = tables.into_iter().filter(|table| !DOCUMENT.contains(table)).collect();
    assert!(missing.is_empty(), "docs/config.md needs this:\n\n{}", missing.join("\n"));
    let headings = DOCUMENT.lines().filter(|line| line.starts_with("## [")).count();
    assert_eq!(headings, Section::ALL.len());
}

#[test]
fn the_sample_has_every_option_in_order() {
    let mut lines = SAMPLE.lines();
    for section in Section::ALL {
        let header = section.header();
        assert!(lines.any(|line| uncommented(line) == header), "the sample lacks {header} here");
        for row in section.rows() {
            let start = format!("{} = ", row.key);
            let line = lines.find(|line| uncommented(line).starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("the sample lacks {header} {} here", row.key));
            check_sample_line(section, row, line);
        }
    }
}

fn check_sample_line(section: Section, row: &Row, line: &str) {
    let is_example = section == Section::List && row.key == "hash";
    if let Fallback::Toml(default) = row.fallback
        && !is_example
    {
        assert_eq!(uncommented(line), format!("{} = {default}", row.key));
    }
}

#[test]
fn the_sample_has_no_other_options() {
    let options = SAMPLE.lines().filter(|line| is_option(uncommented(line))).count();
    assert_eq!(options, Section::ALL.iter().map(|section| section.rows().len()).sum::<usize>());
}

#[test]
fn the_sample_is_valid_and_in_shadow() {
    let sample = Config::parse(SAMPLE, Path::new("")).unwrap();
    assert!(sample.buckets.iter().all(|bucket| bucket.rule.mode == Mode::Shadow));
    assert_eq!(sample.buckets.len(), 1);
}

#[test]
fn the_sample_is_valid_and_in_shadow_with_every_line_in_force() {
    let mut text = String::new();
    for line in SAMPLE.lines() {
        let bare = uncommented(line);
        let _ = writeln!(text, "{}", if is_option(bare) || is_header(bare) { bare } else { line });
    }
    let sample = Config::parse(&text, Path::new("")).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(sample.lists.len(), 1);
    assert!(sample.lists.iter().all(|list| list.mode == Mode::Shadow));
    assert!(sample.buckets.iter().all(|bucket| bucket.rule.mode == Mode::Shadow));
}

#[test]
fn the_sample_says_the_defaults() {
    let mut sample = Config::parse(SAMPLE, Path::new("")).unwrap();
    let defaults = Config::parse("", Path::new("")).unwrap();
    sample.buckets.clone_from(&defaults.buckets);
    assert_eq!(sample, defaults);
}

#[test]
fn every_default_can_be_read() {
    for row in Section::ALL.iter().flat_map(|section| section.rows()) {
        match row.fallback {
            Fallback::Toml(toml) => {
                let value = read_default(row, toml).unwrap_or_else(|| panic!("{row:?}"));
                assert_eq!(read_default(row, &value.to_string()), Some(value), "{}", row.key);
            }
            Fallback::Derived(words) => assert!(!words.is_empty()),
            Fallback::Required => {}
        }
        assert!(row.what.ends_with('.') && !row.what.contains('|'), "{}", row.key);
    }
}

#[test]
fn only_these_have_no_default() {
    let mut required = Vec::new();
    for section in Section::ALL {
        let rows = section.rows().iter().filter(|row| row.fallback == Fallback::Required);
        required.extend(rows.map(|row| format!("{}.{}", section.name(), row.key)));
    }
    let expected = ["list.name", "list.source", "list.polarity", "list.mode", "bucket.mode"];
    assert_eq!(required, expected);
}

#[test]
fn no_key_stands_twice() {
    for section in Section::ALL {
        let mut keys: Vec<&str> = section.rows().iter().map(|row| row.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), section.rows().len(), "{section:?}");
    }
}

#[test]
fn words_are_those_of_their_enums() {
    check_words::<TlsVersion>(Section::Listener, "tls_min_version");
    check_words::<ClientAuth>(Section::Listener, "tls_client_auth");
    check_words::<Switch>(Section::Listener, "proxy_protocol");
    check_words::<Guard>(Section::Upstream, "guard");
    check_words::<TlsVersion>(Section::Upstream, "tls_min_version");
    check_words::<Switch>(Section::Upstream, "auth_first");
    check_words::<SigningWord>(Section::Upstream, "signing");
    check_words::<Addressing>(Section::Upstream, "addressing");
    check_words::<SignedChunks>(Section::Upstream, "signed_chunks");
    check_words::<Anonymous>(Section::Upstream, "anonymous");
    check_words::<FormatWord>(Section::List, "format");
    check_words::<Polarity>(Section::List, "polarity");
    check_words::<Mode>(Section::Bucket, "mode");
    check_words::<OnFault>(Section::Bucket, "faults");
    check_words::<Passes>(Section::Audit, "passes");
    check_words::<Copies>(Section::Bucket, "copies");
    check_words::<Archives>(Section::Bucket, "archives");
    for key in ["appends", "swift", "google", "methods", "store_jobs"] {
        check_words::<Door>(Section::Bucket, key);
    }
    for key in ["archives", "documents"] {
        check_words::<Switch>(Section::Inspect, key);
    }
    for key in ["near_wide_denies", "near_variants_deny", "short_hashes"] {
        check_words::<Switch>(Section::List, key);
    }
    check_words::<Variants>(Section::List, "near_variants");
    check_words::<Convention>(Section::List, "near_convention");
    check_words::<Switch>(Section::State, "sync");
    check_words::<LogFormat>(Section::Log, "format");
    check_words::<LogLevel>(Section::Log, "level");
    check_words::<DigestCode>(Section::Runtime, "digests");
}

#[track_caller]
fn check_words<T: Word>(section: Section, key: &str) {
    let Some(Kind::Word { words, later }) = section.row(key).map(|row| row.kind) else {
        panic!("{key} is no word")
    };
    let known: Vec<&str> = T::ALL.iter().map(|&variant| variant.word()).collect();
    assert_eq!(words, known);
    assert!(later.iter().all(|word| !known.contains(word)));
}

#[test]
fn settings_show_every_option() {
    let settings = super::config(super::LIST).settings();
    let mut expected = Vec::new();
    for section in Section::ALL {
        expected.extend(section.rows().iter().map(|row| format!("{}.{}", section.name(), row.key)));
    }
    let found: Vec<String> = settings.iter().map(|setting| setting.key.clone()).collect();
    assert_eq!(found, expected);
    let of = |key: &str| settings.iter().find(|setting| setting.key == key).unwrap();
    assert_eq!(of("bucket.lists").value, "all lists");
    assert_eq!(of("limits.capture_max").value, "\"32MiB\"");
    assert_eq!(of("limits.capture_max").default, "\"32MiB\"");
    assert_eq!(of("list.hash").value, "\"sha256\"");
    assert!(of("list.source").reload && !of("listener.address").reload);
}

/// A section of docs/config.md.
fn markdown(section: Section) -> String {
    let mut text = format!("## {}\n\n", section.header());
    text.push_str("| option | type | default | reload | what it does |\n|---|---|---|---|---|\n");
    for Row { key, kind, fallback, reload, what } in section.rows() {
        let default = match fallback {
            Fallback::Required => "none".to_owned(),
            Fallback::Toml(toml) => format!("`{toml}`"),
            Fallback::Derived(words) => (*words).to_owned(),
        };
        let reload = if *reload { "yes" } else { "no" };
        let _ = writeln!(text, "| `{key}` | {kind} | {default} | {reload} | {what} |");
    }
    text
}

fn uncommented(line: &str) -> &str {
    line.strip_prefix('#').unwrap_or(line)
}

fn is_header(line: &str) -> bool {
    Section::ALL.iter().any(|section| section.header() == line)
}

/// Prose has a space behind its `#`, an option has not.
fn is_option(line: &str) -> bool {
    let key = line.split_once(" = ").map_or("", |(key, _)| key);
    let in_keys = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !key.is_empty() && key.chars().all(in_keys)
}
