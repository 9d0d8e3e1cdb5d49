//! The service's logs: files, one a day, and the Event Log for what an administrator must see.

use std::path::Path;

use anyhow::Context;
use tracing::{Level, Subscriber};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::log::{Format, Json, Log, Target};

/// The number of files that are kept.
const KEPT: usize = 14;

/// The format of the files.
#[derive(Debug)]
pub struct Style {
    pub is_json: bool,
    pub filter: EnvFilter,
}

/// Logs into the files of a folder, such as `locmfa.2026-11-24.log`; the day is that of UTC.
///
/// # Errors
/// The folder cannot be made or written.
pub fn files<S>(folder: &Path, style: Style) -> anyhow::Result<(impl Layer<S> + Send + Sync + use<S>, Log)>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let builder = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(KEPT);
    let files = builder.filename_prefix(super::NAME).filename_suffix("log").build(folder);
    let files = files
        .with_context(|| format!("cannot log into {}; check that this account may write there", folder.display()))?;
    let format = if style.is_json { Format::Json } else { Format::Text };
    // A full disk loses lines, and stops no call.
    let log = Log::start(Target::Writer(Box::new(files)), format).context("cannot start the log")?;
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone()).log_internal_errors(false);
    let layer = if style.is_json { layer.event_format(Json).boxed() } else { layer.boxed() };
    Ok((layer.with_filter(style.filter), log))
}

/// What also goes into the Event Log: every error, and when the service starts and stops.
#[must_use]
pub fn notable() -> Targets {
    Targets::new().with_default(Level::ERROR).with_target(module_path!().trim_end_matches("::log"), Level::INFO)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_is_in_the_file_of_its_day() {
        for is_json in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let logs = folder.path().join("logs");
            let (files, log) = files(&logs, Style { is_json, filter: EnvFilter::new("info") }).unwrap();
            let subscriber = tracing_subscriber::registry().with(files);
            tracing::subscriber::with_default(subscriber, || {
                tracing::info!(port = 9999, "ready");
                tracing::debug!("below the level");
            });
            log.flush(Duration::from_secs(60));
            let file = logs.read_dir().unwrap().next().unwrap().unwrap();
            let name = file.file_name().into_string().unwrap();
            assert!(name.starts_with("locmfa.20") && name.ends_with(".log"), "{name}");
            let text = std::fs::read_to_string(file.path()).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("ready") && text.contains("9999") && text.starts_with('{') == is_json, "{text}");
        }
    }

    #[test]
    fn the_event_log_has_errors_and_what_the_service_says() {
        let notable = notable();
        assert!(notable.would_enable("locmfa::service::windows", &Level::INFO));
        assert!(!notable.would_enable("locmfa::call", &Level::INFO));
        assert!(notable.would_enable("locmfa::server::service", &Level::ERROR));
    }
}
