//! The program's log.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::error::{ConfigError, Invalid, Origins};

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is logged, in the syntax of `RUST_LOG` (which is honoured too): `info`, or
    /// `info,collector=debug`.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn".to_owned(), format: LogFormat::default() }
    }
}

impl Log {
    /// What is filtered.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] when it is no filter.
    pub(crate) fn parsed(&self) -> Result<EnvFilter, ConfigError> {
        self.filter().map_err(|invalid| invalid.refused(&Origins::new()))
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        self.filter().map(drop)
    }

    fn filter(&self) -> Result<EnvFilter, Invalid> {
        EnvFilter::try_new(&self.filter).map_err(|error| {
            let remedy = format!("{error}; use a level such as info or debug, or info,collector=debug");
            Invalid::new("log.filter", &self.filter, remedy)
        })
    }
}
