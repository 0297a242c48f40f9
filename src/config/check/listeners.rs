//! `[listener]`: addresses, names, TLS, and who is in front.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::Context;
use super::sections::address;
use crate::config::kind::{Item, Value};
use crate::config::options::Section;
use crate::config::raw::{Raw, Table};
use crate::config::{CertificateFiles, ClientAuth, Listener, Switch, Tls};

/// The listeners, each at an address of its own. Port 0 is a new port each time.
pub(super) fn listeners(raw: &Raw, context: &mut Context<'_>) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = Vec::new();
    let mut lines: Vec<usize> = Vec::new();
    for table in raw.all(Section::Listener) {
        let listener = listener(table, context);
        let address = listener.address;
        if address.port() != 0
            && let Some(earlier) = listeners.iter().position(|each| each.address == address)
        {
            let message = format!("is the address of the listener on line {} too", lines[earlier]);
            context.fault(table, "address", message);
        }
        if listener.name.is_some()
            && table.is_sound("name")
            && let Some(earlier) = listeners.iter().position(|each| each.name == listener.name)
        {
            let message = format!("is the name of the listener on line {} too", lines[earlier]);
            context.fault(table, "name", message);
        }
        listeners.push(listener);
        lines.push(table.line);
    }
    listeners
}

fn listener(table: &Table, context: &mut Context<'_>) -> Listener {
    context.ordered(table, ["drain_grace", "drain_deadline"], |key| table.duration(key));
    Listener {
        address: address(table, "address").unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))),
        name: table.is_given("name").then(|| table.text("name").to_owned()),
        tls: tls(table, context),
        proxy_protocol: proxy_protocol(table, context),
        trusted_proxies: networks(table, "trusted_proxies").to_vec(),
        header_timeout: table.duration("header_timeout"),
        idle_timeout: table.duration("idle_timeout"),
        body_idle_timeout: table.duration("body_idle_timeout"),
        body_min_rate: table.size("body_min_rate"),
        max_connections: table.count("max_connections"),
        max_header_size: usize::try_from(table.size("max_header_size")).unwrap_or(usize::MAX),
        drain_grace: table.duration("drain_grace"),
        drain_deadline: table.duration("drain_deadline"),
    }
}

/// A listener that hears nobody out can't be meant.
fn proxy_protocol(table: &Table, context: &mut Context<'_>) -> Switch {
    let asked: Switch = table.word("proxy_protocol");
    if asked.is_on() && networks(table, "trusted_proxies").is_empty() {
        let message = "needs trusted_proxies beside it: nobody else may connect then";
        context.contradiction(table, ["proxy_protocol", "trusted_proxies"], message);
    }
    asked
}

/// Half a TLS configuration would silently serve plain HTTP, or everybody, so it is an error.
fn tls(table: &Table, context: &mut Context<'_>) -> Option<Tls> {
    let [certificate, key] = ["tls_certificate", "tls_key"];
    let client_auth = client_auth(table, context);
    let counts = [certificate, key].map(|key| paths(table, key).len());
    match counts {
        [0, 0] => {
            if client_auth != ClientAuth::Off {
                let message = "needs tls_certificate and tls_key beside it";
                context.contradiction(table, ["tls_client_auth", certificate], message);
            }
            None
        }
        [_, 0] => {
            context.contradiction(table, [certificate, key], "needs tls_key beside it");
            None
        }
        [0, _] => {
            context.contradiction(table, [key, certificate], "needs tls_certificate beside it");
            None
        }
        [certificates, keys] => {
            if certificates != keys {
                let message = format!("there are {certificates} certificates and {keys} keys");
                context.contradiction(table, [key, certificate], &message);
            }
            let read = |context: &mut Context<'_>, key| context.readable_paths(table, key);
            let (certificates, keys) = (read(context, certificate), read(context, key));
            let pairs = certificates.into_iter().zip(keys);
            let ca = client_auth != ClientAuth::Off;
            Some(Tls {
                certificates: pairs
                    .map(|(certificate, key)| CertificateFiles { certificate, key })
                    .collect(),
                min_version: table.word("tls_min_version"),
                client_auth,
                client_ca: ca.then(|| context.readable_path(table, "tls_client_ca")),
            })
        }
    }
}

/// Asking for a certificate and saying by whom belong together.
fn client_auth(table: &Table, context: &mut Context<'_>) -> ClientAuth {
    let [auth, ca] = ["tls_client_auth", "tls_client_ca"];
    let asked: ClientAuth = table.word(auth);
    match (asked, table.text(ca).is_empty()) {
        (ClientAuth::Off, false) => {
            let message = "needs tls_client_auth beside it: \"required\" or \"optional\"";
            context.contradiction(table, [ca, auth], message);
        }
        (ClientAuth::Optional | ClientAuth::Required, true) => {
            context.contradiction(table, [auth, ca], "needs tls_client_ca beside it");
        }
        (ClientAuth::Off, true) | (ClientAuth::Optional | ClientAuth::Required, false) => {}
    }
    asked
}

fn paths<'a>(table: &'a Table, key: &str) -> &'a [Item] {
    match table.value(key) {
        Value::Paths(paths) => paths,
        other => table.mistaken(key, other),
    }
}

fn networks<'a>(table: &'a Table, key: &str) -> &'a [IpNet] {
    match table.value(key) {
        Value::Networks(networks) => networks,
        other => table.mistaken(key, other),
    }
}
