//! Lines of the log as JSON, as tracing-subscriber has them. `docs/architecture.md` says why that one does not write them.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::text::{Escaping, push_json};

/// An object for each event: `timestamp`, `level`, the fields of the event, `target`.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // Events of the crate `log` have a target of their own.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut line = String::with_capacity(512);
        write!(line, "{{\"timestamp\":\"{}\",\"level\":\"{}\"", super::now().in_full(), metadata.level())?;
        event.record(&mut Fields(&mut line));
        line.push_str(",\"target\":");
        push_json(&mut line, metadata.target(), Escaping::Minimal);
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

struct Fields<'l>(&'l mut String);

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push(',');
        push_json(self.0, field.name(), Escaping::Minimal);
        self.0.push(':');
    }

    fn plain(&mut self, field: &Field, value: impl Debug) {
        self.name(field);
        write!(self.0, "{value:?}").expect("a String does not fail");
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        push_json(self.0, value, Escaping::Minimal);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.plain(field, value),
            false => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn lines_are_those_of_tracing_subscriber() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let lines = |subscriber: tracing::Dispatch| {
            tracing::dispatcher::with_default(&subscriber, || {
                tracing::info!(
                    user = "Zoë <\"a\\b\">\n\u{1}",
                    count = 3_u64,
                    less = -4,
                    share = 0.5,
                    done = true,
                    "text {}",
                    1
                );
                tracing::warn!(none = None::<&str>, shown = %"é", told = ?Some("x"), odd = f64::NAN);
            });
            let lines = std::mem::take(&mut *written.lock().unwrap());
            let without_time = |line: &str| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let time = line["timestamp"].take();
                assert_eq!(time.as_str().unwrap().len(), "2026-11-24T08:00:00.000000Z".len());
                line
            };
            String::from_utf8(lines).unwrap().lines().map(without_time).collect::<Vec<_>>()
        };
        let writer = || {
            let written = written.clone();
            tracing_subscriber::fmt().with_writer(move || Shared(written.clone()))
        };
        let ours = lines(writer().event_format(Json).finish().into());
        let mut theirs = lines(writer().json().flatten_event(true).finish().into());
        // No number of JSON: ours says which one it is.
        theirs[1]["odd"] = json!("NaN");
        assert_eq!(ours, theirs);
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
