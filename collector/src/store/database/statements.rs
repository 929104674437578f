//! What `pg_stat_statements` counts, and what it had counted at each hour before.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::look::timestamp;
use super::unsigned;
use crate::database::{Count, Obstacle, ObstacleKind, Statement, Statements, change};
use crate::store::literals::{LONGEST_TEXT, without_literals};

/// Statements that are shown.
const SHOWN: i64 = 50;
/// Statements of which it is kept each hour what was counted.
const KEPT: i64 = 200;
/// Days that this is kept for.
const DAYS: i32 = 8;

#[derive(FromRow)]
struct Row {
    queryid: Option<i64>,
    query: Option<String>,
    database: Option<String>,
    calls: i64,
    total_ms: f64,
    rows: i64,
    all_ms: f64,
}

/// What there is of the extension.
#[derive(FromRow)]
struct Extension {
    /// The schema it is in, where it was created.
    schema: Option<String>,
    is_loaded: bool,
    is_installed: bool,
    /// Other libraries that are loaded, where the role may see that.
    libraries: Option<String>,
}

/// A parameter of its own is there for everybody once the library was loaded.
const EXTENSION: &str = "
    SELECT (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
            WHERE extname = 'pg_stat_statements') AS schema,
           current_setting('pg_stat_statements.max', true) IS NOT NULL AS is_loaded,
           CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') THEN true
                ELSE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') END AS is_installed,
           (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS libraries";

/// What counts most, or what has to be done before something counts.
pub(super) async fn statements(
    connection: &mut PgConnection,
    now: Timestamp,
) -> sqlx::Result<Result<Statements, Obstacle>> {
    let extension: Extension = sqlx::query_as(EXTENSION).fetch_one(&mut *connection).await?;
    let Some(schema) = extension.schema.as_ref().filter(|_| extension.is_loaded) else {
        return Ok(Err(Obstacle { kind: ObstacleKind::Extension, remedy: remedy(&extension) }));
    };
    let sql = format!(
        "SELECT queryid, min(nullif(query, '<insufficient privilege>')) AS query, min(datname::text) AS database,
                sum(calls)::bigint AS calls, sum(total_exec_time)::float8 AS total_ms, sum(rows)::bigint AS rows,
                (sum(sum(total_exec_time)) OVER ())::float8 AS all_ms
         FROM {schema}.pg_stat_statements LEFT JOIN pg_database ON pg_database.oid = dbid
         GROUP BY queryid ORDER BY total_ms DESC LIMIT $1"
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(SHOWN).fetch_all(&mut *connection).await?;
    let sql = format!("SELECT (extract(epoch FROM stats_reset) * 1000)::bigint FROM {schema}.pg_stat_statements_info");
    // An extension that was created by an older version has no such view until it is updated.
    let since: Option<i64> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_optional(&mut *connection).await.ok().flatten().flatten();
    let ids: Vec<i64> = rows.iter().filter_map(|row| row.queryid).collect();
    let mut counts = counts(connection, &ids).await.unwrap_or_default();
    let total_ms = rows.first().map_or(0.0, |row| row.all_ms);
    let statement = |row: Row| {
        let calls = unsigned(row.calls);
        let counts = row.queryid.and_then(|id| counts.remove(&id)).map(|mut counts| {
            counts.push(Count { at: now, calls, total_ms: row.total_ms });
            counts
        });
        Statement {
            id: row.queryid.map(|id| id.to_string()).unwrap_or_default(),
            query: row.query.map(|query| without_literals(&query, LONGEST_TEXT)),
            database: row.database.unwrap_or_default(),
            calls,
            mean_ms: if calls > 0 { row.total_ms / float(row.calls) } else { 0.0 },
            total_ms: row.total_ms,
            share: if total_ms > 0.0 { row.total_ms / total_ms * 100.0 } else { 0.0 },
            rows: unsigned(row.rows),
            change: counts.and_then(|counts| change(&counts, now)),
        }
    };
    let statements = rows.into_iter().map(statement).collect();
    Ok(Ok(Statements { since: timestamp(since), total_ms, statements }))
}

/// The lines that are still missing before statements are counted; none where they are.
pub(in crate::store) async fn missing_lines(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    Ok(remedy(&sqlx::query_as(EXTENSION).fetch_one(connection).await?))
}

/// The lines that are still missing.
fn remedy(extension: &Extension) -> Vec<String> {
    let mut lines = Vec::new();
    if !extension.is_installed && extension.schema.is_none() {
        lines.push("# install PostgreSQL's contrib package first, e.g. postgresql-contrib".to_owned());
    }
    if !extension.is_loaded {
        let others = extension.libraries.as_deref().map(str::trim).filter(|libraries| !libraries.is_empty());
        let libraries = others.map_or_else(String::new, |libraries| format!("{libraries}, "));
        lines.push(format!(
            "shared_preload_libraries = '{libraries}pg_stat_statements'  # postgresql.conf, then restart PostgreSQL"
        ));
    }
    if extension.schema.is_none() {
        lines.push("CREATE EXTENSION pg_stat_statements;".to_owned());
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "calls stay far below 2^53")]
fn float(calls: i64) -> f64 {
    calls as f64
}

/// What had been counted of these statements, the oldest first.
async fn counts(connection: &mut PgConnection, ids: &[i64]) -> sqlx::Result<HashMap<i64, Vec<Count>>> {
    let rows: Vec<(i64, i64, i64, f64)> = sqlx::query_as(
        "SELECT queryid, (extract(epoch FROM taken_at) * 1000)::bigint, calls, total_ms
         FROM recipe_monitoring_state.statement_counts
         WHERE queryid = ANY($1) AND taken_at > now() - INTERVAL '51 hours' ORDER BY taken_at",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let mut counts: HashMap<i64, Vec<Count>> = HashMap::new();
    for (id, at, calls, total_ms) in rows {
        if let Some(at) = timestamp(Some(at)) {
            counts.entry(id).or_default().push(Count { at, calls: unsigned(calls), total_ms });
        }
    }
    Ok(counts)
}

/// Keeps what has been counted, unless somebody did since the full hour, and deletes what is old.
pub(super) async fn keep_counts(connection: &mut PgConnection) -> sqlx::Result<()> {
    let extension: Extension = sqlx::query_as(EXTENSION).fetch_one(&mut *connection).await?;
    let Some(schema) = extension.schema.filter(|_| extension.is_loaded) else { return Ok(()) };
    // Without the texts, which are in a file.
    let sql = format!(
        "INSERT INTO recipe_monitoring_state.statement_counts (taken_at, queryid, calls, total_ms)
         SELECT now(), queryid, sum(calls), sum(total_exec_time) FROM {schema}.pg_stat_statements(false)
         WHERE queryid IS NOT NULL AND NOT EXISTS (
             SELECT FROM recipe_monitoring_state.statement_counts WHERE taken_at >= date_trunc('hour', now()))
         GROUP BY queryid ORDER BY sum(total_exec_time) DESC LIMIT $1"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(KEPT).execute(&mut *connection).await?;
    sqlx::query(
        "DELETE FROM recipe_monitoring_state.statement_counts WHERE taken_at < now() - make_interval(days => $1)",
    )
    .bind(DAYS)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_are_missing_are_said_and_other_libraries_stay() {
        let extension = |schema: Option<&str>, is_loaded, libraries: Option<&str>| Extension {
            schema: schema.map(str::to_owned),
            is_loaded,
            is_installed: true,
            libraries: libraries.map(str::to_owned),
        };
        let preload = "shared_preload_libraries = 'pg_stat_statements'  # postgresql.conf, then restart PostgreSQL";
        let create = "CREATE EXTENSION pg_stat_statements;";
        assert_eq!(remedy(&extension(None, false, None)), [preload, create]);
        assert_eq!(remedy(&extension(None, true, None)), [create]);
        assert_eq!(remedy(&extension(Some("public"), false, Some(""))), [preload]);
        let other = remedy(&extension(None, false, Some("timescaledb")));
        assert!(other[0].starts_with("shared_preload_libraries = 'timescaledb, pg_stat_statements'"), "{other:?}");
    }
}
