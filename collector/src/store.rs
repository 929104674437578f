//! PostgreSQL. Every SQL statement of the product is in this module's files; no caller sees a
//! row or a database error.

mod activity;
mod address;
mod alerts;
mod annotations;
mod audit;
mod backup;
mod business;
mod check;
pub(crate) mod condition;
mod database;
mod intervals;
mod link;
mod literals;
mod notify;
mod pool;
mod probe;
mod range;
mod replay;
mod retention;
mod rollups;
mod samples;
mod schema;
mod snapshots;
mod tables;
mod tellers;
mod turn;

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tokio::sync::watch;

use crate::config::Database;

pub use address::Address;
pub use alerts::AlertQuery;
pub use annotations::{AnnotationQuery, Marked};
pub(crate) use backup::{Frozen, LAST_WORDS, STATE_SCHEMA, Target, comparison, is_ours, newest_migration};
pub(crate) use business::{CountQuery, Left};
pub use check::{CheckError, Trial};
pub(crate) use database::{Looker, Numbers, nothing};
use link::Link;
pub(crate) use pool::Pool;
pub(crate) use probe::StoreProbe;
pub(crate) use range::{SavedRange, Step, Steps};
pub use replay::Moment;
pub use retention::Partitioned;
pub use rollups::Aggregated;
pub use samples::Saved;
pub use schema::{Object, SchemaError};
pub use tables::OwnTable;
pub use turn::{JobRun, Right, Turn};

/// `server_version_num` of the oldest PostgreSQL that can be used.
const OLDEST_VERSION: u32 = 14_00_00;

/// Why PostgreSQL could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `DATABASE_URL` is not a URL of PostgreSQL.
    #[error("setting database.url is not valid: {0}; use the form postgres://user:password@host:5432/database")]
    Url(String),
    /// Nothing answers there.
    #[error(
        "PostgreSQL at {target} does not answer: {reason}; check that it runs and that DATABASE_URL names its host and port"
    )]
    Unreachable {
        /// Host, port, database and user, without the password.
        target: String,
        /// What happened.
        reason: String,
    },
    /// It does not prove by TLS that it is who it should be.
    #[error(
        "PostgreSQL at {target} and this program do not agree on TLS: {reason}; name its authority's certificate in DATABASE_URL by sslrootcert=/path/ca.pem and the server as its certificate does, or where you trust the network write sslmode=require"
    )]
    Tls {
        /// Host, port, database and user, without the password.
        target: String,
        /// What was wrong.
        reason: String,
    },
    /// It answers and does not let us in.
    #[error(
        "PostgreSQL at {target} refuses the log-in: {reason}; check the user and password in DATABASE_URL and the server's pg_hba.conf"
    )]
    Refused {
        /// Host, port, database and user, without the password.
        target: String,
        /// What the server said.
        reason: String,
    },
    /// There is no such database.
    #[error("PostgreSQL at {target} has no such database; make it with: createdb {database}")]
    NoDatabase {
        /// Host, port, database and user, without the password.
        target: String,
        /// The one asked for.
        database: String,
    },
    /// Older than what the schema needs.
    #[error(
        "PostgreSQL at {target} is version {version}; version 14 or later is needed: upgrade it, or unset DATABASE_URL to use a private one"
    )]
    TooOld {
        /// Host, port, database and user, without the password.
        target: String,
        /// Its version.
        version: String,
    },
    /// A pooler between us and the server changes the server connection within ours.
    #[error(
        "DATABASE_URL leads to a pooler at {target} that hands each transaction to another connection, which cannot carry LISTEN and prepared statements: use PostgreSQL's own port, or a pool with pool_mode = session"
    )]
    Pooler {
        /// Host, port, database and user, without the password.
        target: String,
    },
    /// The role may not bring the schema up to date.
    #[error(
        "the tables could not be brought up to date, for the role {role} lacks rights in the database {database}; an administrator can give them there with: {}", .statements.join(" ")
    )]
    Rights {
        /// Who.
        role: String,
        /// Where.
        database: String,
        /// SQL statements that give them.
        statements: Vec<String>,
    },
    /// The schema could not be brought up to date.
    #[error("the tables could not be brought up to date: {0}; see the server's log, nothing was changed")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// It has not answered since the start, which went on without it.
    #[error("PostgreSQL has not answered since the start; what is sampled waits on disk until it does")]
    Away,
    /// Another collector has taken over the scheduled work.
    #[error("another collector has taken over the scheduled work; nothing was done")]
    LostLease,
    /// Somebody else's transaction is open.
    #[error(
        "another transaction holds what this needs; see who is 'idle in transaction' in pg_stat_activity, end that, and try again"
    )]
    Locked,
    /// A transaction was taken back because it took too long.
    #[error(
        "no answer within {0:?}, and nothing was done; see pg_stat_activity for what holds it up, or raise schedule.job_limit"
    )]
    TooLong(Duration),
    /// A statement failed.
    #[error("PostgreSQL could not do this: {0}")]
    Query(#[from] sqlx::Error),
}

/// The history.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    connect_timeout: Duration,
    /// Whether the server was checked, and may be written to.
    is_open: watch::Sender<bool>,
}

impl StoreError {
    /// Whether it may pass without anybody changing a setting.
    pub(crate) fn may_pass(&self) -> bool {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match self {
            Self::Unreachable { .. } | Self::Tls { .. } | Self::Locked => true,
            // Gone in the middle of it.
            Self::Migration(Execute(error) | ExecuteMigration(error, _)) => error.as_database_error().is_none(),
            _ => false,
        }
    }
}

impl Store {
    /// Connects, checks the server's version and brings the tables up to date.
    ///
    /// # Errors
    ///
    /// Each variant of [`StoreError`] but `Query` and `TooLong` has its cause here.
    pub async fn open(url: &str, settings: &Database) -> Result<Self, StoreError> {
        let store = Self::connect(url, settings).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Connects and checks the server's version.
    ///
    /// # Errors
    ///
    /// Each variant of [`StoreError`] but `Query` and `Migration` has its cause here.
    pub async fn connect(url: &str, settings: &Database) -> Result<Self, StoreError> {
        // Before there is a pool, which would try by itself.
        check_server(&options(url)?, settings.connect_timeout).await?;
        let store = Self::closed(url, settings)?;
        store.is_open.send_replace(true);
        Ok(store)
    }

    /// A history that nobody has asked yet whether it answers; see [`Store::try_open`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Url`]
    pub(crate) fn closed(url: &str, settings: &Database) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .min_connections(settings.pool_min)
            .max_connections(settings.pool_max)
            .idle_timeout(settings.idle_timeout)
            .acquire_timeout(settings.connect_timeout)
            .after_connect(|connection, _| Box::pin(notice_our_death(connection)))
            .connect_lazy_with(options(url)?);
        Ok(Self {
            pool: Pool::new(pool),
            connect_timeout: settings.connect_timeout,
            is_open: watch::Sender::new(false),
        })
    }

    /// Checks the server and brings the tables up to date: from then on there is a history.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub(crate) async fn try_open(&self) -> Result<(), StoreError> {
        check_server(&self.pool.connect_options(), self.connect_timeout).await?;
        self.migrate().await?;
        self.is_open.send_replace(true);
        Ok(())
    }

    /// Whether there is a history to read and write.
    pub(crate) fn is_open(&self) -> bool {
        *self.is_open.borrow()
    }

    /// Waits until there is a history to read and write.
    pub(crate) async fn opened(&self) {
        // The sender lives as long as this store.
        let _ = self.is_open.subscribe().wait_for(|is_open| *is_open).await;
    }

    /// Where it is: host, port, database and user, without the password.
    pub(crate) fn target(&self) -> String {
        target(&self.pool.connect_options())
    }

    /// The [`Store::target`] of the history at `url`.
    pub(crate) fn target_of(url: &str) -> Result<String, StoreError> {
        Ok(target(&options(url)?))
    }

    /// Brings the tables up to date; harmless when they are. Programs that start at the same time
    /// wait for each other.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rights`], [`StoreError::Locked`] or [`StoreError::Migration`]; nothing was changed
    /// by the migration that failed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let Err(error) = schema::migrations().run(&*self.pool).await else { return Ok(()) };
        if let Err(SchemaError::Rights { role, database, statements }) = self.check_rights().await {
            return Err(StoreError::Rights { role, database, statements });
        }
        let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = &error else {
            return Err(StoreError::Migration(error));
        };
        let code = cause.as_database_error().and_then(|answer| answer.code());
        Err(if code.as_deref() == Some("55P03") { StoreError::Locked } else { StoreError::Migration(error) })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The parts of a URL. sqlx itself would take one of anything for one of PostgreSQL.
fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(StoreError::Url("it does not begin with postgres://".to_owned()));
    }
    PgConnectOptions::from_str(url).map_err(|error| StoreError::Url(error.to_string()))
}

pub(crate) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let mut options = parse(url)?.application_name("recipe-monitoring").disable_statement_logging();
    // Off this machine the server has to prove who it is, unless the URL asks for less.
    let local =
        options.get_socket().is_some() || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
    let asked =
        ["sslmode=", "ssl-mode="].iter().any(|name| url.contains(name)) || std::env::var_os("PGSSLMODE").is_some();
    if !local && !asked {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(options)
}

async fn check_server(options: &PgConnectOptions, timeout: Duration) -> Result<(), StoreError> {
    let target = target(options);
    let unreachable = |reason: String| StoreError::Unreachable { target: target.clone(), reason };
    let connection = tokio::time::timeout(timeout, options.connect())
        .await
        .map_err(|_| unreachable(format!("no answer within {timeout:?}")))?
        .map_err(|error| classify(error, options))?;
    let version = connection.server_version_num().unwrap_or(0);
    let pooled = is_pooled(connection, options, timeout).await;
    if version < OLDEST_VERSION {
        let version = format!("{}.{}", version / 10_000, version % 100);
        return Err(StoreError::TooOld { target, version });
    }
    if pooled {
        return Err(StoreError::Pooler { target });
    }
    Ok(())
}

/// Whether two connections that are open at once are served by one and the same server process, or
/// one by several: then a pooler deals out transactions. Asked by the simple protocol, which every
/// pooler carries. No answer is none: what comes next will say why.
async fn is_pooled(mut first: PgConnection, options: &PgConnectOptions, timeout: Duration) -> bool {
    let ask = async {
        let mut second = options.connect().await?;
        let mut pids = [BTreeSet::new(), BTreeSet::new()];
        for _ in 0..3 {
            for (connection, pids) in [&mut first, &mut second].into_iter().zip(&mut pids) {
                let row = sqlx::raw_sql("SELECT pg_backend_pid()::text AS pid").fetch_one(connection).await?;
                pids.insert(row.try_get::<String, _>("pid")?);
            }
        }
        second.close().await?;
        Ok::<_, sqlx::Error>(pids[0].len() > 1 || pids[1].len() > 1 || pids[0] == pids[1])
    };
    let pooled = tokio::time::timeout(timeout, ask).await.is_ok_and(|pooled| pooled.unwrap_or(false));
    let _ = first.close().await;
    pooled
}

/// Has the server find out soon that we are gone without a word, so that nothing stays locked.
async fn notice_our_death(connection: &mut PgConnection) -> sqlx::Result<()> {
    let keepalives = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
    sqlx::raw_sql(keepalives).execute(&mut *connection).await?;
    // Also while it is at a statement, which not every system's server can see.
    let _ = sqlx::raw_sql("SET client_connection_check_interval = '5s'").execute(connection).await;
    Ok(())
}

/// Where a URL leads, without its password.
fn target(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{host} (database {}, user {})", database(options), options.get_username())
}

fn database(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or_else(|| options.get_username())
}

fn classify(error: sqlx::Error, options: &PgConnectOptions) -> StoreError {
    let target = target(options);
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    let reason = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    match &*code {
        "28P01" | "28000" => StoreError::Refused { target, reason },
        "3D000" => StoreError::NoDatabase { target, database: database(options).to_owned() },
        // sqlx has what rustls says of a certificate as an error of input and output.
        _ if matches!(error, sqlx::Error::Tls(_)) || reason.contains("certificate") => {
            StoreError::Tls { target, reason }
        }
        _ => StoreError::Unreachable { target, reason },
    }
}
