//! The program's own log, set up once at start.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Log, LogFormat};

/// Starts logging to standard error: text on a terminal, JSON otherwise, unless set.
///
/// # Errors
///
/// [`ConfigError::Invalid`] when the filter is not one.
pub fn start(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| ConfigError::Invalid {
        key: "log.filter".to_owned(),
        value: log.filter.clone(),
        origin: None,
        remedy: format!("{error}; use a level such as info or debug, or info,collector=debug"),
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let text = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A second start, as in tests, leaves the first in place.
    let _ = if text {
        registry.with(lines.with_target(false)).try_init()
    } else {
        registry.with(lines.json().flatten_event(true)).try_init()
    };
    Ok(())
}
