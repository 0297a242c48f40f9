//! The names of the metrics, and their text form.

use prometheus_client::encoding::text;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::decode;
use crate::proxy::meters::Meters;

/// The media type of what [`encode`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Registers every meter under its name. `version` is that of the program.
///
/// The library appends `_total` to counters and `_info` to infos, so the names here lack it.
pub fn registry(meters: &Meters, version: &'static str) -> Registry {
    let mut registry = Registry::with_prefix("s3bouncer");
    let build = Info::new([("version", version)]);
    registry.register("build", "The running program", build);
    register_requests(meters, &mut registry);
    register_upstreams(meters, &mut registry);
    register_lists(meters, &mut registry);
    register_health(meters, &mut registry);
    register_budgets(meters, &mut registry);
    register_decode(&meters.decode, &mut registry);
    registry
}

fn register_decode(meters: &decode::Meters, registry: &mut Registry) {
    registry.register("decode_jobs", "Images given to a worker", meters.jobs.clone());
    registry.register("decode_seconds", "What a worker took for an image", meters.seconds.clone());
    registry.register("decode_in_use", "Workers that have an image", meters.in_use.clone());
    registry.register("decode_workers", "Workers that there may be", meters.workers.clone());
    registry.register("decode_waited", "Images that waited for a worker", meters.waited.clone());
    registry.register(
        "decode_busy",
        "Images that no worker was free for in time",
        meters.busy.clone(),
    );
    registry.register(
        "decode_killed",
        "Workers that ended before their time",
        meters.killed.clone(),
    );
}

fn register_requests(meters: &Meters, registry: &mut Registry) {
    registry.register("requests", "Finished requests", meters.requests.clone());
    registry.register("body_bytes", "Inspected payload bytes", meters.body_bytes.clone());
    registry.register(
        "added_latency_seconds",
        "What the gate alone added to an upload",
        meters.added_latency.clone(),
    );
    registry.register("unjudged", "Uploads without a verdict", meters.unjudged.clone());
    registry.register(
        "protocol_rejects",
        "Requests refused as broken HTTP or framing",
        meters.protocol_rejects.clone(),
    );
    registry.register(
        "upstream_aborts",
        "Store connections reset to abort an upload",
        meters.upstream_aborts.clone(),
    );
}

fn register_upstreams(meters: &Meters, registry: &mut Registry) {
    registry.register(
        "upstream_connections",
        "Open connections to a store",
        meters.upstream_connections.clone(),
    );
    registry.register(
        "upstream_connect_failures",
        "Addresses of a store that could not be reached",
        meters.upstream_connect_failures.clone(),
    );
    registry.register(
        "upstream_addresses",
        "Addresses of a store, by whether they are used",
        meters.upstream_addresses.clone(),
    );
}

fn register_lists(meters: &Meters, registry: &mut Registry) {
    registry.register("enforcing", "1 while a list is enforced", meters.enforcing.clone());
    registry.register(
        "bypass_active",
        "Acts of an operator in force that weaken the gate",
        meters.bypass_active.clone(),
    );
    registry.register("list_entries", "Entries of a serving list", meters.list_entries.clone());
    registry.register(
        "list_age_seconds",
        "Seconds since a serving list was made",
        meters.list_age.clone(),
    );
    registry.register(
        "list_load_failures",
        "Lists that could not be loaded",
        meters.list_load_failures.clone(),
    );
}

fn register_health(meters: &Meters, registry: &mut Registry) {
    registry.register(
        "config_last_reload_successful",
        "1 if the last reload of the configuration succeeded",
        meters.config_last_reload_successful.clone(),
    );
    registry.register("panics", "Bugs, which must stay 0", meters.panics.clone());
    registry.register("audit_lost", "Audit records not kept", meters.audit_lost.clone());
    registry.register(
        "audit_healthy",
        "1 while audit records reach the disk",
        meters.audit_healthy.clone(),
    );
}

fn register_budgets(meters: &Meters, registry: &mut Registry) {
    registry.register("connections", "Open client connections", meters.connections.clone());
    registry.register(
        "connections_limit",
        "Client connections that may be open",
        meters.connections_limit.clone(),
    );
    registry.register(
        "connections_refused",
        "Client connections that were closed before their first request",
        meters.connections_refused.clone(),
    );
    registry.register(
        "tls_certificate_expiry_timestamp_seconds",
        "When a certificate stops being valid",
        meters.certificate_expiry.clone(),
    );
    registry.register(
        "capture_budget_bytes",
        "Bytes that captured bodies may take together",
        meters.capture_budget.clone(),
    );
    registry.register(
        "capture_in_use_bytes",
        "Bytes of the capture budget that are reserved",
        meters.capture_in_use.clone(),
    );
    registry.register(
        "spool_in_use_bytes",
        "Bytes of parts that are kept until their upload completes",
        meters.spool_in_use.clone(),
    );
    registry.register(
        "spool_max_bytes",
        "Bytes of parts that may be kept",
        meters.spool_max.clone(),
    );
}

/// The state of every meter as OpenMetrics text.
pub fn encode(registry: &Registry) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; a metric that refuses to be written must not end the rest.
    if text::encode(&mut out, registry).is_err() {
        tracing::error!("a metric could not be written");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Unjudged;
    use crate::proxy::meters::{CertificateLabels, RefusedLabels};
    use crate::proxy::record::VerdictWord;
    use std::sync::Arc;
    use std::time::Duration;

    fn exposed(meters: &Meters) -> String {
        encode(&registry(meters, "1.2.3"))
    }

    fn used() -> Meters {
        let meters = Meters::new();
        meters.count_request("PutObject", Some(VerdictWord::WouldDeny), 200);
        meters.count_request("GetObject", None, 206);
        meters.body_bytes.inc_by(7);
        meters.count_unjudged(Unjudged::Form);
        meters.count_protocol_reject("bad-chunk");
        meters.observe_added_latency(Duration::from_micros(300));
        meters.decode.jobs.inc();
        meters.decode.count_killed(decode::Ending::Memory);
        let (listener, name) = ("public".to_owned(), "s3.example".to_owned());
        let refused = RefusedLabels { listener: listener.clone(), reason: "full" };
        meters.connections_refused.get_or_create(&refused).inc();
        let labels = CertificateLabels { listener, name };
        meters.set_certificates([(labels.clone(), 1_800_000_000), (labels, 1_700_000_000)]);
        meters.set_lists([(&Arc::from("police"), 12, Duration::from_millis(1500))]);
        meters
    }

    #[test]
    fn names_and_labels_are_those_of_the_contract() {
        let text = exposed(&used());
        let lines = [
            r#"s3bouncer_requests_total{operation="PutObject",verdict="would-deny",status="200"} 1"#,
            r#"s3bouncer_requests_total{operation="GetObject",verdict="none",status="206"} 1"#,
            "s3bouncer_body_bytes_total 7",
            "s3bouncer_added_latency_seconds_count 1",
            r#"s3bouncer_added_latency_seconds_bucket{le="0.0005"} 1"#,
            r#"s3bouncer_added_latency_seconds_bucket{le="0.00025"} 0"#,
            r#"s3bouncer_unjudged_total{reason="form"} 1"#,
            r#"s3bouncer_unjudged_total{reason="multipart-order"} 0"#,
            "s3bouncer_enforcing 0",
            "s3bouncer_bypass_active 0",
            r#"s3bouncer_list_entries{list="police"} 12"#,
            r#"s3bouncer_list_age_seconds{list="police"} 1.5"#,
            "s3bouncer_list_load_failures_total 0",
            "s3bouncer_config_last_reload_successful 1",
            "s3bouncer_panics_total 0",
            r#"s3bouncer_protocol_rejects_total{reason="bad-chunk"} 1"#,
            "s3bouncer_audit_lost_total 0",
            "s3bouncer_audit_healthy 1",
            "s3bouncer_connections 0",
            "s3bouncer_connections_limit 0",
            r#"s3bouncer_connections_refused_total{listener="public",reason="full"} 1"#,
            r#"s3bouncer_tls_certificate_expiry_timestamp_seconds{listener="public",name="s3.example"} 1700000000"#,
            "s3bouncer_upstream_aborts_total 0",
            "s3bouncer_capture_budget_bytes 0",
            "s3bouncer_capture_in_use_bytes 0",
            "s3bouncer_spool_in_use_bytes 0",
            "s3bouncer_spool_max_bytes 0",
            "s3bouncer_decode_jobs_total 1",
            "s3bouncer_decode_seconds_count 0",
            "s3bouncer_decode_in_use 0",
            "s3bouncer_decode_workers 0",
            "s3bouncer_decode_waited_total 0",
            "s3bouncer_decode_busy_total 0",
            r#"s3bouncer_decode_killed_total{reason="memory"} 1"#,
            r#"s3bouncer_decode_killed_total{reason="crash"} 0"#,
            r#"s3bouncer_build_info{version="1.2.3"} 1"#,
        ];
        for line in lines {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn every_sample_belongs_to_a_known_name() {
        let text = exposed(&used());
        let kinds = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
        assert_eq!(kinds, 31, "{text}");
        assert!(text.lines().all(|line| line.starts_with('#') || line.starts_with("s3bouncer_")));
    }

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let meters = Meters::new();
        Unjudged::ALL.into_iter().for_each(|reason| meters.count_unjudged(reason));
        let text = exposed(&meters);
        for reason in Unjudged::ALL {
            let line = format!("s3bouncer_unjudged_total{{reason=\"{reason}\"}} 1");
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }

    #[test]
    fn a_list_that_no_longer_serves_is_forgotten() {
        let meters = used();
        meters.set_lists([(&Arc::from("other"), 1, Duration::ZERO)]);
        let text = exposed(&meters);
        assert!(text.contains(r#"list="other""#) && !text.contains(r#"list="police""#));
    }
}
