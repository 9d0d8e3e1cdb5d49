//! Counters in the text format of Prometheus.

use std::fmt::Write;

use axum::extract::State;
use axum::response::Response;

use super::{Shared, typed};

/// Counters in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, description = "Counters", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(admin): Shared) -> Response {
    let mut out = String::new();
    family(&mut out, "locmfa_failures_total", "counter", "Connections and sign-ins that failed, by kind.");
    for (kind, count) in admin.failures.counts() {
        sample(&mut out, "locmfa_failures_total", &[("kind", kind)], count as f64);
    }
    typed("text/plain; version=0.0.4; charset=utf-8", out)
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String does not fail");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let escaped = |it: &str| it.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    writeln!(out, "{name}{labels} {value}").expect("a String does not fail");
}
