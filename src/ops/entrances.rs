//! The listeners as a node looks after them: what a reload gives them, certificates that change by
//! themselves, figures.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;
use crate::config::Config;
use crate::net::entrance::{Entrance, Refusal};
use crate::proxy::meters::{CertificateLabels, Meters, RefusedLabels};

/// How often certificates' files are looked at. By name, size and times, since what Kubernetes swaps
/// or a network file system brings makes no event.
const LOOK: Duration = Duration::from_secs(2);

/// Gives each listener what the configuration now says of it. Says what could not be taken.
pub(super) fn reload(entrances: &[Arc<Entrance>], config: &Config) -> Vec<String> {
    let mut errors = Vec::new();
    let mut left: Vec<&Arc<Entrance>> = entrances.iter().collect();
    for settings in &config.listeners {
        // By its address, since that is what a reload can't change.
        let Some(place) = left.iter().position(|each| each.address == settings.address) else {
            continue;
        };
        let entrance = left.remove(place);
        match entrance.reload(settings) {
            Ok(()) => tell_certificates(entrance),
            Err(error) => errors.push(format!("listener {}: {error}", entrance.name)),
        }
    }
    errors
}

/// Looks at certificates' files, as long as the node lives.
pub(super) async fn watch(node: Weak<Node>) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let Some(node) = node.upgrade() else { return };
        // Files may be on a disk that hangs.
        let look = tokio::task::spawn_blocking(move || node.entrances.iter().for_each(refresh));
        if let Err(panicked) = look.await {
            tracing::error!(error = %panicked, "certificates can't be looked at");
        }
    }
}

fn refresh(entrance: &Arc<Entrance>) {
    let listener = &entrance.name;
    match entrance.tls().and_then(|tls| tls.refresh()) {
        None => {}
        Some(Ok(())) => tell_certificates(entrance),
        Some(Err(error)) => {
            tracing::error!(listener, %error, "new certificate not taken: the one before serves");
        }
    }
}

/// Logs what a listener shows its clients.
pub(super) fn tell_certificates(entrance: &Entrance) {
    let Some(tls) = entrance.tls() else { return };
    for certificate in tls.certificates().iter() {
        let (listener, names) = (&entrance.name, certificate.names.join(" "));
        tracing::info!(listener, names, expires = %date(certificate.expires), "certificate");
    }
}

/// Brings the figures of listeners up to date.
pub(super) fn measure(entrances: &[Arc<Entrance>], meters: &Meters) {
    let sum = |of: fn(&Entrance) -> i64| entrances.iter().map(|each| of(each)).sum();
    meters.connections.set(sum(|each| each.connections.count()));
    meters.connections_limit.set(sum(|each| each.connections.limit()));
    let mut expiries = Vec::new();
    for entrance in entrances {
        for refusal in Refusal::ALL {
            let labels = RefusedLabels { listener: entrance.name.clone(), reason: refusal.name() };
            meters
                .connections_refused
                .get_or_create(&labels)
                .inc_by(entrance.refused.take(refusal));
        }
        if let Some(tls) = entrance.tls() {
            expiries.extend(tls.certificates().iter().map(|certificate| {
                let (listener, name) = (entrance.name.clone(), certificate.label.clone());
                (CertificateLabels { listener, name }, certificate.expires)
            }));
        }
    }
    meters.set_certificates(expiries);
}

/// What `/status` says of the listeners.
pub(super) fn status(entrances: &[Arc<Entrance>]) -> Value {
    entrances.iter().map(|each| status_of(each)).collect()
}

fn status_of(entrance: &Entrance) -> Value {
    let certificates = entrance.tls().map(|tls| {
        let shown = tls.certificates();
        let shown = shown.iter().map(|certificate| {
            json!({ "names": certificate.names, "expires": date(certificate.expires) })
        });
        shown.collect::<Value>()
    });
    json!({
        "name": entrance.name,
        "address": entrance.address,
        "connections": entrance.connections.count(),
        "connections_limit": entrance.connections.limit(),
        "certificates": certificates,
    })
}

/// Seconds since 1970 as a date that people read; the number where it is out of all bounds.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}
