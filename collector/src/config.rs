//! Settings: one struct per concern, defaults visible in each. Where they come from and how a
//! wrong one is refused is in `load`.

mod access;
mod alerts;
mod application;
mod backup;
mod business;
mod dashboard;
mod database;
mod dotenv;
mod error;
mod ingest;
mod live;
mod load;
mod log;
mod notify;
mod redis;
mod sampling;
mod schedule;
mod secret;
mod server;
mod storage;
mod system;

use serde::{Deserialize, Serialize};

pub use access::{Access, AccessMode};
pub use alerts::Alerts;
pub use application::{Application, DurationUnit, Failed, Target};
pub use backup::{Backup, Daily};
pub use business::{Business, Metric};
pub use dashboard::{Dashboard, DashboardError, OwnGraph};
pub use database::Database;
pub use dotenv::check_private;
pub use error::{ConfigError, Origin};
pub use ingest::Ingest;
pub use live::Live;
pub use load::{Flags, Sources};
pub use log::{Log, LogFormat};
pub use notify::{Language, Notify, QuietHours, Receiver, ReceiverKind, Route, Tls};
pub use redis::Redis;
pub use sampling::Sampling;
pub use schedule::Schedule;
pub use secret::Secret;
pub use server::{CollectorMode, Network, Server};
pub use storage::Storage;
pub use system::SystemSource;

/// What `--help` says about settings.
pub const HELP: &str = "\
Settings come, each over the one before, from built-in defaults, recipe-monitoring.toml, the
environment (RECIPE_MONITORING_<SECTION>__<KEY>, also from a .env file) and flags.
DATABASE_URL, REDIS_URL, REDIS_PASSWORD (or each with _FILE), LEPTOS_SITE_ADDR and RUST_LOG are
honoured. Without DATABASE_URL or REDIS_URL a private PostgreSQL or Redis runs in the data directory.
`recipe-monitoring-collector settings` prints every setting with its value.";

/// All settings of both programs.
///
/// They come, each over the one before, from the defaults here, `recipe-monitoring.toml`, the
/// environment (`RECIPE_MONITORING_<SECTION>__<KEY>`, also from a `.env` file) and flags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The dashboard's own address.
    pub server: Server,
    /// Who may.
    pub access: Access,
    /// The data directory and what lives in it.
    pub storage: Storage,
    /// PostgreSQL.
    pub database: Database,
    /// Redis.
    pub redis: Redis,
    /// How often is read.
    pub sampling: Sampling,
    /// The watched application.
    pub application: Application,
    /// What the application is for.
    pub business: Business,
    /// What the overview shows.
    pub dashboard: Dashboard,
    /// How much may be pushed.
    pub ingest: Ingest,
    /// When something is wrong.
    pub alerts: Alerts,
    /// Who is told of that.
    pub notify: Notify,
    /// When scheduled work is done.
    pub schedule: Schedule,
    /// Backups.
    pub backup: Backup,
    /// The live feed.
    pub live: Live,
    /// What of the host is read.
    pub system: SystemSource,
    /// The program's log.
    pub log: Log,
}

impl Settings {
    /// Reads the settings from `sources`.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, a key is unknown or a value is not valid: the error names
    /// the key, the value, where it comes from and the remedy.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (settings, origins) = load::load(sources)?;
        settings.check().map_err(|invalid| invalid.refused(&origins))?;
        Ok(settings)
    }

    /// The same where something is wrong: all that is, and the settings without it. Only for whoever
    /// says so.
    #[must_use]
    pub fn load_what_is_right(sources: &Sources) -> (Self, Vec<ConfigError>) {
        load::load_what_is_right(sources)
    }

    fn check(&self) -> Result<(), error::Invalid> {
        self.server.check()?;
        self.access.check(self.server.is_local())?;
        self.database.check()?;
        self.redis.check()?;
        self.live.check()?;
        self.sampling.check(&self.live)?;
        self.application.check()?;
        self.business.check()?;
        self.dashboard.verify()?;
        self.ingest.check()?;
        self.notify.check()?;
        self.schedule.check()?;
        self.backup.check()?;
        self.log.check()?;
        self.storage.check()
    }
}
