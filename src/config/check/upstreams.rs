//! `[upstream]`: which requests a store serves, and what its options need of one another.

use std::path::PathBuf;

use super::{Context, sections};
use crate::config::kind::{Endpoint, Scheme, Value};
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::words::{SigningWord, Switch};
use crate::config::{CertificateFiles, Glob, SignAnew, Signing, Upstream, UpstreamTls};
use crate::s3::resign::Addressing;

/// The options that only an `https` endpoint makes use of.
const OF_TLS: [&str; 4] = ["tls_ca", "tls_certificate", "tls_key", "tls_min_version"];

/// The options that only `resign` makes use of.
const OF_RESIGN: [&str; 4] = ["credentials", "addressing", "signed_chunks", "anonymous"];

/// The stores: each with a name of its own, each with requests that reach it, and the last one for
/// all that no other serves.
pub(super) fn upstreams(raw: &Raw, context: &mut Context<'_>) -> Vec<Upstream> {
    let mut upstreams: Vec<Upstream> = Vec::new();
    let tables: Vec<&Table> = raw.all(Section::Upstream).collect();
    for (index, table) in tables.iter().enumerate() {
        let upstream = upstream(table, context);
        let name = &upstream.name;
        if let Some(earlier) = upstreams.iter().position(|each| each.name == *name)
            && is_named(table)
            && is_named(tables[earlier])
        {
            let line = tables[earlier].line;
            let message = format!("{name:?} is the name of the upstream on line {line} too");
            context.fault(table, "name", message);
        }
        if is_routed(table)
            && let Some(earlier) = (0..index).find(|&earlier| {
                is_routed(tables[earlier]) && covers(&upstreams[earlier], &upstream)
            })
        {
            let line = tables[earlier].line;
            let message = format!("can never serve: the upstream on line {line} takes all of it");
            context.fault(table, routed_by(table), message);
        }
        upstreams.push(upstream);
    }
    if let (Some(last), Some(table)) = (upstreams.last(), tables.last())
        && is_routed(table)
        && !(is_everything(&last.hosts) && is_everything(&last.buckets))
    {
        let message = "the last upstream has to take everything, without hosts and buckets";
        context.fault(table, routed_by(table), message);
    }
    upstreams
}

/// Whether the name can be relied upon.
fn is_named(table: &Table) -> bool {
    table.is_sound("name") && (table.is_given("name") || table.is_sound("endpoint"))
}

/// Whether the patterns can be.
fn is_routed(table: &Table) -> bool {
    table.is_sound("hosts") && table.is_sound("buckets")
}

/// The option that is to blame for what the patterns take.
fn routed_by(table: &Table) -> &'static str {
    if table.is_given("buckets") && !table.is_given("hosts") { "buckets" } else { "hosts" }
}

/// Whether one serves all that the other would.
fn covers(one: &Upstream, other: &Upstream) -> bool {
    let covers = |wide: &[Glob], narrow: &[Glob]| {
        is_everything(wide)
            || !narrow.is_empty() && narrow.iter().all(|n| wide.iter().any(|w| w.covers(n)))
    };
    covers(&one.hosts, &other.hosts) && covers(&one.buckets, &other.buckets)
}

fn is_everything(patterns: &[Glob]) -> bool {
    patterns.is_empty() || patterns.iter().any(Glob::is_everything)
}

fn upstream(table: &Table, context: &mut Context<'_>) -> Upstream {
    let endpoint = endpoint(table);
    let name = match table.is_given("name") {
        true => table.text("name").to_owned(),
        false => endpoint.host.clone(),
    };
    Upstream {
        name,
        hosts: patterns(table, "hosts"),
        buckets: patterns(table, "buckets"),
        tls: tls(table, &endpoint, context),
        resolve_interval: table.duration("resolve_interval"),
        auth_first: table.word::<Switch>("auth_first").is_on(),
        signing: signing(table, &endpoint, context),
        connect_timeout: table.duration("connect_timeout"),
        response_timeout: table.duration("response_timeout"),
        idle_timeout: table.duration("idle_timeout"),
        max_idle: table.count("max_idle"),
        guard: table.word("guard"),
        own: sections::credentials(table, context),
        region: table.text("region").to_owned(),
        endpoint,
    }
}

/// What makes no difference is a mistake: whoever writes it believes that it does.
fn tls(table: &Table, endpoint: &Endpoint, context: &mut Context<'_>) -> Option<UpstreamTls> {
    let identity = identity(table, context);
    match endpoint.scheme {
        Scheme::Http => {
            for key in OF_TLS.into_iter().filter(|key| is_wanted(table, key)) {
                context.contradiction(table, [key, "endpoint"], "needs an https:// endpoint");
            }
            None
        }
        Scheme::Https => {
            let authorities = optional_path(table, "tls_ca", context);
            let min_version = table.word("tls_min_version");
            Some(UpstreamTls { authorities, identity, min_version })
        }
    }
}

/// What the gate is known by to others. Half of it is a mistake, not a wish to have none.
fn identity(table: &Table, context: &mut Context<'_>) -> Option<CertificateFiles> {
    let [certificate, key] = ["tls_certificate", "tls_key"];
    match (table.text(certificate).is_empty(), table.text(key).is_empty()) {
        (true, true) => None,
        (false, false) => Some(CertificateFiles {
            certificate: context.readable_path(table, certificate),
            key: context.readable_path(table, key),
        }),
        (false, true) => {
            context.contradiction(table, [certificate, key], "needs tls_key beside it");
            None
        }
        (true, false) => {
            context.contradiction(table, [key, certificate], "needs tls_certificate beside it");
            None
        }
    }
}

fn signing(table: &Table, endpoint: &Endpoint, context: &mut Context<'_>) -> Signing {
    match table.word("signing") {
        SigningWord::Pass => {
            for key in OF_RESIGN.into_iter().filter(|key| is_wanted(table, key)) {
                context.contradiction(table, [key, "signing"], "needs signing = \"resign\"");
            }
            Signing::Pass
        }
        SigningWord::Resign => {
            let credentials = optional_path(table, "credentials", context);
            if credentials.is_none() {
                let message = "\"resign\" needs credentials beside it";
                context.contradiction(table, ["signing", "credentials"], message);
            }
            let addressing = table.word("addressing");
            if addressing == Addressing::Virtual && endpoint.is_address() {
                let message = "\"virtual\" needs a name in endpoint, not an address";
                context.contradiction(table, ["addressing", "endpoint"], message);
            }
            Signing::Anew(SignAnew {
                credentials: credentials.unwrap_or_default(),
                addressing,
                signed_chunks: table.word("signed_chunks"),
                anonymous: table.word("anonymous"),
            })
        }
    }
}

/// Whether the text gives an option something else than its default: the configuration in effect is
/// written with all of them.
fn is_wanted(table: &Table, key: &str) -> bool {
    table.is_given(key) && !table.is_default(key)
}

fn optional_path(table: &Table, key: &str, context: &mut Context<'_>) -> Option<PathBuf> {
    let is_given = !table.text(key).is_empty();
    is_given.then(|| context.readable_path(table, key))
}

fn endpoint(table: &Table) -> Endpoint {
    match table.value("endpoint") {
        Value::Endpoint(endpoint) => endpoint.clone(),
        other => table.mistaken("endpoint", other),
    }
}

fn patterns(table: &Table, key: &str) -> Vec<Glob> {
    match table.value(key) {
        Value::Patterns(patterns) => patterns.clone(),
        other => table.mistaken(key, other),
    }
}
