//! What `doctor` asks PostgreSQL: whether it can be used, what of it is in the way, and what has
//! arrived in it. Nothing here changes anything; the one trial of a save is taken back.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::{PgDatabaseError, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, FromRow};
use tokio::sync::watch;
use uuid::Uuid;

use super::database::missing_lines;
use super::pool::Pool;
use super::probe::failure;
use super::{OLDEST_VERSION, Store, StoreError, is_pooled, options, target};
use crate::PartFault;
use crate::failure::Failure;
use crate::sample::HOST_LABEL;

/// `metric_name` of the trial's row, which nobody ever sees.
const NAME: &str = "recipe_monitoring_doctor";
/// The trial waits for nobody: the collector does not either.
const TRIAL_LIMITS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'";
/// A sample that is further in the future is none of a clock that is slightly off.
const FUTURE: &str = "INTERVAL '60 seconds'";
/// Sampling intervals that are looked at for a second collector.
const INTERVALS: i32 = 30;

/// Why PostgreSQL cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The URL is none.
    Url(StoreError),
    /// It cannot be reached, or lets nobody in.
    Failure(Failure),
    /// No line of `pg_hba.conf` lets us in, or one rejects us.
    HostRules(String),
    /// The role is not there, or may not log in.
    Role(String),
    /// A log-in by another way than a password, such as the system's user, is refused.
    Identity(String),
    /// The role may not connect to this database.
    Connect(String),
    /// Older than what the tables need.
    TooOld(String),
    /// It hands each transaction to another connection.
    Pooler,
}

/// What PostgreSQL is.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Condition {
    /// Such as `15.18`.
    pub(crate) version: String,
    /// The role, as it is written in SQL.
    pub(crate) role: String,
    /// The database, as it is written in SQL.
    pub(crate) database: String,
    pub(crate) is_standby: bool,
    pub(crate) is_read_only: bool,
    /// Where it was made read-only: as in `pg_settings.source`.
    pub(crate) read_only_source: String,
    pub(crate) is_monitor: bool,
    /// Where its data is; `None` where the role may not see that.
    pub(crate) data_directory: Option<String>,
    pub(crate) connections: i64,
    /// Those that are not kept for superusers.
    pub(crate) max_connections: i64,
}

/// What has arrived of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Newest {
    /// `system_metrics`, or of `metrics_raw` the kind.
    pub(crate) kind: &'static str,
    /// The newest row's time; `None` where there is none.
    pub(crate) at: Option<Timestamp>,
}

/// Samples that were taken later than now.
#[derive(Clone, Debug)]
pub(crate) struct Future {
    /// By whom.
    pub(crate) host: String,
    /// The latest of them.
    pub(crate) at: Timestamp,
}

/// Somebody whose lock one of our connections waits for.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Blocker {
    pub(crate) pid: i32,
    pub(crate) user: String,
    /// `None` where the role may not see it.
    pub(crate) state: Option<String>,
    /// Of its transaction. See `state`.
    pub(crate) seconds: Option<f64>,
}

/// Why a save was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// As in <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refused {
    /// Whether it waited in vain for a transaction of somebody else's.
    pub(crate) fn is_held_up(&self) -> bool {
        HELD_UP.contains(&&*self.code)
    }
}

/// Codes of what has waited too long: lock_not_available, query_canceled.
const HELD_UP: [&str; 2] = ["55P03", "57014"];
/// For all that is asked: nobody is to wait long, not for a lock either.
const LIMITS: &str = "SET lock_timeout = '2s'; SET statement_timeout = '8s'";
/// More is never needed at once.
const CONNECTIONS: u32 = 2;

/// Where a URL leads, without its password.
pub(crate) fn shown(url: &str) -> String {
    options(url).map(|options| target(&options)).unwrap_or_default()
}

/// Whether the PostgreSQL at `url` lets us in, asked over connections of its own that `limit` bounds.
pub(crate) async fn visit(url: &str, limit: Duration) -> Result<(), Unusable> {
    let options = options(url).map_err(Unusable::Url)?;
    let silent = || Unusable::Failure(Failure::new(PartFault::Hanging, format!("no answer within {limit:?}")));
    let connection = match tokio::time::timeout(limit, options.connect()).await {
        Ok(connection) => connection.map_err(|error| unusable(&error))?,
        Err(_) => return Err(silent()),
    };
    let version = connection.server_version_num().unwrap_or(0);
    if version < OLDEST_VERSION {
        let _ = tokio::time::timeout(limit, connection.close()).await;
        return Err(Unusable::TooOld(format!("{}.{}", version / 10_000, version % 100)));
    }
    match tokio::time::timeout(limit, is_pooled(connection, &options, limit)).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(Unusable::Pooler),
        Err(_) => Err(silent()),
    }
}

/// What PostgreSQL means is in its language in the message, and told apart only by who of it says so:
/// <https://www.postgresql.org/docs/current/protocol-error-fields.html>, `R`.
fn unusable(error: &sqlx::Error) -> Unusable {
    let answer = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    if let Some(answer) = answer.filter(|answer| answer.code() == "28000") {
        let reason = answer.message().to_owned();
        return match answer.routine() {
            Some("ClientAuthentication") => Unusable::HostRules(reason),
            Some("auth_failed") => Unusable::Identity(reason),
            _ => Unusable::Role(reason),
        };
    }
    if let Some(answer) = answer.filter(|answer| answer.code() == "42501") {
        return Unusable::Connect(answer.message().to_owned());
    }
    let mut failure = failure(error);
    if let sqlx::Error::Io(error) = error
        && error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
    {
        failure.fault = PartFault::Tls;
    }
    if let Some(answer) = answer {
        answer.message().clone_into(&mut failure.reason);
    }
    Unusable::Failure(failure)
}

impl StoreError {
    /// Whether somebody else's transaction was in the way for too long.
    pub(crate) fn is_held_up(&self) -> bool {
        let Self::Query(error) = self else { return false };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| HELD_UP.contains(&&*code))
    }
}

impl Store {
    /// The history at `url` for a visitor, who waits for nothing long.
    ///
    /// # Errors
    ///
    /// [`StoreError::Url`]
    pub(crate) fn visited(url: &str, limit: Duration) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .min_connections(0)
            .max_connections(CONNECTIONS)
            .acquire_timeout(limit)
            .after_connect(|connection, _| {
                Box::pin(async { sqlx::raw_sql(LIMITS).execute(connection).await.map(drop) })
            })
            .connect_lazy_with(options(url)?);
        Ok(Self { pool: Pool::new(pool), connect_timeout: limit, is_open: watch::Sender::new(false) })
    }

    /// What the server is and what the role may be.
    pub(crate) async fn condition(&self) -> Result<Condition, StoreError> {
        let condition = sqlx::query_as(
            "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
                    quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
                    pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only,
                    (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only_source,
                    pg_has_role(current_user, 'pg_monitor', 'USAGE') AS is_monitor,
                    (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory,
                    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL OR usesysid IS NOT NULL) AS connections,
                    current_setting('max_connections')::bigint
                        - current_setting('superuser_reserved_connections')::bigint AS max_connections",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(condition)
    }

    /// How far the server's clock is ahead of this host's, and how exactly that is known.
    pub(crate) async fn clock_ahead(&self) -> Result<(SignedDuration, Duration), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let (asked, before) = (Instant::now(), Timestamp::now());
        let microseconds: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            .fetch_one(&mut *connection)
            .await?;
        let took = asked.elapsed();
        let theirs = Timestamp::from_microsecond(microseconds).unwrap_or_default();
        let ours = before + SignedDuration::try_from(took / 2).unwrap_or_default();
        Ok((theirs.duration_since(ours), took / 2))
    }

    /// The months of today and tomorrow, as `2026_11`, that have no partition.
    pub(crate) async fn missing_partitions(&self) -> Result<Vec<String>, StoreError> {
        let months = sqlx::query_scalar(
            "SELECT DISTINCT to_char(day AT TIME ZONE 'UTC', 'YYYY_MM') AS month
             FROM unnest(ARRAY[now(), now() + INTERVAL '1 day']) AS day
             WHERE NOT EXISTS (
                 SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                 WHERE inhparent = to_regclass('system_metrics')
                   AND relname = 'system_metrics_' || to_char(day AT TIME ZONE 'UTC', 'YYYY_MM'))
             ORDER BY month",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(months)
    }

    /// The lines that are missing before statements are counted.
    pub(crate) async fn missing_statements(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(missing_lines(&mut connection).await?)
    }

    /// The newest rows of a host.
    pub(crate) async fn newest(&self, host: &str) -> Result<Vec<Newest>, StoreError> {
        let microseconds = "(extract(epoch FROM timestamp) * 1000000)::bigint";
        let labels = serde_json::json!({ HOST_LABEL: host }).to_string();
        let sample: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT {microseconds} FROM system_metrics WHERE metric_name = 'memory_usage' AND labels = $1::jsonb
             ORDER BY timestamp DESC LIMIT 1"
        )))
        .bind(labels)
        .fetch_optional(&self.pool)
        .await?;
        let mut all = vec![Newest { kind: "system_metrics", at: timestamp(sample) }];
        for kind in ["system", "application", "business"] {
            let row: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "SELECT {microseconds} FROM metrics_raw WHERE metric_type = $1 AND data ->> 'host' = $2
                 ORDER BY timestamp DESC LIMIT 1"
            )))
            .bind(kind)
            .bind(host)
            .fetch_optional(&self.pool)
            .await?;
            all.push(Newest { kind, at: timestamp(row) });
        }
        Ok(all)
    }

    /// The latest sample that was taken later than the server's now, of any host.
    pub(crate) async fn future(&self) -> Result<Option<Future>, StoreError> {
        let row: Option<(Option<String>, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT labels ->> 'host', (extract(epoch FROM timestamp) * 1000000)::bigint FROM system_metrics
             WHERE timestamp > clock_timestamp() + {FUTURE} ORDER BY timestamp DESC LIMIT 1"
        )))
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|(host, at)| Some(Future { host: host.unwrap_or_default(), at: timestamp(Some(at))? })))
    }

    /// Of how many samples of the host within some `interval`s up to its newest one there was another less
    /// than three quarters of one before: of every second one, where two take them.
    pub(crate) async fn close_samples(&self, host: &str, interval: Duration) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar(
            "WITH newest AS (
                 SELECT timestamp FROM system_metrics WHERE metric_name = 'memory_usage' AND labels = $1::jsonb
                 ORDER BY timestamp DESC LIMIT 1),
             samples AS (
                 SELECT sample.timestamp, lag(sample.timestamp) OVER (ORDER BY sample.timestamp) AS before
                 FROM system_metrics AS sample, newest
                 WHERE metric_name = 'memory_usage' AND labels = $1::jsonb
                   AND sample.timestamp > newest.timestamp - make_interval(secs => $2 * $3))
             SELECT count(*) FROM samples WHERE timestamp - before < make_interval(secs => $2 * 0.75)",
        )
        .bind(serde_json::json!({ HOST_LABEL: host }).to_string())
        .bind(interval.as_secs_f64())
        .bind(INTERVALS)
        .fetch_one(&self.pool)
        .await?;
        Ok(count)
    }

    /// Who holds up connections of ours, with a transaction that is seconds old.
    pub(crate) async fn blockers(&self) -> Result<Vec<Blocker>, StoreError> {
        let blockers = sqlx::query_as(
            "SELECT DISTINCT blocker.pid, coalesce(blocker.usename::text, '') AS user,
                    blocker.state,
                    extract(epoch FROM clock_timestamp() - blocker.xact_start)::float8 AS seconds
             FROM pg_stat_activity AS waiting
             JOIN pg_stat_activity AS blocker ON blocker.pid = ANY(pg_blocking_pids(waiting.pid))
             WHERE waiting.application_name = 'recipe-monitoring' AND waiting.wait_event_type = 'Lock'
               AND blocker.application_name <> 'recipe-monitoring'
             ORDER BY seconds DESC NULLS LAST",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(blockers)
    }

    /// Whether PostgreSQL takes what a save writes: rows without a number of a sequence, in a
    /// transaction that is taken back.
    pub(crate) async fn try_save(&self, host: &str) -> Result<(), Refused> {
        let outcome = async {
            let mut transaction = self.pool.begin().await?;
            sqlx::raw_sql(TRIAL_LIMITS).execute(&mut *transaction).await?;
            sqlx::query("INSERT INTO recipe_monitoring_state.streams (stream, host, position) VALUES ($1, $2, 0)")
                .bind(Uuid::now_v7())
                .bind(host)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO system_metrics (id, timestamp, metric_name, metric_value, labels)
                 VALUES (0, clock_timestamp(), $1, 0, jsonb_build_object('host', $1))",
            )
            .bind(NAME)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "INSERT INTO metrics_raw (id, timestamp, metric_type, data)
                 VALUES (0, clock_timestamp(), 'system', jsonb_build_object('host', $1))",
            )
            .bind(NAME)
            .execute(&mut *transaction)
            .await?;
            transaction.rollback().await
        };
        outcome.await.map_err(|error: sqlx::Error| {
            let answer = error.as_database_error();
            let code = answer.and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
            Refused { code, message: answer.map_or_else(|| error.to_string(), |answer| answer.message().to_owned()) }
        })
    }
}

fn timestamp(microseconds: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds?).ok()
}
