//! Logging: one subscriber, text or JSON, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging. `filter` is a `tracing` filter such as `info` or `slofuse=debug,warn`; one that
/// cannot be read is an error.
///
/// # Errors
///
/// With the text of the filter that was refused.
pub fn init_logging(format: LogFormat, filter: &str, colours: bool) -> Result<(), String> {
    let refused = |error| format!("reading the log filter {filter:?}: {error}");
    let filter = EnvFilter::try_new(filter).map_err(refused)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let installed = match format {
        LogFormat::Text => builder.with_ansi(colours).with_target(false).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_target(false)
            .try_init(),
    };
    installed.map_err(|error| format!("starting the log: {error}"))
}
