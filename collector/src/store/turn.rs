//! Scheduled work on the database: done by one of all collectors, once, or not at all.
//!
//! Collectors agree by a lease: a row that its holder renews and that others may take when it has
//! run out, by the database's clock. That alone cannot stop a holder that was paused and wakes up
//! late, so every transaction of scheduled work ends with the fence: it locks the lease's row and
//! sees that it is still its own, or else rolls back. The epoch grows with every new holder.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::config::Schedule;
use crate::schedule::Job;

use super::{Store, StoreError};

/// The lease's row.
const NAME: &str = "schedule";
/// Shorter than a lease, so that a holder that is paused between the fence and the commit does
/// not hold up the next one.
const LONGEST_SILENCE: &str = "SET LOCAL idle_in_transaction_session_timeout = '2s'";
/// What somebody else's transaction holds is not waited for until its end, and it is tried again.
const LONGEST_LOCK: &str = "SET LOCAL lock_timeout = '5s'";

/// By what right work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// As the holder of the lease.
    Lease {
        /// Who.
        holder: Uuid,
        /// Since which change of holders.
        epoch: i64,
    },
    /// An administrator asked for it. The lock of the job keeps the holder of the lease out meanwhile.
    Command,
}

/// One run of a job.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its name in `/metrics` and the log.
    pub job: &'static str,
    /// The moment it was due.
    pub scheduled_for: Timestamp,
    /// Where it runs.
    pub host: String,
    /// By what right.
    pub right: Right,
    /// How long each of its transactions may take.
    pub limit: Duration,
}

impl Turn {
    /// A run of `job` that was due at `scheduled_for`, on `host`.
    #[must_use]
    pub fn new(job: Job, scheduled_for: Timestamp, host: &str, right: Right) -> Self {
        let limit = job.limit(&Schedule::default());
        Self { job: job.name(), scheduled_for, host: host.to_owned(), right, limit }
    }

    /// The same, of which no transaction may take longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

/// The last success of a job on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRun {
    /// Its name.
    pub job: String,
    /// The moment it was due.
    pub scheduled_for: Timestamp,
    /// When it was done.
    pub finished_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// Where it ran.
    pub host: String,
    /// What it did.
    pub did: String,
}

impl Store {
    /// Takes the lease, or renews it; answers the epoch while it is held. It runs out by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; it is not known then who holds it.
    pub async fn hold_lease(&self, holder: Uuid, host: &str, seconds: f64) -> Result<Option<i64>, StoreError> {
        let epoch = sqlx::query_scalar(
            "INSERT INTO recipe_monitoring_state.leases AS lease (name, holder, host, epoch, expires_at)
             VALUES ($1, $2, $3, 1, clock_timestamp() + make_interval(secs => $4))
             ON CONFLICT (name) DO UPDATE SET
                 epoch = CASE WHEN lease.holder = $2 THEN lease.epoch ELSE lease.epoch + 1 END,
                 holder = $2, host = $3, expires_at = EXCLUDED.expires_at
             WHERE lease.holder = $2 OR lease.expires_at < clock_timestamp()
             RETURNING epoch",
        )
        .bind(NAME)
        .bind(holder)
        .bind(host)
        .bind(seconds)
        .fetch_optional(&self.pool)
        .await?;
        Ok(epoch)
    }

    /// Gives the lease up, for the next to take it at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; it runs out by itself then.
    pub async fn give_up_lease(&self, holder: Uuid) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE recipe_monitoring_state.leases SET expires_at = '-infinity' WHERE name = $1 AND holder = $2",
        )
        .bind(NAME)
        .bind(holder)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Does `work` in one transaction, all or nothing, at the end of which it is noted what was
    /// done, if the right to do it still holds.
    ///
    /// # Errors
    ///
    /// [`StoreError::LostLease`], [`StoreError::Locked`], [`StoreError::TooLong`], or what `work` or
    /// PostgreSQL answer; nothing was done then, unless the connection broke while PostgreSQL answered the commit.
    pub(super) async fn in_turn<T>(
        &self,
        turn: &Turn,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<(T, String), StoreError>,
    ) -> Result<(T, String), StoreError> {
        let outcome = tokio::time::timeout(turn.limit, self.transact(turn, work)).await;
        outcome.map_err(|_| StoreError::TooLong(turn.limit))?.map_err(|error| held_up(error, turn.limit))
    }

    async fn transact<T>(
        &self,
        turn: &Turn,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<(T, String), StoreError>,
    ) -> Result<(T, String), StoreError> {
        let started = std::time::Instant::now();
        let mut transaction = self.pool.begin().await?;
        sqlx::query(LONGEST_SILENCE).execute(&mut *transaction).await?;
        // Else the server would go on with what we have given up, and hold the job's lock.
        sqlx::query("SELECT set_config('statement_timeout', $1, TRUE)")
            .bind(turn.limit.as_millis().to_string())
            .execute(&mut *transaction)
            .await?;
        // Not two runs of one job at once, even by hand.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('recipe_monitoring job'), hashtext($1))")
            .bind(turn.job)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(LONGEST_LOCK).execute(&mut *transaction).await?;
        let (result, did) = work(&mut transaction).await?;
        note_run(&mut transaction, turn, started.elapsed().as_secs_f64(), &did).await?;
        fence(&mut transaction, turn.right).await?;
        transaction.commit().await?;
        Ok((result, did))
    }

    /// The last success of every job on every host.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn job_runs(&self) -> Result<Vec<JobRun>, StoreError> {
        let rows: Vec<(String, i64, i64, f64, String, String)> = sqlx::query_as(
            "SELECT job, (extract(epoch FROM scheduled_for) * 1000000)::bigint,
                    (extract(epoch FROM finished_at) * 1000000)::bigint, seconds, host, did
             FROM recipe_monitoring_state.job_runs ORDER BY job, host",
        )
        .fetch_all(&self.pool)
        .await?;
        let at = |microsecond| Timestamp::from_microsecond(microsecond).unwrap_or_default();
        let runs = rows.into_iter().map(|(job, scheduled_for, finished_at, seconds, host, did)| JobRun {
            job,
            scheduled_for: at(scheduled_for),
            finished_at: at(finished_at),
            seconds,
            host,
            did,
        });
        Ok(runs.collect())
    }
}

/// What it means that the server has given a statement up.
fn held_up(error: StoreError, limit: Duration) -> StoreError {
    let StoreError::Query(sqlx::Error::Database(answer)) = &error else { return error };
    match answer.code().as_deref() {
        Some("55P03") => StoreError::Locked,
        Some("57014") => StoreError::TooLong(limit),
        _ => error,
    }
}

/// Notes that a job was done, in the transaction that did it.
pub(super) async fn note_run(
    connection: &mut PgConnection,
    turn: &Turn,
    seconds: f64,
    did: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO recipe_monitoring_state.job_runs (job, scheduled_for, finished_at, seconds, host, did)
         VALUES ($1, $2::text::timestamptz, clock_timestamp(), $3, $4, $5)
         ON CONFLICT (job, host) DO UPDATE SET scheduled_for = EXCLUDED.scheduled_for,
             finished_at = EXCLUDED.finished_at, seconds = EXCLUDED.seconds, did = EXCLUDED.did",
    )
    .bind(turn.job)
    .bind(turn.scheduled_for.to_string())
    .bind(seconds)
    .bind(&turn.host)
    .bind(did)
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks the lease until the commit, which follows at once.
pub(super) async fn fence(connection: &mut PgConnection, right: Right) -> Result<(), StoreError> {
    let Right::Lease { holder, epoch } = right else { return Ok(()) };
    let held = sqlx::query(
        "SELECT FROM recipe_monitoring_state.leases WHERE name = $1 AND holder = $2 AND epoch = $3 FOR SHARE",
    )
    .bind(NAME)
    .bind(holder)
    .bind(epoch)
    .fetch_optional(connection)
    .await?;
    held.map(drop).ok_or(StoreError::LostLease)
}
