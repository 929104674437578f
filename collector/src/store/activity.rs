//! What PostgreSQL is doing, and what it did most; of other roles' statements as much as ours may read.

use sqlx::AssertSqlSafe;

use super::literals::without_literals;
use super::{Store, StoreError};
use crate::top::{LONGEST_QUERY, PLACES, TopQuery, TopStatement};

impl Store {
    /// Statements that run and transactions that are left open, the longest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub(crate) async fn top_queries(&self) -> Result<Vec<TopQuery>, StoreError> {
        type Row = (i32, String, String, String, Option<String>, f64, String);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT pid, coalesce(usename::text, ''), coalesce(datname::text, ''), state,
                    wait_event_type || ':' || wait_event,
                    round(extract(epoch FROM clock_timestamp() - query_start)::numeric, 3)::float8, query
             FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
               AND (state = 'active' OR state LIKE 'idle in transaction%') AND query_start IS NOT NULL
             ORDER BY query_start LIMIT $1",
        )
        .bind(i64::try_from(PLACES).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        let query = |(pid, user, database, state, wait, seconds, query): Row| {
            let query = without_literals(&query, LONGEST_QUERY);
            TopQuery { pid, user, database, state, wait, seconds, query }
        };
        Ok(rows.into_iter().map(query).collect())
    }

    /// The statements that took most time in all; `None` where `pg_stat_statements` does not count.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub(crate) async fn top_statements(&self) -> Result<Option<Vec<TopStatement>>, StoreError> {
        let schema: Option<String> = sqlx::query_scalar(
            "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
             WHERE extname = 'pg_stat_statements'",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(schema) = schema else { return Ok(None) };
        let sql = format!(
            "SELECT query, calls, mean_exec_time, total_exec_time FROM {schema}.pg_stat_statements
             ORDER BY total_exec_time DESC LIMIT $1"
        );
        let rows: Result<Vec<(String, i64, f64, f64)>, sqlx::Error> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(i64::try_from(PLACES).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await;
        let rows = match rows {
            // The extension is there, and its library was not loaded when the server started.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55000") => return Ok(None),
            rows => rows?,
        };
        let statement = |(query, calls, mean_ms, total_ms): (String, i64, f64, f64)| {
            let query = without_literals(&query, LONGEST_QUERY);
            TopStatement { query, calls, mean_ms, total_ms }
        };
        Ok(Some(rows.into_iter().map(statement).collect()))
    }
}
