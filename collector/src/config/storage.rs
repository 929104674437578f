//! The data directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[storage]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Where the private PostgreSQL and Redis live. Empty: `/var/lib/recipe-monitoring` for root,
    /// `$XDG_DATA_HOME/recipe-monitoring` or `~/.local/share/recipe-monitoring` for others.
    pub data_dir: PathBuf,
    /// The user that the private PostgreSQL and Redis run as when the program is root.
    pub service_user: String,
    /// Samples kept in memory while PostgreSQL is away; past it the oldest are given up, counted.
    pub buffer_samples: usize,
}

impl Default for Storage {
    fn default() -> Self {
        // A day of samples every ten seconds.
        Self { data_dir: PathBuf::new(), service_user: "postgres".to_owned(), buffer_samples: 8_640 }
    }
}
