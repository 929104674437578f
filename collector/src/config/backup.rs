//! Backups of PostgreSQL and of what Redis has of ours.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[backup]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Whether one is made every day at `schedule.backup_at`: `on`, `off`, or `auto`, which is on
    /// for the private PostgreSQL, for nobody else backs that up.
    pub schedule: Daily,
    /// Where they lie; another disk is better. Empty: `backups` in the data directory.
    pub directory: PathBuf,
    /// The directory with `pg_dump`, `pg_restore` and `psql`. Empty: those that fit the server best,
    /// of all that are installed.
    pub programs: PathBuf,
    /// The newest so many are kept in any case.
    pub keep_last: u32,
    /// Of the last so many days that have one, the newest of the day.
    pub keep_daily: u32,
    /// The same of weeks.
    pub keep_weekly: u32,
    /// The same of months.
    pub keep_monthly: u32,
}

/// Whether something is done every day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Daily {
    /// Where nobody else does it.
    #[default]
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            schedule: Daily::Auto,
            directory: PathBuf::new(),
            programs: PathBuf::new(),
            keep_last: 2,
            keep_daily: 7,
            keep_weekly: 4,
            keep_monthly: 0,
        }
    }
}

impl Backup {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if !(1..=10_000).contains(&self.keep_last) {
            return Err(Invalid::new("backup.keep_last", self.keep_last, "use 1 to 10000"));
        }
        for (key, kept) in [
            ("backup.keep_daily", self.keep_daily),
            ("backup.keep_weekly", self.keep_weekly),
            ("backup.keep_monthly", self.keep_monthly),
        ] {
            if kept > 10_000 {
                return Err(Invalid::new(key, kept, "use 0 to 10000"));
            }
        }
        Ok(())
    }
}
