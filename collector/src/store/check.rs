//! What `check` does to PostgreSQL: rows are written, read back and removed, and nothing of them
//! stays. Others may work on the database meanwhile.
//!
//! A test row is a sample like any other, so it has followers: its series, a mark of its hour,
//! and rollups where a collector makes some in that second. All have the test's name but the
//! mark, which is known by the transaction that wrote both it and the row.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{Store, StoreError};

/// `metric_name` and `rule_name` of all test rows.
const NAME: &str = "recipe_monitoring_check";
/// A number that no binary fraction is equal to.
const VALUE: &str = "0.30000000000000004";
/// How long another check on the same database is waited for.
const TURN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);
/// The server gives up before the client does, so that nothing is written after the removal.
const LONGEST_STATEMENT: &str = "SET statement_timeout = '50s'";

/// Why a check of PostgreSQL failed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Two checks would find each other's rows.
    #[error("another check is under way on this database; wait for its end and try again")]
    Busy,
    /// What was written is not what is read.
    #[error("{place} answers {read} where {written} was written; look for triggers, rules and row security on it")]
    Different {
        /// Where it was read.
        place: &'static str,
        /// What should be there.
        written: String,
        /// What is there.
        read: String,
    },
    /// The server refuses it.
    #[error("PostgreSQL says: {cause}; {remedy}")]
    Refused {
        /// Its words.
        cause: String,
        /// The way out.
        remedy: &'static str,
    },
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CheckError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(answer) = &error else { return Self::Store(error.into()) };
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        let remedy = match answer.code().as_deref().unwrap_or_default() {
            "42501" => "an administrator can give the right: recipe-monitoring-collector setup prints the statements",
            "42P01" | "42883" | "3F000" => "run its CREATE statement in migrations/ again as the owner of the tables",
            "25006" => "this server takes no writes: let DATABASE_URL name the primary, or end its read-only mode",
            "53100" => "make room on the disk of the database",
            "53300" => "raise max_connections of the server, or lower database.pool_max",
            "57014" | "55P03" => "it took too long: see pg_stat_activity for what holds it up, and try again",
            _ => "see the server's log for the circumstances",
        };
        Self::Refused { cause: answer.message().to_owned(), remedy }
    }
}

/// A check under way. No second one runs on the database meanwhile.
#[derive(Debug)]
pub struct Trial {
    store: Store,
    /// Holds the lock, writes and removes: what one connection is asked it does in that order.
    connection: PgConnection,
    id: String,
    host: String,
}

impl Store {
    /// Begins a check, by the program on `host`, when no other is under way.
    ///
    /// # Errors
    ///
    /// [`CheckError::Busy`], or what PostgreSQL answers.
    pub async fn begin_check(&self, host: &str) -> Result<Trial, CheckError> {
        let mut connection = self.pool.acquire().await?.detach();
        sqlx::query(LONGEST_STATEMENT).execute(&mut connection).await?;
        let free = async {
            while !sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('recipe_monitoring check'), 0)")
                .fetch_one(&mut connection)
                .await?
            {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        let waited: Result<sqlx::Result<()>, _> = tokio::time::timeout(TURN, free).await;
        waited.map_err(|_| CheckError::Busy)??;
        let (store, id) = (self.clone(), Uuid::now_v7().to_string());
        Ok(Trial { store, connection, id, host: host.to_owned() })
    }
}

impl Trial {
    /// Writes a sample, after what an earlier check that was killed has left is removed.
    ///
    /// # Errors
    ///
    /// What PostgreSQL answers.
    pub async fn write_metric(&mut self) -> Result<(), CheckError> {
        self.remove().await?;
        sqlx::query(
            "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
             VALUES (now(), $1, $2::numeric, jsonb_build_object('host', $3::text, 'check', $4::text))",
        )
        .bind(NAME)
        .bind(VALUE)
        .bind(&self.host)
        .bind(&self.id)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Reads the sample from the table.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn read_metric(&self) -> Result<(), CheckError> {
        let sql = "SELECT metric_value::text FROM system_metrics WHERE metric_name = $1 AND labels ->> 'check' = $2";
        self.expect("system_metrics", sql, VALUE).await
    }

    /// Reads the sample from the view of the newest values.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn read_latest(&self) -> Result<(), CheckError> {
        let sql = "SELECT metric_value::text FROM latest_metrics WHERE metric_name = $1 AND labels ->> 'check' = $2";
        self.expect("latest_metrics", sql, VALUE).await
    }

    /// Writes an alert.
    ///
    /// # Errors
    ///
    /// What PostgreSQL answers.
    pub async fn write_alert(&mut self) -> Result<(), CheckError> {
        sqlx::query(
            "INSERT INTO alert_history (timestamp, rule_name, severity, category, message, metrics_snapshot)
             VALUES (now(), $1, 'info', 'check', 'written by recipe-monitoring-collector check, which removes it',
                     jsonb_build_object('check', $2::text))",
        )
        .bind(NAME)
        .bind(&self.id)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Reads the alert from the table.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn read_alert(&self) -> Result<(), CheckError> {
        let sql = "SELECT severity::text FROM alert_history WHERE rule_name = $1 AND metrics_snapshot ->> 'check' = $2";
        self.expect("alert_history", sql, "info").await
    }

    /// Reads the alert from the view of the active ones.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn read_active(&self) -> Result<(), CheckError> {
        let sql = "SELECT (age_seconds >= 0)::text FROM active_alerts
                   WHERE rule_name = $1 AND metrics_snapshot ->> 'check' = $2";
        self.expect("active_alerts", sql, "true").await
    }

    /// Has the statistics of the sample computed.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn read_stats(&self) -> Result<(), CheckError> {
        let sql = "SELECT concat_ws(' ', count, min::text) FROM get_metric_stats($1, 1) WHERE $2 <> ''";
        self.expect("get_metric_stats", sql, &format!("1 {VALUE}")).await
    }

    /// Refreshes the materialized view, sees that the sample is in it, and takes the refresh
    /// back: what users read keeps to the timetable and never has the sample in it.
    ///
    /// # Errors
    ///
    /// [`CheckError::Different`], or what PostgreSQL answers.
    pub async fn refresh(&mut self) -> Result<(), CheckError> {
        let mut transaction = self.connection.begin().await?;
        sqlx::query("SELECT refresh_metrics_views()").execute(&mut *transaction).await?;
        let count: Option<i64> = sqlx::query_scalar("SELECT count FROM metrics_last_24h WHERE metric_name = $1")
            .bind(NAME)
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.rollback().await?;
        match count {
            Some(1) => Ok(()),
            count => Err(different("metrics_last_24h", "1", count.map(|count| count.to_string()))),
        }
    }

    /// Removes every test row, also those that an earlier check that was killed has left, and
    /// what has been made of them.
    ///
    /// # Errors
    ///
    /// The first thing that could not be removed; all else is. The next check tries again.
    pub async fn remove(&mut self) -> Result<(), CheckError> {
        let mut transaction = self.connection.begin().await?;
        // No job is in the middle of what it makes of rows that are gone in a moment.
        for job in ["aggregate", "refresh", "summarize"] {
            sqlx::query("SELECT pg_advisory_xact_lock(hashtext('recipe_monitoring job'), hashtext($1))")
                .bind(job)
                .execute(&mut *transaction)
                .await?;
        }
        let mut failure = None;
        for sql in REMOVAL {
            failure = failure.or(attempt(&mut transaction, sql).await.err());
        }
        // Only where a collector has refreshed it within the check, or since one that was killed.
        match attempt(&mut transaction, "SELECT FROM metrics_last_24h WHERE metric_name = $1").await {
            Ok(0) => {}
            Ok(_) => {
                let again = attempt(&mut transaction, "SELECT refresh_metrics_views() WHERE $1 <> ''").await;
                failure = failure.or(again.err());
            }
            Err(error) => failure = failure.or(Some(error)),
        }
        transaction.commit().await?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Ends the check, for the next one.
    pub async fn end(self) {
        let _ = self.connection.close().await;
    }

    async fn expect(&self, place: &'static str, sql: &'static str, written: &str) -> Result<(), CheckError> {
        // Over another connection than the one that wrote it.
        let read: Option<String> =
            sqlx::query_scalar(sql).bind(NAME).bind(&self.id).fetch_optional(&self.store.pool).await?;
        if read.as_deref() == Some(written) { Ok(()) } else { Err(different(place, written, read)) }
    }
}

fn different(place: &'static str, written: &str, read: Option<String>) -> CheckError {
    CheckError::Different { place, written: written.to_owned(), read: read.unwrap_or_else(|| "nothing".to_owned()) }
}

/// Runs one statement so that its failure leaves the others; what is gone holds nothing.
async fn attempt(transaction: &mut Transaction<'_, Postgres>, sql: &'static str) -> sqlx::Result<u64> {
    let mut inner = transaction.begin().await?;
    match sqlx::query(sql).bind(NAME).execute(&mut *inner).await {
        Ok(done) => {
            inner.commit().await?;
            Ok(done.rows_affected())
        }
        Err(error) => {
            inner.rollback().await?;
            let code = error.as_database_error().and_then(|error| error.code());
            if matches!(code.as_deref(), Some("42P01" | "42883" | "3F000")) { Ok(0) } else { Err(error) }
        }
    }
}

/// In this order: what follows from a row goes before the row.
const REMOVAL: [&str; 9] = [
    "DELETE FROM recipe_monitoring_state.hour_marks AS mark USING system_metrics AS sample
     WHERE sample.metric_name = $1 AND mark.hour = date_trunc('hour', sample.timestamp, 'UTC')
       AND mark.xmin = sample.xmin",
    "DELETE FROM system_metrics WHERE metric_name = $1",
    "DELETE FROM recipe_monitoring_state.sightings WHERE metric_name = $1",
    "DELETE FROM recipe_monitoring_state.series_hourly WHERE metric_name = $1",
    "DELETE FROM metrics_hourly WHERE metric_name = $1",
    "UPDATE daily_summaries SET summary_data = summary_data #- ARRAY['metrics', $1]
     WHERE summary_data -> 'metrics' ? $1",
    // A day has a summary only if it has a sample.
    "DELETE FROM daily_summaries WHERE summary_data -> 'metrics' = '{}' AND $1 <> ''",
    "UPDATE daily_summaries SET summary_data = jsonb_set(summary_data, '{alerts,info}',
         to_jsonb(greatest((summary_data #>> '{alerts,info}')::bigint - alerts.count, 0)))
     FROM (SELECT date, count(*) AS count FROM alert_history JOIN daily_summaries
               ON timestamp >= (summary_data ->> 'from')::timestamptz AND timestamp < (summary_data ->> 'to')::timestamptz
               AND alert_history.created_at <= daily_summaries.updated_at
           WHERE rule_name = $1 GROUP BY date) AS alerts
     WHERE alerts.date = daily_summaries.date",
    "DELETE FROM alert_history WHERE rule_name = $1",
];
