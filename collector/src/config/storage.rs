//! The data directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[storage]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Where the private PostgreSQL and Redis live. Empty: `/var/lib/recipe-monitoring` for root,
    /// `$XDG_DATA_HOME/recipe-monitoring` or `~/.local/share/recipe-monitoring` for others.
    pub data_dir: PathBuf,
    /// The user that the private PostgreSQL and Redis run as when the program is root.
    pub service_user: String,
    /// What the spool of samples that are not yet in PostgreSQL may use on disk, in MiB; past it
    /// the oldest are given up, counted. A host's samples take about 7 MiB a day.
    pub spool_limit_mib: u64,
    /// Samples kept in memory while the spool's disk takes none; past it the oldest are given up.
    pub memory_records: usize,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::new(),
            service_user: "postgres".to_owned(),
            spool_limit_mib: 1_024,
            memory_records: 10_000,
        }
    }
}

impl Storage {
    /// What the spool may use on disk, in bytes.
    #[must_use]
    pub fn spool_limit_bytes(&self) -> u64 {
        self.spool_limit_mib.saturating_mul(1 << 20)
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.spool_limit_mib < 2 {
            return Err(Invalid::new("storage.spool_limit_mib", self.spool_limit_mib, "use at least 2"));
        }
        if self.memory_records < 1 {
            return Err(Invalid::new("storage.memory_records", self.memory_records, "use at least 1"));
        }
        Ok(())
    }
}
