//! The program's own log, set up once at start. What is filtered may be another later; the newest warnings and errors
//! are kept for those who look after the program.

mod newest;

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{ConfigError, Log, LogFormat};

pub use newest::{LogLine, newest};

/// What is filtered now.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging to standard error: text on a terminal, JSON otherwise, unless set.
///
/// # Errors
///
/// [`ConfigError::Invalid`] when the filter is not one.
pub fn start(log: &Log) -> Result<(), ConfigError> {
    let (filter, handle) = reload::Layer::new(log.parsed()?);
    let registry = tracing_subscriber::registry().with(filter).with(newest::Newest);
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let text = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A second start, as in tests, leaves the first in place.
    let begun = if text {
        registry.with(lines.with_target(false)).try_init()
    } else {
        registry.with(lines.json().flatten_event(true)).try_init()
    };
    if begun.is_ok() {
        let _ = FILTER.set(handle);
    }
    Ok(())
}

/// Filters by these settings from now on. How lines are written stays as it is.
///
/// # Errors
///
/// [`ConfigError::Invalid`] when the filter is not one; nothing has changed then.
pub(crate) fn follow(log: &Log) -> Result<(), ConfigError> {
    let filter = log.parsed()?;
    if let Some(handle) = FILTER.get()
        && let Err(error) = handle.reload(filter)
    {
        tracing::error!(%error, "the log is filtered as before");
    }
    Ok(())
}
