//! The private PostgreSQL and Redis in the data directory: what runs without any settings.
//!
//! They are children of this program: started with it, restarted when they die, stopped with it,
//! and told by the kernel to stop when it is killed. What a crash left behind is healed at the
//! next start, which is safe because a lock on the directory keeps a second program out.

mod directory;
mod postgres;
mod redis;
mod service;

use std::path::{Path, PathBuf};

use crate::config::{Settings, Storage};
use directory::DataDir;
use service::Service;

pub use directory::{Connections, Owner};
pub(crate) use postgres::{major_version, places_of};

/// Why the private servers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Another program has the directory.
    #[error(
        "the data directory {directory} is in use by {owner}; stop it first, or start the dashboard beside a running \
         collector with --set server.collector=separate"
    )]
    InUse {
        /// Which directory.
        directory: PathBuf,
        /// Name and process id.
        owner: String,
    },
    /// The directory cannot be made or written to.
    #[error(
        "the data directory {directory} cannot be used: {source}; correct its permissions or choose another with --data-dir"
    )]
    Directory {
        /// Which directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The user that the servers run as cannot reach the directory.
    #[error(
        "the user {user}, whom the private servers run as, may not enter {blocked}; choose another directory with \
         --data-dir or allow it with: chmod o+x {blocked}"
    )]
    Untraversable {
        /// Who.
        user: String,
        /// The parent directory that is closed.
        blocked: PathBuf,
    },
    /// Too little room to start a database.
    #[error(
        "the disk of {directory} has {available_mib} MiB left and a private PostgreSQL needs {needed_mib} MiB; free some \
         or choose another with --data-dir"
    )]
    DiskFull {
        /// Where.
        directory: PathBuf,
        /// Left.
        available_mib: u64,
        /// Needed.
        needed_mib: u64,
    },
    /// There is no directory to put them in by default.
    #[error("there is no home directory to keep data in; name one with --data-dir")]
    NoHome,
    /// The user that the servers should run as does not exist.
    #[error(
        "there is no user {user} on this machine, and PostgreSQL refuses to run as root; name another with --set storage.service_user=NAME"
    )]
    NoUser {
        /// Who is missing.
        user: String,
    },
    /// No usable PostgreSQL binaries.
    #[error(
        "no PostgreSQL 14 or later is installed here (no initdb in {searched}); install the package postgresql or set DATABASE_URL to use a server elsewhere"
    )]
    NoPostgres {
        /// Where it was looked for.
        searched: String,
    },
    /// The data was written by another major version.
    #[error(
        "{directory} was written by PostgreSQL {wanted}, which is not installed here; install postgresql-{wanted} or choose another directory with --data-dir"
    )]
    OtherVersion {
        /// The cluster.
        directory: PathBuf,
        /// Its major version.
        wanted: u32,
    },
    /// A server did not come up.
    #[error("the private {name} did not start: {reason}; its log is {log}")]
    Failed {
        /// Which.
        name: &'static str,
        /// The last thing it said.
        reason: String,
        /// The whole of it.
        log: PathBuf,
    },
}

/// The running private servers, and the lock on their directory.
#[derive(Debug)]
pub struct Embedded {
    postgres: Option<Service>,
    redis: Option<Service>,
    connections: Connections,
    /// Of which settings they are.
    purpose: Purpose,
    /// Held until the servers are gone.
    directory: DataDir,
}

/// What of the settings says where the private servers are, and which.
#[derive(Debug, PartialEq, Eq)]
struct Purpose {
    data_dir: PathBuf,
    /// Where there are any.
    service_user: Option<String>,
    postgres: bool,
    redis: bool,
}

impl Purpose {
    fn of(settings: &Settings) -> Result<Self, EmbeddedError> {
        let postgres = settings.database.url.expose().is_none();
        let redis = settings.redis.enabled && settings.redis.url.expose().is_none();
        let service_user = (postgres || redis).then(|| settings.storage.service_user.clone());
        Ok(Self { data_dir: data_dir(&settings.storage)?, service_user, postgres, redis })
    }
}

impl Embedded {
    /// Locks the data directory and starts what the settings give no URL for.
    ///
    /// # Errors
    ///
    /// See [`EmbeddedError`]. Whatever was started or made anew is gone again then. A Redis that
    /// is not installed or does not start is no error: [`Connections::redis_url`] is `None` then.
    pub async fn start(settings: &Settings) -> Result<Self, EmbeddedError> {
        let purpose = Purpose::of(settings)?;
        let directory = DataDir::open(&purpose.data_dir, purpose.service_user.as_deref())?;
        let mut embedded =
            Self { postgres: None, redis: None, connections: directory.connections(settings), purpose, directory };
        match embedded.start_servers(settings).await {
            Ok(()) => Ok(embedded),
            Err(error) => {
                embedded.stop_servers().await;
                embedded.directory.remove_if_new();
                Err(error)
            }
        }
    }

    /// The servers by these settings, where `running` are by those of before: the same ones, if they are what these
    /// settings ask for.
    ///
    /// # Errors
    ///
    /// See [`Self::start`]; none of them runs then.
    pub(crate) async fn go_on(running: Option<Self>, settings: &Settings) -> Result<Self, EmbeddedError> {
        let Some(mut running) = running else { return Self::start(settings).await };
        if !Purpose::of(settings).is_ok_and(|purpose| purpose == running.purpose) {
            running.stop().await;
            return Self::start(settings).await;
        }
        let given = running.directory.connections(settings);
        let before = std::mem::replace(&mut running.connections, given);
        if running.postgres.is_some() {
            running.connections.database_url = before.database_url;
        }
        if running.redis.is_some() {
            running.connections.redis_url = before.redis_url;
        }
        match running.directory.write_connections(&running.connections) {
            Ok(()) => Ok(running),
            Err(error) => {
                running.stop().await;
                Err(error)
            }
        }
    }

    /// Once a start has succeeded the directory stays, whatever fails later.
    pub(crate) fn keep_directory(&mut self) {
        self.directory.keep();
    }

    async fn start_servers(&mut self, settings: &Settings) -> Result<(), EmbeddedError> {
        if settings.database.url.expose().is_none() {
            let (service, url) = postgres::start(&self.directory).await?;
            self.postgres = Some(service);
            self.connections.database_url = Some(url);
        }
        if settings.redis.enabled && settings.redis.url.expose().is_none() {
            match redis::start(&self.directory).await {
                Ok(Some((service, url))) => {
                    self.redis = Some(service);
                    self.connections.redis_url = Some(url);
                }
                Ok(None) => tracing::warn!(
                    "no redis-server is installed here: running without Redis (install the package redis-server, or set \
                     REDIS_URL)"
                ),
                Err(error) => tracing::warn!(%error, "running without Redis"),
            }
        }
        self.directory.write_connections(&self.connections)
    }

    /// URLs of the stores in use, the private ones and those from the settings.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Stops the servers, PostgreSQL with a checkpoint, and gives the directory free.
    pub async fn stop(mut self) {
        self.stop_servers().await;
    }

    /// Stops the servers and removes the directory if it was made by this start, which failed.
    pub async fn abandon(mut self) {
        self.stop_servers().await;
        self.directory.remove_if_new();
    }

    async fn stop_servers(&mut self) {
        if let Some(redis) = self.redis.take() {
            redis.stop().await;
        }
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await;
        }
        self.directory.forget_connections();
        self.directory.remove_outer_sockets();
    }
}

/// The data directory that these settings mean.
///
/// # Errors
///
/// [`EmbeddedError::NoHome`] for an ordinary user without `HOME` who names none.
pub fn data_dir(storage: &Storage) -> Result<PathBuf, EmbeddedError> {
    if !storage.data_dir.as_os_str().is_empty() {
        return Ok(std::path::absolute(&storage.data_dir).unwrap_or_else(|_| storage.data_dir.clone()));
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/recipe-monitoring"));
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let share = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
    Ok(share.ok_or(EmbeddedError::NoHome)?.join("recipe-monitoring"))
}

/// The URLs of the installation that is running on the data directory; `None` when none is.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn running(storage: &Storage) -> Result<Option<Connections>, EmbeddedError> {
    directory::read_connections(&data_dir(storage)?)
}

/// Where samples wait that are not yet in PostgreSQL, in the data directory.
///
/// # Errors
///
/// [`EmbeddedError::NoHome`]
pub fn spool_dir(storage: &Storage) -> Result<PathBuf, EmbeddedError> {
    Ok(data_dir(storage)?.join("spool"))
}

/// The program that has the data directory; `None` when none has.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn owner(storage: &Storage) -> Result<Option<Owner>, EmbeddedError> {
    directory::read_owner(&data_dir(storage)?)
}

/// The data directory, kept from every other program for as long as this lives.
#[derive(Debug)]
pub struct Hold {
    _directory: DataDir,
}

/// Locks the data directory, to work on what lies there without starting anything.
///
/// # Errors
///
/// [`EmbeddedError::InUse`] where a program runs on it, or when it cannot be used.
pub fn hold(storage: &Storage) -> Result<Hold, EmbeddedError> {
    Ok(Hold { _directory: DataDir::open(&data_dir(storage)?, None)? })
}

/// Bytes that an ordinary process may still write on the disk of `path`.
pub(crate) fn available_bytes(path: &Path) -> std::io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
