//! Counters in the text format of Prometheus.

use std::fmt::Write;

use axum::extract::State;
use axum::response::Response;

use super::{Shared, typed};
use crate::engine::{Engine, EventKind};
use crate::switchboard::Space;

/// How many rules of a space have a sample of their own; those behind them share one.
const RULES: usize = 100;

/// Counters in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, description = "Counters", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(admin): Shared) -> Response {
    let mut out = String::new();
    family(&mut out, "locmfa_failures_total", "counter", "Connections and sign-ins that failed, by kind.");
    for (kind, count) in admin.failures.counts() {
        sample(&mut out, "locmfa_failures_total", &[("kind", kind)], count);
    }
    family(&mut out, "locmfa_tls_fault_connections_total", "counter", "Connections that met a fault of TLS, by fault.");
    for (fault, count) in admin.tls_faults.hits() {
        sample(&mut out, "locmfa_tls_fault_connections_total", &[("fault", fault.word())], count);
    }
    family(&mut out, "locmfa_log_lines_lost_total", "counter", "Lines of the log that were dropped.");
    sample(&mut out, "locmfa_log_lines_lost_total", &[], admin.log_lines_lost());
    let about = "Calls, sign-ins and connections that incidents have changed, by incident, in all spaces. Calls count when they end.";
    family(&mut out, "locmfa_incident_hits_total", "counter", about);
    for (incident, hits) in admin.spaces.incident_hits() {
        sample(&mut out, "locmfa_incident_hits_total", &[("incident", &incident)], hits);
    }
    let spaces = admin.spaces.list();
    family(&mut out, "locmfa_incident_running", "gauge", "1 for each incident that runs, by space.");
    each(&spaces, |space, engine| {
        if let Some(it) = engine.incident() {
            sample(&mut out, "locmfa_incident_running", &[("space", space), ("incident", &it.name)], 1);
        }
    });
    family(&mut out, "locmfa_spaces", "gauge", "Spaces, the default one included.");
    sample(&mut out, "locmfa_spaces", &[], spaces.len() as u64);
    let about = "Calls that have ended since the start, those in dropped spaces and before resets included.";
    family(&mut out, "locmfa_calls_total", "counter", about);
    sample(&mut out, "locmfa_calls_total", &[], admin.spaces.calls());
    family(&mut out, "locmfa_events_total", "counter", "What happened, by space and kind.");
    each(&spaces, |space, engine| {
        for kind in EventKind::ALL {
            let labels = [("space", space), ("kind", kind.word())];
            sample(&mut out, "locmfa_events_total", &labels, engine.journal.count(kind));
        }
    });
    family(
        &mut out,
        "locmfa_events_forgotten_total",
        "counter",
        "What made room for what is newer, by space and kind.",
    );
    each(&spaces, |space, engine| {
        for kind in EventKind::ALL {
            let labels = [("space", space), ("kind", kind.word())];
            sample(&mut out, "locmfa_events_forgotten_total", &labels, engine.journal.evicted(kind));
        }
    });
    family(&mut out, "locmfa_rule_calls_total", "counter", "Calls that rules with names decided, by space and rule.");
    each(&spaces, |space, engine| {
        let mut rules = engine.all_rules().filter(|it| it.rule.is_named);
        for it in rules.by_ref().take(RULES) {
            sample(&mut out, "locmfa_rule_calls_total", &[("space", space), ("rule", &it.rule.name)], it.calls);
        }
        let others: u64 = rules.map(|it| it.calls).sum();
        if others > 0 {
            sample(&mut out, "locmfa_rule_calls_total", &[("space", space), ("rule", "")], others);
        }
    });
    family(&mut out, "locmfa_challenges_open", "gauge", "Challenges that are open, by space.");
    each(&spaces, |space, engine| {
        sample(&mut out, "locmfa_challenges_open", &[("space", space)], engine.challenge_count() as u64);
    });
    family(&mut out, "locmfa_users", "gauge", "Users, by space.");
    each(&spaces, |space, engine| {
        sample(&mut out, "locmfa_users", &[("space", space)], engine.directory().len() as u64)
    });
    family(&mut out, "locmfa_calls_waiting", "gauge", "Calls that wait for their answer, by space.");
    spaces.iter().for_each(|it| sample(&mut out, "locmfa_calls_waiting", &[("space", it.name())], it.waiting() as u64));
    typed("text/plain; version=0.0.4; charset=utf-8", out)
}

fn each(spaces: &[Space], mut tell: impl FnMut(&str, &Engine)) {
    spaces.iter().for_each(|it| it.update(|engine, _| tell(it.name(), engine)));
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String does not fail");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    let escaped = |it: &str| it.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    writeln!(out, "{name}{labels} {value}").expect("a String does not fail");
}
