//! A store's options in effect.

use super::{Values, count, own_key, path_or_none, secret_path, switch};
use crate::config::kind::Value;
use crate::config::words::{SigningWord, Word};
use crate::config::{Anonymous, SignedChunks, Signing, TlsVersion, Upstream, UpstreamTls};
use crate::s3::resign::Addressing;

/// A store. `name` is left out where it is the endpoint's host: not every host is a name.
pub(super) fn upstream_values(upstream: &Upstream) -> Values {
    let mut values = vec![
        ("hosts", Value::Patterns(upstream.hosts.clone())),
        ("buckets", Value::Patterns(upstream.buckets.clone())),
        ("endpoint", Value::Endpoint(upstream.endpoint.clone())),
        ("resolve_interval", Value::Duration(upstream.resolve_interval)),
    ];
    if upstream.name != upstream.endpoint.host {
        values.insert(0, ("name", Value::Text(upstream.name.clone())));
    }
    values.extend(upstream_tls_values(upstream.tls.as_ref()));
    values.push(("auth_first", switch(upstream.auth_first.into())));
    values.extend(signing_values(&upstream.signing));
    values.extend([
        ("connect_timeout", Value::Duration(upstream.connect_timeout)),
        ("response_timeout", Value::Duration(upstream.response_timeout)),
        ("idle_timeout", Value::Duration(upstream.idle_timeout)),
        ("max_idle", count(upstream.max_idle)),
        ("guard", Value::Word(upstream.guard.word())),
        ("access_key", Value::Text(own_key(upstream.own.as_ref()))),
        ("secret_key_file", secret_path(upstream.own.as_ref())),
        ("region", Value::Text(upstream.region.clone())),
    ]);
    values
}

fn upstream_tls_values(tls: Option<&UpstreamTls>) -> Values {
    let authorities = tls.and_then(|tls| tls.authorities.as_deref());
    let identity = tls.and_then(|tls| tls.identity.as_ref());
    let min_version = tls.map_or(TlsVersion::V12, |tls| tls.min_version);
    vec![
        ("tls_ca", path_or_none(authorities)),
        ("tls_certificate", path_or_none(identity.map(|tls| tls.certificate.as_path()))),
        ("tls_key", path_or_none(identity.map(|tls| tls.key.as_path()))),
        ("tls_min_version", Value::Word(min_version.word())),
    ]
}

/// Where nothing is signed anew, the options of that have their defaults.
fn signing_values(signing: &Signing) -> Values {
    let (word, anew) = match signing {
        Signing::Pass => (SigningWord::Pass, None),
        Signing::Anew(anew) => (SigningWord::Resign, Some(anew)),
    };
    let addressing = anew.map_or(Addressing::Path, |anew| anew.addressing);
    let signed_chunks = anew.map_or(SignedChunks::Resign, |anew| anew.signed_chunks);
    let anonymous = anew.map_or(Anonymous::Refuse, |anew| anew.anonymous);
    vec![
        ("signing", Value::Word(word.word())),
        ("credentials", path_or_none(anew.map(|anew| anew.credentials.as_path()))),
        ("addressing", Value::Word(addressing.word())),
        ("signed_chunks", Value::Word(signed_chunks.word())),
        ("anonymous", Value::Word(anonymous.word())),
    ]
}
