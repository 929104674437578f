//! How a wrong setting is refused: by key, value, origin and remedy.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::time::Duration;

/// Where each setting was set.
pub(super) type Origins = BTreeMap<String, Origin>;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A settings file.
    File(PathBuf),
    /// An environment variable, or one of `.env`.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was asked for cannot be read.
    #[error("{path} cannot be read: {source}; correct the path or its permissions")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what its format asks for.
    #[error("{path} is not valid: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// What and where.
        reason: String,
    },
    /// A file with passwords that others may read.
    #[error("{path} holds passwords and can be read by others (mode {mode:04o}); close it to them with: {command}")]
    TooOpen {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
        /// What closes it.
        command: String,
    },
    /// There is no such setting.
    #[error("unknown setting {key} = {value} in {origin}; the nearest known one is {nearest}")]
    Unknown {
        /// What was set.
        key: String,
        /// To what.
        value: String,
        /// Where.
        origin: Origin,
        /// The known key most like it.
        nearest: String,
    },
    /// A value of the wrong type or out of its range.
    #[error("setting {key} = {value}{} is not valid: {remedy}", in_origin(.origin.as_ref()))]
    Invalid {
        /// Which setting.
        key: String,
        /// Its value.
        value: String,
        /// Where it was set; `None` for a default.
        origin: Option<Origin>,
        /// What would be valid.
        remedy: String,
    },
}

impl ConfigError {
    /// The setting that is wrong; `None` where a whole file is.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Unknown { key, .. } | Self::Invalid { key, .. } => Some(key),
            Self::Unreadable { .. } | Self::Syntax { .. } | Self::TooOpen { .. } => None,
        }
    }
}

fn in_origin(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!(" in {origin}")).unwrap_or_default()
}

/// A value that a section's own check refuses; becomes [`ConfigError::Invalid`].
#[derive(Debug)]
pub(super) struct Invalid {
    key: &'static str,
    value: String,
    remedy: String,
}

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.key, self.value, self.remedy)
    }
}

impl Invalid {
    pub(super) fn new(key: &'static str, value: impl Display, remedy: impl Into<String>) -> Self {
        Self { key, value: value.to_string(), remedy: remedy.into() }
    }

    pub(super) fn unless_between(key: &'static str, value: Duration, least: u64, most: u64) -> Result<(), Self> {
        if (Duration::from_secs(least)..=Duration::from_secs(most)).contains(&value) {
            return Ok(());
        }
        Err(Self::new(key, format_args!("{value:?}"), format!("use something from {least}s to {most}s")))
    }

    pub(super) fn refused(self, origins: &Origins) -> ConfigError {
        let origin = origins.get(self.key).cloned();
        ConfigError::Invalid { key: self.key.to_owned(), value: self.value, origin, remedy: self.remedy }
    }
}
