//! Backups: a directory each, with what `pg_dump` writes, the keys that Redis has of ours, and a
//! manifest. It appears under its name when it is whole, and not before.
//!
//! ```text
//! backups/                                    backup.directory
//!   .lock                                     held by the program that makes one
//!   .recipe-monitoring-20261127T033000Z.new   one that is not whole; gone with the next run
//!   recipe-monitoring-20261126T033000Z/
//!     postgresql.dump                         pg_dump's custom format, for pg_restore
//!     redis.json                              each key as DUMP answers it, with the end of its time
//!     manifest.json                           versions, rows of each table, sizes and SHA-256 of the files
//! ```
//!
//! A directory and not one archive, so that `pg_restore` and `sha256sum` work on it without us.

mod keep;
mod make;
mod manifest;
mod place;
mod programs;
mod restore;
mod state;

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::cache::Cache;
use crate::config::{Backup, Daily, Settings};
use crate::embedded::{self, EmbeddedError};
use crate::store::{Store, StoreError};

pub use make::Made;
pub use manifest::{BackupResult, CopiedKeys, DumpedDatabase, FileSum, Manifest};
pub use place::{Found, Place};
pub use restore::{Restored, Restoring};
pub(crate) use state::Looking;
pub use state::{BackupState, Failed, Newest, POINTS, remember_failure};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The directory cannot be made or written to.
    #[error(
        "the directory of backups {} cannot be used: {source}; correct its permissions or choose another by the setting backup.directory", .directory.display()
    )]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no data directory for it to lie in.
    #[error(transparent)]
    DataDir(#[from] EmbeddedError),
    /// Another program makes one.
    #[error("a backup is being made in {} by process {owner}; wait for its end", .directory.display())]
    Busy {
        /// Where.
        directory: PathBuf,
        /// By whom.
        owner: String,
    },
    /// It would leave too little room to those who share the disk.
    #[error(
        "the disk of {} has {available_mib} MiB left and a backup needs {needed_mib} MiB, with what is left to others; free some or choose another disk by the setting backup.directory", .directory.display()
    )]
    DiskFull {
        /// Where.
        directory: PathBuf,
        /// Left.
        available_mib: u64,
        /// Needed.
        needed_mib: u64,
    },
    /// It could not be written.
    #[error(
        "the backup could not be written to {}: {source}; nothing of it is left: free some room or choose another place by the setting backup.directory", .directory.display()
    )]
    Write {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// PostgreSQL's programs are not installed, or too old.
    #[error(
        "this needs {program} of PostgreSQL {wanted} or later, and {found} (looked in {searched}); install postgresql-client-{wanted} or name its directory by the setting backup.programs"
    )]
    NoPrograms {
        /// What is missing.
        program: &'static str,
        /// Its oldest major version that would do.
        wanted: u32,
        /// What there is.
        found: String,
        /// Where it was looked for.
        searched: String,
    },
    /// One of them failed.
    #[error("{program} failed: {reason}; nothing was changed")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        reason: String,
    },
    /// It took too long.
    #[error(
        "the backup was not whole within {0:?} and was given up; see pg_stat_activity for what holds it up, or raise schedule.backup_limit"
    )]
    TooLong(Duration),
    /// PostgreSQL.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is none of this name.
    #[error("{} is no backup: it has no manifest.json; see recipe-monitoring-collector backup list", .path.display())]
    NoBackup {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// There is none at all.
    #[error("there is no backup in {}; make one with recipe-monitoring-collector backup, or name one by its path", .directory.display())]
    None {
        /// Where one was looked for.
        directory: PathBuf,
    },
    /// It is not what it was.
    #[error("the backup {} is damaged: {reason}; use another one", .backup.display())]
    Damaged {
        /// Which.
        backup: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A later version made it.
    #[error("the backup {} is of a later version of this program ({what}); restore it with that one", .backup.display())]
    Newer {
        /// Which.
        backup: PathBuf,
        /// Of which it is.
        what: String,
    },
    /// There is something already.
    #[error(
        "the database at {target} has rows in {table}; to have the backup in the place of all that the monitoring has there, add --replace"
    )]
    Filled {
        /// Where.
        target: String,
        /// A table that has rows.
        table: String,
    },
    /// A collector works on it.
    #[error("a collector on {host} works on the database; stop it first, and start it again after the restore")]
    InUse {
        /// Where it runs.
        host: String,
    },
    /// It would not be found there.
    #[error(
        "the backup is of the schema {wanted}, and without a name tables are looked for in {found} there; set the role's search_path to {wanted}"
    )]
    OtherSchema {
        /// Of the backup.
        wanted: String,
        /// Of the database.
        found: String,
    },
}

/// What makes backups. Clones make them of and to the same.
#[derive(Clone, Debug)]
pub struct Backups {
    store: Store,
    /// `None` where it runs without Redis.
    cache: Option<Cache>,
    place: Place,
    /// Users and API tokens.
    access: PathBuf,
    policy: Backup,
    zone: TimeZone,
    host: String,
    limit: Duration,
}

impl Backups {
    /// Of `store` and `cache`, by these settings.
    ///
    /// # Errors
    ///
    /// [`BackupError::DataDir`]
    pub fn new(store: Store, cache: Option<Cache>, settings: &Settings, host: &str) -> Result<Self, BackupError> {
        Ok(Self {
            store,
            cache,
            place: Place::of(settings)?,
            access: embedded::data_dir(&settings.storage)?.join(manifest::ACCESS),
            policy: settings.backup.clone(),
            zone: settings.schedule.zone(),
            host: host.to_owned(),
            limit: settings.schedule.backup_limit,
        })
    }

    /// The same, to another directory.
    #[must_use]
    pub fn to(self, directory: PathBuf) -> Self {
        Self { place: Place::at(directory), ..self }
    }
}

/// Whether one is made every day with these settings.
#[must_use]
pub fn is_daily(settings: &Settings) -> bool {
    match settings.backup.schedule {
        Daily::On => true,
        Daily::Off => false,
        Daily::Auto => settings.database.url.expose().is_none(),
    }
}

impl Place {
    /// Where these settings put them.
    ///
    /// # Errors
    ///
    /// [`BackupError::DataDir`]
    pub fn of(settings: &Settings) -> Result<Self, BackupError> {
        let set = &settings.backup.directory;
        Ok(match set.as_os_str().is_empty() {
            true => Self::at(embedded::data_dir(&settings.storage)?.join("backups")),
            false => Self::at(std::path::absolute(set).unwrap_or_else(|_| set.clone())),
        })
    }
}
